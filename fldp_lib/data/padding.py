"""What padding costs: one client with far more records than the others makes all of them as long as it is."""

import torch

from .. import checks

FREE = 256 * 10**6  # bytes of a padded batch that nobody minds
TIMES = 20  # a larger one may be so many times as large as the records themselves


def kept(owner, most, seed):
    """Return which records stay if every owner keeps at most so many, chosen at random.

    The usual bound on what one participant contributes: it limits memory, and what a record-level mechanism has to cover.

    Args:
        owner: client number of each record (n,).
        most: records a client keeps at most, at least 1.
        seed: of the choice, at least 0.

    Returns:
        Numbers of the records that stay, ascending (k,).

    Raises:
        TypeError, ValueError: `most` or `seed` out of range.
    """
    most = checks.whole("most", most, at_least=1)
    generator = torch.Generator("cpu").manual_seed(checks.whole("seed", seed, at_least=0))
    drawn = torch.randperm(len(owner), generator=generator, device="cpu").to(owner.device)
    order = drawn[torch.argsort(owner[drawn], stable=True)]  # owner by owner, each one's records in random order
    sizes = torch.bincount(owner)
    starts = torch.cumsum(sizes, 0) - sizes
    place = torch.arange(len(owner), device=owner.device) - starts[owner[order]]  # among the owner's own
    return order[place < most].sort().values


def check(sizes, x):
    """Refuse a padded batch that is large, and many times as large as the records.

    Args:
        sizes: records of each client (clients,).
        x: all records (n × features).

    Raises:
        ValueError: beyond 256 MB and 20 times the records' own size; the message says what to do.
    """
    one = x.shape[1] * x.element_size()
    own, wide = len(x) * one, len(sizes) * int(sizes.max()) * one
    if wide > FREE and wide > TIMES * own:
        fits = max(1, max(FREE, TIMES * own) // (len(sizes) * one))
        raise ValueError(
            f"owner must spread the records more evenly, or most be given: all {len(sizes)} clients are padded to the "
            f"largest one's {int(sizes.max())} records, {wide / 1e6:,.0f} MB for {own / 1e6:,.1f} MB of records; "
            f"with most={fits} every client keeps at most so many of its own, chosen at random"
        )
