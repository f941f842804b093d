"""Long work shows itself and can be interrupted: what is done by then is kept."""

import os
import signal
import threading

import pytest
import torch
from conftest import federation

from fldp_lib import Plan, mechanisms, models, train
from fldp_lib.training import _bar

PLAN = Plan(rounds=6, lr=0.5, mechanism=mechanisms.Gaussian(2.0, clip=1.0), delta=1e-3, seed=3)


@pytest.fixture(autouse=True)
def interruptible():
    """Ctrl-C raises, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(**settings):
    """What a run raises that is interrupted in its third round, while it computes."""
    usual, model, fed = PLAN, models.Linear(3, 3), federation([5] * 9, classes=3)

    def workers(t, theta, members):
        if t == 3:
            raise KeyboardInterrupt
        return torch.ones(len(members), len(theta)) * t

    with pytest.raises(KeyboardInterrupt) as caught:
        train(model, fed, usual, workers=workers, progress=False, **settings)
    return caught.value, train(model, fed, usual, workers=workers, progress=False, until=2)


def test_an_interruption_carries_the_rounds_that_are_done():
    stop, expected = interrupted()
    history = stop.history
    assert torch.equal(history.theta, expected.theta) and history.rounds == 2
    assert list(history.epsilon) == list(expected.epsilon) and list(history.accuracy) == list(expected.accuracy)
    assert "2 of 6 rounds" in repr(stop.__notes__) and "History(2 rounds" in repr(history)


def test_one_before_the_first_round_is_over_carries_nothing():
    with pytest.raises(KeyboardInterrupt) as caught:
        train(
            models.Linear(3, 3),
            federation([5] * 9, classes=3),
            PLAN,
            workers=lambda *a: os.kill(os.getpid(), signal.SIGINT) or a[1],
            progress=False,
        )
    assert not hasattr(caught.value, "history")


def test_a_signal_stops_a_run_with_what_it_has():
    plan, timer = PLAN.changed(rounds=10**6, mechanism=None, seed=None), None

    def begin(t, theta, record):
        nonlocal timer
        if t == 1:
            timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()

    with pytest.raises(KeyboardInterrupt) as caught:
        train(models.Linear(3, 3), federation([5] * 9, classes=3), plan, callback=begin, progress=False)
    history = caught.value.history
    assert 1 <= history.rounds < 10**6 and len(history.theta) == 12


def test_a_bar_appears_after_two_seconds_and_not_before(monkeypatch):
    now, made = [0.0], []
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(_bar.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("tqdm.auto.tqdm", lambda **words: made.append(words) or Shown())
    bar, hidden = _bar.Bar(10, unit="run"), _bar.Bar(10, wanted=False)
    for second in (1, 2, 3, 4):
        now[0] = second
        bar.step(2), hidden.step(2)
        assert len(made) == (second > 2)
    bar.close()
    assert made == [{"total": 10, "initial": 6, "unit": "run", "leave": False}] and Shown.steps == [2] and Shown.closed


class Shown:
    steps, closed = [], False

    def update(self, count):
        self.steps.append(count)

    def close(self):
        Shown.closed = True
