"""Counts of people by item, where the items are known beforehand: one person moves at most `most` counts, each by one."""

import math

import torch

from .. import checks
from ..privacy.gaussians import gaussian_holds
from ..privacy.mechanisms import gaussian_noise, laplace_noise


def noise_scale(epsilon, most=1, delta=None):
    """Return the standard deviation of the noise on every count.

    Laplace noise of scale L/ε where `delta` is None: the counts' L1 sensitivity is L. Else Gaussian noise of the smallest
    deviation that is (ε, δ)-private, exactly, at the L2 sensitivity √L: with many items a person it grows more slowly.

    Args:
        epsilon: ε of the release, positive.
        most: L, how many items a person has at most.
        delta: None, or δ in (0, 1).

    Unit: a person, add-or-remove.

    Raises:
        TypeError, ValueError: arguments out of range.

    Derived in: notebook 22.
    Source: Dwork, McSherry, Nissim & Smith 2006; Balle & Wang 2018, Theorem 8.
    """
    epsilon = checks.real("epsilon", epsilon, above=0, at_most=100)
    most = checks.whole("most", most, at_least=1, at_most=10**9)
    if delta is None:
        return math.sqrt(2) * most / epsilon
    return math.sqrt(most) * _deviation(epsilon, checks.real("delta", delta, at_least=1e-300, below=1))


def _deviation(epsilon, delta):
    """The smallest deviation of a Gaussian of sensitivity 1, to 12 digits, from above."""
    low, high = 1e-3, 1e4 * math.sqrt(1 + math.log(1 / delta)) * max(1, 1 / epsilon)
    for _ in range(100):
        middle = math.sqrt(low * high)
        fits = gaussian_holds(1 / middle, epsilon, math.log(delta))
        low, high = (low, middle) if fits else (middle, high)
    return high


def histogram(counts, epsilon, generator, most=1, delta=None):
    """Return noisy counts of known items (k,): which items there are tells nothing about anybody.

    Args:
        counts: people who have each item (k,), whole numbers from 0; of people with at most `most` items.
        epsilon: ε of the release, positive.
        generator: a `torch.Generator` on the CPU.
        most: L, how many items a person has at most (`Items.bounded`).
        delta: None for Laplace noise, or δ in (0, 1) for Gaussian noise.

    Returns:
        Counts with noise, float64.

    Unit: a person, add-or-remove.

    Raises:
        TypeError, ValueError: arguments out of range.

    Derived in: notebook 22.
    Source: as `noise_scale`.
    """
    counts = checks.tensor("counts", counts, ("k",), "whole")
    deviation = noise_scale(epsilon, most, delta)
    if len(counts) and counts.min() < 0:
        raise ValueError(f"counts must be whole numbers from 0, got {int(counts.min())}")
    if delta is None:
        return counts + laplace_noise(counts.shape, deviation / math.sqrt(2), generator)
    return counts + gaussian_noise(counts.shape, deviation, generator).to(torch.float64)
