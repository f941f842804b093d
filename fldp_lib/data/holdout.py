"""Which records are held out for the test: scikit-learn's `train_test_split`, draw by draw, without importing it."""

import math

import numpy as np


def divide(n, share, seed, labels=None):
    """Return the numbers of the train and of the test records, shuffled.

    Args:
        n: number of records.
        share: of the records that is held out, in (0, 1), rounded up.
        seed: in 0 … 2^32 − 1.
        labels: class numbers (n,); each class is then divided in this share. None shuffles all records alike.

    Returns:
        Two arrays of whole numbers, (n − held out,) and (held out,).

    Source: scikit-learn's StratifiedShuffleSplit and ShuffleSplit (BSD-3), whose draws these are.
    """
    rng = np.random.RandomState(seed)
    held = math.ceil(share * n)
    if labels is None:
        order = rng.permutation(n)
        return order[held:], order[:held]
    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(number, kind="stable"), np.cumsum(counts)[:-1])
    stay = _shares(counts, n - held, rng)
    leave = _shares(counts - stay, held, rng)
    train, test = [], []
    for own, first, then in zip(members, stay, leave, strict=True):
        own = own[rng.permutation(len(own))]
        train.append(own[:first]), test.append(own[first : first + then])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))


def _shares(counts, draws, rng):
    """How many of each class are in a sample of that size: rounded down, then up where most is left, ties by lot."""
    exact = counts / counts.sum() * draws
    found = np.floor(exact)
    lacking, left = int(draws - found.sum()), exact - found
    for value in np.sort(np.unique(left))[::-1] if lacking > 0 else ():
        tied = np.flatnonzero(left == value)
        tied = rng.choice(tied, size=min(len(tied), lacking), replace=False)
        found[tied] += 1
        lacking -= len(tied)
        if not lacking:
            break
    return found.astype(int)
