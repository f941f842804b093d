"""The Skellam law, the difference of two Poisson variables: exact draws in whole numbers, and how far it hides a step.

Of all laws on the whole numbers it is the one that adds up as normal ones do: independent Skellam variables of variances
a and b sum to one of variance a + b. So a sum of shares has a law that is known exactly, whoever drops out.

`draw` uses no floating-point number: a draw is a uniform whole number of 124 bits, looked up in a table of the law's
distribution function, computed in whole numbers too. Its law is within `ERROR` of Skellam's in total variation.
"""

import math
from functools import lru_cache

import numpy as np
import torch

from .. import checks
from .mechanisms import client_rows

WORD = 62  # bits of a random word: torch draws whole numbers below 2^62 without a rest
ERROR = 2.0**-104  # total variation between a draw and the law: rounding of at most 2^19 thresholds, and the mass cut off
LARGEST = float(2**26)  # of a variance: a deviation of 8192 steps, beyond which a finer grid buys nothing
ROUNDING = 1e-8  # relative error of `step_mu`'s arithmetic, with room: tests hold it to 40 digits
COUNTED = 1e4  # largest variance whose outcomes `exact_delta` adds up
FAR = 500.0  # −ln of the mass beyond the outputs that `step_mu` looks at


def reach(variance, tail):
    """Return a whole k with P[Z > k] ≤ e^−tail for a Skellam variable Z (Chernoff's bound)."""
    low, high = 0, 16
    while _rate(high, variance) < tail:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _rate(middle, variance) >= tail else (middle, high)
    return high


def _rate(k, variance):
    """−ln of Chernoff's bound of P[Z ≥ k]."""
    x = k / variance
    return variance * (x * math.asinh(x) - x * x / (1 + math.sqrt(1 + x * x)))


def masses(variance, least):
    """Return P[Z = 0], …, P[Z = K] of a Skellam variable, with P[|Z| > K] ≤ 2e^−least, as floats."""
    from scipy.special import ive

    return ive(np.arange(reach(variance, least) + 1), variance)


@lru_cache(maxsize=256)
def step_mu(variance):
    """Return μ: telling Skellam noise from the same moved by one step is at most as easy as telling N(0, 1) from N(μ, 1).

    By a vector of whole numbers s it is then at most as easy as with N(‖s‖μ, 1), in any dimension: the law is log-concave,
    so that the best test is a threshold; with h(k) = −Φ⁻¹(P[Z ≥ k]) the trade-off of a step is above the Gaussian's if
    h(k) − h(k−1) ≤ μ for every k, that of s steps follows by adding up, and coordinates compose as Gaussians do. μ is the
    largest difference among outputs that are seen with more than e^−500; an output beyond can be set to the last of these,
    at a price in δ of as little.

    Args:
        variance: in steps², from 1e-3 to 2^26.

    Returns:
        μ, about (1 + 1/(6·variance))/√variance.

    Raises:
        TypeError, ValueError: the variance is out of range.

    Derived in: notebook 22.
    Source: Dong, Roth & Su 2022 (trade-offs, their composition and post-processing); Agarwal, Kairouz &
        Liu 2021 (the mechanism).
    """
    variance = checks.real("variance", variance, at_least=1e-3, at_most=LARGEST)
    from scipy.special import ndtri

    mass = masses(variance, FAR + 200)  # beyond, too little to matter to what is kept
    above = np.cumsum(mass[::-1])[::-1]  # P[Z ≥ k], from the smallest mass
    above[0] = (1 + mass[0]) / 2
    above = above[above > math.exp(-FAR)]
    heights = -ndtri(above)
    heights[0] = -heights[1] if len(heights) > 1 else heights[0]  # P[Z ≥ 0] = 1 − P[Z ≥ 1]
    return float(np.diff(heights).max()) * (1 + ROUNDING)


