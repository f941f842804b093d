"""Notebook 17: ε from an RDP curve, ε under another adjacency, a node that refuses."""

import math
from itertools import pairwise

import numpy as np

from ...privacy import accounting, calibration, mechanisms
from ..answers import Wrong, call, compare, number, parts, require, truth
from ..teacher import Exercise, Question


def _converted(answer):
    rng = np.random.default_rng()
    orders = np.concatenate([1 + np.arange(5, 100) / 10, np.arange(12, 64.0)])
    for _ in range(3):
        delta = float(10 ** rng.uniform(-6, -3))
        rdp = orders / (2 * rng.uniform(0.5, 0.85) ** 2)  # so little noise that the largest order is the worst
        got = number(call(answer, orders.copy(), rdp.copy(), delta), "ε")
        each = rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)
        classical = rdp + math.log(1 / delta) / (orders - 1)
        right = float(each.min())
        slips = (
            (float(classical.min()), "that is the classical conversion; the improved one is smaller at every order"),
            (float(each[rdp.argmin()]), "the smallest r is not the smallest ε: convert every order, then take the least"),
            (float(each.max()), "every order gives a valid ε; the least of them is yours"),
            (float(each.mean()), "the least of them, not their mean"),
            (float((rdp - np.log(delta * orders) / (orders - 1)).min()), "the term ln((α − 1)/α) is missing"),
            (float((rdp + np.log1p(-1 / orders) - np.log(delta) / (orders - 1)).min()), "the term ln α is missing"),
            (float((rdp + np.log1p(-1 / orders) + np.log(delta * orders) / (orders - 1)).min()), "ln δ + ln α is taken off"),
            (float(orders[each.argmin()]), "that is the best order; its ε is asked for"),
        )
        compare(got, right, slips, f"at δ = {delta:.2g} it should be {right:.5f}; you gave {got:.5f}")


