"""Unknown items: the thresholds' laws, what δ pays for, the optimum, and an audit that catches a bar that is too low."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from conftest import generator
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib.analytics import GeometricThreshold, LaplaceThreshold, audit_singles, best_chance
from fldp_lib.data import pets

RULES = [LaplaceThreshold, GeometricThreshold]
some_epsilon, some_delta = st.floats(0.1, 5), st.floats(1e-9, 0.01)


def whole_law(rule, count):
    """A geometric rule's outcome for one item of one person each: {hidden or its noisy count: probability}, by hand."""
    found = {}
    for reach, share in ((rule.threshold - 1, rule.early), (rule.threshold, 1 - rule.early)):
        weights = {noise: math.exp(-rule.epsilon * abs(noise)) for noise in range(-reach, reach + 1)}
        for noise, weight in weights.items():
            shown = count + noise if count and count + noise > reach else "hidden"
            key = (reach, shown)  # the coin seen, too: more than is released
            found[key] = found.get(key, 0.0) + share * weight / sum(weights.values())
    if not count:
        return {(reach, "hidden"): share for reach, share in
            ((rule.threshold - 1, rule.early), (rule.threshold, 1 - rule.early))}  # fmt: skip
    return found


@settings(max_examples=40, deadline=None)
@given(some_epsilon, some_delta, st.integers(0, 60))
def test_the_geometric_rule_is_private_exactly(epsilon, delta, count):
    """δ at ε between an item of n and of n + 1 people, over all outcomes, in both directions."""
    rule = GeometricThreshold(epsilon, delta)
    laws = [whole_law(rule, count), whole_law(rule, count + 1)]
    for a, b in (laws, laws[::-1]):
        spent = sum(max(chance - math.exp(epsilon) * b.get(key, 0.0), 0) for key, chance in a.items())
        assert spent <= delta * (1 + 1e-7) + 1e-13


@settings(max_examples=40, deadline=None)
@given(some_epsilon, some_delta)
def test_an_item_of_one_person_is_released_with_probability_delta(epsilon, delta):
    for rule in RULES:
        one = rule(epsilon, delta).chance(torch.tensor([0, 1]))
        assert one[0] == 0 and one[1].item() == pytest.approx(delta, rel=1e-6)
        several = rule(epsilon, delta, 4).chance(torch.tensor([1])).item()
        assert 1 - (1 - several) ** 4 == pytest.approx(delta, rel=1e-4)  # four new items at once


@pytest.mark.parametrize(("epsilon", "delta", "most"), [(1.0, 1e-15, 1), (1e-3, 1e-12, 1), (1.0, 1e-10, 10_000)])
def test_a_delta_that_rounding_would_break_is_refused(epsilon, delta, most):
    """The law that is drawn, threshold by threshold of a cumulated sum, kept 2.7, 1.6 and 701 times δ' there."""
    with pytest.raises(ValueError, match=r"delta must be at least .* where rounding"):
        GeometricThreshold(epsilon, delta, most)


@pytest.mark.parametrize(("epsilon", "delta", "most"), [(1.0, 1e-6, 1), (1.0, 2e-13 * 27 / 1.9, 1), (0.1, 1e-6, 10)])
def test_the_law_that_is_drawn_keeps_delta_to_a_hundredth(epsilon, delta, most):
    """The chance of the noise's upper end as the generator has it: uniform draws above the last cumulated term but one."""
    rule = GeometricThreshold(epsilon, delta, most)
    ends = [1 - float(rule._law(reach)[1].cumsum(0)[-2]) for reach in (rule.threshold - 1, rule.threshold)]
    drawn = rule.early * ends[0] + (1 - rule.early) * ends[1]
    assert drawn == pytest.approx(rule.each[1], rel=0.01)


