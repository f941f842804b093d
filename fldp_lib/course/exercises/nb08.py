"""Notebook 08: does ε do anything, a target from two losses, the last round within a budget, what an audit rules out."""

import math

import numpy as np
import torch

from ... import data, train
from ...privacy import mechanisms
from ...training import models
from ..answers import Wrong, call, number, require
from ..teacher import Exercise, Question


def _programs(rng):
    """Programs (epsilon, seed) -> parameters, each with whether ε matters and what a wrong verdict has missed."""
    start = torch.from_numpy(rng.normal(size=5))
    salt = int(rng.integers(2**31))

    def noise(seed):
        return torch.randn(5, generator=torch.Generator().manual_seed((salt + 7919 * seed) % 2**31), dtype=torch.float64)

    def used(epsilon, seed):
        return start + noise(seed) / epsilon

    def dropped(epsilon, seed):
        noise(seed) / epsilon  # computed and never used, as in the notebook's program
        return start.clone()

    def restarted(epsilon, seed):
        return start + noise(seed)  # differs from seed to seed, and ε has no part in it

    def half(epsilon, seed):
        return torch.cat([start[:4], start[4:] + noise(seed)[4:] / epsilon])

    return (
        (used, True, "a program that adds noise/ε to every parameter"),
        (dropped, False, "a program that drops its noise"),
        (
            restarted,
            False,
            "a program that differs from seed to seed while ε does nothing: keep the seed fixed and change ε",
        ),
        (half, True, "a program that has noise on its last parameter only: compare all of them, exactly"),
    )


def _epsilon_matters(answer):
    rng = np.random.default_rng()
    for program, right, words in _programs(rng):
        got = call(answer, program)
        require(isinstance(got, (bool, np.bool_)), f"return True or False, got {got!r}")
        require(bool(got) == right, f"you said {bool(got)} about {words}")


def _targets(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        n, prediction, target = int(rng.integers(5, 60)), float(rng.normal()), float(rng.normal(0, 2))
        others = float(rng.uniform(0.5, 2)) * (n - 1)
        gap = abs(prediction - target)
        loss, without = (others + gap**2) / n, others / (n - 1)
        got = call(answer, loss, without, n, prediction)
        try:
            low, high = (float(value) for value in got)
        except (TypeError, ValueError):
            raise Wrong(f"return two numbers, got {got!r}") from None
        close = [
            math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4) for a, b in ((low, prediction - gap), (high, prediction + gap))
        ]
        if all(close):
            continue
        if math.isclose(high - low, 2 * gap**2, rel_tol=1e-4):
            raise Wrong("that is the squared error on either side; take its root")
        if loss > without and math.isclose(high - prediction, math.sqrt(loss - without), rel_tol=1e-4):
            raise Wrong("the two losses are means over different numbers of records; go back to the sums first")
        if math.isclose(low, prediction + gap, rel_tol=1e-4):
            raise Wrong("the smaller one first")
        raise Wrong(
            f"for n = {n} they are {prediction - gap:.4f} and {prediction + gap:.4f}; you gave {low:.4f} and {high:.4f}"
        )


def _last_round(answer):
    rng = np.random.default_rng()
    x, y = torch.from_numpy(rng.normal(size=(20, 2))).float(), torch.from_numpy(rng.integers(0, 2, 20))
    dataset = data.Dataset("coins", x, y, x[:4], y[:4], "classification")
    rounds = int(rng.integers(8, 13))
    noise = mechanisms.Laplace(float(rng.uniform(0.2, 0.6)), clip=1.0)
    history = train(models.Linear(2, 1), data.split(dataset, 20), rounds=rounds, mechanism=noise, delta=1e-3, progress=False)
    spent = history.epsilon
    middle = int(rng.integers(3, rounds - 1))
    between = float((spent[middle - 1] + spent[middle]) / 2)
    for budget, right in ((between, middle), (float(spent[0]) / 2, 0), (float(spent[-1]) + 1, rounds)):
        got = number(call(answer, history, budget), "the round")
        if got == right:
            continue
        where = f"for a budget of {budget:.3g} with {noise.epsilon:.3g} a round, {rounds} rounds"
        if got == right - 1:
            raise Wrong(f"{where}: {right} rounds are within it; numbering starts at 1, and 0 means none")
        if got == right + 1:
            raise Wrong(f"{where}: after round {right + 1} the budget is exceeded")
        if got == rounds:
            raise Wrong(f"{where}: compare with history.epsilon, the total so far, not with one round's ε")
        raise Wrong(f"{where}: the last round within it is {right}; you gave {got:g}")


