"""Identifiers as points of Curve25519, by the library cryptography. For `matching` alone.

What X25519 (RFC 7748) does to Diffie and Hellman's matching, exactly:

- A point is its u-coordinate: P and −P are one. Two identifiers meet there only if their hashes do.
- Half of all 32-byte strings are no point of the curve but of its twist, and stay there under every key: whoever sees a·P
  would learn that bit of the hash. `point` therefore hashes again until the point lies on the curve.
- Keys are clamped: multiples of 8, of fixed top bit. The factor 8 takes every point into the subgroup of prime order; no key
  has an inverse among keys, so that nothing is ever unwrapped here: points meet under *all* keys.

Derived in: notebook 24.
Source: Bernstein 2006; Langley, Hamburg & Turner 2016, RFC 7748.
"""

import hashlib
from functools import lru_cache

from .. import checks

FIELD = 2**255 - 19
MIDDLE = 486662  # v² = u³ + 486662·u² + u


def library():
    """Return cryptography's x25519, or raise an error that says what to install."""
    try:
        from cryptography.hazmat.primitives.asymmetric import x25519
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("private matching needs one more package: pip install cryptography") from error
    return x25519


def on_curve(u):
    """Return whether 32 bytes are the u-coordinate of a point of Curve25519; if not, they are one of its twist.

    Args:
        u: 32 bytes, little-endian; the top bit is not read (RFC 7748).

    Raises:
        TypeError, ValueError: not 32 bytes.
    """
    u = int.from_bytes(points("u", [u])[0], "little") % 2**255 % FIELD
    return pow((u * u * u + MIDDLE * u * u + u) % FIELD, (FIELD - 1) // 2, FIELD) == 1


@lru_cache(maxsize=100_000)
def point(identifier):
    """Return the identifier's point of the curve, 32 bytes: its hash with the first counter that gives one, two on average.

    Args:
        identifier: text; not even a space may differ between the parties.

    Raises:
        TypeError, ValueError: no text, or an empty one.
    """
    checks.text("identifier", identifier, some=True)
    counter = 0
    while True:
        digest = hashlib.sha256(f"fldp_lib matching {counter} {identifier}".encode()).digest()
        if on_curve(digest):
            return digest
        counter += 1


def points(name, value):
    """Return `value` as a tuple of points if it is 32 bytes each, or raise an error that names it."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name} must be points of 32 bytes each, got {checks.shown(value)}")
    value = tuple(value)
    for one in value:
        if not isinstance(one, bytes) or len(one) != 32:
            raise ValueError(f"{name} must be points of 32 bytes each, got {checks.shown(one)} among them")
    return value
