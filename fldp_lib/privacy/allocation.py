"""Random allocation: everybody takes part in exactly one of t noisy steps, drawn at random, and nobody learns which.

What sampling by coin flips (Poisson) is to a long run, with one difference that practice likes: nobody is left out, and
nobody is drawn twice. Without the person the t outputs are noise, N(0, σ²) each; with it one of them, nobody knows which,
is shifted by one. The likelihood ratio of all outputs is the mean W of t lognormal variables, and both directions of δ
follow from its law under pure noise: the mean of (W − e^ε)₊, and that of e^ε·(e^−ε − W)₊. Both are bounded from both sides:
the variables are put on a grid, split between neighbours so that means stay (W only gains spread, and δ grows), or rounded
to the side on which δ shrinks, and added up by Fourier transforms on the stretch from 0 to where the bracket changes sign.

Add-or-remove one person, Gaussian noise of `noise_multiplier` times the sensitivity in each step.

Source: Feldman & Shenfeld 2025 (privacy amplification by random allocation); Chua, Ghazi, Harrison, Leeman, Kamath, Kumar,
Manurangsi, Sinha & Zhang 2025 (balls and bins).
"""

import math
from functools import lru_cache

import numpy as np

from .. import checks
from .crossing import crossing
from .gaussians import gaussian_delta, gaussian_epsilon

GRID = 2**13  # points of the grid on which W is summed
MOST = 100_000  # steps
ROUNDING = 1e-13  # added to δ (ten times as much taken off the lower bound), besides 1e-11 of it, for what rounding may cost


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
    step, inner = grow * steps / (GRID - 1), steps / grow / (GRID - 1)
    if lower:  # W rounded down where δ rises with it, with its own mean; rounded up where δ falls
        into = _over(_below(noise, step), step, steps, *_jumps(noise, step, True))
        out = grow * _short(_above(noise, inner), inner, steps, 1 / grow)
        return max(max(into, out) * (1 - 1e-11) - 10 * ROUNDING, 0.0)
    into = _over(_spread(noise, step), step, steps, *_jumps(noise, step, False))  # E(W − e^ε)₊
    out = grow * _short(_spread(noise, inner), inner, steps, 1 / grow)  # E(1 − e^ε·W)₊
    known = float(gaussian_delta(1 / noise, epsilon)) * (1 + 1e-9)  # of a step that is known
    return min(max(into, out) * (1 + 1e-11) + ROUNDING, known, 1.0)


def _over(law, step, steps, excess, beyond, mean):
    """The mean of (W − a)₊, a the grid's end over t, of positive terms only: so that nothing cancels, however large a is.

    The sum of t values passes the end once, from a place i, at the j-th: by `excess` on average, with the t − j values that
    are left, of one mean each, on top. So what is needed is Σ Lʲ and Σ (t − 1 − j)·Lʲ over j < t, L the law of one value
    and its powers those of sums that stay on the grid: by doubling t.
    """
    one = np.zeros(GRID)
    one[0] = 1.0
    powers = np.stack([law, one, np.zeros(GRID)])  # of t = 1
    done = 1
    for bit in bin(steps)[3:]:
        twice = _products(None, powers)
        powers = np.stack([twice[0], powers[1] + twice[1], done * powers[1] + powers[2] + twice[2]])
        done *= 2
        if bit == "1":
            powers = np.stack([_products(law, powers[:1])[0], powers[1] + powers[0], powers[2] + powers[1]])
            done += 1
    return float(powers[1] @ excess[::-1] + mean * (powers[2] @ beyond[::-1])) / steps


def _jumps(noise, step, down):
    """For every distance from the end: the mean of what a value passes it by, the chance that it does; and the mean."""
    edges = np.arange(GRID + 1) * step
    if not down:  # split between neighbours: E(X − x)₊ stays at every point of the grid
        excess = _tail(noise, edges[:-1], 1) - edges[:-1] * _tail(noise, edges[:-1], 0)
        return np.maximum(excess, 0), _tail(noise, edges[1:], 0) + _up(noise, step), 1.0
    beyond = np.append(_tail(noise, edges[1:-1], 0), _tail(noise, edges[-2], 0))
    last = max(float(_tail(noise, edges[-2], 1) - edges[-2] * beyond[-1]), 0.0)
    excess = last + step * np.append(np.cumsum(beyond[-2::-1])[::-1], 0.0)
    return excess, beyond, float(excess[0])


def _short(law, step, steps, level):
    """The mean of (level − W)₊, W the mean of t independent values of this law on the grid; a sum beyond it is left out."""
    total, power, left = None, law, steps
    while True:  # the law of the sum, by squaring
        if left & 1:
            total = power if total is None else _products(total, power[None])[0]
        left >>= 1
        if not left:
            break
        power = _products(None, power[None])[0]
    return float(((level * steps - np.arange(GRID) * step) * total).sum()) / steps


def _products(one, others):
    """The laws of sums of a value of one law (None: the first of the others) and of each of the others, within the grid."""
    from scipy.fft import irfft, rfft

    many, transforms = 2 * GRID, rfft(others, 2 * GRID)
    return np.maximum(irfft((transforms[0] if one is None else rfft(one, many)) * transforms, many)[:, :GRID], 0)


def _tail(noise, edge, shift):
    """Chance that a value is above the edge; with shift 1 that of the tilted law: the mean of the values that are."""
    return _cdf(noise, edge, shift, -1)


def _cdf(noise, edge, shift, side=1):
    from scipy.special import ndtr

    with np.errstate(divide="ignore"):
        return ndtr(side * (noise * np.log(edge) + 0.5 / noise - shift / noise))


def _above(noise, step):
    """The law on the grid, every value rounded up."""
    return np.diff(_cdf(noise, np.arange(GRID) * step, 0), prepend=0.0)


def _below(noise, step):
    """The law on the grid, every value rounded down; the last point of the grid is the end, and none falls on it."""
    return np.append(np.diff(_cdf(noise, np.arange(GRID) * step, 0)), 0.0)


def _spread(noise, step):
    """The law on the grid, every value split between its two neighbours so that its mean stays."""
    up = _up(noise, step)
    law = np.diff(_cdf(noise, np.arange(GRID + 1) * step, 0)) - up
    law[1:] += up[:-1]
    return law


def _up(noise, step):
    """Of every value between two points of the grid, what goes to the upper one."""
    edges = np.arange(GRID + 1) * step
    mass, mean = np.diff(_cdf(noise, edges, 0)), np.diff(_cdf(noise, edges, 1))  # E[X; X ≤ x] is a shifted probability
    return np.clip(mean / step - np.arange(GRID) * mass, 0, mass)
