"""What a run leaves behind: parameters, curves, and the ε that was spent."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from ..privacy import accounting
from . import models


@dataclass(repr=False)
class History:
    """What `server.train` measured, round by round.

    The guarantee covers `theta` and what depends on it alone: `loss` and `score`, on the public test set. `update_norms`,
    `fraction_clipped` and `dropped` come from the private updates without noise: they are for teaching, and releasing
    them would cost budget.

    Attributes:
        model: the model as it was before training.
        task: "classification" or "regression".
        mechanism: the mechanism, or None.
        delta: δ at which ε is given.
        reason: why ε is infinite; empty where it is not.
        releases: what the accountant counts per round: 1, or the local steps under record-level DP.
        rate: the sampling rate that the accountant sees.
        theta: final global parameters (parameters,).
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
        bytes_up, bytes_down: traffic of the round, updates as encoded, models as plain floats (rounds,); with noise in
            shares every client sends, since every share is needed.
        seconds: duration of the round, without the test set (rounds,).
    """

    model: torch.nn.Module
    task: str
    mechanism: object = None
    delta: float = 1e-5
    reason: str = ""
    releases: int = 1
    rate: float = 1.0
    theta: torch.Tensor = None
    records: list = field(default_factory=list)

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
    def epsilon(self):
        """Total ε spent up to each round (rounds,), by PLD at `delta`; computed when it is asked for."""
        return np.array([self.epsilon_after(t) for t in range(1, self.rounds + 1)])

    @property
    def total_epsilon(self):
        """Total ε of the whole run."""
        return self.epsilon_after(self.rounds)

    def epsilon_after(self, rounds, method="pld"):
        """Return the total ε of the first `rounds` rounds; methods as in `accounting.epsilon`."""
        if self.reason:
            return math.inf if rounds else 0.0
        return accounting.epsilon(self.mechanism, rounds * self.releases, self.rate, self.delta, method)

    @property
    def guarantee(self):
        """The promise in one sentence: ε, δ, neighbours, trust; or why there is none."""
        if self.reason:
            return f"no differential privacy: {self.reason}"
        rounds = f"{self.rounds} round{'s' * (self.rounds != 1)}"
        return (
            f"({self.total_epsilon:.3g}, {self.delta:g})-differential privacy over {rounds}; "
            f"neighbours: {self.mechanism.adjacency}; {self.mechanism.trust}"
        )

    def trained(self):
        """Return a copy of the model that holds the final parameters."""
        return models.with_theta(self.model, self.theta)

    def __repr__(self):
        score = f", final score {self.records[-1]['score']:.3f}" if self.records else ""
        return f"History({self.rounds} rounds{score}; {self.guarantee})"
