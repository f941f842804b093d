"""Strategies for sums over rounds: how the noise of one round is told by that of the rounds before it.

Training adds up: after t rounds the model is the start plus a sum of t noisy updates. The matrix A of all these sums (ones
on and below the diagonal) is split, A = B·C. Noise is added to C·G, G the updates (rounds × parameters), and B carries both
to the sums: A·G + B·Z. Seen from one round that is an update with the noise of a row of C⁻¹·Z. How large Z must be is C's
sensitivity (`participation`), what of it stays in the sums are B's rows. Every C here is lower triangular, which makes the
noise a stream, and has no negative entry, which makes its sensitivity exact.
"""

from functools import cached_property, lru_cache

import numpy as np
import torch

from .. import checks
from . import participation

STRATEGIES = ("independent", "tree", "sqrt", "banded", "optimised")
BANDED = ("banded", "optimised")


class Strategy:
    """A strategy matrix C (rounds × rounds) that is a banded Toeplitz matrix with rescaled columns.

    Args:
        coefficients: of the Toeplitz matrix, from its diagonal down (band,), the first 1, none negative.
        rounds: its size.
        scale: what each column is divided by (rounds,), positive; None leaves them.

    Raises:
        ValueError: a coefficient is negative, or no number: the sensitivity would be understated.

    Derived in: notebook 20.
    """

    def __init__(self, coefficients, rounds, scale=None):
        self.coefficients, self.rounds = np.asarray(coefficients, dtype=float)[:rounds], rounds
        self.scale = np.ones(rounds) if scale is None else scale
        if not self.coefficients.min(initial=0) >= 0:
            raise ValueError(f"coefficients must not be negative, got {checks.shown(self.coefficients)}")

    @property
    def band(self):
        """How many diagonals of C are not zero."""
        return len(self.coefficients)

    def times(self, columns):
        """Return C·columns (rounds × m) for columns (rounds × m)."""
        columns, total = columns / self.scale[:, None], np.zeros(columns.shape)
        for back, coefficient in enumerate(self.coefficients):
            total[back:] += coefficient * columns[: self.rounds - back]
        return total

    def step(self, t, kept, fresh):
        """Return row t of C⁻¹·G, given that of G: subtract what the rows before it have told already.

        Args:
            t: the round, from 0.
            kept: rows that a step left for the next (a list, at first empty, changed in place).
            fresh: row t of G (parameters,), changed in place.
        """
        for row, coefficient in zip(kept, self.coefficients[1:], strict=False):  # the newest first
            fresh.sub_(row, alpha=coefficient)
        if self.band > 1:
            kept.insert(0, fresh)
            del kept[self.band - 1 :]
        return fresh * self.scale[t]

    def matrix(self):
        """Return C (rounds × rounds)."""
        return self.times(np.eye(self.rounds))

    def inverse(self):
        """Return C⁻¹ (rounds × rounds): what `step` makes of the identity."""
        apart = np.subtract.outer(np.arange(self.rounds), np.arange(self.rounds))
        return np.where(apart >= 0, self._column[apart], 0.0) * self.scale[:, None]

    @cached_property
    def deviations(self):
        """Norms of C⁻¹'s rows (rounds,): each round's noise where the rows of Z have deviation 1."""
        return self.scale * np.sqrt(np.cumsum(self._column**2))

    @cached_property
    def _column(self):
        """First column of the Toeplitz matrix's inverse (rounds,)."""
        found, back = np.zeros(self.rounds), self.coefficients[1:]
        found[0] = 1.0
        for t in range(1, self.rounds):
            told = found[max(0, t - len(back)) : t][::-1]
            found[t] = -(back[: len(told)] @ told)
        return found

    def sensitivity(self, separation):
        """Return C's L2 sensitivity where a client comes back every `separation` rounds; see `participation.cyclic`."""
        return float(participation.cyclic(self, separation)[-1])

    def errors(self, separation):
        """Return the noise's variance in the sum after each round (rounds,), in units of clip² and noise multiplier².

        Args:
            separation: as in `sensitivity`, whose square the variances hold: strategies of equal ε compare by them.

        Derived in: notebook 20.
        """
        sums = np.cumsum(self.inverse(), 0)
        return self.sensitivity(separation) ** 2 * (sums**2).sum(1)


