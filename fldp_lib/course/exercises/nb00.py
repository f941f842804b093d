"""Notebook 00: the best guess against ε, merging clients' steps, reading a guarantee."""

import math
import random

import numpy as np
import torch

from ... import data, train
from ...privacy import mechanisms
from ...training import clients, models
from ..answers import Wrong, call, number, require
from ..teacher import Exercise, Question


def _best_guess(answer):
    rng = np.random.default_rng()
    cases = [(rng.uniform(0.2, 6), 0.0) for _ in range(3)]
    cases += [(rng.uniform(0.2, 6), rng.uniform(0.01, 0.1)), (0.0, 0.0)]
    for epsilon, delta in cases:
        got = number(call(answer, epsilon, delta), "the result")
        right = (math.exp(epsilon) + delta) / (1 + math.exp(epsilon))
        close = math.isclose(got, right, rel_tol=1e-6)
        if not close and math.isclose(got, math.exp(-epsilon), rel_tol=1e-6):
            raise Wrong("exp(-ε) is no probability of anything here; even odds and factor e^ε give e^ε/(1+e^ε)")
        if not close and math.isclose(got, 1 - right, rel_tol=1e-6):
            raise Wrong("that is how often the best guess is wrong, at least; the exercise asks how often it is right")
        if not close and delta and math.isclose(got, math.exp(epsilon) / (1 + math.exp(epsilon)), rel_tol=1e-6):
            raise Wrong(f"right for δ = 0, but δ = {delta:.3g} is left out: it helps the one who guesses")
        if not close and delta and math.isclose(got, right - delta / (1 + math.exp(epsilon)) + delta, rel_tol=1e-6):
            raise Wrong("δ stands inside the fraction: (e^ε + δ)/(1 + e^ε)")
        require(close, f"at ε = {epsilon:.3g}, δ = {delta:.3g} the bound is {right:.4f}; you gave {got:.4f}")


def _merge(answer):
    seed = random.SystemRandom().randrange(2**31)
    patients = data.load("breast_cancer", features=["worst area", "worst smoothness"])
    model = models.Linear(2, 1, seed=seed)
    theta = models.flatten(model)
    for how, hospitals in (("iid", 5), ("sizes", 7), ("sizes", 12)):  # 455 = 5 × 91: the first sizes are equal
        fed = data.split(patients, hospitals, how=how, alpha=0.5, seed=seed % 1000 + hospitals)
        updates = clients.local_updates(model, theta, fed, lr=1.0)
        everybody = data.split(patients, 1, seed=0)
        right = clients.local_updates(model, theta, everybody, lr=1.0)[0]
        got = call(answer, updates.clone(), fed.sizes.clone())
        try:
            got = torch.as_tensor(got)
        except (TypeError, ValueError, RuntimeError):
            raise Wrong(f"the merged update should be a tensor, got {got!r}") from None
        require(got.shape == right.shape, f"the merged update has shape {tuple(right.shape)}, got {tuple(got.shape)}")
        got, close = got.to(right), lambda a, b: bool(torch.allclose(a, b, rtol=1e-4, atol=1e-5))
        if close(got, right):
            continue
        sizes = fed.sizes.to(right).unsqueeze(1)
        if close(got, updates.mean(0)):
            raise Wrong(
                "every hospital counts the same; that is right for equal sizes only. Here a hospital holds n_k patients"
            )
        if close(got, updates.sum(0)) or close(got, (updates * sizes).sum(0)):
            raise Wrong("a sum, where a mean is asked: the weights must add up to 1")
        if close(got, (updates * sizes).mean(0)):
            raise Wrong("weighted by n_k, then divided by the number of hospitals; divide by the number of patients")
        right, got = ([round(value, 4) for value in update.tolist()] for update in (right, got))
        raise Wrong(f"with sizes {fed.sizes.tolist()} the merged update is {right}, you gave {got}")


