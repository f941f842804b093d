"""`train`: the article's eight steps as one loop."""

import contextlib
import math
import time
import warnings

import torch

from .. import checks
from ..privacy import adaptive, mechanisms
from . import _chunks, _probe, _steps, _terms, clients, models
from ._bar import Bar
from ._streams import cohort_of, streams
from ._tally import Tally
from .checkpoint import Checkpoint, about
from .history import History
from .plan import Plan
from .scoring import Scorer, evaluate
from .transport import compression

__all__ = ["evaluate", "train"]

NO_NOISE = mechanisms.Gaussian(noise_multiplier=0.0, clip=math.inf)
MACHINE = {"device": None, "chunk": None, "progress": True, "until": None}  # settings that are no part of what a run is


def train(model, federation, plan=None, *, start=None, callback=None, workers=None, checkpoint=None, **settings):
    """Train one global model on a federation, privately if the plan has a mechanism.

        history = train(model, federation, Plan(rounds=20, lr=2.0, mechanism=noise))
        history = train(model, federation, rounds=20, lr=2.0, mechanism=noise)  # makes the same plan

    Args:
        model: an `nn.Module`; what of it trains is the start, what is frozen stays, and is never sent. It is left as it is.
        federation: a `data.Federation`. Everything is computed where its tensors are (`federation.to("cuda")`).
        plan: a `Plan`; None makes one of the settings.
        start: a `History` to go on from, its parameters, streams and budget: the plan's rounds come on top, and ε counts
            both. Without a plan, start's own, with what the settings change in it.
        callback: called after each round with (round, theta, record); if it returns True the run ends there. The
            record's "loss" and "score" are computed when they are looked up.
        workers: who computes the updates; None does so here. Else a function of (round, theta (parameters,), members (n,)),
            called once a round on the CPU, that returns what came back (n × parameters), in the members' order. A row
            of NaN is a client that did not answer: `dropped`, zero in a sum whose denominator stays. Where noise is added at
            the client (`at="client"`, either unit) the rows must arrive with it, clipped and weighed: none is added here.
        checkpoint: path of a file that holds the run's state after every round, written before anything of the new theta
            leaves this process; a run that finds one goes on from it. See `checkpoint` for what an unfinished round costs.
        settings: the plan's terms by name, with `local_steps`, `proximal` and `server_lr` for its local and server
            algorithms; and four that change no number: `device` (such as "cuda"; None computes where the
            federation is; random numbers are drawn on the CPU, so that a run does not depend on it), `chunk` (clients in
            memory at once, rounded up to a multiple of 16; None chooses), `progress` (False shows no bar, which else
            appears once a run has taken two seconds), and `until` (the round after which this call stops, to be gone on from
            by its checkpoint; None runs all).

    Returns:
        A `History`.

    Raises:
        KeyboardInterrupt: the run was interrupted (in a notebook, the square); its `history` is that of the rounds done:
            `sys.last_value.history`. With a checkpoint the same call goes on from there.
        TypeError, ValueError: an argument out of range, or a combination without a meaning or a valid accounting; a private
            run from parameters that this process released under the same seed.

    Derived in: notebook 03 (without noise), notebook 05 (private).
    Source: McMahan et al. 2017; McMahan, Ramage, Talwar & Zhang 2018.
    """
    machine = {name: settings.pop(name, default) for name, default in MACHINE.items()}
    until = machine.pop("until")
    until = math.inf if until is None else checks.whole("until", until, at_least=0)
    plan = _plan(plan, start, settings)
    loss = _terms.check_fit(model, federation, plan.loss)
    if plan.private and plan.loss is not None and workers is None:
        _probe.check_loss_is_separate(model, federation, loss)
    _terms.check_workers(workers, plan)
    _terms.check_start(model, federation, plan, start)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, or None; got {callback!r}")
    fed, chunk, model, theta = _placed(model, federation, plan, start, workers, **machine)
    plan.warn(stacklevel=2), _terms.check_delta(plan, fed, stacklevel=2)
    noised = plan.correlated.stream(plan.rounds, plan.groups) if plan.correlated else plan.mechanism
    clipping = adaptive.Clipping(noised or NO_NOISE)
    history, local = History(model, federation.task, plan), plan.local
    leaves = workers is not None and plan.private and plan.mechanism.at == "client"  # reports leave before the round ends
    cohorts, batches, noise, messages = generators = streams(plan.seed)

    server, controls = plan.server.start(theta), local.start(model, fed.clients)
    channel = compression.Channel(plan.compressor, fed.clients, local.travels(theta, controls), messages)
    what = None if checkpoint is None else about(model, fed, plan, workers)
    saved = Checkpoint(checkpoint, what, history, generators, clipping, channel, leaves, server, controls)

    scorer, bench = Scorer(model, fed, loss), _steps.Bench(model, loss)
    with (
        contextlib.closing(saved),
        contextlib.closing(Bar(plan.rounds, machine["progress"])) as bar,
        _chunks.threads(chunk, fed, model),
        _kept(history, scorer, theta),
    ):
        if start is not None:
            saved.restore(start.state)
        origin, theta = theta, saved.resume(theta, plan.rounds)  # 1. initialise the global model (parameters,)
        for t in range(history.rounds + 1, min(plan.rounds, until) + 1):
            begun = time.perf_counter()
            cohort = saved.begin(t, cohort_of(fed.clients, plan, t, cohorts))
            reported = leaves and plan.per_record is None
            sent = local.travels(theta, saved.local)
            tally = Tally(fed, clipping.mechanism, plan.aggregator, sent, channel.open(), reported)
            for members in cohort.split(chunk) if len(cohort) else ():
                if workers is not None:
                    updates = _answers(workers(t, theta.cpu(), members), members, theta)  # 2. to 4., in their processes
                else:
                    part = _chunks.part(fed, members)  # 2. distribute theta to the cohort
                    updates = clients.local_updates(  # 3. local training, 4. what each would send (members × parameters)
                        model, theta, part, local=local, lr=plan.lr, batch_rate=plan.batch_rate,
                        mechanism=plan.per_record, loss=loss, generator=batches, noise=noise,
                        begin=local.begin(theta, saved.local, members), bench=bench,
                    )  # fmt: skip
                    sizes = None if plan.per_record else part.sizes
                    updates = local.send(updates, saved.local, members, plan.lr, sizes)
                tally.add(tally.protect(updates, members, noise))  # 5. clip and perturb
                if local.remembers:
                    local.keep(tally.told(), saved.local, members, plan.lr)
                if len(members) < len(cohort):
                    bar.part(len(members) / len(cohort))
            update = tally.aggregate(plan.sampling_rate, noise, chunk)  # 6. aggregate (parameters,); noise at the server
            if local.remembers:
                update = local.receive(update, saved.local, tally.share(plan.sampling_rate), plan.lr)
            theta, saved.server = plan.server.step(theta, update, saved.server)  # 7. the new global model
            record = tally.record(plan.lr, local.steps, plan.batch_rate, local.copies)
            tally.adapt(clipping, plan.sampling_rate, noise)
            record |= {"lost": saved.lost(t), "seconds": time.perf_counter() - begun}
            now, record = theta.cpu(), scorer.add(record, theta)
            history.theta, _ = now, history.records.append(record)
            saved.end(t)
            bar.step()
            if callback is not None:
                _terms.released(theta, origin, plan)
                if callback(t, history.theta.clone(), record):  # 8. repeat
                    break
        scorer.finish()
        history.state = saved.state
    _terms.released(theta, origin, plan)
    if dropped := sum(record["dropped"] for record in history.records):
        fault = "NaN or infinite" if workers is None else "missing, NaN or infinite"
        how_many = "some" if plan.private else dropped  # under a mechanism their number is private
        warnings.warn(f"{how_many} updates were {fault} and counted as zero; see dropped", stacklevel=2)
    if start is not None:
        history.legs, history.records = start.every_leg, [*start.records, *history.records]
    return history


