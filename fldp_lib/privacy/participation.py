"""How often, and how far apart, one client takes part in a run: what it can move in a strategy's rows in all its rounds.

A matrix mechanism releases C·G + noise, G the clipped sums of the rounds (rounds × parameters). A client that takes part in
the rounds π, with contributions u_j of norm at most 1, moves C·G by Σ_{j∈π} C[:, j]·u_jᵀ. The square of that is
Σ_{i,j∈π} X_ij·⟨u_i, u_j⟩ with X = CᵀC. Where no entry of X is negative it is largest if all u are equal: ‖Σ_{j∈π} C[:, j]‖².
Where the columns of π do not overlap (a band of at most the separation) X has nothing beside its diagonal, whatever C's
signs. So both formulas are exact, for contributions of any dimension, and for a client that adapts its later ones to what
was released (Denisov et al. 2022, theorem 2.1: Gaussian noise and a lower-triangular C).
"""

import math

import numpy as np

from .. import checks


def turns(rounds, separation):
    """Return how often a client can take part in `rounds` rounds, `separation` apart at least: ⌈rounds/separation⌉.

    Args:
        rounds: at least 0.
        separation: from one participation to the next, at least 1 (every round).
    """
    rounds = checks.whole("rounds", rounds, at_least=0)
    return -(-rounds // checks.whole("separation", separation, at_least=1))


def banded(norms, separation, participations=None):
    """Return the sensitivity of a strategy whose columns do not overlap from one participation to the next.

    The columns of a banded C with a band of at most `separation` are orthogonal where a client takes part again, so that
    squares add up; which of a client's patterns has the largest sum, dynamic programming finds: with k participations
    from round j on, the best either takes round j and goes on at j + separation with k − 1, or goes on at j + 1.

    Args:
        norms: L2 norms of C's columns (rounds,), at least 0.
        separation: as in `turns`; at least C's band, which is not checked here.
        participations: most that a client takes part, at least 1; None for as often as the separation allows.

    Returns:
        The L2 sensitivity of C·G; √k·norm where all columns have one norm.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 20.
    Source: Choquette-Choo et al. 2023, theorem 2 and algorithm 3.
    """
    squares = checks.finite("norms", checks.tensor("norms", norms, ("rounds",), "double")).numpy() ** 2
    rounds, times = len(squares), _times(len(squares), separation, participations)
    separation = min(separation, rounds)
    best = np.zeros(rounds + separation)  # from round j on, with as many participations as the loop has passed
    for _ in range(times):
        taken = squares + best[separation:]
        best[:rounds] = np.maximum.accumulate(taken[::-1])[::-1]
    return math.sqrt(best[0])


def toeplitz(coefficients, rounds, separation, participations=None):
    """Return the sensitivity of a Toeplitz strategy with falling coefficients, none negative, of any band.

    The worst client takes part as early, as often and as densely as it may: in rounds 1, 1 + b, 1 + 2b, …

    Args:
        coefficients: C's first column, from the diagonal down (band,), non-negative, none larger than the one before.
        rounds: C's size, at least 1.
        separation, participations: as in `banded`.

    Returns:
        The L2 sensitivity of C·G.

    Raises:
        TypeError, ValueError: an argument out of range, coefficients that grow or are negative.

    Derived in: notebook 20.
    Source: Kalinin & Lampert 2024, theorem 2.
    """
    given = checks.finite("coefficients", checks.tensor("coefficients", coefficients, ("band",), "double")).numpy()
    if not len(given) or given.min() < 0 or (np.diff(given) > 0).any():
        raise ValueError(f"coefficients must not be negative, nor grow; got {checks.shown(coefficients)}")
    rounds = checks.whole("rounds", rounds, at_least=1)
    times = _times(rounds, separation, participations)
    column, total = np.zeros(rounds), np.zeros(rounds)
    column[: len(given)] = given[:rounds]
    for start in range(0, times * separation, separation):
        total[start:] += column[: rounds - start]
    return float(np.linalg.norm(total))


def cyclic(strategy, separation):
    """Return the sensitivity of the first t rounds, for each t, where a client comes back every `separation` rounds exactly.

    A lower-triangular C makes the first t rows of C·G a strategy of t rounds by itself. All patterns there are looked at:
    one for each group of clients, rounds g, g + b, g + 2b, …

    Args:
        strategy: a `strategies.Strategy`, whose C has no negative entry.
        separation: the number of groups, at least 1.

    Returns:
        L2 sensitivities (rounds,), ascending; the last is that of the whole run.

    Derived in: notebook 20.
    """
    if not hasattr(strategy, "times"):
        raise TypeError(f"strategy must be a strategies.Strategy, got {checks.shown(strategy)} ({type(strategy).__name__})")
    separation = min(checks.whole("separation", separation, at_least=1), strategy.rounds)
    groups = np.arange(strategy.rounds)[:, None] % separation == np.arange(separation)  # rounds × groups
    moved = strategy.times(groups.astype(float))  # what a client of each group moves in each row
    return np.sqrt(np.cumsum(moved**2, 0).max(1))


def _times(rounds, separation, participations):
    most = turns(rounds, separation)
    return most if participations is None else min(most, checks.whole("participations", participations, at_least=1))
