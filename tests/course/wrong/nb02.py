"""Planted wrong answers of notebook 02."""

import math

import numpy as np


def _post(prior, epsilon):
    odds = math.exp(epsilon) * prior / (1 - prior)
    return odds / (1 + odds)


def _odds(share):
    return share / (1 - share)


def _player(log_ratio, weigh=lambda prior: math.log(prior / (1 - prior))):
    """A player who says A where a log-ratio, of the number's place above the count and ε, and the prior speak for it."""

    def answer(number, count, prior, epsilon):
        return "A" if log_ratio(number - count, epsilon) + weigh(prior) > 0 else "B"

    return answer


def _ratio(z, epsilon):
    return epsilon * (abs(z + 1) - abs(z))


def _other(number, count, prior, epsilon):
    return "B" if _player(_ratio)(number, count, prior, epsilon) == "A" else "A"


def _logs(p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(p / q)


def _seen(p, q):
    """Logs of the ratios where both are possible; what only one can produce is left out."""
    both = (p > 0) & (q > 0)
    return np.log(p[both] / q[both])


def _reach(unit, adjacency, cap):
    return (cap if unit == "hospital" else 1) * (2 if adjacency == "replace-one" else 1)


WRONG = {
    "02.1": [
        (lambda p, e: (_post(p, e), _post(p, -e)), "lowest comes first"),
        (lambda p, e: (p * math.exp(-e), p * math.exp(e)), "odds, not the probability"),
        (lambda p, e: (p * math.exp(-e), min(1, p * math.exp(e))), "odds, not the probability"),
        (lambda p, e: (1 - _post(p, e), _post(p, e)), "not 1 − highest"),
        (lambda p, e: (_post(0.5, -e), _post(0.5, e)), "at even odds"),
        (lambda p, e: (_odds(p) * math.exp(-e), _odds(p) * math.exp(e)), "the belief may go from|odds"),
        (lambda p, e: (_post(p, -2 * e), _post(p, 2 * e)), "the belief may go from"),
        (lambda p, e: (p, _post(p, e)), "the belief may go from"),
        (lambda p, e: (_post(p, -e * math.log(2)), _post(p, e * math.log(2))), "the belief may go from"),
        (lambda p, e: (p - e, p + e), "the belief may go from"),
        (lambda p, e: _post(p, e), r"should be 2 things"),
        (lambda p, e: (0.269, 0.731), "the belief may go from"),
    ],
    "02.2": [
        (lambda p, b: _odds(b) / _odds(p), "is its logarithm"),
        (lambda p, b: math.log(b / p), "not between the probabilities"),
        (lambda p, b: math.log(_odds(b)), "from even odds"),
        (lambda p, b: math.log(_odds(p) / _odds(b)), "sign is wrong"),
        (lambda p, b: math.log10(_odds(b) / _odds(p)), "ε is"),
        (lambda p, b: math.log2(_odds(b) / _odds(p)), "ε is"),
        (lambda p, b: b - p, "ε is"),
        (lambda p, b: math.log(b / (1 - p)), "ε is"),
        (lambda p, b: 2 * math.log(_odds(b) / _odds(p)), "ε is"),
        (lambda p, b: math.log(_odds(b) / _odds(p)) / 2, "ε is"),
        (lambda p, b: math.log((1 - p) / (1 - b)), "ε is"),
        (lambda p, b: 1.0, "ε is"),
        (lambda p, b: [math.log(_odds(b) / _odds(p))], "should be a number"),
    ],
    "02.3": [
        (_player(_ratio, lambda prior: 0.0), "only at even odds"),
        (_player(lambda z, e: 0.0), "follows the prior"),
        (_player(lambda z, e: 2 * e * (z + 0.5)), "stays at ±ε"),
        (_other, "the other is likelier"),
        (_player(lambda z, e: (abs(z + 1) - abs(z)) / e), "the other is likelier"),
        (_player(lambda z, e: e * (abs(z + 1) - abs(z)), lambda p: -math.log(p / (1 - p))), "the other is likelier"),
        (_player(lambda z, e: e * (abs(z) - abs(z - 1))), "the other is likelier"),
        (_player(lambda z, e: e * (abs(z + 1) - abs(z)), lambda p: p), "the other is likelier"),
        (_player(lambda z, e: e**2 * (z + 0.5)), "the other is likelier|stays at ±ε"),
        (lambda number, count, prior, epsilon: "A", "the other is likelier"),
        (lambda number, count, prior, epsilon: "a", "return 'A' or 'B'"),
        (lambda number, count, prior, epsilon: number > count - 0.5, "return 'A' or 'B'"),
    ],
    "02.4": [
        (lambda p, q: float(np.exp(abs(_seen(p, q)).max())), "largest ratio"),
        (lambda p, q: max(float(_seen(p, q).max()), 0.0), "one direction only"),
        (lambda p, q: max(float(-_seen(p, q).min()), 0.0), "one direction only"),
        (lambda p, q: float(abs(_seen(p, q)).mean()), "an average"),
        (lambda p, q: float((p[p > 0] * _logs(p, q)[p > 0]).sum()), "an average"),
        (lambda p, q: float(abs(p - q).sum() / 2), "difference of probabilities"),
        (lambda p, q: float(abs(p - q).max()), "difference of probabilities"),
        (lambda p, q: float(abs(_seen(p, q)).max()), "leaves no finite ε"),
        (lambda p, q: math.inf if (p == 0).any() or (q == 0).any() else float(abs(_seen(p, q)).max()), "does not count"),
        (lambda p, q: math.inf if (q == 0).any() and p[q == 0].any() else float(abs(_seen(p, q)).max()), "no finite ε"),
        (lambda p, q: float(abs(_logs(p, q)).max()), "does not count"),
        (lambda p, q: float(abs(_seen(p, q)).min()), r"ε is \d"),
        (lambda p, q: float(abs(_seen(p, q)).sum()), r"ε is \d"),
        (lambda p, q: float(abs(_seen(p, q)).max() / math.log(2)), r"ε is \d"),
        (lambda p, q: float(_seen(p, q).max() - _seen(p, q).min()), r"ε is \d"),
    ],
    "02.5": [
        (lambda s, unit, adjacency, cap: _reach(unit, adjacency, cap) * s, "sensitivity divided by scale"),
        (lambda s, unit, adjacency, cap: _reach("patient", adjacency, cap) / s, "all its patients"),
        (lambda s, unit, adjacency, cap: _reach("hospital", adjacency, cap) / s, "one patient moves one count"),
        (lambda s, unit, adjacency, cap: _reach(unit, "add-or-remove", cap) / s, "takes from one bin"),
        (lambda s, unit, adjacency, cap: _reach(unit, "replace-one", cap) / s, "nothing is exchanged"),
        (lambda s, unit, adjacency, cap: _reach(unit, "add-or-remove", cap) * (
            math.sqrt(2) if adjacency == "replace-one" else 1) / s, "L2 sensitivity"),
        (lambda s, unit, adjacency, cap: math.log(1 + _reach(unit, adjacency, cap) / s), r"ε is \d"),
        (lambda s, unit, adjacency, cap: _reach(unit, adjacency, cap - 1) / s, r"ε is \d"),
        (lambda s, unit, adjacency, cap: _reach(unit, adjacency, math.sqrt(cap)) / s, r"ε is \d"),
        (lambda s, unit, adjacency, cap: math.sqrt(2) * _reach(unit, adjacency, cap) / s, r"ε is \d"),
        (lambda s, unit, adjacency, cap: 1.0, r"ε is \d"),
        (lambda s, unit, adjacency, cap: -_reach(unit, adjacency, cap) / s, r"ε is \d"),
    ],
}  # fmt: skip
