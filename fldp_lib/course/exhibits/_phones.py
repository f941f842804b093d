"""What a page needs to compute notebook 13's exhibits by itself."""

from functools import lru_cache

import numpy as np
import torch

from ...training.transport import compression
from ._nb13 import LENGTH, dealt, gradients, message
from ._singles import images


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to train phones by itself: digits, who gets which, and how the first round begins.

    Returns:
        Training images in the order in which they are dealt, in sixteenths, `owner` of them modulo the number of clients;
        test images; `first`, twenty phones' gradients at θ = 0 (20 × 10 × 65), and `chosen`, which of equal ones they send.
        These are sums of few records, many of them of one size: which are sent is left to their last digits and to how
        a sort happens to go, here as in the notebook.
    """
    rng, (x, y) = np.random.default_rng(0), (images().x_train, images().y_train)
    owner, order = rng.permutation(len(y)), rng.permutation(len(y))  # as `data.split` draws them
    first = gradients(dealt(20), torch.zeros(10, 65))
    sixteenths = [(16 * each).round().to(torch.uint8) for each in (x[order], images().x_test)]
    return {
        "train": {"x": sixteenths[0], "y": y[order].to(torch.uint8), "owner": owner[order]},
        "test": {"x": sixteenths[1], "y": images().y_test.to(torch.uint8)},
        "first": first, "chosen": _chosen(first.view(20, LENGTH)),
    }  # fmt: skip


def _chosen(rows):
    """Which numbers are sent of those as large as the last one, where not all of them are: (k·rows + row)·650 + place."""
    found, sizes = [], rows.abs()
    largest = sizes.sort(dim=1, descending=True).values
    for k in range(1, LENGTH):
        edge = largest[:, [k - 1]]
        tied = (largest[:, [k]] == edge) & (edge > 0)
        sent = message(rows, compression.TopK(k / LENGTH)) != 0
        row, place = ((sizes == edge) & tied & sent).nonzero().T
        found.append((k * len(rows) + row) * LENGTH + place)
    return torch.cat(found)
