"""A bar over the steps of a cell: it shows after two seconds, and an interruption keeps what was done."""

import os
import pathlib
import signal
import threading

import jupyter_client.manager
import pytest

from fldp_lib.course import bar
from fldp_lib.training import _bar


@pytest.fixture(autouse=True)
def interruptible():
    """Ctrl-C raises, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press():
    os.kill(os.getpid(), signal.SIGINT)


def usual():
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_goes_through_all_values_in_order_and_leaves_ctrl_c_as_it_was(capsys):
    assert list(bar(range(5))) == [0, 1, 2, 3, 4] and list(bar({"a": 1}.items())) == [("a", 1)] and list(bar([])) == []
    assert usual() and capsys.readouterr() == ("", "")


def test_interrupted_it_finishes_the_step_and_keeps_what_is_done(capsys):
    found = [(k == 2 and press(), k)[1] for k in bar(range(10))]
    assert found == [0, 1, 2] and usual()
    assert capsys.readouterr().err == "interrupted: 3 of 10 done\n"


def test_interrupted_twice_it_stops_at_once():
    found = []
    with pytest.raises(KeyboardInterrupt):
        for k in bar(range(10)):
            if k == 2:
                press(), press()
            found.append(k)
    assert found == [0, 1] and usual()


def test_bars_in_one_another_end_together(capsys):
    found = {a: [(a == 1 and b == 2 and press(), b)[1] for b in bar(range(4))] for a in bar(range(3))}
    assert found == {0: [0, 1, 2, 3], 1: [0, 1, 2]} and usual()
    assert capsys.readouterr().err == "interrupted: 3 of 4 done\ninterrupted: 2 of 3 done\n"


def test_an_error_or_a_break_gives_ctrl_c_back():
    with pytest.raises(ZeroDivisionError):
        [1 / k for k in bar(range(3))]
    assert usual()
    for _k in bar(range(3)):
        break
    assert usual()
    with pytest.raises(KeyboardInterrupt):
        press()


def test_what_ignores_ctrl_c_goes_on_ignoring_it():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert [(press(), k)[1] for k in bar(range(3))] == [0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_a_thread_there_is_the_bar_alone():
    found = []
    thread = threading.Thread(target=lambda: found.extend(bar(range(3))))
    thread.start(), thread.join()
    assert found == [0, 1, 2]


def shown(monkeypatch):
    """Ten steps of 0.9 seconds, interrupted in the fifth: what the bar is told."""
    now, seen = [0.0], []
    monkeypatch.setattr(_bar.time, "monotonic", lambda: now[0])

    class Shown:
        def __init__(self, **words):
            seen.append(words)

        def update(self, count):
            seen.append(count)

        def close(self):
            seen.append("closed")

    monkeypatch.setattr("tqdm.auto.tqdm", Shown)
    for k in bar(range(10), unit="plan"):
        now[0] += 0.9
        if k == 4:
            press()
    return seen


def test_the_bar_shows_after_two_seconds_and_goes_when_interrupted(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    assert shown(monkeypatch) == [{"total": 10, "initial": 3, "unit": "plan", "leave": False}, 1, 1, "closed"]


def test_tqdm_disable_hides_it_in_a_notebook_too(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert shown(monkeypatch) == []


LONG = """
import itertools, types
from fldp_lib.course import bar
from fldp_lib.training import _bar

_bar.time = types.SimpleNamespace(monotonic=itertools.count().__next__)  # a second each time somebody looks
print(len(list(bar(range(9)))))
"""


def test_a_notebook_that_runs_by_itself_has_no_bar_among_its_outputs():
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    environment["PYTHONPATH"] = str(pathlib.Path(__file__).resolve().parents[2])
    manager, client = jupyter_client.manager.start_new_kernel(env=environment)
    try:
        found = {}
        for watched in (False, True):
            outputs = found[watched] = []

            def keep(message, outputs=outputs):
                if message["msg_type"] in ("stream", "display_data", "error"):
                    outputs.append(message["msg_type"])

            client.execute_interactive(LONG, allow_stdin=watched, output_hook=keep, timeout=60)
        assert found == {False: ["stream"], True: ["display_data", "stream"]}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
