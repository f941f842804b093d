"""integers, skellam: draws against 40 digits, the price against every outcome, shares, grids, what is refused."""

import functools
import itertools
import math

import mpmath
import numpy as np
import pytest
import torch
from conftest import FALSE_ALARM, generator, refuses
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from fldp_lib import Plan, accounting, mechanisms
from fldp_lib.adversary import auditing
from fldp_lib.privacy import attacker, gaussians, integers, skellam

mpmath.mp.dps = 60


def law(variance, reach=None):
    """P[Z = −K], …, P[Z = K], by scipy's Skellam law, an oracle of its own."""
    reach = reach or math.ceil(16 * math.sqrt(variance) + 40)
    return stats.skellam.pmf(np.arange(-reach, reach + 1), variance / 2, variance / 2)


def hockey_stick(inside, outside, epsilon):
    return float(np.maximum(inside - math.exp(epsilon) * outside, 0.0).sum())


def moved(mass, shift):
    return np.pad(mass, (shift, 0)), np.pad(mass, (0, shift))


# The law and its draws -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variance", [0.07, 1.0, 7.25, 400.0])
def test_the_table_is_the_law_to_thirty_digits(variance):
    least, thresholds = skellam.table(variance)
    masses = [b - a for a, b in itertools.pairwise([0, *thresholds, 2**124])]
    exact = [mpmath.exp(-variance) * mpmath.besseli(abs(k), variance) for k in range(least, -least + 1)]
    apart = sum(abs(mpmath.mpf(mass) / 2**124 - p) for mass, p in zip(masses, exact, strict=True)) / 2
    assert apart < skellam.ERROR
    assert all(mass >= 0 for mass in masses)


def chi_squared(drawn, variance):
    """p-value of draws against scipy's law, cells of 20 expected draws at least."""
    low, high = (int(stats.skellam.ppf(p, variance / 2, variance / 2)) for p in (50 / len(drawn), 1 - 50 / len(drawn)))
    cells = np.arange(low, high)
    expected = np.diff([0.0, *stats.skellam.cdf(cells, variance / 2, variance / 2), 1.0]) * len(drawn)
    seen = np.bincount(np.searchsorted(cells, drawn), minlength=len(expected))
    kept = expected >= 20
    expected, seen = np.append(expected[kept], expected[~kept].sum()), np.append(seen[kept], seen[~kept].sum())
    return stats.chisquare(seen[expected > 0], expected[expected > 0]).pvalue


@pytest.mark.parametrize("variance", [0.3, 4.0, 900.0])
def test_draws_have_skellams_law(variance):
    assert chi_squared(skellam.draw((200_000,), variance, generator(3)).numpy(), variance) > FALSE_ALARM


def test_draws_are_right_where_the_first_word_leaves_them_open(monkeypatch):
    """With words of seven bits nearly every draw needs the second; its law is right to a 2^-14."""
    monkeypatch.setattr(skellam, "WORD", 7)
    skellam.table.cache_clear(), skellam._words.cache_clear()
    try:
        least, thresholds = skellam.table(4.0)
        masses = np.diff([0, *thresholds, 2**14])
        drawn = skellam.draw((20_000,), 4.0, generator(1)).numpy() - least
        assert (masses[drawn] > 0).all()
        seen, kept = np.bincount(drawn, minlength=len(masses)), masses > 20
        expected = np.append(masses[kept], masses[~kept].sum()) * 20_000 / 2**14
        assert stats.chisquare(np.append(seen[kept], seen[~kept].sum()), expected).pvalue > FALSE_ALARM
    finally:
        skellam.table.cache_clear(), skellam._words.cache_clear()


def test_draws_are_whole_and_repeat_and_none_is_zero():
    drawn = skellam.draw((50, 3), 9.0, generator(2))
    assert drawn.dtype == torch.int64 and drawn.shape == (50, 3)
    assert torch.equal(drawn, skellam.draw((50, 3), 9.0, generator(2)))
    assert not torch.equal(drawn, skellam.draw((50, 3), 9.0, generator(4)))
    assert not skellam.draw((5,), 0.0, generator()).any()


def test_a_clients_share_does_not_depend_on_how_many_are_drawn_at_once():
    grid = integers.Skellam(1.0, 1.0).grid(10, 40)
    assert torch.equal(grid.share_rows(40, generator(1))[:21], grid.share_rows(21, generator(1)))