def _ruled_out(answer):
    rng = np.random.default_rng()

    def right_of(tpr, fpr, delta):
        best = 0.0
        for hit, miss in ((tpr, fpr), (1 - fpr, 1 - tpr)):
            if hit > delta:
                best = max(best, math.inf if miss == 0 else math.log((hit - delta) / miss))
        return best

    tpr, fpr = float(rng.uniform(0.5, 0.7)), float(rng.uniform(0.05, 0.3))
    strong = float(rng.uniform(0.97, 0.995)), float(rng.uniform(0.4, 0.6))  # here "out" is the better guess
    cases = [(tpr, fpr, 1e-5), (*strong, 1e-5), (0.3, 0.6, 0.0), (0.5, 0.0, 1e-5), (0.02, 0.0, 0.05), (tpr, fpr, 0.2)]
    for tpr, fpr, delta in cases:
        got, right = number(call(answer, tpr, fpr, delta), "ε"), right_of(tpr, fpr, delta)
        if got == right or math.isclose(got, right, rel_tol=1e-6, abs_tol=1e-9):
            continue
        where = f"for tpr {tpr:.3g}, fpr {fpr:.3g}, δ {delta:g}"
        if got < 0:
            raise Wrong(f"{where}: a number below 0 rules out nothing; return 0")
        if fpr and math.isclose(got, max(0.0, math.log(tpr / fpr)), rel_tol=1e-6):
            raise Wrong(f"{where}: take δ off the rate of hits, and look at the guess 'out', too")
        if fpr and tpr > delta and math.isclose(got, max(0.0, math.log((tpr - delta) / fpr)), rel_tol=1e-6):
            raise Wrong(f"{where}: look at the guess 'out', too: right with 1 − fpr, wrong with 1 − tpr")
        raise Wrong(f"{where}: it is {right:.5g}; you gave {got:.5g}")


EXERCISES = (
    Exercise(
        "08.1",
        "Write epsilon_matters(program): whether ε has any influence on what program(epsilon, seed) returns.",
        _epsilon_matters,
        (
            "Two runs that differ in ε alone: what else has to be the same?",
            "The same seed, two very different values of ε, and an exact comparison of all parameters.",
            "not torch.equal(program(1.0, 0), program(1e-6, 0)).",
        ),
    ),
    Exercise(
        "08.2",
        "Write targets(loss, loss_without, n, prediction): the two possible targets of the person who withdrew.",
        _targets,
        (
            "A mean of n squared errors, and a mean of n − 1 of them: which sums are these?",
            "n·loss − (n − 1)·loss_without is the person's own squared error.",
            "The prediction minus and plus the root of that.",
        ),
    ),
    Exercise(
        "08.3",
        "Write last_round(history, budget): the last round whose model may be released within the budget.",
        _last_round,
        (
            "history.epsilon holds the total spent up to each round.",
            "It grows from round to round: count the entries that do not exceed the budget.",
            "int((history.epsilon <= budget).sum()).",
        ),
    ),
    Exercise(
        "08.4",
        "Write ruled_out(tpr, fpr, delta): the largest ε that an attacker's rates rule out.",
        _ruled_out,
        (
            "(ε, δ)-privacy says tpr ≤ e^ε·fpr + δ. Which ε is the smallest that allows the rates?",
            "For the guess 'out' the same holds with 1 − fpr in the place of tpr, and 1 − tpr in that of fpr.",
            "The larger of ln((tpr − δ)/fpr) and ln((1 − fpr − δ)/(1 − tpr)); 0 where the numerator is not positive or the "
            "logarithm negative, infinity where only the denominator is 0.",
        ),
    ),
)

QUIZ = (
    Question(
        "Two runs of a private program with the same seed, at ε = 1 and at ε = 0.001, give equal parameters. What follows?",
        (
            (
                "Nothing: noise is random.",
                "with the same seed the same random numbers are scaled by 1/ε, so the results have to differ.",
            ),
            (
                "The noise does not reach the parameters.",
                "what ε scales has no influence on what is released; no ε is behind the number in the settings.",
            ),
            (
                "The program is more private than promised.",
                "it may not be private at all: it returns an exact function of the data.",
            ),
        ),
        1,
    ),
    Question(
        "The best attacker you can build is right in 55% of the runs; the promise allows 73%. What has the audit shown?",
        (
            (
                "That the program keeps its promise.",
                "a better attacker may exist; an audit can refute a promise, and cannot prove it.",
            ),
            (
                "That this attacker does not refute it.",
                "the proof is in the mechanism: clip, sensitivity, noise, composition.",
            ),
            (
                "That the true ε is smaller than promised.",
                "only that this attacker does not need a larger one.",
            ),
        ),
        1,
    ),
    Question(
        "Why does the right program draw its curves from the test records?",
        (
            (
                "Because test loss is the better measure of learning.",
                "that is true, and not the reason that matters for ε.",
            ),
            (
                "Because they are treated as public: a loss on the clients' records would be another release.",
                "an exact training loss is an unaccounted query; the test records are nobody's secret here.",
            ),
            (
                "Because training loss is noisy under privacy.",
                "the loss itself has no noise at all; that is the trouble with printing it.",
            ),
        ),
        1,
    ),
)
