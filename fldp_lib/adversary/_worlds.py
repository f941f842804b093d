"""The two worlds of an audit through `train`: federations that an adversary makes up, and what he sees of their runs.

Linear regression without a constant is enough for any update: a client with one record x = e_j and a target far away sends
minus a long multiple of e_j, whatever the rounds before have made of theta.

Two ways to run. *Many*: every client is a canary with a coordinate of its own, in or out by a coin, so that one run of
`train` gives hundreds of scores. Noise is drawn for each coordinate independently and no client touches another's, so that
they are as good as so many runs. *Few*: one canary and eight witnesses who pull the other way, in one run for each score;
for what acts on all clients, such as an adaptive clip, or a client who changes a divisor.
"""

import contextlib
import math
from dataclasses import replace

import numpy as np
import torch

from .. import data
from ..privacy import adaptive
from ..training import aggregation
from ..training._bar import Bar

CANARIES = 250  # in one run; each has a coordinate, so that the work grows with the square
WITNESSES = 8
BLOCKS = 6  # of rounds, that an attacker looks at one by one
NEIGHBOURS = ("removed", "replaced", "nan", "long", "empty")


class Line(torch.nn.Module):
    """Linear regression without a constant, from zero: outputs (… × 1) of records (… × features)."""

    def __init__(self, features):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1, features))

    def forward(self, x):
        return x @ self.weight.T

    def stacked(self, parameters, x):
        return torch.bmm(x, parameters[0].transpose(1, 2))  # clients × samples × 1


class Reports:
    """An aggregator that keeps what a server sees of every client: the adversary under local noise.

    Args:
        aggregator: does the work.
    """

    weigh = None

    def __init__(self, aggregator):
        self.aggregator, self.kept = aggregator, None

    def __call__(self, updates, sizes=None):
        """Return what the aggregator makes of the reports (cohort × parameters), and keep them with the sizes (cohort,)."""
        self.kept = updates.double().cpu().numpy(), np.asarray(sizes.cpu(), dtype=float)
        return self.aggregator(updates, sizes)


def seen(plan, runs, neighbour, seed, trainer):
    """Return what an adversary sees of so many runs in each world: two arrays (runs × features), without and with.

    Args:
        plan: a `Plan` with a finite ε.
        runs: in each world.
        neighbour: one of `NEIGHBOURS`.
        seed: of coins and runs.
        trainer: called as `train(model, federation, plan, callback=…, progress=False)`.
    """
    once = _few if _acts_on_all(plan, neighbour) else _many
    without, present, number, rng = [], [], 0, np.random.default_rng(seed)
    with contextlib.closing(Bar(runs, unit="run")) as bar:
        while bar.done < runs:
            run = plan if plan.seed is None else replace(plan, seed=2**20 * (1 + seed) + number)
            for world, rows in zip((without, present), once(run, neighbour, number, rng, runs, trainer), strict=True):
                world.append(rows)
            number += 1
            bar.step(min(sum(map(len, without)), sum(map(len, present))) - bar.done)
    return np.concatenate(without)[:runs], np.concatenate(present)[:runs]


def tossed(plan, neighbour, inside, trainer):
    """Return the features (clients × features) of one run where client k is in as `inside` (clients,) says."""
    fed = _federation(plan, len(inside), len(inside), _records(plan))
    for k in np.flatnonzero(~inside):
        _change(fed, k, "replaced" if neighbour == "replaced" else "gone", plan)
    return _features(_run(plan, fed, trainer), [(k, k) for k in range(len(inside))], plan)


def _acts_on_all(plan, neighbour):
    hidden, mech = getattr(plan.aggregator, "hidden", False), plan.mechanism
    weighs = _linear(plan.aggregator) and plan.aggregator is not aggregation.mean and mech.at == "client"
    return neighbour in ("nan", "long", "empty") or hidden or weighs or isinstance(mech, adaptive.AdaptiveGaussian)