class Tree(Strategy):
    """The binary tree of sums: round t adds up the last 2^m rounds, 2^m the largest power of two that divides t.

    A sum over any first rounds is one of at most ⌈log₂(rounds + 1)⌉ of these; each round is in at most ⌊log₂ rounds⌋ + 1.
    The stream keeps one row for each open power of two. Honaker's averaging over sums that overlap is not done.

    Derived in: notebook 20.
    Source: Dwork, Naor, Pitassi & Rothblum 2010; Chan, Shi & Song 2011; in training Kairouz et al. 2021.
    """

    def __init__(self, rounds):
        super().__init__(np.ones(1), rounds)

    @property
    def band(self):
        """The longest sum's length."""
        return 1 << (self.rounds.bit_length() - 1)

    def times(self, columns):
        before = np.concatenate([np.zeros((1, columns.shape[1])), np.cumsum(columns, 0)])
        ends = np.arange(1, self.rounds + 1)
        return before[ends] - before[ends - (ends & -ends)]

    @cached_property
    def deviations(self):
        ends = np.arange(1, self.rounds + 1)
        return np.sqrt(1 + np.log2(ends & -ends))

    def inverse(self):
        rows, kept = torch.eye(self.rounds, dtype=torch.float64), []
        return torch.stack([self.step(t, kept, row) for t, row in enumerate(rows)]).numpy()

    def step(self, t, kept, fresh):
        levels = ((t + 1) & -(t + 1)).bit_length() - 1  # as many sums end with this one
        row = fresh.clone()
        for _ in range(levels):
            row.sub_(kept.pop(0))  # newest, and shortest, first
        kept.insert(0, fresh)
        return row


def square_root(count):
    """Return the first coefficients (count,) of (1 − x)^(−½), whose Toeplitz matrix is the square root of A.

    Derived in: notebook 20. Source: Fichtenberger, Henzinger & Upadhyay 2023.
    """
    step = np.arange(1, checks.whole("count", count, at_least=1))
    return np.cumprod(np.concatenate([[1.0], (2 * step - 1) / (2 * step)]))


def optimised(rounds, band):
    """Return the coefficients (band,) of the banded Toeplitz matrix with the least mean variance of the sums.

    The least of all such matrices whose columns do not overlap from one visit to the next: overlap is not looked at, so
    beyond the separation others can be better. Nor is it that `strategy` rescales the last columns afterwards.

    Minimises ‖c‖²·Σ_s (1 − s/rounds)·β_s², with β the first column of B = A·C⁻¹ (T(c)·β = 1), by L-BFGS with its exact
    gradient: −2·Σ_t λ_t·β_{t−j} for coefficient j, T(c)ᵀ·λ = weights·β. Rounded to six decimals, so that all machines
    draw by the same numbers.

    Args:
        rounds: at least 1.
        band: from 1 to `rounds`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 20.
    Source: Choquette-Choo et al. 2023 (BandMF); McKenna 2024 (banded Toeplitz).
    """
    from scipy.linalg.lapack import dtbtrs
    from scipy.optimize import minimize

    rounds = checks.whole("rounds", rounds, at_least=1)
    band = checks.whole("band", band, at_least=1, at_most=rounds)
    weights = 1 - np.arange(rounds) / rounds

    def loss(c):
        diagonals = np.repeat(c[:, None], rounds, 1)
        sums = dtbtrs(diagonals, np.ones((rounds, 1)), uplo="L")[0][:, 0]
        dual = dtbtrs(diagonals, (weights * sums)[:, None], uplo="L", trans="T")[0][:, 0]
        error, square = float(weights @ sums**2), float(c @ c)
        slope = np.array([dual[back:] @ sums[: rounds - back] for back in range(band)])
        return square * error, 2 * error * c - 2 * square * slope

    found = minimize(loss, square_root(band), jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-14})
    return np.round(found.x / found.x[0], 6)


def strategy(name, rounds, band=None):
    """Return a strategy by its name.

    Args:
        name: "independent" (C = 1: rounds know nothing of each other), "tree", "sqrt" (the square root of A, whose stream
            keeps every row), "banded" (its first diagonals) or "optimised" (the banded Toeplitz matrix that is best
            while visits do not overlap, columns of one norm).
        rounds: C's size, at least 1.
        band: diagonals of the last two, from 1; None, or more than `rounds`, are as many as those. None for the others.

    Returns:
        A `Strategy`, which nobody may change.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 20.
    Source: Kalinin & Lampert 2024 (banded square root); as in `square_root`, `optimised`, `Tree`.
    """
    checks.one_of("name", name, STRATEGIES)
    rounds = checks.whole("rounds", rounds, at_least=1)
    band = check_band(name, band)
    return _made(name, rounds, {"independent": 1}.get(name, rounds) if band is None else min(band, rounds))


@lru_cache(maxsize=64)
def _made(name, rounds, band):
    if name == "tree":
        return Tree(rounds)
    if name != "optimised":
        return Strategy(square_root(band), rounds)
    coefficients = optimised(rounds, band)
    squares = np.concatenate([np.cumsum(coefficients**2), np.full(rounds - band, (coefficients**2).sum())])
    return Strategy(coefficients, rounds, np.sqrt(squares)[::-1].copy())  # the last columns are cut


def check_band(name, band):
    """Return a strategy's band as a whole number or None, or raise an error that says what is allowed."""
    if band is None:
        return None
    if name not in BANDED:
        raise ValueError(f"band must be None for the {name!r} strategy, got {checks.shown(band)}")
    return checks.whole("band", band, at_least=1)
