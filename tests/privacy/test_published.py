"""Published numbers that the course quotes: reached by fldp_lib, by dp_accounting alone, and by an oracle that uses neither.

Oracles are closed forms, quadrature, a bracket of rounded convolutions, or an attacker who does his best.
"""

import math

import dp_accounting
import numpy as np
import pytest
import torch
from scipy import integrate, optimize, special, stats

from fldp_lib.privacy import accountants
from fldp_lib.privacy.accounting import calibrate, delta_of, epsilon
from fldp_lib.privacy.mechanisms import Gaussian, Laplace, RandomisedResponse

DELTA = 1e-5
BOUND = math.e / (1 + math.e)  # 0.731: at even odds and ε = 1


# E15: a hundred rounds of Laplace noise at ε = 1, δ = 1e-5 -------------------------------------------------------------

HUNDRED = Laplace(1.0, 1.0), 100, 1.0, DELTA


def rounded_epsilon(each, rounds, delta, side, step=2e-4):
    """ε of composed Laplace rounds, every loss rounded up (side 1) or down (side 0) to a grid: a bound from that side."""
    points = round(2 * each / step) + 1
    grid = np.linspace(-each, each, points)
    law = np.append(np.exp((grid[:-1] - each) / 2) / 2, 1.0)  # Pr[loss <= grid], given that the client is in
    masses = np.diff(law, prepend=0.0)  # rounded up
    if side == 0:
        masses = np.append(masses[1:], 0.0)
        masses[0] += law[0]
        masses[-1] += 0.5  # the loss is exactly ε with probability 1/2: nothing to round
        masses[-2] -= 0.5
    length = rounds * (points - 1) + 1
    total = np.fft.irfft(np.fft.rfft(masses, 2 ** math.ceil(math.log2(length))) ** rounds)[:length]
    losses = np.linspace(-rounds * each, rounds * each, length)

    def excess(target):
        above = losses > target
        return float((total[above] * -np.expm1(target - losses[above])).sum()) - delta

    return optimize.brentq(excess, 0, rounds * each)


def test_a_hundred_laplace_rounds_cost_68_25_by_pld():
    """E15: between the two roundings, neither of which uses the library; and dp_accounting on its own default grid."""
    low, high = (rounded_epsilon(1.0, 100, DELTA, side) for side in (0, 1))
    assert low < high < low + 0.01
    found = epsilon(*HUNDRED, "pld")
    assert round(found, 2) == round((low + high) / 2, 2) == 68.25
    assert low <= found <= high
    alone = dp_accounting.pld.PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
    assert round(alone.compose(dp_accounting.LaplaceDpEvent(1.0), 100).get_epsilon(DELTA), 2) == 68.25


def test_a_hundred_laplace_rounds_cost_219_8_by_advanced_composition_and_100_by_basic():
    """E15; Dwork & Roth 2014, theorem 3.20, with the whole of δ as its slack."""
    closed = math.sqrt(2 * 100 * math.log(1 / DELTA)) + 100 * (math.exp(1) - 1)
    assert epsilon(*HUNDRED, "advanced") == pytest.approx(closed, rel=1e-12)
    assert round(closed, 1) == 219.8
    assert epsilon(*HUNDRED, "basic") == 100


# E16: the noise multiplier for (1, 1e-5) over 100 rounds, by RDP -------------------------------------------------------


def rdp_epsilon(sigma, rate, rounds, delta):
    """RDP of sampled Gaussian rounds by quadrature, the improved conversion at the best real order."""
    z = np.linspace(-12 * sigma, 12 * sigma + 80, 8_001)
    log_weight = stats.norm(scale=sigma).logpdf(z) + math.log(z[1] - z[0])
    exponent = (2 * z - 1) / (2 * sigma**2)
    log_ratio = exponent if rate == 1 else np.logaddexp(math.log1p(-rate), math.log(rate) + exponent)

    def converted(order):
        rdp = rounds * special.logsumexp(order * log_ratio + log_weight) / (order - 1)
        return rdp + math.log1p(-1 / order) - math.log(delta * order) / (order - 1)

    return optimize.minimize_scalar(converted, bounds=(1.5, 60), method="bounded").fun


