"""Argument checks: every error names the argument, the value given and what is allowed."""

import math
from numbers import Integral, Real

import numpy as np
import torch

LARGEST = 2**63 - 1  # of a whole number that an array's index or a tensor's entry can hold


def real(name, value, *, above=None, at_least=None, at_most=None, below=None, infinite=False):
    """Return `value` as a Python float, or raise an error that names the argument and the allowed range.

    NumPy's scalars are numbers (`np.uint8(200)` becomes 200.0, so that nothing wraps later). Booleans are not, nor are
    tensors and arrays of one entry, which have a device and a type of their own: `float(tensor)` says what is meant.

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
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {shown(value)} ({type(value).__name__})")
    allowed = _range(above, at_least, at_most, below)
    try:
        number = float(value)
    except OverflowError:
        number = math.nan
    if math.isnan(number) or (math.isinf(number) and not infinite):
        raise ValueError(f"{name} must be a finite number{allowed}, got {shown(value)}")
    inside = (
        (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (at_most is None or number <= at_most)
        and (below is None or number < below)
    )
    if not inside:
        raise ValueError(f"{name} must be a number{allowed}, got {shown(value)}")
    return number


def whole(name, value, *, at_least=None, at_most=None):
    """Return `value` as a Python int, or raise an error that names the argument and the allowed range.

    Args:
        name: the argument's name, for the message.
        value: what the caller gave; NumPy's whole numbers are among them, booleans and 1.0 are not.
        at_least, at_most: closed bounds; None means no bound.

    Returns:
        The value as an int.

    Raises:
        TypeError: not a whole number.
        ValueError: out of range.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {shown(value)} ({type(value).__name__})")
    low = at_least is None or value >= at_least
    high = at_most is None or value <= at_most
    if not (low and high):
        allowed = _range(None, at_least, at_most, None)
        raise ValueError(f"{name} must be a whole number{allowed}, got {shown(value)}")
    return int(value)


def one_of(name, value, known):
    """Return `value` if it is among the `known` ones, or raise a ValueError that lists them."""
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(repr(item) for item in known)
        raise ValueError(f"{name} must be one of {listed}; got {shown(value)}")
    return value


def flag(name, value):
    """Return `value` as a bool if it is True or False, or raise a TypeError."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {shown(value)} ({type(value).__name__})")
    return bool(value)


def text(name, value, some=False):
    """Return `value` if it is a string (with `some`, not an empty one), or raise an error."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {shown(value)} ({type(value).__name__})")
    if some and not value:
        raise ValueError(f"{name} must be text that is not empty, got {value!r}")
    return value


def function(name, value, of=""):
    """Return `value` if it can be called, or raise a TypeError; `of` says with what, such as "of (round, theta)"."""
    if not callable(value):
        raise TypeError(f"{name} must be a function{of and ' ' + of}, got {shown(value)} ({type(value).__name__})")
    return value


def kind(name, value, classes, words):
    """Return `value` if it is an instance of one of `classes`, or raise a TypeError that says what in `words`."""
    if not isinstance(value, classes):
        raise TypeError(f"{name} must be {words}, got {shown(value)} ({type(value).__name__})")
    return value


def generator(name, value):
    """Return `value` if it is a `torch.Generator` on the CPU, or raise an error."""
    kind(name, value, torch.Generator, "a torch.Generator on the CPU")
    if value.device.type != "cpu":
        raise ValueError(f"{name} must be a torch.Generator on the CPU, got one on {value.device}")
    return value


def device(name, value):
    """Return `value` as a `torch.device` that can be used on this machine, or raise an error."""
    kind(name, value, (str, torch.device), "a device, such as 'cpu' or 'cuda'")
    try:
        found = torch.device(value)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"{name} must be a device that torch can use here, such as 'cpu', got {value!r}") from error
    return found


