"""`train`: the article's eight steps as one loop."""

import contextlib
import math
import time
import warnings

import torch

from .. import checks
from ..privacy import adaptive, mechanisms
from . import _chunks, _steps, aggregation, clients, models
from . import _terms as terms
from ._streams import cohort_of, streams
from ._tally import Tally
from .checkpoint import Checkpoint, plan
from .history import History
from .scoring import Scorer, evaluate
from .transport import compression

__all__ = ["evaluate", "train"]

NO_NOISE = mechanisms.Gaussian(noise_multiplier=0.0, clip=math.inf)


def train(
    model,
    federation,
    *,
    rounds,
    local_steps=1,
    lr=0.1,
    mechanism=None,
    sampling_rate=1.0,
    sampler="poisson",
    aggregator=aggregation.mean,
    delta=1e-5,
    batch_rate=1.0,
    proximal=0.0,
    server_lr=1.0,
    compressor=None,
    loss=None,
    seed=0,
    device=None,
    chunk=None,
    callback=None,
    progress=True,
    workers=None,
    checkpoint=None,
):
    """Train one global model on a federation, privately if a mechanism is given.

    Args:
        model: an `nn.Module`; its parameters are the start. It is left as it is.
        federation: a `data.Federation`.
        rounds: at least 1.
        local_steps: gradient steps of a client in a round, at least 1.
        lr: local step size, positive.
        mechanism: a `mechanisms.Laplace` or `Gaussian`, or an `adaptive.AdaptiveGaussian`: one release a round
            (`unit="record"`: one a local step).
        sampling_rate: probability that a client takes part in a round, in (0, 1].
        sampler: "poisson" (each client by its own coin; the cohort may be empty) or "fixed" (a cohort of fixed size,
            only without noise, since no accounting here covers it).
        aggregator: from `aggregation`, or a function of updates (cohort × parameters) and sizes (cohort,).
        delta: δ of the total, in (0, 1).
        batch_rate: probability that a local step uses a record, in (0, 1].
        proximal: weight μ of FedProx's term, at least 0.
        server_lr: factor on the aggregated update, positive.
        compressor: from `compression`, how updates are encoded; None sends plain floats.
        loss: maps outputs (clients × samples × out) and targets (clients × samples) to losses (clients × samples);
            None takes cross-entropy, logistic or squared loss by the task.
        seed: of cohorts, mini-batches and noise, each with a stream of its own. Whoever knows it can subtract the noise:
            a real release must draw from an unpredictable source. None takes the operating system's entropy.
        device: where to compute, such as "cuda"; None computes where the federation's tensors are. Random numbers are
            drawn on the CPU, so that a run does not depend on the device.
        chunk: clients in memory at once, rounded up to a multiple of 16; None chooses by the machine and the model's size.
        callback: called after each round with (round, theta, record); if it returns True the run ends there. The
            record's "loss" and "score" are computed when they are looked up.
        progress: whether a bar appears once a run has taken two seconds.
        workers: who computes the updates; None does so here. Else a function of (round, theta (parameters,), members (n,)),
            called once a round on the CPU, that returns what came back (n × parameters), in the members' order. A row
            of NaN is a client that did not answer: `dropped`, zero in a sum whose denominator stays. Where noise is added at
            the client (`at="client"`, either unit) the rows must arrive with it, clipped and weighed: none is added here.
        checkpoint: path of a file that holds the run's state after every round, written before anything of the new theta
            leaves this process; a run that finds one goes on from it. `rounds` stays the total. See `checkpoint` for what
            an unfinished round costs.

    Returns:
        A `History`.

    Raises:
        TypeError, ValueError: an argument out of range, or a combination without a meaning or a valid accounting.

    Derived in: notebook 03 (without noise), notebook 05 (private).
    Source: McMahan et al. 2017; McMahan, Ramage, Talwar & Zhang 2018.
    """
    rounds = checks.whole("rounds", rounds, at_least=1)
    local_steps = checks.whole("local_steps", local_steps, at_least=1)
    lr, server_lr = checks.real("lr", lr, above=0), checks.real("server_lr", server_lr, above=0)
    rate = checks.real("sampling_rate", sampling_rate, above=0, at_most=1)
    batch_rate = checks.real("batch_rate", batch_rate, above=0, at_most=1)
    proximal = checks.real("proximal", proximal, at_least=0)
    delta = checks.real("delta", delta, above=0, below=1)
    seed = None if seed is None else checks.whole("seed", seed, at_least=0)
    reason = terms.check_plan(mechanism, rate, sampler, aggregator)
    terms.check_compressor(compressor, mechanism)
    terms.check_workers(workers, mechanism, compressor, aggregator)
    loss = terms.check_fit(model, federation, loss)
    device = federation.x.device if device is None else torch.device(device)
    mech = mechanism or NO_NOISE
    clipping = adaptive.Clipping(mech)
    per_record = mech if mech.unit == "record" else None
    history = History(
        model, federation.task, mechanism, delta, reason, *terms.price(per_record, rate, local_steps, batch_rate)
    )
    terms.check_delta(history, federation)
    started = checkpoint and plan(
        model, federation, mechanism=mechanism, sampling_rate=rate, sampler=sampler, aggregator=aggregator, delta=delta,
        local_steps=local_steps, lr=lr, batch_rate=batch_rate, proximal=proximal, server_lr=server_lr,
        compressor=compressor, seed=seed,
    )  # fmt: skip
    leaves = workers is not None and mech.private and mech.at == "client"  # private reports leave before the round ends
    fed, model = federation.to(device), models.with_theta(model, models.flatten(model)).to(device)
    chunk = _chunks.size(model, fed, per_record, chunk) if workers is None else fed.clients
    cohorts, batches, noise = generators = streams(seed)

    with contextlib.closing(_Bar(rounds, progress)) as bar, _chunks.threads(chunk, fed, model):
        bench = _steps.Bench(model, loss)
        scorer = Scorer(model, fed, loss)
        theta = models.flatten(model)  # 1. initialise the global model (parameters,)
        channel = compression.Channel(compressor, fed.clients, theta, seed or 0)
        saved = Checkpoint(checkpoint, started, history, generators, clipping, channel, leaves)
        theta = saved.resume(theta, rounds)
        for t in range(history.rounds + 1, rounds + 1):
            start = time.perf_counter()
            cohort = saved.begin(t, cohort_of(fed.clients, rate, sampler, cohorts))
            tally = Tally(fed, clipping.mechanism, aggregator, theta, channel.open(), leaves and per_record is None)
            for members in cohort.split(chunk) if len(cohort) else ():
                if workers is not None:
                    updates = _answers(workers(t, theta.cpu(), members), members, theta)  # 2. to 4., in their processes
                else:
                    part = fed.select(members) if len(members) < fed.clients else fed  # 2. distribute theta to the cohort
                    updates = clients.local_updates(  # 3. local training, 4. what each would send (members × parameters)
                        model, theta, part, local_steps=local_steps, lr=lr, batch_rate=batch_rate, proximal=proximal,
                        mechanism=per_record, loss=loss, generator=batches, noise=noise, bench=bench,
                    )  # fmt: skip
                tally.add(tally.protect(updates, members, noise))  # 5. clip and perturb
            update = tally.aggregate(rate, noise, chunk)  # 6. aggregate (parameters,); noise at the server
            theta = theta + server_lr * update.to(theta.dtype)  # 7. the new global model
            record = tally.record(lr, local_steps, batch_rate)
            tally.adapt(clipping, rate, noise)
            record |= {"lost": saved.lost(t), "seconds": time.perf_counter() - start}
            history.theta = theta.cpu()
            record = scorer.add(record, theta)
            history.records.append(record)
            saved.end(t)
            bar.step()
            if callback is not None and callback(t, history.theta, record):  # 8. repeat
                break
        scorer.finish()
    if history.dropped.sum():
        fault = "NaN or infinite" if workers is None else "missing, NaN or infinite"
        warnings.warn(f"{history.dropped.sum()} updates were {fault} and counted as zero; see dropped", stacklevel=2)
    return history


class _Bar:
    """A tqdm bar that appears once a run has taken two seconds; tqdm is imported only then."""

    def __init__(self, rounds, wanted):
        self.rounds, self.wanted, self.done, self.start, self.bar = rounds, wanted, 0, time.monotonic(), None

    def step(self):
        self.done += 1
        if self.bar is not None:
            self.bar.update()
        elif self.wanted and time.monotonic() - self.start > 2 and self.done < self.rounds:
            from tqdm.auto import tqdm

            self.bar = tqdm(total=self.rounds, initial=self.done, unit="round", leave=False)

    def close(self):
        if self.bar is not None:
            self.bar.close()


def _answers(updates, members, theta):
    """What the workers sent, on the computing device; refused if it has not one row a member."""
    expected = (len(members), len(theta))
    if not isinstance(updates, torch.Tensor) or updates.shape != expected:
        got = tuple(updates.shape) if isinstance(updates, torch.Tensor) else type(updates).__name__
        raise ValueError(f"workers must return updates of shape {expected}, got {got}")
    return updates.to(theta)
