"""Inputs of a check: new ones on every call, and such that no two of the answers that it knows are nearly equal."""

import itertools
import secrets

import numpy as np
import torch


def fresh():
    """A generator seeded anew on every call, so that no answer can be hard-coded."""
    return torch.Generator().manual_seed(secrets.randbits(48))


def apart(draw, *given, by=1e-3, tries=1000):
    """Return a drawn case in which every known slip is either the right answer itself or visibly another one.

    Args:
        draw: called with what is given; returns (inputs, right, slips): the inputs, the right answer (a number or an array),
            and pairs (answer of a typical slip, what is wrong about it).
        given: what `draw` takes.
        by: relative distance of any two of the answers, in (0, 1); of arrays, by their largest entry. Answers that are equal
            up to rounding are the same answer: a slip may be none for some inputs.
        tries: draws at most.

    Returns:
        What `draw` returned.

    Raises:
        RuntimeError: no draw tells them apart.
    """
    for _ in range(tries):
        case = draw(*given)
        answers = [np.asarray(value, dtype=float) for value in (case[1], *(wrong for wrong, _ in case[2]))]
        if all(_told(a, b, by) for a, b in itertools.combinations(answers, 2)):
            return case
    raise RuntimeError(f"in {tries} draws some slips were always nearer to each other than {by}")


def _told(a, b, by):
    gap, size = float(np.abs(a - b).max()), max(float(np.abs(a).max()), float(np.abs(b).max()), 1e-12)
    return not 1e-9 < gap / size < by
