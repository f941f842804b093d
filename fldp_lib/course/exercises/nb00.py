"""Notebook 00: the bound on a guess against ε, merging clients' steps, reading a guarantee."""

import math
import random

import numpy as np

from ... import data, train
from ...privacy import mechanisms
from ...training import clients, models
from ..answers import Wrong, call, compare, number, parts, require, same, tensor
from ..teacher import Exercise, Question


def _guess_bound(answer):
    rng = np.random.default_rng()
    cases = [(rng.uniform(0.3, 6), 0.0) for _ in range(3)]
    cases += [(rng.uniform(0.3, 3), rng.uniform(0.01, 0.1)), (0.0, 0.0), (0.0, 0.3)]
    for epsilon, delta in cases:
        got = number(call(answer, epsilon, delta), "the result")
        e = math.exp(epsilon)
        right = (e + delta) / (1 + e)
        slips = [
            (
                math.exp(-epsilon),
                "exp(−ε) is no probability of a guess; at δ = 0 even odds and the factor e^ε give e^ε/(1 + e^ε)",
            ),
            (1 - right, "that is how often such a guess is wrong, at least; the exercise asks how often it is right"),
            (e, "e^ε to 1 are the odds; odds o to 1 are the probability o/(1 + o)"),
        ]
        if delta:
            slips += [
                (e / (1 + e), f"right for δ = 0, but δ = {delta:.3g} is left out: it helps whoever guesses"),
                (e / (1 + e) + delta, "δ stands inside the fraction: (e^ε + δ)/(1 + e^ε)"),
            ]
        compare(got, right, slips, f"at ε = {epsilon:.3g}, δ = {delta:.3g} the bound is {right:.4f}; you gave {got:.4f}")


def _hospitals(how, count):
    """A federation whose hospitals' plain mean is far from the right merge, unless all are equal; its updates; the merge."""
    patients = data.load("breast_cancer", features=["worst area", "worst smoothness"])
    while True:
        seed = random.SystemRandom().randrange(2**29)
        model = models.Linear(2, 1, seed=seed)
        theta = models.flatten(model)
        fed = data.split(patients, count, how=how, alpha=0.5, seed=seed)
        updates = clients.local_updates(model, theta, fed, lr=1.0)
        right = clients.local_updates(model, theta, data.split(patients, 1, seed=0), lr=1.0)[0].double()
        if how == "iid" or float((updates.mean(0) - right).abs().max() / right.abs().max()) > 0.02:
            return fed, updates, right


def _merge(answer):
    for how, count in (("iid", 5), ("sizes", 7), ("sizes", 12)):  # 455 = 5 × 91: the first sizes are equal
        fed, updates, right = _hospitals(how, count)
        got = tensor(call(answer, updates.clone(), fed.sizes.clone()), (3,), "the merged update")
        weighted = updates.double() * fed.sizes.unsqueeze(1)
        slips = (
            (
                updates.mean(0),
                "every hospital counts the same; that is right for equal sizes only. Here a hospital holds n_k",
            ),
            (updates.sum(0), "a sum, where a mean is asked: the weights must add up to 1"),
            (weighted.sum(0), "a sum over all patients, where a mean is asked: the weights must add up to 1"),
            (weighted.mean(0), "weighted by n_k, then divided by the number of hospitals; divide by the number of patients"),
            (-right, "the sign is turned: the updates are steps already, and are averaged as they are"),
        )
        shown = ([round(value, 4) for value in update.tolist()] for update in (right, got))
        message = "with sizes {} the merged update is {}, you gave {}".format(fed.sizes.tolist(), *shown)
        compare(got, right, slips, message, rel=1e-4)


