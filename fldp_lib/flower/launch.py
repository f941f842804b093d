"""The same federation on Flower: processes of their own, each with its own data, that share nothing but messages.

    folder = flower.prepare("demo", plan, "fldp_lib.training.models:MLP", (64, 32, 10), federation)
    history = flower.deploy(folder)

The parts are in `flower`. Local training, clipping, noise and accounting are the package's own, the round loop is `train`.
From a shell: `python -m fldp_lib.flower FOLDER`, with `--simulate` for Flower's simulation. Flower is an optional
install, `pip install "flwr[simulation]>=1.42,<1.43"`; `prepare` and `history` do without.
"""

import argparse
import pathlib
import signal
import sys

from . import agreement, hub
from .deployment import Deployment
from .folders import prepare

RAY_STARTS = 3  # Ray gives its own processes 15 seconds to start, too few on a busy machine; no round has begun then

__all__ = ["Deployment", "deploy", "history", "prepare", "simulate"]


def deploy(folder, tell=None):
    """Run the federation for real: a SuperLink and several SuperNodes on 127.0.0.1, over TLS, known by their keys.

    A folder is one run with one budget: a run that was killed goes on from its checkpoint, a finished one is only read.

    Args:
        folder: what `prepare` wrote.
        tell: called with a line for each round.

    Returns:
        The `History`, the same numbers as `train`'s to 1e-5 if the plan has a seed; where noise is added at the client, the
        server knows no update's norm, and `update_norms` and `fraction_clipped` are NaN.

    Raises:
        ValueError: not a folder that `prepare` wrote.
        RuntimeError: Flower is missing, or the run failed.

    Derived in: notebook 17.
    """
    return _run(folder, False, tell)


def simulate(folder, tell=None):
    """Run the federation in Flower's simulation: the nodes are workers of Ray inside one process, without keys.

    Arguments, returns and errors as in `deploy`. The budget is the folder's: what was simulated is spent.

    Derived in: notebook 17.
    """
    return _run(folder, True, tell)


def history(folder):
    """Return the `History` of what the folder's run has done so far; a round that was only begun counts as lost."""
    return hub.history(pathlib.Path(folder) / "server")


def _run(folder, simulated, tell):
    deployment = Deployment(folder, simulated)
    if hub.begun(deployment.folder / "server"):
        done = history(folder)
        if done.rounds >= deployment.agreed.plan.rounds and not done.lost[-1]:
            return done
    for attempt in range(RAY_STARTS if simulated else 1):
        try:
            with Deployment(folder, simulated) as deployment:
                return deployment.wait(tell=tell)
        except RuntimeError:
            if attempt + 1 >= RAY_STARTS or not simulated or hub.begun(deployment.folder / "server"):
                raise


def main(arguments=None):
    """Run what a command line says; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m fldp_lib.flower", description="Run a prepared federation on Flower.")
    parser.add_argument("folder", help="what fldp_lib.flower.prepare wrote")
    parser.add_argument("--simulate", action="store_true", help="Flower's simulation instead of processes")
    given = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # ε is in no code page but UTF-8's and a few others
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that all processes are ended first
    try:
        done = (simulate if given.simulate else deploy)(given.folder, tell=lambda line: print(line, flush=True))
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(done.guarantee)
    if said := hub.caveat(agreement.read(pathlib.Path(given.folder) / "server")):
        print(said)
    return 0
