"""Waiting for a run: the bar follows its rounds, and an interruption carries what there is. No Flower is needed."""

import types

import pytest

from fldp_lib import Plan
from fldp_lib.flower import deployment
from fldp_lib.flower.deployment import Deployment

LINES = ("round 1/3: all answered", "round 2: no answer from node 1", "round 2/3: one did not", "round 3/3: all answered")


class Running(Deployment):
    """A run whose server tells its lines one at a time, and then ends."""

    def __init__(self, folder):
        self.folder, self.logs, self.agreed = folder, folder / "logs", types.SimpleNamespace(plan=Plan(rounds=3))
        self.processes, self.left = {"server": types.SimpleNamespace(poll=self.next)}, list(LINES)
        for name in ("server", "logs"):
            (folder / name).mkdir()

    def next(self):
        if not self.left:
            (self.folder / "server" / "ended").write_text("")
            return
        with open(self.logs / "rounds.log", "a") as log:
            log.write(self.left.pop(0) + "\n")


@pytest.fixture
def steps(monkeypatch):
    """What the bar is stepped by; a history is the number of rounds that were told of."""
    made = []
    step = deployment.Bar.step
    monkeypatch.setattr(deployment.Bar, "step", lambda bar, count: (made.append(count), step(bar, count)))
    monkeypatch.setattr(deployment.time, "sleep", lambda seconds: None)
    return made


def test_the_bar_follows_the_rounds_and_every_line_is_told(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(deployment.hub, "history", lambda server: "all of it")
    told = []
    assert Running(tmp_path).wait(tell=told.append) == "all of it"
    assert steps == [1, 1, 1] and tuple(told) == LINES


def test_an_interruption_carries_the_rounds_that_have_begun(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(deployment.hub, "history", lambda server: types.SimpleNamespace(rounds=2))

    def tell(line):
        if line.startswith("round 2/3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        Running(tmp_path).wait(tell=tell)
    assert caught.value.history.rounds == 2 and steps == [1, 1]
    assert caught.value.__notes__ == ["2 of 3 rounds have begun: sys.last_value.history holds them"]


def test_an_interruption_before_the_first_round_has_nothing_to_carry(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(deployment.hub.agreement, "read", lambda folder: None)
    run = Running(tmp_path)
    run.processes["server"].poll = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        run.wait()
    assert not hasattr(caught.value, "history") and steps == []
