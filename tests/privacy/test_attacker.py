"""attacker: equal to closed forms, and to a convolution of rounded losses that shares nothing with the package."""

import math

import numpy as np
import pytest
from conftest import refuses
from scipy import stats

from fldp_lib import accounting
from fldp_lib.privacy import attacker
from fldp_lib.privacy.accounting import Ledger, calibrate, delta_of
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.mechanisms import Gaussian, Laplace, RandomisedResponse

FALSE_RATE = 0.01
STEP = 1e-3  # of the grid of losses for dp_accounting


def one_round(mechanism, rate):
    """Masses with the unit in and without, of the noisy output cut into cells; exact for the output so rounded."""
    if isinstance(mechanism, RandomisedResponse):
        lie = (1 - mechanism.keep) / (mechanism.categories - 1)
        other = np.full(mechanism.categories - 2, lie)
        return np.array([mechanism.keep, lie, *other]), np.array([lie, mechanism.keep, *other])
    law = stats.norm(scale=mechanism.std) if mechanism.norm == 2 else stats.laplace(scale=mechanism.scale)
    reach = 9 * mechanism.std if mechanism.norm == 2 else 30 * mechanism.scale
    edges = np.concatenate([[-np.inf], np.linspace(-reach, 1 + reach, 40_001), [np.inf]])
    below = edges < 0.5  # differences from the nearer tail keep their digits
    inside, outside = (
        np.where(below[1:], np.diff(law.cdf(edges - shift)), -np.diff(law.sf(edges - shift))) for shift in (1.0, 0.0)
    )
    return rate * inside + (1 - rate) * outside, outside


