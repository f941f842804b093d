"""Random allocation: everybody takes part in exactly one of t noisy steps, drawn at random, and nobody learns which.

What sampling by coin flips (Poisson) is to a long run, with one difference that practice likes: nobody is left out, and
nobody is drawn twice. Without the person the t outputs are noise, N(0, σ²) each; with it one of them, nobody knows which,
is shifted by one. The likelihood ratio of all outputs is the mean W of t lognormal variables, and both directions of δ
follow from one function, the mean of (a − W)₊ under pure noise, at a = e^ε and at a = e^−ε. It is bounded from both sides:
the variables are put on a grid, split between neighbours so that means stay (W only gains spread, and δ grows), or rounded
to the side on which δ shrinks, and added up by Fourier transforms; what exceeds a counts for nothing and is left out.

Add-or-remove one person, Gaussian noise of `noise_multiplier` times the sensitivity in each step.

Source: Feldman & Shenfeld 2025 (privacy amplification by random allocation); Chua, Ghazi, Harrison, Leeman, Kamath, Kumar,
Manurangsi, Sinha & Zhang 2025 (balls and bins).
"""

import math
from functools import lru_cache

import numpy as np

from .. import checks
from .crossing import crossing
from .gaussians import gaussian_epsilon

GRID = 2**13  # points of the grid on which W is summed
MOST = 100_000  # steps


def delta(noise_multiplier, steps, epsilon, lower=False):
    """Return δ at ε of one participation in one of t steps drawn at random: an upper bound, or a lower one.

    Args:
        noise_multiplier: σ, deviation of a step's noise over its sensitivity, positive.
        steps: t, 1 to 100,000.
        epsilon: ε at least 0.
        lower: whether to bound from below instead.

    Returns:
        δ, the larger of both directions (with the person in or out).

    Raises:
        TypeError, ValueError: arguments out of range.

    Derived in: notebook 22.
    Source: Feldman & Shenfeld 2025 (the pair of laws).
    """
    noise, steps = _checked(noise_multiplier, steps)
    epsilon = checks.real("epsilon", epsilon, at_least=0, at_most=100)
    return _delta(noise, steps, epsilon, checks.flag("lower", lower))


def epsilon(noise_multiplier, steps, delta, lower=False):
    """Return ε at δ of one participation in one of t steps drawn at random; arguments as in `delta`.

    Args:
        noise_multiplier: σ, positive.
        steps: t, 1 to 100,000.
        delta: in [1e-9, 1): below, rounding would tell.
        lower: whether to bound from below instead.
    """
    noise, steps = _checked(noise_multiplier, steps)
    delta = checks.real("delta", delta, at_least=1e-9, below=1)
    lower = checks.flag("lower", lower)
    if _delta(noise, steps, 0.0, lower) <= delta:
        return 0.0
    known = float(gaussian_epsilon(1 / noise, delta))
    if steps == 1:
        return known
    return crossing(lambda at: _delta(noise, steps, at, lower), 0.0, known, delta)[0 if lower else 1]


def poisson(noise_multiplier, steps, delta):
    """Return ε at δ where everybody takes part in each of t steps with probability 1/t; arguments as in `epsilon`."""
    from . import accounting, mechanisms

    noise, steps = _checked(noise_multiplier, steps)
    delta = checks.real("delta", delta, at_least=1e-9, below=1)
    return accounting.epsilon(mechanisms.Gaussian(noise, 1.0), rounds=steps, sampling_rate=1 / steps, delta=delta)


def unhidden(noise_multiplier, delta):
    """Return ε at δ of one participation in a step that is known: one Gaussian, exactly; arguments as in `epsilon`."""
    noise, _ = _checked(noise_multiplier, 1)
    return float(gaussian_epsilon(1 / noise, checks.real("delta", delta, above=0, below=1)))


def _checked(noise_multiplier, steps):
    noise = checks.real("noise_multiplier", noise_multiplier, at_least=0.2, at_most=1000)
    return noise, checks.whole("steps", steps, at_least=1, at_most=MOST)


@lru_cache(maxsize=1024)
def _delta(noise, steps, epsilon, lower):
    grow = math.exp(epsilon)
    if lower:  # W rounded down where δ rises with it, with its own mean; rounded up where δ falls
        step = grow * steps / (GRID - 1)
        law = _below(noise, step)
        mean = 1 - float(_cdf(noise, grow * steps, 1) - law @ np.arange(GRID) * step)
        into = mean - grow + _short(law, step, steps, grow)
        step = steps / grow / (GRID - 1)
        out = grow * _short(_above(noise, step), step, steps, 1 / grow)
    else:
        step = grow * steps / (GRID - 1)
        into = 1 - grow + _short(_spread(noise, step), step, steps, grow)  # E(W − e^ε)₊, since E W = 1
        step = steps / grow / (GRID - 1)
        out = grow * _short(_spread(noise, step), step, steps, 1 / grow)  # E(1 − e^ε·W)₊
    return max(into, out, 0.0)


def _short(law, step, steps, level):
    """The mean of (level − W)₊, W the mean of t independent values of this law on the grid; a sum beyond it is left out."""
    total, power, left = None, law, steps
    while True:  # the law of the sum, by squaring
        if left & 1:
            total = power if total is None else _sum(total, power)
        left >>= 1
        if not left:
            break
        power = _sum(power, power)
    return float(((level * steps - np.arange(GRID) * step) * total).sum()) / steps


def _sum(one, other):
    from scipy.signal import fftconvolve

    return np.maximum(fftconvolve(one, other)[:GRID], 0)


def _cdf(noise, edge, shift):
    from scipy.special import ndtr

    with np.errstate(divide="ignore"):
        return ndtr(noise * np.log(edge) + 0.5 / noise - shift / noise)


def _above(noise, step):
    """The law on the grid, every value rounded up."""
    return np.diff(_cdf(noise, np.arange(GRID) * step, 0), prepend=0.0)


def _below(noise, step):
    """The law on the grid, every value rounded down; the last point of the grid is the end, and none falls on it."""
    return np.append(np.diff(_cdf(noise, np.arange(GRID) * step, 0)), 0.0)


def _spread(noise, step):
    """The law on the grid, every value split between its two neighbours so that its mean stays."""
    edges = np.arange(GRID + 1) * step
    mass, mean = np.diff(_cdf(noise, edges, 0)), np.diff(_cdf(noise, edges, 1))  # E[X; X ≤ x] is a shifted probability
    up = np.clip(mean / step - np.arange(GRID) * mass, 0, mass)
    law = mass - up
    law[1:] += up[:-1]
    return law
