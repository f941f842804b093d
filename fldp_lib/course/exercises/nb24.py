"""Exercises and quiz of notebook 24."""

import math
from statistics import NormalDist

import numpy as np
import torch

from ..answers import call, compare, number, parts, require, tensor, whole
from ..teacher import Exercise, Question
from ._draws import apart

PRIME = 1_000_003


def _twice(answer):
    rng = np.random.default_rng()
    points = [int(p) for p in rng.integers(2, PRIME - 1, 5)]
    a, b = (int(k) for k in rng.integers(10**3, 10**5, 2))
    listed = parts(call(answer, list(points), a, b, PRIME), 5, "the blinded points")
    got = [whole(each, "each blinded point") for each in listed]
    right = [pow(p, a * b, PRIME) for p in points]
    slips = (
        ([pow(p, a, PRIME) for p in points], "that is blinded by a alone: whoever has a can undo it"),
        ([pow(p, b, PRIME) for p in points], "that is blinded by b alone: the other key is missing"),
        ([pow(p, a + b, PRIME) for p in points], "one after the other: the exponents multiply, they do not add"),
        ([p * a * b % PRIME for p in points], "that multiplies by the keys, and a quotient undoes it: take powers"),
        (sorted(right), "the order: the points should stay in the order given, so that their owner knows whose they are"),
        ([p ^ a ^ b for p in points], "^ is not a power in Python: use pow(point, key, prime)"),
    )
    for wrong, why in slips:
        require(got != wrong or wrong == right, why)
    require(got == right, "each should be the point to the power a·b, modulo the prime")


def _read(answer):
    rng = np.random.default_rng()

    def draw(label, up):
        labels = rng.integers(0, 2, 9)
        labels[[0, 1, 2]] = 1, 0, label
        odds, v = rng.uniform(0.05, 0.95, 9), up * np.abs(rng.normal(size=4))
        rows = (odds - labels)[:, None] * v
        long = np.linalg.norm(rows, axis=1)
        slips = (
            (
                1 - labels,
                "the wrong way round here: the known patient's row has the known patient's label, whichever that is",
            ),
            (np.full(9, label), "not all have the same: rows that point the other way have the other diagnosis"),
            (long > np.median(long), "lengths only hint at it: use directions"),
        )
        return (rows, 2, label), labels.astype(float), [(np.asarray(w, dtype=float), why) for w, why in slips]

    for label, up in ((1, 1), (0, 1), (1, -1), (0, -1)):
        inputs, right, slips = draw(label, up)
        while any((wrong == right).all() for wrong, _ in slips):
            inputs, right, slips = draw(label, up)
        got = tensor(call(answer, inputs[0].copy(), *inputs[1:]), (9,), "the diagnoses")
        compare(
            got, torch.from_numpy(right), slips, "each should be 1 or 0: rows that point as the known one have its label"
        )


def _targets(answer):
    rng = np.random.default_rng()

    def draw():
        epsilon, reports = float(rng.uniform(0.4, 2.5)), rng.permutation([0, 1, 1, 0, 1, 0, 0]).astype(float)
        q = 1 / (1 + math.exp(-epsilon))
        slips = (
            (
                reports,
                "those are the reports as they are, or cut to 0 … 1, which is the same: on average they lie nearer to a "
                "half",
            ),
            ((reports - (1 - q)) / q, "a label of 1 raises the mean report by 2q − 1: divide by that"),
            ((reports - q) / (2 * q - 1), "a label of 0 is reported as 1 with probability 1 − q: take that away"),
            (reports / (2 * q - 1), "take away the 1 − q that a label of 0 gives on average"),
            (reports * (2 * q - 1) + (1 - q), "that is the mean report, or how likely a 1 is: solve for the label instead"),
            ((reports - q) / (1 - 2 * q), "q is the probability of the truth, e^ε / (e^ε + 1), not of the lie"),
        )
        return (reports, epsilon), (reports - (1 - q)) / (2 * q - 1), slips

    for _ in range(3):
        (reports, epsilon), right, slips = apart(draw)
        got = tensor(call(answer, reports.copy(), epsilon), (7,), "the targets")
        compare(got, torch.from_numpy(right), slips, "the mean of each target over the flips should be the label")


