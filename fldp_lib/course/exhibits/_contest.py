"""What a page needs to compute notebook 15's attackers and aggregators by itself."""

from functools import lru_cache

import numpy as np
import torch

from ._singles import images

FEWEST, MOST, SECOND = 20, 100, 128  # clients; what marks every second image of a client, which a backdoor stamps


@lru_cache(maxsize=1)
def shipped(dealt):
    """Digits, who gets which of them where they are dealt evenly, and in each uneven deal.

    Args:
        dealt: maps the number of clients and "dirichlet" to a `Federation`.

    Returns:
        Training images in the order in which they are dealt evenly, in sixteenths, `owner` of them modulo the number of
        clients; test images; `owners` of the same images in the uneven deals to 20 … 100 clients, with 128 added for
        those that are the first, third, … of their client.
    """
    rng, (x, y) = np.random.default_rng(0), (images().x_train, images().y_train)
    owner, order = rng.permutation(len(y)), rng.permutation(len(y))  # as `data.split` draws them
    sixteenths = [(16 * each).round().to(torch.uint8) for each in (x[order], images().x_test)]
    return {
        "train": {"x": sixteenths[0], "y": y[order].to(torch.uint8), "owner": owner[order]},
        "test": {"x": sixteenths[1], "y": images().y_test.to(torch.uint8)},
        "owners": np.stack([_owners(dealt(count, "dirichlet"), x[order]) for count in range(FEWEST, MOST + 1)]),
    }  # fmt: skip


def _owners(federation, dealt):
    """Whose each of these images is (images,), which are all dealt out; equal ones are alike."""
    places, owner = {}, np.empty(len(dealt), np.uint8)
    for k, image in enumerate(dealt.numpy()):
        places.setdefault(image.tobytes(), []).append(k)
    for client, size in enumerate(federation.sizes.tolist()):
        for k, image in enumerate(federation.x[client, :size].numpy()):
            owner[places[image.tobytes()].pop()] = client + SECOND * (k % 2 == 0)
    return owner
