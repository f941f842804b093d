"""Audits through μ: above a true ε no oftener than they say, within a tenth below it, and what they refute and refuse."""

import math

import numpy as np
import pytest
from scipy import stats

from fldp_lib import Plan, accounting, mechanisms
from fldp_lib.adversary import auditing
from fldp_lib.privacy import attacker

DELTA = 1e-5


def scores(rng, mu, runs):
    return rng.normal(size=runs), rng.normal(mu, 1, runs)


def mu_of(epsilon):
    return 1 / accounting.calibrate("gaussian", epsilon=epsilon, delta=DELTA).noise_multiplier


@pytest.mark.parametrize("confidence", [0.95, 0.8])
@pytest.mark.parametrize("epsilon, runs", [(0.5, 1_000), (1.0, 20_000), (4.0, 1_000), (20.0, 200)])
def test_a_bound_is_above_the_truth_as_often_as_the_confidence_allows_and_no_oftener(epsilon, runs, confidence):
    """1,000 audits. More above than the 0.999 quantile of Binomial(1000, 1 − confidence) has a probability below 0.001 if
    the statement holds. Fewer than half of what is allowed would say that the bound wastes confidence; at ε = 20 so few
    verdicts are wrong that whole numbers make it careful."""
    rng, mu = np.random.default_rng(0), mu_of(epsilon)
    above = sum(auditing.through_mu(*scores(rng, mu, runs), DELTA, confidence).mu > mu for _ in range(1_000))
    allowed = 1_000 * (1 - confidence)
    assert above <= stats.binom.ppf(0.999, 1_000, 1 - confidence)
    assert above >= allowed / 2 or epsilon == 20


def test_the_same_with_a_threshold_that_is_wrong_on_purpose():
    """The statement holds at any threshold, and with rates that differ between the worlds (0.31 and 0.23 here)."""
    rng, mu = np.random.default_rng(1), 1.25
    found = [auditing.through_mu(*scores(rng, mu, 2_000), DELTA, threshold=0.5).mu for _ in range(1_000)]
    assert sum(each > mu for each in found) <= stats.binom.ppf(0.999, 1_000, 0.05)


@pytest.mark.parametrize("epsilon, share", [(1.0, 0.9), (2.0, 0.93), (4.0, 0.95)])
def test_twenty_thousand_runs_meet_a_gaussian_s_epsilon_within_a_tenth(epsilon, share):
    """In the mean of 200 audits; one audit at ε = 1 varies by 5%. The (ε, δ) audit finds a half."""
    rng, mu = np.random.default_rng(2), mu_of(epsilon)
    found = [auditing.through_mu(*scores(rng, mu, 20_000), DELTA).lower / epsilon for _ in range(200)]
    assert share < np.mean(found) < 1
    assert auditing.repeated(*scores(rng, mu, 20_000), delta=DELTA).lower < 0.75 * epsilon


def test_the_bound_is_clopper_and_pearson_s_on_all_wrong_verdicts():
    rng = np.random.default_rng(3)
    without, present = scores(rng, 1.0, 500)
    found = auditing.through_mu(without, present, DELTA, threshold=0.4)
    wrong = int((without > 0.4).sum() + (present <= 0.4).sum())
    high = stats.binomtest(wrong, 1_000, alternative="less").proportion_ci(0.95, method="exact").high
    assert found.error == pytest.approx(high) and found.judged == 500 and not found.flipped
    assert found.mu == pytest.approx(-2 * stats.norm.ppf(high))
    assert found.lower == pytest.approx(accounting.epsilon(mechanisms.Gaussian(1 / found.mu, 1.0), delta=DELTA))


def test_the_middle_is_the_best_threshold_and_is_found():
    """FPR + FNR of a Gaussian is least at μ/2 (here 0.5), shown by the medians of 1,000 runs to 0.15 (5 deviations)."""
    rng = np.random.default_rng(4)
    without, present = scores(rng, 1.0, 20_000)
    assert auditing.through_mu(without, present, DELTA).threshold == pytest.approx(0.5, abs=0.15)
    at = {t: auditing.through_mu(without, present, DELTA, threshold=t).mu for t in (-0.5, 0.5, 1.5)}
    assert max(at, key=at.get) == 0.5


