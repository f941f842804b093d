"""Projective geometry response: as exact as the best local report, and as short as the name of a category.

Categories and reports are both points of a projective space: vectors of t numbers modulo a prime q, a vector and its
multiples being one point. A report u fits a category v where ⟨u, v⟩ = 0. A fitting report is e^ε times as probable as
another; every category has as many fitting reports, and every two categories as many that fit both, so that the count of
fitting reports is all an estimate needs. All k counts come from one Fourier transform over the q^t vectors.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from .. import checks
from .response import Local, _below

TABLE = 2**22  # most vectors of a space, q^t: what the transform goes over
SIDE = 1024  # largest prime but where a plane of two coordinates needs no more


@dataclass(frozen=True)
class Projection(Local):
    """Each person sends a point of a projective space, e^ε times as often one that fits the true category.

    The prime q near e^ε + 1 and the dimension t are those of the smallest variance whose space has room for k categories.

    Args:
        epsilon: ε of one report, positive.
        categories: k, at least 2.

    Raises:
        ValueError: more categories than a space of 2²² vectors has points.

    Unit: a person, replace-one, local.

    Derived in: notebook 22.
    Source: Feldman, Nelson, Nguyen & Talwar 2022 (projective geometry response).
    """

    epsilon: float
    categories: int

    def __post_init__(self):
        super().__post_init__()
        _space(self.epsilon, self.categories)

    @property
    def prime(self):
        """q: coordinates are numbers modulo q."""
        return _space(self.epsilon, self.categories)[0]

    @property
    def dimension(self):
        """t: coordinates of a vector."""
        return _space(self.epsilon, self.categories)[1]

    @property
    def points(self):
        """Number of different reports, (q^t − 1)/(q − 1)."""
        return _points(self.prime, self.dimension)

    @property
    def kept(self):
        """Probability that a report fits the true category."""
        return _chances(self.epsilon, self.prime, self.dimension)[0]

    @property
    def other(self):
        """Probability that a report fits one given other category."""
        return _chances(self.epsilon, self.prime, self.dimension)[1]

    @property
    def bits(self):
        """Bits of one report."""
        return math.ceil(math.log2(self.points))

    @property
    def blanket(self):
        """As in `Local.blanket`; U is even over all points."""
        every, fits, both = (_points(self.prime, self.dimension - lost) for lost in (0, 1, 2))
        share = (1 - self.kept) * every / (every - fits)
        return share, share, (fits - both) / every, both / every

    def vectors(self, points):
        """Return points' vectors (n × t), whose first number that is not 0 is 1.

        Args:
            points: their numbers (n,), 0 … `points` − 1; category v is point v.
        """
        return _vectors(_below("points", points, self.points), self.prime, self.dimension)

    def randomise(self, values, generator):
        """Return one report for each true value, a point's number (n,); arguments as in `RandomisedResponse.randomise`."""
        values, q, t = self._values(values, generator), self.prime, self.dimension
        truth = _vectors(values, q, t)
        fits = torch.rand(len(values), generator=generator, dtype=torch.float64) < self.kept
        product = torch.where(fits, 0, torch.randint(1, q, values.shape, generator=generator))
        found, left = torch.empty_like(truth), torch.arange(len(values))
        while len(left):  # until no vector is zero: a zero is no point
            drawn = torch.randint(0, q, (len(left), t), generator=generator)
            pivot = (truth[left] != 0).int().argmax(1, keepdim=True)  # whose number is 1: it is set so that the product fits
            drawn.scatter_(1, pivot, 0)
            rest = (drawn * truth[left]).sum(1, keepdim=True)
            found[left] = drawn.scatter(1, pivot, (product[left][:, None] - rest) % q)
            left = left[(found[left] == 0).all(1)]
        return _numbers(found, q)

    def law(self, value):
        """Return the probability of every report, 0 … `points` − 1, where `value` is true."""
        value = checks.whole("value", value, at_least=0, at_most=self.categories - 1)
        every = _vectors(torch.arange(self.points), self.prime, self.dimension)
        fit = ((every @ every[value]) % self.prime == 0).numpy()
        fits = _points(self.prime, self.dimension - 1)
        return torch.from_numpy(np.where(fit, self.kept / fits, (1 - self.kept) / (self.points - fits)))

    def _reports(self, reports):
        return _below("reports", reports, self.points)

    def _supports(self, reports):
        """Reports that fit each category: (n + Ĉ(v))/q, where Ĉ is the transform of the count of each vector's point."""
        from scipy.fft import rfftn

        q, t = self.prime, self.dimension
        counts = torch.bincount(reports, minlength=self.points).double()
        every, table = _vectors(torch.arange(self.points), q, t), torch.zeros(q**t, dtype=torch.float64)
        weights = _weights(q, t)
        for multiple in range(1, q):
            table[(multiple * every % q) @ weights] = counts
        transform = rfftn(table.reshape((q,) * t).numpy())  # half of it: a vector and its negative have the same
        wanted = every[: self.categories]
        wanted = torch.where(wanted[:, -1:] > q // 2, -wanted % q, wanted)
        return torch.from_numpy(np.round((len(reports) + transform[tuple(wanted.T.numpy())].real) / q))


@lru_cache(maxsize=256)
def _space(epsilon, categories):
    best = None
    for q in _primes(min(SIDE, 4 * categories)) + _primes(2 * categories, categories - 1)[:1] * (categories <= 2048):
        t = 2
        while _points(q, t) < categories:
            t += 1
        if q**t <= TABLE or (q == 2 and t == 2):
            kept, other = _chances(epsilon, q, t)
            spread = other * (1 - other) / (kept - other) ** 2
            if best is None or spread < best[0]:
                best = (spread, q, t)
    if best is None:
        raise ValueError(f"categories must be at most {_points(2, 22)} for a space of {TABLE} vectors, got {categories}")
    return best[1:]


@lru_cache(maxsize=64)
def _primes(last, first=2):
    sieve = np.ones(last + 2, dtype=bool)
    sieve[:2] = False
    for number in range(2, math.isqrt(last) + 1):
        if sieve[number]:
            sieve[number * number :: number] = False
    return [int(number) for number in np.flatnonzero(sieve[: last + 1]) if number >= first]


def _points(q, t):
    return (q**t - 1) // (q - 1)


def _chances(epsilon, q, t):
    every, fits, both = (_points(q, t - lost) for lost in (0, 1, 2))
    low = math.exp(-epsilon)
    total = fits + (every - fits) * low
    return fits / total, (both + (fits - both) * low) / total


def _weights(q, t):
    return q ** torch.arange(t - 1, -1, -1)


def _vectors(points, q, t):
    """A point with m free coordinates has the number (q^m − 1)/(q − 1) + r; its vector is 0 … 0 1 and the digits of r."""
    starts = torch.tensor([_points(q, free) for free in range(t + 1)])
    free = torch.searchsorted(starts, points, right=True) - 1
    codes = q**free + points - starts[free]
    return codes[:, None] // _weights(q, t) % q


def _numbers(vectors, q):
    """The points' numbers of vectors that are not zero: divided by their first number that is not 0."""
    inverse = torch.tensor([0] + [pow(number, -1, q) for number in range(1, q)])
    t = vectors.shape[1]
    lead = (vectors != 0).int().argmax(1)
    scaled = vectors * inverse[vectors.gather(1, lead[:, None])] % q
    free = t - 1 - lead
    starts = torch.tensor([_points(q, count) for count in range(t + 1)])
    return scaled @ _weights(q, t) - q**free + starts[free]
