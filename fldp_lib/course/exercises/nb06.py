"""Notebook 06: log-ratios, combining reports, the worst-off person, what a printed step really promises."""

import math

import numpy as np
import torch

from ..answers import call, compare, number
from ..teacher import Exercise, Question
from ._draws import apart


def _log_ratio(answer):
    rng = np.random.default_rng()

    def draw(d):
        gap, b = rng.uniform(1, 3, d), float(rng.uniform(1.2, 4))
        step = gap * np.where(np.arange(d) % 2, 1, -1)  # differences of both signs, which cross 0
        f = -step * rng.uniform(0.2, 0.4, d)
        g = f + step
        right, cancel = gap.sum() / b, "differences of opposite sign cancel; take the size of each coordinate's"
        slips = (
            (np.linalg.norm(gap) / b, "that is the L2 distance over b; the coordinates' log-ratios add up in size"),
            ((gap**2).sum() / b, "squared distances belong to Gaussian noise; a Laplace density falls with the size itself"),
            (gap.max() / b, "that is the largest coordinate alone; all of them are released"),
            (gap.mean() / b, "that is the mean over the coordinates; their densities multiply, so log-ratios add"),
            (gap.sum() * b, "multiplied by b: a larger scale makes the two harder to tell apart"),
            (gap.sum(), "the scale is missing: divide by b"),
            (2 * right, "twice too much: one coordinate contributes |f_j − g_j|/b at most"),
            (right / 2, "half of it: beyond both answers a coordinate contributes all of |f_j − g_j|/b"),
            (abs((f - g).sum()) / b, cancel),
            ((f - g).sum() / b, cancel),
            ((g - f).sum() / b, cancel),
            (math.exp(min(right, 700)), "that is the ratio; its logarithm is asked for"),
            (-right, "the largest log-ratio is not negative: take the size of each difference"),
        )
        return (torch.from_numpy(f), torch.from_numpy(g), b), right, slips

    for d in (3, 7, 1):
        (f, g, b), right, slips = apart(draw, d)
        got = number(call(answer, f.clone(), g.clone(), b), "the log-ratio")
        compare(got, right, slips, f"in {d} dimensions it should be {right:.5g}; you gave {got:.5g}")


def _combine(answer):
    rng = np.random.default_rng()

    def draw(n):
        reports = rng.permutation(np.linspace(-5, 5, n) + rng.uniform(-0.5, 0.5, n))
        epsilons = rng.permutation(np.geomspace(0.8, 3, n) * rng.uniform(0.9, 1.1, n))
        noisiest = "the noisiest report has the largest weight: a small ε is a lot of noise"
        biased = "the weights have to add up to 1, or the estimate is biased"
        slips = (
            (reports.mean(), "that is the plain mean: unbiased, but the noisiest report carries as much as the best"),
            (np.average(reports, weights=epsilons), "weights ∝ ε: the variance of a report goes as 1/ε², not 1/ε"),
            (np.average(reports, weights=epsilons**4), "weights ∝ ε⁴: the weight is 1/variance, and not its square"),
            (np.average(reports, weights=epsilons**0.5), "weights ∝ √ε: the variance of a report goes as 1/ε²"),
            (np.average(reports, weights=1 / epsilons), noisiest),
            (np.average(reports, weights=epsilons**-2.0), noisiest),
            (reports[epsilons.argmax()], "the best report alone; the others still carry information"),
            (reports[epsilons.argmin()], "that is the noisiest report alone"),
            (reports @ epsilons**2, biased),
            (reports @ epsilons, biased),
            (reports @ epsilons**2 / n, biased),
            (reports.sum(), "that is the sum of the reports: the weights have to add up to 1"),
            (np.median(reports), "the median takes no account of the noise: weigh the reports"),
        )
        inputs = torch.from_numpy(reports), torch.from_numpy(epsilons)
        return inputs, np.average(reports, weights=epsilons**2), slips

    for n in (2, 5):
        (reports, epsilons), right, slips = apart(draw, n)
        got = number(call(answer, reports.clone(), epsilons.clone()), "the estimate")
        compare(got, right, slips, f"for {n} reports it should be {right:.5g}; you gave {got:.5g}")


