"""Shuffled reports: never below the truth, by brute force over all multisets of reports; monotone; the withdrawn formula."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
import torch
from conftest import refuses
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib.privacy import shuffling
from fldp_lib.privacy.randomisers import ALL, Projection, RandomisedResponse, SubsetSelection, UnaryEncoding
from fldp_lib.privacy.response import Local


def shuffled(report, truths):
    """The law of the multiset of reports, by enumeration."""
    found = {(): 1.0}
    for truth in truths:
        grown = defaultdict(float)
        for seen, chance in found.items():
            for number, one in enumerate(report.law(truth).tolist()):
                grown[tuple(sorted((*seen, number)))] += chance * one
        found = grown
    return found


def brute(report, others, epsilon):
    """The exact δ of the shuffled reports between the truths 0 and 1, both directions."""
    laws = [shuffled(report, [truth, *others]) for truth in (0, 1)]
    return max(sum(max(a[key] - math.exp(epsilon) * b[key], 0) for key in a) for a, b in (laws, laws[::-1]))


@pytest.mark.parametrize("report", [SubsetSelection(1.0, 5), Projection(1.0, 5), Projection(0.5, 7), SubsetSelection(0.4, 4),
    UnaryEncoding(1.0, 3), RandomisedResponse(1.5, 4)], ids=str)  # fmt: skip
def test_the_bound_is_never_below_the_truth(report):
    for others in ([2, 2, 2], [0, 1, 2], [0, 0, 0], [2, 1, 1]):
        for epsilon in (0.0, 0.2, 0.35):
            assert brute(report, others, epsilon) <= shuffling.delta(report, 4, epsilon) + 1e-12
            assert brute(report, others, epsilon) <= shuffling.delta(report.epsilon, 4, epsilon) + 1e-12


@pytest.mark.parametrize(("k", "others"), [(2, 30), (3, 12), (4, 8)])
def test_larger_crowds_of_k_ary_responses(k, others):
    for local, epsilon in itertools.product((0.5, 1.0, 3.0), (0.0, 0.1, 0.3, 0.35)):
        report = RandomisedResponse(local, k)
        for ones in range(others + 1):
            for rest in (0, 2 % k):
                truth = shuffling.exact_delta(report, [1] * ones + [rest] * (others - ones), [0, 1], epsilon)
                assert truth <= shuffling.delta(report, others + 1, epsilon) * (1 + 1e-9) + 1e-15


def test_exact_delta_is_brute_force():
    for others in ([], [0, 0, 1], [2, 2, 1, 0]):
        report = RandomisedResponse(1.2, 3)
        assert shuffling.exact_delta(report, others, [0, 1], 0.3) == pytest.approx(brute(report, others, 0.3), rel=1e-9)


def test_binary_responses_meet_their_bound_where_the_blanket_is_all_there_is():
    """k = 2: the sum over the crowd, by hand: N = 1 + Bin(n − 1, 2·other) even coins, one of them tilted."""
    report, people, epsilon = RandomisedResponse(1.0, 2), 20, 0.2
    keep, other, total = report.keep, report.other, 0.0
    for clones in range(people):
        a = np.arange(clones + 2)
        first, second = (x * stats.binom.pmf(a - 1, clones, 0.5) + (1 - x) * stats.binom.pmf(a, clones, 0.5)
            for x in (keep, other))  # fmt: skip
        total += stats.binom.pmf(clones, people - 1, 2 * other) * np.maximum(first - math.exp(epsilon) * second, 0).sum()
    assert shuffling.delta(report, people, epsilon) == pytest.approx(total, rel=1e-4)
    assert shuffling.delta(report, people, epsilon) >= total * (1 - 1e-9)


def test_clones_lie_under_every_law_and_no_more_of_them_would():
    """Whatever the truth, a report's law is at least e^−ε₀ of the mean of two truths' laws; a set with both and without the
    own one meets that exactly."""
    for kind in ALL.values():
        report = kind(0.3, 5)
        share, least, *_ = Local.blanket.fget(report)
        laws = torch.stack([report.law(truth) for truth in range(5)])
        room = (laws[2] / ((laws[0] + laws[1]) / 2)).min().item()
        assert room >= share * (1 - 1e-9) and least == pytest.approx(2 / (1 + math.exp(0.3)))
        if kind is SubsetSelection:
            assert room == pytest.approx(share)


def test_the_formula_with_a_silent_third_outcome_is_below_the_truth():
    """What the erratum of 2023 withdraws: clones at 2/(e^ε₀ + k − 1), own report in, out or silent. Three categories,
    twelve others who all say 0: the exact δ is a third larger."""
    local, k, people, epsilon = 0.5, 3, 13, 0.35
    report = RandomisedResponse(local, k)
    alpha, laws = report.other, [defaultdict(float), defaultdict(float)]
    outcomes = [(1, 0, math.exp(local) * alpha), (0, 1, alpha), (0, 0, 1 - alpha * (1 + math.exp(local)))]
    for clones in range(people):
        for a in range(clones + 1):
            chance = stats.binom.pmf(clones, people - 1, 2 * alpha) * stats.binom.pmf(a, clones, 0.5)
            for left, right, mass in outcomes:
                laws[0][a + left, clones - a + right] += chance * mass
                laws[1][a + right, clones - a + left] += chance * mass
    withdrawn = sum(max(laws[0][key] - math.exp(epsilon) * laws[1][key], 0) for key in laws[0])
    exact = shuffling.exact_delta(report, [0] * 12, [0, 1], epsilon)
    assert withdrawn < 0.75 * exact
    assert exact <= shuffling.delta(report, people, epsilon)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(ALL)), st.floats(0.2, 5), st.integers(2, 50), st.integers(2, 3_000), st.floats(1e-8, 0.1))
def test_epsilon_is_at_most_the_local_one_and_keeps_its_delta(kind, local, k, people, delta):
    report = ALL[kind](local, k)
    found = shuffling.epsilon(report, people, delta)
    assert 0 <= found <= local * (1 + 1e-12)
    assert found == 0 or shuffling.delta(report, people, found) <= delta * (1 + 1e-9)


def test_more_people_hide_better():
    found = [shuffling.epsilon(RandomisedResponse(2.0, 16), people, 1e-6) for people in (1, 10, 100, 1_000, 10_000)]
    assert found[0] == pytest.approx(2.0, rel=1e-5) and all(a > b for a, b in itertools.pairwise(found[1:]))
    assert found[-1] < 0.1


@pytest.mark.parametrize("kind", [None, RandomisedResponse, Projection])
def test_local_epsilon_and_epsilon_undo_each_other(kind):
    k = None if kind is None else 20
    local = shuffling.local_epsilon(0.5, 5_000, 1e-6, kind, k)
    report = local if kind is None else kind(local, k)
    assert local > 1 and 0.45 < shuffling.epsilon(report, 5_000, 1e-6) <= 0.5 * (1 + 1e-5)


@pytest.mark.parametrize("local", [1.0, 12.0, 19.9, 25.0, 34.0, 40.0, 100.0, 300.0, 500.0])
def test_one_report_alone_hides_nowhere_however_large_its_epsilon(local):
    """n = 1: δ(ε) = (e^ε₀ − e^ε)/(e^ε₀ + 1) of a binary response, in 50 digits, and ε from it."""
    import mpmath

    with mpmath.workdps(50):
        grow = mpmath.exp(local)
        for gap in (1e-3, 0.1, 1.0, 0.5 * local):
            exact = float((grow - mpmath.exp(local - gap)) / (grow + 1))
            for report in (local, RandomisedResponse(local, 2)):
                assert exact * (1 - 1e-9) <= shuffling.delta(report, 1, local - gap) <= exact * (1 + 2e-3)
        exact = float(mpmath.log(grow - mpmath.mpf("1e-6") * (grow + 1)))
    for report in (local, RandomisedResponse(local, 2)):
        assert exact * (1 - 1e-12) <= shuffling.epsilon(report, 1, 1e-6) <= exact * (1 + 2e-6) + 2e-6


@pytest.mark.parametrize("local", [10.0, 18.0, 20.0, 40.0])
@pytest.mark.parametrize("people", [2, 30, 1_000])
def test_large_epsilons_of_binary_responses_are_not_below_the_truth(local, people):
    """All others say 0: the law of the number of ones, its differences by hand, since e^ε₀ times a chance is another one."""
    report, ones = RandomisedResponse(local, 2), np.arange(people + 1)
    other = math.exp(-local) / (1 + math.exp(-local))
    crowd = stats.binom.pmf(ones, people - 1, other)
    before = np.concatenate([[0], crowd[:-1]])
    for gap in (1e-2, 1.0, 0.3 * local, 0.7 * local):
        epsilon = local - gap
        more, less = other * math.exp(epsilon) * math.expm1(gap), other * -math.expm1(epsilon + local)
        truth = max(np.maximum(crowd * a + before * b, 0).sum() for a, b in ((more, less), (less, more)))
        assert truth * (1 - 1e-9) <= shuffling.delta(report, people, epsilon)


def test_refusals():
    refuses(lambda: shuffling.local_epsilon(1.0, 10, 1e-5, RandomisedResponse), ValueError, "categories", "None")
    refuses(lambda: shuffling.local_epsilon(1.0, 10, 1e-5, "k-RR", 4), TypeError, "kind", "k-RR")
    refuses(lambda: shuffling.exact_delta(Projection(1.0, 5), [], [0, 1], 0.1), TypeError, "report")
