"""Many split models at once, as notebook 24's explorers train them, are the runs of `vertical.split.train`."""

import re

import pytest
import torch

from fldp_lib import mechanisms
from fldp_lib.course.exhibits import _cut, nb24
from fldp_lib.vertical import matching, protection, split


@pytest.mark.parametrize("names", [_cut.ALL, ("clinic", "hospital"), ("hospital",)])
@pytest.mark.parametrize("labels", [None, mechanisms.RandomisedResponse(1.0)], ids=["plain", "flipped"])
def test_each_run_is_the_one_that_split_trains(names, labels):
    few, test = _cut.table(120, names)
    found = _cut.together(few, labels, draws=2)
    for seed in range(2):
        run = split.train(few, _cut.STEPS, _cut.LR, _cut.MOMENTUM, labels=labels, seed=seed)
        assert torch.allclose(found.weights[2][seed], run.top[0], atol=1e-10)
        assert float(found.accuracy(test)[seed]) == pytest.approx(run.accuracy(test))
        for name in run.others:
            assert torch.allclose(found.gradients(name, seed), run.gradients[name], atol=1e-10)


@pytest.mark.parametrize("noise", [protection.guard(8.0, fixed=True, clip=0.5), mechanisms.RandomisedResponse(2.0)],
                         ids=["numbers", "bits"])  # fmt: skip
def test_what_is_sent_once_is_sent_as_split_sends_it(noise):
    few, test = _cut.table(120)
    bits = isinstance(noise, mechanisms.RandomisedResponse)
    cut, added = (1, noise) if bits else (2, noise.messages)
    found = _cut.together(few, fixed=added, cut=cut, draws=2)
    for seed in range(2):
        run = split.train(few, _cut.STEPS, cut=cut, fixed="mean" if bits else "random", features=noise, seed=seed)
        assert torch.allclose(found.weights[2][seed], run.top[0], atol=1e-10)
        assert float(found.accuracy(test, added)[seed]) == pytest.approx(run.accuracy(test, seed=seed))


def test_the_drawn_points_meet_where_the_lists_do():
    lists = [names[:many] for names, many in zip(nb24._lists(), (20, 30), strict=True)]
    plain = set(lists[0]) & set(lists[1])
    assert len(plain) == 10
    for state, common in ((nb24.HASHED, 10), (nb24.ONE, 0), (nb24.BOTH, 10)):
        mine, theirs = nb24._points(state, 20, 30)
        assert len(set(mine) & set(theirs)) == common
    mine, theirs = nb24._points(nb24.BOTH, 20, 30)
    assert {name for name, point in zip(lists[0], mine, strict=True) if point in set(theirs)} == plain
    assert set(matching.two(matching.Side("a", lists[0]), matching.Side("b", lists[1])).ids) == plain


def test_a_guesser_reads_hashes_and_no_blinded_point():
    explorer = nb24.matched().set(state=nb24.HASHED, guesses=58_400)
    assert len(explorer.result["when"]) == sum(explorer.result["sizes"])
    for state in (nb24.ONE, nb24.BOTH):
        assert not len(explorer.set(state=state).result["when"])


@pytest.mark.parametrize("make", [nb24.tables, nb24.matched, nb24.gradients, nb24.columns, nb24.worth])
def test_every_end_of_every_control_is_another_picture_and_another_sentence(make):
    explorer = make()
    for name, control in explorer.controls.items():
        said, seen = set(), set()
        values = control.spread(2) if hasattr(control, "spread") else control.values
        if hasattr(control, "spread"):  # and one key from the start, whichever way there is
            now = control.value
            keys = (
                [now * 10**control.step, now / 10**control.step] if control.log else [now + control.step, now - control.step]
            )
            near = [control.tidy(key) for key in keys if control.low <= key <= control.high]
            values = sorted({*values, now, *near})
            assert near and now not in near, name
        for value in values:
            explorer.set(**{name: value})
            assert not re.search(r"\bnan\b", explorer.sentence)
            said.add(explorer.sentence)
            seen.add(str([(mark.x.tolist(), mark.y.tolist(), mark.label, mark.style) for mark in explorer.marks]))
        assert len(said) == len(seen) == len(values), name
        explorer.reset()


def test_half_of_the_known_patients_are_of_either_label():
    for patients in (40, 311):
        few = _cut.table(patients)[0]
        known = _cut.known_of(few)
        assert len(set(known.tolist())) == len(known) == _cut.KNOWN and int(few.y[known].sum()) == _cut.KNOWN // 2
