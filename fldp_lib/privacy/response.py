"""Randomised response: a person's own answer, private before it leaves; and what all such randomisers share."""

import math
from dataclasses import dataclass

import torch

from .. import checks


class Local:
    """What local randomisers of one category share: a report supports some categories, the true one more often.

    A report supports the true category with probability `kept` and every other one with probability `other`; the share of
    reports that support a category is then an unbiased estimate, shifted and stretched. Unit: a person, replace-one, local.

    Source: Wang, Blocki, Li & Jha 2017 (pure protocols).
    """

    at = "client"
    unit = "client"
    adjacency = "replace one person's answer"
    trust = "local: nobody but the person sees the true answer"
    private = True

    def __post_init__(self):
        object.__setattr__(self, "epsilon", checks.real("epsilon", self.epsilon, above=0))
        object.__setattr__(self, "categories", checks.whole("categories", self.categories, at_least=2))

    def estimate(self, reports):
        """Return unbiased estimates of the categories' true shares (k,), which may fall outside [0, 1].

        Args:
            reports: from `randomise`, one at least.

        Raises:
            TypeError, ValueError: no report of this randomiser's.
        """
        reports = self._reports(reports)
        return (self._supports(reports) / len(reports) - self.other) / (self.kept - self.other)

    def simulate(self, counts, generator):
        """Return one draw of `estimate` for people of whom so many are in each category (k,).

        Args:
            counts: people in each category (k,), whole numbers from 0, one person at least.
            generator: a `torch.Generator` on the CPU.

        Raises:
            TypeError, ValueError: other counts.
        """
        counts = self._counts(counts)
        return self.estimate(self.randomise(torch.arange(self.categories).repeat_interleave(counts), generator))

    def variance(self, people, share=0.0):
        """Return the variance of one category's estimated share, exactly.

        (share·kept(1 − kept) + (1 − share)·other(1 − other)) / (people·(kept − other)²)

        Args:
            people: number of reports, at least 1.
            share: the category's true share, in [0, 1].
        """
        people = checks.whole("people", people, at_least=1)
        share = checks.real("share", share, at_least=0, at_most=1)
        kept, other = self.kept, self.other
        return (share * kept * (1 - kept) + (1 - share) * other * (1 - other)) / (people * (kept - other) ** 2)

    @property
    def blanket(self):
        """What `shuffling` needs of a report, four numbers; these hold for any report of this ε (a crowd of clones).

        The probability that somebody's report is drawn from one law U that nobody's truth moves; the least density of one's
        own report over U; U's mass on the reports that one of two truths makes e^ε times as likely as the other, on each
        side; and U's mass on those that both make e^ε times as likely as the least.
        """
        return math.exp(-self.epsilon), 2 / (1 + math.exp(min(self.epsilon, 700.0))), 0.5, 0.0

    def _values(self, values, generator):
        checks.generator("generator", generator)
        return self._categories("values", values)

    def _categories(self, name, values):
        return _below(name, values, self.categories)

    def _counts(self, counts):
        counts = checks.tensor("counts", counts, (self.categories,), "whole")
        if counts.min() < 0 or not 1 <= counts.sum() <= 2**32:
            raise ValueError(f"counts must be whole numbers from 0, one person at least, got {counts.tolist()[:9]}")
        return counts


def _below(name, values, many):
    values = checks.tensor(name, values, ("n",), "whole")
    if not len(values) or values.min() < 0 or values.max() >= many:
        got = f"{int(values.min())} … {int(values.max())}" if len(values) else "none"
        raise ValueError(f"{name} must be whole numbers in 0 … {many - 1}, one at least, got {got}")
    return values


@dataclass(frozen=True)
class RandomisedResponse(Local):
    """Each person reports the true one of k categories with probability e^ε/(e^ε+k−1), else one of the others at random.

    Args:
        epsilon: ε of one report, positive. From about 36 on a lie is rarer than the generator can draw: there is none.
        categories: k, at least 2.

    Unit: a person, replace-one, local: nobody but the person sees the truth.

    Derived in: notebook 04.
    Source: Warner 1965; Kairouz, Bonawitz & Ramage 2016 (k categories).
    """

    epsilon: float
    categories: int = 2

    @property
    def keep(self):
        """Probability that a report is true."""
        return 1 / (1 + (self.categories - 1) * math.exp(-self.epsilon))

    @property
    def kept(self):
        """Probability that a report supports the true category: `keep`."""
        return self.keep

    @property
    def other(self):
        """Probability that a report supports one given other category."""
        return math.exp(-self.epsilon) / (1 + (self.categories - 1) * math.exp(-self.epsilon))

    @property
    def bits(self):
        """Bits of one report."""
        return math.ceil(math.log2(self.categories))

    @property
    def blanket(self):
        """What a report gives away whatever the truth, as in `Local.blanket`: with probability k·other all reports alike."""
        share = self.categories * self.other
        return share, share, 1 / self.categories, 0.0

    def randomise(self, values, generator):
        """Return one report for each true value.

        Args:
            values: true categories (n,), whole numbers in 0 … k−1.
            generator: a `torch.Generator` on the CPU.

        Returns:
            Reports (n,).

        Raises:
            ValueError: a value that is no category.
        """
        values = self._values(values, generator)
        lie = torch.rand(values.shape, generator=generator, dtype=torch.float64) >= self.keep
        shift = torch.randint(1, self.categories, values.shape, generator=generator)
        return torch.where(lie, (values + shift) % self.categories, values)

    def law(self, value):
        """Return the probability of every report, 0 … k−1, where `value` is true (k,)."""
        value = checks.whole("value", value, at_least=0, at_most=self.categories - 1)
        found = torch.full((self.categories,), self.other, dtype=torch.float64)
        found[value] = self.keep
        return found

    def _reports(self, reports):
        return self._categories("reports", reports)

    def _supports(self, reports):
        return torch.bincount(reports, minlength=self.categories).double()
