"""What a final project hands in (notebook 18), read once into plain values: none of its objects stays in use."""

import math

import numpy as np
import torch

from ...training import aggregation, models
from ...training.plan import Plan
from ...training.server import train
from ..answers import Wrong

RELEASE = ("model", "plan", "theta", "epsilon", "delta", "unit", "neighbours", "trust", "accuracy")
PLAN = (
    "rounds", "local_steps", "lr", "mechanism", "sampling_rate", "sampler", "delta", "batch_rate", "proximal", "server_lr",
    "local", "server", "seed",
)  # fmt: skip
WIDEST = 512  # of a hidden layer


class Handed:
    """What the learner's function returned, read once into plain values.

    Args:
        given: the dict.

    Raises:
        Wrong: it is no plain dict with the entries of `RELEASE`.
    """

    def __init__(self, given):
        if type(given) is not dict or not all(type(name) is str for name in given):
            raise Wrong(f"return a plain dict with {', '.join(RELEASE)}; got {type(given).__name__}")
        absent = [name for name in RELEASE if name not in given]
        if absent:
            raise Wrong(f"the dict lacks {', '.join(absent)}")
        self.more = [name for name in given if name not in RELEASE]
        self.plan, self.reason = _plan(given["plan"])
        self.sizes = _sizes(given["model"])
        self.theta = _vector(given["theta"])
        self.epsilon, self.delta, self.accuracy = (_real(given[name]) for name in ("epsilon", "delta", "accuracy"))
        texts = (given[name] for name in ("unit", "neighbours", "trust"))
        self.unit, self.neighbours, self.trust = (text if type(text) is str else "" for text in texts)

    def start(self, seed):
        """An untrained model of these sizes."""
        kind, sizes = self.sizes
        return kind(*sizes, seed=seed)

    def trained(self, fed, seed):
        """The history of a run by this plan from a fresh start, both by the seed, or None and the reason."""
        if self.plan is None or self.sizes is None:
            return None, self.reason or "the model must be a models.Linear(64, 10) or models.MLP(64, …, 10)"
        try:
            return train(self.start(seed), fed, self.plan.changed(seed=seed), progress=False), ""
        except (TypeError, ValueError) as error:
            return None, f"train refuses the plan: {error}"


def _plan(given):
    """The plan by its written form, whatever objects it was made of, and an empty string; or None and the reason."""
    if type(given) not in (Plan, dict):
        return None, "the plan must be a Plan, or a dict of arguments of train"
    try:
        if type(given) is dict:
            strange = [str(name) for name in given if type(name) is not str or name not in PLAN]
            if strange:
                return None, f"the plan may hold {', '.join(PLAN)}; not {', '.join(strange)}"
            given = Plan.of(**given)
        plan = Plan.from_json(Plan.to_json(given))
    except (TypeError, ValueError) as error:
        return None, f"the plan is none: {error}"
    if plan.aggregator != aggregation.mean or plan.compressor is not None or plan.loss is not None:
        return None, "the plan's aggregator, compressor and loss are those that train takes by itself"
    return plan.changed(aggregator=aggregation.mean), ""


def _sizes(model):
    """The class and the sizes of a model of the package for these images, or None."""
    if type(model) is models.Linear and tuple(model.fc.weight.shape) == (10, 64):
        return models.Linear, (64, 10)
    if type(model) is models.MLP and model.fc1.weight.shape[1] == 64 and model.fc2.weight.shape[0] == 10:
        hidden = int(model.fc1.weight.shape[0])
        return (models.MLP, (64, hidden, 10)) if hidden <= WIDEST else None
    return None


def _real(value):
    """A number as a Python float; NaN for what is none of Python's, NumPy's or torch's own."""
    try:
        return float(value) if type(value).__module__ in ("builtins", "numpy", "torch") else math.nan
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def _vector(value):
    """Parameters as a new tensor of doubles (parameters,), or None."""
    try:
        found = torch.as_tensor(value.detach() if type(value) is torch.Tensor else np.array(value, dtype=float))
        return found.to("cpu", torch.float64, copy=True) if found.ndim == 1 else None
    except (TypeError, ValueError, RuntimeError):
        return None
