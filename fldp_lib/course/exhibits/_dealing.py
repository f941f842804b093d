"""What a page needs to deal the breast-cancer patients out to clients as `data.split` does, whatever their number."""

import numpy as np
import torch

from ... import data


def shipped():
    """Return training patients in the order in which they are dealt, whom each goes to (modulo the clients), the test set.

    Returns:
        "train": features "x", classes "y", "owner": patient k is client owner[k] % clients' one; "test": "x", "y".
    """
    both, rng = data.load("breast_cancer"), np.random.default_rng(0)
    owner, order = rng.permutation(len(both.y_train)), rng.permutation(len(both.y_train))  # as in `data.split`
    return {
        "train": {"x": both.x_train[order], "y": both.y_train[order].to(torch.uint8), "owner": owner[order]},
        "test": {"x": both.x_test, "y": both.y_test.to(torch.uint8)},
    }
