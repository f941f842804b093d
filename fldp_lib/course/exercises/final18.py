"""The objective part of the final project (notebook 18): what a private federation claims, recomputed.

`grade` calls the learner's function on a fresh split with a fresh seed, then does again whatever can be done again: it
prices the plan, trains by it, measures on images that the function never saw, and asks whether the plan would be the
same for other data. Nothing is believed. It guards against errors and wishful thinking, not against somebody who replaces
parts of Python: that one deceives only herself.
"""

import dataclasses
import math
import warnings

import numpy as np
import torch

from ... import data
from ...privacy import accounting, adaptive, mechanisms
from ...training import models, scoring
from ...training.plan import Plan
from ...training.server import train
from ..answers import NotTried, Wrong, call

BUDGET, FLOOR, RUNS = 2.0, 0.80, 5
RELEASE = ("model", "plan", "theta", "epsilon", "delta", "unit", "neighbours", "trust", "accuracy")
PLAN = (
    "rounds",
    "local_steps",
    "lr",
    "mechanism",
    "sampling_rate",
    "sampler",
    "delta",
    "batch_rate",
    "proximal",
    "server_lr",
)
NOISES = (mechanisms.Gaussian, mechanisms.Laplace, adaptive.AdaptiveGaussian)
CRITERIA = {"promise": 10, "price": 15, "model": 10, "blind plan": 5, "release": 5, "report": 5, "utility": 10}


class Grade(list):
    """The seven marks, each a tuple (criterion, points, of, words); `print` shows a table."""

    @property
    def points(self):
        """Points in all."""
        return sum(points for _, points, _, _ in self)

    @property
    def lost(self):
        """The criteria without full marks."""
        return [name for name, points, of, _ in self if points < of]

    def __str__(self):
        lines = [f"{points:>3} of {of:>2}  {name}: {words}" for name, points, of, words in self]
        return "\n".join([*lines, f"{self.points:>3} of {sum(CRITERIA.values())}"])


def grade(project, seed=None):
    """Grade a final project.

    Args:
        project: called with (federation, seed); returns a dict with the entries of `RELEASE`.
        seed: of the split, the run and the runs that measure; None draws one.

    Returns:
        A `Grade`.

    Raises:
        NotTried, Wrong: the stub is untouched; the function fails or returns no such dict.
    """
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a δ that is too large is named below
        fed, _ = _federation(rng)
        own = int(rng.integers(1, 2**20))
        given = call(project, _copy(fed), own)
        given = _plain(given)
        if not isinstance(given, dict) or not isinstance(given.get("plan"), dict):
            raise Wrong(
                f"return a dict with {', '.join(RELEASE)}, where the plan is a Plan, or a dict of arguments of train"
            )
        absent = [name for name in RELEASE if name not in given]
        if absent:
            raise Wrong(f"the dict lacks {', '.join(absent)}")
        price = _price(given["plan"])
        checks = {
            "promise": _promise(given, fed),
            "price": _priced(given, price),
            "model": _model(given, fed, own),
            "blind plan": _blind(project, given, fed, own),
            "release": _release(given),
            "report": _report(given, fed),
            "utility": _utility(given, price, rng),
        }
    return Grade((name, CRITERIA[name] * right, CRITERIA[name], words) for name, (right, words) in checks.items())


def test(answer):
    """What exercise 18.4 calls: print the points, and be content with all of them only."""
    result = grade(answer)
    print(result)
    if result.lost:
        raise Wrong(f"{result.points} points; look at: {', '.join(result.lost)}")


def _plain(given):
    """What the learner returned, with a `Plan` as the dict of arguments that makes the same; a seed comes anew."""
    if not isinstance(given, dict) or type(given.get("plan")) is not Plan:
        return given
    plan, usual = given["plan"], Plan(rounds=1)
    said = {"local_steps": plan.local.steps, "proximal": getattr(plan.local, "mu", 0.0), "server_lr": plan.server.lr}
    said |= {name: getattr(plan, name) for name in PLAN if hasattr(plan, name)}
    others = ("aggregator", "compressor", "loss")  # not among those that the project may choose
    said |= {name: getattr(plan, name) for name in others if getattr(plan, name) != getattr(usual, name)}
    return given | {"plan": said}


def _federation(rng):
    """A fresh split, three images a client: with the half of the test images that is handed over, and with the other."""
    digits = data.load("digits", seed=int(rng.integers(2**20)))
    fed = data.split(digits, 479, seed=int(rng.integers(2**20)))
    half = len(fed.x_test) // 2
    known = dataclasses.replace(fed, x_test=fed.x_test[:half], y_test=fed.y_test[:half])
    return known, dataclasses.replace(fed, x_test=fed.x_test[half:], y_test=fed.y_test[half:])


def _copy(fed):
    """The learner's own copy, so that nothing done to it changes what is measured."""
    return dataclasses.replace(fed, **{name: getattr(fed, name).clone() for name in ("x", "y", "mask", "x_test", "y_test")})


def _other(fed):
    """A federation of as many clients with other images and labels, test set included."""
    return dataclasses.replace(
        fed, x=1 - fed.x.flip(-1), y=(fed.y + 1) % 10, x_test=1 - fed.x_test.flip(-1), y_test=(fed.y_test + 1) % 10
    )


def _rebuilt(mechanism):
    """The mechanism made anew from its fields: a method replaced on the learner's object is not taken over."""
    return type(mechanism)(**{field.name: getattr(mechanism, field.name) for field in dataclasses.fields(mechanism)})


