"""Planted wrong answers of notebook 20."""

import itertools
import math

import numpy as np
import torch

from fldp_lib import accounting, mechanisms


def array(c):
    return np.asarray(c, dtype=float)


def moved(c, visits):
    return float(np.linalg.norm(array(c)[:, list(visits)].sum(1)))


def far(rounds, separation):
    every = (p for k in range(1, rounds + 1) for p in itertools.combinations(range(rounds), k))
    return [p for p in every if all(b - a >= separation for a, b in itertools.pairwise(p))]


def norms(c):
    return np.linalg.norm(array(c), axis=0)


def over(patterns):
    return lambda c, b: max(moved(c, p) for p in patterns(len(c), b))


def rows(z, c, back=1, sign=-1, divide=True):
    """The stream with a slip: another sign, or no division."""
    z, c, out = array(z), array(c), []
    for t in range(len(z)):
        row = z[t] + sign * sum(c[k] * out[t - k] for k in range(back, min(len(c) - 1, t) + 1))
        out.append(row / c[0] if divide else row)
    return np.stack(out)


def toeplitz(c, rounds):
    c = array(c)
    return sum(np.diag(np.full(rounds - k, c[k]), -k) for k in range(min(len(c), rounds)))


def fresh_only(z, c):
    z, c = array(z), array(c)
    return np.stack([(z[t] - sum(c[k] * z[t - k] for k in range(1, min(len(c) - 1, t) + 1))) / c[0] for t in range(len(z))])


def price(multiplier, delta):
    return accounting.epsilon(mechanisms.Gaussian(float(multiplier), 1.0), delta=delta)


WRONG = {
    "20.1": [
        (lambda c, v: float(np.sqrt((norms(c)[v] ** 2).sum())), r"do not overlap; here they do"),
        (lambda c, v: float(norms(c)[v].sum()), r"add the columns first"),
        (lambda c, v: math.sqrt(len(v)) * norms(c)[v].max(), r"√k times the longest"),
        (lambda c, v: norms(c)[v].max(), r"one visit alone"),
        (lambda c, v: float(array(c)[:, v].sum()), r"L1 norm"),
        (lambda c, v: float(np.linalg.norm(array(c)[v].sum(0))), r"rows were added"),
        (lambda c, v: moved(c, range(len(c))), r"every round"),
        (lambda c, v: moved(c, [j - 1 for j in v]), r"from 0"),
        (lambda c, v: moved(c, v) ** 2, r"the square"),
        (lambda c, v: math.sqrt(len(v)), r"identity"),
        (lambda c, v: 2 * moved(c, v), r"it should be"),
    ],
    "20.2": [
        (over(lambda n, b: [tuple(range(0, n, b))]), r"first round"),
        (over(lambda n, b: far(n, b + 1)), r"are allowed"),
        (over(lambda n, b: [tuple(range(n))]), r"every round"),
        (lambda c, b: norms(c).max(), r"comes once"),
        (lambda c, b: math.sqrt(-(-len(c) // b)) * norms(c).max(), r"√k times the longest"),
        (lambda c, b: -(-len(c) // b) * norms(c).max(), r"bound from above"),
        (lambda c, b: max(float(np.sqrt((norms(c)[list(p)] ** 2).sum())) for p in far(len(c), b)), r"add the columns first"),
        (lambda c, b: 0.0, r"it should be"),
    ],
    "20.3": [
        (lambda z, c: toeplitz(c, len(z)) @ array(z), r"C·Z"),
        (lambda z, c: z, r"fresh noise"),
        (lambda z, c: np.linalg.solve(toeplitz(c, len(z)).T, array(z)), r"future"),
        (fresh_only, r"not the fresh ones"),
        (lambda z, c: rows(z, c, sign=1), r"not added once more"),
        (lambda z, c: rows(z, c, divide=False), r"first coefficient"),
        (lambda z, c: torch.zeros(len(z), 3), r"the rows are others"),
        (lambda z, c: torch.zeros(2, 2), r"shape"),
    ],
    "20.4": [
        (lambda c, s, p, v, d: price(s, d), r"that was promised"),
        (lambda c, s, p, v, d: price(s * moved(c, v) / moved(c, p), d), r"wrong way round"),
        (lambda c, s, p, v, d: price(s, d) * moved(c, v) / moved(c, p), r"not in proportion"),
        (lambda c, s, p, v, d: price(s * math.sqrt(len(p) / len(v)), d), r"only visits were counted"),
        (lambda c, s, p, v, d: price(s / moved(c, v), d), r"units of the sensitivity"),
        (lambda c, s, p, v, d: moved(c, v) / moved(c, p), r"ratio"),
        (lambda c, s, p, v, d: 1.0, r"it should be"),
    ],
}
