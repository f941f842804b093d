"""Quantiles of numbers within public bounds, three ways: the exponential mechanism, a noisy bisection, a tree of counts.

One person has one number. The rank of a place, the number of values up to it less `share` times all, changes by at most
max(share, 1 − share) when a person joins or leaves. Unit: a person, add-or-remove.
"""

import math

import torch

from .. import checks
from ..privacy.mechanisms import laplace_noise


def quantile_law(values, share, epsilon, low, high):
    """Return what the exponential mechanism draws from: the gaps between the values, and their exact probabilities.

    Within a gap the rank is the same. A place of rank r is drawn with density proportional to
    exp(−ε|r − share·n|/(2·max(share, 1 − share))).

    Args:
        values: one number a person (n,); what lies outside the bounds is set to them.
        share: in (0, 1), such as 0.5 for the median.
        epsilon: ε, positive.
        low, high: public bounds, low < high.

    Returns:
        The gaps' ends (n + 2,) and probabilities (n + 1,), float64.

    Raises:
        TypeError, ValueError: arguments out of range.

    Derived in: notebook 22.
    Source: McSherry & Talwar 2007; Smith 2011 (quantiles).
    """
    values, share, epsilon, low, high = _checked(values, share, epsilon, low, high)
    ends = torch.cat([torch.tensor([low]).double(), values.sort().values, torch.tensor([high]).double()])
    rank = torch.arange(len(values) + 1, dtype=torch.float64) - share * len(values)
    weight = (ends[1:] - ends[:-1]).log() - epsilon * rank.abs() / (2 * max(share, 1 - share))
    return ends, torch.softmax(weight, 0)


def quantile(values, share, epsilon, low, high, generator):
    """Return a quantile by the exponential mechanism: a place drawn from `quantile_law`; arguments as there.

    Args:
        values: one number a person (n,), none at all among them.
        share: in (0, 1).
        epsilon: ε, positive.
        low, high: public bounds.
        generator: a `torch.Generator` on the CPU.
    """
    ends, law = quantile_law(values, share, epsilon, low, high)
    checks.generator("generator", generator)
    gap = torch.searchsorted(law.cumsum(0), torch.rand(1, generator=generator, dtype=torch.float64)).clamp(max=len(law) - 1)
    within = torch.rand(1, generator=generator, dtype=torch.float64)
    return float(ends[gap] + within * (ends[gap + 1] - ends[gap]))


def quantile_search(values, share, epsilon, low, high, generator, steps=10):
    """Return a quantile by bisection: in each step all are asked whether they lie below the middle, at ε/steps.

    Args:
        values: one number a person (n,).
        share: in (0, 1).
        epsilon: ε of all steps together, positive.
        low, high: public bounds.
        generator: a `torch.Generator` on the CPU.
        steps: 1 to 60; each halves what is left.

    Returns:
        The middle of what is left, and the path: (low, high, noisy rank of the middle) of each step.

    Derived in: notebook 22.
    """
    values, share, epsilon, low, high = _checked(values, share, epsilon, low, high)
    steps = checks.whole("steps", steps, at_least=1, at_most=60)
    noise = laplace_noise((steps,), max(share, 1 - share) * steps / epsilon, generator)
    path = []
    for step in range(steps):
        middle = (low + high) / 2
        rank = float((values <= middle).sum() - share * len(values) + noise[step])
        path.append((low, high, rank))
        low, high = (low, middle) if rank > 0 else (middle, high)
    return (low + high) / 2, path


def quantile_tree(values, shares, epsilon, low, high, generator, levels=8):
    """Return several quantiles from one release: counts in halves, quarters, … of the range, each level at ε/levels.

    A person is in one cell of every level. A quantile walks down the tree, so that it adds up no more than `levels` noises;
    all quantiles, and all that anybody thinks of later, come from the same release.

    Args:
        values: one number a person (n,).
        shares: numbers in (0, 1).
        epsilon: ε of all levels together, positive.
        low, high: public bounds.
        generator: a `torch.Generator` on the CPU.
        levels: 1 to 20; the last has 2^levels cells.

    Returns:
        A place for each share, the middle of a cell of the last level.

    Derived in: notebook 22.
    Source: Hay, Rastogi, Miklau & Suciu 2010 (the tree of counts).
    """
    if not isinstance(shares, (list, tuple)) or not shares:
        raise TypeError(f"shares must be a list of numbers in (0, 1), one at least, got {checks.shown(shares)}")
    shares = [checks.real("shares", share, above=0, below=1) for share in shares]
    values, _, epsilon, low, high = _checked(values, 0.5, epsilon, low, high)
    levels = checks.whole("levels", levels, at_least=1, at_most=20)
    cell = ((values - low) / (high - low) * 2**levels).long().clamp(max=2**levels - 1)
    exact = torch.bincount(cell, minlength=2**levels).double()
    tree = [exact.reshape(2 ** (level + 1), -1).sum(1) for level in range(levels)]
    tree = [counts + laplace_noise(counts.shape, levels / epsilon, generator) for counts in tree]
    found = []
    for share in shares:
        rank, node = share * float(tree[0].sum()), 0
        for counts in tree:
            left = float(counts[2 * node])
            node, rank = (2 * node, rank) if rank <= left else (2 * node + 1, rank - left)
        found.append(low + (node + 0.5) * (high - low) / 2**levels)
    return found


def _checked(values, share, epsilon, low, high):
    values = checks.finite("values", checks.tensor("values", values, ("n",), "double"))
    share = checks.real("share", share, above=0, below=1)
    epsilon = checks.real("epsilon", epsilon, above=0)
    low = checks.real("low", low)
    high = checks.real("high", high, above=low)
    if not math.isfinite(high - low):
        raise ValueError(f"high must be so that high - low is finite, got {high}")
    return values.clamp(low, high), share, epsilon, low, high
