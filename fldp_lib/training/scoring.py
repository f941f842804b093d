"""Loss and accuracy on the test set, of one model or of many rounds' models at once; intervals over runs."""

import torch

from .. import checks, data
from . import _chunks, clients, models


def evaluate(model, theta, federation, loss=None):
    """Return the mean loss and the score (accuracy, or R² for regression) of parameters `theta` on the test set.

    Args:
        model: an `nn.Module`.
        theta: (parameters,), finite.
        federation: a `Federation` or `Dataset`, for its test set and task.
        loss: as in `train`.

    Returns:
        Two floats; the score is NaN for a regression with several outputs, which only its loss makes into a prediction.

    Raises:
        TypeError, ValueError: `theta` of another length or not finite, a model that returns no (samples × outputs).
    """
    models.check_stackable(model)
    theta = checks.finite("theta", checks.tensor("theta", theta, (models.count(model),)))
    losses, scores = evaluate_all(model, theta.unsqueeze(0), federation, loss)
    return losses[0], scores[0]


def evaluate_all(model, thetas, federation, loss=None):
    """Return mean losses and scores of several models; arguments as in `evaluate`.

    Args:
        thetas: (models × parameters), finite, one model at least.

    Returns:
        Two lists of floats, one entry a model.
    """
    models.check_stackable(model)
    parameters = models.count(model)
    thetas = checks.tensor("thetas", thetas, ("models", parameters))
    if not len(thetas):
        raise ValueError(f"thetas must be one model at least, got shape {tuple(thetas.shape)}")
    checks.finite("thetas", thetas)
    checks.kind("federation", federation, (data.Federation, data.Dataset), "a Federation or a Dataset, for its test set")
    if loss is not None:
        checks.function("loss", loss, "of outputs and targets, or None")
    if federation.x_test.device != thetas.device:
        raise ValueError(f"thetas must be where the test set is, on {federation.x_test.device}, got {thetas.device}")
    return _scores(model, thetas, federation, loss)


def _scores(model, thetas, federation, loss):
    """What `evaluate_all` returns. A model that has diverged, in training, has the loss NaN and the score NaN."""
    x = federation.x_test.to(thetas.dtype).expand(len(thetas), -1, -1)  # models × samples × features
    y = federation.y_test.expand(len(thetas), -1)  # models × samples
    loss = loss or clients.TaskLoss(federation.task)
    with torch.no_grad():
        outputs = _outputs(model, thetas, x)  # models × samples × out
        losses = _losses(outputs, y, loss).mean(1)
    if federation.task == "regression" and outputs.shape[-1] > 1:  # no prediction by itself: only the loss knows
        scores = outputs.new_full((len(thetas),), torch.nan)
    elif federation.task == "regression":
        residual = (outputs.squeeze(-1) - y).square().mean(1)
        scores = 1 - residual / y[0].var(correction=0)
    else:
        finite = outputs.isfinite().flatten(1).all(1)  # NaN has no largest
        scores = (_classes(outputs) == y).double().mean(1).where(finite, torch.nan)
    return losses.tolist(), scores.tolist()


def _losses(outputs, y, loss):
    """The records' losses (models × samples), or an error that says what else came."""
    losses = loss(outputs, y)
    if not isinstance(losses, torch.Tensor) or losses.shape != y.shape:
        got = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type(losses).__name__
        raise ValueError(f"loss must return losses of shape (clients, samples), {tuple(y.shape)} here, got {got}")
    return losses


def _classes(outputs):
    """The class that outputs (… × out) say: the largest, or for one output its sign."""
    return outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs.squeeze(-1) > 0).long()


def _outputs(model, thetas, x):
    """The models' outputs (models × samples × out), or an error that says why there are none."""
    try:
        outputs = models.stacked_forward(model, models.unstack(model, thetas), x)
    except (RuntimeError, IndexError) as error:
        raise ValueError(f"model must take x of shape (samples, {x.shape[-1]}), got an error from it: {error}") from error
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 3 or outputs.shape[:2] != x.shape[:2]:
        got = tuple(outputs.shape[1:]) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise ValueError(
            f"model must return outputs of shape (samples, out), ({x.shape[1]}, out) here, without squeeze; got {got}"
        )
    return outputs.contiguous()


