"""What a release costs and what a run costs in ε: dp_accounting's accountants behind one function, and a ledger.

Nothing here is an accountant of its own. A mechanism becomes a `dp_accounting` event; the event is composed over the rounds
by privacy loss distributions (`"pld"`, the tightest and the default), Rényi differential privacy (`"rdp"`), advanced or
basic composition. dp_accounting is imported when it is first needed.

Client-level reports (`at="client"`) are replace-one with sensitivity 2C. The noise is calibrated to that 2C, so that
the pair of output laws is the one dp_accounting calls add-or-remove for a sensitivity of 1. On L1-clipped vectors the
worst pair of neighbours differs in one coordinate (for log-concave noise, shifting one coordinate by s+t is exactly as
distinguishable as the chain of shifts by s and by t allows at most), so that the scalar Laplace law prices the vector.
"""

import math
from dataclasses import dataclass, field, replace

from .. import checks
from . import accountants, mechanisms

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
        method: "pld", "rdp", "advanced" (Dwork, Rothblum & Vadhan 2010) or "basic".
        sampler: "poisson"; "fixed" (a cohort of fixed size) has no accounting here below a rate of 1.

    Returns:
        ε, an upper bound; infinity where there is no noise, or no finite ε at this δ.

    Raises:
        TypeError, ValueError: an argument out of range, or a combination that has no valid accounting.

    Derived in: notebook 07.
    Source: Koskela, Jälkö & Honkela 2020 and Doroshenko et al. 2022 (PLD); Mironov 2017 (RDP); Dwork & Roth 2014,
        theorem 3.20 (advanced).
    """
    rounds = checks.whole("rounds", rounds, at_least=0)
    rate = checks.real("sampling_rate", sampling_rate, above=0, at_most=1)
    delta = checks.real("delta", delta, at_least=0, below=1)
    checks.one_of("method", method, METHODS)
    checks.one_of("sampler", sampler, SAMPLERS)
    if rate < 1 and sampler != "poisson":
        raise ValueError(f"sampler must be 'poisson' where sampling_rate < 1, got {sampler!r}: no accounting covers it here")
    _check_mechanism(mechanism)
    if mechanism is None or not mechanism.private:
        return math.inf if rounds else 0.0
    return accountants.epsilon(*_priced(mechanism, rate), rounds, delta, method)


def delta_of(mechanism, epsilon, rounds=1, sampling_rate=1.0):
    """Return the δ at which the run is (ε, δ)-differentially private, by PLD; arguments as in `epsilon`.

    Derived in: notebook 07. Source: Balle & Wang 2018 for one Gaussian.
    """
    checks.real("epsilon", epsilon, at_least=0)
    rounds = checks.whole("rounds", rounds, at_least=1)
    rate = checks.real("sampling_rate", sampling_rate, above=0, at_most=1)
    _check_mechanism(mechanism)
    if mechanism is None or not mechanism.private:
        return 1.0
    if isinstance(mechanism, mechanisms.Gaussian) and rate == 1:
        return accountants.gaussian_delta(mechanism.noise_multiplier / math.sqrt(rounds), epsilon)
    return float(accountants.accountant("pld", *_priced(mechanism, rate), rounds).get_delta(epsilon))


def calibrate(mechanism, epsilon, delta=1e-5, rounds=1, sampling_rate=1.0, clip=1.0, at="server", unit="client"):
    """Return the mechanism with the least noise whose run over all rounds costs at most (ε, δ), by PLD.

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
        TypeError, ValueError: an argument out of range.

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
    noise = accountants.calibrate(mechanism, target, delta, rounds, rate)
    return mechanisms.Laplace(1 / noise, clip, at, unit) if pure else mechanisms.Gaussian(noise, clip, at, unit)


def rounded_up(value, digits=3):
    """Return a positive number as text with so many digits that is never below it: an ε must not be told smaller."""
    if not 0 < value < math.inf:
        return f"{value:g}"
    step = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
    return f"{math.ceil(value / step - 1e-9) * step:.{digits}g}"


