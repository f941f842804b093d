"""Items that nobody listed beforehand: released where a noisy count passes a threshold. What δ pays for.

That a rare item stands in the release at all tells that somebody has it; noise on its count does not hide that. So an item
may be released only where its noisy count passes a threshold, so high that an item of one person passes with probability
at most δ. All else of the release is ε-private.
"""

import math
from dataclasses import dataclass

import torch

from .. import checks
from ..privacy.mechanisms import laplace_noise

CHUNK = 2**21
ROUNDING = 1e-14  # a hundred times what one term of a cumulated law, and one step of a uniform draw, may be off


@dataclass(frozen=True)
class _Threshold:
    epsilon: float
    delta: float
    most: int = 1

    def __post_init__(self):
        object.__setattr__(self, "epsilon", checks.real("epsilon", self.epsilon, at_least=1e-3, at_most=50))
        object.__setattr__(self, "delta", checks.real("delta", self.delta, at_least=1e-15, at_most=0.5))
        object.__setattr__(self, "most", checks.whole("most", self.most, at_least=1, at_most=10_000))

    @property
    def each(self):
        """ε and δ of one item: ε/L, and the δ' with 1 − (1 − δ')^L = δ, since a person can bring L new items."""
        return self.epsilon / self.most, -math.expm1(math.log1p(-self.delta) / self.most)

    def release(self, counts, generator):
        """Return the items that pass and their noisy counts.

        Args:
            counts: people who have each item (k,), whole numbers from 0; of people with at most `most` items. An item of
                nobody's is never released.
            generator: a `torch.Generator` on the CPU.

        Returns:
            The released items' numbers (r,) and noisy counts (r,). Publish names, in an order of their own: a number tells
            how many items stand before it, which no ε covers.

        Raises:
            TypeError, ValueError: arguments out of range.
        """
        counts = _counts(counts)
        checks.generator("generator", generator)
        noisy, bar = self._noisy(counts, generator)
        passed = ((noisy > bar) & (counts > 0)).nonzero().squeeze(1)
        return passed, noisy[passed]

    def chance(self, counts):
        """Return the exact probability (…) that an item of so many people is released; whole numbers from 0."""
        counts = _counts(counts, None)
        return torch.where(counts > 0, self._passes(counts.double()), 0.0)


@dataclass(frozen=True)
class LaplaceThreshold(_Threshold):
    """Laplace noise of scale L/ε on every count, released above τ = 1 − (L/ε)·ln(2δ'): for one item, 1 + ln(1/(2δ))/ε.

    Args:
        epsilon: ε, 0.001 to 50.
        delta: δ, 1e-15 to 0.5.
        most: L, how many items a person has at most.

    Unit: a person, add-or-remove.

    Derived in: notebook 22.
    Source: Korolova, Kenthapadi, Mishra & Ntoulas 2009; Wilson et al. 2020.
    """

    @property
    def scale(self):
        """Scale of the Laplace noise."""
        return 1 / self.each[0]

    @property
    def threshold(self):
        """τ: a count must exceed it, noise included."""
        return 1 - self.scale * math.log(2 * self.each[1])

    @property
    def deviation(self):
        """Standard deviation of the noise."""
        return math.sqrt(2) * self.scale

    def _noisy(self, counts, generator):
        return counts + laplace_noise(counts.shape, self.scale, generator), self.threshold

    def _passes(self, counts):
        over = (counts - self.threshold) / self.scale
        return torch.where(over < 0, 0.5 * over.clamp(max=0).exp(), 1 - 0.5 * (-over).clamp(max=0).exp())


