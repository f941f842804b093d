"""Notebook 18: what a promise lacks, which ε to take, a refuted claim, and the final project; the quiz is in `quiz18`."""

import math

import numpy as np
import torch

from ...adversary import auditing, faults
from ...privacy import accounting
from ...training import scoring
from ..answers import Wrong, call, number, require, same
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
    cases += [(_claim(rng) | {"epsilon": math.inf}, ["epsilon"]), (_claim(rng) | {"epsilon": -1.0}, ["epsilon"])]
    claim = _claim(rng)
    cases += [(claim | {"delta": 1.5 / claim["units"]}, ["delta"]), (claim | {"delta": -1e-9}, ["delta"])]
    for claim, right in cases:
        got = call(answer, dict(claim))
        if not isinstance(got, (list, tuple, set)):
            raise Wrong(f"return a list of names, got {type(got).__name__}")
        got = sorted(map(str, got))
        require(not (claim is pure and "delta" in got), "δ = 0 is a promise, and the strongest one")
        shown = {name: claim.get(name, "absent") for name in (*PARTS, "units")}
        require(got == right, f"for {shown} it is {right}; you gave {got}")


def _chosen(budgets, lows, floor, limit, delta):
    for epsilon, low in zip(budgets, lows, strict=True):
        if low >= floor and accounting.best_guess(epsilon, delta) <= limit:
            return epsilon
    return math.inf


def _choose(answer):
    rng = np.random.default_rng()
    delta, budgets = 1e-6, np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
    seen = set()
    for case in range(40):
        spread = rng.uniform(0.02, 0.06)
        means = np.sort(rng.uniform(0.4, 0.95, len(budgets)))
        scores = means[:, None] + spread * rng.normal(size=(len(budgets), 6))
        lows = [middle - half for middle, half in map(scoring.interval, scores)]
        floor = float(rng.uniform(0.45, 0.9))
        limit = float(rng.choice([0.6, 0.75, 0.9, 0.99]))
        right = _chosen(budgets, lows, floor, limit, delta)
        by_mean = _chosen(budgets, scores.mean(1), floor, limit, delta)
        unlimited = _chosen(budgets, lows, floor, 1.0, delta)
        if case >= 8 and {"mean", "limit", "none"} <= seen:
            break
        for name, differs in (("mean", by_mean != right), ("limit", unlimited != right), ("none", math.isinf(right))):
            if differs:
                seen.add(name)
        got = number(call(answer, budgets.copy(), scores.copy(), floor, limit, delta), "the ε")
        if same(got, right) or got == right:
            continue
        require(
            not same(got, by_mean) and got != by_mean, "a mean over six seeds is not a promise: the interval's lower end"
        )
        require(got != unlimited, "the attacker's limit is not kept: best_guess(ε, δ)")
        require(not math.isnan(got), "return math.inf where no ε does both")
        raise Wrong(f"for floor {floor:.3f} and limit {limit:g} it is {right:g}; you gave {got:g}")


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
        got = call(answer, _program(faults.honest, epsilon, sign), epsilon)
        require(got in (True, False), f"return True or False, got {got!r}")
        accused += bool(got)
    require(
        accused < 10, "an honest program is accused each time: bound the rates, and judge on other runs than you chose on"
    )
    require(accused <= 1, f"of ten honest programs {accused} are accused; with 95% confidence that is too often")
    bad = (faults.halved_noise, faults.no_clipping, faults.mean_clipped, faults.noise_dropped, faults.wrong_scale)
    for case, fault in enumerate(bad):
        epsilon = float(rng.choice([0.5, 1.0, 2.0]))
        for sign in (1, -1) if case < 2 else (1,):
            got = call(answer, _program(fault, epsilon, sign), epsilon)
            words = f"{fault.__name__.replace('_', ' ')}, ε = {epsilon:g} claimed, gets away with it"
            more = "; its canary lowers the score" if sign < 0 else "; use enough runs, 20,000 each way"
            require(bool(got), words + more)


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
        "Write choose(budgets, scores, floor, limit, delta): the smallest ε that satisfies both demands.",
        _choose,
        (
            "fldp_lib.training.scoring.interval gives mean and half-width of one row of scores.",
            "Demand one: mean − half-width ≥ floor. Demand two: accounting.best_guess(ε, δ) ≤ limit.",
            "Loop over the budgets from the smallest and return the first that passes both; math.inf after the loop.",
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
            "Train once with the seed handed over, and return history.theta with what the mechanism says of itself.",
            "If only the utility is missing: the noise is in proportion to the clip; try 2 in place of 6 or 20.",
        ),
    ),
)