def _replaced(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        epsilon, delta, right, slips = _other_neighbours(rng)
        got = number(call(answer, epsilon, delta), "ε")
        where = f"for ε = {epsilon:.3f} at δ = {delta:.2g}"
        compare(got, right, slips, f"{where} it should be {right:.4f}; you gave {got:.4f}", rel=5e-3)


def _other_neighbours(rng):
    """ε, δ, the right answer and the slips: all at least 2% apart, since a search for σ may be that coarse."""

    def cost(sigma, delta, releases=1):
        return accounting.epsilon(mechanisms.Gaussian(sigma, 1.0), releases, delta=delta)

    while True:
        epsilon, delta = float(rng.uniform(0.3, 3)), float(10 ** rng.uniform(-7, -4))
        sigma = calibration.calibrate("gaussian", epsilon, delta, 1, 1.0)
        slips = (
            (epsilon, "the noise is the same and the sensitivity is not: ε grows"),
            (2 * epsilon, "twice ε comes with a larger δ, (1 + e^ε)·δ; at the same δ it is more"),
            (cost(2 * sigma, delta), "a doubled sensitivity halves σ"),
            (cost(sigma, delta, 2), "two releases divide σ by √2, not by 2"),
            (4 * epsilon, "four times is right for zCDP's ρ, not for ε"),
            (cost(sigma / 2, (1 + math.exp(epsilon)) * delta), "at the same δ: it does not grow here, ε does"),
        )
        right = cost(sigma / 2, delta)
        values = sorted([right, *(value for value, _ in slips)])
        if all(more > 1.02 * less for less, more in pairwise(values)):
            return epsilon, delta, right, slips


def _decisions(budget, requests, price, forget=True, before=False):
    """What a node decides if `price` turns a list of rounds into ε; it should forget what it refused."""
    there, decided = [], []
    for asked in requests:
        total = price(there) if before else price([*there, asked])
        decided.append(total < budget if before else total <= budget)
        if decided[-1] or not forget:
            there.append(asked)
    return decided


def _governed(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        while True:
            budget, multiplier, delta = float(rng.uniform(1, 4)), float(rng.uniform(15, 25)), 1e-5
            requests = [int(rounds) for rounds in rng.integers(5, 120, 8)]
            requests[int(rng.integers(1, 4))] = 2_000  # far too much: what comes after it must not suffer
            noise = mechanisms.Gaussian(multiplier, 1.0)

            def price(rounds, noise=noise, delta=delta):
                return accounting.epsilon(noise, sum(rounds), delta=delta)

            def added(rounds, price=price):
                return sum(price([each]) for each in rounds)

            right = _decisions(budget, requests, price)
            wrong = (
                (_decisions(budget, requests, price, before=True), "decide before the release: the total *with* the "
                 "request has to stay within the budget"),
                (_decisions(budget, requests, price, forget=False), "a refused request has spent nothing: forget it"),
                (_decisions(budget, requests, added), "ε does not add up: compose, and more can be granted"),
                (_decisions(budget, requests, lambda rounds, price=price: price(rounds[-1:])), "each is within the budget; "
                 "their total is what counts"),
                ([not value for value in right], "True is for a request that is granted"),
            )  # fmt: skip
            every = [tuple(found) for found in (right, *(found for found, _ in wrong))]
            if len(set(every)) == len(every) and all(len(set(found)) == 2 for found in every):
                break
        got = call(answer, budget, delta, multiplier, list(requests))
        got = [truth(value, "each decision") for value in parts(got, len(requests), "the decisions")]
        for other, words in wrong:
            require(got != other, words)
        if got != right:
            first = next(k for k, (a, b) in enumerate(zip(got, right, strict=True)) if a != b)
            verb = "granted" if right[first] else "refused"
            raise Wrong(f"request {first + 1} of {requests} should be {verb} under a budget of {budget:.2f}")


EXERCISES = (
    Exercise(
        "17.1",
        "Write converted(orders, rdp, delta): the ε that an RDP curve gives by the improved conversion.",
        _converted,
        (
            "ε = r + ln((α − 1)/α) − (ln δ + ln α)/(α − 1), for each order.",
            "Every order gives a valid ε, so the least of them is valid.",
            "(rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)).min()",
        ),
    ),
    Exercise(
        "17.2",
        "Write replaced(epsilon, delta): ε of the same Gaussian noise if a record is replaced.",
        _replaced,
        (
            "Which σ gives this ε under add-or-remove? accounting.calibrate finds it.",
            "Replacing a record moves a clipped sum by 2C: the multiplier counts half.",
            "accounting.epsilon(mechanisms.Gaussian(sigma / 2, clip=1.0), delta=delta).",
        ),
    ),
    Exercise(
        "17.3",
        "Write decide(budget, delta, multiplier, requests): which requests a node grants.",
        _governed,
        (
            "Price what was granted so far together with the request, before it is released.",
            "Rounds add up: accounting.epsilon(mechanism, rounds, delta=delta) of their sum, without what was refused.",
            "If the total with the request is at most the budget, append True and add its rounds; else append False.",
        ),
    ),
)

QUIZ = (
    Question(
        "Two tools report ε = 2.28 and ε = 2.00 at the same δ for one and the same run. What follows?",
        (
            ("One of the two has a fault, and the run has no valid ε.", "both are upper bounds; one is tighter."),
            ("Both hold; the smaller says more.", "if both are proved for one adjacency."),
            ("The true ε lies between the two values.", "it may lie below both; each is an upper bound."),
        ),
        1,
    ),
    Question(
        "A vendor writes: differential privacy with ε = 1, therefore anonymous under the GDPR. What is missing?",
        (
            ("Nothing at all, since the GDPR accepts every ε up to 1.", "no rule of the GDPR names an ε."),
            (
                "δ, unit, neighbours, trust; then a judgement.",
                "the law asks which means are reasonably likely, case by case.",
            ),
            ("The number of rounds, and with it the claim is complete.", "it is one of several parts that are missing."),
        ),
        1,
    ),
    Question(
        "A node ends in the middle of a round. What does the ledger say of that round?",
        (
            ("It is free, since this node has sent nothing.", "the others' noisy sum was released."),
            ("It is charged, like any other round.", "what was released carries the round's noise, whoever was missing."),
            ("It is charged by the share of nodes that answered.", "ε is not divided by attendance."),
        ),
        1,
    ),
    Question(
        "Opacus's GDP accountant reports less than the exact ε for a sampled run. What may be reported?",
        (
            ("GDP's number: of several valid ones the least counts.", "it is a limit theorem's value, not a bound."),
            ("Nothing with a μ in it: GDP and ε exclude each other.", "a μ computed from the loss distribution is sound."),
            ("The exact ε, and also a μ computed from the same losses.", "Gomez et al. 2025 recommend just that μ."),
        ),
        2,
    ),
    Question(
        "When should the package's noise be replaced by OpenDP's?",
        (
            ("When the data set is too large for one machine.", "size is not the reason."),
            (
                "Never, because both follow the same formula.",
                "formulas are about real numbers, programs about floating point.",
            ),
            ("When what is released may be attacked.", "its samplers are exact; the package's simulate."),
        ),
        2,
    ),
)
