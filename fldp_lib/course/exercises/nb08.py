"""Notebook 08: does ε do anything, the last round within a budget, what an audit rules out."""

import math

import numpy as np
import torch

from ... import data, train
from ...privacy import mechanisms
from ...training import models
from ..answers import Wrong, call, compare, number, require, truth, whole
from ..teacher import Exercise, Question


def _programs(rng):
    """Programs (epsilon, seed) -> parameters, each with whether ε matters and what a wrong verdict has missed."""
    start = torch.from_numpy(rng.uniform(0.5, 2, 6) * rng.choice((-1, 1), 6))
    salt = int(rng.integers(2**31))

    def noise(seed):
        return torch.randn(6, generator=torch.Generator().manual_seed((salt + 7919 * seed) % 2**31), dtype=torch.float64)

    def used(epsilon, seed):
        return start + noise(seed) / epsilon

    def dropped(epsilon, seed):
        noise(seed) / epsilon  # computed and never used, as in the notebook's program
        return start.clone()

    def restarted(epsilon, seed):
        return start + noise(seed)  # differs from seed to seed, and ε has no part in it

    def last(epsilon, seed):
        return torch.cat([start[:5], start[5:] + noise(seed)[5:] / epsilon])

    def balanced(epsilon, seed):
        half = noise(seed)[:3] / epsilon
        return start + torch.cat([half, -half])  # their sum stays

    def faint(epsilon, seed):
        return start + 1e-13 * noise(seed) / epsilon

    return (
        (used, True, "a program that adds noise/ε to every parameter"),
        (dropped, False, "a program that drops its noise"),
        (restarted, False, "a program that differs from seed to seed while ε does nothing: keep the seed, and change ε"),
        (last, True, "a program that has noise on its last parameter only: compare all of them"),
        (balanced, True, "a program whose noise leaves the sum of the parameters as it is: compare one by one"),
        (faint, True, "a program on which ε has a very small influence: compare exactly, not to a tolerance"),
    )


def _epsilon_matters(answer):
    for program, right, words in _programs(np.random.default_rng()):
        got = truth(call(answer, program), "the verdict")
        require(got == right, f"you said {got} about {words}")


def _last_round(answer):
    rng = np.random.default_rng()
    x, y = torch.from_numpy(rng.normal(size=(20, 2))).float(), torch.from_numpy(rng.integers(0, 2, 20))
    dataset = data.Dataset("coins", x, y, x[:4], y[:4], "classification")
    rounds = int(rng.integers(20, 30))
    noise = mechanisms.Gaussian(float(rng.uniform(5, 15)), clip=1.0)
    history = train(models.Linear(2, 1), data.split(dataset, 20), rounds=rounds, mechanism=noise, delta=1e-3, progress=False)
    spent = [float(epsilon) for epsilon in history.epsilon]
    middle = int(rng.integers(12, rounds - 2))
    cases = [((spent[middle - 1] + spent[middle]) / 2, middle), (spent[0] / 2, 0), (spent[-1] + 1, rounds), (spent[4], 5)]
    for budget, right in cases:
        got = whole(call(answer, history, budget), "the round")
        if got == right:
            continue
        where = f"for a budget of {budget:.4g} and {rounds} rounds, the first of which costs {spent[0]:.3g}"
        require(got >= 0, f"{where}: you gave {got}; 0 is what means that not even the first may be released")
        require(got <= rounds, f"{where}: you gave {got}, and there is no such round")
        if got > right:
            raise Wrong(f"{where}: after round {got} the total is {spent[got - 1]:.4g}; the last within it is {right}")
        if budget == spent[right - 1] and got == right - 1:
            raise Wrong(f"{where}: round {right} meets the budget exactly, and is within it")
        if got == right - 1:
            raise Wrong(f"{where}: {right} rounds are within it; numbering starts at 1, and 0 means none")
        still = f"round {right} is within it, with a composed total of {spent[right - 1]:.4g}"
        raise Wrong(f"{where}: {still}, and not {right} times the first; you gave {got}")


LINES = (  # (left, right) of left ≤ e^ε·right + δ: the event and its complement, with the record first and without it first
    ("tpr ≤ e^ε·fpr + δ", lambda t, f: (t, f)),
    ("1 − fpr ≤ e^ε·(1 − tpr) + δ", lambda t, f: (1 - f, 1 - t)),
    ("fpr ≤ e^ε·tpr + δ", lambda t, f: (f, t)),
    ("1 − tpr ≤ e^ε·(1 − fpr) + δ", lambda t, f: (1 - t, 1 - f)),
)


def _bound(tpr, fpr, delta, lines=LINES, log=math.log):
    """The largest ε that some lines rule out, and the one that does; 0 and an empty text where none does."""
    best, binding = 0.0, ""
    for words, sides in lines:
        left, right = sides(tpr, fpr)
        if left > delta:
            ruled = math.inf if right == 0 else log((left - delta) / right)
            best, binding = max((best, binding), (ruled, words), key=lambda pair: pair[0])
    return best, binding


