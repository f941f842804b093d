"""Argument checks: every error names the argument, the value given and what is allowed."""

import math
from numbers import Integral, Real

import torch


def real(name, value, *, above=None, at_least=None, at_most=None, below=None, infinite=False):
    """Return `value` as a float, or raise an error that names the argument and the allowed range.

    Args:
        name: the argument's name, for the message.
        value: what the caller gave.
        above, at_least, at_most, below: bounds (open, closed, closed, open); None means no bound.
        infinite: whether positive infinity is allowed.

    Returns:
        The value as a float.

    Raises:
        TypeError: not a real number (booleans are not numbers here).
        ValueError: NaN, infinite where that is not allowed, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    number = float(value)
    allowed = _range(above, at_least, at_most, below)
    if math.isnan(number) or (math.isinf(number) and not infinite):
        raise ValueError(f"{name} must be a finite number{allowed}, got {value!r}")
    inside = (
        (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (at_most is None or number <= at_most)
        and (below is None or number < below)
    )
    if not inside:
        raise ValueError(f"{name} must be a number{allowed}, got {value!r}")
    return number


def whole(name, value, *, at_least=None, at_most=None):
    """Return `value` as an int, or raise an error that names the argument and the allowed range.

    Args:
        name: the argument's name, for the message.
        value: what the caller gave.
        at_least, at_most: closed bounds; None means no bound.

    Returns:
        The value as an int.

    Raises:
        TypeError: not a whole number.
        ValueError: out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r} ({type(value).__name__})")
    low = at_least is None or value >= at_least
    high = at_most is None or value <= at_most
    if not (low and high):
        allowed = _range(None, at_least, at_most, None)
        raise ValueError(f"{name} must be a whole number{allowed}, got {value!r}")
    return int(value)


def one_of(name, value, known):
    """Return `value` if it is among the `known` ones, or raise a ValueError that lists them."""
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(repr(item) for item in known)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}")
    return value


def finite(name, tensor):
    """Return the tensor if all its entries are finite, or raise a ValueError that counts the others."""
    if torch.isfinite(tensor.sum()):  # no copy of a large tensor where all is well
        return tensor
    bad = int((~torch.isfinite(tensor)).sum())
    if bad:
        raise ValueError(f"{name} must be finite; {bad} of its {tensor.numel()} entries are NaN or infinite")
    return tensor


def _range(above, at_least, at_most, below):
    parts = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", above), (">=", at_least), ("<=", at_most), ("<", below))
        if bound is not None
    ]
    return " " + " and ".join(parts) if parts else ""
