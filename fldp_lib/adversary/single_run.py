"""Lower bounds on μ, and by it on ε, from one run with many canaries: f-differential privacy for a Gaussian's curve.

`auditing.one_run` uses two numbers of a promise, ε and δ, and holds for every mechanism that keeps them. A Gaussian
mechanism keeps a whole curve: what has probability x in one world has at most F(x) = Φ(Φ⁻¹(x) + μ) in the other. The bounds
here use all of it, and refute a claim of (ε, δ) only as far as the mechanism's trade-off is a Gaussian's.

**The theorem.** Each of m canaries is in or out by a fair coin of its own; after the run exactly r coins are guessed,
whichever the auditor likes. pᵢ is the probability of i right guesses. Flip the coin of a canary that is guessed rightly: the
same outputs now have it wrong, and one right guess less. F bounds one world by the other; averaged over canaries, coins and
outputs (F is concave: Jensen), for every set T of counts

    Σ_{i∈T} i·pᵢ / m  ≤  F( Σ_{i∈T} (r−i+1)·pᵢ₋₁ / m )                           (Mahloujifar, Melis & Chaudhuri 2025).

**The bound.** How probable can v right guesses or more be? Let A = Σ_{j>i} j·pⱼ/m and B = Σ_{j>i} (r−j)·pⱼ/m. With
T = {i+1, …, r} the theorem asks for B + (r−i)·pᵢ/m ≥ F⁻¹(A): going down from v, each pᵢ has a least value. Suppose that
P(at least v) = τ. More than this least, or another place than v for τ, only makes what is needed later larger: with mass
added, or moved up, the changes of A and B keep ΔA ≥ 0, ΔA + ΔB ≥ 0 and (r−i)·ΔA ≥ i·ΔB at every step. So where the least
masses sum to more than 1, τ is impossible; the largest possible one is the p-value of μ: the exact optimum under these
inequalities, for all T above a count.
"""

from dataclasses import dataclass

import numpy as np

from .. import checks
from ..training.server import train
from . import _worlds
from .gaussian_audit import epsilon_of, gaussian_rounds

ENOUGH = 1e-12  # masses below it are left out: what is needed is told smaller, and so is the bound
SURE = 1 + 1e-9  # a sum of probabilities above it is no rounding


@dataclass(frozen=True)
class OneRunAudit:
    """The outcome of an audit of one run through μ.

    Attributes:
        mu: μ is at least this, with the confidence asked for; 0 where nothing was found.
        lower: the ε of that μ at δ: ε is at least this if the mechanism is Gaussian.
        correct, guesses, canaries: guesses that were right, guesses made, canaries tossed.
    """

    mu: float
    lower: float
    correct: int
    guesses: int
    canaries: int


def one_run_through_mu(correct, guesses, canaries, delta, confidence=0.95):
    """Bound μ from below by one run with many canaries, each in or out by the toss of a fair coin, and by it ε at δ.

    Args:
        correct: right guesses, 0 … guesses.
        guesses: guesses made, 1 … canaries; their number is fixed before the run, their places may depend on it.
        canaries: canaries tossed, at least 1.
        delta: δ of the ε that is told, in (0, 1); μ does not depend on it.
        confidence: probability that the bound on μ holds, in (0, 1).

    Returns:
        A `OneRunAudit`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 16.
    Source: Mahloujifar, Melis & Chaudhuri 2025, arXiv 2410.22235 (theorem and recursion); Dong, Roth & Su 2022 (the curve).
    """
    correct, guesses, canaries = _counts(correct, guesses, canaries)
    delta = checks.real("delta", delta, above=0, below=1)
    error = 1 - checks.real("confidence", confidence, above=0, below=1)
    low, high = 0.0, 64.0
    for _zoom in range(6):
        grid = np.linspace(low, high, 65)
        refuted = _needed(grid, correct, guesses, canaries, error) > SURE
        first = len(grid) if refuted.all() else int(refuted.argmin())
        if not first:
            break
        low, high = grid[first - 1], grid[min(first, 64)]
    mu = float(low)
    return OneRunAudit(mu, epsilon_of(mu, delta), correct, guesses, canaries)


