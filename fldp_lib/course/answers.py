"""What exercise checks are made of: call a learner's function, take every natural form of an answer, say what is wrong.

A right answer may be a Python number, a NumPy scalar, an array or a tensor without dimensions; a list, a tuple, an array
or a tensor; in float32 or float64. Which of them a learner chose is no part of any exercise, so a check reads an answer
through `number`, `whole`, `truth`, `numbers`, `tensor` or `parts`, and compares within what float32 keeps.
"""

import math

import numpy as np
import torch

RELATIVE = 1e-5  # what a few operations in float32 leave of a number
SLIP = 1e-6  # a slip is named only where it fits more closely: another one that comes near by chance would be told untruths


class Wrong(Exception):
    """A learner's answer that is not right; the message says what about it."""


class NotTried(Exception):
    """The exercise's stub is still as it was."""


def require(condition, message):
    """Raise `Wrong` with the message unless the condition holds: the statement that exercise checks are made of."""
    if not condition:
        raise Wrong(message)


def call(answer, *args, **kwargs):
    """Call a learner's function on fresh inputs.

    Args:
        answer: what the learner gave.
        args, kwargs: the inputs.

    Returns:
        What the function returned.

    Raises:
        NotTried: the function is an untouched stub: it returned None or `...`.
        Wrong: it is no function, or it failed; the message names the error.
    """
    result = call_or_none(answer, *args, **kwargs)
    if result is None or result is ...:
        raise NotTried
    return result


def call_or_none(answer, *args, **kwargs):
    """As `call`, for a function that may well return None: whether it is a stub has to be seen on other inputs.

    Raises:
        Wrong: as `call`.
    """
    if not callable(answer):
        raise Wrong(f"expected a function, got {shown(answer)}")
    try:
        return answer(*args, **kwargs)
    except Exception as error:
        raise Wrong(f"your function raised {type(error).__name__}: {error}") from error


def number(value, name):
    """Return a learner's value as a float: a Python number, a NumPy scalar, an array or tensor without dimensions.

    Args:
        value: what the learner's function returned.
        name: what it should be, such as "the sensitivity".

    Raises:
        Wrong: it is no number; NaN is one, and right for nothing.
    """
    single = _single(value)
    try:
        return float(single)
    except (TypeError, ValueError, OverflowError):
        raise Wrong(f"{name} should be a number, got {shown(value)}") from None


def whole(value, name):
    """Return a learner's value as an int: 3, 3.0, np.int64(3) and torch.tensor(3) are the same answer.

    Raises:
        Wrong: it is no whole number.
    """
    got = number(value, name)
    if not math.isfinite(got) or got != round(got):
        raise Wrong(f"{name} should be a whole number, got {shown(value)}")
    return round(got)


def truth(value, name="the answer"):
    """Return a learner's value as True or False: a bool of Python, NumPy or torch, or the numbers 1 and 0.

    Raises:
        Wrong: it is neither.
    """
    single = _single(value)
    if isinstance(single, (bool, np.bool_)) or (isinstance(single, (int, float, np.number)) and single in (0, 1)):
        return bool(single)
    raise Wrong(f"{name} should be True or False, got {shown(value)}")


def numbers(value, count=None, name="the answer"):
    """Return several numbers as a list of floats: from a list, a tuple, an array or a tensor of one dimension.

    Args:
        value: what the learner's function returned.
        count: how many there should be; None for any number.
        name: what they should be, such as "the shares".

    Raises:
        Wrong: they are not that many numbers.
    """
    listed = parts(value, count, name)
    return [number(entry, f"each of {name}") for entry in listed]


def parts(value, count=None, name="the answer"):
    """Return the things that an answer consists of, as a list: from a list, a tuple, an array or a tensor.

    Args:
        value: what the learner's function returned, such as `(features, label)`.
        count: how many there should be; None for any number.
        name: what they should be, such as "the measures and the label".

    Raises:
        Wrong: they are not that many.
    """
    many = "several things" if count is None else f"{count} things"
    if isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim == 0:
        raise Wrong(f"{name} should be {many}, got {shown(value)}")
    if not isinstance(value, (list, tuple, np.ndarray, torch.Tensor)):
        raise Wrong(f"{name} should be {many}, got {shown(value)}")
    if count is not None and len(value) != count:
        raise Wrong(f"{name} should be {many}, got {len(value)}")
    return list(value)


def tensor(value, shape, name):
    """Return an answer as a float64 tensor of a shape: from a tensor, an array, lists or tuples of numbers or tensors.

    Args:
        value: what the learner's function returned.
        shape: a tuple; None in it stands for any length.
        name: what it should be, such as "the noisy sum".

    Raises:
        Wrong: it holds no numbers, has another shape, or holds NaN or infinity.
    """
    try:
        got = _tensor(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise Wrong(f"{name} should be a tensor of shape {_sizes(shape)}, got {shown(value)}") from None
    if got.ndim != len(shape) or any(want is not None and want != size for want, size in zip(shape, got.shape, strict=True)):
        raise Wrong(f"{name} should have shape {_sizes(shape)}, got {tuple(got.shape)}")
    require(bool(got.isfinite().all()), f"{name} holds NaN or infinity; is anything divided by 0?")
    return got


def same(got, right, rel=RELATIVE):
    """Whether two numbers are equal up to rounding: within `rel` of the larger one, or within 1e-12."""
    return math.isclose(got, right, rel_tol=rel, abs_tol=1e-12)


def near(got, right, rel=RELATIVE):
    """Whether two tensors of one shape are equal up to rounding: each number within `rel` of the largest one in `right`."""
    right = torch.as_tensor(right).double()
    size = float(right.abs().max()) if right.numel() else 0.0
    return got.shape == right.shape and bool(((got - right).abs() <= rel * max(size, 1e-12)).all())


def compare(got, right, slips, message, rel=RELATIVE, closely=None):
    """Accept the right answer, name a known slip, or say what is right.

    Args:
        got: the learner's number, or tensor of the right one's shape.
        right: the right one, a number or a tensor. A slip that happens to equal it is none.
        slips: pairs (what a typical mistake gives, what is wrong about it).
        message: what to say of any other answer.
        rel: relative tolerance.
        closely: that within which a slip is named; None takes `SLIP` for a number and `rel` for a tensor, which no other
            slip comes near by chance.

    Raises:
        Wrong: the answer is not right.
    """
    agree, usual = (near, rel) if isinstance(right, torch.Tensor) else (same, min(rel, SLIP))
    if agree(got, right, rel):
        return
    for wrong, words in slips:
        if agree(got, wrong, usual if closely is None else closely):
            raise Wrong(words)
    raise Wrong(message)


def shown(value, most=80):
    """An answer as text for a message, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _single(value):
    """What stands in an array or a tensor without dimensions; anything else as it is."""
    if isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim == 0:
        return value.item()
    if isinstance(value, (str, bytes, np.ndarray, torch.Tensor)):
        return None  # float("3") is a number to Python, and a row of one number to NumPy: neither is what was asked for
    return value


def _tensor(value):
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().double()
    if isinstance(value, (list, tuple)) and any(
        isinstance(entry, (list, tuple, np.ndarray, torch.Tensor)) for entry in value
    ):
        return torch.stack([_tensor(entry) for entry in value])
    return torch.from_numpy(np.array(value, dtype=np.float64))


def _sizes(shape):
    sizes = ", ".join("any" if size is None else str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"
