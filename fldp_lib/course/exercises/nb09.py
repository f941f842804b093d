"""Notebook 09: recall at a specificity, noise in a weighted mean, promises across units, who joins."""

import math

import numpy as np
import torch

from ..answers import Wrong, call, compare, number, same
from ..teacher import Exercise, Question


def _recall_at(answer):
    rng = np.random.default_rng()
    for _ in range(4):
        n, specificity = int(rng.integers(80, 200)), float(rng.uniform(0.7, 0.95))
        sick = torch.from_numpy(rng.random(n) < 0.4)
        risk = torch.from_numpy(rng.normal(size=n)) + sick * 1.2
        got = number(call(answer, risk.clone(), sick.clone(), specificity), "the recall")

        def above(group, level, risk=risk, sick=sick):
            return float((risk[sick] > torch.quantile(risk[group], level)).double().mean())

        everybody = torch.ones_like(sick)
        right = above(~sick, specificity)
        slips = (
            (above(everybody, specificity), "the limit is a quantile of everybody; specificity concerns the healthy ones"),
            (above(sick, specificity), "the limit is a quantile of the sick; specificity concerns the healthy ones"),
            (above(~sick, 1 - specificity), "at that limit only 1 − specificity of the healthy are below it"),
            (1 - right, "that is the share of the sick who are missed"),
            (float((risk[sick] > 0).double().mean()), "that is recall at a risk of one half, whatever its specificity"),
        )
        compare(
            got,
            right,
            slips,
            f"for {n} people at specificity {specificity:.3f} it is {right:.4f}; you gave {got:.4f}",
            rel=1e-5,
        )


def _noise_in_mean(answer):
    rng = np.random.default_rng()
    for count in (3, 9):
        sizes = [int(n) for n in rng.integers(5, 120, count)]
        multiplier, clip = float(rng.uniform(1, 20)), float(rng.uniform(0.2, 3))
        got, n = number(call(answer, list(sizes), multiplier, clip), "the deviation"), sum(sizes)
        right = multiplier * clip * math.sqrt(count) / n
        slips = (
            (multiplier * clip / n, "one draw for all: each hospital adds its own, and variances add"),
            (multiplier * clip * count / n, "deviations do not add; variances of independent noises do"),
            (multiplier * clip * math.sqrt(sum(1 / k**2 for k in sizes)) / count, "that is the noise of the plain mean"),
            (multiplier * clip * math.sqrt(count), "that is the noise of the sum; the mean divides by all patients"),
            (multiplier * math.sqrt(count) / n, "the clip is missing: the multiplier counts in units of it"),
        )
        compare(got, right, slips, f"for sizes {sizes} it is {right:.5g}; you gave {got:.5g}", rel=1e-5)


def _implied(answer):
    rng = np.random.default_rng()
    for given, asked in (("patient", "hospital"), ("hospital", "patient"), ("patient", "patient"), ("hospital", "hospital")):
        promise, size = float(rng.uniform(0.1, 3)), int(rng.integers(5, 200))
        got = number(call(answer, promise, given, asked, size), "ε")
        right = {"patienthospital": size * promise, "hospitalpatient": 2 * promise}.get(given + asked, promise)
        if same(got, right):
            continue
        where = f"from a {given} to a {asked}, hospitals of at most {size}"
        if given == "hospital" and same(got, promise):
            raise Wrong(
                f"{where}: one patient leaving *changes* the hospital's data: the hospital goes, and comes back without her"
            )
        if given == "hospital" and same(got, promise / size):
            raise Wrong(f"{where}: a promise for the whole hospital is not divided among its patients")
        if given == "patient" and same(got, promise):
            raise Wrong(f"{where}: a hospital is up to {size} patients, each of whom costs ε")
        raise Wrong(f"{where} a promise of {promise:.3g} implies {right:.5g}; you gave {got:.5g}")