def test_shares_sum_to_the_law_that_is_priced():
    """Seven shares' laws, folded one by one, are the law of the sum: whoever drops out, it is Skellam's."""
    share, total = law(3.0, 120), np.ones(1)
    for count in range(1, 8):
        total = np.convolve(total, share)
        np.testing.assert_allclose(total, law(3.0 * count, len(total) // 2), atol=1e-14)


# The price -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variance", [0.2, 1.0, 6.0, 150.0])
def test_mu_is_no_smaller_than_any_steps(variance):
    """In 60 digits, over all outcomes likelier than 1e-30."""
    last = skellam.reach(variance, 70.0) + 60
    mass = [mpmath.exp(-variance) * mpmath.besseli(k, variance) for k in range(last + 1)]
    above = list(itertools.accumulate(reversed(mass)))[::-1]
    above[0] = (1 + mass[0]) / 2
    heights = [mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * p) for p in above if p > mpmath.mpf(10) ** -30]
    steepest = max(b - a for a, b in itertools.pairwise([heights[0], *heights[1:]]))
    assert steepest <= skellam.step_mu(variance) <= steepest * (1 + 3e-8)


@pytest.mark.parametrize("variance", [10.0, 1e3, 1e5])
def test_mu_is_that_of_a_gaussian_but_for_a_sixth_of_a_step(variance):
    assert skellam.step_mu(variance) * math.sqrt(variance) == pytest.approx(
        1 + 1 / (6 * variance), abs=0.2 / variance**2 + 2e-8
    )


@settings(max_examples=60)
@given(st.floats(0.3, 400.0), st.integers(1, 12), st.floats(0.0, 6.0))
def test_the_price_is_never_below_what_all_outcomes_tell(variance, shift, epsilon):
    true = hockey_stick(*moved(law(variance), shift), epsilon)
    assert true <= gaussians.gaussian_delta(shift * skellam.step_mu(variance), epsilon) + 1e-13
    assert skellam.exact_delta(variance, shift, epsilon) == pytest.approx(true, abs=1e-12)


@pytest.mark.parametrize(("noise", "norm2"), [(0.8, 5), (1.5, 10), (1.0, 26)])
def test_in_two_dimensions_no_neighbour_tells_more_than_the_price(noise, norm2):
    """All whole vectors within the bound, all outcomes; the worst is within a tenth of the price at ε = 0."""
    variance, reach = integers.needed_variance(noise, norm2), math.isqrt(norm2)
    shifts = [(a, b) for a in range(reach + 1) for b in range(a + 1) if 0 < a * a + b * b <= norm2]
    for epsilon in (0.0, 0.4, 1.0, 2.0):
        worst = max(skellam.exact_delta(variance, shift, epsilon) for shift in shifts)
        assert worst <= gaussians.gaussian_delta(1 / noise, epsilon)
        assert epsilon > 0 or worst > 0.9 * gaussians.gaussian_delta(1 / noise, epsilon)


def test_the_price_is_close_where_the_grid_is_fine():
    """Ten steps of deviation: ε told is at most 2% above the smallest that holds, at δ = 1e-3."""
    variance = integers.needed_variance(1.0, 100)
    told = accounting.epsilon(integers.Skellam(1.0, 1.0), 1, delta=1e-3)
    assert skellam.exact_delta(variance, 10, told) <= 1e-3 < skellam.exact_delta(variance, 10, told / 1.02)


@pytest.mark.parametrize("rate", [1.0, 0.3])
@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.5])
def test_two_sampled_rounds_tell_no_more_than_the_price(rate, epsilon):
    noise, shift = 1.2, 3
    variance = integers.needed_variance(noise, shift**2)
    there, still = moved(law(variance), shift)
    mixed = rate * there + (1 - rate) * still
    inside, outside = np.outer(mixed, mixed).ravel(), np.outer(still, still).ravel()
    true = max(hockey_stick(inside, outside, epsilon), hockey_stick(outside, inside, epsilon))
    told = accounting.delta_of(integers.Skellam(noise, 1.0), epsilon, 2, rate)
    assert true <= told <= true * 1.35 + 1e-3


def test_shares_for_all_are_too_little_where_three_in_ten_drop_out():
    """Understated noise is seen by adding up all outcomes, and by nothing less where shares are sized for who answers."""
    noise, bound, clients, delta = 1.0, 25, 10, 1e-3
    told = accounting.epsilon(mechanisms.Gaussian(noise, 1.0), 1, delta=delta)
    variance = integers.needed_variance(noise, bound)
    for sized, holds in ((clients, False), (7, True)):
        left = np.ones(1)
        for _ in range(7):  # who is left of ten
            left = np.convolve(left, law(variance / sized, 60))
        assert (hockey_stick(*moved(left, 5), told) <= delta) == holds
    answering = integers.Skellam(noise, 1.0, answering=0.7).grid(16, clients)
    assert answering.least == 7 and 7 * answering.share >= answering.variance


def test_the_audit_sees_understated_shares():
    """Noise of a tenth of what is priced: the audit's lower bound is above the ε that is told; honest noise stays below."""
    honest = integers.Skellam(1.0, 1.0)
    short = integers.Skellam(0.1, 1.0)
    for mechanism, caught in ((honest, False), (short, True)):
        scores = [auditing.canary_scores(mechanism, 4000, present, generator(5 + present)) for present in (False, True)]
        found = auditing.repeated(*scores, delta=1e-5).lower
        assert (found > accounting.epsilon(honest, 1, delta=1e-5)) == caught


# The mechanism and its grid --------------------------------------------------------------------------------------------

GRIDS = st.tuples(st.sampled_from([0.3, 1.0, 4.0]), st.integers(1, 400), st.integers(1, 300), st.integers(14, 18),
                  st.floats(0.4, 1.0))  # fmt: skip


