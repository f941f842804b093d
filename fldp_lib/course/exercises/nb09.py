"""Notebook 09: recall at a specificity, noise in a weighted mean, promises across units, who joins."""

import math

import numpy as np
import torch

from ..answers import NotTried, Wrong, call, call_or_none, compare, number, same
from ..teacher import Exercise, Question


def _people(rng):
    """Risks, who is sick, a specificity, and what right and wrong ways come to, all of them different."""
    while True:
        n, specificity = int(rng.integers(80, 200)), float(rng.uniform(0.7, 0.9))
        sick = torch.from_numpy(rng.random(n) < 0.4)
        risk = torch.from_numpy(rng.normal(size=n)) + sick * 1.2
        found = _recalls(risk, sick, specificity)
        values = sorted([*found, 0.0, 1.0, specificity])
        if min(np.diff(values)) > 2e-4:
            return risk, sick, specificity, found


def _recalls(risk, sick, specificity):
    """The right recall, then those of the slips."""

    def above(group, level):
        return float((risk[sick] > torch.quantile(risk[group], level)).double().mean())

    everybody, limit = torch.ones_like(sick), torch.quantile(risk[~sick], specificity)
    right = above(~sick, specificity)
    others = above(everybody, specificity), above(sick, specificity), above(~sick, 1 - specificity), above(~sick, 0.95)
    counts = float(((risk > limit) & sick).double().mean()), float(sick[risk > limit].double().mean())
    return right, *others, 1 - right, float((risk[sick] > 0).double().mean()), *counts, right * int(sick.sum())


_RECALL_SLIPS = (
    "the limit is a quantile of everybody; specificity concerns the healthy ones",
    "the limit is a quantile of the sick; specificity concerns the healthy ones",
    "at that limit only 1 − specificity of the healthy are below it",
    "that is the recall at a specificity of 0.95, whatever is asked for",
    "that is the share of the sick who are missed",
    "that is recall at a risk of one half, whatever its specificity",
    "that is a share of all people; recall is a share of the sick",
    "that is the share of sick among those above the limit; recall is the share above it among the sick",
    "that is a number of people; recall is a share of the sick",
)


def _recall_at(answer):
    rng = np.random.default_rng()
    for _ in range(4):
        risk, sick, specificity, (right, *wrong) = _people(rng)
        got = number(call(answer, risk.clone(), sick.clone(), specificity), "the recall")
        slips = zip(wrong, _RECALL_SLIPS, strict=True)
        words = f"for {len(risk)} people at specificity {specificity:.3f} it is {right:.4f}; you gave {got:.4f}"
        compare(got, right, slips, words)


def _noise_in_mean(answer):
    rng = np.random.default_rng()
    for count in (3, 9):
        sizes = [int(n) for n in rng.integers(5, 120, count)]
        multiplier, clip = float(rng.uniform(2, 20)), float(rng.uniform(1.2, 3))
        got, n = number(call(answer, list(sizes), multiplier, clip), "the deviation"), sum(sizes)
        right = multiplier * clip * math.sqrt(count) / n
        slips = (
            (multiplier * clip / n, "one draw for all: each hospital adds its own, and variances add"),
            (multiplier * clip * count / n, "deviations do not add; variances of independent noises do"),
            (multiplier * clip * math.sqrt(sum(1 / k**2 for k in sizes)) / count, "that is the noise of the plain mean"),
            (multiplier * clip * math.sqrt(count), "that is the noise of the sum; the mean divides by all patients"),
            (multiplier * clip / math.sqrt(count), "the sum is divided by the number of patients, not of hospitals"),
            (multiplier * math.sqrt(count) / n, "the clip is missing: the multiplier counts in units of it"),
            (right**2, "that is the variance; the deviation is its root"),
            (-right, "a deviation is not negative"),
        )
        compare(got, right, slips, f"for sizes {sizes} it is {right:.5g}; you gave {got:.5g}")


