"""What a run leaves behind: parameters, curves, and the ε that was spent."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from ..privacy import accounting, integers
from . import _terms, card, models

UNCOVERED = ("cohort", "update_norms", "fraction_clipped", "dropped", "bytes", "seconds")  # what no ε here is about
BITS = ("the last bits, rounded after the noise",)  # nor, where shares are no whole numbers, this


@dataclass(repr=False)
class History:
    """What `server.train` measured, round by round.

    The guarantee covers `theta` and what depends on it alone: `loss` and `score`, on the public test set, and the `clip`.
    What `UNCOVERED` names comes from the private cohort and its updates without noise: it is for teaching, and releasing it
    would cost budget. So would `state`, which `guarantee` names too where clients remember something of their own in it.

    Attributes:
        model: the model as it was before training.
        task: "classification" or "regression".
        plan: the `Plan` of the run.
        legs: (plan, rounds that ran) of the runs that this one went on from.
        state: what `train(start=history)` goes on from: streams, an adaptive clip, remainders of a compressor, what the
            server's algorithm remembers ("server") and what clients remember of their own records ("local"): not released.
        theta: final global parameters (parameters,); where a part stays at home (`FedPer`), see `personal.thetas`.
        records: one dict a round, with the arrays below as single values.
        loss: mean loss on the test set (rounds,).
        score: accuracy, or for regression R², on the test set (rounds,).
        cohort: clients that took part (rounds,).
        clip: the clip of the round (rounds,); infinite without one, and its own for each round of an adaptive one, which
            follows from what was released.
        update_norms: norm of each client's update before clipping, in the mechanism's norm, L2 without one
            (rounds × clients); NaN where the client did not take part or only its noisy report was seen, infinite where
            the update was dropped.
        fraction_clipped: share of the cohort whose update was longer than the clip (rounds,); 0 in an empty cohort, NaN
            where only noisy reports were seen.
        dropped: clients whose update was NaN or infinite, or did not arrive, and counted as zero (rounds,).
        lost: whether the round's reports had left the clients when the server was killed (rounds,): it moved nothing and
            is paid for.
        noise_std: standard deviation of the noise on one coordinate of the averaged update (rounds,); under record-level
            DP to first order in the step size.
        bytes_up, bytes_down: traffic of the round, updates as encoded, models as plain floats (rounds,), and `Scaffold`'s
            control variate with them; with noise in shares every client sends, since every share is needed.
        seconds: duration of the round, without the test set (rounds,).
    """

    model: torch.nn.Module
    task: str
    plan: object
    legs: tuple = ()
    theta: torch.Tensor = None
    records: list = field(default_factory=list)
    state: dict = field(default_factory=dict)

    def __getattr__(self, name):
        records = self.__dict__.get("records")
        if not records or name not in records[0]:
            raise AttributeError(f"History has no {name!r}")
        return np.array([record[name] for record in records])

    @property
    def rounds(self):
        """Number of rounds that ran."""
        return len(self.records)

    @property
    def accuracy(self):
        """Share of the test set classified correctly (rounds,); for regression there is `r2`."""
        return self._score_of("classification")

    @property
    def r2(self):
        """Share of the test targets' variance that is explained (rounds,); for classification there is `accuracy`."""
        return self._score_of("regression")

    def _score_of(self, task):
        if self.task != task:
            raise TypeError(f"this score is for {task}; a {self.task} history has {'r2' if task[0] == 'c' else 'accuracy'}")
        return np.array([record["score"] for record in self.records])

    @property
    def mechanism(self):
        """The plan's mechanism, or None."""
        return self.plan.mechanism

    @property
    def delta(self):
        """δ at which ε is given."""
        return self.plan.delta

    @property
    def reason(self):
        """Why ε is infinite; empty where it is not."""
        return next((plan.reason for plan, _ in self.every_leg if plan.reason), "")

    @property
    def planned(self):
        """Number of rounds that are priced: all that were planned, also where a callback ended the run earlier."""
        return sum(plan.rounds for plan, _ in self.every_leg)

    @property
    def epsilon(self):
        """Total ε up to each round (rounds,) at `delta`, for a run that was planned to end there; see `total_epsilon`."""
        if self.reason:
            return np.full(self.rounds, math.inf)
        if not self.legs:
            return self.plan.curve(self.rounds)
        return np.array([self.epsilon_after(t) for t in range(1, self.rounds + 1)])

    @property
    def total_epsilon(self):
        """Total ε of all rounds that were planned.

        Whoever ends a run early, or goes on, because of what it released has chosen the number of rounds by the data: then
        the ε of the rounds that ran is no promise, and that of the plan is one.
        """
        return self._ledger((plan, plan.rounds) for plan, _ in self.every_leg).epsilon if self.legs else self.plan.epsilon()

    def epsilon_after(self, rounds, method="pld"):
        """Return the total ε of a run planned for the first `rounds` rounds; methods as in `accounting.epsilon`."""
        if not self.legs:
            return self.plan.epsilon(rounds, method)
        parts, left = [], rounds
        for plan, ran in self.every_leg:
            parts.append((plan, min(left, plan.rounds) if left <= ran else plan.rounds))
            left -= min(left, ran)
            if not left:
                break
        return self._ledger(parts).epsilon

    def attacker(self):
        """Return what the best attacker on the planned rounds can do, an `attacker.Attacker`."""
        if not self.legs:
            return self.plan.attacker()
        return self._ledger((plan, plan.rounds) for plan, _ in self.every_leg).attacker()

    @property
    def neighbours(self):
        """The neighbouring relation of all that was planned, in words."""
        return _terms.neighbours([plan for plan, _ in self.every_leg])

    @property
    def guarantee(self):
        """The promise in one sentence: ε (rounded up), δ, neighbours, trust, what is not covered; or why there is none."""
        if self.reason:
            return f"no differential privacy: {self.reason}"
        rounds = f"{self.planned} round{'s' * (self.planned != 1)}"
        if self.rounds < self.planned:
            rounds += f" planned, of which {self.rounds} ran"
        seed = "" if self.plan.seed is None else f"; seed {self.plan.seed}: who knows it can subtract the noise"
        return (
            f"({accounting.rounded_up(self.total_epsilon)}, {self.delta:g})-differential privacy of theta over {rounds}; "
            f"neighbours: {self.neighbours}; {self.mechanism.trust}; not covered: "
            f"{', '.join(self._uncovered() + BITS * self._rounds_after())}{seed}"
        )

    def _uncovered(self):
        """`UNCOVERED`, and the state where it holds control variates, home parts or remainders of the clients."""
        own = any(plan.local.remembers or plan.compressor is not None for plan, _ in self.every_leg)
        return UNCOVERED + ("state",) * own

    def _rounds_after(self):
        """Whether clients round their vectors after adding floating-point shares, as `SecureMean` has them do."""
        return any(
            getattr(plan.aggregator, "hidden", False)
            and plan.mechanism.at == "shares"
            and not isinstance(plan.mechanism, integers.Skellam)
            for plan, _ in self.every_leg
        )

    def card(
        self, name, curators, description, use, region, date, authors, sector=None, unit="client", domain=None, tuning=None,
        why=None, sources=None,
    ):  # fmt: skip
        """Return the guarantee as an entry of a public registry of deployments, a dict that JSON and YAML can hold.

        Unit, neighbours, trust, ε (rounded up), δ, the attacker, accounting and what is not covered come from the run; what
        only its owner knows is asked for, and what is None is left out. It is a draft: a registry's reviewers judge it.

        Args:
            name: of the model that is published.
            curators: names of who publishes it, one at least.
            description, use: what it is, and what it is meant for.
            region: whose data, or whose law.
            date: of the publication, "YYYY-MM-DD" or a `datetime.date`.
            authors: who filled in this entry, one at least.
            sector: "Technology", "Healthcare", "Education", "Government", "Energy" or "Finance".
            unit: what a client is, such as "patient" or "hospital".
            domain: whose data could have been in the training.
            tuning: how data were prepared and settings chosen, and whether that looked at private data.
            why: reasons for ε, unit and mechanism.
            sources: links, as text.

        Raises:
            TypeError, ValueError: an argument out of range, a run without a finite ε, which has no guarantee to enter, or a
                known seed in any of its legs (`seed=None` draws one that nobody keeps): an entry never prints a seed.

        Derived in: notebook 18.
        Source: OpenDP's deployments registry, its schema as of July 2026.
        """
        return card.entry(
            self,
            self._uncovered(),
            name,
            curators,
            description,
            use,
            region,
            date,
            authors,
            sector,
            unit,
            domain,
            tuning,
            why,
            sources,
        )

    @property
    def every_leg(self):
        """(plan, rounds that ran) of this run and of those that it went on from, in their order."""
        return (*self.legs, (self.plan, self.rounds - sum(ran for _, ran in self.legs)))

    def _ledger(self, parts):
        ledger = accounting.Ledger(self.delta)
        for plan, rounds in parts:
            mechanism, releases, rate = plan.part(rounds)
            ledger.spend(None if plan.reason else mechanism, releases, rate)
        return ledger

    def trained(self):
        """Return a copy of the model that holds the final parameters."""
        return models.with_theta(self.model, self.theta)

    def __repr__(self):
        score = f", final score {self.records[-1]['score']:.3f}" if self.records else ""
        said = "" if self.reason else str(self.attacker()).rstrip(".")
        attacker = said and f"; {said[0].lower()}{said[1:]}"
        return f"History({self.rounds} rounds{score}; {self.guarantee}{attacker})"