def test_turned_scores_tell_the_same():
    rng = np.random.default_rng(5)
    without, present = scores(rng, 1.0, 2_000)
    one, two = auditing.through_mu(without, present, DELTA), auditing.through_mu(-without, -present, DELTA)
    assert two.flipped and not one.flipped and two.mu == pytest.approx(one.mu)


def test_nothing_is_found_where_nothing_is_and_much_where_all_is():
    rng = np.random.default_rng(6)
    assert auditing.through_mu(np.zeros(100), np.zeros(100), DELTA).lower == 0
    assert auditing.through_mu(np.ones(100), np.zeros(100), DELTA, threshold=0.5).lower == 0  # always wrong is no proof
    same = [auditing.through_mu(*scores(rng, 0.0, 400), DELTA).mu > 0 for _ in range(1_000)]
    assert sum(same) <= stats.binom.ppf(0.999, 1_000, 0.05)
    all_of_it = auditing.through_mu(np.zeros(100), np.ones(100), DELTA, threshold=0.5)
    assert all_of_it.mu == pytest.approx(-2 * stats.norm.ppf(1 - 0.05 ** (1 / 200)))  # no wrong verdict among 200


def test_it_says_nothing_of_laplace_noise():
    """A Laplace of ε = 1 keeps its promise at δ = 1e-5, and is as easy to tell in the middle as a Gaussian of ε near 4."""
    rng = np.random.default_rng(7)
    without, present = rng.laplace(size=20_000), rng.laplace(1, 1, 20_000)
    assert auditing.through_mu(without, present, DELTA).lower > 3
    assert auditing.repeated(without, present, DELTA).lower <= 1


@pytest.mark.parametrize("epsilon", [1.0, 4.0])
@pytest.mark.parametrize("rounds", [1, 6])
def test_train_s_own_releases_prove_most_of_a_gaussian_plan_and_refute_none(epsilon, rounds):
    plan = Plan(rounds, lr=1.0).calibrated(epsilon, delta=DELTA, clip=0.7)
    found = auditing.audit_through_mu(plan, 10_000)
    assert 0.8 * epsilon < found.lower <= plan.epsilon()
    assert found.mu <= attacker.of(plan.mechanism, rounds, delta=DELTA).mu


def test_a_plan_with_half_of_its_noise_is_refuted(monkeypatch):
    plan = Plan(2, lr=1.0).calibrated(2.0, delta=DELTA)
    half = mechanisms.Gaussian.noise
    monkeypatch.setattr(mechanisms.Gaussian, "noise", lambda self, shape, generator: half(self, shape, generator) / 2)
    assert auditing.audit_through_mu(plan, 2_000).lower > plan.epsilon()


def test_what_is_no_gaussian_is_refused():
    laplace = Plan(1, mechanism=mechanisms.Laplace(1.0, 1.0))
    sampled = Plan(3, sampling_rate=0.1, mechanism=mechanisms.Gaussian(2.0, 1.0))
    for plan in (laplace, sampled):
        with pytest.raises(ValueError, match="plan must be Gaussian rounds"):
            auditing.audit_through_mu(plan, 100)
    with pytest.raises(ValueError, match="finite ε"):
        auditing.audit_through_mu(Plan(1), 100)


@pytest.mark.parametrize(
    "without, present, options, words",
    [
        (np.zeros(19), np.zeros(19), {}, "without must be at least 20"),
        (np.zeros(20), np.full(20, math.nan), {}, "present must be at least 20"),
        (np.zeros(20), np.zeros(30), {}, "equally many"),
        (np.zeros(20), np.zeros(20), {"confidence": 0.5}, "confidence"),
        (np.zeros(20), np.zeros(20), {"delta": 0.0}, "delta"),
        (np.zeros(20), np.zeros(20), {"threshold": math.nan}, "threshold"),
    ],
)
def test_arguments_out_of_range_are_named(without, present, options, words):
    with pytest.raises(ValueError, match=words):
        auditing.through_mu(without, present, **{"delta": DELTA} | options)
