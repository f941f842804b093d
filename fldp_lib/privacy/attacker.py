"""What an attacker can do who has seen everything that a run released, and wants to know whether one unit was in.

(ε, δ) bounds this for every mechanism at once. Here it is computed for the run itself, from the law of its privacy loss:
of Gaussian rounds in which everybody takes part exactly, else from above on a fine grid, so that no attacker does better.
The attacker knows everything but the one bit: all other clients' data, the unit's data, every model, the mechanism.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from .. import checks
from . import accountants, pricing

FALSE_RATE = 0.01


@dataclass(frozen=True)
class Attacker:
    """How well one unit's presence can be told from everything that a run releases; all are upper bounds, to 0.1%.

    Args:
        even_odds: how often a guess is right where a fair coin decides whether the unit is in, in [0.5, 1]:
            (1 + δ(0))/2, with δ(0) the total variation between the outputs with the unit and without.
        tpr: share of members that can be found, in [0, 1], by a test that calls `fpr` of the others members too.
        fpr: that share, in (0, 1).
        mu: μ of Gaussian differential privacy: telling N(0, 1) from N(μ, 1) is exactly as hard. None where the run is no
            Gaussian, 0 for no rounds.
        bound: what (ε, δ) alone says of `even_odds`: true of every mechanism with that ε at this δ, reached by hardly any.
        people: right guesses to expect out of a hundred people at even odds, to the nearest.

    Derived in: notebook 14.
    Source: Dong, Roth & Su 2022 (trade-off, μ); Gomez et al. 2025, arXiv 2503.10945 (what to report); Kairouz, Oh &
        Viswanath 2015 (bound).
    """

    even_odds: float
    tpr: float
    fpr: float
    mu: float | None
    bound: float
    people: int

    def said(self, unit="client"):
        """Return what such an attacker can do in a clause, for a sentence beside an ε.

        Args:
            unit: whose presence is guessed, such as "client", "patient" or "driver".
        """
        checks.text("unit", unit, some=True)
        return (
            f"who guesses at even odds whether a {unit} was in is right for about {self.people} of 100 (at most "
            f"{_up(self.even_odds)}; the bound over all mechanisms with this (ε, δ) is {_up(self.bound)}) and finds at most "
            f"{_percent(self.tpr)} of the members at {self.fpr:.0%} false alarms"
        )

    def __str__(self):
        same = "" if self.mu is None else f" (as hard as N(0, 1) against N({self.mu:.3g}, 1))"
        return (
            f"Who guesses at even odds whether a client was in is right at most {_up(self.even_odds)} of the time{same}, "
            f"for {self.people} of a hundred people; at {self.fpr:.0%} false alarms at most {_up(self.tpr)} of the members "
            f"are found; (ε, δ) alone would allow {_up(self.bound)} at even odds."
        )


def of(mechanism, rounds=1, sampling_rate=1.0, delta=1e-5):
    """Return what an attacker can do against a run of one mechanism; arguments as in `accounting.epsilon`.

    Args:
        mechanism: a Laplace, Gaussian, AdaptiveGaussian or RandomisedResponse; None or one without noise hides nothing.
        rounds: number of releases, at least 0.
        sampling_rate: as in `accounting.epsilon`, in (0, 1].
        delta: δ of the bound alone, in [0, 1); the rest needs none.

    Returns:
        An `Attacker`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 14.
    """
    rounds, rate, delta = pricing.terms(mechanism, rounds, sampling_rate, delta)
    if mechanism is None or not mechanism.private:
        return of_parts(None if rounds else (), delta)
    return of_parts(((*pricing.priced(mechanism, rate), rounds),) if rounds else (), delta)


def of_parts(parts, delta=1e-5):
    """Return the same for a run of several parts, as `Ledger.parts` has them.

    Args:
        parts: a tuple of (mechanism, rate, rounds); empty for nothing released, None for a run without noise.
        delta: as in `of`.

    Returns:
        An `Attacker`.

    Raises:
        TypeError, ValueError: δ out of range.
    """
    delta = checks.real("delta", delta, at_least=0, below=1)
    if parts is None:
        return Attacker(1.0, 1.0, FALSE_RATE, None, 1.0, 100)
    if not parts:
        return Attacker(0.5, FALSE_RATE, FALSE_RATE, 0.0, pricing.best_guess(0.0, delta), 50)
    mu = accountants.mu(parts)
    even, power = _gaussian(mu) if mu is not None else _numeric(parts)
    bound = pricing.best_guess(accountants.tightest(parts, delta)[0], delta)
    return Attacker(even, power, FALSE_RATE, mu, bound, round(100 * even))


def _gaussian(mu):
    normal = NormalDist()
    return normal.cdf(mu / 2), normal.cdf(normal.inv_cdf(FALSE_RATE) + mu)


def _numeric(parts, size=None):
    """Even odds and power by the composed loss: the worse of the unit in and the unit out; `size` as in `Composed`."""
    from . import losses

    even = power = 0.0
    for add in accountants.directions(parts):
        law = losses.Composed(accountants.merged(parts), add, epsilon=0.0, size=size)
        even, power = max(even, (1 + law.delta(0.0)) / 2), max(power, law.power(FALSE_RATE))
    return even, power


def _up(share):
    """A share as text with three decimals, never told smaller than it is."""
    return f"{_raised(share):.3f}"


def _percent(share):
    """The same in per cent, with one decimal."""
    return f"{_raised(share):.1%}"


def _raised(share):
    return math.ceil(1000 * share - 1e-6) / 1000
