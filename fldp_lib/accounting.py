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
from dataclasses import dataclass, field
from functools import cache, lru_cache

from . import checks, mechanisms

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
    if mechanism is None or not mechanism.private:
        return math.inf if rounds else 0.0
    if not isinstance(mechanism, (mechanisms.Laplace, mechanisms.Gaussian, mechanisms.RandomisedResponse)):
        raise TypeError(f"mechanism must be a Laplace, Gaussian or RandomisedResponse, got {type(mechanism).__name__}")
    if mechanism.at == "client" and mechanism.unit == "client":
        rate = 1.0
    return _epsilon(mechanism, rounds, rate, delta, method)


def delta_of(mechanism, epsilon, rounds=1, sampling_rate=1.0):
    """Return the δ at which the run is (ε, δ)-differentially private, by PLD; arguments as in `epsilon`.

    Derived in: notebook 07. Source: Balle & Wang 2018 for one Gaussian.
    """
    checks.real("epsilon", epsilon, at_least=0)
    rounds = checks.whole("rounds", rounds, at_least=1)
    rate = checks.real("sampling_rate", sampling_rate, above=0, at_most=1)
    if isinstance(mechanism, mechanisms.Gaussian) and mechanism.private and rate == 1:
        return _gaussian_delta(mechanism.noise_multiplier / math.sqrt(rounds), epsilon)
    if mechanism.at == "client" and mechanism.unit == "client":
        rate = 1.0
    return _accountant("pld", mechanism, rounds, rate).get_delta(epsilon)


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
    noise = _calibrate(mechanism, target, delta, rounds, rate)
    return mechanisms.Laplace(1 / noise, clip, at, unit) if pure else mechanisms.Gaussian(noise, clip, at, unit)


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
            key = (mechanism, 1.0 if mechanism.at == "client" and mechanism.unit == "client" else rate)
            merged[key] = merged.get(key, 0) + rounds
        if not merged:
            return 0.0
        if len(merged) == 1:
            ((mechanism, rate), rounds) = next(iter(merged.items()))
            return epsilon(mechanism, rounds, rate, self.delta)
        return _composed(tuple((m, rounds, rate) for (m, rate), rounds in merged.items()), self.delta)

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


@lru_cache(maxsize=4096)
def _epsilon(mechanism, rounds, rate, delta, method):
    if rounds == 0:
        return 0.0
    gaussian = isinstance(mechanism, mechanisms.Gaussian)
    if delta == 0:
        if gaussian:
            return math.inf
        return rounds * math.log1p(rate * math.expm1(min(mechanism.epsilon, 700.0)))
    if method in ("pld", "rdp"):
        if method == "pld" and gaussian and rate == 1:
            return _gaussian_epsilon(mechanism.noise_multiplier / math.sqrt(rounds), delta)
        return float(_accountant(method, mechanism, rounds, rate).get_epsilon(delta))
    if method == "basic":
        return rounds * _one_round(mechanism, rate, delta / rounds)
    each = _one_round(mechanism, rate, delta / (2 * rounds))  # half of δ for the composition, half for the rounds
    slack = delta / 2 if gaussian else delta
    return math.sqrt(2 * rounds * math.log(1 / slack)) * each + rounds * each * math.expm1(min(each, 700.0))


def _one_round(mechanism, rate, delta):
    """ε of one release: pure for Laplace and randomised response, at the given δ for Gaussian."""
    if isinstance(mechanism, mechanisms.Gaussian):
        return _epsilon(mechanism, 1, rate, delta, "pld")
    return _epsilon(mechanism, 1, rate, 0.0, "basic")


def _event(mechanism, rate):
    import dp_accounting

    if isinstance(mechanism, mechanisms.RandomisedResponse):
        lie = (1 - mechanism.keep) * mechanism.categories / (mechanism.categories - 1)  # as a uniform redraw
        return dp_accounting.RandomizedResponseDpEvent(lie, mechanism.categories)
    if isinstance(mechanism, mechanisms.Gaussian):
        event = dp_accounting.GaussianDpEvent(mechanism.noise_multiplier)
    else:
        event = dp_accounting.LaplaceDpEvent(1 / mechanism.epsilon)
    return event if rate == 1 else dp_accounting.PoissonSampledDpEvent(rate, event)


