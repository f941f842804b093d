"""What messages are made of: packed numbers, and every client's own coins."""

import numpy as np
import torch

from ... import checks

# The 64-bit constants of SplitMix64, as int64 has them.
GAMMA, FIRST, SECOND = (number - 2**64 for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def coins(seed, members, length):
    """Return uniform numbers in [0, 1), a function of the seed, the client and the place: a counter, mixed (SplitMix64).

    Args:
        seed: of the round, a whole number in 0 … 2^62 − 1.
        members: the clients' numbers (members,), int64, on the computing device.
        length: entries of a vector.

    Returns:
        (members × length), float64, on the members' device: the same numbers on every one.

    Source: Steele, Lea & Flood 2014.
    """
    key = _mixed(_mixed(torch.full_like(members, seed) + GAMMA) + members * GAMMA)  # members: a stream each
    places = torch.arange(1, length + 1, device=members.device) * GAMMA
    return ((_mixed(key.unsqueeze(1) + places) >> 11) & (2**53 - 1)).double() * 2.0**-53


def _mixed(z):
    """SplitMix64's output function on int64, which wraps round as 64 bits without a sign do."""
    for shift, factor in ((30, FIRST), (27, SECOND)):
        z = (z ^ ((z >> shift) & (2 ** (64 - shift) - 1))) * factor
    return z ^ ((z >> 31) & (2**33 - 1))


def check_rows(rows, seed, members):
    """Refuse what cannot be compressed: rows (clients × parameters), a round's seed, clients' numbers (clients,) or None."""
    checks.floats("rows", rows, ("clients", "parameters")), checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST)
    if members is not None:
        checks.tensor("members", members, (len(rows),), "whole")


def check_vector(vector, seed, member):
    """Refuse what cannot be a message: a vector (parameters,), finite, a round's seed, a client's number."""
    checks.finite("vector", checks.floats("vector", vector, ("parameters",)))
    for name, number in (("seed", seed), ("member", member)):
        checks.whole(name, number, at_least=0, at_most=checks.LARGEST)


def entries(length):
    """Return a vector's length if it is one, from 1."""
    return checks.whole("length", length, at_least=1, at_most=2**40)


def whole(message, size):
    """Return the message if it is so many bytes, or raise a ValueError."""
    if not isinstance(message, bytes) or len(message) != size:
        got = f"{len(message)} bytes" if isinstance(message, bytes) else type(message).__name__
        raise ValueError(f"message must be {size} bytes, got {got}")
    return message


def width(length):
    """Return the bits of a place in a vector of that length."""
    return max(1, (length - 1).bit_length())


def pack(numbers, width):
    """Return whole numbers below 2^width as packed bits."""
    bits = (np.asarray(numbers)[:, None] >> np.arange(width)) & 1
    return np.packbits(bits.astype(np.uint8).ravel()).tobytes()


def unpack(message, width, count):
    """Return `count` whole numbers of so many bits each, int64 (count,)."""
    bits = np.unpackbits(np.frombuffer(message, np.uint8))[: width * count].reshape(count, width)
    return (bits.astype(np.int64) << np.arange(width)).sum(1)
