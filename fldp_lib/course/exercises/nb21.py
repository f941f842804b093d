"""Exercises and quiz of notebook 21."""

import math

import numpy as np
import torch

from ..answers import call, compare, number, numbers, parts, require, tensor
from ..teacher import Exercise, Question
from ._draws import apart


def _control_variate(answer):
    rng = np.random.default_rng()

    def draw(steps):
        own, shared, start, end = rng.normal(size=(4, 5))
        lr = float(rng.uniform(0.05, 0.4))
        walk = (start - end) / (steps * lr)
        slips = (
            (own - shared - walk, "the walk's sign: it goes from start to end against the gradient"),
            (own + shared + walk, "the sign of c: what all were pulled by is taken out again"),
            (shared - own + walk, "own and shared are swapped: the steps went along g − c_k + c"),
            (walk, "that is the corrected direction: c_k and c were in the steps, take them out"),
            (own - shared + (start - end), "divide by steps · lr: a walk is no gradient"),
            (own - shared + (start - end) / lr, "divide by the number of steps as well: it is a mean over them"),
            (own - shared + (start - end) / steps, "divide by the step size as well: a walk is lr times a gradient"),
            (walk - shared, "the old c_k is missing: it was taken out of every step"),
            (walk + own, "c is missing: it was put into every step"),
            (own, "that is the old one: it moves in every round"),
        )
        return (own, shared, start, end, steps, lr), own - shared + walk, slips

    for steps in (7, 3):
        inputs, right, slips = apart(draw, steps)
        got = tensor(call(answer, *(np.copy(a) if isinstance(a, np.ndarray) else a for a in inputs)), (5,), "the variate")
        compare(got, torch.from_numpy(right), slips, "it should be the mean of the client's own gradients on its way")


def _resting_place(answer):
    rng = np.random.default_rng()

    def draw(steps):
        optima, bent = rng.normal(size=4) * 2, np.exp(rng.uniform(math.log(0.05), 0, 4))
        lr = float(rng.uniform(0.5, 0.95))
        come = 1 - (1 - lr * bent) ** steps
        slips = (
            (bent @ optima / bent.sum(), "that is the optimum of the mean loss, where one step a round ends"),
            (optima.mean(), "that is the mean of the optima, where endless steps a round end"),
            ((1 - come) @ optima / (1 - come).sum(), "those weights are what is left of the way: take one minus them"),
            ((come / bent) @ optima / (come / bent).sum(), "the curvature is in the weights already"),
            ((steps * bent) ** 2 @ optima / ((steps * bent) ** 2).sum(), "the weight is 1 − (1 − lr·h)^steps, not a square"),
            (come @ optima, "divide by the sum of the weights"),
            (come @ optima / 4, "divide by the sum of the weights, not by the number of clients"),
        )
        return (optima, bent, lr, steps), float(come @ optima / come.sum()), slips

    for steps in (6, 2):
        (optima, bent, lr, steps), right, slips = apart(draw, steps)
        got = number(call(answer, optima.copy(), bent.copy(), lr, steps), "the resting place")
        compare(got, right, slips, f"from {right:.4f} a round of FedAvg leads back to it; you gave {got:.4f}")


def _adam(answer):
    rng = np.random.default_rng()

    def draw():
        theta, update, m = rng.normal(size=(3, 4))
        v, lr, tau = rng.uniform(0.3, 2, 4), float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.05, 0.2))
        b, c = 0.9, 0.95

        def step(m, v):
            return np.stack([theta + lr * m / (np.sqrt(v) + tau), m, v])

        first, second = b * m + (1 - b) * update, c * v + (1 - c) * update**2
        right = step(first, second)
        slips = (
            (np.stack([theta - lr * first / (np.sqrt(second) + tau), first, second]), "the update points downhill: add it"),
            (step(b * m + update, second), "m takes 1 − β₁ of the update"),
            (step(first, c * v + update**2), "v takes 1 − β₂ of the update's square"),
            (step(first, c * v + (1 - c) * update), "v takes the square of the update"),
            (step(first, c * v + (1 - c) * first**2), "v takes the square of the update, not of m"),
            (step((1 - b) * m + b * update, second), "β₁ weighs the old m"),
            (np.stack([theta + lr * first / (second + tau), first, second]), "divide by the root of v"),
            (np.stack([theta + lr * first / np.sqrt(second), first, second]), "τ is added to the root"),
            (np.stack([theta + lr * first / np.sqrt(second + tau), first, second]), "τ stands outside the root"),
            (np.stack([theta + lr * update / (np.sqrt(second) + tau), first, second]), "the step goes along m"),
            (np.stack([theta + lr * m / (np.sqrt(v) + tau), first, second]), "the step takes the new m and v"),
        )
        return (theta, update, m, v, lr, b, c, tau), right, slips

    for _ in range(2):
        inputs, right, slips = apart(draw)
        given = (np.copy(a) if isinstance(a, np.ndarray) else a for a in inputs)
        names = ("theta", "m", "v")
        got = [
            tensor(part, (4,), f"the new {name}") for part, name in zip(parts(call(answer, *given), 3), names, strict=True)
        ]
        compare(torch.stack(got), torch.from_numpy(right), slips, "(theta, m, v) should be those after one step of FedAdam")