def p_value_through_mu(correct, guesses, canaries, mu):
    """Return the largest probability of at least so many right guesses that μ-Gaussian privacy allows, to 1e-9, rounded up.

    Args:
        correct, guesses, canaries: as in `one_run_through_mu`.
        mu: at least 0.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 16.
    """
    correct, guesses, canaries = _counts(correct, guesses, canaries)
    mu = checks.real("mu", mu, at_least=0)
    low, high = 0.0, 1.0
    if _needed(mu, correct, guesses, canaries, np.array([1.0]))[0] <= SURE:
        return 1.0
    for _zoom in range(5):
        grid = np.linspace(low, high, 65)
        possible = _needed(mu, correct, guesses, canaries, grid) <= SURE
        last = int(possible.argmin()) - 1  # the first grid point is 0 or was possible, the last one was not
        low, high = grid[last], grid[last + 1]
    return float(high)


def audit_one_run(plan, canaries=1000, guesses=200, neighbour="removed", confidence=0.95, seed=0, trainer=train):
    """Bound a Gaussian plan's ε from below by one run of `train` in which every client is a canary.

    Clients are the adversary's own, each with a coordinate of theta for itself; a fair coin decides whether it has data (or
    which, for a neighbour that is replaced). The highest moves of theta are guessed "in", the lowest "out", half of the
    guesses each. Time and memory grow with the square of `canaries`.

    Args:
        plan: a `Plan` of Gaussian rounds in which every client takes part.
        canaries: at least 20.
        guesses: an even number, 2 … canaries; a fifth of the canaries is a good choice.
        neighbour: "removed", or "replaced" for local noise.
        confidence: as in `one_run_through_mu`.
        seed: of the coins and of the run (whose own, where the plan's is None, is unpredictable).
        trainer: as in `auditing.audit`.

    Returns:
        A `OneRunAudit`.

    Raises:
        TypeError, ValueError: an argument out of range; a plan whose trade-off is no Gaussian's.

    Derived in: notebook 16.
    Source: Steinke, Nasr & Jagielski 2023 (the game); Mahloujifar, Melis & Chaudhuri 2025 (the bound).
    """
    canaries = checks.whole("canaries", canaries, at_least=20)
    guesses = checks.whole("guesses", guesses, at_least=2, at_most=canaries)
    if guesses % 2:
        raise ValueError(f"guesses must be even, half of them “in” and half “out”; got {guesses}")
    confidence = checks.real("confidence", confidence, above=0, below=1)
    checks.one_of("neighbour", neighbour, ("removed", "replaced"))
    seed = gaussian_rounds(plan, 60, neighbour, seed, trainer)[1]
    inside = np.random.default_rng(seed).random(canaries) < 0.5
    run = plan if plan.seed is None else plan.changed(seed=2**20 * (1 + seed))
    scores = _worlds.tossed(run, neighbour, inside, trainer)[:, 0]
    order, half = scores.argsort(), guesses // 2
    correct = int((~inside[order[:half]]).sum() + inside[order[-half:]].sum())
    return one_run_through_mu(correct, guesses, canaries, plan.delta, confidence)


def _counts(correct, guesses, canaries):
    canaries = checks.whole("canaries", canaries, at_least=1)
    guesses = checks.whole("guesses", guesses, at_least=1, at_most=canaries)
    return checks.whole("correct", correct, at_least=0, at_most=guesses), guesses, canaries


def _needed(mu, correct, guesses, canaries, tail):
    """The least total probability if `correct` or more guesses are right with probability `tail`; arrays broadcast (…).

    Where it is above 1 it may be told smaller, though above 1: that is all that its callers ask.
    """
    from scipy.special import ndtr, ndtri

    mu, tail = np.broadcast_arrays(np.asarray(mu, float), np.asarray(tail, float))
    right, wrong = tail * (correct / canaries), tail * ((guesses - correct) / canaries)  # A and B (…)
    for count in range(correct - 1, -1, -1):
        more = np.maximum(ndtr(ndtri(np.minimum(right, 1.0)) - mu) - wrong, 0.0)  # of (r − count)·p/m
        wrong, right = wrong + more, right + more * (count / (guesses - count))
        total = (right + wrong) * (canaries / guesses)
        if ((more < ENOUGH) | (total > SURE)).all():
            break
    return (right + wrong) * (canaries / guesses)