def _cases(rng):
    """Rates and δ: each line binds once, one attacker has a δ that weighs, one proves nothing, and the edges."""
    draw = lambda low, high: float(rng.uniform(low, high))  # noqa: E731
    tpr, fpr, high, half = draw(0.5, 0.65), draw(0.05, 0.25), draw(0.97, 0.995), draw(0.4, 0.6)
    plain = [(tpr, fpr, 1e-3), (high, half, 1e-3), (fpr, tpr, 1e-3), (half, high, 1e-3), (tpr, fpr, 0.2), (0.3, 0.6, 0.0)]
    edges = [(0.52, 0.5, 0.1), (0.5, 0.5, 0.0), (0.5, 0.0, 1e-5), (0.0, 0.5, 1e-5), (1.0, half, 1e-5), (half, 1.0, 1e-5)]
    return [*plain, *edges, (0.02, 0.0, 0.05), (0.02, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1e-5)]


def _ruled_out(answer):
    for tpr, fpr, delta in _cases(np.random.default_rng()):
        got = number(call(answer, tpr, fpr, delta), "ε")
        right, binding = _bound(tpr, fpr, delta)
        where = f"for tpr {tpr:.3g}, fpr {fpr:.3g}, δ {delta:g}"
        require(not got < 0, f"{where}: a number below 0 rules out nothing; return 0")
        slips = [
            (_bound(tpr, fpr, delta, log=math.log10)[0], f"{where}: e^ε is solved by the natural logarithm"),
            (_bound(tpr, fpr, delta, log=math.log2)[0], f"{where}: e^ε is solved by the natural logarithm"),
            (_bound(tpr, fpr, delta, log=lambda ratio: ratio)[0], f"{where}: that is e^ε; ε is its logarithm"),
            (_bound(tpr, fpr, 0.0)[0], f"{where}: δ is missing; it comes off the left side of {binding}"),
            (_bound(tpr, fpr, -delta)[0], f"{where}: δ comes off the left side of {binding}, and was added"),
        ]
        if not binding:
            message = f"{where}: nothing is ruled out, every ε from 0 on allows these rates; you gave {got:.5g}"
        else:
            message = f"{where}: it is {right:.5g}, from {binding}; you gave {got:.5g}"
        compare(got, right, slips if binding and right < math.inf else (), message, closely=1e-9)


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
        "Write last_round(history, budget): the last round whose model may be released within the budget.",
        _last_round,
        (
            "history.epsilon holds the total spent up to each round.",
            "It grows from round to round: count the entries that do not exceed the budget.",
            "int((history.epsilon <= budget).sum()).",
        ),
    ),
    Exercise(
        "08.3",
        "Write ruled_out(tpr, fpr, delta): the largest ε that an attacker's rates rule out.",
        _ruled_out,
        (
            "(ε, δ)-privacy says tpr ≤ e^ε·fpr + δ. Which ε is the smallest that allows the rates?",
            "The same holds for the guess 'out' (1 − tpr and 1 − fpr), and each of the two with the record and without it "
            "exchanged: four inequalities a ≤ e^ε·b + δ.",
            "The largest of ln((a − δ)/b) for (a, b) = (tpr, fpr), (fpr, tpr), (1 − tpr, 1 − fpr), (1 − fpr, 1 − tpr). "
            "Where a ≤ δ nothing is ruled out, where b = 0 and a > δ every ε; a result below 0 counts as 0.",
        ),
    ),
)

QUIZ = (
    Question(
        "Two runs of a private program with the same seed, at ε = 1 and at ε = 0.001, give equal parameters. What follows?",
        (
            (
                "Nothing: the noise is random, and two runs may agree.",
                "with the same seed the same random numbers are scaled by 1/ε, so the results have to differ.",
            ),
            (
                "The noise does not reach the parameters.",
                "what ε scales has no influence on what is released; no ε is behind the number in the settings.",
            ),
            (
                "The program is more private than it promises.",
                "it may not be private at all: it returns an exact function of the data.",
            ),
        ),
        1,
    ),
    Question(
        "An attacker that you built is right in 55% of the runs; the promise allows 73%. What has the audit shown?",
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
                "Because a loss on fresh records is the better measure of what a model has learned.",
                "that is true, and not the reason that matters for ε.",
            ),
            (
                "Because a loss on the clients' records would be one more release.",
                "an exact training loss is an unaccounted query; the test records are treated as public here.",
            ),
            (
                "Because the training loss is too noisy to be read once the updates have noise.",
                "the loss itself has no noise at all; that is the trouble with printing it.",
            ),
        ),
        1,
    ),
)
