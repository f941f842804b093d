"""Notebook 12: skill, a driver's noise, debiased counts, everybody's ridge solution at once, groups."""

import math

import numpy as np
import torch

from ...privacy import mechanisms
from ..answers import call, compare, number, parts, require, tensor
from ..teacher import Exercise, Question


def _skill(answer):
    rng = np.random.default_rng()
    for sensors, hours in ((4, 24), (7, 10)):
        before, actual = (torch.from_numpy(rng.uniform(size=(sensors, hours))) for _ in range(2))
        forecast = actual + 0.2 * torch.from_numpy(rng.normal(size=(sensors, hours)))
        got = number(call(answer, forecast.clone(), actual.clone(), before.clone()), "the skill")
        mse, base = float((forecast - actual).square().mean()), float((before - actual).square().mean())
        each = 1 - (forecast - actual).square().mean(1) / (before - actual).square().mean(1)
        mae = float((forecast - actual).abs().mean() / (before - actual).abs().mean())
        slips = (
            (1 - mae, "that compares absolute errors; the skill compares mean squares"),
            (mse / base - 1, "the sign is turned: a perfect forecast has skill 1"),
            (1 - mse, "persistence's mean square is missing"),
            (1 - math.sqrt(mse / base), "that compares root mean squares; the skill compares mean squares"),
            (mse / base, "that is the share that is left; the skill is what is gained"),
            (1 - base / mse, "the forecast's error stands above, persistence's below"),
            (1 - mse / float(actual.var(correction=0)), "that is R², against the mean; persistence is an hour ago"),
            (float(each.mean()), "one skill for all sensors: average the squares first, then divide"),
        )
        compare(got, 1 - mse / base, slips, f"it should be {1 - mse / base:.4f}; you gave {got:.4f}")