def _accountant(method, mechanism, rounds, rate, interval=None):
    """A dp_accounting accountant that has composed the run."""
    import dp_accounting

    relation = dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
    if isinstance(mechanism, mechanisms.RandomisedResponse):
        relation = dp_accounting.NeighboringRelation.REPLACE_ONE
    if method == "rdp":
        accountant = dp_accounting.rdp.RdpAccountant(neighboring_relation=relation)
        if rate < 1 and isinstance(mechanism, mechanisms.Laplace):
            raise ValueError("method must be 'pld' for a sampled Laplace mechanism, got 'rdp': dp_accounting has none")
    else:
        interval = interval or 1e-4 * max(1.0, _rough_loss(mechanism, rounds) / 200)
        accountant = dp_accounting.pld.PLDAccountant(relation, value_discretization_interval=interval)
    return accountant.compose(_event(mechanism, rate), rounds)


def _rough_loss(mechanism, rounds):
    """How wide the composed privacy loss can get; beyond 200 a coarser grid (still an upper bound) saves memory."""
    if isinstance(mechanism, mechanisms.Gaussian):
        return rounds / (2 * mechanism.noise_multiplier**2) + 10 * math.sqrt(rounds) / mechanism.noise_multiplier
    return rounds * mechanism.epsilon


@cache
def _gaussian_loss(sigma):
    from dp_accounting.pld import privacy_loss_mechanism

    return privacy_loss_mechanism.GaussianPrivacyLoss(sigma)


def _gaussian_delta(sigma, epsilon):
    return float(_gaussian_loss(sigma).get_delta_for_epsilon(epsilon))


def _gaussian_epsilon(sigma, delta):
    """ε of one Gaussian at δ: dp_accounting's exact δ(ε), inverted. k rounds are one Gaussian of deviation σ/√k."""
    from scipy.optimize import brentq

    if _gaussian_delta(sigma, 0.0) <= delta:
        return 0.0
    high = 1.0
    while _gaussian_delta(sigma, high) > delta:
        high *= 2
    return brentq(lambda e: _gaussian_delta(sigma, e) - delta, 0.0, high, xtol=1e-10)


@lru_cache(maxsize=4096)
def _calibrate(mechanism, target, delta, rounds, rate):
    """The least noise (σ, or 1/ε of one round) that meets the target, to 0.1% of ε from below."""
    from scipy.optimize import brentq

    if mechanism == "gaussian" and rate == 1:
        sigma = brentq(lambda s: _gaussian_delta(math.exp(s), target) / delta - 1, -15, 25, xtol=1e-9)
        return math.exp(sigma + 2e-9) * math.sqrt(rounds)
    if delta == 0:
        return 1 / math.log1p(math.expm1(target / rounds) / rate)

    @cache
    def spent(log_noise):
        noise = math.exp(log_noise)
        built = mechanisms.Laplace(1 / noise, 1.0) if mechanism == "laplace" else mechanisms.Gaussian(noise, 1.0)
        # A grid of 1/2000 of ε, never finer than dp_accounting's default: an upper bound, and quick.
        return _accountant("pld", built, rounds, rate, max(1e-4, target / 2000)).get_epsilon(delta)

    high = math.log(math.sqrt(rounds) / target + 1)  # noise to start from; doubled until it is enough
    while spent(high) > target:
        high += math.log(2)
    low = high - math.log(2)
    while spent(low) <= target:
        high, low = low, low - math.log(2)
    while target - spent(high) > 1e-3 * target:
        middle = low + (high - low) * (spent(low) - target) / (spent(low) - spent(high))
        middle = min(max(middle, low + 0.05 * (high - low)), low + 0.95 * (high - low))
        low, high = (low, middle) if spent(middle) <= target else (middle, high)
    return math.exp(high)


@lru_cache(maxsize=1024)
def _composed(parts, delta):
    """ε of several mechanisms on the same units, by one PLD."""
    import dp_accounting

    relation = dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
    if isinstance(parts[0][0], mechanisms.RandomisedResponse):
        relation = dp_accounting.NeighboringRelation.REPLACE_ONE
    width = sum(_rough_loss(m, rounds) for m, rounds, _ in parts)
    accountant = dp_accounting.pld.PLDAccountant(relation, value_discretization_interval=1e-4 * max(1.0, width / 200))
    for mechanism, rounds, rate in parts:
        accountant.compose(_event(mechanism, rate), rounds)
    return float(accountant.get_epsilon(delta))