def _two_vectors(answer):
    rng = np.random.default_rng()

    def draw():
        z, first, second = rng.uniform((0.5, 0.2, 1.5), (4, 1.2, 4)).tolist()
        root = math.sqrt(2)
        right = np.array([z * root * first, z * root * second])
        slips = (
            (right / root, "both vectors are one client's: together they move by √2 in units of their clips"),
            (right * root, "√2, not 2: the squares of the two lengths add up"),
            (right / root / root, "more is released than before: the noise must grow"),
            (right[::-1].copy(), "the deviations are swapped: each goes with its own clip"),
            (
                z * np.hypot(first, second) * np.ones(2),
                "that is right if both get the same noise; here each in its clip's unit",
            ),
            (z * (first + second) * np.ones(2), "lengths of two parts of one vector add up by their squares"),
            (right / z, "the multiplier is missing"),
        )
        return (z, first, second), right, slips

    for _ in range(3):
        inputs, right, slips = apart(draw)
        got = torch.tensor(numbers(call(answer, *inputs), 2, "the deviations"), dtype=torch.float64)
        require(bool((got > 0).all()), "deviations are positive")
        compare(got, torch.from_numpy(right), slips, f"the deviations should be {right[0]:.4f} and {right[1]:.4f}")


EXERCISES = (
    Exercise(
        "21.1",
        "Write control_variate(own, shared, start, end, steps, lr): the client's new c_k after its steps.",
        _control_variate,
        (
            "Every step went along g − own + shared, lr times that.",
            "(start − end) / (steps · lr) is the mean of those directions.",
            "Take −own + shared out of it: own − shared + (start − end) / (steps · lr).",
        ),
    ),
    Exercise(
        "21.2",
        "Write resting_place(optima, curvatures, lr, steps): where FedAvg's rounds no longer move.",
        _resting_place,
        (
            "After one step the distance to the client's optimum is 1 − lr·h of what it was.",
            "After all steps the client has come the share 1 − (1 − lr·h)^steps of its way.",
            "At rest the shares times the ways add up to zero: a weighted mean of the optima.",
        ),
    ),
    Exercise(
        "21.3",
        "Write adam_step(theta, update, m, v, lr, beta1, beta2, tau): one step of FedAdam, returning (theta, m, v).",
        _adam,
        (
            "First the new m, a running mean of the updates.",
            "Then the new v, a running mean of their squares, coordinate by coordinate.",
            "theta + lr · m / (√v + tau), with the new m and v.",
        ),
    ),
    Exercise(
        "21.4",
        "Write two_vectors(multiplier, clip, second): the noise's deviations for two vectors at the ε of one.",
        _two_vectors,
        (
            "Divide each vector by its clip: each then has length 1 at most.",
            "Side by side they are one vector of length √2 at most.",
            "Its noise has deviation multiplier · √2 in that unit; go back to the vectors' own units.",
        ),
    ),
)

QUIZ = (
    Question(
        "A server replaces its plain step by FedAdam. What happens to the clients' ε?",
        (
            ("It grows with the rounds that v remembers", "v is computed from what was released before."),
            ("Nothing: the optimiser sees released updates only", "What is computed from a private release is as private."),
            ("It falls, since large coordinates are divided away", "What the server does afterwards takes nothing back."),
        ),
        1,
    ),
    Question(
        "Why does FedAvg with ten exact steps a round rest beside the optimum of clients that differ?",
        (
            ("Because the server's mean weighs clients by their records", "It would rest there with equal clients, too."),
            ("Because ten steps need a smaller step size than one does", "A smaller one moves the place; it stays beside."),
            (
                "Because a client's walk is no longer in proportion to its gradient",
                "A steep loss is soon at its bottom, a flat one is not: their gradients no longer cancel where walks do.",
            ),
        ),
        2,
    ),
    Question(
        "A client fine-tunes a private shared model at home and then tells how accurate it became. Its own records",
        (
            ("are protected by the shared model's ε", "That covers what the shared model tells, not a later report."),
            (
                "are told about by that number, which no ε covers",
                "It is computed from the client's own records and leaves home: a release like any other.",
            ),
            ("are safe: one number cannot tell much", "How much it tells is not bounded by anything that was done."),
        ),
        1,
    ),
    Question(
        "200 clients, SCAFFOLD, everybody in each round. Which message costs as little as FedAvg's?",
        (
            ("The walk and the change of c_k, each clipped to C", "Two vectors: the noise must grow by √2 for the same ε."),
            ("The walk alone, if it is clipped to half of C", "Less noise for half the signal; nothing is gained by it."),
            (
                "One of the two vectors: the server computes the other",
                "The one is the other times −Kη, up to c, which the server knows.",
            ),
        ),
        2,
    ),
)
