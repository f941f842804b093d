"""What a release costs and what a run costs in ε: the accountants behind one function, and a ledger.

A run is priced by its composed privacy loss (`"pld"`, the tightest and the default): exactly where rounds are Gaussian and
everybody takes part; else by dp_accounting's privacy loss distributions; where those are unsound or slow (δ near their
rounding errors, thousands of rounds, wide losses, whole curves) from above by `losses`, which the tests hold to them. Or by
dp_accounting's Rényi differential privacy (`"rdp"`), by advanced or by basic composition. scipy, dp_accounting and `losses`
are imported when they are first needed.

Client-level reports (`at="client"`) are replace-one with sensitivity 2C. The noise is calibrated to that 2C, so that
the pair of output laws is that of add-or-remove for a sensitivity of 1. On L1-clipped vectors the
worst pair of neighbours differs in one coordinate (for log-concave noise, shifting one coordinate by s+t is exactly as
distinguishable as the chain of shifts by s and by t allows at most), so that the scalar Laplace law prices the vector.
"""

import math

from .. import checks
from . import accountants, calibration, mechanisms, pricing
from .ledger import Ledger
from .pricing import best_guess, rounded_up

__all__ = [
    "METHODS", "SAMPLERS", "Ledger", "best_guess", "calibrate", "curve", "delta_of", "epsilon", "rounded_up", "tightest",
]  # fmt: skip

METHODS = ("pld", "rdp", "advanced", "basic")
SAMPLERS = ("poisson", "fixed")


def epsilon(mechanism, rounds=1, sampling_rate=1.0, delta=1e-5, method="pld", sampler="poisson"):
    """Return the total ε of a mechanism used in every round on the same clients or records.

    Args:
        mechanism: a Laplace, Gaussian or RandomisedResponse; None (no privacy) costs infinity.
        rounds: number of releases, at least 0. For record-level DP: rounds × local steps.
        sampling_rate: probability in (0, 1] that a unit takes part in a round (Poisson). It amplifies only where the
            cohort stays hidden: a client's own report (`at="client"`, `unit="client"`) is priced as if it were sent in
            every round. For record-level DP it is the rate of the mini-batches.
        delta: δ in [0, 1); with δ = 0 pure ε, which only Laplace and randomised response have.
        method: "pld", "rdp", "advanced" (Dwork, Rothblum & Vadhan 2010) or "basic". "pld" takes the least bound that is
            valid: where the composed loss gives no finite ε, or less than the others, theirs; `tightest` says whose.
        sampler: "poisson"; "fixed" (a cohort of fixed size) has no accounting here below a rate of 1.

    Returns:
        ε, an upper bound; infinity where there is no noise, or no finite ε at this δ.

    Raises:
        TypeError, ValueError: an argument out of range, or a combination that has no valid accounting.

    Derived in: notebook 07.
    Source: Koskela, Jälkö & Honkela 2020 and Doroshenko et al. 2022 (PLD); Mironov 2017 (RDP); Dwork & Roth 2014,
        theorem 3.20 (advanced).
    """
    rounds, rate, delta = pricing.terms(mechanism, rounds, sampling_rate, delta)
    checks.one_of("method", method, METHODS)
    checks.one_of("sampler", sampler, SAMPLERS)
    if rate < 1 and sampler != "poisson":
        raise ValueError(f"sampler must be 'poisson' where sampling_rate < 1, got {sampler!r}: no accounting covers it here")
    if mechanism is None or not mechanism.private:
        return math.inf if rounds else 0.0
    priced, rate = pricing.priced(mechanism, rate)
    if method == "rdp" and not accountants.has_rdp(((priced, rate, rounds),)):
        raise ValueError("method must be 'pld' for a sampled Laplace mechanism, got 'rdp': dp_accounting has none")
    return accountants.epsilon(priced, rate, rounds, delta, method)


def tightest(mechanism, rounds=1, sampling_rate=1.0, delta=1e-5):
    """Return ε as `epsilon` has it by default, and which bound gave it; arguments as there.

    Returns:
        ε, and "pld" (composed privacy loss), "rdp" or "basic" (pure ε, added up); "none" for a run without noise or rounds.

    Raises:
        TypeError, ValueError: as `epsilon`.

    Derived in: notebook 07.
    """
    rounds, rate, delta = pricing.terms(mechanism, rounds, sampling_rate, delta)
    if rounds == 0 or mechanism is None or not mechanism.private:
        return (math.inf if rounds else 0.0), "none"
    return accountants.tightest(((*pricing.priced(mechanism, rate), rounds),), delta)


