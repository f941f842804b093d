"""Notebook 22: a δ for a crowd of secrets, a threshold for several words each, what comes out, shares from subsets."""

import math

import numpy as np
import torch

from ..answers import call, compare, number, tensor
from ..teacher import Exercise, Question
from ._draws import apart


def _crowd(answer):
    rng = np.random.default_rng()

    def draw(most):
        people, chance = int(rng.integers(20, most)), float(rng.uniform(0.3, 0.8))
        slips = (
            (chance / people, "that keeps the mean number of secrets below the chance; a larger δ keeps the chance itself"),
            (1 / people, "with δ = 1/n some secret comes out with chance 0.63, whatever was asked for"),
            (1 - (1 - chance) ** people, "the wrong way round: that is the chance for so many people with δ = chance"),
            (chance ** (1 / people), "that is where all secrets come out at once"),
            ((1 - chance) ** (1 / people), "that is the chance that one person's secret stays"),
            (chance, "that is the chance for one person; there are many"),
        )
        return (people, chance), 1 - (1 - chance) ** (1 / people), slips

    for most in (60, 5_000):
        (people, chance), right, slips = apart(draw, most)
        got = number(call(answer, people, chance), "δ")
        compare(got, right, slips, f"for {people} people and {chance:.3g} it should be {right:.5g}; you gave {got:.5g}")


def _several(answer):
    rng = np.random.default_rng()

    def draw(most):
        epsilon, delta = float(rng.uniform(0.3, 3)), float(rng.uniform(0.05, 0.3))
        each = 1 - (1 - delta) ** (1 / most)
        slips = (
            (1 + math.log(1 / (2 * delta)) / epsilon, "that is the threshold for one word each"),
            (1 + most * math.log(1 / (2 * delta)) / epsilon, "each word alone may come out with chance δ; together the "
                                                            "person's words do more often"),
            (1 + math.log(1 / (2 * each)) / epsilon, "the noise has to hide all the words of a person: its scale is most/ε"),
            (1 + most * math.log(most / (2 * delta)) / epsilon, "δ/most for each word is enough, but not the smallest: the "
                                                               "noises are independent"),
            (most * math.log(1 / (2 * each)) / epsilon, "forgot the person itself: its own count is 1"),
            (1 + most * math.log(1 / each) / epsilon, "half of the noise is negative: the tail is ½·e^(−…)"),
            (most + most * math.log(1 / (2 * each)) / epsilon, "each of its words is held by one person: a count of 1"),
        )  # fmt: skip
        return (epsilon, delta), 1 + most * math.log(1 / (2 * each)) / epsilon, slips

    for most in (2, 5):
        (epsilon, delta), right, slips = apart(draw, most)
        got = number(call(answer, epsilon, delta, most), "the threshold")
        compare(got, right, slips, f"for up to {most} words it should be {right:.5g}; you gave {got:.5g}")


def _chance(counts, tau, epsilon):
    gap = epsilon * (tau - counts)
    return np.where(gap > 0, 0.5 * np.exp(-np.abs(gap)), 1 - 0.5 * np.exp(-np.abs(gap)))