def best_guess(epsilon, delta=0.0):
    """Return how often the best attacker is right who guesses, at even odds, whether one unit's data are in the input.

    The bound holds for every (ε, δ)-private algorithm and every attacker: (e^ε + δ)/(1 + e^ε). It is attained by
    randomised response.

    Args:
        epsilon: at least 0; infinity is allowed.
        delta: in [0, 1).

    Returns:
        A probability in [0.5, 1].

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 02.
    Source: Wasserman & Zhou 2010; Kairouz, Oh & Viswanath 2015.
    """
    epsilon = checks.real("epsilon", epsilon, at_least=0, infinite=True)
    delta = checks.real("delta", delta, at_least=0, below=1)
    without = math.exp(-epsilon)  # no overflow for a large ε
    return (1 + delta * without) / (1 + without)


@dataclass
class Ledger:
    """The budget of one set of clients or records, spent entry by entry; the total is composed, not added.

    Args:
        delta: δ of the total, in (0, 1).

    `print(ledger)` is a table. Entries must share one adjacency: an ε for adding a client, one for replacing a client's
    data and one for a record are different promises and do not compose.

    Derived in: notebook 07.
    """

    delta: float = 1e-5
    entries: list = field(default_factory=list)

    def __post_init__(self):
        checks.real("delta", self.delta, above=0, below=1)

    def spend(self, mechanism, rounds=1, sampling_rate=1.0, note=""):
        """Write down a mechanism used for a number of rounds; arguments as in `epsilon`. Returns the ledger."""
        alone = epsilon(mechanism, rounds, sampling_rate, self.delta)
        relations = {m.adjacency for m in [*(entry[0] for entry in self.entries), mechanism] if m is not None}
        if len(relations) > 1:
            raise ValueError(f"mechanism must have the ledger's adjacency; got {' and '.join(sorted(relations))}")
        if rounds:
            self.entries.append((mechanism, rounds, sampling_rate, note, alone))
        return self

    @property
    def epsilon(self):
        """Total ε of all entries at the ledger's δ, by PLD."""
        return self._total(len(self.entries))

    def _total(self, count):
        merged = {}
        for mechanism, rounds, rate, _, alone in self.entries[:count]:
            if math.isinf(alone):
                return math.inf
            key = _priced(mechanism, rate)
            merged[key] = merged.get(key, 0) + rounds
        if not merged:
            return 0.0
        if len(merged) == 1:
            ((mechanism, rate), rounds) = next(iter(merged.items()))
            return accountants.epsilon(mechanism, rate, rounds, self.delta, "pld")
        return accountants.composed(tuple((*priced, rounds) for priced, rounds in merged.items()), self.delta)

    def __str__(self):
        head = f"{'mechanism':<34}{'rounds':>7}{'rate':>7}{'ε alone':>10}{'ε so far':>10}  note"
        lines = [head, "-" * len(head)]
        for count, (mechanism, rounds, rate, note, alone) in enumerate(self.entries, 1):
            name = "none" if mechanism is None else _name(mechanism)
            lines.append(f"{name:<34}{rounds:>7}{rate:>7.2f}{alone:>10.3f}{self._total(count):>10.3f}  {note}")
        unit = next((m.adjacency for m, *_ in self.entries if m is not None), "–")
        return "\n".join([*lines, f"total ε = {self.epsilon:.3f} at δ = {self.delta:g}; neighbours: {unit}"])


def _name(mechanism):
    if isinstance(mechanism, mechanisms.Gaussian):
        return f"Gaussian σ={mechanism.noise_multiplier:.4g} at {mechanism.at}"
    return f"{type(mechanism).__name__} ε₁={mechanism.epsilon:.4g} at {mechanism.at}"


def _priced(mechanism, rate):
    """The mechanism and the rate as they are priced: whatever the clip, and without amplification where reports are seen."""
    if mechanism.at == "client" and mechanism.unit == "client":
        rate = 1.0
    if not isinstance(mechanism, mechanisms.RandomisedResponse):
        mechanism = replace(mechanism, clip=1.0, at="server", unit="client")
    return mechanism, rate


def _check_mechanism(mechanism):
    known = (mechanisms.Laplace, mechanisms.Gaussian, mechanisms.RandomisedResponse, type(None))
    if not isinstance(mechanism, known):
        given = f"{mechanism!r} ({type(mechanism).__name__})"
        raise TypeError(f"mechanism must be a Laplace, Gaussian or RandomisedResponse, or None; got {given}")
