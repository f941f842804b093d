"""What a page needs to compute notebook 13's exhibits by itself."""

from functools import lru_cache

import torch

from ...training.transport import compression
from . import _dealing
from ._nb13 import LENGTH, dealt, gradients, message


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to train phones by itself: digits, who gets which, and how the first round begins.

    Returns:
        Training images in the order in which they are dealt, in sixteenths, `owner` of them modulo the number of clients;
        test images; `first`, twenty phones' gradients at θ = 0 (20 × 10 × 65), and `chosen`, which of equal ones they send.
        These are sums of few records, many of them of one size: which are sent is left to their last digits and to how
        a sort happens to go, here as in the notebook.
    """
    first = gradients(dealt(20), torch.zeros(10, 65))
    return _dealing.digits() | {"first": first, "chosen": _chosen(first.view(20, LENGTH))}


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
