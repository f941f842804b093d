"""What notebook 22 asks about: pets' names, a person a pet, and what a threshold lets out of them."""

from functools import lru_cache

import numpy as np
import torch

from ... import analytics
from ...data import pets
from ...privacy import mechanisms

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


def rule(epsilon, delta):
    """The threshold of one item a person."""
    return analytics.LaplaceThreshold(float(epsilon), float(delta))


def released(epsilon, delta, people):
    """Counts with noise, and whether each name comes out (names,): what `release` does, by the same draws at every move."""
    bar, true = rule(epsilon, delta), counted(people)
    noisy = true + mechanisms.laplace_noise(true.shape, bar.scale, torch.Generator().manual_seed(3)).numpy()
    return noisy, (true > 0) & (noisy > bar.threshold)


def shown(held, epsilon, delta):
    """The chance that a name which so many people hold comes out."""
    return rule(epsilon, delta).chance(torch.as_tensor(held)).numpy()


def small(number):
    """A number of two digits as it is written here: 1e-6, 0.02, 480."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}".replace("e-0", "e-")