@settings(max_examples=12)
@given(GRIDS)
def test_a_grid_hides_its_bound_with_the_fewest_that_may_answer(terms):
    noise, parameters, clients, bits, answering = terms
    grid = integers.Skellam(noise, 2.0, bits=bits, answering=answering).grid(parameters, clients)
    assert grid.least >= answering * clients - 1e-6
    least = grid.least * grid.share
    assert math.sqrt(grid.norm2) * skellam.step_mu(min(least, skellam.LARGEST)) <= 1 / noise * (1 + 1e-9)
    assert grid.norm2 >= (2.0 / grid.step) ** 2
    assert grid.wrap <= integers.WRAP * 1.001 and grid.length >= parameters
    assert grid.std >= noise * 2.0 and clients * grid.share <= skellam.LARGEST


def test_more_bits_cost_less_noise_down_to_that_of_a_gaussian():
    stds = [integers.Skellam(1.0, 1.0, bits=bits).grid(2410, 200).std for bits in (10, 12, 14, 16, 20)]
    assert stds == sorted(stds, reverse=True)
    assert 1 < stds[3] < 1.01 and stds[4] < 1.001 and stds[0] > 1.5


def test_a_number_wraps_round_no_more_often_than_told():
    """The worst vectors, all alike and along one coordinate, so that the signs decide: 4,000 sums; false alarms 1e-6."""
    clients, norm, variance, length, bits = 6, 9.0, 200.0, 16, 7
    told = integers.wrap_bound(norm, variance, length, clients, bits)
    rng = np.random.default_rng(0)
    signs = rng.choice([-1, 1], (4000, length))
    matrix = linalg.hadamard(length) / math.sqrt(length)
    one = np.full(length, norm / math.sqrt(length))
    exact = (signs * one) @ matrix
    rounded = sum(np.floor(exact) + (rng.random(exact.shape) < exact - np.floor(exact)) for _ in range(clients))
    noise = skellam.draw(exact.shape, variance, generator(1)).numpy()
    seen = int((np.abs(rounded + noise) >= 2 ** (bits - 1)).any(1).sum())
    assert told < 1 and stats.binom.sf(seen - 1, 4000, told) > FALSE_ALARM
    assert seen / 4000 > told / 100  # and the bound is one of this size


def test_it_is_priced_as_a_gaussian_everywhere():
    mine, plain = integers.Skellam(0.9, 3.0, bits=12, answering=0.8), mechanisms.Gaussian(0.9, 3.0)
    for terms in ((5, 1.0), (20, 0.1)):
        assert accounting.epsilon(mine, *terms) == accounting.epsilon(plain, *terms)
        assert attacker.of(mine, *terms) == attacker.of(plain, *terms)
    ledger = accounting.Ledger().spend(mine, 3)
    assert ledger.epsilon == accounting.Ledger().spend(plain, 3).epsilon and "Skellam σ=0.9 at shares" in str(ledger)


def test_a_plan_calibrates_and_keeps_it():
    mine = integers.Skellam(1.0, 2.0, bits=14, answering=0.75)
    plan = Plan(rounds=9, mechanism=mine, sampling_rate=0.5).calibrated(epsilon=3.0)
    assert (plan.mechanism.bits, plan.mechanism.answering, plan.mechanism.clip) == (14, 0.75, 2.0)
    assert 2.99 < plan.epsilon() <= 3.0 and Plan.from_json(plan.to_json()) == plan
    assert plan.text() != plan.changed(mechanism=integers.Skellam(plan.mechanism.noise_multiplier, 2.0)).text()
    with pytest.raises(ValueError, match=r"^at must be 'shares'"):
        plan.calibrated(epsilon=3.0, at="server")


def test_what_makes_no_sense_is_refused_by_name():
    wrong = ("at", "server"), ("unit", "record"), ("bits", 3), ("bits", 33), ("answering", 0.0), ("answering", 1.1)
    for name, value in wrong:
        call = functools.partial(integers.Skellam, 1.0, 1.0, **{name: value})
        refuses(call, ValueError, "at must" if name == "unit" else f"{name} must", str(value))
    with pytest.raises(ValueError, match=r"bits must be at least \d+ for a sum of 1000 vectors of 4096 numbers"):
        integers.Skellam(1.0, 1.0, bits=6).grid(2410, 1000)
    with pytest.raises(ValueError, match=r"^shift must be one whole number or two"):
        skellam.exact_delta(4.0, (1, 1, 1), 0.5)


def test_a_longer_step_costs_noise_and_wraps_less_and_too_short_a_one_is_refused():
    mechanism = integers.Skellam(2.0, 1.0, bits=12)
    grids = [mechanism.grid(64, 50, step) for step in (0.01, 0.02, 0.05)]
    assert [g.step for g in grids] == [0.01, 0.02, 0.05]
    assert grids[0].std < grids[1].std < grids[2].std and grids[0].wrap > grids[1].wrap > grids[2].wrap
    with pytest.raises(ValueError, match=r"^step must be so long"):
        mechanism.grid(64, 50, 1e-6)
