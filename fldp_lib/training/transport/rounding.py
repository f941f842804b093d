"""Clipped vectors as whole numbers, and the sum back: rotated, put on a grid, rounded at random within a bound.

The rotation, random signs and then a Hadamard matrix, spreads a vector over all its numbers, so that a sum of few bits
holds it; its signs are the round's and public. Rounding up or down is by coins that need no secret either: each rounded
vector is one that the price covers, whatever the coins.
"""

import torch

from ... import checks
from ...privacy import integers
from .messages import check_rows, coins

TRIES = 20  # of rounding; then towards zero, which makes no vector longer
SIGNS = -1  # the number under which the signs are drawn: no client's


def rotate(rows, seed):
    """Return vectors rotated, padded with zeros to a power of two.

    Args:
        rows: (clients × parameters).
        seed: of the round, public, a whole number in 0 … 2^62 − 1.

    Returns:
        (clients × length), float64 on the CPU; norms are what they were.

    Derived in: notebook 22.
    Source: Kairouz, Liu & Steinke 2021.
    """
    rows = checks.tensor("rows", rows, ("clients", "parameters")).to("cpu", torch.float64)
    length = 1 << (rows.shape[1] - 1).bit_length()
    padded = torch.nn.functional.pad(rows, (0, length - rows.shape[1]))
    return _hadamard(padded * _signs(seed, length))


def unrotate(rows, seed, parameters):
    """Return what was rotated (clients × parameters), from (clients × length); arguments as in `rotate`."""
    rows = checks.tensor("rows", rows, ("clients", "length")).to("cpu", torch.float64)
    length = rows.shape[1]
    if length & (length - 1):
        raise ValueError(f"rows must be of a length that is a power of two, got {length}")
    return (_hadamard(rows) * _signs(seed, length))[:, : checks.whole("parameters", parameters, at_least=1, at_most=length)]


def encode(rows, grid, seed, members):
    """Return clipped vectors as whole numbers.

    How often somebody rounded again depends on the vector, and so does the time that it took: neither may be seen.

    Args:
        rows: (clients × parameters), each of L2 norm at most the clip.
        grid: an `integers.Grid`.
        seed: as in `rotate`.
        members: the clients' numbers (clients,), int64, by which their coins differ.

    Returns:
        (clients × length), int64 on the CPU; every row's squared norm is at most `grid.norm2`.

    Raises:
        TypeError, ValueError: vectors of another length, or not finite.

    Derived in: notebook 22.
    """
    checks.kind("grid", grid, integers.Grid, "a Grid")
    exact = checks.finite("rows", rotate(rows, seed)) / grid.step  # clients × length
    check_rows(exact, seed, checks.tensor("members", members, (len(exact),), "whole"))
    if exact.shape[1] != grid.length:
        raise ValueError(f"rows must be of a length that the grid pads to {grid.length}, got {rows.shape[1]}")
    members, low = members.cpu(), exact.floor()
    part, found = exact - low, exact.trunc().long()
    left = torch.arange(len(rows), device="cpu")
    for attempt in range(TRIES):
        tried = (low[left] + (coins((seed + attempt) % 2**62, members[left], grid.length) < part[left])).long()
        short = tried.square().sum(1) <= grid.norm2
        found[left[short]] = tried[short]
        left = left[~short]
        if not len(left):
            break
    if (found.square().sum(1) > grid.norm2).any():
        raise ValueError("rows must be clipped before they are encoded, got one that is longer than the grid's bound")
    return found


def decode(total, grid, seed, parameters):
    """Return the sum (parameters,), float64, of a sum modulo 2^bits (length,); right unless a number wrapped round."""
    checks.kind("grid", grid, integers.Grid, "a Grid")
    total = checks.tensor("total", total, (grid.length,), "whole")
    half = grid.modulus // 2
    signed = (total + half) % grid.modulus - half
    return unrotate(grid.step * signed.double().unsqueeze(0), seed, parameters)[0]


def _signs(seed, length):
    checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST)
    return torch.where(coins(seed, torch.tensor([SIGNS], device="cpu"), length) < 0.5, -1.0, 1.0).double()  # 1 × length


def _hadamard(rows):
    """Multiply by the orthonormal Hadamard matrix, as a matrix of two smaller ones: (clients × length)."""
    length = rows.shape[1]
    left = 1 << (length.bit_length() - 1) // 2
    square = rows.reshape(len(rows), left, length // left)
    return (_matrix(left) @ square @ _matrix(length // left)).reshape(rows.shape) / length**0.5


def _matrix(size):
    found = torch.ones(1, 1, dtype=torch.float64, device="cpu")
    while len(found) < size:
        found = torch.cat([torch.cat([found, found], 1), torch.cat([found, -found], 1)])
    return found
