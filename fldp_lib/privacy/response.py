"""Randomised response: a person's own answer, private before it leaves."""

import math
from dataclasses import dataclass

import torch

from .. import checks


@dataclass(frozen=True)
class RandomisedResponse:
    """Each person reports the true one of k categories with probability e^ε/(e^ε+k−1), else one of the others at random.

    Args:
        epsilon: ε of one report, positive.
        categories: k, at least 2.

    Unit: a person, replace-one, local: nobody but the person sees the truth.

    Derived in: notebook 04.
    Source: Warner 1965; Kairouz, Bonawitz & Ramage 2016 (k categories).
    """

    epsilon: float
    categories: int = 2
    at = "client"
    unit = "client"
    adjacency = "replace one person's answer"
    trust = "local: nobody but the person sees the true answer"
    private = True

    def __post_init__(self):
        object.__setattr__(self, "epsilon", checks.real("epsilon", self.epsilon, above=0))
        object.__setattr__(self, "categories", checks.whole("categories", self.categories, at_least=2))

    @property
    def keep(self):
        """Probability that a report is true."""
        return 1 / (1 + (self.categories - 1) * math.exp(-self.epsilon))

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
        values = self._categories("values", values)
        checks.generator("generator", generator)
        lie = torch.rand(values.shape, generator=generator, dtype=torch.float64) >= self.keep
        shift = torch.randint(1, self.categories, values.shape, generator=generator)
        return torch.where(lie, (values + shift) % self.categories, values)

    def estimate(self, reports):
        """Return unbiased estimates of the categories' true shares (k,), which may fall outside [0, 1].

        Args:
            reports: from `randomise` (n,), one at least.
        """
        reports = self._categories("reports", reports)
        observed = torch.bincount(reports, minlength=self.categories).double() / len(reports)
        other = (1 - self.keep) / (self.categories - 1)
        return (observed - other) / (self.keep - other)

    def _categories(self, name, values):
        values = checks.tensor(name, values, ("n",), "whole")
        if not len(values) or values.min() < 0 or values.max() >= self.categories:
            got = f"{int(values.min())} … {int(values.max())}" if len(values) else "none"
            raise ValueError(f"{name} must be whole numbers in 0 … {self.categories - 1}, one at least, got {got}")
        return values
