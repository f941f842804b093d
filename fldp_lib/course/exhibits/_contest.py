"""What a page needs to compute notebook 15's attackers and aggregators by itself."""

from functools import lru_cache

import numpy as np

from . import _dealing

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
    digits = _dealing.digits()
    x = digits["train"]["x"]
    owners = [_owners(dealt(count, "dirichlet"), x) for count in range(FEWEST, MOST + 1)]
    return digits | {"owners": np.stack(owners)}


def _owners(federation, dealt):
    """Whose each of these images, in sixteenths, is (images,), which are all dealt out; equal ones are alike."""
    places, owner = {}, np.empty(len(dealt), np.uint8)
    for k, image in enumerate(dealt.numpy()):
        places.setdefault(image.tobytes(), []).append(k)
    for client, size in enumerate(federation.sizes.tolist()):
        for k, image in enumerate(_dealing.pictures(federation.x[client, :size], federation.y[client])["x"].numpy()):
            owner[places[image.tobytes()].pop()] = client + SECOND * (k % 2 == 0)
    return owner
