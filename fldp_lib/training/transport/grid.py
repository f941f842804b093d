"""Floats as whole numbers of a field, which is what secure aggregation adds up: a grid, and the way back."""

import numpy as np

from ... import checks
from .primitives import PRIME


def to_field(updates, bound, bits=24):
    """Return updates as whole numbers of the field: multiples of bound/2^(bits−1), rounded to the nearest.

    Rounding moves each number by half a step at most, so that a vector clipped to L2 norm C is one of C + √d·step/2, and of
    C + d·step/2 in L1: that is the sensitivity which the noise has to cover, unless the vector lay on the grid already
    (`aggregation.SecureMean.settle`).

    Args:
        updates: (… × parameters), floats in [−bound, bound].
        bound: positive.
        bits: of one number, 2 … 40.

    Returns:
        int64, the shape of `updates`.

    Raises:
        ValueError: an entry beyond the bound, or not finite.

    Derived in: notebook 15.
    Source: Kairouz, Liu & Steinke 2021, on rounding and sensitivity.
    """
    updates, width = checks.tensor("updates", updates, numbers="double").numpy(), step(bound, bits)
    if not (np.abs(updates) <= bound).all():
        raise ValueError(
            f"updates must lie in [-{bound:g}, {bound:g}], got {np.abs(updates).max():g}: the sum could "
            "wrap round otherwise; clip them first"
        )
    return np.round(updates / width).astype(np.int64) % PRIME


def from_field(total, bound, bits=24):
    """Return a sum in the field as floats; right as long as fewer than 2^(60−bits) vectors were added up.

    Raises:
        ValueError: a number outside the field, 0 … `PRIME` − 1.
    """
    total = checks.tensor("total", total, numbers="whole").numpy()
    if (total < 0).any() or (total >= PRIME).any():
        raise ValueError(f"total must be whole numbers in 0 … {PRIME - 1}, got {total.min()} … {total.max()}")
    signed = np.where(total > PRIME // 2, total - PRIME, total)
    return signed * step(bound, bits)


def step(bound, bits):
    """Return the distance of two neighbouring numbers of the field as floats: bound/2^(bits−1)."""
    return checks.real("bound", bound, above=0) / 2 ** (checks.whole("bits", bits, at_least=2, at_most=40) - 1)
