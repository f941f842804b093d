"""One node's side: it trains its own clients, adds their noise where the plan says so, and keeps count of its reports."""

import json
import math
import os
import pathlib

import torch

from .. import data
from ..privacy import mechanisms
from ..training import clients, models
from ..training._streams import cohort_of, coins, streams, unpredictable
from ..training._tally import Tally
from ..training.transport import compression
from . import agreement


def answer(folder, settings, t, theta, members):
    """Return what a node sends for one request of the server.

    The node trusts its own copy of the plan and nothing else: a request with other settings, for a client that is not its
    own, or beyond the plan's rounds is refused. Where noise is added at the client, each round is answered once, and the
    report is counted on disk before it leaves: what the guarantee of a node's clients rests on is in the node's folder.

    Args:
        folder: the node's.
        settings: the agreement as the server knows it, from `Agreement.settings`.
        t: number of the round, from 1.
        theta: the global parameters (parameters,).
        members: numbers of the node's clients in the cohort (n,), ascending.

    Returns:
        Updates, or noisy reports (n × parameters).

    Raises:
        ValueError: the request is not within the plan, or the budget is spent.
    """
    folder = pathlib.Path(folder)
    agreed = agreement.read(folder)
    mine = agreed.settings()
    differ = [name for name in {**mine, **settings} if mine.get(name) != settings.get(name)]
    if differ:
        told = "; ".join(f"{name} is {settings.get(name)!r} there and {mine.get(name)!r} here" for name in differ)
        raise ValueError(f"the request must be of this node's plan: {told}")
    shard = agreement.arrays(folder / "shard.npz")
    members, own = torch.as_tensor(members), shard["clients"]
    if not len(members) or (members.diff() <= 0).any() or not torch.isin(members, own).all():
        raise ValueError(f"members must be some of {own.tolist()}, ascending; got {members.tolist()}")
    if agreed.plan.sampler == "cyclic" and not torch.isin(members, cohort_of(agreed.clients, agreed.plan, t, None)).all():
        raise ValueError(f"members must be of the group whose turn round {t} is, got {members.tolist()}")
    model = agreed.model()
    models.check_theta(model, theta)
    count(folder, agreed, t)
    return reports(agreed, model, shard, t, theta, members)


def count(folder, agreed, t):
    """Write down that round t is answered, or raise a ValueError: before anything is computed, let alone sent."""
    path = folder / "reports.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"reports": 0, "last": 0}
    again = t == said["last"] and not agreed.local  # a server that was killed asks again; only it sees the answer
    if t > agreed.plan.rounds or said["reports"] >= agreed.plan.rounds + again or not (t > said["last"] or again):
        raise ValueError(
            f"round must be a new one of {agreed.plan.rounds}, got {t}: this node has answered {said['reports']}, "
            f"round {said['last']} the last"
        )
    part = path.with_name("reports.json.part")
    with open(part, "w", encoding="utf-8") as file:
        json.dump({"reports": said["reports"] + (not again), "last": t}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def reports(agreed, model, shard, t, theta, members):
    """Return the members' updates (n × parameters), with their noise where it is added at the client."""
    plan, places = agreed.plan, torch.searchsorted(shard["clients"], members)
    if plan.seed is None or not (agreed.local or plan.batch_rate < 1):
        generators, fed, rows = (unpredictable(), unpredictable()), _part(shard, places, agreed), slice(None)
    else:  # as `train` draws: the whole cohort's numbers, of which only the own rows are used
        cohort, *generators = _streams_at(agreed, t, len(theta))
        if not torch.isin(members, cohort).all():
            raise ValueError(f"members must be in the cohort that the seed draws for round {t}, got {members.tolist()}")
        rows = torch.searchsorted(cohort, members)
        fed = _part(shard, places, agreed, rows, len(cohort))
    mechanism = plan.mechanism or mechanisms.Gaussian(0.0, math.inf)
    batches, noise = generators
    updates = clients.local_updates(
        model, theta, fed, local=plan.local, lr=plan.lr, batch_rate=plan.batch_rate, mechanism=plan.per_record,
        loss=plan.loss, generator=batches, noise=noise,
    )  # fmt: skip
    if agreed.local and mechanism.unit == "client":  # clip, weigh, perturb: the same lines as in `train`
        channel = compression.Channel(None, fed.clients, theta, unpredictable())
        everyone = torch.arange(fed.clients)
        updates = Tally(fed, mechanism, plan.aggregator, theta, channel).protect(updates, everyone, noise)
    return updates[rows]


def _part(shard, places, agreed, rows=None, count=None):
    """The records of the clients at these places; with `rows`, at these rows of a cohort of `count`, empty elsewhere."""
    x, y, mask = (shard[name][places] for name in ("x", "y", "mask"))
    if rows is not None:
        x, y, mask = (part.new_zeros(count, *part.shape[1:]).index_copy(0, rows, part) for part in (x, y, mask))
    nothing = x.new_zeros(1, x.shape[2]), y.new_zeros(1)  # a node has no test set, and scores nothing
    return data.Federation(x, y, mask, *nothing, agreed.task, agreed.name)


def _streams_at(agreed, t, parameters):
    """The cohort of round t and the run's two other streams as they stand at its beginning, by drawing what came before."""
    plan, steps = agreed.plan, agreed.plan.local.steps
    cohorts, batches, noise, _ = streams(plan.seed)
    shape = (steps, parameters) if plan.mechanism is None or plan.per_record else (parameters,)
    for s in range(1, t + 1):
        cohort = cohort_of(agreed.clients, plan, s, cohorts)
        if s == t:
            return cohort, batches, noise
        if plan.batch_rate < 1:
            coins((len(cohort), steps, agreed.samples), plan.batch_rate, batches)
        if agreed.local and len(cohort):
            plan.mechanism.noise_rows(len(cohort), shape, noise)