def score_clients(model, thetas, federation, loss=None):
    """Return the mean loss and the score of every client's parameters on that client's own records.

    Args:
        model: an `nn.Module`.
        thetas: each client's parameters (clients × parameters), or one vector for all (parameters,); finite.
        federation: a `Federation` of the clients' own test records, from `Federation.held_out`.
        loss: as in `train`.

    Returns:
        Two arrays (clients,): mean losses, and accuracies, or R² against the client's own mean; NaN where a client has no
        records, or for R² no two that differ.

    Raises:
        TypeError, ValueError: parameters of another shape or not finite, a model that returns no (samples × outputs).

    Derived in: notebook 21.
    """
    models.check_stackable(model)
    fed = checks.kind("federation", federation, data.Federation, "a Federation, from data.split")
    parameters = models.count(model)
    one = getattr(thetas, "ndim", 2) == 1
    thetas = checks.finite("thetas", checks.tensor("thetas", thetas, (parameters,) if one else (fed.clients, parameters)))
    if loss is not None:
        checks.function("loss", loss, "of outputs and targets, or None")
    if fed.x.device != thetas.device:
        raise ValueError(f"thetas must be where the records are, on {fed.x.device}, got {thetas.device}")
    with torch.no_grad():
        outputs = _outputs(model, thetas.expand(fed.clients, -1), fed.x.to(thetas.dtype))  # clients × samples × out
        losses = _losses(outputs, fed.y, loss or clients.TaskLoss(fed.task))
    count, y = fed.sizes.clamp(min=1), fed.y.double()

    def mean(values):
        return values.double().where(fed.mask, 0.0).sum(1) / count

    if fed.task == "classification":
        scores = mean(_classes(outputs) == fed.y)
    else:
        own = mean((y - mean(y).unsqueeze(1)).square())
        scores = (1 - mean((outputs[..., 0] - y).square()) / own).where(own > 0, torch.nan)
    some = fed.sizes > 0
    return tuple(found.where(some, torch.nan).cpu().numpy() for found in (mean(losses), scores))


def interval(values, level=0.95):
    """Return the mean of independent runs and the half-width of its Student interval.

    Args:
        values: one number a run (runs,), at least 2 runs.
        level: probability that the interval covers the mean if the runs are normal, in (0, 1).

    Returns:
        Two floats: mean and half-width.

    Raises:
        ValueError: fewer than 2 values, or NaN or infinity among them.

    Derived in: notebook 09.
    Source: Student 1908.
    """
    from scipy import stats

    values = list(values) if hasattr(values, "__next__") else values
    values = checks.finite("values", checks.tensor("values", values, ("runs",), "double"))
    level = checks.real("level", level, above=0, below=1)
    if len(values) < 2:
        raise ValueError(f"values must be at least 2 runs, got {len(values)}")
    half = stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std() / len(values) ** 0.5
    return float(values.mean()), float(half)


class Record(dict):
    """What `History` keeps of a round; its "loss" and "score" are computed when asked for, or by the `Scorer` at the end."""

    def __missing__(self, key):
        if key not in ("loss", "score"):
            raise KeyError(key)
        self["loss"], self["score"] = self.compute()
        return self[key]


class Scorer:
    """Scores a run's rounds many at a time.

    Args:
        model, federation, loss: as in `evaluate`.
    """

    def __init__(self, model, federation, loss):
        self.about, self.pending = (model, federation, loss), []
        self.between = len(federation.y_test) * _chunks.record_numbers(model, federation)  # of one model's test records

    def add(self, record, theta):
        """Return the record of a round that ended with `theta`; it is scored later."""
        model, federation, loss = self.about
        record = Record(record)
        record.compute = lambda: [found[0] for found in _scores(model, theta.unsqueeze(0), federation, loss)]
        self.pending.append((record, theta))
        many = len(self.pending)
        if many * max(theta.numel(), federation.x_test.numel()) > 2**22 or many * self.between > 2**24:
            self.finish()
        return record

    def finish(self):
        """Score what is pending."""
        model, federation, loss = self.about
        for record, _ in self.pending:
            del record.compute  # it holds the data, and a history is copied and saved
        waiting, self.pending = [(record, theta) for record, theta in self.pending if "loss" not in record], []
        if waiting:
            found = _scores(model, torch.stack([theta for _, theta in waiting]), federation, loss)
            for (record, _), mean_loss, score in zip(waiting, *found, strict=True):
                record["loss"], record["score"] = mean_loss, score