@pytest.mark.parametrize(("rate", "digits", "published"), [(1.0, 1, 40.5), (0.1, 2, 4.28)])
def test_noise_multipliers_by_rdp_are_40_5_without_and_4_28_with_a_sample(rate, digits, published):
    """E16; Mironov 2017 and Mironov, Talwar & Zhang 2019; add-or-remove one client, Poisson sample, cohort hidden."""

    def alone(sigma):
        event = dp_accounting.GaussianDpEvent(sigma)
        event = event if rate == 1 else dp_accounting.PoissonSampledDpEvent(rate, event)
        return dp_accounting.rdp.RdpAccountant().compose(event, 100).get_epsilon(DELTA)

    prices = (
        lambda sigma: epsilon(Gaussian(sigma, 1.0), 100, rate, DELTA, "rdp"),
        alone,
        lambda sigma: rdp_epsilon(sigma, rate, 100, DELTA),
    )
    needed = [optimize.brentq(lambda s, price=price: price(s) - 1, 0.8 * published, 1.2 * published) for price in prices]
    assert [round(sigma, digits) for sigma in needed] == [published] * 3
    assert needed == pytest.approx([needed[2]] * 3, rel=1e-3)


# E31: one Gaussian release with σ = 1 ----------------------------------------------------------------------------------


def test_a_gaussian_with_sigma_one_has_delta_0_1269_at_epsilon_one():
    """Balle & Wang 2018, theorem 8, and without it: δ = ∫ max(p − e·q, 0) by quadrature."""
    formula = stats.norm.cdf(-0.5) - math.e * stats.norm.cdf(-1.5)
    area, _ = integrate.quad(lambda y: max(stats.norm.pdf(y - 1) - math.e * stats.norm.pdf(y), 0), -12, 13, points=[1.5])
    found = delta_of(Gaussian(1.0, 1.0), 1.0)
    assert [round(value, 4) for value in (formula, area, found)] == [0.1269] * 3
    assert found == pytest.approx(area, abs=1e-9)


# E20: the attacker's posterior at even odds is at most e/(1+e) = 0.731 at ε = 1 ----------------------------------------


def test_the_bound_on_the_posterior_is_0_731_and_not_0_368():
    """E20; Kasiviswanathan & Smith 2014 (posteriors), Wasserman & Zhou 2010, Kairouz, Oh & Viswanath 2015 (tests)."""
    assert round(BOUND, 3) == 0.731
    assert round(math.exp(-1), 3) == 0.368


def test_randomised_response_reaches_the_bound():
    """Warner 1965: whoever believes the report is right as often as ε = 1 allows anybody to be."""
    response = RandomisedResponse(epsilon=1.0)
    assert response.keep == pytest.approx(BOUND, abs=1e-12)
    n = 1_000_000
    truth = torch.arange(n) % 2
    reports = response.randomise(truth, torch.Generator().manual_seed(0))
    right = float((reports == truth).double().mean())
    assert abs(right - BOUND) < 5 * math.sqrt(BOUND * (1 - BOUND) / n)


def test_the_posterior_after_a_laplace_release_reaches_the_bound_and_never_passes_it():
    """Dwork, McSherry, Nissim & Smith 2006: the likelihood ratio is e^ε on the whole far side, not only in a limit."""
    law = stats.laplace(scale=Laplace(epsilon=1.0, clip=1.0).scale)
    seen = np.linspace(-30, 31, 6_101)
    odds = np.exp(law.logpdf(seen - 1) - law.logpdf(seen))
    posterior = odds / (1 + odds)  # that the client is in, at even odds
    assert posterior.max() == pytest.approx(BOUND, abs=1e-12)
    assert posterior[seen >= 1] == pytest.approx(BOUND, abs=1e-12)
    assert posterior.min() == pytest.approx(1 - BOUND, abs=1e-12)


def test_the_best_guess_on_one_laplace_release_is_right_less_often_than_the_bound():
    """By likelihood ratio: 1 − e^(−ε/2)/2 = 0.697 on average, since outputs between the two counts tell less."""
    mechanism = Laplace(epsilon=1.0, clip=1.0)
    law = stats.laplace(scale=mechanism.scale)
    right, _ = integrate.quad(lambda y: max(law.pdf(y - 1), law.pdf(y)) / 2, -40, 41, points=[0, 0.5, 1], limit=200)
    assert right == pytest.approx(1 - math.exp(-0.5) / 2, abs=1e-7)
    assert right == pytest.approx((1 + delta_of(mechanism, 0.0)) / 2, abs=1e-6)  # δ at ε = 0 is the total variation
    assert right < BOUND


@pytest.mark.parametrize("mechanism", [Laplace(1.0, 1.0), Gaussian(3.73, 1.0)], ids=["Laplace", "Gaussian"])
@pytest.mark.parametrize("threshold", [-3.0, 0.0, 0.5, 1.0, 4.0])
def test_no_threshold_beats_the_trade_off_between_the_two_errors(mechanism, threshold):
    """Kairouz, Oh & Viswanath 2015: true positive rate at most e^ε · false positive rate + δ, at each of four ε."""
    law = stats.laplace(scale=mechanism.scale) if mechanism.norm == 1 else stats.norm(scale=mechanism.scale)
    hit, false = law.sf(threshold - 1), law.sf(threshold)
    for target in (0.0, 0.3, 1.0, 1.5):
        assert hit <= math.exp(target) * false + delta_of(mechanism, target) + 1e-6


