"""Secure aggregation: the server learns the sum of the clients' vectors, and no single one of them.

The protocol of Bonawitz et al. 2017 for an honest-but-curious server, in four rounds, each a method:

1. `Client.advertise`: public keys. 2. `Client.share`: both secrets, split among all, each share encrypted for its holder.
3. `Client.mask`: the vector plus the masks. 4. `Client.unmask`: for each other client one share, never both.

Every pair of clients agrees on a mask that one adds and the other subtracts; a mask of its own hides a client whose vector
arrives late. Fewer clients than the threshold learn nothing about another's secrets.

What it is not: protection against a server that deviates from the protocol (no signatures, no public-key infrastructure, no
check that all clients see the same list), and no protection of the *sum*, which is what noise in shares is for
(`mechanisms`, `at="shares"`). X25519, HKDF, AES-CTR and AES-GCM are the library cryptography's, secret sharing is MPyC's.
"""

import os

import numpy as np

from ... import checks
from . import primitives
from .primitives import PRIME


class Client:
    """One client in one aggregation; it answers each round once.

    Args:
        number: its place among the clients, from 0.
        clients: how many there are, at least 2.
        threshold: shares that recover a secret, in 2 … clients; more than half of the clients, so that no server can ask
            two halves for the two secrets of one client.
        entropy: maps a number of bytes to random ones; the operating system's. Anything seeded is for teaching and tests
            only: who knows the seed knows every mask.

    Derived in: notebook 15.
    Source: Bonawitz et al. 2017, figure 4.
    """

    def __init__(self, number, clients, threshold, entropy=os.urandom):
        self.clients = checks.whole("clients", clients, at_least=2)
        self.number = checks.whole("number", number, at_least=0, at_most=self.clients - 1)
        self.threshold = checks.whole("threshold", threshold, at_least=self.clients // 2 + 1, at_most=self.clients)
        checks.function("entropy", entropy, "of a number of bytes")
        self.cipher, self.seed, self.own = entropy(32), entropy(16), entropy(16)  # two key pairs, and the own mask
        self.round = 0

    def advertise(self):
        """Round 1: return two public keys, for the encryption of shares and for the masks."""
        self._next(1)
        return primitives.public(self.cipher), primitives.public(primitives.mask_key(self.seed))

    def share(self, keys):
        """Round 2: return, for each other client, an encrypted share of both secrets.

        Args:
            keys: what each client advertised, by number; at least the threshold.
        """
        self._next(2)
        _enough(keys, self.threshold, "advertised keys")
        self.keys = dict(keys)
        secrets = [int.from_bytes(secret, "little") for secret in (self.seed, self.own)]
        split = primitives.split(secrets, self.threshold, self.clients)  # clients × 2
        self.held = {self.number: split[self.number]}
        return {
            other: primitives.seal(primitives.agree(self.cipher, key, b"share", self.number, other), split[other])
            for other, (key, _) in self.keys.items()
            if other != self.number
        }

    def mask(self, vector, messages):
        """Round 3: return the masked vector.

        Args:
            vector: whole numbers in 0 … `PRIME` − 1 (parameters,).
            messages: the encrypted shares sent to this client, by sender.

        Returns:
            The vector plus all masks, in the field (parameters,), int64.
        """
        self._next(3)
        _enough({*messages, self.number}, self.threshold, "senders of shares")
        for other, sealed in messages.items():
            self.held[other] = primitives.unseal(
                primitives.agree(self.cipher, self.keys[other][0], b"share", other, self.number), sealed
            )
        total = (vector + primitives.expand(self.own, len(vector))) % PRIME
        key = primitives.mask_key(self.seed)
        for other in messages:
            both = primitives.expand(primitives.agree(key, self.keys[other][1], b"mask"), len(vector))
            total = (total + both if self.number < other else total - both) % PRIME
        return total

    def unmask(self, survivors):
        """Round 4: return one share of every client's secrets: of the own mask if its vector arrived, else of its key.

        Args:
            survivors: numbers of the clients whose masked vectors arrived; at least the threshold.

        Raises:
            ValueError: too few survivors, or asked twice; nothing is revealed then.
        """
        survivors = set(survivors)
        _enough(survivors, self.threshold, "survivors")
        if not survivors <= set(self.held):
            raise ValueError(f"survivors must have sent shares; {sorted(survivors - set(self.held))} have not")
        self._next(4)
        return {other: pair[1 if other in survivors else 0] for other, pair in self.held.items()}

    def _next(self, number):
        if self.round != number - 1:
            raise ValueError(
                f"round {number} must follow round {number - 1} and is answered once; this client is past {self.round}"
            )
        self.round = number


def recover(masked, answers, keys, threshold):
    """What the server does: add the masked vectors up and take the masks off.

    Args:
        masked: the survivors' masked vectors (parameters,), by number.
        answers: what clients answered in round 4, by number; at least the threshold.
        keys: what each client advertised, by number.
        threshold: as in `Client`.

    Returns:
        The sum of the survivors' vectors in the field (parameters,), int64.

    Raises:
        ValueError: too few masked vectors or answers.

    Derived in: notebook 15.
    """
    _enough(masked, threshold, "masked vectors"), _enough(answers, threshold, "answers")
    some = sorted(answers)[:threshold]
    owners = sorted(set.intersection(*(set(answers[client]) for client in some)))
    found = primitives.join([(client, [answers[client][owner] for owner in owners]) for client in some])
    length = len(next(iter(masked.values())))
    total = np.zeros(length, dtype=np.int64)
    for vector in masked.values():
        total = (total + vector) % PRIME
    for owner, secret in zip(owners, found, strict=True):
        secret = secret.to_bytes(16, "little")
        if owner in masked:
            total = (total - primitives.expand(secret, length)) % PRIME
            continue
        key = primitives.mask_key(secret)
        for client in masked:  # the masks that the survivors share with one that dropped out
            both = primitives.expand(primitives.agree(key, keys[client][1], b"mask"), length)
            total = (total - both if client < owner else total + both) % PRIME
    return total


def aggregate(vectors, threshold, dropped=(), entropy=os.urandom):
    """Run the whole protocol in one process, all messages included, for clients of which some drop out before round 3.

    Args:
        vectors: whole numbers in 0 … `PRIME` − 1 (clients × parameters), int64.
        threshold: as in `Client`.
        dropped: numbers of the clients whose masked vectors never arrive.
        entropy: as in `Client`.

    Returns:
        The sum of the others' vectors in the field (parameters,), and the masked vectors that the server saw, by number.

    Raises:
        ValueError: fewer survivors than the threshold.

    Derived in: notebook 15.
    """
    vectors = checks.tensor("vectors", vectors, ("clients", "parameters"), "whole").numpy()
    if (vectors < 0).any() or (vectors >= PRIME).any() or len(vectors) < 2:
        raise ValueError(f"vectors must be at least two, of whole numbers in 0 … {PRIME - 1}, got {checks.shown(vectors)}")
    checks.whole("threshold", threshold, at_least=len(vectors) // 2 + 1, at_most=len(vectors))
    checks.function("entropy", entropy, "of a number of bytes")
    dropped = checks.kind("dropped", dropped, (tuple, list, set, frozenset, range), "numbers of clients")
    dropped = {checks.whole("dropped", one, at_least=0, at_most=len(vectors) - 1) for one in dropped}
    _enough({*range(len(vectors))} - dropped, threshold, "survivors")  # before any key is made
    people = [Client(number, len(vectors), threshold, entropy) for number in range(len(vectors))]
    keys = {person.number: person.advertise() for person in people}
    boxes = {person.number: person.share(keys) for person in people}
    alive = [person for person in people if person.number not in set(dropped)]
    masked = {
        person.number: person.mask(
            vectors[person.number], {other: box[person.number] for other, box in boxes.items() if other != person.number}
        )
        for person in alive
    }
    answers = {person.number: person.unmask(masked) for person in alive}
    return recover(masked, answers, keys, threshold), masked


def to_field(updates, bound, bits=24):
    """Return updates as whole numbers of the field: multiples of bound/2^(bits−1), rounded to the nearest.

    Rounding moves each number by half a step at most, so that a vector clipped to L2 norm C is one of C + √d·step/2, and of
    C + d·step/2 in L1: that is the sensitivity which the noise has to cover, unless the vector lay on the grid already
    (`aggregation.SecureMean.settle`).

    Args:
        updates: (… × parameters), floats in [−bound, bound].
        bound: positive.
        bits: of one number, 2 … 40.

    Returns:
        int64, the shape of `updates`.

    Raises:
        ValueError: an entry beyond the bound, or not finite.

    Derived in: notebook 15.
    Source: Kairouz, Liu & Steinke 2021, on rounding and sensitivity.
    """
    updates, width = checks.tensor("updates", updates, numbers="double").numpy(), step(bound, bits)
    if not (np.abs(updates) <= bound).all():
        raise ValueError(
            f"updates must lie in [-{bound:g}, {bound:g}], got {np.abs(updates).max():g}: the sum could "
            "wrap round otherwise; clip them first"
        )
    return np.round(updates / width).astype(np.int64) % PRIME


def from_field(total, bound, bits=24):
    """Return a sum in the field as floats; right as long as fewer than 2^(60−bits) vectors were added up.

    Raises:
        ValueError: a number outside the field, 0 … `PRIME` − 1.
    """
    total = checks.tensor("total", total, numbers="whole").numpy()
    if (total < 0).any() or (total >= PRIME).any():
        raise ValueError(f"total must be whole numbers in 0 … {PRIME - 1}, got {total.min()} … {total.max()}")
    signed = np.where(total > PRIME // 2, total - PRIME, total)
    return signed * step(bound, bits)


def step(bound, bits):
    """Return the distance of two neighbouring numbers of the field as floats: bound/2^(bits−1)."""
    return checks.real("bound", bound, above=0) / 2 ** (checks.whole("bits", bits, at_least=2, at_most=40) - 1)


def _enough(things, threshold, what):
    if len(things) < threshold:
        raise ValueError(f"{what} must be at least {threshold}, the threshold; got {len(things)}, and nothing is revealed")
