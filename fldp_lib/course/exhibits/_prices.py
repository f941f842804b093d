"""Prices of runs, for the explorers of 07 and 07b: the package's accountants on grids that answer while a slider moves."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ...privacy import accountants, accounting, attacker, mechanisms, pricing

DELTA = 1e-5
SIZE = 2**13  # points of the transform: all are bounds from above, within some 1e-3 of the finest grid
ORDERS = 1 + np.geomspace(0.02, 1023, 120)


@lru_cache(maxsize=4096)
def exact(mechanism, rounds, rate=1.0, delta=DELTA, size=SIZE):
    """ε of a run by its composed privacy loss."""
    parts = ((mechanism, rate, rounds),)
    return min(accountants.composed_epsilon(parts, delta, size), accountants.pure(parts))


@lru_cache(maxsize=2048)
def guesser(mechanism, rounds=1, rate=1.0):
    """`attacker.of` a run at δ = 0 on the grid of these prices: bounds from above, within 0.0003 of the finest grid's."""
    priced, rate = pricing.priced(mechanism, rate)
    parts = ((priced, rate, rounds),)
    if accountants.mu(parts) is not None:
        return attacker.of(mechanism, rounds, rate, delta=0.0)
    even, power = attacker._numeric(parts, SIZE)
    bound = accounting.best_guess(accountants.pure(parts))
    return attacker.Attacker(even, power, attacker.FALSE_RATE, None, bound, round(100 * even))


@lru_cache(maxsize=1024)
def attacked(mechanism, rounds, rate=1.0, delta=DELTA):
    """What an attacker can do against the run, beside the bound of its (ε, δ)."""
    found = guesser(mechanism, rounds, rate)
    return replace(found, bound=accounting.best_guess(exact(mechanism, rounds, rate, delta), delta))


@lru_cache(maxsize=512)
def noise(kind, each):
    """The mechanism, clip 1, of which one round with every client costs ε = each: Laplace pure, Gaussian at δ = 1e-5."""
    if kind == "laplace":
        return mechanisms.Laplace(each, clip=1.0)
    return accounting.calibrate("gaussian", epsilon=each, delta=DELTA)


def renyi(mechanism, orders=ORDERS):
    """The RDP curve of one round with every client (orders,)."""
    if isinstance(mechanism, mechanisms.Gaussian):
        return orders / (2 * mechanism.noise_multiplier**2)
    each = mechanism.epsilon
    high = np.log(orders / (2 * orders - 1)) + each * (orders - 1)
    low = np.log((orders - 1) / (2 * orders - 1)) - each * orders
    return np.logaddexp(high, low) / (orders - 1)


@lru_cache(maxsize=1)
def _binomials():
    """Some whole orders α, where each one's terms start; and of all terms, k from 0 to α: k, α − k, ln of the binomials."""
    from scipy.special import gammaln

    whole = np.unique(np.geomspace(2, 400, 48).round())
    lengths = whole.astype(int) + 1
    starts = lengths.cumsum() - lengths
    k = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    rest = np.repeat(whole, lengths) - k
    return whole, starts, lengths, k, rest, gammaln(k + rest + 1) - gammaln(k + 1) - gammaln(rest + 1)


def sampled(sigma, rate):
    """Orders and the RDP curves of Gaussian rounds with Poisson samples (…, orders), exact at whole orders.

    Args:
        sigma, rate: multipliers and rates below 1, of one shape.

    Source: Mironov, Talwar & Zhang 2019, section 3.3.
    """
    whole, starts, lengths, k, rest, logs = _binomials()
    sigma, rate = (np.asarray(v, dtype=float)[..., None] for v in (sigma, rate))
    terms = logs + rest * np.log1p(-rate) + k * np.log(rate) + k * (k - 1) / (2 * sigma**2)
    top = np.maximum.reduceat(terms, starts, axis=-1)
    terms -= np.repeat(top, lengths, axis=-1)
    return whole, (np.log(np.add.reduceat(np.exp(terms, out=terms), starts, axis=-1)) + top) / (whole - 1)


def by_sampled(sigma, rate, rounds, delta=DELTA):
    """ε by RDP of runs with Poisson samples, for an array of multipliers and one of rates."""
    whole, curve = sampled(sigma, rate)
    return np.maximum(converted(rounds * curve, delta, whole).min(-1), 0.0)


@lru_cache(maxsize=256)
def multipliers(epsilon, rounds, rates, delta=DELTA):
    """The Gaussian multipliers with which runs at some rates below 1 cost ε by RDP (rates,)."""
    rates = np.array(rates)
    low, high = np.full(len(rates), math.log(0.2)), np.full(len(rates), math.log(3 * multiplier(epsilon, rounds, "rdp") + 3))
    for _step in range(12):  # halving, then a straight line in logarithms
        middle = (low + high) / 2
        over = by_sampled(np.exp(middle), rates, rounds, delta) > epsilon
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    ends = [np.log(np.maximum(by_sampled(np.exp(x), rates, rounds, delta), 1e-12)) for x in (low, high)]
    share = (ends[0] - math.log(epsilon)) / np.maximum(ends[0] - ends[1], 1e-12)
    return np.exp(low + np.clip(share, 0, 1) * (high - low))


def converted(curve, delta=DELTA, orders=ORDERS):
    """ε at every order by the improved conversion (…, orders)."""
    return curve + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)


@lru_cache(maxsize=1)
def library_orders():
    """The orders α of dp_accounting (orders,)."""
    from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS

    return np.array(DEFAULT_RDP_ORDERS)


def orders_for_pages():
    """What pages without a kernel need for those prices."""
    return {"orders": library_orders()}


def by_library(curve, delta=DELTA):
    """ε of an RDP curve at those orders as dp_accounting converts it, which knows that δ = √(1−e^(−KL)) costs nothing."""
    found = np.where(delta**2 + np.expm1(-curve) > 0, 0.0, converted(curve, delta, library_orders()))
    return max(0.0, float(found.min()))


def by_renyi(mechanism, rounds, delta=DELTA):
    """ε by RDP for each of some numbers of rounds (rounds,)."""
    found = converted(np.multiply.outer(np.asarray(rounds, dtype=float), renyi(mechanism)), delta)
    return np.maximum(found.min(-1), 0.0)


def summed(mechanism, rounds, method, delta=DELTA):
    """ε by basic or advanced composition for each of some numbers of rounds (rounds,)."""
    return np.array([accounting.epsilon(mechanism, int(t), 1.0, delta, method) for t in rounds])


@lru_cache(maxsize=512)
def multiplier(epsilon, rounds, method):
    """The Gaussian noise multiplier with which a run costs ε by one accountant."""
    if method == "pld":
        return accounting.calibrate("gaussian", epsilon, DELTA, rounds).noise_multiplier
    from scipy.optimize import brentq

    def over(log):
        if method == "rdp":
            return by_library(rounds * library_orders() / (2 * math.exp(log) ** 2)) / epsilon - 1
        return accounting.epsilon(mechanisms.Gaussian(math.exp(log), 1.0), rounds, 1.0, DELTA, method) / epsilon - 1

    return math.exp(brentq(over, math.log(0.02), math.log(1e6), xtol=1e-4))


def bill(kind, each, rounds, delta=DELTA):
    """What a run of equal rounds with every client costs by the four accountants, by name."""
    mechanism = noise(kind, each)
    found = {name: float(summed(mechanism, (rounds,), name, delta)[0]) for name in ("basic", "advanced")}
    found["RDP"] = float(by_renyi(mechanism, rounds, delta))
    return found | {"exact": exact(mechanism, rounds, 1.0, delta)}
