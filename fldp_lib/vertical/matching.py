"""Private set intersection in the manner of Diffie and Hellman: which patients do two or more parties have in common?

An identifier is hashed to a point P of Curve25519, and a party with the secret key a sends a·P. The order of two keys does
not matter, a·(b·P) = b·(a·P), so that twice-multiplied points are equal where the identifiers are; without a, the points a·P
cannot be told from random ones (decisional Diffie-Hellman, the hash taken for a random function).

What X25519 does to this stands in `_curve`.

What holds: parties that follow the protocol, do not pool what they saw and do not stop early learn the identifiers they have
in common, and how many the others entered. What does not: nothing binds a party to its true set. Who enters all birth dates
as its own learns who is there (`probe`); only a limit on how many may be entered, and signed lists, help against that. That
somebody is *in* the intersection is learnt by all its parties: no ε covers it.

Derived in: notebook 24.
Source: Meadows 1986; Huberman, Franklin & Hogg 1999.
"""

import hashlib
import os
from dataclasses import dataclass, field
from itertools import pairwise

from .. import checks
from . import _curve
from ._curve import on_curve, point
from ._transcript import Matched, Message

__all__ = [
    "BROKER", "Matched", "Message", "Side", "dictionary", "hashed", "on_curve", "point", "probe", "several", "two",
]  # fmt: skip

BROKER = "broker"


@dataclass
class Side:
    """One party of the protocol: its identifiers and its secret key.

    Args:
        name: of the party.
        ids: its patients' identifiers, text, each once; one at least.
        seed: None takes the key from the system's randomness; a whole number makes it repeatable, for teaching alone.

    Raises:
        TypeError, ValueError: an argument out of range, an identifier that occurs twice.

    Derived in: notebook 24.
    """

    name: str
    ids: tuple
    seed: int | None = field(default=None, repr=False)

    def __post_init__(self):
        checks.text("name", self.name, some=True)
        self.ids = _identifiers("ids", self.ids)
        if self.seed is None:
            secret = os.urandom(32)
        else:
            secret = hashlib.sha256(f"{checks.whole('seed', self.seed, at_least=0)} {self.name}".encode()).digest()
        self._key = _curve.library().X25519PrivateKey.from_private_bytes(secret)
        self._mine = {}  # own point under the own key: the identifier

    def opening(self):
        """Return a·P of every own identifier, sorted by their bytes: an order that says nothing about the identifiers."""
        self._mine = dict(zip(self.blind([_curve.point(name) for name in self.ids]), self.ids, strict=True))
        return tuple(sorted(self._mine))

    def blind(self, points):
        """Return a·Q for each point Q received, in the order received.

        Args:
            points: 32 bytes each.

        Raises:
            TypeError, ValueError: no such points; one of small order, which no identifier has (who sends it is cheating).
        """
        public = _curve.library().X25519PublicKey.from_public_bytes
        try:
            return tuple(self._key.exchange(public(one)) for one in _curve.points("points", points))
        except ValueError as error:
            if "points must be" in str(error):
                raise
            raise ValueError("points must be of large order; got one that every key sends to 0") from error

    def common(self, mine, theirs):
        """Return the own identifiers whose points under both keys are among the other's, sorted.

        Args:
            mine: the own opening after the other's key, in the opening's order.
            theirs: the other's opening after the own key, in any order.

        Raises:
            ValueError: `mine` is not as long as the opening.
        """
        mine, theirs = _curve.points("mine", mine), set(_curve.points("theirs", theirs))
        return self._named([place for place, one in enumerate(mine) if one in theirs], len(mine))

    def _named(self, places, length=None):
        """Return the identifiers at these positions of the own opening, sorted.

        Args:
            places: positions from 0.
            length: of the list that they are positions of; must be the opening's.
        """
        opened = sorted(self._mine)
        if length not in (None, len(opened)):
            raise ValueError(f"mine must be as long as the own opening, {len(opened)}; got {length} points")
        return tuple(sorted(self._mine[opened[place]] for place in places))


def two(a, b):
    """Return what two parties find that they have in common, and every message; both learn it.

    Three messages: a's opening; b's opening, and a's points under both keys; b's points under both keys.

    Args:
        a, b: a `Side` each, of different names.

    Returns:
        A `Matched`.

    Raises:
        TypeError, ValueError: no sides, or two of one name.

    Derived in: notebook 24.
    """
    checks.kind("a", a, Side, "a Side"), checks.kind("b", b, Side, "a Side of another name")
    _sides([a, b])
    opened = a.opening()
    answered, back = b.opening(), b.blind(opened)
    returned = a.blind(answered)
    messages = (
        Message(a.name, b.name, f"points under {a.name}'s key", opened),
        Message(b.name, a.name, f"points under {b.name}'s key", answered),
        Message(b.name, a.name, f"of {a.name}'s points, now under both keys", back),
        Message(a.name, b.name, f"of {b.name}'s points, now under both keys", returned),
    )
    found, same = a.common(back, returned), b.common(returned, back)
    if found != same:
        raise ValueError("a and b must find the same identifiers; a point was changed on its way")
    return Matched(found, messages)


