"""Planted wrong answers of notebook 23."""

import math

import numpy as np
from scipy.special import ndtr, ndtri


def _place(count, log=np.log2):
    return lambda scores, at: float(log(len(scores) / count(scores, scores[at])))


def _pairs(codes, symbols):
    return np.bincount(codes[:-1] * symbols + codes[1:], minlength=symbols**2).astype(float)


def _clipped(counts, clip):
    return counts * min(1, clip / np.linalg.norm(counts))


def _raised(mu):
    return lambda z, rounds, bits: float(ndtr(ndtri(2.0**-bits) + mu(z, rounds)))


def _sent(numbers, share=None):
    def answer(shapes, rank):
        n, whole = numbers(shapes, rank), sum(a * b for a, b in shapes)
        return n, 100 * n / whole if share is None else share(n, whole)

    return answer


BOTH = lambda shapes, rank: rank * sum(a + b for a, b in shapes)  # noqa: E731

WRONG = {
    "23.1": [
        (_place(lambda s, own: (s > own).sum() + 1), r"count against"),
        (_place(lambda s, own: (s > own).sum()), r"has a place, too"),
        (_place(lambda s, own: (s >= own).sum(), np.log), r"base 2"),
        (_place(lambda s, own: (s <= own).sum()), r"not the lower"),
        (lambda s, at: float(np.log2((s >= s[at]).sum())), r"log₂ of the place"),
        (lambda s, at: float(np.log2(len(s)) - (s >= s[at]).sum()), r"as well"),
        (lambda s, at: float(-s[at] / math.log(2)), r"own surprise"),
        (lambda s, at: "3", r"should be a number"),
    ],
    "23.2": [
        (lambda c, s, clip: _pairs(c, s), r"not clipped"),
        (lambda c, s, clip: _pairs(c, s) * clip / np.linalg.norm(_pairs(c, s)), r"stays as it is"),
        (lambda c, s, clip: _pairs(c, s) * min(1, clip / (len(c) - 1)), r"L2 norm"),
        (lambda c, s, clip: _pairs(c[::-1], s) * min(1, clip / np.linalg.norm(_pairs(c, s))), r"swapped"),
        (lambda c, s, clip: np.minimum(_pairs(c, s), clip), r"not each count"),
        (lambda c, s, clip: _pairs(c, s)[:4], r"the counts"),
        (lambda c, s, clip: _clipped(np.bincount(c[:-1] * s + c[1:]).astype(float), clip), r"the counts"),
    ],
    "23.3": [
        (_sent(lambda shapes, rank: sum(a * b for a, b in shapes)), r"only A and B"),
        (lambda shapes, rank: (rank * sum(a * b for a, b in shapes), 100 * rank), r"not products"),
        (_sent(lambda shapes, rank: sum(a + b for a, b in shapes)), r"thick"),
        (_sent(lambda shapes, rank: rank * sum(a for a, _ in shapes)), r"A travels"),
        (_sent(lambda shapes, rank: rank * sum(b for _, b in shapes)), r"B travels"),
        (_sent(BOTH, lambda n, whole: 100 * n / (n + whole)), r"own numbers"),
        (_sent(BOTH, lambda n, whole: n / whole), r"in per cent"),
        (lambda shapes, rank: 3, r"numbers and per cent"),
    ],
    "23.4": [
        (_raised(lambda z, rounds: 0.0), r"by chance"),
        (_raised(lambda z, rounds: 1 / z), r"all rounds count"),
        (_raised(lambda z, rounds: rounds / z), r"squares add up"),
        (_raised(lambda z, rounds: -math.sqrt(rounds) / z), r"add μ"),
        (_raised(lambda z, rounds: math.sqrt(rounds) * z), r"more noise"),
        (lambda z, n, bits: float(ndtr(ndtri(math.exp(-bits)) + math.sqrt(n) / z)), r"2\^−bits"),
        (lambda z, n, bits: float(ndtr(math.sqrt(n) / z - bits)), r"first the quantile"),
        (lambda z, n, bits: 2.0, r"between 0 and 1"),
    ],
}
