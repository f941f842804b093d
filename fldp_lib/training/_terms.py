"""The terms of a run: what a `Plan`, and `train`, refuse."""

import warnings

import torch

from .. import checks, data
from ..privacy import accounting, correlated, mechanisms
from . import _fingerprint, _probe, clients, models
from .transport import compression

SAMPLERS = (*accounting.SAMPLERS, "cyclic")
COMPRESSORS = (compression.TopK, compression.RandomK, compression.Quantise)
_RELEASED = {}  # digest of parameters: seeds of the private runs that released them, in this process


def is_sum(aggregator):
    """Whether an aggregator adds up the cohort's updates, each with a weight of its own, seen or hidden."""
    return _linear(aggregator) or getattr(aggregator, "hidden", False)


def check_plan(plan):
    """Refuse a plan that has no meaning, or no valid accounting."""
    mechanism, aggregator, rate = plan.mechanism, plan.aggregator, plan.sampling_rate
    linear, hidden = _linear(aggregator), getattr(aggregator, "hidden", False)
    checks.one_of("sampler", plan.sampler, SAMPLERS)
    if plan.sampler == "cyclic" and abs(rate * round(1 / rate) - 1) > 1e-9:
        raise ValueError("sampling_rate must be one over a whole number of groups where sampler='cyclic', such as 1/20; "
                         f"got {rate!r}")  # fmt: skip
    if not callable(aggregator):
        raise TypeError(f"aggregator must be callable, such as aggregation.mean; got {_kind(aggregator)}")
    if not isinstance(plan.compressor, (*COMPRESSORS, type(None))):
        raise TypeError(f"compressor must be a TopK, RandomK or Quantise, or None; got {_kind(plan.compressor)}")
    if plan.local.summed and not is_sum(aggregator):
        raise ValueError(f"aggregator must be a sum with local={plan.local!r}, whose clients remember what they sent; "
                         f"got {aggregator!r}")  # fmt: skip
    if mechanism is None:
        return
    if not isinstance(mechanism, (mechanisms.Laplace, mechanisms.Gaussian, correlated.Correlated)):
        raise TypeError(f"mechanism must be a Laplace, Gaussian or Correlated, got {_kind(mechanism)}")
    if isinstance(mechanism, correlated.Correlated) and plan.sampler != "cyclic":
        raise ValueError("sampler must be 'cyclic' where noise is correlated, since how far apart a client takes part is in "
                         f"its price; got {plan.sampler!r}")  # fmt: skip
    if plan.compressor is not None and mechanism.at == "shares":
        raise ValueError("compressor must be None where at='shares': secure aggregation adds up whole vectors, each with "
                         f"its noise; got {plan.compressor!r}")  # fmt: skip
    if not mechanism.private:
        return
    if rate < 1 and plan.sampler == "fixed" and mechanism.unit == "client":
        raise ValueError("sampler must be 'poisson' or 'cyclic' for a private run with sampling_rate < 1, got 'fixed': "
                         "no accounting here covers another")  # fmt: skip
    if mechanism.unit == "record":
        return
    if hidden and rate < 1:
        raise ValueError(f"sampling_rate must be 1 for a private run with {aggregator!r}, got {rate:g}: it divides by the "
                         "cohort, whose size is private")  # fmt: skip
    if linear and not aggregator.bounded:
        raise ValueError("aggregator must have bounded weights under a mechanism, got weighted_mean without a cap: "
                         "use aggregation.WeightedMean(cap=…) or aggregation.mean")  # fmt: skip
    if linear:
        _probe.check_weights_are_separate(aggregator)
    if not (linear or hidden) and mechanism.at == "shares":
        raise ValueError(f"aggregator must be a sum where at='shares', got {aggregator!r}: the server never sees an update")


def check_workers(workers, plan):
    """Refuse what workers cannot keep: what is hidden from the server here would be sent to it in the clear."""
    if workers is None:
        return
    if not callable(workers):
        raise TypeError(f"workers must be callable, or None; got {_kind(workers)}")
    if plan.local.remembers:
        raise ValueError(
            "local must be FedSGD, FedAvg or FedProx with workers, who are sent parameters and keep nothing from round to "
            f"round; got {plan.local!r}, whose clients remember"
        )
    if plan.compressor is not None:
        raise ValueError(
            f"compressor must be None with workers, whose messages are their own affair; got {plan.compressor!r}"
        )
    if getattr(plan.aggregator, "hidden", False) or (plan.mechanism is not None and plan.mechanism.at == "shares"):
        raise ValueError(
            "mechanism must not be in shares, nor the aggregator hidden, with workers: they would hand this process every "
            f"update in the clear; got {plan.mechanism!r} and {plan.aggregator!r}"
        )