def _everybody_joins(answer):
    rng = np.random.default_rng()
    for case in range(4):
        budgets = sorted(float(b) for b in rng.uniform(0.2, 10, 6))
        level, slope = float(rng.uniform(0.05, 0.1)), float(rng.uniform(0.05, 0.2))

        def shared(epsilon, level=level, slope=slope):
            return level + slope / epsilon

        pick = int(rng.integers(1, 5))
        edge = (shared(budgets[pick]) + shared(budgets[pick - 1])) / 2  # the best hospital alone
        if case == 3:
            edge = level / 2
        alone = rng.uniform(edge, edge + 0.3, 7)
        alone[int(rng.integers(7))] = edge
        joins = [b for b in budgets if all(shared(b) < own for own in alone)]
        right = min(joins, default=None)
        got = _optional(answer, torch.from_numpy(alone.copy()), shared, list(budgets))
        got = None if got is None else number(got, "ε")
        if (got is None and right is None) or (got is not None and right is not None and same(got, right)):
            continue
        middle = next((b for b in budgets if shared(b) < np.median(alone)), None)
        if got is not None and middle is not None and same(got, middle):
            raise Wrong("at that ε the median hospital joins; all of them are asked for, the best one included")
        if right is None:
            raise Wrong(f"at none of these budgets do all join: return None; you gave {got!r}")
        raise Wrong(f"the smallest of the budgets at which all join is {right:.4g}; you gave {got!r}")


def _optional(answer, *args):
    """`call` for a function that may well return None: a stub gives `...` or None on every input."""
    call(answer, args[0] + 1e9, *args[1:])  # everybody would join at once
    try:
        return answer(*args)
    except Exception as error:
        raise Wrong(f"your function raised {type(error).__name__}: {error}") from error


EXERCISES = (
    Exercise(
        "09.1",
        "Write recall_at(risk, sick, specificity): the share of sick people above the healthy ones' quantile.",
        _recall_at,
        (
            "Specificity is the share of *healthy* people below the limit.",
            "The limit is torch.quantile(risk[~sick], specificity).",
            "Then the mean of risk[sick] > limit.",
        ),
    ),
    Exercise(
        "09.2",
        "Write noise_in_mean(sizes, multiplier, clip): deviation of the noise in the weighted mean of the hospitals.",
        _noise_in_mean,
        (
            "Hospital k's noise has deviation multiplier·clip/n_k, and its weight is n_k/n.",
            "Weighted, each has multiplier·clip/n. Variances of independent noises add.",
            "multiplier·clip·√K/n, K hospitals and n patients in all.",
        ),
    ),
    Exercise(
        "09.3",
        "Write implied(promise, given, asked, size): what an ε for one unit implies for the other.",
        _implied,
        (
            "A hospital of g patients is added one patient at a time.",
            "A hospital whose data change is one hospital removed and another added.",
            "size·promise from patient to hospital, 2·promise from hospital to patient, the promise itself otherwise.",
        ),
    ),
    Exercise(
        "09.4",
        "Write everybody_joins(alone, shared, budgets): the smallest ε at which every hospital joins, or None.",
        _everybody_joins,
        (
            "Which hospital is the hardest to convince?",
            "The one with the smallest loss alone: compare shared(ε) with alone.min().",
            "next((b for b in budgets if shared(b) < alone.min()), None).",
        ),
    ),
)

QUIZ = (
    Question(
        "Twelve hospitals publish a model under client-level ε = 1. A patient of one with 110 patients is told",
        (
            (
                "her record is protected with ε = 1/110.",
                "a promise for the whole is not shared out among its parts.",
            ),
            (
                "a change of her record alone is protected with at most 2ε.",
                "it replaces her hospital's data: removed and added again; δ grows to (1 + e^ε)δ.",
            ),
            (
                "nothing: the unit is the hospital.",
                "her record is part of the hospital's data, so some protection follows; it is just not ε = 1.",
            ),
        ),
        1,
    ),
    Question(
        "The same patients are spread over 48 hospitals in place of 12, each with noise of the same multiplier. "
        "The noise in the weighted mean",
        (
            ("stays: the patients are the same.", "each hospital adds its own noise, and there are four times as many."),
            ("doubles.", "variances add: √(48/12) = 2."),
            ("grows fourfold.", "deviations do not add; variances do."),
        ),
        1,
    ),
    Question(
        "Ten private runs at ε = 1 each are made on the same patients, and the best is published. The patients have spent",
        (
            ("1: one run was published.", "which one depends on all ten."),
            (
                "the composition of ten runs.",
                "choosing the best is a function of all of them (or a private selection, at a price).",
            ),
            ("0.1.", "more releases never cost less."),
        ),
        1,
    ),
)
