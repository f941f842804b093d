"""What notebook 22's explorers take a short cut for is what the package does: letters, thresholds, shuffled reports."""

import numpy as np
import pytest
import torch

from fldp_lib import analytics
from fldp_lib.course.exhibits import _letters, _mixed, _names, nb22, nb22_trees
from fldp_lib.privacy import randomisers, shuffling


def words(people):
    names, held = _names.everybody()
    return [names[k] for k in held[:people]]


def test_letters_from_counts_are_letters_from_people():
    """With hardly any noise both grow the same tree, where everybody speaks at every letter."""
    people, bar = 6_000, 40.5
    theirs = analytics.heavy_hitters(words(people), 50.0, torch.Generator().manual_seed(0), deal="budget", at_least=bar)
    mine = _letters.grown("budget", 1e4, bar, people)
    near = {p for level in theirs.levels for p, size in level.items() if abs(size - bar) < 3}
    assert len(theirs.levels) == _letters.LEVELS
    for a, b in zip(theirs.levels, mine.levels, strict=True):
        assert {p for p in set(a) ^ set(b) if p not in near and p[:-1] not in near} == set()
    assert set(mine.found) and mine.asked == (people,) * 9


def test_dealt_letters_find_as_often_as_the_package():
    """Names found at ε = 1 in groups: the means over twelve trees each differ by less than five standard errors."""
    mine = [len(_letters.grown("people", 1.0, 100, 20_000, seed).found) for seed in range(12)]
    draws = (torch.Generator().manual_seed(seed) for seed in range(12))
    theirs = [len(analytics.heavy_hitters(words(20_000), 1.0, draw, levels=9, at_least=100).found) for draw in draws]
    error = np.sqrt((np.var(mine, ddof=1) + np.var(theirs, ddof=1)) / 12)
    assert abs(np.mean(mine) - np.mean(theirs)) < 5 * max(error, 0.2)


def test_the_first_picture_releases_what_the_package_releases():
    noisy, out = _names.released(0.7, 1e-5, 9_000)
    rule, counts = analytics.LaplaceThreshold(0.7, 1e-5), torch.from_numpy(_names.counted(9_000))
    index, values = rule.release(counts, torch.Generator().manual_seed(3))
    assert np.array_equal(np.flatnonzero(out), index.numpy()) and np.allclose(noisy[out], values.numpy())
    assert _names.counted(_names.PEOPLE).sum() == _names.PEOPLE == len(words(_names.PEOPLE))


def test_who_looks_for_one_person_in_a_table_is_no_better_than_against_its_count():
    for epsilon in (0.3, 1.0, 4.0, 9.0):
        from fldp_lib.privacy import attacker, mechanisms

        wanted = attacker.of(mechanisms.Laplace(epsilon, 1.0), delta=1e-6)
        mine = nb22.told(epsilon, 1e-6)
        assert mine.even_odds == pytest.approx(wanted.even_odds, abs=2e-3) and mine.tpr == pytest.approx(
            wanted.tpr, abs=2e-2
        )


@pytest.mark.parametrize(("kind", "k", "people", "epsilon"), [("k-RR", 10, 10_000, 1.0), ("projection", 100, 100_000, 0.5)])
def test_the_table_of_shuffled_reports_is_as_computed(kind, k, people, epsilon):
    told = _mixed.local_epsilon(kind, epsilon, people, k)
    assert told == pytest.approx(shuffling.local_epsilon(epsilon, people, 1e-6, randomisers.ALL[kind], k), rel=2e-3)


@pytest.mark.parametrize(("epsilon", "people", "k"), [(1.0, 48_255, 100), (0.3, 3_000, 30), (3.0, 400_000, 500)])
def test_between_its_entries_errors_are_within_a_twentieth(epsilon, people, k):
    for place, arm in analytics.compare(epsilon, 1e-6, people, k, share=1 / k).items():
        assert _mixed.error(place, epsilon, people, k)[0] == pytest.approx(100 * arm.rms, rel=0.05)


def test_a_quantile_is_drawn_from_the_law_that_is_shown():
    values, draw = nb22_trees.amounts(), torch.Generator().manual_seed(2)
    drawn = [analytics.quantile(torch.from_numpy(values), 0.3, 0.05, 200, 20_000, draw) for _ in range(1_000)]
    ends, chance = nb22_trees.law(values, 0.3, 0.05, 200, 20_000)
    below = np.mean(np.array(drawn) < nb22_trees.quantile_of(ends, chance, 0.8))
    assert abs(below - 0.8) < 5 * np.sqrt(0.16 / 1_000)  # false alarms: one in a million
