"""Secure aggregation: the server learns the sum of the clients' vectors, and no single one of them.

The protocol of Bonawitz et al. 2017, each message a method:

1. `Client.advertise`: public keys. 2. `Client.share`: both secrets, split among all, each share encrypted for its holder.
3. `Client.mask`: the vector plus the masks. 4. `Client.confirm`: the list of those whose vectors arrived, signed.
5. `Client.unmask`: for each other client one share, never both.

Every pair of clients agrees on a mask that one adds and the other subtracts; a mask of its own hides a client whose vector
arrives late. Fewer clients than the threshold learn nothing about another's secrets.

Without an identity step 4 falls away, and the server must follow the protocol: one that hands a client keys of its own in
the others' place reads that client's vector. With an identity and a roster (`signatures`) it may lie: a client takes no
key that its owner has not signed for this round of this federation, and opens no mask unless as many clients as the
threshold have signed the same list of survivors. What it learns then is one sum, of at least `threshold` − k honest clients
if k side with it, as long as k < 2·threshold − clients (Bonawitz et al. 2017, section 6).

What it is not: a check that the sum is right or that vectors are honest; a guard against a server that refuses to go on,
that enrols clients of its own in the roster, or that sends every client another model; and no protection of the *sum*,
which is what noise in shares is for (`mechanisms`, `integers`). X25519, Ed25519, HKDF, AES-CTR and AES-GCM are the
library cryptography's, secret sharing is MPyC's.
"""

import os

import numpy as np

from ... import checks
from . import primitives, signatures
from .grid import from_field as from_field
from .grid import step as step
from .grid import to_field as to_field
from .party import Client as Client
from .party import check_modulus, enough
from .primitives import PRIME


def recover(masked, answers, keys, threshold, modulus=PRIME):
    """What the server does: add the masked vectors up and take the masks off.

    Args:
        masked: the survivors' masked vectors (parameters,), by number.
        answers: what clients answered in step 5, by number; at least the threshold.
        keys: what each client advertised, by number.
        threshold, modulus: as in `Client`.

    Returns:
        The sum of the survivors' vectors modulo the modulus (parameters,), int64.

    Raises:
        ValueError: too few masked vectors or answers.

    Derived in: notebook 15.
    """
    enough(masked, threshold, "masked vectors"), enough(answers, threshold, "answers")
    some = sorted(answers)[:threshold]
    owners = sorted(set.intersection(*(set(answers[client]) for client in some)))
    found = primitives.join([(client, [answers[client][owner] for owner in owners]) for client in some])
    length = len(next(iter(masked.values())))
    total = np.zeros(length, dtype=np.int64)
    for vector in masked.values():
        total = (total + vector) % modulus
    for owner, secret in zip(owners, found, strict=True):
        secret = secret.to_bytes(16, "little")
        if owner in masked:
            total = (total - primitives.expand(secret, length, modulus)) % modulus
            continue
        key = primitives.mask_key(secret)
        for client in masked:  # the masks that the survivors share with one that dropped out
            both = primitives.expand(primitives.agree(key, keys[client][1], b"mask"), length, modulus)
            total = (total - both if client < owner else total + both) % modulus
    return total


def together(people, vectors, dropped=()):
    """Play the whole protocol, all messages included, and return what the server computes.

    Args:
        people: the `Client`s, in the order of their numbers: all with an identity, or none.
        vectors: whole numbers in 0 … modulus − 1 (clients × parameters), int64.
        dropped: numbers of the clients whose masked vectors never arrive.

    Returns:
        The sum of the other clients' vectors (parameters,), and what the server saw of each: masked vectors by number.

    Raises:
        ValueError: too few clients are left, or one of them refuses what it is shown.

    Derived in: notebook 15.
    """
    threshold = people[0].threshold
    keys = {person.number: person.advertise() for person in people}
    boxes = {person.number: person.share(keys) for person in people}
    alive = [person for person in people if person.number not in set(dropped)]
    masked = {
        person.number: person.mask(
            vectors[person.number], {other: box[person.number] for other, box in boxes.items() if other != person.number}
        )
        for person in alive
    }
    signed = {person.number: person.confirm(masked) for person in alive if person.roster is not None}
    answers = {person.number: person.unmask(masked, signed) for person in alive}
    return recover(masked, answers, keys, threshold, people[0].modulus), masked


def aggregate(vectors, threshold, dropped=(), entropy=os.urandom, modulus=PRIME):
    """Run the protocol in one process, with identities made for this one call, of clients of which some drop out.

    Args:
        vectors: whole numbers in 0 … modulus − 1 (clients × parameters), int64.
        threshold: as in `Client`.
        dropped: numbers of the clients whose masked vectors never arrive.
        entropy, modulus: as in `Client`.

    Returns:
        The sum of the others' vectors modulo the modulus (parameters,), and the masked vectors, by number.

    Raises:
        ValueError: fewer survivors than the threshold.

    Derived in: notebook 15.
    """
    vectors = checks.tensor("vectors", vectors, ("clients", "parameters"), "whole").numpy()
    modulus = check_modulus(modulus)
    if (vectors < 0).any() or (vectors >= modulus).any() or len(vectors) < 2:
        raise ValueError(f"vectors must be at least two, of whole numbers in 0 … {modulus - 1}, got {checks.shown(vectors)}")
    checks.whole("threshold", threshold, at_least=len(vectors) // 2 + 1, at_most=len(vectors))
    checks.function("entropy", entropy, "of a number of bytes")
    dropped = checks.kind("dropped", dropped, (tuple, list, set, frozenset, range), "numbers of clients")
    dropped = {checks.whole("dropped", one, at_least=0, at_most=len(vectors) - 1) for one in dropped}
    enough({*range(len(vectors))} - dropped, threshold, "survivors")  # before any key is made
    identities, roster = signatures.enrol(len(vectors), entropy=entropy)
    people = [Client(k, len(vectors), threshold, entropy, one, roster, modulus) for k, one in enumerate(identities)]
    return together(people, vectors, dropped)