def _count_scale(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        epsilon, passages, days = float(rng.uniform(0.3, 3)), int(rng.integers(9, 20)), int(rng.integers(2, 8))
        got, right = number(call(answer, epsilon, passages, days), "the scale"), passages * days / epsilon
        slips = (
            (passages / epsilon, "that is ε for one day; the ε of the days add up"),
            (days / epsilon, "a driver changes several counts in a day"),
            ((passages + days) / epsilon, "so many passages every day: multiply by the days"),
            (right * epsilon, "ε is missing: the scale is the sensitivity over ε"),
            (right * epsilon**2, "divide by ε, do not multiply"),
            (1 / epsilon, "a driver changes one count by 1, but several counts"),
            (math.sqrt(passages * days) / epsilon, "the Laplace mechanism takes the L1 sensitivity"),
            (2 * right, "her passages are added or removed, not replaced"),
            (epsilon / (passages * days), "smaller ε means more noise"),
            (math.sqrt(2) * right, "that is the standard deviation; the scale is asked for"),
        )
        compare(got, right, slips, f"it should be {right:.4g} cars; you gave {got:.4g}")


def _true_counts(answer):
    rng = np.random.default_rng()
    for k in (5, 9):
        epsilon, n = float(rng.uniform(0.5, 2)), 3_000
        reports = torch.from_numpy(rng.choice(k - 1, n, p=rng.dirichlet(np.full(k - 1, 9.0))))  # nobody names the last
        got = tensor(call(answer, reports.clone(), epsilon, k), (k,), f"the counts of all {k} districts")
        named = torch.bincount(reports, minlength=k).double()
        right = n * mechanisms.RandomisedResponse(epsilon, k).estimate(reports)
        q = 1 / (math.exp(epsilon) + k - 1)
        p = math.exp(epsilon) * q
        whole_e = math.exp(epsilon) + k
        slips = (
            (named, "those are the numbers named; most of them by chance"),
            (right / n, "those are shares; numbers are asked for"),
            (named / p, "who is elsewhere names the district, too: subtract n·q first"),
            ((named - n * (1 - p)) / (2 * p - 1), "a lie falls on one of k − 1 districts: q = 1/(e^ε + k − 1)"),
            ((named - n * q) / p, "divide by p − q: those who were taken off with n·q include the true ones"),
            (right.clamp(min=0), "cutting off negative counts makes the estimate biased"),
            (
                (named - n / whole_e) / ((math.exp(epsilon) - 1) / whole_e),
                "there are k − 1 other districts: q = 1/(e^ε + k − 1)",
            ),
            ((named - n * p) / (q - p), "p and q are exchanged: q is the chance of a false name"),
        )
        compare(got, right, slips, f"for ε = {epsilon:.3g} it should begin with {right[:3].numpy().round(1)}")


def _ridge_each(answer):
    rng = np.random.default_rng()
    for clients, n, d in ((5, 12, 3), (8, 6, 4)):
        x, y = torch.from_numpy(rng.normal(size=(clients, n, d))), torch.from_numpy(rng.normal(size=(clients, n)))
        mask = torch.arange(n) < torch.from_numpy(rng.integers(1, n, clients))[:, None]
        lam = float(rng.choice([rng.uniform(0.3, 0.7), rng.uniform(1.5, 2)]))  # λ² is another number
        got = tensor(call(answer, x.clone(), y.clone(), mask.clone(), lam), (clients, d), "the solutions")

        def solve(x, y, weight, d=d):
            gram = x.mT @ x + torch.as_tensor(weight).reshape(-1, 1, 1) * torch.eye(d, dtype=torch.float64)
            return torch.linalg.solve(gram, x.mT @ y.unsqueeze(-1)).squeeze(-1)

        real, target = x * mask.unsqueeze(-1), y * mask
        right = solve(real, target, lam)
        slips = (
            (solve(x, y, lam), "padding is no data: use the mask"),
            (solve(x, target, lam), "the mask belongs on x, too: padding enters the matrix x'x"),
            (solve(real, target, lam * n), "the penalty is added once, not once for each record"),
            (solve(real, target, lam * mask.sum(1)), "the penalty is added once, not once for each record"),
            (solve(real, target, lam**2), "λ enters as it is, not squared"),
            (solve(real, target, lam / 2), "the squared error has no ½ here, so λ is not halved"),
            (solve(real, target, 2 * lam), "the squared error has no ½ here, so λ is not doubled"),
            (-right, "the sign is turned"),
            ((real.mT @ target.unsqueeze(-1)).squeeze(-1), "that is x'y; the matrix x'x + λI is still to be divided out"),
        )
        compare(got, right, slips, f"the first client's solution should be {right[0].numpy().round(4)}")


def _group(answer):
    rng = np.random.default_rng()
    for turn in range(4):
        epsilon, delta, m = float(rng.uniform(0.15, 0.3)), float(10 ** rng.uniform(-7, -5)), int(rng.integers(4, 15))
        growth = math.expm1(m * epsilon) / math.expm1(epsilon)
        if turn == 3:
            delta = 0.95 / growth  # large, and still a promise
        right = delta * growth
        said = parts(call(answer, epsilon, delta, m), 2, "the pair (ε, δ)")
        require(
            said[1] is not None,
            f"for ε = {epsilon:.3g}, δ = {delta:.3g} and m = {m} the δ is {right:.3g}, below 1: it says something",
        )
        got_epsilon, got_delta = number(said[0], "the ε"), number(said[1], "the δ")
        slips = (
            (epsilon, "the ε grows with the group"),
            (math.sqrt(m) * epsilon, "the ε of a group grows with m, not with its root: this is no composition"),
            ((m - 1) * epsilon, "from one data set to the other it takes m steps"),
            ((m + 1) * epsilon, "from one data set to the other it takes m steps"),
        )
        compare(got_epsilon, m * epsilon, slips, f"the ε should be {m * epsilon:.4g}; you gave {got_epsilon:.4g}")
        slips = (
            (m * delta, "the δ of each step is multiplied by the e^ε of the steps after it"),
            (delta, "the δ grows, too"),
            (delta * math.exp(m * epsilon), "the steps are a geometric series"),
            (
                m * delta * math.exp((m - 1) * epsilon),
                "that holds, too, but it is not the sum: each step has its own power of e^ε",
            ),
            (
                m * delta * math.exp(m * epsilon),
                "that holds, too, but it is not the sum: each step has its own power of e^ε",
            ),
            (delta * math.expm1((m + 1) * epsilon) / math.expm1(epsilon), "there are m steps, from e^0 to e^((m − 1)ε)"),
            (delta * math.expm1((m - 1) * epsilon) / math.expm1(epsilon), "there are m steps, from e^0 to e^((m − 1)ε)"),
        )
        compare(got_delta, right, slips, f"the δ should be {right:.4g}; you gave {got_delta:.4g}")
    for epsilon, delta, m in ((2.0, 1e-4, 12), (0.3, 1.3 * math.expm1(0.3) / math.expm1(2.4), 8)):
        said = parts(call(answer, epsilon, delta, m), 2, "the pair (ε, δ)")
        require(said[1] is None, f"for ε = {epsilon:g}, δ = {delta:.3g} and m = {m} the δ exceeds 1: it should be None")


EXERCISES = (
    Exercise(
        "12.1",
        "Write skill(forecast, actual, before): how much better than persistence a forecast is.",
        _skill,
        (
            "Two mean squares: of the forecast's error, and of persistence's.",
            "Persistence forecasts `before`.",
            "1 - (forecast - actual).square().mean() / (before - actual).square().mean().",
        ),
    ),
    Exercise(
        "12.2",
        "Write count_scale(epsilon, passages, days): the Laplace scale that hides a driver in published counts.",
        _count_scale,
        (
            "By how much does one driver change the vector of all counts of all days, in L1?",
            "Each of at most passages · days counts by 1.",
            "passages * days / epsilon.",
        ),
    ),
    Exercise(
        "12.3",
        "Write true_counts(reports, epsilon, k): unbiased counts from randomised reports.",
        _true_counts,
        (
            "How often is a district named if π of the phones are in it?",
            "n(πp + (1 − π)q) times, with q = 1/(e^ε + k − 1) and p = e^ε·q. Solve for nπ.",
            "(torch.bincount(reports, minlength=k) - n * q) / (p - q).",
        ),
    ),
    Exercise(
        "12.4",
        "Write ridge_each(x, y, mask, lam): every client's ridge solution, without a loop.",
        _ridge_each,
        (
            "Set padded rows of x and y to zero first.",
            "x.mT @ x is clients × d × d; torch.linalg.solve takes a batch.",
            "torch.linalg.solve(x.mT @ x + lam * torch.eye(d), x.mT @ y.unsqueeze(-1)).squeeze(-1), in x's type.",
        ),
    ),
    Exercise(
        "12.5",
        "Write group(epsilon, delta, m): the guarantee for somebody who is in m units.",
        _group,
        (
            "Go from one data set to the other in m steps, one unit each.",
            "P₀(S) ≤ e^ε P₁(S) + δ ≤ e^{2ε} P₂(S) + e^ε δ + δ ≤ …",
            "δ (e^{mε} − 1)/(e^ε − 1), a geometric series; None from 1 on.",
        ),
    ),
)

QUIZ = (
    Question(
        "All that is known of a forecast is that it is (1, 1e-4)-private for each sensor. What does that promise to a "
        "driver who passes twelve?",
        (
            ("The same ε = 1: she is in the data of the sensors.", "she is in twelve units, not in one."),
            (
                "Nothing: the δ of such a group of twelve exceeds 1.",
                "ε = 12 and a δ above 1 by the definition; the mechanism's own accounting gives a finite but large ε.",
            ),
            ("ε = 1/12: her share of each of the flows is small.", "the guarantee knows units only, not shares of a flow."),
        ),
        1,
    ),
    Question(
        "Noise was added to every hourly count at the sensors. What does training on these counts cost in addition?",
        (
            ("Another ε for every round of the training.", "the rounds read only what is private already."),
            ("Nothing: it is post-processing.", "whatever is computed from a private release stays private."),
            ("Nothing, as long as the updates are clipped.", "clipping has nothing to do with it here."),
        ),
        1,
    ),
    Question(
        "Sensors with a week of history forecast better alone than together. Why?",
        (
            ("The noise of the federation outweighs what sharing brings.", "it was without noise in that comparison."),
            (
                "A week settles a sensor's own weights; the shared fit nobody.",
                "with little data variance decides, with much data the difference between roads does.",
            ),
            (
                "Federated averaging did not converge in its ten rounds here.",
                "it comes within 0.001 of pooled least squares.",
            ),
        ),
        1,
    ),
)