def _many(plan, neighbour, number, rng, runs, trainer):
    """One run with many canaries, half of them in: features of those that are out, and of those that are in."""
    count = min(2 * runs, CANARIES, math.isqrt(4_000_000 // _records(plan)))
    inside = rng.permutation(np.arange(count + count % 2) % 2 == 0)
    features = tossed(plan, neighbour, inside, trainer)
    return features[~inside], features[inside]


def _few(plan, neighbour, number, rng, runs, trainer):
    """One run with one canary and its witnesses, in the one world or in the other by turns."""
    alone = plan.mechanism.at == "client"  # then theta is the client's own report
    others = 0 if alone else 2 if getattr(plan.aggregator, "hidden", False) else WITNESSES + 1  # a hidden sum is slow
    fed = _federation(plan, 1 + others, 2, _records(plan))
    fed.y[1:] *= -1
    present = number % 2 == 1
    if others:
        _change(fed, others, "gone", plan)  # one without records
    if present and neighbour in ("nan", "long", "empty"):
        _change(fed, 0, neighbour, plan)
    elif not present:
        _change(fed, 0, "replaced" if neighbour == "replaced" else "gone", plan)
    row = _features(_run(plan, fed, trainer), [(0, 0)], plan)
    nothing = row[:0]
    return (nothing, row) if present else (row, nothing)


def _records(plan):
    """Records of a client: as many as count for a capped weight and more, and two where their number may tell."""
    cap = getattr(plan.aggregator, "cap", None)
    return 2 * min(32, math.ceil(cap)) if cap else 2 if plan.mechanism.at == "client" else 1


def _federation(plan, clients, features, records):
    """Client k pulls along coordinate k, or 0 where there are fewer, with all its records, or one at record level."""
    x, y = torch.zeros(clients, records, features), torch.zeros(clients, records)
    own = torch.arange(clients) * (features >= clients)
    for row in range(1 if plan.mechanism.unit == "record" else records):
        x[torch.arange(clients), row, own], y[:, row] = 1.0, _far(plan)
    mask = torch.ones(clients, records, dtype=torch.bool)
    return data.Federation(x, y, mask, torch.zeros(1, features), torch.zeros(1), "regression", "audit")


def _far(plan):
    """A target so far away that no round brings theta near it, and a step towards it is longer than any clip."""
    return min(1e30, 1e4 * (plan.mechanism.clip + plan.mechanism.std) * max(1.0, 1 / plan.lr))


def _change(fed, k, how, plan):
    """Give client k other data, in place."""
    if how == "gone" and plan.mechanism.unit == "record":
        how = "empty"  # the record is no more; their number is public
    if how == "gone":
        fed.x[k], fed.y[k], fed.mask[k] = 0, 0, False
    elif how == "empty":
        fed.x[k], fed.y[k] = 0, 0  # no gradient
    elif how == "replaced":
        fed.y[k] *= -1
        if plan.mechanism.unit == "client":  # by fewer records, too
            fed.x[k, 1:], fed.y[k, 1:], fed.mask[k, 1:] = 0, 0, False
    else:
        fed.y[k] = torch.finfo(torch.float32).max if how == "nan" else 1e36


def _run(plan, fed, trainer):
    """What is to be seen of a run, round by round: moves of theta, clips, and the clients' reports under local noise."""
    local = plan.mechanism.at == "client"
    reports = None
    if local and (plan.aggregator is aggregation.mean or not _linear(plan.aggregator)):
        reports = Reports(plan.aggregator)
        plan = replace(plan, aggregator=reports)
    before, rounds = [np.zeros(fed.x.shape[2])], []

    def watch(t, theta, record):
        theta = theta.double().numpy()
        move = theta - before[0]
        before[0] = theta
        cohort = np.flatnonzero(~np.isnan(record["update_norms"]))
        rounds.append((move, record["clip"], cohort, reports and reports.kept))

    trainer(Line(fed.x.shape[2]), fed, plan, callback=watch, progress=False)
    return rounds


def _features(rounds, places, plan):
    """Features (places × features) of each client along its coordinate: blocks of rounds, their differences, and more.

    A run that ended early did not move in the rounds that it lacks.
    """
    clients, own = np.array(places).T
    values, extra, turns = [], [], []
    for move, clip, cohort, kept in rounds:
        turns.append(np.isin(clients, cohort))
        if kept is None:
            values.append(move[own] / clip)
            extra.append(np.full(len(own), math.log(clip)))
            continue
        row = np.full(len(own), -1)
        there = np.isin(clients, cohort)
        row[there] = np.searchsorted(cohort, clients[there])
        values.append(np.where(there, kept[0][row, own], 0.0))
        extra.append(np.where(there, kept[1][row], 0.0))
    lacks = [np.zeros(len(own))] * (plan.rounds - len(values))
    values, extra = np.array(values + lacks).T, np.array(extra + lacks).T  # places × rounds
    blocks = np.array([part.sum(1) for part in np.array_split(values, min(BLOCKS, values.shape[1]), axis=1)]).T
    apart = np.abs(np.diff(blocks, axis=1))
    total = (values * _weights(np.array(turns + lacks, dtype=float), plan)).sum(1, keepdims=True)
    return np.concatenate([total, blocks, apart, extra[:, -BLOCKS:]], 1)


def _weights(turns, plan):
    """How much each round says of a client (places × rounds), given who took part in which, 0 or 1 (rounds × places).

    All the same where cohorts are secret. Where groups take turns, which is no secret, only a client's own rounds; of
    correlated noise C uncovers what is independent, and CᵀC·turns orders outputs as the likelihood ratio does.
    """
    matrix = plan.mechanism.fitted(plan.rounds, plan.groups).matrix() if plan.correlated else np.eye(len(turns))
    return (matrix.T @ (matrix @ turns)).T if plan.sampler == "cyclic" else np.ones_like(turns).T


def _linear(aggregator):
    return getattr(aggregator, "weigh", None) is not None
