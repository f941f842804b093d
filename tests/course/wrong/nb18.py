"""Planted wrong answers of notebook 18."""

import math

import numpy as np

from fldp_lib import Plan, data, mechanisms, models, train
from fldp_lib.adversary import auditing
from fldp_lib.training.scoring import interval

NAMES = ("unit", "neighbours", "epsilon", "delta", "releases", "trust")


def missing(claim, epsilon=lambda e: 0 < e < math.inf, delta=lambda d, n: 0 <= d < 1 / n):
    bad = {name for name in NAMES if claim.get(name) is None}
    if "epsilon" not in bad and not epsilon(claim["epsilon"]):
        bad.add("epsilon")
    if "delta" not in bad and not delta(claim["delta"], claim["units"]):
        bad.add("delta")
    return sorted(bad)


def choose(plans, scores, floor, limit, low=lambda m, h: m - h, right=lambda a: a.even_odds, none=math.inf):
    for plan, row in zip(plans, scores, strict=True):
        if low(*interval(row)) >= floor and right(plan.attacker()) <= limit:
            return plan.epsilon()
    return none


def naive(release, claimed):
    """The best threshold of both directions, judged on the runs that chose it."""
    without, present = release(False, 20_000, 1), release(True, 20_000, 2)
    best = 0.0
    for sign in (1, -1):
        for limit in np.quantile(sign * present, np.linspace(0.5, 0.9999, 300)):
            fpr, tpr = (sign * without > limit).mean(), (sign * present > limit).mean()
            best = max(best, np.log(tpr / fpr) if fpr else 0.0)
    return best > claimed


def _one_way(release, claimed):
    """It believes that a canary can only raise the score."""
    without, present = release(False, 20_000, 1), release(True, 20_000, 2)
    found = auditing.repeated(without, present)
    return found.lower > claimed and np.median(present) >= np.median(without)


def _plan(epsilon=2.0, clip=2.0):
    return Plan(rounds=20, lr=2.0, delta=1e-5).calibrated(epsilon, clip=clip)


def _handed(federation, seed, plan=None, model=None, **claims):
    plan = (plan or _plan()).changed(seed=seed)
    model = model or models.Linear(64, 10, seed=seed)
    history = train(model, federation, plan, progress=False)
    noise = plan.mechanism or _plan().mechanism
    return dict(model=model, plan=plan, theta=history.theta, epsilon=plan.epsilon(), delta=plan.delta, unit=noise.unit,
                neighbours=noise.adjacency, trust=noise.trust, accuracy=history.accuracy[-1]) | claims  # fmt: skip


def _pretrained(federation, seed):
    """Fitted to the digits themselves, from elsewhere; then one private step of a millionth."""
    start = train(models.Linear(64, 10), data.split(data.load("digits"), 1), rounds=50, lr=1.0, progress=False).trained()
    return _handed(federation, seed, Plan(rounds=1, lr=1e-6).calibrated(2.0, clip=2.0), start)


WRONG = {
    "18.1": [
        (lambda claim: [name for name in NAMES if not claim.get(name)], r"strongest"),
        (lambda claim: [name for name in NAMES if claim.get(name) is None], r"it is \['epsilon'\]"),
        (lambda claim: missing(claim, epsilon=lambda e: e > 0), r"'epsilon': inf"),
        (lambda claim: missing(claim, epsilon=lambda e: 0 <= e < math.inf), r"'epsilon': 0.0"),
        (lambda claim: missing(claim, delta=lambda d, n: 0 <= d < 1), r"it is \['delta'\]"),
        (lambda claim: missing(claim, delta=lambda d, n: d < 1 / n), r"'delta': -1e-09"),
        (lambda claim: missing(claim, delta=lambda d, n: 0 <= d <= 1 / n), r"it is \['delta'\]"),
        (lambda claim: [name for name in NAMES if name in claim and claim[name] is None], r"absent|it is"),
        (lambda claim: [], r"it is \['delta'\]"),
    ],
    "18.2": [
        (lambda p, s, f, x: choose(p, s, f, x, low=lambda m, h: m), r"lower end"),
        (lambda p, s, f, x: choose(p, s, f, x, right=lambda a: 0.0), r"limit is not kept"),
        (lambda p, s, f, x: choose(p, s, f, x, right=lambda a: a.bound), r"all mechanisms"),
        (lambda p, s, f, x: choose(p[::-1], s[::-1], f, x), r"not the largest"),
        (lambda p, s, f, x: choose(p, s, f, x, none=0.0), r"math.inf"),
        (lambda p, s, f, x: choose(p, s, f, x, low=lambda m, h: m + h), r"it is|lower end"),
        (lambda p, s, f, x: 2.0, r"it is|limit|lower end|largest|mechanisms"),
    ],
    "18.3": [
        (lambda release, claimed: True, r"accused each time"),
        (lambda release, claimed: False, r"gets away"),
        (naive, r"accused"),
        (_one_way, r"lowers the score"),
        (
            lambda release, claimed: auditing.repeated(release(False, 40, 1), release(True, 40, 2)).lower > claimed,
            r"enough runs|lowers",
        ),
        (lambda release, claimed: release(True, 20_000, 2).mean() > claimed, r"accused|gets away"),
    ],
    "18.4": [
        (_pretrained, r"look at:.*model.*utility"),
        (lambda fed, seed: _handed(fed, seed, _plan(8.0), epsilon=2.0), r"look at: price, utility"),
        (lambda fed, seed: _handed(fed, seed, _plan(2.0, clip=60.0)), r"look at: utility"),
        (lambda fed, seed: _handed(fed, seed, Plan(rounds=20, lr=2.0), epsilon=2.0), r"look at: promise, price"),
        (lambda fed, seed: _handed(fed, seed, accuracy=0.99), r"look at: report"),
        (lambda fed, seed: _handed(fed, seed + 1), r"look at: model"),
        (lambda fed, seed: _handed(fed, seed, delta=1e-6), r"look at: promise"),
        (
            lambda fed, seed: _handed(fed, seed, Plan(rounds=20, lr=2.0, mechanism=mechanisms.Laplace(0.1, clip=2.0))),
            r"look at:.*utility",
        ),
    ],
}
SLOW = {"18.3": 8, "18.4": 3}  # ten honest programs and six others; a dozen trainings