def _guarantee(answer):
    rng = np.random.default_rng()
    patients = data.load("breast_cancer", features=["worst area", "worst smoothness"])
    fed = data.split(patients, 455, seed=int(rng.integers(1000)))
    rounds = [int(n) for n in rng.permutation(np.arange(3, 8))]
    cases = [
        (mechanisms.Laplace(float(rng.uniform(0.1, 0.3)), 2.0), 1e-5),
        (mechanisms.Gaussian(float(rng.uniform(8, 15)), 2.0), 1e-6),
        (mechanisms.Gaussian(float(rng.uniform(8, 15)), 2.0, at="client", unit="record"), 1e-5),
        (mechanisms.Gaussian(0.0, 2.0), 1e-5),
    ]
    for (mechanism, delta), count in zip(cases, rounds, strict=False):
        history = train(models.Linear(2, 1), fed, rounds=count, lr=1.0, mechanism=mechanism, delta=delta, progress=False)
        got = call(answer, history)
        require(isinstance(got, (tuple, list)) and len(got) == 3, f"return three things (ε, δ, unit), got {got!r}")
        require(
            np.ndim(got[0]) == 0, "ε should be one number, the total of all rounds; history.epsilon is one value a round"
        )
        epsilon, right = number(got[0], "ε"), history.total_epsilon
        if not math.isclose(epsilon, right, rel_tol=1e-6):
            if math.isclose(epsilon, history.epsilon_after(1), rel_tol=1e-6) or epsilon == getattr(
                mechanism, "epsilon", None
            ):
                raise Wrong(f"that is ε of one round; the run has {count}")
            if math.isclose(epsilon, history.plan.epsilon(method="basic"), rel_tol=1e-6):
                raise Wrong("rounds × ε of one round is valid but not the tightest; the history knows a smaller total")
            if math.isclose(epsilon, getattr(mechanism, "noise_multiplier", math.nan), rel_tol=1e-6):
                raise Wrong("that is the noise multiplier, not ε")
            raise Wrong(f"the run's total ε is {right:.4g}; you gave {epsilon:.4g}")
        require(math.isclose(number(got[1], "δ"), delta, rel_tol=1e-9), f"δ of this run is {delta:g}, you gave {got[1]!r}")
        require(got[2] == mechanism.unit, f"the unit of this run is {mechanism.unit!r}, you gave {got[2]!r}")


EXERCISES = (
    Exercise(
        "00.1",
        "Write best_guess(epsilon, delta): the highest chance, at even odds, of a right guess whether a client took part.",
        _best_guess,
        (
            "Notebook section 'What ε means': start from δ = 0, where the odds are at most e^ε to 1.",
            "Odds of e^ε to 1 are a probability of e^ε/(1+e^ε).",
            "With δ the numerator grows: (e^ε + δ)/(1 + e^ε).",
        ),
    ),
    Exercise(
        "00.2",
        "Write merge(updates, sizes): one gradient step's update on all patients, from the hospitals' updates and sizes.",
        _merge,
        (
            "A hospital's update is −lr times the mean gradient over its own n_k patients.",
            "The mean over all n patients is the sum over hospitals of n_k/n times the hospital's mean.",
            "Turn sizes into weights n_k/n of shape (hospitals, 1), multiply, and sum over the hospitals.",
        ),
    ),
    Exercise(
        "00.3",
        "Write guarantee(history): the run's total ε, its δ, and its unit of privacy ('client' or 'record').",
        _guarantee,
        (
            "The total is over all rounds: look at what a History offers besides epsilon, which has one value a round.",
            "history.total_epsilon and history.delta; the unit is a property of the mechanism.",
            "history.mechanism.unit is 'client' or 'record'. Without noise the total ε is infinity; return it as it is.",
        ),
    ),
)

QUIZ = (
    Question(
        "A model was trained with a total ε of 1 at client level; each client is a hospital. What is promised?",
        (
            (
                "Nobody can learn anything about a patient from the model.",
                "what holds for patients in general (large nuclei, so probably malignant) is learnt all the same; "
                "bounded is the change that one hospital's data make.",
            ),
            (
                "The model's law changes by a factor of at most e, up to δ, when one hospital's data are added or removed.",
                "neighbours differ by one whole hospital, and ε = 1 is the logarithm of the factor.",
            ),
            (
                "With probability exp(−1) the data stay private.",
                "no such probability exists; a guess at even odds is right with probability at most 0.73, give or take δ.",
            ),
        ),
        1,
    ),
    Question(
        "Ten hospitals, total ε = 1: the private model is useless. What brings accuracy back without weakening the promise?",
        (
            (
                "More rounds.",
                "the budget is fixed for the whole run, so more rounds mean more noise in each.",
            ),
            (
                "More hospitals.",
                "the noise on the sum stays the same while the sum grows, so the noise on the mean falls as 1/N.",
            ),
            (
                "Training each hospital for longer before it sends its update.",
                "the update is clipped to the same length before it is summed, and the noise is sized for that length.",
            ),
        ),
        1,
    ),
    Question(
        "You try ten settings of the ε slider at ε = 1 each on real patients and publish the best model. The published ε is",
        (
            (
                "1, since only one model is published.",
                "the choice depends on all ten models, so all ten runs count.",
            ),
            (
                "more than 1, and at most 10.",
                "ten runs on the same patients compose; adding up their ε, and their δ, is a valid bound. Publishing only "
                "the best can be made cheaper (Papernot & Steinke 2022), but not free.",
            ),
            (
                "less than 1, since nine models were thrown away.",
                "throwing results away after seeing them gives nothing back.",
            ),
        ),
        1,
    ),
)