def tensor(name, value, shape=None, numbers="real"):
    """Return `value` as a tensor of numbers of one kind, or raise an error that says what it must be.

    Arrays and nested lists become tensors. A tensor that fits stays the same object.

    Args:
        name: the argument's name, for the message.
        value: a tensor, an array, a list, or a single number.
        shape: of the tensor: numbers for fixed lengths and words for free ones, such as ("n", 3); None allows any.
        numbers: "real": float32, but a float64 tensor (not a float64 array) keeps its precision, since someone asked for it,
            and half precision is computed in float32; "double": float64; "whole": int64, from floats only where they are
            whole; "bool": true or false, and nothing that must be read as such.

    Returns:
        The tensor.

    Raises:
        TypeError: no numbers, complex ones, or numbers where true and false are wanted.
        ValueError: another shape; rows of different lengths; a fraction where whole numbers are wanted.
    """
    wanted = {"real": "numbers", "double": "numbers", "whole": "whole numbers", "bool": "True and False (booleans)"}[numbers]
    if shape is not None:
        wanted += f" of shape ({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
    found = value
    if not isinstance(value, torch.Tensor):
        try:
            array = np.asarray(value.detach() if hasattr(value, "detach") else value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{name} must be {wanted}, got {shown(value)}, which is no array ({error})") from error
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(f"{name} must be {wanted}, got {shown(value)}, whose entries are {array.dtype}")
        if array.dtype.kind == "u":
            if array.dtype.itemsize == 8 and array.size and array.max() > LARGEST:
                raise ValueError(f"{name} must be {wanted} below 2^63, got {array.max()}")
            array = array.astype(np.int64)
        found = torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("=")))
        if numbers == "real":
            found = found.to(torch.float32)
    if found.layout != torch.strided or found.dtype.is_complex or found.is_quantized:
        raise TypeError(f"{name} must be {wanted}, got a tensor of {found.dtype}, {found.layout}")
    if shape is not None:
        fits = found.ndim == len(shape)
        if not fits or any(isinstance(want, int) and want != got for want, got in zip(shape, found.shape, strict=True)):
            raise ValueError(f"{name} must be {wanted}, got shape {tuple(found.shape)}")
    if numbers == "bool":
        if found.dtype != torch.bool:
            raise TypeError(f"{name} must be {wanted}, got {found.dtype}")
    elif numbers == "whole" and found.dtype != torch.int64:
        if found.is_floating_point():
            exact = (finite(name, found) == found.round()) & (found.abs() <= 2**53)
            if not exact.all():
                raise ValueError(f"{name} must be {wanted}, got {found[~exact][0].item()} among them")
        found = found.to(torch.int64)
    elif numbers == "double":
        found = found.to(torch.float64)
    elif numbers == "real" and found.dtype not in (torch.float32, torch.float64):
        found = found.to(torch.float32)
    return found


def shape(name, value):
    """Return the shape of what is to be drawn, whole numbers from 0, as a tuple, or raise an error; a number is one axis."""
    value = (value,) if isinstance(value, Integral) and not isinstance(value, bool) else value
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{name} must be a shape, a tuple of whole numbers, got {shown(value)}")
    return tuple(whole(name, length, at_least=0, at_most=2**40) for length in value)


def floats(name, value, shape):
    """Return `value` if it is a tensor of floats, of any precision, of this shape (as in `tensor`), or raise an error."""
    fits = isinstance(value, torch.Tensor) and value.is_floating_point() and value.ndim == len(shape)
    if not fits or any(isinstance(want, int) and want != got for want, got in zip(shape, value.shape, strict=True)):
        got = f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else shown(value)
        wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        error = ValueError if isinstance(value, torch.Tensor) else TypeError
        raise error(f"{name} must be a tensor of floats of shape {wanted}, got {got}")
    return value


def finite(name, tensor):
    """Return the tensor if all its entries are finite, or raise a ValueError that counts the others."""
    if torch.isfinite(tensor.sum()):  # no copy of a large tensor where all is well
        return tensor
    bad = int((~torch.isfinite(tensor)).sum())
    if bad:
        raise ValueError(f"{name} must be finite; {bad} of its {tensor.numel()} entries are NaN or infinite")
    return tensor


def shown(value):
    """Return how a message shows a value: its repr, or what it is where that would fill the page."""
    if isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim:
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    words = repr(value)
    return words if len(words) <= 200 else f"{words[:180]}… ({type(value).__name__})"


def _range(above, at_least, at_most, below):
    parts = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", above), (">=", at_least), ("<=", at_most), ("<", below))
        if bound is not None
    ]
    return " " + " and ".join(parts) if parts else ""
