"""dp_accounting's accountants, behind the functions of `accounting`: events, composition, cached results, the search.

Not for direct use: nothing here checks its arguments.
"""

import math
from functools import cache, lru_cache

import numpy as np

from . import mechanisms


@lru_cache(maxsize=4096)
def epsilon(mechanism, rate, rounds, delta, method):
    """Return the total ε of a run.

    Args:
        mechanism: a mechanism with noise.
        rate: probability that a unit takes part in a round, in (0, 1].
        rounds: number of releases, at least 0.
        delta: δ in [0, 1).
        method: as in `accounting.epsilon`.
    """
    if rounds == 0:
        return 0.0
    gaussian = isinstance(mechanism, mechanisms.Gaussian)
    if delta == 0:
        if gaussian:
            return math.inf
        return rounds * math.log1p(rate * math.expm1(min(mechanism.epsilon, 700.0)))
    if method in ("pld", "rdp"):
        if method == "pld" and gaussian and rate == 1:
            return _gaussian_epsilon(mechanism.noise_multiplier / math.sqrt(rounds), delta)
        return float(accountant(method, mechanism, rate, rounds).get_epsilon(delta))
    if method == "basic":
        return rounds * _one_round(mechanism, rate, delta / rounds)
    each = _one_round(mechanism, rate, delta / (2 * rounds))  # half of δ for the composition, half for the rounds
    slack = delta / 2 if gaussian else delta
    return math.sqrt(2 * rounds * math.log(1 / slack)) * each + rounds * each * math.expm1(min(each, 700.0))


def _one_round(mechanism, rate, delta):
    """ε of one release: pure for Laplace and randomised response, at the given δ for Gaussian."""
    if isinstance(mechanism, mechanisms.Gaussian):
        return epsilon(mechanism, rate, 1, delta, "pld")
    return epsilon(mechanism, rate, 1, 0.0, "basic")


def _event(mechanism, rate):
    import dp_accounting

    if isinstance(mechanism, mechanisms.RandomisedResponse):
        lie = (1 - mechanism.keep) * mechanism.categories / (mechanism.categories - 1)  # as a uniform redraw
        return dp_accounting.RandomizedResponseDpEvent(lie, mechanism.categories)
    if isinstance(mechanism, mechanisms.Gaussian):
        event = dp_accounting.GaussianDpEvent(mechanism.noise_multiplier)
    else:
        event = dp_accounting.LaplaceDpEvent(1 / mechanism.epsilon)
    return event if rate == 1 else dp_accounting.PoissonSampledDpEvent(rate, event)


def accountant(method, mechanism, rate, rounds, interval=None):
    """Return a dp_accounting accountant that has composed the run.

    Args:
        method: "pld" or "rdp".
        mechanism, rate, rounds: as in `epsilon`.
        interval: PLD's grid in units of ε; None takes dp_accounting's own, coarser where the loss is very wide.

    Raises:
        ValueError: a sampled Laplace mechanism by RDP, which dp_accounting has not.
    """
    import dp_accounting

    relation = dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
    if isinstance(mechanism, mechanisms.RandomisedResponse):
        relation = dp_accounting.NeighboringRelation.REPLACE_ONE
    if method == "rdp":
        accountant = dp_accounting.rdp.RdpAccountant(neighboring_relation=relation)
        if rate < 1 and isinstance(mechanism, mechanisms.Laplace):
            raise ValueError("method must be 'pld' for a sampled Laplace mechanism, got 'rdp': dp_accounting has none")
    else:
        interval = interval or 1e-4 * max(1.0, _rough_loss(mechanism, rate, rounds) / 200)
        accountant = dp_accounting.pld.PLDAccountant(relation, value_discretization_interval=interval)
    return _compose(accountant, mechanism, rounds, rate)


def _compose(accountant, mechanism, rounds, rate):
    event = _event(mechanism, rate)
    if not isinstance(mechanism, mechanisms.RandomisedResponse):
        return accountant.compose(event, rounds)
    for _ in range(rounds):  # dp_accounting 0.5 takes a randomised response composed `rounds` times for a single one
        accountant.compose(event)
    return accountant


def _rough_loss(mechanism, rate, rounds):
    """How wide the composed privacy loss can get; beyond 200 a coarser grid (still an upper bound) saves memory."""
    if isinstance(mechanism, mechanisms.Gaussian):
        each = 1 / mechanism.noise_multiplier
        widest, square = rounds * each**2 / 2 + 10 * math.sqrt(rounds) * each, each**2
    else:
        each = mechanism.epsilon
        widest, square = rounds * each, each
    spread = rounds * rate**2 * math.expm1(min(square, 700.0))  # bounds the variance of a sampled loss
    return min(widest, spread / 2 + 10 * math.sqrt(spread) + 10 * each)


