"""Who says so: signed messages for secure aggregation (Ed25519), bound to one round of one federation.

A signature is worth what is known of its key: the public halves of all identities, the *roster*, come to each client from
somebody it trusts and not through the server (a public-key infrastructure, as Bonawitz et al. 2017 assume). Whoever may
write the roster may add clients that do not exist.
"""

import dataclasses
import os

from ... import checks
from . import primitives


class Identity:
    """A client's signing key, made once and kept.

    It signs one pair of keys in a round and never again in that round or an older one of the same federation: keys whose
    secrets an earlier attempt has shown cannot come back. This memory is the object's; who stores the key stores it, too.

    Args:
        entropy: maps a number of bytes to random ones; the operating system's, seeded for teaching and tests only.

    Derived in: notebook 15.
    Source: Bonawitz et al. 2017, figure 4; Ed25519: Bernstein et al. 2012.
    """

    def __init__(self, entropy=os.urandom):
        checks.function("entropy", entropy, "of a number of bytes")
        self._key = primitives.signing_key(entropy(32))
        self.public = self._key.public_key().public_bytes_raw()  # 32 bytes
        self._last = {}  # federation: the last round whose keys were signed

    def sign_keys(self, roster, number, keys):
        """Return the signature (64 bytes) of a client's two public keys for the roster's round."""
        last = self._last.get(roster.federation, -1)
        if roster.round <= last:
            raise ValueError(
                f"round must be after {last}, the last one signed for {roster.federation!r}, got {roster.round}"
            )
        self._last[roster.federation] = roster.round
        return self._key.sign(roster.statement(b"keys", number, keys))

    def sign_survivors(self, roster, number, survivors):
        """Return the signature (64 bytes) of the list of survivors of the roster's round."""
        return self._key.sign(roster.statement(b"survivors", number, _listed(survivors)))


@dataclasses.dataclass(frozen=True)
class Roster:
    """What each client knows before a round begins, not from the server: who takes part, and by which public key.

    Args:
        keys: public keys of the identities (32 bytes each), by number.
        federation: its name, not empty; signatures for another are worth nothing here.
        round: the round's number, at least 0; likewise.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 15.
    """

    keys: dict
    federation: str = "simulation"
    round: int = 0

    def __post_init__(self):
        checks.text("federation", self.federation, some=True), checks.whole("round", self.round, at_least=0, at_most=2**62)
        keys = checks.kind("keys", self.keys, dict, "public keys by number")
        if not all(isinstance(number, int) and isinstance(key, bytes) and len(key) == 32 for number, key in keys.items()):
            raise ValueError("keys must be 32 bytes each, by the client's number, got others")
        if len(set(keys.values())) < len(keys):
            raise ValueError("keys must differ, got one twice")

    def at(self, round):
        """Return the roster of another round."""
        return dataclasses.replace(self, round=round)

    def statement(self, kind, number, parts):
        """Return the bytes that are signed: what of, by whom, for which round of which federation; each with its length."""
        parts = (b"fldp_lib secure aggregation", kind, self.federation.encode(), b"%d" % self.round, b"%d" % number, *parts)
        return b"".join(len(part).to_bytes(4, "little") + part for part in parts)

    def check_keys(self, advertised):
        """Raise a ValueError that names the client unless each has signed its two public keys for this round.

        Args:
            advertised: (cipher key, mask key, signature) by number.
        """
        for number, keys in advertised.items():
            if len(keys) != 3 or not self._holds(b"keys", number, keys[:2], keys[2]):
                raise ValueError(
                    f"keys of client {number} must be signed by client {number} for round {self.round} of "
                    f"{self.federation!r}, got {'no' if len(keys) != 3 else 'another'} signature; nothing is revealed"
                )
        owners = {}
        for number, (*pair, _) in advertised.items():
            for key in pair:
                if owners.setdefault(key, number) != number:
                    raise ValueError(f"keys must differ, got one of client {owners[key]} and {number}; nothing is revealed")

    def check_survivors(self, survivors, confirmations):
        """Raise a ValueError that names the client unless each of these survivors has signed this list of survivors.

        Args:
            survivors: numbers of clients.
            confirmations: signatures by number.
        """
        for number, signature in confirmations.items():
            if number not in survivors or not self._holds(b"survivors", number, _listed(survivors), signature):
                raise ValueError(
                    f"confirmations must be signatures of the survivors {sorted(survivors)}; that of client {number} is "
                    "of another list, and nothing is revealed"
                )

    def _holds(self, kind, number, parts, signature):
        key = self.keys.get(number)
        return key is not None and primitives.signed(key, signature, self.statement(kind, number, parts))


def enrol(clients, federation="simulation", round=0, entropy=os.urandom):
    """Return fresh identities of so many clients, and the roster of them: a simulation's public-key infrastructure.

    Args:
        clients: how many, at least 2.
        federation, round: as in `Roster`.
        entropy: as in `Identity`.

    Returns:
        A list of `Identity`, by number, and the `Roster`.

    Derived in: notebook 15.
    """
    clients = checks.whole("clients", clients, at_least=2)
    identities = [Identity(entropy) for _ in range(clients)]
    return identities, Roster({number: one.public for number, one in enumerate(identities)}, federation, round)


def check(identity, roster, number, clients):
    """Raise an error unless an identity and a roster are those of client `number` among so many."""
    checks.kind("identity", identity, Identity, "a signatures.Identity, with its roster")
    checks.kind("roster", roster, Roster, "a signatures.Roster, with an identity")
    if sorted(roster.keys) != list(range(clients)):
        raise ValueError(f"roster must have the {clients} clients from 0 to {clients - 1}, got {sorted(roster.keys)}")
    if roster.keys[number] != identity.public:
        raise ValueError(f"identity must be client {number}'s in the roster, got another")


def _listed(survivors):
    return [b"%d" % number for number in sorted(survivors)]
