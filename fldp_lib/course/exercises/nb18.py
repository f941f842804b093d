"""Notebook 18: what a promise lacks, which ε to take, a refuted claim, and the final project; the quiz is in `quiz18`."""

import functools
import math

import numpy as np
import torch

from ...adversary import auditing, faults
from ...training import scoring
from ...training.plan import Plan
from ..answers import Wrong, call, number, parts, require, same, truth
from ..teacher import Exercise
from . import final18
from .quiz18 import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
PARTS = ("delta", "epsilon", "neighbours", "releases", "trust", "unit")


def _claim(rng):
    return {
        "unit": str(rng.choice(["client", "record"])),
        "neighbours": str(rng.choice(["add or remove one", "replace one"])),
        "trust": str(rng.choice(["central", "local", "distributed"])),
        "releases": int(rng.integers(1, 500)),
        "epsilon": float(rng.uniform(0.1, 8)),
        "delta": float(10 ** rng.uniform(-9, -7)),
        "units": int(rng.integers(100, 1_000_000)),
    }


def _missing(answer):
    rng = np.random.default_rng()
    cases = [(_claim(rng), [])]
    pure = _claim(rng) | {"delta": 0.0}
    cases += [(pure, [])]
    for name in PARTS:
        cases += [(_claim(rng) | {name: None}, [name])]
    absent = [str(name) for name in sorted(rng.choice(PARTS, 3, replace=False))]
    cases += [({key: value for key, value in _claim(rng).items() if key not in absent}, absent)]
    cases += [(_claim(rng) | {"epsilon": bad}, ["epsilon"]) for bad in (math.inf, -1.0, 0.0)]
    claim = _claim(rng)
    cases += [(claim | {"delta": bad}, ["delta"]) for bad in (1.5 / claim["units"], 1 / claim["units"], -1e-9)]
    for claim, right in cases:
        got = call(answer, dict(claim))
        got = sorted(map(str, got if isinstance(got, (set, frozenset)) else parts(got, None, "the names")))
        require(not (claim is pure and "delta" in got), "δ = 0 is a promise, and the strongest one")
        shown = {name: claim.get(name, "absent") for name in (*PARTS, "units")}
        require(got == right, f"for {shown} it is {right}; you gave {got}")


@functools.cache
def _plans():
    """Twenty rounds at six total ε, ascending, and what an attacker on each can do."""
    plans = tuple(Plan(rounds=20, delta=1e-6).calibrated(epsilon, clip=1.0) for epsilon in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0))
    return plans, tuple(plan.attacker() for plan in plans)


def _chosen(lows, floor, rights, limit):
    """The smallest ε whose accuracy and whose attacker are as demanded."""
    for plan, low, right in zip(_plans()[0], lows, rights, strict=True):
        if low >= floor and right <= limit:
            return plan.epsilon()
    return math.inf


def _choose(answer):
    rng = np.random.default_rng()
    plans, attackers = _plans()
    exact, bounds = [a.even_odds for a in attackers], [a.bound for a in attackers]
    left = {"mean", "limit", "bound", "none", "last"}  # slips that no case has told apart yet
    while left:
        means = np.sort(rng.uniform(0.4, 0.95, len(plans)))
        scores = means[:, None] + rng.uniform(0.02, 0.06) * rng.normal(size=(len(plans), 6))
        lows = [middle - half for middle, half in map(scoring.interval, scores)]
        floor, limit = float(rng.uniform(0.45, 0.9)), float(rng.choice([0.54, 0.58, 0.63, 0.7]))
        right = _chosen(lows, floor, exact, limit)
        both = [plan.epsilon() for plan, low, x in zip(plans, lows, exact, strict=True) if low >= floor and x <= limit]
        slips = {
            "mean": (
                _chosen(scores.mean(1), floor, exact, limit),
                "a mean over six seeds is no promise: the interval's lower end",
            ),
            "limit": (_chosen(lows, floor, [0.0] * len(plans), limit), "the attacker's limit is not kept: plan.attacker()"),
            "bound": (
                _chosen(lows, floor, bounds, limit),
                "`bound` is of all mechanisms with that (ε, δ); against this plan's noise an attacker has `even_odds`",
            ),
            "last": (max(both, default=math.inf), "the smallest ε that does both, not the largest"),
        }
        told = {name for name, (value, _) in slips.items() if value != right} | ({"none"} if math.isinf(right) else set())
        if not told & left:
            continue
        left -= told
        got = number(call(answer, list(plans), scores.copy(), floor, limit), "the ε")
        if got == right or same(got, right):
            continue
        for name, (value, words) in slips.items():
            require(name not in told or not (got == value or same(got, value)), words)
        require(not (math.isnan(got) or (math.isinf(right) and got <= 0)), "return math.inf where no ε does both")
        raise Wrong(f"for floor {floor:.3f} and limit {limit:g} it is {right:.4g}; you gave {got:.4g}")


