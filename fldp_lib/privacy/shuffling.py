"""What n local reports tell once nobody knows which is whose: amplification by shuffling.

With a certain probability somebody's report is drawn from a law U that nobody's truth moves. Whoever sees the shuffled
reports, and is told all the others, is left with N reports from U, one of them replaced by one's own: a crowd to hide in.
Two truths are told apart by a reports on the one's side and b on the other's, with the likelihood ratio

    (e^ε₀·a + b + rest) / (a + e^ε₀·b + rest),   rest: the other reports' densities,

and δ(ε) is the mean of what exceeds e^ε: a positive part of a sum of N independent terms, each of four values. Their law
comes from one Fourier transform, on a grid between whose points values are split so that means stay, and N is put into
bins that are counted at their smallest: both can only raise δ. An upper bound, close to the truth. k-ary response, subset
selection and projection say what their crowd is (`blanket`); of any other ε₀-local report e^−ε₀ of the people are clones of
the two truths.

Replace-one, the number of people public; one report a person, all in one shuffle. Above ε₀ = 20 no crowd is counted on, and
what is told is the curve of any ε₀-local report, (e^ε₀ − e^ε)/(e^ε₀ + 1), true with or without a shuffle.

A later theorem with more clones, 2/(e^ε₀ + 1) of the people (Feldman, McMillan & Talwar 2023), is not used: its authors'
erratum restricts it. By its sum with fewer clones and a silent own report three-ary response seems more private than it is,
which `exact_delta` shows.

Source: Balle, Bell, Gascón & Nissim 2019 (the blanket); Feldman, McMillan & Talwar 2021 (clones).
"""

import math
from functools import lru_cache

import numpy as np

from .. import checks
from .crossing import crossing
from .response import Local

TAILS = (1e-18, 1e-8, 1e-4, 0.02, 0.2, 0.5)  # where the bins of the crowd's size begin; what is below the first adds to δ
FEW = 40  # people of whom every size of the crowd is counted alone
MOST = 10**7  # people
HIGHEST = 20.0  # ε₀ up to which a crowd is counted: above, the values of a term lie too far apart for floating point
DEEPEST = 1e-10  # smallest δ: below, the transform's rounding would tell


def delta(report, people, epsilon):
    """Return δ of n shuffled reports at ε: an upper bound, never below the truth.

    Args:
        report: one person's local report, one of `randomisers`, or its ε₀ where no more of it is known.
        people: n, 1 to 10,000,000, all of whom report.
        epsilon: ε at least 0.

    Raises:
        TypeError, ValueError: arguments out of range.

    Derived in: notebook 22.
    Source: Balle, Bell, Gascón & Nissim 2019; Feldman, McMillan & Talwar 2021.
    """
    local, crowd = _report(report)
    people = checks.whole("people", people, at_least=1, at_most=MOST)
    return _delta(local, crowd, people, checks.real("epsilon", epsilon, at_least=0))


def epsilon(report, people, delta):
    """Return ε of n shuffled reports at δ: an upper bound, at most ε₀; arguments as in `delta`.

    Args:
        report: a local report, or its ε₀.
        people: n, 1 to 10,000,000.
        delta: in [1e-10, 1).
    """
    local, crowd = _report(report)
    people = checks.whole("people", people, at_least=1, at_most=MOST)
    delta = checks.real("delta", delta, at_least=DEEPEST, below=1)
    if _delta(local, crowd, people, 0.0) <= delta:
        return 0.0
    return crossing(lambda at: _delta(local, crowd, people, at), 0.0, local, delta)[1]


def local_epsilon(epsilon, people, delta, kind=None, categories=None):
    """Return the largest ε₀, at most 20, whose n shuffled reports are (ε, δ)-private by `delta`.

    Args:
        epsilon: ε of the shuffled reports, positive.
        people: n, 1 to 10,000,000.
        delta: in [1e-10, 1).
        kind: a class of `randomisers`, or None for any ε₀-local report.
        categories: k, where a kind is given.
    """
    epsilon = checks.real("epsilon", epsilon, above=0)
    people = checks.whole("people", people, at_least=1, at_most=MOST)
    delta = checks.real("delta", delta, at_least=DEEPEST, below=1)
    if kind is not None and not (isinstance(kind, type) and issubclass(kind, Local)):
        raise TypeError(f"kind must be a class of randomisers or None, got {checks.shown(kind)}")
    if (kind is None) != (categories is None):
        raise ValueError(f"categories must be given with a kind, and only then, got {checks.shown(categories)}")

    def at(local):
        return _delta(*_report(local if kind is None else kind(local, categories)), people, epsilon)

    low, high = min(epsilon, HIGHEST), HIGHEST  # ε₀-local reports are ε₀-private, shuffled or not
    return high if at(high) <= delta else crossing(at, low, high, delta)[0]


