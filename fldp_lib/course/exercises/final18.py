"""The objective part of the final project (notebook 18): what a private federation claims, recomputed.

`grade` calls the learner's function on a fresh split with a fresh seed and takes from it, once, plain values only: a plan,
the sizes of a model, parameters and claims. Everything else is the check's own: the start, the federations, the seeds, the
mechanism rebuilt from its numbers. It prices the plan, trains by it, measures how much it gains over an untrained model on
images that the function never saw, and asks whether the plan would be the same for other data. It guards against errors and
wishful thinking, not against somebody who replaces parts of Python: that one deceives only herself.
"""

import dataclasses
import math
import warnings

import numpy as np
import torch

from ... import data
from ...privacy import adaptive, mechanisms
from ...training import models, scoring
from ..answers import NotTried, Wrong, call
from .handed18 import Handed

BUDGET, FLOOR, GAIN, RUNS = 2.0, 0.80, 0.60, 5
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
        project: called with (federation, seed); returns a dict with the entries of `handed18.RELEASE`.
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
        given = Handed(call(project, _copy(fed), own))
        price = _price(given)
        checks = {
            "promise": _promise(given, fed),
            "price": _priced(given, *price),
            "model": _model(given, fed, own),
            "blind plan": _blind(project, given, fed, own),
            "release": _release(given),
            "report": _report(given, fed, own),
            "utility": _utility(given, price[0], rng),
        }
    return Grade((name, CRITERIA[name] * right, CRITERIA[name], words) for name, (right, words) in checks.items())


def test(answer):
    """What exercise 18.4 calls: print the points, and be content with all of them only."""
    result = grade(answer)
    print(result)
    if result.lost:
        raise Wrong(f"{result.points} points; look at: {', '.join(result.lost)}")


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


def _price(given):
    """ε of the plan and an empty string, or infinity and the reason."""
    if given.plan is None:
        return math.inf, given.reason
    if type(given.plan.mechanism) not in NOISES:
        return math.inf, f"the plan's mechanism is {given.plan.mechanism!r}, not one of the package's"
    return (math.inf, given.plan.reason) if given.plan.reason else (given.plan.epsilon(), "")


def _promise(given, fed):
    mechanism = given.plan and given.plan.mechanism
    if type(mechanism) not in NOISES:
        return False, "there is no mechanism of the package to promise anything"
    if not 0 <= given.delta < 1 / fed.clients:
        return False, f"δ must lie below 1/{fed.clients}, one over the number of clients"
    if not math.isclose(given.delta, given.plan.delta, rel_tol=1e-5):
        return False, "the δ that is claimed is not the plan's"
    if not math.isfinite(mechanism.clip):
        return False, "without a finite clip there is no sensitivity"
    if given.unit != "client" or mechanism.unit != "client":
        return False, "the scenario's unit is a client; claim it, and protect it"
    if given.neighbours != mechanism.adjacency:
        return False, f"this mechanism's neighbours: {mechanism.adjacency}"
    if given.trust != mechanism.trust:
        return False, f"this mechanism's trust model: {mechanism.trust}"
    return True, "unit, neighbours, δ, clip and trust are stated and fit the mechanism"


def _priced(given, right, reason):
    if reason:
        return False, reason
    if right > BUDGET:
        return False, f"the plan costs ε = {right:.2f}, the budget is {BUDGET:g}"
    if not right * (1 - 1e-6) <= given.epsilon <= right * 1.01:
        return False, f"the plan costs ε = {right:.3f}, claimed is {given.epsilon:.3f}"
    return True, f"the ε claimed is what the plan costs, and within {BUDGET:g}"


def _model(given, fed, seed):
    history, reason = given.trained(fed, seed)
    if history is None:
        return False, reason
    if given.theta is None or given.theta.shape != history.theta.shape:
        return False, f"theta must be {len(history.theta)} numbers"
    if not torch.allclose(given.theta, history.theta.double(), rtol=1e-4, atol=1e-5):
        return (
            False,
            "these are not the parameters that this plan gives from the start models.…(…, seed=seed), with that seed",
        )
    return True, "trained again from a fresh start by the plan, with the seed handed over, the parameters are the same"


def _blind(project, given, fed, seed):
    try:
        other = Handed(call(project, _copy(_other(fed)), seed))
        same = given.plan is not None and (given.plan, given.sizes) == (other.plan, other.sizes)
    except (Wrong, NotTried):
        same = False
    if not same:
        return False, "for other data the plan or the model is another: it was chosen by looking at them"
    return True, "for other data plan and model are the same"


def _release(given):
    if given.more:
        return False, f"{', '.join(given.more)}: nobody has paid for it"
    return True, "nothing beyond the model and its claims"


def _report(given, fed, seed):
    try:
        measured = scoring.evaluate(given.start(seed), given.theta.float(), fed)[1]
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return False, "the accuracy cannot be measured"
    if not abs(given.accuracy - measured) < 5e-4:
        return False, f"on the test images these parameters have {measured:.3f}, reported is {given.accuracy:.3f}"
    return True, "the accuracy reported is the one measured again"


def _utility(given, price, rng):
    if price > BUDGET:
        return False, "does not count: the plan is not within the budget"
    scores, gains = [], []
    for _ in range(RUNS):  # each on another split, from another start
        fed, seed = _federation(rng)[1], int(rng.integers(1, 2**20))
        history, reason = given.trained(fed, seed)
        if history is None:
            return False, reason
        scores.append(history.records[-1]["score"])
        start = given.start(seed)
        gains.append(scores[-1] - scoring.evaluate(start, models.flatten(start), fed)[1])
    for words, values, least in (("accuracy", scores, FLOOR), ("gain over the untrained start", gains, GAIN)):
        middle, half = scoring.interval(values)
        if not middle - half >= least:
            return False, f"{RUNS} runs on images held back: {words} {middle:.3f} ± {half:.3f}, to lie above {least:.2f}"
    return (
        True,
        f"{RUNS} runs on images held back: the 95% intervals of accuracy and gain lie above {FLOOR:.2f} and {GAIN:.2f}",
    )
