"""Planted wrong answers of notebook 16."""

import math

import numpy as np
from scipy import stats


def _log(a, b):
    return math.log(a / b) if a > 0 else -math.inf


def _proved(runs, error):
    edge = error ** (1 / runs)
    return math.log(edge / (1 - edge))


def _two(tpr, fpr, delta):
    return max(0.0, _log(tpr - delta, fpr), _log(1 - fpr - delta, 1 - tpr))


def _four(tpr, fpr, delta):
    pairs = (tpr, fpr), (1 - fpr, 1 - tpr), (fpr, tpr), (1 - tpr, 1 - fpr)
    return max(_log(a - delta, b) for a, b in pairs)


def _extremes(scores, low, high, count):
    """Guesses `high` at the count highest scores and `low` at the count lowest."""
    order, guesses = np.argsort(scores), np.zeros(len(scores), int)
    guesses[order[:count]], guesses[order[-count:]] = low, high
    return guesses


def _tail(correct, guesses, chance):
    return stats.binom.sf(correct - 1, guesses, chance)


WRONG = {
    "16.1": [
        (lambda t, f, d: max(0.0, _log(t - d, f)), r"complement"),
        (_two, r"turned round"),
        (lambda t, f, d: max(0.0, _log(t - d, f), _log(f - d, t)), r"complement"),
        (_four, r"below 0"),
        (lambda t, f, d: max(0.0, _four(t, f, 0.0)), r"δ is taken off"),
        (lambda t, f, d: math.exp(max(0.0, _four(t, f, d))), r"logarithm"),
        (lambda t, f, d: max(0.0, _four(t, f, d)) / math.log(10), r"natural"),
        (lambda t, f, d: max(0.0, _four(t, f, -d)), r"it should be"),  # δ added
        (lambda t, f, d: max(0.0, _four(t, f, 0.0)) + d, r"it should be"),
    ],
    "16.2": [
        (lambda runs, error: math.inf, r"rate of 0"),
        (lambda runs, error: -math.log(1 - error ** (1 / runs)), r"true-positive rate"),
        (lambda runs, error: math.log(runs), r"1/n"),
        (lambda runs, error: _proved(runs, error / 2), r"not halved"),
        (lambda runs, error: _proved(runs, 0.05), r"error is given"),
        (lambda runs, error: math.log(runs / 3), r"rule of three"),
        (lambda runs, error: _proved(runs, 1 - error), r"not the confidence"),
        (lambda runs, error: _proved(runs / 2, error), r"it is"),  # half of the runs
    ],
    "16.3": [
        (lambda scores, guesses: _extremes(scores, 1, -1, guesses // 2), r"high scores"),
        (lambda scores, guesses: _extremes(scores, -1, 1, guesses), r"half of each kind"),
        (lambda scores, guesses: _extremes(scores, 1, 1, guesses // 2), r"half are 'out'"),
        (lambda scores, guesses: np.where(scores > np.median(scores), 1, -1), r"half of each kind"),
        (lambda scores, guesses: np.argsort(scores), r"1, −1 or 0"),
        (lambda scores, guesses: _extremes(np.abs(scores - np.median(scores)), -1, 1, guesses // 2), r"highest scores"),
        (lambda scores, guesses: _extremes(scores, -1, 1, guesses // 2)[:-1], r"shape"),
    ],
    "16.4": [
        (lambda c, g, e: stats.binom.sf(c, g, 1 / (1 + math.exp(-e))), r"\*more\*"),
        (lambda c, g, e: stats.binom.cdf(c, g, 1 / (1 + math.exp(-e))), r"upper tail"),
        (lambda c, g, e: stats.binom.pmf(c, g, 1 / (1 + math.exp(-e))), r"or more"),
        (lambda c, g, e: _tail(c, g, 0.5), r"than a coin"),
        (lambda c, g, e: _tail(c, g, min(1.0, math.exp(e) / 2)), r"e\^ε/\(1"),
        (lambda c, g, e: 2 * _tail(c, g, 1 / (1 + math.exp(-e))), r"one side"),
        (lambda c, g, e: _tail(c, g, 1 / (1 + math.exp(e))), r"it should be"),
        (lambda c, g, e: c / g, r"it should be"),
    ],
}