def test_the_laplace_threshold_is_the_published_one():
    rule = LaplaceThreshold(1.0, 1e-6)
    assert rule.threshold == pytest.approx(1 + math.log(1 / 2e-6), rel=1e-6)
    law = stats.laplace(scale=1.0)
    counts = torch.tensor([1, 5, 14, 15, 30])
    assert np.allclose(rule.chance(counts), law.sf(rule.threshold - counts.numpy()), rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(some_epsilon, some_delta)
def test_the_geometric_rule_reaches_the_optimum(epsilon, delta):
    counts = torch.arange(4 * GeometricThreshold(epsilon, delta).threshold)
    best = best_chance(epsilon, delta, counts)
    for rule in RULES:
        assert (rule(epsilon, delta).chance(counts) <= best + 1e-9).all()
    assert (best - GeometricThreshold(epsilon, delta).chance(counts)).max() < max(3e-6, 2 * delta)


def test_the_optimum_is_the_published_closed_form():
    """Desfontaines et al. 2022, Theorem 1, at ε = 1 and δ = 1e-5, in its first and second part."""
    epsilon, delta, grow = 1.0, 1e-5, math.e
    turn = 1 + math.floor(math.log((grow + 2 * delta - 1) / (delta * (grow + 1))) / epsilon)
    first = [(math.exp(n * epsilon) - 1) / (grow - 1) * delta for n in range(turn + 1)]
    rest = [1 - math.exp(-m) * (1 - first[-1]) + (1 - math.exp(-m)) / (grow - 1) * delta for m in range(1, 8)]
    assert best_chance(epsilon, delta, torch.arange(turn + 8)).tolist() == pytest.approx(first + rest, rel=1e-9)


@pytest.mark.parametrize("kind", RULES)
def test_releases_follow_their_chances(kind):
    """4,000 items at each of nine counts: a chi-squared value of nine binomials, refused below 1e-6."""
    rule, counts = kind(1.0, 1e-4), torch.arange(1, 19, 2)
    chosen, noisy = rule.release(counts.repeat_interleave(4_000), generator(2))
    hits = np.bincount(chosen // 4_000, minlength=9)
    chances = rule.chance(counts).numpy()
    for hit, chance in zip(hits, chances, strict=True):
        assert stats.binomtest(int(hit), 4_000, float(min(chance, 1))).pvalue > 1e-6 / 9
    assert (noisy > rule.threshold - 1).all() and len(noisy) == len(chosen)


@pytest.mark.parametrize("kind", RULES)
def test_the_issues_promise_on_real_names(kind):
    """ε = 1, δ = 1e-6: each name of twenty pets or more is released with probability above 0.998, and in at least 95% of
    400 releases; the geometric rule releases all 439 together in more than 95%; no name of one pet above δ."""
    rule, (_, counts) = kind(1.0, 1e-6), pets.table()
    common, random = counts >= 20, generator(7)
    assert rule.chance(counts[common]).min() > 0.998
    assert rule.chance(torch.tensor([1])).item() <= 1e-6 * (1 + 1e-9)
    seen = torch.zeros(len(counts))
    for _ in range(400):
        seen[rule.release(counts, random)[0]] += 1
    assert (seen[common] >= 0.95 * 400).all()
    together = rule.chance(counts[common]).prod().item()
    assert together > (0.95 if kind is GeometricThreshold else 0.93)


def test_the_audit_passes_a_right_rule_and_catches_a_bar_that_is_too_low():
    """A million items at δ = 1e-5, ten releases expected. Right rules are caught with probability at most 1e-6 each; bars
    lower by two noise scales, 74 expected, are missed with probability below 1e-6."""

    class Low:
        def __init__(self, rule):
            self.rule, self.each = rule, rule.each

        def release(self, counts, generator):
            return self.rule.release(counts, generator)

    for kind in RULES:
        rule, lower = kind(1.0, 1e-5), kind(1.0, 1e-5 * math.exp(2))
        found = audit_singles(rule, generator(3), items=10**6, alpha=1e-6)
        assert not found.caught and found.lower <= 1e-5
        planted = Low(lower)
        planted.each = rule.each
        caught = audit_singles(planted, generator(3), items=10**6, alpha=1e-6)
        assert caught.caught and caught.lower > 1e-5 and caught.p_value < 1e-6


def test_the_audit_counts_what_a_rule_releases():
    rule = dataclasses.make_dataclass("Rule", [("each", tuple)])((1.0, 0.01))
    type(rule).release = lambda self, counts, generator: (torch.arange(len(counts))[::50], None)
    found = audit_singles(rule, generator(), items=1_000)
    assert (found.released, found.items) == (20, 1_000)
    assert found.p_value == pytest.approx(stats.binomtest(20, 1_000, 0.01, "greater").pvalue)
    assert found.lower == pytest.approx(stats.binomtest(20, 1_000, 0.01, "greater").proportion_ci(0.999).low, rel=1e-6)


def test_more_of_everything_releases_more():
    counts = torch.arange(40)
    for kind, (less, more) in itertools.product(RULES, [((0.5, 1e-6), (1.0, 1e-6)), ((1.0, 1e-8), (1.0, 1e-6))]):
        assert (kind(*less).chance(counts) <= kind(*more).chance(counts) + 1e-12).all()
        assert kind(*more).chance(counts).diff().min() >= -1e-15