def several(sides):
    """Return what any number of parties have in common, with a broker who holds no key and no identifiers.

    Every party's opening goes once round all the others, each of whom multiplies by its key; the last one hands it to the
    broker, who compares the lists and tells each party at which positions of its own opening the common ones stand. No party
    sees two lists under all the keys, so that none learns what only some have; the broker sees only points under all keys:
    how many each has, and how many any of them share. Two of them who pool what they saw learn more.

    Args:
        sides: `Side`s of different names, two at least; none is called "broker".

    Returns:
        A `Matched`.

    Raises:
        TypeError, ValueError: no sides, too few, two of one name.

    Derived in: notebook 24.
    """
    sides = _sides(sides)
    messages, full = [], []
    for start, owner in enumerate(sides):
        points, under = owner.opening(), owner.name
        way = [*sides[start:], *sides[:start]]
        for sender, receiver in pairwise(way):
            messages.append(Message(sender.name, receiver.name, f"of {owner.name}'s points, under {under}", points))
            points, under = receiver.blind(points), f"{under}+{receiver.name}"
        messages.append(Message(way[-1].name, BROKER, f"of {owner.name}'s points, under all keys", points))
        full.append(points)
    shared = set(full[0]).intersection(*full[1:])
    found = []
    for side, points in zip(sides, full, strict=True):
        places = tuple(place for place, one in enumerate(points) if one in shared)
        messages.append(Message(BROKER, side.name, "positions that all have", places))
        found.append(side._named(places))
    if len(set(found)) != 1:
        raise ValueError("sides must find the same identifiers; a point was changed on its way")
    return Matched(found[0], tuple(messages))


def hashed(ids):
    """Return the identifiers' SHA-256 as text: what many call anonymous. `dictionary` breaks it.

    Args:
        ids: text, each once.
    """
    return tuple(hashlib.sha256(name.encode()).hexdigest() for name in _identifiers("ids", ids))


def dictionary(hashes, candidates):
    """Return who is behind the hashes: a dict from hash to identifier, for those among the candidates.

    Args:
        hashes: from `hashed`, or any text.
        candidates: every identifier there might be: all birth dates, all telephone numbers.

    Derived in: notebook 24.
    """
    if isinstance(hashes, (str, bytes)) or not hasattr(hashes, "__iter__"):
        raise TypeError(f"hashes must be a list of texts, got {checks.shown(hashes)}")
    wanted, candidates = {checks.text("hashes", one) for one in hashes}, _identifiers("candidates", candidates)
    found = zip(hashed(candidates), candidates, strict=True)
    return {digest: name for digest, name in found if digest in wanted}


def probe(side, candidates, seed=None):
    """Return which candidates a party has, found by a partner who enters all of them as its own.

    The protocol is followed to the letter; only the set is made up. With identifiers that can be listed, no cryptography
    helps: the answer of the protocol itself is what leaks.

    Args:
        side: the `Side` under attack.
        candidates: every identifier there might be, each once.
        seed: of the attacker's key, as in `Side`.

    Derived in: notebook 24.
    """
    checks.kind("side", side, Side, "a Side")
    return two(side, Side(f"not {side.name}", _identifiers("candidates", candidates), seed)).ids


def _identifiers(name, ids):
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__"):
        raise TypeError(f"{name} must be a list of identifiers, got {checks.shown(ids)}")
    ids = tuple(checks.text(name, one, some=True) for one in ids)
    if not ids or len(set(ids)) < len(ids):
        raise ValueError(
            f"{name} must be identifiers, one at least and each once; got {len(ids)}, {len(set(ids))} different"
        )
    return ids


def _sides(sides):
    if not isinstance(sides, (list, tuple)) or not all(isinstance(side, Side) for side in sides):
        raise TypeError(f"sides must be `Side`s, got {checks.shown(sides)}")
    names = {side.name for side in sides}
    if len(sides) < 2 or len(names) < len(sides) or BROKER in names:
        raise ValueError(f"sides must be two at least, of different names, none of them {BROKER!r}; got {sorted(names)}")
    return list(sides)