def _plan(plan, start, settings):
    """The plan of this run: given, start's own with changes, or made of the settings."""
    if start is not None and plan is None and isinstance(start, History):
        plan, settings = start.plan.changed(**settings), {}
    if plan is None:
        return Plan.of(**settings)
    if not isinstance(plan, Plan):
        raise TypeError(f"plan must be a Plan, or None; got {plan!r:.80}")
    if settings:
        raise TypeError(f"settings must be the plan's own where a plan is given; got {', '.join(settings)} beside it")
    return plan


def _placed(model, fed, plan, start, workers, device, chunk, progress):
    """Federation, chunk, model and parameters where they are computed; the caller's model stays as it is."""
    if not isinstance(progress, bool):
        raise TypeError(f"progress must be True or False, got {progress!r}")
    fed = fed if device is None else fed.to(device)
    model = models.with_theta(model, models.flatten(model) if start is None else start.theta).to(fed.x.device)
    chunk = _chunks.size(model, fed, plan.per_record, chunk) if workers is None else fed.clients
    return fed, chunk, model, models.flatten(model)


@contextlib.contextmanager
def _kept(history, scorer, origin):
    """An interruption carries the history of the rounds that are done."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if history.records:
            scorer.finish(), _terms.released(history.theta.to(origin), origin, history.plan)
            stop.history = history
            stop.add_note(
                f"{len(history.records)} of {history.plan.rounds} rounds are done: sys.last_value.history holds them"
            )
        raise


def _answers(updates, members, theta):
    """What the workers sent, on the computing device; refused if it has not one row a member."""
    expected = (len(members), len(theta))
    if not isinstance(updates, torch.Tensor) or updates.shape != expected:
        got = tuple(updates.shape) if isinstance(updates, torch.Tensor) else type(updates).__name__
        raise ValueError(f"workers must return updates of shape {expected}, got {got}")
    return updates.to(theta)
