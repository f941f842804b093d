"""Planted wrong answers of notebook 07."""

import math

import numpy as np

LN2 = math.log(2)


def crossing(value):
    """A crossover by another formula, rounded as the right one is."""
    return lambda e, d: math.inf if e >= LN2 else math.floor(value(e, d)) + 1


def right(e, d):
    return 2 * math.log(1 / d) / (2 - math.exp(e)) ** 2


def searched(cap, otherwise):
    def answer(e, d):
        t = np.arange(1, cap + 1)
        below = np.sqrt(2 * t * math.log(1 / d)) + t * math.expm1(e) < t
        return int(t[below][0]) if below.any() else otherwise

    return answer


def improved(orders, rdp, delta):
    return rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)


def renyi(curve, pick=np.min, convert=improved):
    """Total ε by another curve of the run, another conversion, or another choice among the orders."""
    return lambda m, orders, delta: max(0.0, float(pick(convert(orders, curve(m, orders), delta))))


def true_curve(m, orders):
    return orders * (1 / (2 * m**2)).sum()


def bisected(low, high, end=1, stop=0.999, most=200):
    def answer(spent, target):
        ends = [low, high]
        for _ in range(most):
            if target >= spent(ends[1]) >= stop * target:
                break
            middle = math.sqrt(ends[0] * ends[1])
            ends[0 if spent(middle) > target else 1] = middle
        return ends[end] if end < 2 else math.sqrt(ends[0] * ends[1])

    return answer


def bracketed(end=1, stop=0.999, below=True):
    """The right search, with another end returned or stopped early."""

    def answer(spent, target):
        high = 1.0
        while spent(high) > target:
            high *= 2
        low = high / 2
        while below and spent(low) <= target:
            low, high = low / 2, low
        return bisected(low, high, end, stop)(spent, target)

    return answer


WRONG = {
    "07.1": [
        (lambda e, d: math.inf if e >= LN2 else right(e, d), r"rounds are whole"),
        (lambda e, d: math.inf if e >= LN2 else math.floor(right(e, d)), r"still costs"),
        (lambda e, d: math.inf if e >= LN2 else math.floor(right(e, d)) + 2, r"below basic from round"),
        (lambda e, d: math.floor(right(e, d)) + 1, r"never below basic: math.inf"),
        (lambda e, d: math.inf if e >= 1 else math.floor(right(e, d)) + 1, r"never below basic: math.inf"),
        (lambda e, d: math.inf if e >= 0.69 else math.floor(right(e, d)) + 1, r"there is a crossover"),
        (crossing(lambda e, d: 2 * math.log(1 / d) / (1 - e) ** 2), r"not ε²"),
        (crossing(lambda e, d: 2 * math.log(1 / d)), r"drift, .* is missing"),
        (crossing(lambda e, d: 2 * math.log(1 / d) / (2 - math.exp(e))), r"squared"),
        (crossing(lambda e, d: math.log(1 / d) / (2 - math.exp(e)) ** 2), r"the 2 is missing"),
        (crossing(lambda e, d: 2 * math.log10(1 / d) / (2 - math.exp(e)) ** 2), r"natural logarithm"),
        (crossing(lambda e, d: 2 * math.log(2 / d) / (2 - math.exp(e)) ** 2), r"not a half"),
        (crossing(lambda e, d: 2 * math.log(d) / (2 - math.exp(e)) ** 2), r"below basic from round"),
        (searched(1_000, math.inf), r"there is a crossover"),
        (searched(1_000, None), r"nothing was returned"),
        (searched(100_000, math.inf), r"there is a crossover"),
        (searched(1_000_000, math.inf), r"there is a crossover"),
        (lambda e, d: 29, r"you gave 29"),
        (lambda e, d: math.inf, r"there is a crossover"),
    ],
    "07.2": [
        (lambda m, o, d: float(improved(o, true_curve(m, o), d).min()), r"below 0"),
        (lambda m, o, d: sum(float(improved(o, o / (2 * s**2), d).min()) for s in m), r"convert once"),
        (renyi(true_curve, convert=lambda o, rdp, d: rdp + np.log(1 / d) / (o - 1)), r"classical"),
        (renyi(lambda m, o: o * (1 / m**2).sum()), r"α/\(2σ²\)"),
        (renyi(lambda m, o: o * (1 / (2 * m)).sum()), r"α/\(2σ\)"),
        (renyi(lambda m, o: o * len(m) / (2 * m.mean() ** 2)), r"averaged"),
        (renyi(lambda m, o: o / (2 * m.sum() ** 2)), r"multipliers were added"),
        (renyi(lambda m, o: o / (2 * (m**2).sum())), r"variances were added"),
        (renyi(lambda m, o: o / (2 * m.min() ** 2)), r"one round alone"),
        (renyi(lambda m, o: o / (2 * m[0] ** 2)), r"one round alone"),
        (renyi(true_curve, np.max), r"smallest, not the largest"),
        (renyi(true_curve, lambda e: e[-1]), r"last order"),
        (renyi(true_curve, lambda e: e[0]), r"first order"),
        (renyi(lambda m, o: (1 / (2 * m**2)).sum() + 0 * o), r"the total is"),
        (renyi(true_curve, convert=lambda o, rdp, d: rdp + np.log1p(-1 / o) - np.log10(d * o) / (o - 1)), r"the total is"),
        (renyi(true_curve, convert=lambda o, rdp, d: rdp + np.log1p(-1 / o) - np.log(d) / (o - 1)), r"the total is"),
        (lambda m, o, d: float("nan"), r"the total is"),
    ],
    "07.3": [
        (bisected(0.01, 100), r"breaks the promise|more noise than needed"),
        (bisected(1e-3, 1e3), r"breaks the promise|more noise than needed"),
        (bracketed(below=False), r"more noise than needed|raised RuntimeError"),
        (bracketed(end=0), r"above the target|breaks the promise"),
        (bracketed(end=0, stop=0.9999), r"above the target|breaks the promise"),
        (bracketed(stop=0.9), r"more noise than needed"),
        (lambda spent, target: spent(1.0) / target, r"breaks the promise|more noise than needed"),
        (lambda spent, target: math.log(spent(1.0) / spent(2.0), 2), r"breaks the promise|more noise|positive number"),
        (lambda spent, target: (spent(1.0) / target) ** (1 / math.log(spent(1.0) / spent(2.0), 2)),
         r"breaks the promise|more noise than needed"),
        (lambda spent, target: next(k / 1e3 for k in range(1, 10**6) if spent(k / 1e3) <= target), r"more than 500 times"),
        (lambda spent, target: 1e12, r"more noise than needed"),
        (lambda spent, target: math.inf, r"should be a positive number"),
        (lambda spent, target: -1.0, r"should be a positive number"),
        (lambda spent, target: target, r"breaks the promise|more noise than needed"),
    ],
}  # fmt: skip