@dataclass(frozen=True)
class GeometricThreshold(_Threshold):
    """Whole-numbered noise on −r … r, of weights e^−ε|x|, released where count + noise > r: as often as any rule may.

    One person less makes a difference beyond e^ε only at the noise's ends, which is where δ goes: r is the smallest reach
    whose ends have probability at most δ'. What r leaves of δ' goes to a coin that takes r − 1 instead, for each item anew;
    for one item a person the chances are then those of `best_chance`, up to a relative error of about δ.

    Args:
        epsilon: ε, 0.001 to 50.
        delta: δ, up to 0.5; at least so large that the draws, in double precision, keep each item's δ' to a hundredth of it.
        most: L, how many items a person has at most.

    Raises:
        ValueError: also for a δ' that rounding would break.

    Unit: a person, add-or-remove.

    Derived in: notebook 22.
    Source: Desfontaines, Voss, Gipson & Mandayam 2022 (differentially private partition selection).
    """

    def __post_init__(self):
        super().__post_init__()
        least = (2 * self.threshold + 1) * ROUNDING
        if self.each[1] < least:
            raise ValueError(
                f"delta must be at least {least:.2g} for each item here, where rounding is smaller than its hundredth; "
                f"got {self.delta:g} over {self.most}"
            )

    @property
    def threshold(self):
        """r: the noise reaches as far, and a count must exceed it, noise included."""
        epsilon, delta = self.each
        ratio = math.exp(-epsilon)
        # an end of the noise has probability (1 − p)·p^r/(1 + p − 2p^(r+1)), p = e^-ε: at most δ, solved for p^r
        return max(math.ceil(math.log((1 - ratio + 2 * ratio * delta) / (delta * (1 + ratio))) / epsilon - 1e-12), 1)

    @property
    def early(self):
        """Probability that an item is released above r − 1 instead, with noise that reaches as far."""
        shorter, longer = (float(self._law(reach)[1][-1]) for reach in (self.threshold - 1, self.threshold))
        return min(max((self.each[1] - longer) / (shorter - longer), 0.0), 1.0)

    @property
    def deviation(self):
        """Standard deviation of the noise."""
        parts = [float((values**2 * law).sum()) for values, law in map(self._law, (self.threshold - 1, self.threshold))]
        return math.sqrt(self.early * parts[0] + (1 - self.early) * parts[1])

    def _law(self, reach):
        values = torch.arange(-reach, reach + 1, dtype=torch.float64)
        weights = (-self.each[0] * values.abs()).exp()
        return values, weights / weights.sum()

    def _noisy(self, counts, generator):
        drawn = torch.rand(counts.shape, generator=generator, dtype=torch.float64)
        first = torch.rand(counts.shape, generator=generator, dtype=torch.float64) < self.early
        noise = []
        for reach in (self.threshold - 1, self.threshold):
            values, law = self._law(reach)
            place = torch.searchsorted(law.cumsum(0), drawn, right=True).clamp(max=len(values) - 1)
            noise.append(values[place].long())
        return counts + torch.where(first, noise[0], noise[1]), self.threshold - first.long()

    def _passes(self, counts):
        found = torch.zeros_like(counts)
        for reach, share in ((self.threshold - 1, self.early), (self.threshold, 1 - self.early)):
            tail = self._law(reach)[1].flip(0).cumsum(0)  # P(noise ≥ r), P(noise ≥ r − 1), …
            found += share * tail[(counts.long() - 1).clamp(min=0, max=len(tail) - 1)]
        return found.clamp(max=1)


def best_chance(epsilon, delta, counts):
    """Return the largest probability with which any (ε, δ)-private rule can release an item of so many people (…).

    One person more multiplies it by e^ε and adds δ, and divides the chance of staying hidden by no more than e^ε:
    π(n) = min(e^ε·π(n−1) + δ, 1 − e^−ε·(1 − π(n−1) − δ), 1), from π(0) = 0.

    Args:
        epsilon: ε, 0.001 to 50.
        delta: δ, 1e-15 to 0.5.
        counts: people who have the item, from 0 (one item a person).

    Derived in: notebook 22.
    Source: Desfontaines, Voss, Gipson & Mandayam 2022, Theorem 1.
    """
    rule = GeometricThreshold(epsilon, delta)
    counts = _counts(counts, None)
    chances, grow = [0.0], math.exp(rule.epsilon)
    while chances[-1] < 1 and len(chances) <= 4 * rule.threshold + 4:
        last = chances[-1]
        chances.append(min(grow * last + rule.delta, 1 - (1 - last - rule.delta) / grow, 1.0))
    return torch.tensor(chances, dtype=torch.float64)[counts.clamp(max=len(chances) - 1)]


@dataclass(frozen=True)
class SinglesAudit:
    """What `audit_singles` found.

    Attributes:
        released, items: how many of the items of one person were released, of how many; delta: what one may be with.
        lower: lower end, at level `alpha`, of the probability that one is.
        p_value: probability of so many releases, or more, were the promise kept exactly; caught: whether below `alpha`.
    """

    released: int
    items: int
    delta: float
    lower: float
    p_value: float
    caught: bool


def audit_singles(rule, generator, items=10_000_000, alpha=1e-3):
    """Run a rule over that many items of one person each and count those it releases.

    Args:
        rule: a threshold of this module, or whatever has `release(counts, generator)` and `each`.
        generator: a `torch.Generator` on the CPU.
        items: 1 to 1,000,000,000.
        alpha: rate of false alarms, in (0, 1).

    Returns:
        `SinglesAudit`; a rule at exactly δ is caught with probability at most `alpha`.

    Derived in: notebook 22.
    """
    from scipy.stats import beta, binom

    if not callable(getattr(rule, "release", None)) or not hasattr(rule, "each"):
        raise TypeError(f"rule must be a threshold with release and each, got {checks.shown(rule)}")
    checks.generator("generator", generator)
    items = checks.whole("items", items, at_least=1, at_most=10**9)
    alpha = checks.real("alpha", alpha, above=0, below=1)
    released, delta = 0, rule.each[1]
    for start in range(0, items, CHUNK):
        released += len(rule.release(torch.ones(min(CHUNK, items - start), dtype=torch.int64), generator)[0])
    p_value = float(binom.sf(released - 1, items, delta))
    lower = float(beta.ppf(alpha, released, items - released + 1)) if released else 0.0
    return SinglesAudit(released, items, delta, lower, p_value, p_value < alpha)


def _counts(counts, shape=("k",)):
    counts = checks.tensor("counts", counts, shape, "whole")
    if counts.numel() and counts.min() < 0:
        raise ValueError(f"counts must be whole numbers from 0, got {int(counts.min())}")
    return counts