def neighbours(plans):
    """Return the neighbouring relation of some plans with one adjacency, run one after the other, in words.

    Where clients take turns the relation is over contributions, not over who is there: with one client more or fewer the
    groups are dealt anew, and nearly everybody takes part in other rounds.
    """
    relation = plans[0].mechanism.adjacency
    if relation == mechanisms.ADDED and any(plan.sampler == "cyclic" for plan in plans):
        return "one client's contributions are all there or all zero (number of clients and turns are public)"
    return relation


def check_start(model, federation, plan, start):
    """Refuse to go on from what does not fit, and to draw a noise again whose result is known."""
    if start is not None:
        if not hasattr(start, "plan") or not hasattr(start, "state"):
            raise TypeError(f"start must be a History that train returned, or None; got {start!r:.80}")
        if plan.seed != start.plan.seed:
            raise ValueError(f"seed must be that of start, {start.plan.seed!r}, whose streams go on; got {plan.seed!r}")
        models.check_theta(model, start.theta)
        if _fingerprint.body(model) != _fingerprint.body(start.model):
            raise ValueError("model must have start's frozen parameters, which theta is trained beside; got others")
        clients = start.records[0]["update_norms"].shape[0]
        if federation.clients != clients:
            raise ValueError(
                f"federation must have start's {clients} clients, whose budget goes on; got {federation.clients}"
            )
        plans = [*(leg for leg, _ in start.every_leg), plan]
        if any(isinstance(each.mechanism, correlated.Correlated) for each in plans):
            raise ValueError("start must be None where noise is correlated: it is made and priced for all rounds of a plan "
                             "at once; plan them all, and go on from a checkpoint")  # fmt: skip
        relations = {each.mechanism.adjacency for each in plans if not each.reason}
        if len(relations) > 1:
            raise ValueError(f"mechanism must have start's adjacency; got {' and '.join(sorted(relations))}")
    elif plan.private and plan.seed in _RELEASED.get(_digest(models.flatten(model)), ()):
        raise ValueError(
            f"seed must be another than {plan.seed}, or None, where model starts from parameters that a private run with "
            "this seed released: the same noise would be drawn again, and both releases together would tell the updates "
            "without it. To go on, give start=history"
        )


def released(theta, start, plan):
    """Remember, while this process lives, what was released under which seed's noise; an unmoved start is no release."""
    if plan.private and plan.seed is not None and not torch.equal(theta, start):
        _RELEASED.setdefault(_digest(theta), set()).add(plan.seed)


def check_fit(model, fed, loss):
    """Refuse a model, data or loss that do not fit each other; return the loss."""
    models.check_stackable(model)
    if not isinstance(fed, data.Federation):
        raise TypeError(f"federation must be a Federation, from data.split; got {type(fed).__name__}")
    checks.finite("x", fed.x), checks.finite("y", fed.y)
    given, loss = loss, loss or clients.TaskLoss(fed.task)
    theta = models.flatten(model)
    checks.finite("the model's parameters", theta)
    for name, p in models.frozen(model):
        checks.finite(f"the model's frozen parameter {name!r}", p.detach())
    probe = fed.x_test[:1].to(theta)
    try:
        outputs = models.predict(model.cpu() if not theta.is_cuda else model, theta, probe)
    except (RuntimeError, IndexError, TypeError) as error:
        raise ValueError(
            f"model must take x of shape (samples, {fed.x.shape[-1]}), got an error from it: {error}"
        ) from error
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2 or len(outputs) != 1:
        got = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise ValueError(f"model must return (samples, out), which is (1, out) for one record, without squeeze; got {got}")
    out = outputs.shape[-1]
    if fed.task == "regression" and out != 1 and not given:
        raise ValueError(f"model must have one output for a regression, got {out}")
    if fed.task == "classification":
        low, high = int(min(fed.y.min(), fed.y_test.min())), int(max(fed.y.max(), fed.y_test.max()))
        if low < 0:
            raise ValueError(f"y must be class numbers from 0, got {low}")
        if high >= max(2, out):
            raise ValueError(f"model must have an output for each of {high + 1} classes, got {out}")
    if given:
        losses = given(outputs.unsqueeze(0), fed.y_test[:1].unsqueeze(0).to(outputs.device))
        if not isinstance(losses, torch.Tensor) or losses.shape != (1, 1):
            got = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type(losses).__name__
            raise ValueError(f"loss must return a loss for each record, (clients, samples), (1, 1) for one; got {got}")
    return loss


def check_delta(plan, fed, stacklevel=3):
    """Say so where δ is not below one over the number of units."""
    if not plan.reason:
        units = fed.clients if plan.mechanism.unit == "client" else int(fed.sizes.sum())
        if plan.delta >= 1 / max(1, units):
            warnings.warn(
                f"delta should be below 1/{units}, one over the number of units; got {plan.delta:g}",
                stacklevel=stacklevel + 1,
            )


def _kind(value):
    return f"{value!r:.80} ({type(value).__name__})"


def _linear(aggregator):
    return getattr(aggregator, "weigh", None) is not None


def _digest(theta):
    return hash(theta.detach().float().cpu().numpy().tobytes())