def _worst_total(answer):
    rng = np.random.default_rng()

    def draw(people):
        sent = np.ones((4, 5), dtype=bool)
        sent[np.arange(4), rng.integers(1, 5, 4)] = False  # one report is missing in every row
        spent = rng.uniform(0.2, 1, (4, 5)) * sent
        most = rng.uniform((2.0, 2.0, 2.6, 3.2), (2.3, 2.3, 2.8, 3.4))  # two participants cost more than any one
        spent *= (most / spent.sum(1))[:, None]
        totals = spent.sum(1)
        slips = (
            (spent.sum(), "that is the sum over everybody; nobody has data at all participants"),
            (totals.max(), "that is the worst participant; a person with data at two of them pays at both"),
            (
                spent.max(0).sum(),
                "the maximum of each round, added up, mixes participants: take the sums first, then the maximum",
            ),
            (
                spent.sum(0).max(),
                "that is the dearest round: a person pays over all rounds, at the person's own participants",
            ),
            (spent.max(), "that is the dearest single report; the rounds add up"),
            (max(totals[p].max() for p in people), "a person with data at several participants pays the sum over them"),
            (max(totals[p[:2]].sum() for p in people), "all of a person's participants count, not the first two only"),
            (max(spent[p].max(0).sum() for p in people), "in a round a person pays at every participant, not at one only"),
            (max(totals[p].mean() for p in people), "a person with data at two participants pays the sum, not the mean"),
            (sum(totals[p].sum() for p in people), "that is the sum over the people: the worst-off person is asked for"),
            (min(totals[p].sum() for p in people), "that is the best-off person"),
            (max(np.sqrt((spent[p] ** 2).sum()) for p in people), "at δ = 0 the ε add up, not their squares"),
        )
        return torch.from_numpy(spent), max(totals[p].sum() for p in people), slips

    for people in ([[0], [1], [2, 3], [0, 3]], [[0], [1], [2], [3], [0, 1, 3]], [[3], [2, 1], [0]]):
        spent, right, slips = apart(draw, people)
        got = number(call(answer, spent.clone(), [list(p) for p in people]), "the ε")
        compare(got, right, slips, f"for people {people} it should be {right:.5g}; you gave {got:.5g}")


EXERCISES = (
    Exercise(
        "06.1",
        "Write log_ratio(f, g, b): the largest log-ratio between two vectors released with Laplace noise of scale b.",
        _log_ratio,
        (
            "The densities of independent coordinates multiply. What do their logarithms do?",
            "One coordinate contributes at most |f_j − g_j|/b, and an output beyond both attains it.",
            "The L1 distance of f and g, divided by b.",
        ),
    ),
    Exercise(
        "06.2",
        "Write combine(reports, epsilons): the unbiased combination of Laplace reports with the least variance.",
        _combine,
        (
            "With the same clip the scale of a report's noise is proportional to 1/ε. What is its variance?",
            "No weights w that add up to 1 give less than 1/Σ(1/v), by the Cauchy–Schwarz inequality 1 = (Σ w√v · 1/√v)² ≤ "
            "Σ w²v · Σ 1/v; weights proportional to 1/variance, divided by their sum, reach it.",
            "Weights ε² over the sum of all ε².",
        ),
    ),
    Exercise(
        "06.3",
        "Write worst_total(spent, people): the ε of the worst-off person, from ε by participant and round.",
        _worst_total,
        (
            "First for one person with data at one participant: what do that participant's reports cost together?",
            "Rounds add up. For a person at two participants both sums add up, since both see that person's data.",
            "The maximum over people of the sum, over their participants and all rounds.",
        ),
    ),
)

QUIZ = (
    Question(
        "A server releases five private models and picks the best by the exact loss on the clients' data. Is the choice "
        "post-processing?",
        (
            (
                "Yes: it chooses among models that are released.",
                "the exact loss is a function of the clients' data, not of the released models alone.",
            ),
            (
                "No: the loss looks at the data again.",
                "the choice is a release of its own: post-processing may use releases and independent coins alone.",
            ),
            (
                "Yes: one number out of five says too little to count.",
                "how little is what ε measures, and without noise it is not bounded at all.",
            ),
        ),
        1,
    ),
    Question(
        "Two participants with disjoint patients report at ε = 0.5 and ε = 2 in each of three rounds. For every patient the "
        "federation guarantees",
        (
            ("7.5, the sum of all reports.", "a patient's data enter the reports of one participant only."),
            ("2, the larger of the two.", "that is one round; the rounds add up."),
            ("6, the maximum of 1.5 and 6.", "add up over a participant's rounds, then take the worst participant."),
        ),
        2,
    ),
    Question(
        "Lap(0, 1) from A and Lap(0, 1) from B are added. The sum",
        (
            (
                "is Lap(0, 2): the scales of Laplace noises add.",
                "scales do not add; Lap(0, 2) has variance 8, the sum has 4.",
            ),
            (
                "has variance 4, and is no Laplace variable.",
                "variances of independent variables add, and the density is (1 + |x|)e^(−|x|)/4.",
            ),
            (
                "has variance 2, as each of the two has.",
                "that is one of them: 2b² with b = 1.",
            ),
        ),
        1,
    ),
)
