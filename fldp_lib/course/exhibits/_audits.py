"""Audits in bulk for notebook 16: counts from the laws of the scores, and bounds on many of them in one call.

`tests/course/test_audits.py` holds the bounds to `adversary.auditing`, number by number, and the attacker to `attacker.of`.
"""

import math
from bisect import bisect_left
from functools import lru_cache

import numpy as np
import torch
from scipy import special

from ...adversary import faults
from ...privacy import gaussians, pricing
from ...privacy.attacker import FALSE_RATE, Attacker

CLIP, DELTA = faults.CLIP, 1e-5


def released(program, epsilon, runs, seed):
    """Scores of a planted program without and with its canary (runs,) each."""
    generator = torch.Generator().manual_seed(seed)
    return [program(epsilon, there, runs, generator).numpy() for there in (False, True)]


def rates(false, true, runs, error):
    """Clopper–Pearson: an upper bound on the false-positive rate, a lower one on the true, each wrong with this error."""
    false, missed = np.asarray(false, float), runs - np.asarray(true, float)
    some, where = np.unique(np.concatenate([false.ravel(), missed.ravel()]), return_inverse=True)
    most = np.where(some < runs, special.betaincinv(some + 1, np.maximum(runs - some, 1), 1 - error), 1.0)[where]
    return most[: false.size].reshape(false.shape), 1 - most[false.size :].reshape(missed.shape)


def bound(fpr, tpr, delta=0.0):
    """The ε that these rates need: TPR ≤ e^ε·FPR + δ, and the same for the complements."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.log(np.maximum(tpr - delta, 1e-300) / fpr)
        second = np.log(np.maximum(1 - fpr - delta, 1e-300) / (1 - tpr))
    return np.maximum(0.0, np.maximum(first, second))


def naive(false, true, runs):
    """The same from the bare frequencies, at the threshold (last axis) where they look worst for the program."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(true / false), np.log((runs - false) / (runs - true))
    return np.maximum(0.0, np.max([np.where(np.isfinite(r), r, 0.0) for r in ratios], (0, -1)))


def counts(laws, runs, audits, rng):
    """False and true positives above each threshold, for some audits (2 × audits × thresholds).

    Args:
        laws: the probability of a score above each threshold, rising order, without and with the canary (2 × thresholds).
        runs: of each audit, in each world.
        audits: how many are drawn, each with runs of its own.
        rng: draws them: runs fall between the thresholds as a multinomial.
    """
    found = []
    for above in laws:
        cells = -np.diff(np.concatenate([[1.0], above, [0.0]]))
        drawn = rng.multinomial(runs, cells / cells.sum(), size=audits)
        found.append(drawn[:, ::-1].cumsum(1)[:, ::-1][:, 1:])
    return np.array(found, float)


def halves(laws, runs, audits, rng):
    """What audits by (ε, 0) prove, the threshold chosen on one half of the runs and judged on the other; and naive bounds.

    Returns:
        Two arrays (audits,): proved at 95% confidence, and naive, by all the runs at their best threshold.
    """
    half = runs // 2
    first, second = counts(laws, half, audits, rng), counts(laws, half, audits, rng)
    bounds = bound(*rates(*first, half, 0.025))
    best = (bounds > bounds.max(1, keepdims=True) - 1e-9).argmax(1)  # a threshold and its mirror image tie: the first, then
    judged = second[:, np.arange(audits), best]
    return bound(*rates(*judged, half, 0.025)), naive(*(first + second), 2 * half)


def laplace_laws(epsilon, thresholds):
    """The probability of a score above each threshold (2 × thresholds), Laplace noise of scale 1; the canary adds ε."""

    def above(x):
        return np.where(x < 0, 1 - np.exp(-np.abs(x)) / 2, np.exp(-np.abs(x)) / 2)

    return np.array([above(thresholds), above(thresholds - epsilon)])


@lru_cache(maxsize=1_024)
def laplace(epsilon):
    """The exact attacker of one release with Laplace noise of this ε, in closed form."""
    even, away = 1 - math.exp(-epsilon / 2) / 2, -math.log(2 * FALSE_RATE)
    power = math.exp(epsilon) * FALSE_RATE if away >= epsilon else 1 - math.exp(away - epsilon) / 2
    return Attacker(even, power, FALSE_RATE, None, pricing.best_guess(epsilon, 0.0), round(100 * even))


def through_mu(wrong, verdicts):
    """ε at δ = 1e-5, with 95% confidence, of so many wrong verdicts, if the mechanism is Gaussian; any shape."""
    error = special.betaincinv(wrong + 1.0, np.maximum(verdicts - wrong, 1.0), 0.95)
    found = np.maximum(0.0, -2 * special.ndtri(error))
    at, told = exchange()
    return np.interp(found, at, told)


@lru_cache(maxsize=1)
def exchange():
    """A table of μ and of its ε at δ = 1e-5."""
    at = np.concatenate([[0.0], np.geomspace(1e-3, 12, 400)])
    return at, np.array([0.0, *(float(gaussians.gaussian_epsilon(float(mu), DELTA)) for mu in at[1:])])


def p_values(correct, guesses, canaries, epsilons, delta=DELTA):
    """`auditing.p_value` at many ε: the largest probability of so many right guesses or more (epsilons,)."""
    q = special.expit(np.asarray(epsilons, float))[:, None]
    tail = special.bdtrc(correct - 1, guesses, q[:, 0]) if correct else np.ones(len(q))
    if not delta or not correct:
        return np.minimum(1.0, tail)
    short, v, log = _ways(correct, guesses)
    below = np.exp(log + v * np.log(q) + (guesses - v) * np.log1p(-q)).cumsum(1)
    return np.minimum(1.0, tail + 2 * canaries * delta * (below / short).max(1))


@lru_cache(maxsize=128)
def _ways(correct, guesses):
    """By how many too few guesses are right, how many are, and the logarithm of in how many ways (correct,) each."""
    short = np.arange(1, correct + 1)
    v = correct - short  # 0 … correct − 1 right guesses
    return short, v, special.gammaln(guesses + 1) - special.gammaln(v + 1) - special.gammaln(guesses - v + 1)


@lru_cache(maxsize=4_096)
def one_run(correct, guesses, canaries, delta=DELTA):
    """`auditing.one_run` at 95% confidence, to a thousandth, rounded down."""
    low, high = 0.0, 16.0
    for _zoom in range(3):  # a p-value rises with ε as long as 2·canaries·δ is below 1
        grid = np.linspace(low, high, 41)
        first = bisect_left(grid, 1, key=lambda e: p_values(correct, guesses, canaries, [e], delta)[0] > 0.05)
        if not first:
            return 0.0
        low, high = grid[min(first, 40) - 1], grid[min(first, 40)]
    return float(low)