def _price(plan):
    """ε of the plan and an empty string, or infinity and the reason."""
    mechanism = plan.get("mechanism")
    if type(mechanism) not in NOISES:
        return math.inf, f"the plan's mechanism is {mechanism!r}, not one of the package's"
    if not mechanism.private:
        return math.inf, "the plan's mechanism adds no noise"
    try:
        releases = plan["rounds"] * (plan.get("local_steps", 1) if mechanism.unit == "record" else 1)
        rate = plan.get("batch_rate" if mechanism.unit == "record" else "sampling_rate", 1.0)
        sampler = plan.get("sampler", "poisson")
        return accounting.epsilon(_rebuilt(mechanism), releases, rate, plan.get("delta", 1e-5), sampler=sampler), ""
    except (KeyError, TypeError, ValueError) as error:
        return math.inf, f"the plan cannot be priced: {error}"


def _runs(given, fed, seed):
    """Train by the plan; the history, or None and the reason."""
    plan, model = dict(given["plan"]), given["model"]
    strange = [name for name in plan if name not in PLAN]
    if strange:
        return None, f"the plan may hold {', '.join(PLAN)}; not {', '.join(map(str, strange))}"
    if type(model) not in (models.Linear, models.MLP):
        return None, "the model must be a models.Linear or models.MLP, as it was before training"
    if type(plan.get("mechanism")) in NOISES:
        plan["mechanism"] = _rebuilt(plan["mechanism"])
    try:
        return train(model, fed, seed=seed, progress=False, **plan), ""
    except (TypeError, ValueError) as error:
        return None, f"train refuses the plan: {error}"


def _promise(given, fed):
    mechanism, delta = given["plan"].get("mechanism"), given["delta"]
    if type(mechanism) not in NOISES:
        return False, "there is no mechanism of the package to promise anything"
    if not isinstance(delta, (int, float)) or not 0 <= delta < 1 / fed.clients:
        return False, f"δ must lie below 1/{fed.clients}, one over the number of clients"
    if delta != given["plan"].get("delta", 1e-5):
        return False, "the δ that is claimed is not the plan's"
    if not math.isfinite(mechanism.clip):
        return False, "without a finite clip there is no sensitivity"
    if given["unit"] != "client" or mechanism.unit != "client":
        return False, "the scenario's unit is a client; claim it, and protect it"
    if given["neighbours"] != mechanism.adjacency:
        return False, f"this mechanism's neighbours: {mechanism.adjacency}"
    if given["trust"] != mechanism.trust:
        return False, f"this mechanism's trust model: {mechanism.trust}"
    return True, "unit, neighbours, δ, clip and trust are stated and fit the mechanism"


def _priced(given, price):
    right, reason = price
    if reason:
        return False, reason
    try:
        claimed = float(given["epsilon"])
    except (TypeError, ValueError):
        return False, f"ε must be a number, got {given['epsilon']!r}"
    if right > BUDGET:
        return False, f"the plan costs ε = {right:.2f}, the budget is {BUDGET:g}"
    if not right * (1 - 1e-6) <= claimed <= right * 1.01:
        return False, f"the plan costs ε = {right:.3f}, claimed is {claimed:.3f}"
    return True, f"the ε claimed is what the plan costs, and within {BUDGET:g}"


def _model(given, fed, seed):
    history, reason = _runs(given, fed, seed)
    if history is None:
        return False, reason
    theta = given["theta"]
    if not isinstance(theta, torch.Tensor) or theta.shape != history.theta.shape:
        return False, f"theta must be a tensor of {len(history.theta)} numbers"
    if not torch.allclose(theta.to(history.theta.dtype), history.theta, rtol=1e-4, atol=1e-5):
        return False, "these are not the parameters that this plan gives with the seed handed over"
    return True, "trained again by the plan with the seed handed over, the parameters are the same"


def _blind(project, given, fed, seed):
    try:
        other = _plain(call(project, _copy(_other(fed)), seed))
        start = [models.flatten(result["model"]) for result in (given, other)]
        same = given["plan"] == other["plan"] and torch.equal(*start)
    except (Wrong, NotTried, KeyError, TypeError, AttributeError, RuntimeError):
        same = False
    if not same:
        return False, "for other data the plan or the start is another: it was chosen by looking at them"
    return True, "for other data plan and start are the same"


def _release(given):
    more = [str(name) for name in given if name not in RELEASE]
    if more:
        return False, f"{', '.join(more)}: nobody has paid for it"
    return True, "nothing beyond the model and its claims"


def _report(given, fed):
    try:
        measured = scoring.evaluate(given["model"], given["theta"], fed)[1]
        right = abs(float(given["accuracy"]) - measured) < 5e-4
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return False, "the accuracy cannot be measured"
    if not right:
        return False, f"on the test images these parameters have {measured:.3f}, reported is {given['accuracy']}"
    return True, "the accuracy reported is the one measured again"


def _utility(given, price, rng):
    if price[0] > BUDGET:
        return False, "does not count: the plan is not within the budget"
    scores = []
    for _ in range(RUNS):  # each on another split
        history, reason = _runs(given, _federation(rng)[1], int(rng.integers(1, 2**20)))
        if history is None:
            return False, reason
        scores.append(history.records[-1]["score"])
    middle, half = scoring.interval(scores)
    if not middle - half >= FLOOR:
        return False, f"{RUNS} runs on images held back: {middle:.3f} ± {half:.3f}, to lie above {FLOOR:.2f}"
    return True, f"{RUNS} runs on images held back: the 95% interval lies above {FLOOR:.2f}"