def _guarantee(answer):
    rng = np.random.default_rng()
    patients = data.load("breast_cancer", features=["worst area", "worst smoothness"])
    fed = data.split(patients, 455, seed=int(rng.integers(1000)))
    rounds = [int(n) for n in rng.permutation(np.arange(10, 14))]  # so many that basic composition is off by far more
    cases = [
        (mechanisms.Laplace(float(rng.uniform(0.1, 0.3)), 2.0), 1e-5),
        (mechanisms.Gaussian(float(rng.uniform(8, 15)), 2.0), 1e-6),
        (mechanisms.Gaussian(float(rng.uniform(8, 15)), 2.0, at="client", unit="record"), 1e-4),
        (mechanisms.Gaussian(0.0, 2.0), 1e-5),
    ]
    for (mechanism, delta), count in zip(cases, rounds, strict=True):
        history = train(models.Linear(2, 1), fed, rounds=count, lr=1.0, mechanism=mechanism, delta=delta, progress=False)
        got = parts(call(answer, history), 3, "the guarantee (ε, δ, unit)")
        require(
            np.ndim(got[0]) == 0, "ε should be one number, the total of all rounds; history.epsilon is one value a round"
        )
        epsilon, right = number(got[0], "ε"), history.total_epsilon
        if not same(epsilon, right, 1e-3):  # history.epsilon[-1] is within 1e-4
            if same(epsilon, history.epsilon_after(1), 1e-3) or epsilon == getattr(mechanism, "epsilon", None):
                raise Wrong(f"that is ε of one round; the run has {count}")
            if same(epsilon, history.plan.epsilon(method="basic")) or same(epsilon, count * history.epsilon_after(1)):
                raise Wrong(
                    f"rounds × ε of one round is no less than the total, and here more; the history knows {right:.5g}"
                )
            if same(epsilon, getattr(mechanism, "noise_multiplier", math.nan)):
                raise Wrong("that is the noise multiplier, not ε")
            raise Wrong(f"the run's total ε is {right:.4g}; you gave {epsilon:.4g}")
        require(same(number(got[1], "δ"), delta), f"δ of this run is {delta:g}, you gave {got[1]!r}")
        known = isinstance(got[2], str) and str(got[2]) == mechanism.unit
        require(known, f"the unit of this run is {mechanism.unit!r}, you gave {got[2]!r}")


EXERCISES = (
    Exercise(
        "00.1",
        "Write guess_bound(epsilon, delta): at even odds, the bound on the chance of a right guess whether a client was in.",
        _guess_bound,
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
                "Nobody can learn anything about a single patient of a hospital from the model.",
                "what holds for patients in general (large nuclei, so probably malignant) is learnt all the same; "
                "bounded is the change that one hospital's data make.",
            ),
            (
                "With or without one hospital's data the model's law is alike up to e, and δ.",
                "neighbours differ by one whole hospital, and ε = 1 is the logarithm of the factor.",
            ),
            (
                "With probability exp(−1), about 37%, the hospitals' data stay private in this run.",
                "no such probability exists; the bound on a guess at even odds is 0.73, over all mechanisms with ε = 1.",
            ),
        ),
        1,
    ),
    Question(
        "Ten hospitals, total ε = 1, a clip that hardly any step reaches: the noise swamps the model. Which change "
        "helps, at the same ε?",
        (
            (
                "More rounds and nothing else, so that the noise averages out over them.",
                "the budget is fixed for the whole run, so each of more rounds gets more noise; here that brought little.",
            ),
            (
                "A smaller clip, with more local steps and rounds to make up for it.",
                "the noise is sized for the clip; the median rises to about 0.9 here, still below training alone.",
            ),
            (
                "A larger clip, so that no hospital's step is ever shortened by it.",
                "the noise is sized for the clip and grows with it, whether or not a step is that long.",
            ),
        ),
        1,
    ),
    Question(
        "You try ten settings at ε = 1 each on real patients and publish the best model. Which ε has to be published?",
        (
            (
                "1, since only one of the ten models is ever published.",
                "the choice depends on all ten models, so all ten runs count.",
            ),
            (
                "That of all ten runs together: 10, or what a tighter count gives.",
                "ten runs on the same patients compose; adding up their ε, and their δ, is a valid bound. Publishing only "
                "the best can be made cheaper (Papernot & Steinke 2022), but not free.",
            ),
            (
                "Less than 1, since nine models were thrown away after they were seen.",
                "throwing results away after seeing them gives nothing back.",
            ),
        ),
        1,
    ),
)