def exact_delta(report, others, truths, epsilon):
    """Return the exact δ of shuffled k-ary responses between two answers of one person, all others' answers being known.

    Args:
        report: a `RandomisedResponse`.
        others: the others' answers, at most 200 (2 categories), 40 (3 categories), 12 (more); possibly none.
        truths: the two answers compared, two categories.
        epsilon: ε at least 0.

    Returns:
        δ, the larger of both directions, from the law of the counts of reports.
    """
    from .response import RandomisedResponse

    checks.kind("report", report, RandomisedResponse, "a RandomisedResponse")
    epsilon = checks.real("epsilon", epsilon, at_least=0)
    k = report.categories
    others = checks.tensor("others", others, ("n",), "whole")
    others = report._categories("others", others).tolist() if len(others) else []
    most = {2: 200, 3: 40}.get(k, 12)
    if len(others) > most or k > 6:
        raise ValueError(f"others must be at most {most} at {k} categories (at most 6), got {len(others)}")
    pair = report._categories("truths", truths).tolist()
    if len(pair) != 2:
        raise ValueError(f"truths must be two categories, got {len(pair)}")
    law = np.ones((1,) * k)
    for answer in others:
        law = _with(law, report.law(answer).numpy())
    first, second = (_with(law, report.law(truth).numpy()) for truth in pair)
    return float(max(np.maximum(a - math.exp(epsilon) * b, 0).sum() for a, b in ((first, second), (second, first))))


def _with(law, chances):
    """The law of the counts of reports, one more report included."""
    found = np.zeros([length + 1 for length in law.shape])
    for category, chance in enumerate(chances):
        found[
            tuple(slice(int(axis == category), length + int(axis == category)) for axis, length in enumerate(law.shape))
        ] += chance * law
    return found


def _report(report):
    """ε₀ of a local report and its crowd (`blanket`), or ε₀ and a crowd of clones."""
    if isinstance(report, Local):
        return float(report.epsilon), report.blanket
    local = checks.real("report", report, above=0, at_most=500)
    return local, (math.exp(-local), 2 / (1 + math.exp(local)), 0.5, 0.0)


@lru_cache(maxsize=4096)
def _delta(local, crowd, people, epsilon):
    if epsilon >= local:
        return 0.0
    if local > HIGHEST:
        return min(-math.expm1(epsilon - local) * (1 + 1e-14) / (1 + math.exp(-local)), 1.0)
    return _crowd(local, *crowd, people, epsilon)


def _crowd(local, share, least, side, both, people, epsilon):
    """δ within one crowd: over bins of its size N, each taken at its smallest, where δ is largest."""
    from scipy.stats import binom

    others = people - 1
    if others <= FEW:
        starts = list(range(people))
    else:
        starts = sorted({max(int(tail), 0) for tail in binom.ppf(TAILS, others, share)})
    cut = binom.cdf(np.array(starts) - 1, others, share) if others else np.zeros(1)
    masses = np.diff(cut, append=1.0)
    among = (_among(local, least, side, both, start + 1, epsilon) for start in starts)
    return float(min(cut[0] + sum(mass * one for mass, one in zip(masses, among, strict=True) if mass > 0), 1.0))


def _among(local, least, side, both, size, epsilon):
    """δ among so many reports from U, of which one's own is one: E(Σ vᵢ)₊·least/size, each vᵢ one of four values."""
    own, grow = math.exp(local), math.exp(epsilon)
    values = np.array([own - grow, 1 - own * grow, own * (1 - grow), 1 - grow])  # own side, other side, both, neither
    chances = np.array([side, side, both, max(1 - 2 * side - both, 0.0)])
    low, span, mean = values.min(), values.max() - values.min(), values @ chances
    part = 14 * span  # Bernstein: farther than `reach` from the mean with probability below 2·e^-41
    reach = part + math.sqrt(part**2 + 84 * size * (chances @ (values - mean) ** 2))
    grid = 2 ** math.ceil(math.log2(min(max(4096, 128 * math.sqrt(size)), 2**18)))
    start = max(size * (mean - low) - reach, 0.0)
    step = (min(size * (mean - low) + reach, size * span) - start) / (grid - 4 - min(size, grid // 4))
    law, place = np.zeros(grid), (values - low) / step
    floor = np.floor(place)
    np.add.at(law, floor.astype(int) % grid, chances * (1 - place + floor))
    np.add.at(law, (floor.astype(int) + 1) % grid, chances * (place - floor))
    law = np.maximum(np.fft.irfft(_power(np.fft.rfft(law), size), grid), 0)
    first = math.floor(start / step)
    sums = size * low + (first + (np.arange(grid) - first) % grid) * step
    rounding = 1e-15 + 1e-15 * least * span  # of the sums, whose values lie as far apart as `span`
    return float(law @ np.maximum(sums, 0)) * least / size + rounding


def _power(base, count):
    """base^count by squaring: a tenth of the time of a complex power."""
    found = None
    while True:
        if count & 1:
            found = base if found is None else found * base
        count >>= 1
        if not count:
            return found
        base = base * base
