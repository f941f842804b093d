"""What the tests of deployments share: whether Flower is there, and waiting for what a process does in its own time."""

import importlib.util
import os
import time

import pytest

installed = pytest.mark.skipif(
    importlib.util.find_spec("flwr") is None and os.environ.get("FLDP_REQUIRE_PEERS") != "1",
    reason="Flower is not installed; tests/requirements-peers.txt names it",
)


def wait_until(ready, what, seconds=300):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"{what} has not happened within {seconds} seconds"
        time.sleep(0.05)
