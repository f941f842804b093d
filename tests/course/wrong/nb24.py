"""Planted wrong answers of notebook 24."""

import math
from statistics import NormalDist

import numpy as np


def _powers(exponent):
    return lambda points, a, b, prime: [pow(p, exponent(a, b), prime) for p in points]


def _keep(epsilon):
    return 1 / (1 + math.exp(-epsilon))


def _guess(share):
    return lambda clip, std, steps: NormalDist().cdf(share(clip / std, steps))


WRONG = {
    "24.1": [
        (_powers(lambda a, b: a), r"by a alone"),
        (_powers(lambda a, b: b), r"by b alone"),
        (_powers(lambda a, b: a + b), r"exponents multiply"),
        (lambda points, a, b, prime: [p * a * b % prime for p in points], r"a quotient undoes it"),
        (lambda points, a, b, prime: sorted(pow(p, a * b, prime) for p in points), r"the order given"),
        (lambda points, a, b, prime: [p ^ a ^ b for p in points], r"not a power in Python"),
        (lambda points, a, b, prime: [p / 3 + 0.1 for p in points], r"whole number"),
        (lambda points, a, b, prime: points[:3], r"5 things"),
        (lambda points, a, b, prime: 7, r"5 things"),
        (lambda points, a, b, prime: points, r"to the power a·b"),
    ],
    "24.2": [
        (lambda rows, known, label: (rows @ rows[known] > 0) != label, r"wrong way round"),
        (lambda rows, known, label: (rows @ rows[known] > 0).astype(float), r"wrong way round"),
        (lambda rows, known, label: np.full(len(rows), float(label)), r"not all have the same"),
        (
            lambda rows, known, label: (np.linalg.norm(rows, axis=1) > np.median(np.linalg.norm(rows, axis=1))).astype(
                float
            ),
            r"lengths only hint",
        ),
        (lambda rows, known, label: (rows.sum(1) < 0).astype(float), r"wrong way round"),
        (lambda rows, known, label: rows @ rows[known], r"1 or 0"),
        (lambda rows, known, label: 1, r"the diagnoses"),
    ],
    "24.3": [
        (lambda r, e: r, r"as they are"),
        (lambda r, e: (r - (1 - _keep(e))) / _keep(e), r"2q − 1: divide"),
        (lambda r, e: (r - _keep(e)) / (2 * _keep(e) - 1), r"take that away"),
        (lambda r, e: r / (2 * _keep(e) - 1), r"take away the 1 − q"),
        (lambda r, e: r * (2 * _keep(e) - 1) + 1 - _keep(e), r"solve for the label"),
        (lambda r, e: ((r - (1 - _keep(e))) / (2 * _keep(e) - 1)).clip(0, 1), r"cut to 0"),
        (lambda r, e: np.where(r > 0, _keep(e), 1 - _keep(e)), r"how likely a 1 is"),
        (lambda r, e: (r - _keep(e)) / (1 - 2 * _keep(e)), r"not of the lie"),
        (lambda r, e: r * 7, r"over the flips"),
    ],
    "24.4": [
        (_guess(lambda ratio, steps: ratio), r"one step"),
        (_guess(lambda ratio, steps: ratio * steps), r"root of their number"),
        (_guess(lambda ratio, steps: 2 * ratio * steps**0.5), r"half of that counts"),
        (_guess(lambda ratio, steps: ratio * steps**0.5 / 2), r"2C apart, not C"),
        (_guess(lambda ratio, steps: ratio * (steps / 2) ** 0.5), r"not √2"),
        (lambda c, s, n: 2 * NormalDist().cdf(c / s * n**0.5) - 1, r"starts at a half"),
        (lambda c, s, n: 1 - NormalDist().cdf(c / s * n**0.5), r"guess is wrong"),
        (lambda c, s, n: c / s * n**0.5, r"normal distribution function"),
        (lambda c, s, n: 0.5, r"best test is right"),
    ],
}