def _guesses(answer):
    rng, phi = np.random.default_rng(), NormalDist().cdf

    def draw(steps):
        clip, std = (float(v) for v in rng.uniform((0.5, 3.0), (1.5, 6.0)))
        ratio, root = clip / std, math.sqrt(steps)
        slips = (
            (phi(ratio), "that is one step: every step sends a new noisy copy of the row"),
            (phi(ratio * steps), "noise of several steps averages: distances grow with the root of their number"),
            (phi(2 * ratio * root), "the best test lies in the middle of two rows that are 2C apart: half of that counts"),
            (phi(ratio * root / 2), "two rows of length C can lie 2C apart, not C"),
            (phi(ratio * root / math.sqrt(2)), "two rows of length C can lie 2C apart, not √2·C"),
            (2 * phi(ratio * root) - 1, "that is how much better than chance, times two: it starts at a half"),
            (1 - phi(ratio * root), "that is how often the guess is wrong"),
            (ratio * root, "that is half of μ: put it into the normal distribution function"),
        )
        return (clip, std, steps), phi(ratio * root), slips

    for steps in (5, 12, 1):
        inputs, right, slips = apart(draw, steps)
        got = number(call(answer, *inputs), "the share of right guesses")
        compare(got, right, slips, f"the best test is right with probability {right:.4f}; you gave {got:.4f}")


EXERCISES = (
    Exercise(
        "24.1",
        "Write twice(points, a, b, prime): the points after both parties have blinded them, one after the other.",
        _twice,
        (
            "The first party sends point^a modulo the prime, the second takes what it gets to the power b.",
            "pow(point, key, prime) takes a power modulo a prime without writing the power down.",
            "pow(pow(point, a, prime), b, prime) for each point, in the order given.",
        ),
    ),
    Exercise(
        "24.2",
        "Write read_labels(rows, known, label): everybody's diagnosis, from the gradient rows that were sent back.",
        _read,
        (
            "Every row is (p − y) times the same vector, and p lies between 0 and 1.",
            "So rows of one diagnosis all point the same way, rows of the other the opposite way.",
            "The sign of rows @ rows[known] says who has the known patient's diagnosis.",
        ),
    ),
    Exercise(
        "24.3",
        "Write targets(reports, epsilon): for each flipped diagnosis a number whose mean over the flips is the true one.",
        _targets,
        (
            "The truth is reported with probability q = e^ε / (e^ε + 1).",
            "The mean report is (1 − q) + (2q − 1)·y.",
            "Solve for y: (report − (1 − q)) / (2q − 1). It lies outside 0 … 1, and should.",
        ),
    ),
    Exercise(
        "24.4",
        "Write right_guesses(clip, std, steps): how often the best guess is right which of two rows a patient has.",
        _guesses,
        (
            "Two rows clipped to length C lie at most 2C apart.",
            "The mean of all steps' messages has noise of deviation std/√steps in every direction.",
            "The best test cuts in the middle: Φ(C·√steps / std).",
        ),
    ),
)

QUIZ = (
    Question(
        "A clinic and a hospital have found their common patients by private set intersection. What does the clinic know?",
        (
            ("Nothing but the number of common patients", "It has to know which rows to train on."),
            (
                "Which of its own patients are also the hospital's, and how many the hospital has",
                "That is the output, and the length of a list is seen. For some hospitals the output says a lot.",
            ),
            ("All patients of the hospital", "Those it does not share it has seen only blinded by the hospital's key."),
        ),
        1,
    ),
    Question(
        "The rows of the gradient are sent back clipped and with noise, fresh in each step. The hospital's own weights "
        "learn "
        "from the exact diagnoses. Why is that no ε for a diagnosis?",
        (
            (
                "The diagnosis also moves the hospital's weights, and these every later row",
                "The noise covers the patient's own row. What it does to the others' rows has to be noisy, too.",
            ),
            ("Noise never hides a bit such as a diagnosis", "A flipped coin does, exactly."),
            ("Clipping has made all rows equally long", "That takes away a hint, the length, and spends nothing."),
        ),
        0,
    ),
    Question(
        "Diagnoses are flipped once, with ε = 1, and the model trains on them for 100 rounds. The ε of a diagnosis is",
        (
            ("100, one for each round", "Each round computes from the same reports; nothing new is said of the label."),
            ("10, by the root of the rounds", "That is how fresh noise adds up. Here nothing is drawn again."),
            ("1", "The reports are released once. What is computed from them is post-processing."),
        ),
        2,
    ),
    Question(
        "With one flipped bit a patient at ε = 4 the hospital diagnoses better than with numbers under Gaussian noise at "
        "ε = 4, δ = 1e-5. Why is that no bargain?",
        (
            ("Since a bit can be flipped back", "Nobody knows which bits were flipped."),
            (
                "Since the best guess at even odds is right far more often against the bit",
                "ε bounds both. The flips use all of it, the noise only a part. Where the guess is right as often, the "
                "two are level; at few false alarms the bit is ahead: say which attacker you fear.",
            ),
            ("Since δ is missing for the bit", "A flip needs none: its ε is pure, which is a stronger promise."),
        ),
        1,
    ),
)
