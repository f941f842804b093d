"""`Plan`: what a run is. The one object that is trained, priced, audited, checkpointed and deployed."""

import json
import math
import warnings
from dataclasses import dataclass, fields, replace

import numpy as np

from .. import checks
from ..privacy import accounting, attacker, correlated, participation
from . import _calibrated, _terms, aggregation, algorithms
from ._json import said, understood
from .algorithms import FedAvg, FedProx, FedSGD, ServerSGD

SHORT = ("local_steps", "proximal", "server_lr")  # how `train`'s short form says `local` and `server`


@dataclass(frozen=True)
class Plan:
    """Every term that decides about a run's result or its guarantee.

    Args:
        rounds: at least 1; what is priced, whether or not all of them run.
        lr: local step size, positive.
        mechanism: a `mechanisms.Laplace` or `Gaussian`, or an `adaptive.AdaptiveGaussian`: one release a round
            (`unit="record"`: one a local step); or a `correlated.Correlated`: one release a run. None: no privacy.
        sampling_rate: probability that a client takes part in a round, in (0, 1].
        sampler: "poisson" (each client by its own coin; the cohort may be empty), "cyclic" (1/sampling_rate public groups
            take turns, no secret) or "fixed" (a cohort of fixed size, only without noise: no accounting here covers it).
        local: how a client steps, from `algorithms`: `FedSGD()`, `FedAvg(steps=5)`, `FedProx`, `Scaffold`, `FedPer`.
        server: how the server steps, from `algorithms`: `ServerSGD(lr=1.0)`, `FedAvgM`, `FedAdam`, `FedYogi`, `FedAdagrad`.
        batch_rate: probability that a local step uses a record, in (0, 1].
        aggregator: from `aggregation`, or a function of updates (cohort × parameters) and sizes (cohort,).
        compressor: from `compression`, how updates are encoded; None sends plain floats.
        loss: maps outputs (clients × samples × out) and targets (clients × samples) to losses (clients × samples);
            None takes cross-entropy, logistic or squared loss by the task.
        delta: δ of the total, in (0, 1).
        seed: of cohorts, mini-batches, noise and messages, each with a stream of its own. Whoever knows it can subtract
            the noise: a real release must draw from an unpredictable source. None takes the operating system's entropy.

    Raises:
        TypeError, ValueError: an argument out of range, or a combination without a meaning or a valid accounting.

    Derived in: notebook 05; priced in notebook 07.
    Source: McMahan et al. 2017; McMahan, Ramage, Talwar & Zhang 2018.
    """

    rounds: int
    lr: float = 0.1
    mechanism: object = None
    sampling_rate: float = 1.0
    sampler: str = "poisson"
    local: object = FedSGD()
    server: object = ServerSGD()
    batch_rate: float = 1.0
    aggregator: object = aggregation.mean
    compressor: object = None
    loss: object = None
    delta: float = 1e-5
    seed: int | None = 0

    def __post_init__(self):
        found = {
            "rounds": checks.whole("rounds", self.rounds, at_least=1),
            "lr": checks.real("lr", self.lr, above=0),
            "sampling_rate": checks.real("sampling_rate", self.sampling_rate, above=0, at_most=1),
            "batch_rate": checks.real("batch_rate", self.batch_rate, above=0, at_most=1),
            "delta": checks.real("delta", self.delta, above=0, below=1),
            "seed": None if self.seed is None else checks.whole("seed", self.seed, at_least=0),
        }
        for name, value in found.items():  # Python's own numbers, whatever type they came in
            object.__setattr__(self, name, value)
        for name, kinds in (("local", algorithms.LOCAL), ("server", algorithms.SERVER)):
            if not isinstance(getattr(self, name), kinds):
                known = ", ".join(kind.__name__ for kind in kinds)
                raise TypeError(f"{name} must be one of {known} from algorithms, got {getattr(self, name)!r}")
        if self.loss is not None and not callable(self.loss):
            raise TypeError(f"loss must be callable, or None; got {self.loss!r} ({type(self.loss).__name__})")
        _terms.check_plan(self)

    @classmethod
    def of(cls, **settings):
        """Return the plan that `train`'s short form means: `local_steps`, `proximal` and `server_lr` besides Plan's names.

        Raises:
            TypeError: an unknown name, or a short name beside the long one that it stands for.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in settings if name not in (*known, *SHORT)]
        if unknown:
            raise TypeError(f"settings must be of {', '.join((*known, *SHORT))}; got {', '.join(unknown)}")
        if "rounds" not in settings:
            raise TypeError("rounds must be given, by a plan or by itself; got neither")
        short = {name: settings.pop(name) for name in SHORT if name in settings}
        if ("local" in settings and short.keys() & {"local_steps", "proximal"}) or (
            "server" in settings and "server_lr" in short
        ):
            raise TypeError(f"{', '.join(short)} must not be given beside local or server, which they stand for; got both")
        steps = checks.whole("local_steps", short.get("local_steps", 1), at_least=1)
        mu = checks.real("proximal", short.get("proximal", 0.0), at_least=0)
        if "local" not in settings:
            settings["local"] = FedProx(steps, mu) if mu else FedAvg(steps) if steps > 1 else FedSGD()
        if "server_lr" in short:
            settings["server"] = ServerSGD(checks.real("server_lr", short["server_lr"], above=0))
        return cls(**settings)

    def changed(self, **settings):
        """Return this plan with other terms, by name as in `of`."""
        if "local_steps" in settings and "proximal" not in settings and self.local.remembers:  # stays what it is
            settings["local"] = replace(self.local, steps=settings.pop("local_steps"))
        if "server_lr" in settings and not isinstance(self.server, ServerSGD):
            settings["server"] = replace(self.server, lr=settings.pop("server_lr"))
        if "local_steps" in settings or "proximal" in settings:
            settings = {"local_steps": self.local.steps, "proximal": getattr(self.local, "mu", 0.0)} | settings
        terms = {field.name: getattr(self, field.name) for field in fields(self)}
        for short, long in zip(SHORT, ("local", "local", "server"), strict=True):
            if short in settings:
                terms.pop(long, None)
        return Plan.of(**terms | settings)

    @property
    def private(self):
        """Whether any noise is added."""
        return self.mechanism is not None and self.mechanism.private

    @property
    def reason(self):
        """Why there is no finite ε; empty where there is one."""
        if self.mechanism is None:
            return "there is no mechanism"
        if not self.mechanism.private:
            return "no noise is added"
        if self.mechanism.at == "server" and not (_terms.is_sum(self.aggregator)):
            return f"the noise is calibrated to a clipped sum, and {self.aggregator!r} is not one"
        return ""

    @property
    def per_record(self):
        """The mechanism where it protects a record inside a client, else None."""
        return self.mechanism if self.mechanism is not None and self.mechanism.unit == "record" else None

    @property
    def releases(self):
        """What the accountant counts in a round: 1, or the local steps under record-level DP."""
        return self.local.steps if self.per_record else 1

    @property
    def rate(self):
        """The sampling rate that amplifies: of clients by coins, or of the mini-batches under record-level DP."""
        return self.batch_rate if self.per_record else 1.0 if self.sampler == "cyclic" else self.sampling_rate

    @property
    def groups(self):
        """In how many groups clients take turns (`sampler="cyclic"`), each in every so many-th round; else 1."""
        return round(1 / self.sampling_rate) if self.sampler == "cyclic" else 1

    @property
    def correlated(self):
        """The mechanism where its noise is correlated over the rounds, else None."""
        return self.mechanism if isinstance(self.mechanism, correlated.Correlated) else None

    def part(self, rounds=None):
        """Return (mechanism, releases, rate) of so many rounds, None for all: what one client's accountant composes."""
        rounds = self._rounds(rounds)
        if self.correlated and not self.reason:
            planned = self.mechanism.event(self.rounds, self.groups, max(rounds, 1))  # one Gaussian
            return planned, min(rounds, 1), 1.0
        return self.mechanism, participation.turns(rounds, self.groups) * self.releases, self.rate

    def epsilon(self, rounds=None, method="pld"):
        """Return the total ε.

        Args:
            rounds: of the first so many rounds, at least 0; None prices all.
            method: as in `accounting.epsilon`.
        """
        mechanism, releases, rate = self.part(rounds)
        if self.reason:
            return math.inf if releases else 0.0
        return accounting.epsilon(mechanism, releases, rate, self.delta, method)

    def curve(self, rounds=None):
        """Return the total ε after each of so many rounds (rounds,), None for all."""
        (mechanism, releases, rate), after = self.part(rounds), np.arange(1, self._rounds(rounds) + 1)
        if self.reason:
            return np.full(len(after), math.inf)
        if self.correlated:
            return self.correlated.curve(self.rounds, self.groups, self.delta)[: len(after)]
        return accounting.curve(mechanism, releases, rate, self.delta)[-(-after // self.groups) * self.releases - 1]

    def attacker(self, rounds=None):
        """Return what the best attacker on these very rounds can do, an `attacker.Attacker`; arguments as in `epsilon`."""
        mechanism, releases, rate = self.part(rounds)
        return attacker.of(None if self.reason else mechanism, releases, rate, self.delta)

    def ledger(self, note=""):
        """Return a new `accounting.Ledger` with this run as its entry, to which other releases may be added."""
        mechanism, releases, rate = self.part()
        return accounting.Ledger(self.delta).spend(None if self.reason else mechanism, releases, rate, note)

    def calibrated(self, epsilon, delta=None, mechanism=None, clip=None, at=None, unit=None):
        """Return this plan with the least noise that keeps all its rounds within (ε, δ).

        Args:
            epsilon: total ε over all rounds, positive.
            delta: total δ; None keeps the plan's.
            mechanism: "gaussian" or "laplace"; None keeps the plan's kind, Gaussian where it has none.
            clip, at, unit: as in the mechanism; None keeps the plan's, or 1.0, "server" and "client".

        Raises:
            TypeError, ValueError: an argument out of range.

        Derived in: notebook 07.
        """
        plan = self if delta is None else replace(self, delta=checks.real("delta", delta, above=0, below=1))
        return replace(plan, mechanism=_calibrated.mechanism(plan, epsilon, mechanism, clip=clip, at=at, unit=unit))

    def text(self):
        """Return what the plan is, text by name, the same in every process: what checkpoints compare."""
        from ._fingerprint import text_of  # only where a plan is compared

        return {field.name: text_of(getattr(self, field.name), field.name) for field in fields(self)}

    def to_json(self):
        """Return the plan as JSON.

        Raises:
            ValueError: a loss, aggregator or other part that is not the package's own: nobody could read it back.
        """
        return json.dumps({field.name: said(field.name, getattr(self, field.name)) for field in fields(self)}, indent=1)

    @classmethod
    def from_json(cls, text):
        """Return the plan that `to_json` wrote."""
        try:
            return cls(**{name: understood(name, value) for name, value in json.loads(text).items()})
        except (json.JSONDecodeError, AttributeError, TypeError) as error:
            raise ValueError(f"text must be what Plan.to_json wrote, got {text!r:.80}: {error}") from error

    def warn(self, stacklevel):
        """Say so where noise is added and has no finite ε."""
        if self.reason and self.private:
            warnings.warn(f"this run has no finite ε: {self.reason}", stacklevel=stacklevel + 1)

    def _rounds(self, rounds):
        most = self.correlated and self.rounds
        return self.rounds if rounds is None else checks.whole("rounds", rounds, at_least=0, at_most=most)
