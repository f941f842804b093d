"""Lower bounds on ε through μ, for mechanisms that are Gaussian: one threshold tells nearly all of their trade-off curve.

A Gaussian's ε at a small δ is decided in tails that twenty thousand runs hardly reach, and there `auditing.repeated` has to
look. If a mechanism is Gaussian, its whole curve has one parameter, and that can be measured where runs are many: in the
middle. What is bounded here is that μ. Read as an ε it refutes a claim of (ε, δ) only as far as the mechanism's trade-off is
a Gaussian's, which composed, unsampled Gaussian rounds are exactly; of other noise it says nothing.
"""

from dataclasses import dataclass

import numpy as np

from .. import checks
from ..privacy import accountants, gaussians, pricing
from ..training.plan import Plan
from ..training.server import train
from . import _worlds

CHOOSING = 20  # every so many-th run chooses the threshold: the middle is flat, a rough place will do


@dataclass(frozen=True)
class GaussianAudit:
    """The outcome of an audit through μ.

    Attributes:
        mu: μ is at least this, with the confidence asked for; 0 where nothing was found.
        lower: the ε of that μ at δ: ε is at least this if the mechanism is Gaussian.
        error: the confidence bound that enters, on the share of wrong verdicts at even odds, in (0, 1].
        threshold: the attacker says "in" for scores above it (below it if `flipped`).
        flipped: whether small scores speak for the canary.
        judged: runs in each world that were judged.
    """

    mu: float
    lower: float
    error: float
    threshold: float
    flipped: bool
    judged: int


def through_mu(without, present, delta, confidence=0.95, threshold=None):
    """Bound μ from below by as many independent runs without as with the canary, and by it ε at δ.

    Under μ-Gaussian privacy no test has FPR + FNR below 2Φ(−μ/2). The wrong verdicts of both worlds are counted together: a
    sum of two binomials, whose lower tail is no heavier than that of one binomial of the same mean (Hoeffding 1956). So one
    Clopper–Pearson bound p̄ on their share covers both rates, and μ ≥ −2Φ⁻¹(p̄).

    Args:
        without, present: scores (runs,) of runs without and with the canary, equally many, at least 20; NaN is not allowed.
        delta: δ of the ε that is told, in (0, 1).
        confidence: probability that the bound on μ holds, in [0.75, 1).
        threshold: fixed before the runs; scores above it speak for the canary. None takes the middle between the two medians
            of every twentieth run, and judges the others: against Gaussian noise no threshold has fewer errors.

    Returns:
        A `GaussianAudit`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 16.
    Source: Nasr et al. 2023 (audits through μ, with one bound for each rate); Dong, Roth & Su 2022 (the curve);
        Clopper & Pearson 1934; Hoeffding 1956, theorem 4.
    """
    from scipy import special, stats

    delta = checks.real("delta", delta, above=0, below=1)
    confidence = checks.real("confidence", confidence, at_least=0.75, below=1)
    without, present = _scores("without", without), _scores("present", present)
    if len(without) != len(present):
        raise ValueError(f"without and present must be equally many, got {len(without)} and {len(present)}")
    sign = 1
    if threshold is None:
        low, high = np.median(without[::CHOOSING]), np.median(present[::CHOOSING])
        sign, threshold = (1 if high >= low else -1), (low + high) / 2
        kept = np.arange(len(without)) % CHOOSING > 0
        without, present = without[kept], present[kept]
    threshold = checks.real("threshold", threshold)
    wrong = (sign * without > sign * threshold).sum() + (sign * present <= sign * threshold).sum()
    verdicts = 2 * len(without)
    error = float(stats.beta.ppf(confidence, wrong + 1, verdicts - wrong)) if wrong < verdicts else 1.0
    mu = float(max(0.0, -2 * special.ndtri(error)))
    return GaussianAudit(mu, epsilon_of(mu, delta), error, threshold, sign < 0, len(without))


def audit_through_mu(plan, runs=2000, neighbour="removed", confidence=0.95, seed=0, trainer=train):
    """Bound a Gaussian plan's ε from below by what `train` releases, through μ; the worlds are those of `auditing.audit`.

    The score is fixed beforehand: how far theta (or, under local noise, the report) moves along the canary's direction, over
    all rounds. Between two Gaussian runs of equal noise that orders outputs as the likelihood ratio does, so that no score
    tells more (Neyman & Pearson 1933).

    Args:
        plan: a `Plan` of Gaussian rounds in which every client takes part.
        runs, neighbour, confidence, seed, trainer: as in `auditing.audit`; `confidence` at least 0.75.

    Returns:
        A `GaussianAudit`: at 20,000 runs nine tenths of a true ε of 1 in the mean, and more of a larger one.

    Raises:
        TypeError, ValueError: an argument out of range; a plan whose trade-off is no Gaussian's: `auditing.audit` takes it.

    Derived in: notebook 16.
    """
    confidence = checks.real("confidence", confidence, at_least=0.75, below=1)
    runs, seed = gaussian_rounds(plan, runs, neighbour, seed, trainer)
    without, present = _worlds.seen(plan, runs, neighbour, seed, trainer)
    return through_mu(without[:, 0], present[:, 0], plan.delta, confidence)


def checked(plan, runs, neighbour, seed, trainer):
    """Runs and seed as whole numbers, or an error that names what is wrong with an audit's arguments."""
    runs, seed = checks.whole("runs", runs, at_least=60), checks.whole("seed", seed, at_least=0, at_most=400)
    checks.one_of("neighbour", neighbour, _worlds.NEIGHBOURS)
    if not isinstance(plan, Plan):
        raise TypeError(f"plan must be a Plan, got {plan!r:.80} ({type(plan).__name__})")
    if not callable(trainer):
        raise TypeError(f"trainer must be callable, got {trainer!r} ({type(trainer).__name__})")
    if plan.reason:
        raise ValueError(f"plan must have a finite ε to be refuted, got one that has none: {plan.reason}")
    local = plan.mechanism.at == "client" and plan.mechanism.unit == "client"
    if neighbour == "replaced" and not local:
        raise ValueError(f"neighbour must be another than 'replaced' where the promise is about {plan.mechanism.adjacency}")
    return runs, seed


def gaussian_rounds(plan, runs, neighbour, seed, trainer):
    """The same, and an error where the plan's trade-off is no Gaussian's."""
    runs, seed = checked(plan, runs, neighbour, seed, trainer)
    mechanism, releases, rate = plan.part()
    if accountants.mu(((*pricing.priced(mechanism, rate), releases),)) is None:
        raise ValueError(f"plan must be Gaussian rounds with every client in each, got {mechanism!r} at a rate of {rate:g}")
    return runs, seed


def epsilon_of(mu, delta):
    """ε at δ of a Gaussian of this μ, 0 for μ = 0."""
    return float(gaussians.gaussian_epsilon(mu, delta)) if mu > 0 else 0.0


def _scores(name, values):
    values = checks.tensor(name, values, ("runs",), "double").detach().cpu().numpy()
    if len(values) < 20 or np.isnan(values).any():
        raise ValueError(f"{name} must be at least 20 scores (runs,) without NaN, got {int(np.isnan(values).sum())} NaN "
                         f"among {len(values)}")  # fmt: skip
    return values