@cache
def _gaussian_loss(sigma):
    from dp_accounting.pld import privacy_loss_mechanism

    return privacy_loss_mechanism.GaussianPrivacyLoss(sigma)


def gaussian_delta(sigma, epsilon):
    """Return δ(ε) of one Gaussian of deviation `sigma` and sensitivity 1, exactly.

    Args:
        sigma: deviation over sensitivity, positive.
        epsilon: ε at least 0.
    """
    return float(_gaussian_loss(sigma).get_delta_for_epsilon(epsilon))


def _gaussian_epsilon(sigma, delta):
    """ε of one Gaussian at δ: dp_accounting's exact δ(ε), inverted. k rounds are one Gaussian of deviation σ/√k."""
    from scipy.optimize import brentq

    if gaussian_delta(sigma, 0.0) <= delta:
        return 0.0
    rho = 0.5 / sigma**2
    high = rho + 2 * math.sqrt(rho * math.log(1 / delta))  # zCDP's ε (Bun & Steinke 2016), an upper bound
    grid = np.linspace(0.0, 1.001 * high, 200)  # one call for all is as quick as for one
    above = np.flatnonzero(np.asarray(_gaussian_loss(sigma).get_delta_for_epsilon(grid)) > delta)[-1]
    return brentq(lambda e: _log_excess(sigma, e, delta), grid[above], grid[above + 1], xtol=1e-10)


def _log_excess(sigma, epsilon, delta):
    """log(δ(ε)/δ) of one Gaussian: nearly straight in ε and in log σ, so that its root is found in a few steps."""
    return math.log(max(gaussian_delta(sigma, epsilon), 1e-300) / delta)


@lru_cache(maxsize=4096)
def calibrate(mechanism, target, delta, rounds, rate):
    """Return the least noise (σ, or 1/ε of one round) that meets the target, to 0.1% of ε from below.

    Args:
        mechanism: "laplace" or "gaussian".
        target: total ε, positive and finite.
        delta, rounds, rate: as in `epsilon`.
    """
    from scipy.optimize import brentq

    if mechanism == "gaussian" and rate == 1:
        rest = math.log(1 / delta)
        high = math.log((math.sqrt(target + rest) + math.sqrt(rest)) / (math.sqrt(2) * target))  # by zCDP: enough noise
        low = high - 0.3
        while _log_excess(math.exp(low), target, delta) <= 0:
            high, low = low, low - 1
        log_sigma = brentq(lambda s: _log_excess(math.exp(s), target, delta), low, high, xtol=1e-9)
        return math.exp(log_sigma + 2e-9) * math.sqrt(rounds)
    if delta == 0:
        return 1 / math.log1p(math.expm1(target / rounds) / rate)

    @cache
    def spent(log_noise):
        noise = math.exp(log_noise)
        built = mechanisms.Laplace(1 / noise, 1.0) if mechanism == "laplace" else mechanisms.Gaussian(noise, 1.0)
        # An upper bound, and quick: a grid of 1/2000 of ε, finer for more than 100 rounds since each one rounds up.
        return accountant("pld", built, rate, rounds, max(1e-4, target / 20 / max(100, rounds))).get_epsilon(delta)

    high = math.log(math.sqrt(rounds) / target + 1)  # noise to start from; doubled until it is enough
    while spent(high) > target:
        high += math.log(2)
    low = high - math.log(2)
    while spent(low) <= target:
        high, low = low, low - math.log(2)
    while target - spent(high) > 1e-3 * target:
        middle = low + (high - low) * (spent(low) - target) / (spent(low) - spent(high))
        middle = min(max(middle, low + 0.05 * (high - low)), low + 0.95 * (high - low))
        low, high = (low, middle) if spent(middle) <= target else (middle, high)
    return math.exp(high)


@lru_cache(maxsize=1024)
def composed(parts, delta):
    """Return the total ε of several mechanisms on the same units, by one PLD.

    Args:
        parts: tuples (mechanism, rate, rounds).
        delta: δ in (0, 1).
    """
    import dp_accounting

    relation = dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
    if isinstance(parts[0][0], mechanisms.RandomisedResponse):
        relation = dp_accounting.NeighboringRelation.REPLACE_ONE
    width = sum(_rough_loss(*part) for part in parts)
    accountant = dp_accounting.pld.PLDAccountant(relation, value_discretization_interval=1e-4 * max(1.0, width / 200))
    for mechanism, rate, rounds in parts:
        _compose(accountant, mechanism, rounds, rate)
    return float(accountant.get_epsilon(delta))
