"""`train`: the article's eight steps as one loop."""

import contextlib
import math
import time
import warnings

import torch

from . import accounting, adaptive, aggregation, checks, clients, compression, data, mechanisms, models
from .history import History
from .scoring import Scorer, evaluate
from .tally import Tally

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
        seed: of cohorts, mini-batches and noise, each with a stream of its own. A real release must draw its noise
            from an unpredictable source instead.
        device: where to compute, such as "cuda"; None takes a GPU if there is one. Random numbers are drawn on the CPU,
            so that a run does not depend on the device.
        chunk: clients in memory at once, rounded up to a multiple of 16; None chooses by the model's size.
        callback: called after each round with (round, theta, record); if it returns True the run ends there. The
            record's "loss" and "score" are computed when they are looked up.
        progress: whether a bar appears once a run has taken two seconds.

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
    seed = checks.whole("seed", seed, at_least=0)
    reason = _check_plan(mechanism, rate, sampler, aggregator)
    _check_compressor(compressor, mechanism)
    loss = _check_fit(model, federation, loss)
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    mech = mechanism or NO_NOISE
    clipping = adaptive.Clipping(mech)
    per_record = mech if mech.unit == "record" else None
    history = History(model, federation.task, mechanism, delta, reason, *_price(per_record, rate, local_steps, batch_rate))
    _check_delta(history, federation)
    fed, model = federation.to(device), models.with_theta(model, models.flatten(model)).to(device)
    chunk = _chunk_size(chunk, fed, model, per_record)
    cohorts, batches, noise = (torch.Generator().manual_seed(3 * seed + stream) for stream in range(3))

    with contextlib.closing(_Bar(rounds, progress)) as bar, _threads(chunk, fed, model):
        scorer = Scorer(model, fed, loss)
        theta = models.flatten(model)  # 1. initialise the global model (parameters,)
        channel = compression.Channel(compressor, fed.clients, theta, seed)
        for t in range(1, rounds + 1):
            start = time.perf_counter()
            cohort = _sample(fed.clients, rate, sampler, cohorts)
            tally = Tally(fed, clipping.mechanism, aggregator, theta, channel.open())
            for members in cohort.split(chunk) if len(cohort) else ():
                part = fed.select(members) if len(members) < fed.clients else fed  # 2. distribute theta to the cohort
                updates = clients.local_updates(  # 3. local training, 4. what each would send (members × parameters)
                    model, theta, part, local_steps=local_steps, lr=lr, batch_rate=batch_rate, proximal=proximal,
                    mechanism=per_record, loss=loss, generator=batches, noise=noise,
                )  # fmt: skip
                tally.add(tally.protect(updates, members, noise))  # 5. clip and perturb
            update = tally.aggregate(rate, noise, chunk)  # 6. aggregate (parameters,); noise at the server
            theta = theta + server_lr * update.to(theta.dtype)  # 7. the new global model
            record = tally.record(lr, local_steps, batch_rate)
            tally.adapt(clipping, rate, noise)
            record["seconds"] = time.perf_counter() - start
            history.theta = theta.cpu()
            record = scorer.add(record, theta)
            history.records.append(record)
            bar.step()
            if callback is not None and callback(t, history.theta, record):  # 8. repeat
                break
        scorer.finish()
    if history.dropped.sum():
        warnings.warn(f"{history.dropped.sum()} updates were NaN or infinite and counted as zero; see dropped", stacklevel=2)
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


