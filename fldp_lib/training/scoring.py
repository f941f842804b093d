"""Loss and accuracy on the test set, of one model or of many rounds' models at once; intervals over runs."""

import torch

from .. import checks
from . import clients, models


def evaluate(model, theta, federation, loss=None):
    """Return the mean loss and the score (accuracy, or R² for regression) of parameters `theta` on the test set.

    Args:
        model: an `nn.Module`.
        theta: (parameters,).
        federation: a `Federation` or `Dataset`, for its test set and task.
        loss: as in `train`.

    Returns:
        Two floats; the score is NaN for a regression with several outputs, which only its loss makes into a prediction.
    """
    losses, scores = evaluate_all(model, theta.unsqueeze(0), federation, loss)
    return losses[0], scores[0]


def evaluate_all(model, thetas, federation, loss=None):
    """Return mean losses and scores of several models; arguments as in `evaluate`.

    Args:
        thetas: (models × parameters).

    Returns:
        Two lists of floats, one entry a model.
    """
    x = federation.x_test.to(thetas.dtype).expand(len(thetas), -1, -1)  # models × samples × features
    y = federation.y_test.expand(len(thetas), -1)  # models × samples
    loss = loss or clients.TaskLoss(federation.task)
    with torch.no_grad():
        outputs = models.stacked_forward(model, models.unstack(model, thetas), x).contiguous()  # models × samples × out
        losses = loss(outputs, y).mean(1)
    if federation.task == "regression" and outputs.shape[-1] > 1:  # no prediction by itself: only the loss knows
        scores = outputs.new_full((len(thetas),), torch.nan)
    elif federation.task == "regression":
        residual = (outputs.squeeze(-1) - y).square().mean(1)
        scores = 1 - residual / y[0].var(correction=0)
    else:
        guess = outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs.squeeze(-1) > 0).long()
        scores = (guess == y).double().mean(1)
    return losses.tolist(), scores.tolist()


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

    values = checks.finite("values", torch.as_tensor([float(value) for value in values], dtype=torch.float64))
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

    def add(self, record, theta):
        """Return the record of a round that ended with `theta`; it is scored later."""
        model, federation, loss = self.about
        record = Record(record)
        record.compute = lambda: evaluate(model, theta, federation, loss)
        self.pending.append((record, theta))
        if len(self.pending) * max(theta.numel(), federation.x_test.numel()) > 2**22:
            self.finish()
        return record

    def finish(self):
        """Score what is pending."""
        model, federation, loss = self.about
        for record, _ in self.pending:
            del record.compute  # it holds the data, and a history is copied and saved
        waiting, self.pending = [(record, theta) for record, theta in self.pending if "loss" not in record], []
        if waiting:
            found = evaluate_all(model, torch.stack([theta for _, theta in waiting]), federation, loss)
            for (record, _), mean_loss, score in zip(waiting, *found, strict=True):
                record["loss"], record["score"] = mean_loss, score