# Accountants: numbers from the papers ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moments():
    """Orders and RDP of Abadi et al.'s example: q = 0.01, σ = 4, 100 epochs of 100 steps."""
    accountant = accountants.accountant("rdp", Gaussian(4.0, 1.0), 0.01, 10_000)
    return np.asarray(accountant.orders), np.asarray(accountant.rdp)


def test_moments_accountant_of_abadi_et_al(moments):
    """Abadi et al. 2016: (1.26, 1e-5), by the conversion of that time. Today's conversion and PLD come out lower."""
    orders, rdp = moments
    classical = float((rdp + math.log(1 / DELTA) / (orders - 1)).min())
    assert round(classical, 2) == 1.26
    run = Gaussian(4.0, 1.0), 10_000, 0.01, DELTA
    assert epsilon(*run, "pld") < epsilon(*run, "rdp") < classical


def test_sampled_rdp_is_the_integral_of_mironov_talwar_and_zhang(moments):
    """Mironov, Talwar & Zhang 2019, section 3: one integral, here by quadrature, at whole orders."""
    orders, rdp = moments
    z = np.linspace(-60, 100, 40_001)
    log_weight = stats.norm(scale=4.0).logpdf(z) + math.log(z[1] - z[0])
    log_ratio = np.logaddexp(math.log(0.99), math.log(0.01) + (2 * z - 1) / 32)
    for order in (2, 5, 16, 32):
        exact = np.log(np.exp(order * log_ratio + log_weight).sum()) / (order - 1)
        assert rdp[orders == order].item() == pytest.approx(10_000 * exact, rel=1e-6)


@pytest.mark.parametrize("each", [0.1, 1.0, 3.0])
def test_rdp_of_laplace_is_the_closed_form_of_mironov(each):
    """Mironov 2017, proposition 6, against the definition by quadrature, too."""
    accountant = accountants.accountant("rdp", Laplace(each, 1.0), 1.0, 7)
    orders, rdp = np.asarray(accountant.orders), np.asarray(accountant.rdp)
    law = stats.laplace(scale=1 / each)
    for order in (1.5, 2.0, 8.0):
        up, down = order / (2 * order - 1), (order - 1) / (2 * order - 1)
        closed = math.log(up * math.exp(each * (order - 1)) + down * math.exp(-each * order)) / (order - 1)
        edge = 60 / each

        def power(y, order=order):
            return math.exp(order * law.logpdf(y - 1) + (1 - order) * law.logpdf(y))

        mean = sum(integrate.quad(power, *ends)[0] for ends in ((-edge, 0), (0, 1), (1, 1 + edge)))
        assert closed == pytest.approx(math.log(mean) / (order - 1), rel=1e-6)
        assert rdp[np.isclose(orders, order)].item() == pytest.approx(7 * closed, rel=1e-9)


@pytest.mark.parametrize("multiplier", [1.0, 10.0, 40.0])
def test_rdp_of_gaussian_rounds_lies_below_zcdp(multiplier):
    """Bun & Steinke 2016: ρ = T/(2σ²), ε = ρ + 2√(ρ ln(1/δ)); RDP with the improved conversion is never above it."""
    rho = 100 / (2 * multiplier**2)
    zcdp = rho + 2 * math.sqrt(rho * math.log(1 / DELTA))
    run = Gaussian(multiplier, 1.0), 100, 1.0, DELTA
    assert epsilon(*run, "pld") < epsilon(*run, "rdp") < zcdp


def test_improved_conversion_is_the_one_in_use():
    """Canonne, Kamath & Steinke 2020, proposition 12: r + ln((α−1)/α) − (ln δ + ln α)/(α−1), the least over α."""
    best = optimize.minimize_scalar(
        lambda a: 100 * a / 3200 + math.log1p(-1 / a) - math.log(DELTA * a) / (a - 1), bounds=(1.1, 200), method="bounded"
    ).fun
    assert epsilon(Gaussian(40.0, 1.0), 100, 1.0, DELTA, "rdp") == pytest.approx(best, rel=1e-3)
    assert round(best, 2) == 1.01


def test_a_better_accountant_needs_less_noise():
    """E16's run by PLD, as `calibrate` prices it: 37.3 and 3.94 in place of RDP's 40.5 and 4.28."""
    for rate, published in ((1.0, 37.3), (0.1, 3.94)):
        found = calibrate("gaussian", 1.0, DELTA, rounds=100, sampling_rate=rate).noise_multiplier
        assert found == pytest.approx(published, rel=2e-3)
