"""What pages need to deal records out to clients as `data.split` does, whatever their number; digits as they are shipped."""

import numpy as np
import torch

from ... import data
from ._crowds import images


def shipped():
    """Return training patients in the order in which they are dealt, whom each goes to (modulo the clients), the test set.

    Returns:
        "train": features "x", classes "y", "owner": patient k is client owner[k] % clients' one; "test": "x", "y".
    """
    both = data.load("breast_cancer")
    owner, order = _deal(both)
    return {
        "train": {"x": both.x_train[order], "y": both.y_train[order].to(torch.uint8), "owner": owner},
        "test": {"x": both.x_test, "y": both.y_test.to(torch.uint8)},
    }


def digits():
    """Return the same of the digits, as `pictures`."""
    owner, order = _deal(images())
    train = pictures(images().x_train[order], images().y_train[order])
    return {"train": train | {"owner": owner}, "test": pictures(images().x_test, images().y_test)}


def pictures(x, y):
    """Return pictures "x" in sixteenths of ink, which is what they have, and their digits "y", in a byte each."""
    return {"x": (16 * x).round().to(torch.uint8), "y": y.to(torch.uint8)}


def _deal(both):
    """Whom each record goes to, in the order in which they are dealt, and that order: two draws, as in `data.split`."""
    rng, count = np.random.default_rng(0), len(both.y_train)
    owner, order = rng.permutation(count), rng.permutation(count)
    return owner[order], order
