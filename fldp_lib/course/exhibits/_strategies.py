"""What pages need for notebook 20: the strategies that are found by a search, the digits, what clients are dealt by."""

from functools import lru_cache

import numpy as np

from ...privacy import strategies
from ...training import _streams
from ._crowds import digits, images
from ._dealing import pictures

WIDEST = 60


@lru_cache(maxsize=1)
def shipped(rounds=200):
    """The coefficients of the best bands of 1 to 60 rounds, one after the other, in millionths: they have six decimals."""
    found = np.concatenate([strategies.optimised(rounds, band) for band in range(1, WIDEST + 1)])
    return {"best": np.rint(found * 1e6).astype(np.int32)}


@lru_cache(maxsize=1)
def dealt():
    """The clients' digits and the test set, pixels in sixteenths; the state of the generator that deals into groups."""
    fed, test = digits(), images()
    words = np.random.SeedSequence((0, _streams.DEAL)).generate_state(624)  # as in `_streams.groups_of`
    return {
        "train": pictures(fed.x[:, 0], fed.y[:, 0]),
        "test": pictures(test.x_test, test.y_test),
        "deal": words.astype("<u4").view("<i4"),
    }
