"""The terms of a run: what `server.train` refuses, and what it has the accountant count."""

import warnings

from .. import checks, data
from ..privacy import accounting, mechanisms
from . import clients, models
from .transport import compression


def price(per_record, rate, local_steps, batch_rate):
    """What the accountant counts: releases a round, and the sampling rate that amplifies."""
    return (local_steps, batch_rate) if per_record else (1, rate)


def check_plan(mechanism, rate, sampler, aggregator):
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


def check_compressor(compressor, mechanism):
    """Refuse what is no compressor, and one where secure aggregation needs whole vectors."""
    known = (compression.TopK, compression.RandomK, compression.Quantise, type(None))
    if not isinstance(compressor, known):
        raise TypeError(f"compressor must be a TopK, RandomK or Quantise, or None; got {type(compressor).__name__}")
    if compressor is not None and mechanism is not None and mechanism.at == "shares":
        raise ValueError(
            "compressor must be None where at='shares': secure aggregation adds up whole vectors, each with its noise; "
            f"got {compressor!r}"
        )


def check_workers(workers, mechanism, compressor, aggregator):
    """Refuse what workers cannot keep: what is hidden from the server here would be sent to it in the clear."""
    if workers is None:
        return
    if not callable(workers):
        raise TypeError(f"workers must be callable, or None; got {type(workers).__name__}")
    if compressor is not None:
        raise ValueError(f"compressor must be None with workers, whose messages are their own affair; got {compressor!r}")
    if getattr(aggregator, "hidden", False) or (mechanism is not None and mechanism.at == "shares"):
        raise ValueError(
            "mechanism must not be in shares, nor the aggregator hidden, with workers: they would hand this process every "
            f"update in the clear; got {mechanism!r} and {aggregator!r}"
        )


def check_fit(model, fed, loss):
    """Refuse a model, data or loss that do not fit each other; return the loss."""
    models.check_stackable(model)
    if not isinstance(fed, data.Federation):
        raise TypeError(f"federation must be a Federation, from data.split; got {type(fed).__name__}")
    checks.finite("x", fed.x), checks.finite("y", fed.y)
    given, loss = loss, loss or clients.TaskLoss(fed.task)
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


def check_delta(history, fed):
    """Say so where δ is not below one over the number of units."""
    if not history.reason:
        units = fed.clients if history.mechanism.unit == "client" else int(fed.sizes.sum())
        if history.delta >= 1 / max(1, units):
            warnings.warn(
                f"delta should be below 1/{units}, one over the number of units; got {history.delta:g}", stacklevel=3
            )
