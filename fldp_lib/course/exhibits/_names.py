"""What notebook 22 asks about: pets' names, a person a pet, and what a threshold lets out of them."""

from functools import lru_cache

import numpy as np

from ...data import pets

PEOPLE = 48_255


@lru_cache(maxsize=1)
def everybody():
    """The names, the most frequent first (names,), and the number of each person's name, in random order (people,)."""
    names, counts = pets.table()
    return names, np.random.default_rng(0).permutation(np.repeat(np.arange(len(names)), counts.numpy()))


@lru_cache(maxsize=256)
def counted(people):
    """How many of the first so many people hold each name (names,)."""
    names, held = everybody()
    return np.bincount(held[:people], minlength=len(names))


def threshold(epsilon, delta):
    return 1 + np.log(1 / (2 * delta)) / epsilon


@lru_cache(maxsize=1)
def _noise():
    return np.random.default_rng(3).laplace(size=len(everybody()[0]))


def released(epsilon, delta, people):
    """Counts of the names that somebody holds, with noise, and whether each comes out (names,)."""
    noisy = counted(people) + _noise() / epsilon
    return noisy, (counted(people) > 0) & (noisy >= threshold(epsilon, delta))


def shown(held, epsilon, delta):
    """The chance that a name which so many people hold comes out."""
    gap = epsilon * (threshold(epsilon, delta) - np.asarray(held, dtype=float))
    return np.where(gap > 0, 0.5 * np.exp(-np.abs(gap)), 1 - 0.5 * np.exp(-np.abs(gap)))