def curve(mechanism, rounds, sampling_rate=1.0, delta=1e-5):
    """Return the ε spent after each round, for one set-up of all of them.

    Every value is an upper bound. Of up to 128 rounds each is computed, from one window for t and down to 0.6·t rounds;
    of more, the first 32 and 65 of the others, at equal ratios: the rounds between carry the value of the next one
    computed, which is never too small. Gaussian rounds in which everybody takes part are exact for every t.

    Args:
        mechanism, sampling_rate, delta: as in `epsilon`.
        rounds: number of releases, at least 0.

    Returns:
        An array (rounds,), ascending; the last is `epsilon`'s, and nobody may write to it.

    Raises:
        TypeError, ValueError: as `epsilon`.

    Derived in: notebook 07.
    """
    import numpy as np

    rounds, rate, delta = pricing.terms(mechanism, rounds, sampling_rate, delta)
    if rounds == 0 or mechanism is None or not mechanism.private:
        return np.full(rounds, math.inf)
    return accountants.curve(*pricing.priced(mechanism, rate), rounds, delta)


def delta_of(mechanism, epsilon, rounds=1, sampling_rate=1.0):
    """Return the δ at which the run is (ε, δ)-differentially private, by the composed loss; arguments as in `epsilon`.

    Derived in: notebook 07. Source: Balle & Wang 2018 for one Gaussian.
    """
    epsilon = checks.real("epsilon", epsilon, at_least=0)
    rounds, rate, _ = pricing.terms(mechanism, rounds, sampling_rate, 0.0, least=1)
    if mechanism is None or not mechanism.private:
        return 1.0
    return accountants.composed_delta(((*pricing.priced(mechanism, rate), rounds),), epsilon)


def calibrate(mechanism, epsilon, delta=1e-5, rounds=1, sampling_rate=1.0, clip=1.0, at="server", unit="client"):
    """Return the mechanism with the least noise whose run over all rounds costs at most (ε, δ).

    Args:
        mechanism: "laplace" or "gaussian".
        epsilon: total ε over all rounds, positive; infinity gives a mechanism without noise.
        delta: total δ, in (0, 1); 0 is allowed for Laplace.
        rounds: number of releases, at least 1. For record-level DP: rounds × local steps.
        sampling_rate: as in `epsilon`.
        clip, at, unit: as in the mechanism.

    Returns:
        A `mechanisms.Laplace` or `mechanisms.Gaussian`; `epsilon(...)` of it lies at most 0.1% below the target.

    Raises:
        TypeError, ValueError: an argument out of range; a δ that every run has, even one without noise: of Poisson samples
            that is 1−(1−q)^T, the chance that a unit takes part at all.

    Derived in: notebook 07.
    """
    checks.one_of("mechanism", mechanism, ("laplace", "gaussian"))
    target = checks.real("epsilon", epsilon, above=0, infinite=True)
    pure = mechanism == "laplace"
    delta = checks.real("delta", delta, at_least=0 if pure else None, above=None if pure else 0, below=1)
    rounds = checks.whole("rounds", rounds, at_least=1)
    rate = checks.real("sampling_rate", sampling_rate, above=0, at_most=1)
    if pure:
        build = mechanisms.Laplace(1.0, clip, at, unit)
    else:
        build = mechanisms.Gaussian(1.0, clip, at, unit)
    if math.isinf(target):
        return mechanisms.Laplace(math.inf, clip, at, unit) if pure else mechanisms.Gaussian(0.0, clip, at, unit)
    if build.at == "client" and build.unit == "client":
        rate = 1.0
    part = -math.expm1(rounds * math.log1p(-rate)) if rate < 1 else 1.0
    if delta >= part:
        raise ValueError(
            f"delta must be less than the chance that a unit takes part at all, {part:.3g} (1−(1−sampling_rate)^rounds): "
            f"at that δ a run without any noise has every epsilon; got {delta!r}"
        )
    noise = calibration.calibrate(mechanism, target, delta, rounds, rate)
    return mechanisms.Laplace(1 / noise, clip, at, unit) if pure else mechanisms.Gaussian(noise, clip, at, unit)