@contextlib.contextmanager
def _threads(chunk, fed, model):
    """One thread for small work: threads that wait for each other cost more than they bring, above all on a busy machine."""
    before = torch.get_num_threads()
    parameters = sum(p.numel() for p in model.parameters())
    small = min(chunk, fed.clients) * fed.x.shape[1] * parameters < 2_000_000  # multiplications in one pass
    torch.set_num_threads(1 if small else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _sample(count, rate, sampler, generator):
    """Draw the cohort: client numbers, ascending."""
    if rate == 1:
        return torch.arange(count)
    if sampler == "fixed":
        return torch.randperm(count, generator=generator)[: max(1, round(rate * count))].sort().values
    return torch.nonzero(torch.rand(count, generator=generator) < rate).flatten()


def _chunk_size(chunk, fed, model, per_record):
    """Clients in memory at once: about four million numbers' worth of parameters, in multiples of 16 (see `train`)."""
    stream = mechanisms.STREAM
    if chunk is not None:
        return stream * math.ceil(checks.whole("chunk", chunk, at_least=1) / stream)
    parameters = sum(p.numel() for p in model.parameters()) * (fed.x.shape[1] if per_record else 1)
    return stream * max(1, 2**22 // (stream * max(1, parameters)))


def _price(per_record, rate, local_steps, batch_rate):
    """What the accountant counts: releases a round, and the sampling rate that amplifies."""
    return (local_steps, batch_rate) if per_record else (1, rate)


def _check_plan(mechanism, rate, sampler, aggregator):
    """Refuse what has no meaning; return why ε will be infinite, or an empty string."""
    checks.one_of("sampler", sampler, accounting.SAMPLERS)
    if not callable(aggregator):
        raise TypeError(f"aggregator must be callable, such as aggregation.mean; got {type(aggregator).__name__}")
    if mechanism is None:
        return "there is no mechanism"
    if not isinstance(mechanism, (mechanisms.Laplace, mechanisms.Gaussian)):
        raise TypeError(f"mechanism must be a Laplace or Gaussian, got {type(mechanism).__name__}")
    if not mechanism.private:
        return "no noise is added"
    if rate < 1 and sampler != "poisson" and mechanism.unit == "client":
        raise ValueError(f"sampler must be 'poisson' for a private run with sampling_rate < 1, got {sampler!r}: "
                         "no accounting here covers another")  # fmt: skip
    if mechanism.unit == "record":
        return ""
    linear, hidden = getattr(aggregator, "weigh", None) is not None, getattr(aggregator, "hidden", False)
    if hidden and rate < 1:
        raise ValueError(f"sampling_rate must be 1 for a private run with {aggregator!r}, got {rate:g}: it divides by the "
                         "cohort, whose size is private")  # fmt: skip
    if hidden:
        return ""
    if linear and not aggregator.bounded:
        raise ValueError("aggregator must have bounded weights under a mechanism, got weighted_mean without a cap: "
                         "use aggregation.WeightedMean(cap=…) or aggregation.mean")  # fmt: skip
    if not linear and mechanism.at == "shares":
        raise ValueError(f"aggregator must be a sum where at='shares', got {aggregator!r}: the server never sees an update")
    if not linear and mechanism.at == "server":
        reason = f"the noise is calibrated to a clipped sum, and {aggregator!r} is not one"
        warnings.warn(f"this run has no finite ε: {reason}", stacklevel=3)
        return reason
    return ""


def _check_compressor(compressor, mechanism):
    known = (compression.TopK, compression.RandomK, compression.Quantise, type(None))
    if not isinstance(compressor, known):
        raise TypeError(f"compressor must be a TopK, RandomK or Quantise, or None; got {type(compressor).__name__}")
    if compressor is not None and mechanism is not None and mechanism.at == "shares":
        raise ValueError(
            "compressor must be None where at='shares': secure aggregation adds up whole vectors, each with its noise; "
            f"got {compressor!r}"
        )


def _check_fit(model, fed, loss):
    """Refuse a model, data or loss that do not fit each other; return the loss."""
    models.check_stackable(model)
    if not isinstance(fed, data.Federation):
        raise TypeError(f"federation must be a Federation, from data.split; got {type(fed).__name__}")
    checks.finite("x", fed.x), checks.finite("y", fed.y)
    given, loss = loss, loss or (lambda outputs, targets: clients.record_loss(outputs, targets, fed.task))
    theta = models.flatten(model)
    checks.finite("the model's parameters", theta)
    probe = fed.x_test[:1].to(theta)
    try:
        out = models.predict(model.cpu() if not theta.is_cuda else model, theta, probe).shape[-1]
    except RuntimeError as error:
        raise ValueError(f"model does not fit x of shape (…, {fed.x.shape[-1]}): {error}") from error
    if fed.task == "regression" and out != 1 and not given:
        raise ValueError(f"model must have one output for a regression, got {out}")
    if fed.task == "classification":
        low, high = int(min(fed.y.min(), fed.y_test.min())), int(max(fed.y.max(), fed.y_test.max()))
        if low < 0:
            raise ValueError(f"y must be class numbers from 0, got {low}")
        if high >= max(2, out):
            raise ValueError(f"model must have an output for each of {high + 1} classes, got {out}")
    return loss


def _check_delta(history, fed):
    """Say so where δ is not below one over the number of units."""
    if not history.reason:
        units = fed.clients if history.mechanism.unit == "client" else int(fed.sizes.sum())
        if history.delta >= 1 / max(1, units):
            warnings.warn(
                f"delta should be below 1/{units}, one over the number of units; got {history.delta:g}", stacklevel=3
            )