def _implied(answer):
    rng = np.random.default_rng()
    for given, asked in (("patient", "hospital"), ("hospital", "patient"), ("patient", "patient"), ("hospital", "hospital")):
        promise, size = float(rng.uniform(0.1, 3)), int(rng.integers(5, 200))
        got = number(call(answer, promise, given, asked, size), "ε")
        right = {"patienthospital": size * promise, "hospitalpatient": 2 * promise}.get(given + asked, promise)
        where = f"from a {given} to a {asked}, hospitals of at most {size}"
        slips = {
            ("hospital", "patient"): (
                (promise, "one patient leaving *changes* the hospital's data: it goes, and comes back without her"),
                (promise / size, "a promise for the whole hospital is not divided among its patients"),
                (size * promise, "it is one patient who changes here, not a hospital of them"),
                (2 * size * promise, "it is one patient who changes here, not a hospital of them"),
            ),
            ("patient", "hospital"): (
                (promise, f"a hospital is up to {size} patients, each of whom costs ε"),
                (2 * promise, f"a hospital is up to {size} patients, each of whom costs ε"),
                (2 * size * promise, "the hospital is added or removed, not replaced: each patient counts once"),
                (promise / size, f"a hospital of {size} is protected less than one patient, not more"),
                (math.sqrt(size) * promise, "a pure ε adds up patient by patient, not as a root"),
                (size + promise, "each of the patients costs ε: a product, not a sum"),
            ),
        }.get((given, asked), ((2 * promise, f"a promise for a {given} is the promise itself"),))
        slips = [(wrong, f"{where}: {words}") for wrong, words in slips]
        compare(got, right, slips, f"{where} a promise of {promise:.3g} implies {right:.5g}; you gave {got:.5g}")


def _everybody_joins(answer):
    rng = np.random.default_rng()
    for case in range(5):
        gaps = rng.uniform(0.5, 2, 6)
        budgets = [float(b) for b in np.cumsum(gaps)]
        level, slope = float(rng.uniform(0.05, 0.1)), float(rng.uniform(0.05, 0.2))

        def shared(epsilon, level=level, slope=slope):
            return level + slope / epsilon

        pick = int(rng.integers(2, 5))
        best = (shared(budgets[pick]) + shared(budgets[pick - 1])) / 2  # the best hospital alone
        if case == 3:
            best = level / 2  # better than any shared model
        if case == 4:
            best = shared(budgets[pick - 1])  # exactly as good as one of them
        easy = shared(budgets[0]) + 0.1  # joins at once
        alone = np.array([best, *rng.uniform(easy, easy + 0.3, 6)])
        alone = alone[rng.permutation(7)]
        right = None if case == 3 else budgets[pick]
        got = _optional(answer, torch.from_numpy(alone.copy()), shared, list(budgets))
        got = None if got is None else number(got, "ε")
        if (got is None and right is None) or (got is not None and right is not None and same(got, right)):
            continue
        if right is None:
            raise Wrong(f"at none of these budgets do all join: return None; you gave {got!r}")
        if case == 4 and got is not None and same(got, budgets[pick - 1]):
            raise Wrong("there the shared model is exactly as good as the best hospital's own: strictly better is asked for")
        if got is not None and same(got, budgets[0]):
            raise Wrong("at that ε most hospitals join, the best one does not; all of them are asked for")
        if got is not None and same(got, budgets[-1]) and pick < 5:
            raise Wrong("there all join, but already at a smaller budget")
        if got is not None and same(got, pick):
            raise Wrong("that is the place in the list; the budget itself is asked for")
        raise Wrong(f"the smallest of the budgets at which all join is {right:.4g}; you gave {got!r}")


def _optional(answer, alone, shared, budgets):
    """`call` for a function that may well return None: only a stub does whatever the hospitals have."""
    try:
        call(answer, alone + 1e9, shared, budgets)  # everybody would join at once
    except NotTried:
        call(answer, alone - 1e9, shared, budgets)  # nobody would
    return call_or_none(answer, alone, shared, budgets)


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
                "her record is protected with ε = 1/110, her part of the whole.",
                "a promise for the whole is not shared out among its parts.",
            ),
            (
                "a change of her one record alone is protected with 2ε at most.",
                "it replaces her hospital's data: removed and added again; δ grows to (1 + e^ε)δ.",
            ),
            (
                "her record is not protected, since the unit is the hospital.",
                "her record is part of the hospital's data, so some protection follows; it is just not ε = 1.",
            ),
        ),
        1,
    ),
    Question(
        "The twelve hospitals merge into three: the same patients, noise of the same multiplier at each. "
        "The noise in the weighted mean",
        (
            ("stays as it is.", "each hospital adds its own noise, and there are a quarter as many."),
            ("falls by half.", "variances add: √(3/12) = ½."),
            ("falls to a quarter.", "deviations do not add; variances do."),
        ),
        1,
    ),
    Question(
        "Ten private runs at ε = 1 each are made on the same patients, and the best is published. The patients have spent",
        (
            ("1, since only one run was published.", "which one depends on all ten."),
            (
                "the composition of ten runs.",
                "choosing the best is a function of all of them (or a private selection, at a price).",
            ),
            ("0.1 each, since ten runs share it.", "more releases never cost less."),
        ),
        1,
    ),
)
