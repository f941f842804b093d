"""What exercise checks are made of: call a learner's function, compare, and say what is wrong with the answer."""

import math


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
    if not callable(answer):
        raise Wrong(f"expected a function, got {answer!r}")
    try:
        result = answer(*args, **kwargs)
    except Exception as error:
        raise Wrong(f"your function raised {type(error).__name__}: {error}") from error
    if result is None or result is ...:
        raise NotTried
    return result


def number(value, name):
    """Return a learner's value as a float.

    Args:
        value: what the learner's function returned.
        name: what it should be, such as "the sensitivity".

    Raises:
        Wrong: it is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Wrong(f"{name} should be a number, got {value!r}") from None


def same(got, right, rel=1e-6):
    """Whether two numbers are equal up to rounding: within `rel` of the larger one, or within 1e-12."""
    return math.isclose(got, right, rel_tol=rel, abs_tol=1e-12)


def compare(got, right, slips, message, rel=1e-6):
    """Accept the right number, name a known slip, or say what is right.

    Args:
        got: the learner's number.
        right: the right one. A slip that happens to equal it is none.
        slips: pairs (number that a typical mistake gives, what is wrong about it).
        message: what to say of any other number.
        rel: relative tolerance.

    Raises:
        Wrong: the number is not right.
    """
    if same(got, right, rel):
        return
    for wrong, words in slips:
        if same(got, wrong, rel):
            raise Wrong(words)
    raise Wrong(message)
