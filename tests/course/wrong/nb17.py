"""Planted wrong answers of notebook 17."""

import math

import numpy as np

from fldp_lib import accounting, mechanisms


def _each(orders, rdp, delta):
    return rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)


def _sigma(epsilon, delta):
    return accounting.calibrate("gaussian", epsilon=epsilon, delta=delta).noise_multiplier


def _price(multiplier, rounds, delta):
    return accounting.epsilon(mechanisms.Gaussian(multiplier, clip=1.0), rounds, delta=delta)


def _granted(budget, requests, total, forget=True):
    """Decisions by a function of the rounds granted so far and the rounds asked for."""
    rounds, decided = [], []
    for asked in requests:
        decided.append(total(rounds, asked) <= budget)
        if decided[-1] or not forget:
            rounds.append(asked)
    return decided


WRONG = {
    "17.1": [
        (lambda orders, rdp, delta: (rdp + math.log(1 / delta) / (orders - 1)).min(), r"classical"),
        (lambda orders, rdp, delta: _each(orders, rdp, delta)[rdp.argmin()], r"smallest r"),
        (lambda orders, rdp, delta: _each(orders, rdp, delta).max(), r"least of them"),
        (lambda orders, rdp, delta: _each(orders, rdp, delta).mean(), r"not their mean"),
        (lambda orders, rdp, delta: (rdp - np.log(delta * orders) / (orders - 1)).min(), r"\(α − 1\)/α"),
        (lambda orders, rdp, delta: (_each(orders, rdp, delta) + np.log(orders) / (orders - 1)).min(), r"ln α is missing"),
        (lambda orders, rdp, delta: orders[_each(orders, rdp, delta).argmin()], r"best order"),
        (lambda orders, rdp, delta: rdp.min(), r"it should be"),
        (lambda orders, rdp, delta: _each(orders, rdp, 1e-5).min(), r"it should be"),  # δ typed in
    ],
    "17.2": [
        (lambda epsilon, delta: epsilon, r"ε grows"),
        (lambda epsilon, delta: 2 * epsilon, r"larger δ"),
        (lambda epsilon, delta: 4 * epsilon, r"zCDP"),
        (lambda epsilon, delta: _price(2 * _sigma(epsilon, delta), 1, delta), r"halves σ"),
        (lambda epsilon, delta: _price(_sigma(epsilon, delta), 2, delta), r"two releases"),
        (lambda epsilon, delta: _price(_sigma(epsilon, delta) / 4, 1, delta), r"it should be"),
        (lambda epsilon, delta: _price(_sigma(epsilon, delta) / 2, 1, (1 + math.exp(epsilon)) * delta), r"does not grow"),
        (lambda epsilon, delta: _sigma(epsilon, delta) / 2, r"it should be"),
    ],
    "17.3": [
        (lambda b, d, z, asked: _granted(b, asked, lambda r, a: _price(z, sum(r), d)), r"\*with\*"),
        (lambda b, d, z, asked: _granted(b, asked, lambda r, a: _price(z, sum(r) + a, d), forget=False), r"forget it"),
        (
            lambda b, d, z, asked: _granted(b, asked, lambda r, a: sum(_price(z, each, d) for each in [*r, a])),
            r"does not add up",
        ),
        (lambda b, d, z, asked: [_price(z, each, d) <= b for each in asked], r"total is what counts"),
        (
            lambda b, d, z, asked: [not one for one in _granted(b, asked, lambda r, a: _price(z, sum(r) + a, d))],
            r"True is for",
        ),
        (lambda b, d, z, asked: [True] * len(asked), r"should be refused"),
        (lambda b, d, z, asked: [False] * len(asked), r"should be granted"),
        (lambda b, d, z, asked: _granted(b, asked, lambda r, a: _price(z, sum(r) + a, d))[:-1], r"8 things"),
    ],
}
SLOW = {"17.2": 16, "17.3": 16}  # each check calibrates or prices dozens of runs