@lru_cache(maxsize=64)
def table(variance):
    """Return the least value of a draw and the distribution function's thresholds, whole numbers below 2^124.

    A uniform u in 0 … 2^124 − 1 stands for least + the number of thresholds that are not above u.
    """
    last = reach(variance, 84.0) + 8  # e^−84 is below 2^−121
    top, bottom = float(variance).as_integer_ratio()
    above, here, bessel = 0, 1 << 160, []
    for k in range(last, -1, -1):  # I_{k−1} = I_{k+1} + 2k/variance · I_k
        bessel.append(here)
        above, here = here, above + 2 * k * here * bottom // top
    bessel.reverse()
    whole, below, thresholds = 2 * sum(bessel) - bessel[0], 0, []
    for k in range(-last, last):
        below += bessel[abs(k)]
        thresholds.append((below << 2 * WORD) // whole)
    return -last, thresholds


@lru_cache(maxsize=64)
def _words(variance):
    least, thresholds = table(variance)
    high = np.array([threshold >> WORD for threshold in thresholds], dtype=np.int64)
    return least, thresholds, high


def draw(shape, variance, generator):
    """Draw Skellam variables of mean 0, exactly but for `ERROR`: in whole numbers alone.

    Args:
        shape: of the result.
        variance: from 0 to 2^26; 0 gives zeros.
        generator: a `torch.Generator` on the CPU.

    Returns:
        Whole numbers of the given shape, int64.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 22.
    Source: Skellam 1946; the downward recurrence is Miller's (Abramowitz & Stegun 1964, 9.12).
    """
    shape = checks.shape("shape", shape)
    variance = checks.real("variance", variance, at_least=0, at_most=LARGEST)
    checks.generator("generator", generator)
    if variance == 0:
        return torch.zeros(shape, dtype=torch.int64, device="cpu")
    least, thresholds, high = _words(variance)
    uniform = torch.randint(2**WORD, shape, generator=generator, device="cpu").numpy()
    found = np.searchsorted(high, uniform, side="right")
    open_ = np.atleast_1d(np.searchsorted(high, uniform, side="left") < found)  # the first word leaves it open
    drawn = np.array(found + least, dtype=np.int64)
    for place in np.argwhere(open_):
        at = tuple(place)[: drawn.ndim]
        low = int(torch.randint(2**WORD, (), generator=generator, device="cpu"))
        drawn[at] = least + _count(thresholds, (int(uniform[at]) << WORD) + low)
    return torch.from_numpy(drawn)


def _count(thresholds, value):
    """How many thresholds are not above a value, both whole numbers of any size."""
    from bisect import bisect_right

    return bisect_right(thresholds, value)


def draw_rows(count, shape, variance, generator):
    """Draw one row for each of `count` clients (count × shape), alike however many are drawn at once."""
    return client_rows(lambda rows: draw(rows, variance, generator), count, shape)


def exact_delta(variance, shift, epsilon):
    """Return δ(ε) of Skellam noise against the same noise moved by whole numbers, by adding up all outcomes.

    Args:
        variance: of the noise on each number, in steps².
        shift: one whole number, or two of two noisy numbers.
        epsilon: at least 0.

    Returns:
        Σ max(0, P − e^ε·Q) over all outcomes but a mass of e^−60, P moved and Q not.

    Derived in: notebook 22.
    """
    variance = checks.real("variance", variance, at_least=1e-3, at_most=COUNTED)
    epsilon = checks.real("epsilon", epsilon, at_least=0)
    moves = shift if isinstance(shift, (tuple, list)) else (shift,)
    if len(moves) not in (1, 2):
        raise ValueError(f"shift must be one whole number or two, got {shift!r}")
    moves = [abs(checks.whole("shift", move, at_least=-(2**20), at_most=2**20)) for move in moves]
    inside, outside = np.ones(1), np.ones(1)
    for moved in moves:
        mass = masses(variance, 60.0)
        mass = np.concatenate([mass[:0:-1], mass])
        still, there = np.pad(mass, (0, moved)), np.pad(mass, (moved, 0))
        inside, outside = np.outer(inside, there).ravel(), np.outer(outside, still).ravel()
    return float(np.maximum(inside - math.exp(epsilon) * outside, 0.0).sum())
