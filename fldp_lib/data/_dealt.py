"""Which of a table's records train and which test: by lots that each client draws from its own id, apart from the others.

A choice by one shuffle of all ids depends on who else is in the table: without one client's records the others' are dealt
anew, and what is guaranteed would be guaranteed for the federation that was dealt, not for the table.
"""

import hashlib

import numpy as np


def clients(ids, share, seed):
    """Return which clients stay (clients,), bool: one is held out where its own lot, uniform in [0, 1), is below `share`."""
    lots = np.array([_number(one, "held out", seed) for one in ids]) / 2.0**64
    return lots >= share


def records(ids, number, held, seed, purpose):
    """Return which records stay (n,), bool: of each client all but `held`, those by its own random order.

    Args:
        ids: of the clients, different.
        number: whose each record is, a place in `ids` (n,).
        held: how many records each client gives up (clients,).
        seed: of the orders, at least 0.
        purpose: what they are for, text: each purpose has orders of its own.
    """
    stay = np.ones(len(number), dtype=bool)
    own = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number, minlength=len(ids)))[:-1])
    for one, rows, some in zip(ids, own, held, strict=True):
        if some > 0:
            stay[np.random.default_rng(_number(one, purpose, seed)).permutation(rows)[:some]] = False
    return stay


def _number(one, purpose, seed):
    """A whole number in 0 … 2^64 - 1 that looks random, from an id, a purpose and the seed."""
    key = hashlib.blake2b(f"{purpose} {seed}".encode()).digest()
    return int.from_bytes(hashlib.blake2b(str(one).encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest(), "big")
