"""A client in secure aggregation: what it sends in each step, and what it refuses. `secure` has the protocol."""

import os

from ... import checks
from . import primitives, signatures
from .primitives import PRIME


class Client:
    """One client in one aggregation; it answers each step once.

    Args:
        number: its place among the clients, from 0.
        clients: how many there are, at least 2.
        threshold: shares that recover a secret, in 2 … clients; more than half of the clients, so that no server can ask
            two halves for the two secrets of one client.
        entropy: maps a number of bytes to random ones; the operating system's. Anything seeded is for teaching and tests
            only: who knows the seed knows every mask.
        identity: a `signatures.Identity`, with which it signs; None where the server is trusted to follow the protocol.
        roster: a `signatures.Roster` of all clients that it got from somebody it trusts; with `identity`, else None.
        modulus: in which all numbers lie: `PRIME`, or a power of two below it, whose masked numbers take no more bits.

    Derived in: notebook 15.
    Source: Bonawitz et al. 2017, figure 4.
    """

    def __init__(self, number, clients, threshold, entropy=os.urandom, identity=None, roster=None, modulus=PRIME):
        self.clients = checks.whole("clients", clients, at_least=2)
        self.number = checks.whole("number", number, at_least=0, at_most=self.clients - 1)
        self.threshold = checks.whole("threshold", threshold, at_least=self.clients // 2 + 1, at_most=self.clients)
        checks.function("entropy", entropy, "of a number of bytes")
        self.identity, self.roster = identity, roster
        if identity is not None or roster is not None:
            signatures.check(self.identity, self.roster, self.number, self.clients)
        self.modulus = check_modulus(modulus)
        self.cipher, self.seed, self.own = entropy(32), entropy(16), entropy(16)  # two key pairs, and the own mask
        self.step = 0

    def advertise(self):
        """Step 1: return two public keys, for the encryption of shares and for the masks; with an identity, signed."""
        self._due(1)
        keys = primitives.public(self.cipher), primitives.public(primitives.mask_key(self.seed))
        if self.roster is not None:
            keys = *keys, self.identity.sign_keys(self.roster, self.number, keys)
        self.step = 1
        return keys

    def share(self, keys):
        """Step 2: return, for each other client, an encrypted share of both secrets.

        Args:
            keys: what each client advertised, by number; at least the threshold.

        Raises:
            ValueError: too few keys, or, with a roster, keys that their owner has not signed for this round; the message
                names the client, and nothing is revealed.
        """
        self._due(2)
        enough(keys, self.threshold, "advertised keys")
        if self.roster is not None:
            self.roster.check_keys(keys)
        self.step, self.keys = 2, dict(keys)
        secrets = [int.from_bytes(secret, "little") for secret in (self.seed, self.own)]
        split = primitives.split(secrets, self.threshold, self.clients)  # clients × 2
        self.held = {self.number: split[self.number]}
        return {
            other: primitives.seal(primitives.agree(self.cipher, key[0], b"share", self.number, other), split[other])
            for other, key in self.keys.items()
            if other != self.number
        }

    def mask(self, vector, messages):
        """Step 3: return the masked vector.

        Args:
            vector: whole numbers in 0 … modulus − 1 (parameters,).
            messages: the encrypted shares sent to this client, by sender.

        Returns:
            The vector plus all masks, modulo the modulus (parameters,), int64.
        """
        self._due(3)
        enough({*messages, self.number}, self.threshold, "senders of shares")
        self.step = 3
        for other, sealed in messages.items():
            self.held[other] = primitives.unseal(
                primitives.agree(self.cipher, self.keys[other][0], b"share", other, self.number), sealed
            )
        total = (vector + primitives.expand(self.own, len(vector), self.modulus)) % self.modulus
        key = primitives.mask_key(self.seed)
        for other in messages:
            both = primitives.expand(primitives.agree(key, self.keys[other][1], b"mask"), len(vector), self.modulus)
            total = (total + both if self.number < other else total - both) % self.modulus
        return total

    def confirm(self, survivors):
        """Step 4, with an identity only: return a signature of the list of survivors that the server has told.

        Args:
            survivors: numbers of the clients whose masked vectors arrived; at least the threshold, this client among them.
        """
        self._due(4)
        survivors = self._survivors(survivors)
        if self.number not in survivors:
            raise ValueError(f"survivors must include client {self.number}, which has sent its vector; got {survivors}")
        self.step, self.survivors = 4, survivors
        return self.identity.sign_survivors(self.roster, self.number, survivors)

    def unmask(self, survivors, confirmations=None):
        """Step 5: return one share of every client's secrets: of the own mask if its vector arrived, else of its key.

        Args:
            survivors: numbers of the clients whose masked vectors arrived; at least the threshold.
            confirmations: with an identity, what survivors answered in step 4, by number; at least the threshold.

        Raises:
            ValueError: too few survivors, asked twice, or too few who signed this list; nothing is revealed then.
        """
        survivors = self._survivors(survivors)
        self._due(5)
        if self.roster is not None:
            if survivors != self.survivors:
                raise ValueError(f"survivors must be those confirmed, {self.survivors}; got {survivors}")
            confirmations = confirmations or {}
            enough(confirmations, self.threshold, "confirmations")
            self.roster.check_survivors(survivors, confirmations)
        self.step = 5
        return {other: pair[1 if other in survivors else 0] for other, pair in self.held.items()}

    def _survivors(self, survivors):
        survivors = set(survivors)
        enough(survivors, self.threshold, "survivors")
        if self.step >= 3 and not survivors <= set(self.held):
            raise ValueError(f"survivors must have sent shares; {sorted(survivors - set(self.held))} have not")
        return sorted(survivors)

    def _due(self, number):
        before = 3 if number == 5 and self.roster is None else number - 1
        if self.step != before or (number == 4 and self.roster is None):
            raise ValueError(
                f"step {number} must follow step {before} and is answered once; this client is past {self.step}"
            )


def enough(things, threshold, what):
    """Raise a ValueError unless there are as many things as the threshold."""
    if len(things) < threshold:
        raise ValueError(f"{what} must be at least {threshold}, the threshold; got {len(things)}, and nothing is revealed")


def check_modulus(modulus):
    """Return the modulus if it is `PRIME` or a power of two below it, from 4."""
    modulus = checks.whole("modulus", modulus, at_least=4, at_most=PRIME)
    if modulus != PRIME and modulus & (modulus - 1):
        raise ValueError(f"modulus must be {PRIME} or a power of two below it, on which masks are uniform; got {modulus}")
    return modulus
