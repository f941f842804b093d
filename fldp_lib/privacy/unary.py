"""A report that is a set of categories: optimised unary encoding, a bit for each; subset selection, a set of fixed size."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from .response import Local

ENTRIES = 2**22  # random numbers drawn at once
LISTED = 2**16  # most reports that a law lists


@dataclass(frozen=True)
class UnaryEncoding(Local):
    """Each person sends k bits: the true category's is 1 with probability ½, every other with 1/(e^ε+1) (OUE).

    Two answers differ in two bits; the ratio of a report's probabilities is at most ½(1 − other)/(½·other) = e^ε.

    Args:
        epsilon: ε of one report, positive.
        categories: k, at least 2.

    Unit: a person, replace-one, local.

    Derived in: notebook 22.
    Source: Wang, Blocki, Li & Jha 2017 (optimised unary encoding).
    """

    epsilon: float
    categories: int
    kept = 0.5

    @property
    def other(self):
        """Probability that another category's bit is 1."""
        return 1 / (1 + math.exp(self.epsilon)) if self.epsilon < 700 else math.exp(-self.epsilon)

    @property
    def bits(self):
        """Bits of one report: k."""
        return self.categories

    def randomise(self, values, generator):
        """Return one report for each true value: n × k bits; arguments as in `RandomisedResponse.randomise`.

        `simulate` draws the estimates of large crowds at once, without their n·k bits.
        """
        values = self._values(values, generator)
        reports = torch.empty((len(values), self.categories), dtype=torch.bool)
        rows = max(1, ENTRIES // self.categories)
        for start in range(0, len(values), rows):
            part = values[start : start + rows]
            drawn = torch.rand((len(part), self.categories), generator=generator, dtype=torch.float64)
            bits = drawn < self.other
            place = part[:, None]
            reports[start : start + rows] = bits.scatter(1, place, drawn.gather(1, place) < self.kept)
        return reports

    def simulate(self, counts, generator):
        """Return one draw of `estimate` for people of whom so many are in each category (k,): two binomials a category.

        Args:
            counts: people in each category (k,), whole numbers from 0, one person at least.
            generator: a `torch.Generator` on the CPU.
        """
        counts = self._counts(counts).double()
        checks.generator("generator", generator)
        people = counts.sum()
        ones = torch.binomial(counts, torch.full_like(counts, self.kept), generator=generator)
        ones += torch.binomial(people - counts, torch.full_like(counts, self.other), generator=generator)
        return (ones / people - self.other) / (self.kept - self.other)

    def law(self, value):
        """Return the probability of every report where `value` is true (2^k,); bit i of its number is category i's."""
        value = checks.whole("value", value, at_least=0, at_most=self.categories - 1)
        if 2**self.categories > LISTED:
            raise ValueError(f"categories must be at most 16 for the law of all 2^k reports, got {self.categories}")
        bits = (torch.arange(2**self.categories)[:, None] >> torch.arange(self.categories)) & 1
        one = torch.full((self.categories,), self.other, dtype=torch.float64)
        one[value] = self.kept
        return torch.where(bits == 1, one, 1 - one).prod(1)

    def _reports(self, reports):
        reports = checks.tensor("reports", reports, ("n", self.categories), "bool")
        if not len(reports):
            raise ValueError("reports must be one at least, got none")
        return reports

    def _supports(self, reports):
        return reports.sum(0).double()


@dataclass(frozen=True)
class SubsetSelection(Local):
    """Each person sends a set of d categories that holds the true one more often than chance would.

    Every set with the true category is e^ε times as probable as every set without it; d is about k/(e^ε+1), that of two
    neighbours which gives the smaller variance. No ε-local report estimates a rare share better (Ye & Barg 2018).

    Args:
        epsilon: ε of one report, positive.
        categories: k, at least 2.

    Unit: a person, replace-one, local.

    Derived in: notebook 22.
    Source: Ye & Barg 2018; Wang, Huang, Wang, Nie, Xu, Yang, Li & Qiao 2016 (subset selection).
    """

    epsilon: float
    categories: int

    @property
    def size(self):
        """d, the number of categories in a report."""
        ideal = math.floor(self.categories * math.exp(-self.epsilon) / (1 + math.exp(-self.epsilon)))
        sizes = [size for size in (ideal, ideal + 1) if 1 <= size < self.categories]
        return min(sizes, key=lambda size: _spread(*_chances(self.epsilon, self.categories, size)))

    @property
    def kept(self):
        """Probability that a report holds the true category."""
        return _chances(self.epsilon, self.categories, self.size)[0]

    @property
    def other(self):
        """Probability that a report holds one given other category."""
        return _chances(self.epsilon, self.categories, self.size)[1]

    @property
    def bits(self):
        """Bits of one report: the logarithm of the number of sets."""
        return math.ceil(math.log2(math.comb(self.categories, self.size)))

    @property
    def blanket(self):
        """As in `Local.blanket`; U is even over all sets."""
        k, d = self.categories, self.size
        share = (1 - self.kept) * k / (k - d)
        return share, share, d * (k - d) / (k * (k - 1)), d * (d - 1) / (k * (k - 1))

    def randomise(self, values, generator):
        """Return one report for each true value: n × d, ascending; arguments as in `RandomisedResponse.randomise`."""
        values = self._values(values, generator)
        size, kept = self.size, self.kept
        reports = torch.empty((len(values), size), dtype=torch.int64)
        rows = max(1, ENTRIES // self.categories)
        for start in range(0, len(values), rows):
            part = values[start : start + rows]
            keys = torch.rand((len(part), self.categories), generator=generator, dtype=torch.float64)
            held = torch.rand(len(part), generator=generator, dtype=torch.float64) < kept
            keys.scatter_(1, part[:, None], torch.where(held, -1.0, 2.0).double()[:, None])  # first of all, or last
            reports[start : start + rows] = keys.topk(size, largest=False, sorted=False).indices.sort(1).values
        return reports

    def law(self, value):
        """Return the probability of every set, in the order of `itertools.combinations`, where `value` is true."""
        value = checks.whole("value", value, at_least=0, at_most=self.categories - 1)
        if math.comb(self.categories, self.size) > LISTED:
            raise ValueError(f"categories must be so few that at most {LISTED} sets are to be listed, got {self.categories}")
        sets = np.array(list(itertools.combinations(range(self.categories), self.size)))
        inside = self.kept / math.comb(self.categories - 1, self.size - 1)
        outside = (1 - self.kept) / math.comb(self.categories - 1, self.size)
        return torch.from_numpy(np.where((sets == value).any(1), inside, outside))

    def _reports(self, reports):
        reports = checks.tensor("reports", reports, ("n", self.size), "whole")
        if not len(reports) or reports.min() < 0 or reports.max() >= self.categories:
            got = f"{int(reports.min())} … {int(reports.max())}" if len(reports) else "none"
            raise ValueError(f"reports must be sets of categories 0 … {self.categories - 1}, one at least, got {got}")
        return reports

    def _supports(self, reports):
        return torch.bincount(reports.flatten(), minlength=self.categories).double()


def _chances(epsilon, categories, size):
    kept = size / (size + (categories - size) * math.exp(-epsilon))
    return kept, (kept * (size - 1) + (1 - kept) * size) / (categories - 1)


def _spread(kept, other):
    return other * (1 - other) / (kept - other) ** 2