def _program(release, epsilon, sign):
    def run(present, runs, seed):
        generator = torch.Generator().manual_seed(int(seed))
        return sign * release(epsilon, present, runs, generator).numpy()

    return run


def _refuted(answer):
    rng = np.random.default_rng()
    accused = 0
    for case in range(10):
        epsilon, sign = float(rng.choice([0.5, 1.0, 2.0])), (1, -1)[case % 2]
        accused += truth(call(answer, _program(faults.honest, epsilon, sign), epsilon))
    require(
        accused < 10, "an honest program is accused each time: bound the rates, and judge on other runs than you chose on"
    )
    most = 3  # of ten: with 95% confidence in each, four or more are accused once in a thousand times
    require(accused <= most, f"of ten honest programs {accused} are accused; with 95% confidence that is too often")
    bad = (faults.halved_noise, faults.no_clipping, faults.mean_clipped, faults.noise_dropped, faults.wrong_scale)
    for case, fault in enumerate(bad):
        epsilon = float(rng.choice([0.5, 1.0, 2.0]))
        for sign in (1, -1) if case < 2 else (1,):
            got = truth(call(answer, _program(fault, epsilon, sign), epsilon))
            words = f"{fault.__name__.replace('_', ' ')}, ε = {epsilon:g} claimed, gets away with it"
            more = "; its canary lowers the score" if sign < 0 else "; use enough runs, 20,000 each way"
            require(got, words + more)


def refuted_by_package(release, claimed):
    """The reference for exercise 18.3, for tests: two sets of runs and `auditing.repeated`."""
    scores = release(False, 20_000, 1), release(True, 20_000, 2)
    return auditing.repeated(*scores).lower > claimed


EXERCISES = (
    Exercise(
        "18.1",
        "Write missing(claim): the parts of a promise that are absent or mean nothing.",
        _missing,
        (
            "Six names; claim.get(name) is None where one is absent.",
            "ε must be positive and finite; δ must lie in [0, 1/units).",
            "bad = {n for n in names if claim.get(n) is None}; add 'epsilon' or 'delta' where the value is no promise.",
        ),
    ),
    Exercise(
        "18.2",
        "Write choose(plans, scores, floor, limit): the smallest ε that satisfies both demands.",
        _choose,
        (
            "fldp_lib.training.scoring.interval gives mean and half-width of one row of scores.",
            "Demand one: mean − half-width ≥ floor. Demand two: plan.attacker().even_odds ≤ limit.",
            "Loop over the plans from the first and return plan.epsilon() of one that passes both; math.inf after the loop.",
        ),
    ),
    Exercise(
        "18.3",
        "Write refuted(release, claimed): whether an audit refutes the claimed ε with 95% confidence.",
        _refuted,
        (
            "Run it without and with the canary, 20,000 times each, with different seeds.",
            "auditing.repeated(without, present) holds with 95% confidence and tries both directions.",
            "return auditing.repeated(release(False, 20_000, 1), release(True, 20_000, 2)).lower > claimed.",
        ),
    ),
    Exercise(
        "18.4",
        "Write project(federation, seed): the final project; the check recomputes its claims and gives points.",
        final18.test,
        (
            "Fix the plan first. Plan(rounds=…, lr=…).calibrated(2.0, delta=1e-5, clip=…) has the noise for a total ε of 2.",
            "Start from models.Linear(64, 10, seed=seed), train once with that seed, and return history.theta with what the "
            "mechanism says of itself.",
            "If only the utility is missing: the noise is in proportion to the clip; try 2 in place of 6 or 20.",
        ),
    ),
)