def composed(parts, top=60.0, points=2**17):
    """Losses, masses with the unit in, masses without, after all rounds; losses rounded to the nearest of a grid."""
    grid = (np.arange(points) - points // 2) * (2 * top / points)
    waves = [np.ones(points // 2 + 1, complex)] * 2
    for mechanism, rounds, rate in parts:
        inside, outside = one_round(mechanism, rate)
        kept = (inside > 1e-300) & (outside > 1e-300)
        inside, outside = inside[kept], outside[kept]
        at = np.round(np.log(inside / outside) / (2 * top / points)).astype(int) % points
        for side, masses in enumerate((inside, outside)):
            waves[side] = waves[side] * np.fft.rfft(np.bincount(at, masses, points)) ** rounds
    inside, outside = (np.roll(np.fft.irfft(wave, points), points // 2) for wave in waves)
    return grid, inside, outside


def by_hand(parts):
    """Even odds and the worse true positive rate of the likelihood ratio test, by summing cells."""
    _, inside, outside = composed(parts)
    even = (1 + np.abs(inside - outside).sum() / 2) / 2
    found = np.cumsum(inside[::-1]), np.cumsum(outside[::-1])  # from the most telling output on
    rates = [np.interp(FALSE_RATE, found[1], found[0]), np.interp(FALSE_RATE, 1 - found[0], 1 - found[1])]
    if (len(parts) == 1 and isinstance(parts[0][0], RandomisedResponse)) or all(rate == 1 for *_, rate in parts):
        rates = rates[:1]
    return even, max(rates)


def by_dp_accounting(parts):
    """The same two numbers from dp_accounting's composed losses, each direction by itself."""
    from dp_accounting.pld import privacy_loss_distribution as pld

    def one(mechanism, rate):
        if isinstance(mechanism, RandomisedResponse):
            noise = mechanism.categories * (1 - mechanism.keep) / (mechanism.categories - 1)
            return pld.from_randomized_response(noise, mechanism.categories, value_discretization_interval=STEP)
        make = pld.from_gaussian_mechanism if mechanism.norm == 2 else pld.from_laplace_mechanism
        settings = dict(sensitivity=1.0, sampling_prob=rate, value_discretization_interval=STEP)
        return make(mechanism.std if mechanism.norm == 2 else mechanism.scale, **settings)

    total = None
    for mechanism, rounds, rate in parts:
        law = one(mechanism, rate).self_compose(rounds)
        total = law if total is None else total.compose(law)
    epsilons = np.linspace(-20, 20, 4_001)
    even, power = 0.0, 0.0
    for direction in (total._pmf_remove, total._pmf_add):
        delta = np.asarray(direction.get_delta_for_epsilon(epsilons))
        even = max(even, (1 + direction.get_delta_for_epsilon(0.0)) / 2)
        power = max(power, float(np.min(delta + np.exp(epsilons) * FALSE_RATE)))
    return even, power


def spent(parts):
    """The ledger of a run of these parts."""
    ledger = Ledger()
    for mechanism, rounds, rate in parts:
        ledger.spend(mechanism, rounds, rate)
    return ledger


SETTINGS = [
    [(Gaussian(1.0, 1.0), 1, 1.0)],
    [(Gaussian(3.73, 1.0), 1, 1.0)],
    [(Gaussian(10.0, 1.0), 100, 1.0)],
    [(Gaussian(1.0, 1.0), 1, 0.1)],
    [(Gaussian(1.0, 1.0), 100, 0.1)],
    [(Gaussian(2.0, 1.0), 50, 0.5)],
    [(Gaussian(0.7, 1.0), 500, 0.01)],
    [(Gaussian(4.0, 1.0), 1000, 0.05)],
    [(Gaussian(0.5, 1.0), 5, 0.02)],
    [(Gaussian(1.5, 1.0), 20, 0.9)],
    [(Laplace(1.0, 1.0), 1, 1.0)],
    [(Laplace(0.1, 1.0), 30, 1.0)],
    [(Laplace(1.0, 1.0), 20, 0.1)],
    [(Laplace(3.0, 1.0), 1, 0.2)],
    [(Laplace(0.5, 1.0), 100, 0.3)],
    [(Laplace(2.0, 1.0), 300, 0.01)],
    [(RandomisedResponse(1.0), 1, 1.0)],
    [(RandomisedResponse(0.4, 5), 12, 1.0)],
    [(Gaussian(3.0, 1.0), 10, 1.0), (Laplace(0.2, 1.0), 5, 1.0)],
    [(Gaussian(3.0, 1.0), 10, 0.2), (Gaussian(5.0, 1.0), 8, 1.0), (Laplace(1.0, 1.0), 4, 0.1)],
]


@pytest.mark.parametrize("parts", SETTINGS, ids=str)
def test_even_odds_and_power_are_those_of_the_likelihood_ratio(parts):
    found, (even, power) = spent(parts).attacker(), by_hand(parts)
    assert found.even_odds == pytest.approx(even, abs=1e-3)
    assert found.tpr == pytest.approx(power, abs=1e-3)
    assert found.fpr == FALSE_RATE and found.people == round(100 * found.even_odds)
    if len(parts) == 1:
        mechanism, rounds, rate = parts[0]
        assert attacker.of(mechanism, rounds, rate) == found
        assert found.even_odds == pytest.approx((1 + delta_of(mechanism, 0.0, rounds, rate)) / 2, abs=1e-9)


@pytest.mark.parametrize("parts", SETTINGS, ids=str)
def test_the_same_by_the_privacy_loss_distributions_of_dp_accounting(parts):
    """(1 + δ(0))/2, and from the worse direction's δ(ε) the least share missed: max of 1 − δ − e^ε·FPR over all ε."""
    found, (even, power) = spent(parts).attacker(), by_dp_accounting(parts)
    assert found.even_odds == pytest.approx(even, abs=1e-3)
    assert found.tpr == pytest.approx(power, abs=1e-3)


def test_a_fault_of_two_percent_in_the_noise_is_seen():
    """So the agreement above can fail."""
    even, power = by_hand([(Gaussian(1.0, 1.0), 100, 0.1)])
    wrong = attacker.of(Gaussian(1.02, 1.0), 100, 0.1)
    assert abs(wrong.even_odds - even) > 1e-3 and abs(wrong.tpr - power) > 1e-3


@pytest.mark.parametrize(("epsilon", "even"), [(0.5, 0.528), (1.0, 0.553), (2.0, 0.599), (4.0, 0.678), (8.0, 0.798)])
@pytest.mark.parametrize("rounds", [1, 30])
def test_a_gaussian_run_at_delta_1e_5_has_these_odds_whatever_its_rounds(epsilon, even, rounds):
    found = attacker.of(calibrate("gaussian", epsilon, 1e-5, rounds), rounds)
    assert round(found.even_odds, 3) == even
    assert found.even_odds == pytest.approx(stats.norm.cdf(found.mu / 2), abs=1e-12)
    assert found.tpr == pytest.approx(stats.norm.sf(stats.norm.isf(FALSE_RATE) - found.mu), abs=1e-12)
    assert found.bound == pytest.approx(accounting.best_guess(epsilon, 1e-5), abs=1e-6) and found.even_odds < found.bound
    assert round(found.tpr, 3) == {0.5: 0.014, 1.0: 0.020, 2.0: 0.034, 4.0: 0.081, 8.0: 0.255}[epsilon]


def test_mu_is_root_rounds_over_sigma_and_only_where_the_run_is_gaussian():
    assert attacker.of(Gaussian(5.0, 2.0), 16).mu == pytest.approx(0.8)
    assert attacker.of(Gaussian(5.0, 2.0, "client"), 16, 0.1).mu == pytest.approx(0.8)  # a visible report is not hidden
    assert Ledger().spend(Gaussian(3.0, 1.0)).spend(Gaussian(4.0, 1.0)).attacker().mu == pytest.approx(5 / 12)
    assert attacker.of(Gaussian(5.0, 2.0), 16, 0.5).mu is None and attacker.of(Laplace(1.0, 1.0)).mu is None


def test_one_laplace_release_and_one_report_have_closed_forms():
    for each in (1e-3, 0.3, 2.0, 30.0):
        assert attacker.of(Laplace(each, 1.0)).even_odds == pytest.approx(1 - math.exp(-each / 2) / 2, abs=1e-9)
        response = attacker.of(RandomisedResponse(each))
        assert response.even_odds == pytest.approx(1 / (1 + math.exp(-each)), abs=1e-9)  # reaches the bound
        assert response.even_odds == pytest.approx(response.bound, abs=1e-5)


def test_an_adaptive_clip_costs_what_one_gaussian_does():
    adaptive = AdaptiveGaussian(2.0, 1.0, count_noise=10.0)
    assert attacker.of(adaptive, 10, 0.2) == attacker.of(Gaussian(2.0, 1.0), 10, 0.2)


def test_no_attacker_passes_the_bound_and_more_noise_fewer_rounds_and_sampling_help():
    base = attacker.of(Gaussian(2.0, 1.0), 20, 0.2)
    for easier in (attacker.of(Gaussian(1.5, 1.0), 20, 0.2), attacker.of(Gaussian(2.0, 1.0), 40, 0.2),
                   attacker.of(Gaussian(2.0, 1.0), 20, 0.4)):  # fmt: skip
        assert easier.even_odds > base.even_odds and easier.tpr > base.tpr
        assert 0.5 < easier.even_odds < easier.bound < 1


def test_without_noise_everybody_is_found_and_without_a_round_nobody():
    for open_run in (attacker.of(None), attacker.of(Gaussian(0.0, 1.0), 3), Ledger().spend(None).attacker()):
        assert (open_run.even_odds, open_run.tpr, open_run.bound, open_run.people) == (1.0, 1.0, 1.0, 100)
    for closed in (attacker.of(None, 0), attacker.of(Laplace(1.0, 1.0), 0), Ledger().attacker()):
        assert (closed.even_odds, closed.tpr, closed.mu, closed.people) == (0.5, FALSE_RATE, 0.0, 50)


def test_it_reads_as_one_sentence_that_calls_the_bound_a_bound():
    text = str(attacker.of(calibrate("gaussian", 4.0, 1e-5, 20), 20))
    assert text.count(".") - text.count("0.") - text.count("1.") == 1 and text.endswith(".")
    assert all(word in text for word in ("0.679", "68 of a hundred", "0.081", "would allow 0.983", "(ε, δ) alone"))


@pytest.mark.parametrize(
    ("call", "error", "fragments"),
    [
        (lambda: attacker.of("laplace"), TypeError, ["mechanism", "str"]),
        (lambda: attacker.of(Laplace(1.0, 1.0), -1), ValueError, ["rounds", "-1"]),
        (lambda: attacker.of(Laplace(1.0, 1.0), 1, 0.0), ValueError, ["sampling_rate", "0.0"]),
        (lambda: attacker.of(Laplace(1.0, 1.0), 1, 1.0, 1.0), ValueError, ["delta", "1.0"]),
        (lambda: attacker.of_parts((), math.nan), ValueError, ["delta", "nan"]),
    ],
)
def test_bad_input_is_refused_by_name(call, error, fragments):
    refuses(call, error, *fragments)


def test_the_clause_for_a_sentence_names_the_unit_and_keeps_the_bound_apart():
    found = attacker.of(calibrate("gaussian", 2.0, 1e-5, rounds=20), rounds=20)
    assert found.said("patient") == (
        "who guesses at even odds whether a patient was in is right for about 60 of 100 (at most 0.600; the bound over all "
        "mechanisms with this (ε, δ) is 0.881) and finds at most 3.5% of the members at 1% false alarms"
    )
    everything = attacker.of(None)
    assert "about 100 of 100 (at most 1.000;" in everything.said() and "100.0% of the members" in everything.said()