def _out(answer):
    rng = np.random.default_rng()

    def draw(size):
        epsilon, delta = float(rng.uniform(0.4, 1.5)), float(rng.uniform(1e-3, 0.05))
        tau = 1 + math.log(1 / (2 * delta)) / epsilon
        counts = np.concatenate([np.zeros(size // 4), [1, 1], rng.integers(1, round(2 * tau), size - size // 4)]).astype(int)
        rng.shuffle(counts)
        chances = _chance(counts, tau, epsilon)
        held = counts > 0
        slips = (
            ((counts >= tau).sum(), "noise moves counts across the threshold, both ways"),
            (chances.sum(), "a word that nobody holds cannot come out"),
            ((0.5 * np.exp(-epsilon * np.abs(tau - counts)))[held].sum(), "above the threshold that is the chance to stay"),
            (chances[held].mean(), "that is the mean chance; the number is asked for"),
            ((1 - chances[held]).sum(), "those are the words that do not come out"),
            (held.sum(), "those are all the words that somebody holds"),
            (_chance(counts, tau - 1, epsilon)[held].sum(), "that threshold forgets the one person"),
        )
        return (torch.from_numpy(counts), epsilon, delta), chances[held].sum(), slips

    for size in (12, 60):
        (counts, epsilon, delta), right, slips = apart(draw, size)
        got = number(call(answer, counts.clone(), epsilon, delta), "the number of words")
        compare(got, right, slips, f"it should be {right:.5g} words on average; you gave {got:.5g}")


def _subsets(answer):
    rng = np.random.default_rng()

    def draw(people, k, d):
        epsilon = float(rng.uniform(0.5, 2.5))
        p = d / (d + (k - d) * math.exp(-epsilon))
        q = (p * (d - 1) + (1 - p) * d) / (k - 1)
        reports = np.stack([rng.choice(k, d, replace=False) for _ in range(people)])
        said = np.bincount(reports.ravel(), minlength=k) / people
        pairs = (
            ((said - q) / (p - q), None),
            (said, "those are the shares of reports that hold each name, true ones and others"),
            (said / said.sum(), "each report names several; stretching the sum to 1 does not take the others out"),
            ((said - q) / p, "divide by p − q: a true name adds that much to what is there anyway"),
            ((said - (1 - p) / (k - 1)) / (p - (1 - p) / (k - 1)), "a report with the true name holds d − 1 others as well"),
            ((said - d / k) / (p - d / k), "a name that is not true is in a report less often than d/k"),
            (people * (said - q) / (p - q), "those are numbers of people; shares are asked for"),
        )
        return (torch.from_numpy(reports), epsilon, k), pairs[0][0], [(v, words) for v, words in pairs if words]

    for people, k, d in ((40, 6, 2), (90, 12, 4)):
        (reports, epsilon, k), right, slips = apart(draw, people, k, d)
        got = tensor(call(answer, reports.clone(), epsilon, k), (k,), "the shares")
        slips = [(torch.from_numpy(value), words) for value, words in slips]
        compare(got, torch.from_numpy(right), slips, f"with sets of {d} of {k} the shares are others")


EXERCISES = (
    Exercise(
        "22.1",
        "Write delta_for(people, chance): the largest δ at which somebody's secret comes out with at most this chance.",
        _crowd,
        (
            "Each of the secrets comes out with chance δ, independently of the others.",
            "None comes out with chance (1 − δ)^people.",
            "Solve 1 − (1 − δ)^people = chance.",
        ),
    ),
    Exercise(
        "22.2",
        "Write threshold(epsilon, delta, most): the smallest τ where each person holds up to `most` words.",
        _several,
        (
            "The noise: one person moves up to `most` counts by 1 each.",
            "The threshold: a person's words that nobody else has stay with chance (1 − p)^most, if each comes out with p.",
            "1 − (1 − p)^most = δ, and p = ½·exp(−(τ − 1)·ε/most).",
        ),
    ),
    Exercise(
        "22.3",
        "Write names_out(counts, epsilon, delta): how many names come out on average.",
        _out,
        (
            "Add up the chances of the names, one by one.",
            "Below the threshold it is ½·exp(−ε(τ − c)), above it 1 − ½·exp(−ε(c − τ)).",
            "Only names that somebody holds are looked at: leave zeros out.",
        ),
    ),
    Exercise(
        "22.4",
        "Write shares(reports, epsilon, k): unbiased estimates of the names' shares from subset selection.",
        _subsets,
        (
            "With d names a report, the true one is in with p = d·e^ε/(d·e^ε + k − d).",
            "Another one is in with q: of a report with the true name d − 1 places are left for k − 1 others; else d.",
            "(share of reports that hold the name − q)/(p − q), with q = (p(d − 1) + (1 − p)d)/(k − 1).",
        ),
    ),
)

QUIZ = (
    Question(
        "A table of words with noisy counts is published. Why does the noise not hide who alone holds a word?",
        (
            (
                "Because Laplace noise is too small for a count of one.",
                "more noise does not help: the word stands in the table or not.",
            ),
            (
                "Because that the word stands there says already that somebody holds it.",
                "the list is computed from people's data as the numbers are, and nothing random was done to it.",
            ),
            ("Because counts have to be whole numbers.", "rounding them hides nothing, and tells nothing."),
        ),
        1,
    ),
    Question(
        "Noise and threshold at ε = 1, δ = 1e-6. What has a person paid whose word a thousand others hold?",
        (
            ("ε for the count, and nothing of δ.", "its count is a Laplace release; δ is paid by who holds a word alone."),
            ("δ: the word might come out.", "it comes out with it and without it."),
            ("ε and δ, always both.", "the guarantee covers both cases with one pair; a person is in one of them."),
        ),
        0,
    ),
    Question(
        "Words are found letter by letter, each person asked once. Why is no δ needed?",
        (
            (
                "Because the tree has a threshold of its own.",
                "that bar keeps noise out of the tree; it is computed from noisy counts, and protects nobody.",
            ),
            (
                "Because each group is only a ninth of the people.",
                "a person pays ε once, since it speaks once; that is another matter.",
            ),
            (
                "Because all continuations of the frontier are listed before anybody speaks.",
                "every cell gets noise, the empty ones too, so nothing appears because somebody holds it.",
            ),
        ),
        2,
    ),
    Question(
        "500 names on the list, nobody trusted, ε = 1. Which report tells most?",
        (
            ("The true name as often as ε allows, else another.", "at ε = 1 the true one of 500 is sent 0.5% of the time."),
            (
                "A set of about a quarter of the names, which holds the true one half of the time.",
                "d is about k/(e^ε + 1); the error hardly depends on k.",
            ),
            (
                "Each name's indicator with Laplace noise of scale 2/ε.",
                "its error is larger at every ε; at this one about one and a half times.",
            ),
        ),
        1,
    ),
)
