"""Measure ε instead of believing it: lower bounds with confidence, from repeated runs, many canaries in one, or `train`.

An attacker looks at an output and says whether the canary was in. How often he is right bounds ε from below, whatever the
program claims: (ε, δ)-privacy allows TPR ≤ e^ε·FPR + δ and no more. A bound above the claim refutes it; a bound below the
claim proves nothing but that this attacker, with this many runs, found nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from ..privacy import accounting, adaptive, mechanisms
from ..training.server import train
from . import _worlds
from ._scores import best_score
from .floating import naive_laplace, reachable
from .gaussian_audit import GaussianAudit, audit_through_mu, checked, through_mu
from .single_run import OneRunAudit, audit_one_run, one_run_through_mu, p_value_through_mu

__all__ = [
    "Audit", "GaussianAudit", "OneRunAudit", "audit", "audit_one_run", "audit_through_mu", "canary_scores", "naive_laplace",
    "one_run", "one_run_through_mu", "p_value", "p_value_through_mu", "reachable", "repeated", "through_mu",
]  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """The outcome of an audit.

    Attributes:
        lower: ε is at least this, with the confidence asked for; 0 where nothing was found.
        threshold: the attacker says "in" for scores above it (below it if `flipped`).
        flipped: whether small scores speak for the canary.
        fpr, tpr: the confidence bounds that enter: an upper one on the false-positive rate, a lower one on the true.
    """

    lower: float
    threshold: float
    flipped: bool
    fpr: float
    tpr: float


def repeated(without, present, delta=0.0, confidence=0.95):
    """Bound ε from below by independent runs without and with the canary.

    The threshold and its direction are chosen on every other run; the rates are measured on the rest, each by a
    Clopper–Pearson bound at half the error, so that both hold together with the confidence asked for.

    Args:
        without: scores of runs on the data set without the canary (runs,), at least 20; NaN is not allowed.
        present: scores of runs with it (runs,), at least 20.
        delta: δ of the claim, in [0, 1).
        confidence: probability that the bound holds, in (0, 1).

    Returns:
        An `Audit`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 16.
    Source: Jagielski, Ullman & Oprea 2020; Clopper & Pearson 1934; the region is Kairouz, Oh & Viswanath 2015.
    """
    delta = checks.real("delta", delta, at_least=0, below=1)
    confidence = checks.real("confidence", confidence, above=0, below=1)
    scores = []
    for name, values in (("without", without), ("present", present)):
        values = checks.tensor(name, values, ("runs",), "double").detach().cpu().numpy()
        if len(values) < 20 or np.isnan(values).any():
            words = f"{int(np.isnan(values).sum())} NaN among {len(values)}"
            raise ValueError(f"{name} must be at least 20 scores (runs,) without NaN, got {words}")
        scores.append(values)
    without, present = scores
    error = (1 - confidence) / 2
    candidates = []
    for sign in (1, -1):
        absent, there = np.sort(sign * without[::2]), np.sort(sign * present[::2])
        limits = np.unique(np.quantile(np.concatenate([absent, there]), np.linspace(0, 1, 400)))
        false = len(absent) - np.searchsorted(absent, limits, side="right")
        true = len(there) - np.searchsorted(there, limits, side="right")
        bounds = _bound(*_rates(false, len(absent), true, len(there), error), delta)
        place = int(np.argmax(bounds))
        candidates.append((bounds[place], limits[place], sign))
    _, limit, sign = max(candidates, key=lambda candidate: candidate[0])
    absent, there = sign * without[1::2] > limit, sign * present[1::2] > limit
    fpr, tpr = _rates(absent.sum(), len(absent), there.sum(), len(there), error)
    return Audit(float(_bound(fpr, tpr, delta)), float(sign * limit), sign < 0, float(fpr), float(tpr))


def audit(plan, runs=2000, neighbour="removed", confidence=0.95, seed=0, trainer=train):
    """Bound a plan's ε from below by what `train` itself releases, in two worlds that an adversary makes up.

    Clients are the adversary's own: their updates are known, but for the noise. In one world a client has no data
    (`Federation.without`), or other data; in the other it does what `neighbour` says. He looks at every round's theta and
    clip, under local noise at each report and all that an aggregator is handed with it, takes the score that tells the
    worlds apart best on one half of the runs, and bounds ε on the other (`repeated`). A bound above `plan.epsilon()` refutes
    the plan, or the package; for a true ε it lies above with a probability of 1 − `confidence` at most. For Gaussian noise a
    third of ε is a good find at 2,000 runs: `audit_through_mu` finds more, and says less.

    Args:
        plan: a `Plan` with a finite ε.
        runs: in each world, at least 60. Most plans take 250 scores from one run of `train`; adaptive clips, hidden
            sums and the last three neighbours take a run for each score (some 10 ms).
        neighbour: who stands in the second world in the place of nobody: "removed" (a client whose update is longer than any
            clip), "nan" and "long" (one whose gradient is not finite, or too long for its precision), "empty" (one whose
            records have no gradient); or "replaced", for local noise (one that pulls the other way, from more records).
            At record level it is one record, and their number is public.
        confidence: as in `repeated`.
        seed: of the worlds; runs have seeds of their own, unpredictable ones where the plan's is None.
        trainer: called in the place of `train`, as `trainer(model, federation, plan, callback=…, progress=False)`: for runs
            with workers, checkpoints or another kind of model.

    Returns:
        An `Audit`.

    Raises:
        TypeError, ValueError: an argument out of range; a plan without a finite ε, or a neighbour that it does not speak of.

    Derived in: notebook 16.
    Source: Jagielski, Ullman & Oprea 2020; Nasr et al. 2021 (the adversary's own data); Steinke, Nasr & Jagielski 2023
        (many canaries in one run).
    """
    confidence = checks.real("confidence", confidence, above=0, below=1)
    runs, seed = checked(plan, runs, neighbour, seed, trainer)
    without, present = _worlds.seen(plan, runs, neighbour, seed, trainer)
    judge = lambda one, other: repeated(one.repeat(2), other.repeat(2), plan.delta, 0.5).lower  # noqa: E731
    score = best_score(without[::2], present[::2], judge)  # the other runs are for `repeated` to measure on
    return repeated(score(without), score(present), plan.delta, confidence)


def one_run(correct, guesses, canaries, delta=0.0, confidence=0.95):
    """Bound ε from below by a single run with many canaries, each in or out by the toss of a fair coin.

    The attacker guesses for as many canaries as he likes. Under pure ε-privacy the number of right guesses is no larger
    than a binomial one with probability e^ε/(1 + e^ε) (stochastically); δ adds a term of its own.

    Args:
        correct: right guesses, 0 … guesses.
        guesses: guesses made, 1 … canaries.
        canaries: canaries tossed, at least 1.
        delta, confidence: as in `repeated`.

    Returns:
        The lower bound, a float; 0 where nothing was found.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 16.
    Source: Steinke, Nasr & Jagielski 2023, theorem 5.2 and appendix D.
    """
    canaries = checks.whole("canaries", canaries, at_least=1)
    guesses = checks.whole("guesses", guesses, at_least=1, at_most=canaries)
    correct = checks.whole("correct", correct, at_least=0, at_most=guesses)
    delta = checks.real("delta", delta, at_least=0, below=1)
    error = 1 - checks.real("confidence", confidence, above=0, below=1)
    if p_value(correct, guesses, canaries, 0.0, delta) > error:
        return 0.0
    low, high = 0.0, 1.0
    while p_value(correct, guesses, canaries, high, delta) <= error and high < 64:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if p_value(correct, guesses, canaries, middle, delta) <= error else (low, middle)
    return low


def p_value(correct, guesses, canaries, epsilon, delta=0.0):
    """Return the largest probability of at least so many right guesses under (ε, δ)-privacy; arguments as in `one_run`."""
    canaries = checks.whole("canaries", canaries, at_least=1)
    guesses = checks.whole("guesses", guesses, at_least=1, at_most=canaries)
    correct = checks.whole("correct", correct, at_least=0, at_most=guesses)
    epsilon = checks.real("epsilon", epsilon, at_least=0, infinite=True)
    delta = checks.real("delta", delta, at_least=0, below=1)
    from scipy import stats

    law = stats.binom(guesses, accounting.best_guess(epsilon))
    tail = float(law.sf(correct - 1))
    if not delta or not correct:
        return min(1.0, tail)
    below = np.cumsum(law.pmf(correct - np.arange(1, correct + 1)))  # of falling short by 1 … i guesses
    return min(1.0, tail + 2 * canaries * delta * float((below / np.arange(1, correct + 1)).max()))


def canary_scores(mechanism, runs, present, generator, clients=20):
    """Return what an attacker sees of one release along the canary's direction, many times over.

    The canary is the worst contribution that the unit allows: the clip, along one coordinate; for a client's own report,
    whose neighbours replace it, against minus the clip; for randomised response one category against another. An adaptive
    clip releases a count besides the sum; the score weighs both as the likelihood ratio does.

    Args:
        mechanism: any of `mechanisms`, or an `adaptive.AdaptiveGaussian`; its own clip and noise are called.
        runs: number of releases, at least 1.
        present: whether the canary is in.
        generator: draws the noise.
        clients: number of clients whose shares add up (`at="shares"`).

    Returns:
        Scores (runs,), float64.

    Derived in: notebook 16.
    """
    known = (mechanisms.Laplace, mechanisms.Gaussian, mechanisms.RandomisedResponse)
    checks.kind("mechanism", mechanism, known, "a Laplace, Gaussian or RandomisedResponse")
    runs, clients = checks.whole("runs", runs, at_least=1, at_most=2**40), checks.whole("clients", clients, at_least=1)
    present = checks.flag("present", present)
    checks.generator("generator", generator)
    if isinstance(mechanism, mechanisms.RandomisedResponse):
        answer = torch.full((runs,), int(present))
        return (mechanism.randomise(answer, generator) == 1).double().numpy()
    report = mechanism.at == "client" and mechanism.unit == "client"
    direction = 1.0 if present else -1.0 if report else 0.0
    huge = torch.full((1, 1), 1e6 * direction, dtype=torch.float64)
    value = float(mechanism.clip_rows(huge)[0])
    if isinstance(mechanism, adaptive.AdaptiveGaussian):
        of_sum = adaptive.Clipping(mechanism).mechanism  # what a round draws: the sum's noise, then the count's
        total = value + of_sum.noise((runs,), generator)
        count = -0.5 * present + mechanisms.gaussian_noise((runs,), mechanism.count_noise, generator)
        return (mechanism.clip * total / of_sum.std**2 - 0.5 * count / mechanism.count_noise**2).numpy()
    if mechanism.at == "shares":
        noise = mechanism.share_rows(clients, (runs,), clients, generator).sum(0)
    else:
        noise = mechanism.noise((runs,), generator)
    return (value + noise).numpy()


def _rates(false, absent, true, there, error):
    """Upper bound on the false-positive rate and lower bound on the true one (Clopper & Pearson)."""
    from scipy import stats

    fpr = np.where(false < absent, stats.beta.ppf(1 - error, false + 1, np.maximum(absent - false, 1)), 1.0)
    tpr = np.where(true > 0, stats.beta.ppf(error, np.maximum(true, 1), there - true + 1), 0.0)
    return fpr, tpr


def _bound(fpr, tpr, delta):
    """The ε that these rates need: TPR ≤ e^ε·FPR + δ, and the same for the complements."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.log(np.maximum(tpr - delta, 1e-300) / fpr)
        second = np.log(np.maximum(1 - fpr - delta, 1e-300) / (1 - tpr))
    return np.maximum(0.0, np.maximum(first, second))
