"""Notebook 06: log-ratios, combining reports, the worst-off person, what a printed step really promises."""

import math

import numpy as np
import torch

from ..answers import call, compare, number
from ..teacher import Exercise, Question


def _log_ratio(answer):
    rng = np.random.default_rng()
    for d in (1, 3, 7):
        f, g, b = rng.uniform(-9, 9, d), rng.uniform(-9, 9, d), float(rng.uniform(0.2, 4))
        got = number(call(answer, torch.from_numpy(f.copy()), torch.from_numpy(g.copy()), b), "the log-ratio")
        gap = np.abs(f - g)
        slips = (
            (np.linalg.norm(f - g) / b, "that is the L2 distance over b; the coordinates' log-ratios add up in size"),
            (gap.max() / b, "that is the largest coordinate alone; all of them are released"),
            (gap.mean() / b, "that is the mean over the coordinates; their densities multiply, so log-ratios add"),
            (gap.sum() * b, "multiplied by b: a larger scale makes the two harder to tell apart"),
            (abs((f - g).sum()) / b, "differences of opposite sign cancel; take the size of each coordinate's"),
            (math.exp(min(gap.sum() / b, 700)), "that is the ratio; its logarithm is asked for"),
        )
        compare(got, gap.sum() / b, slips, f"in {d} dimensions it should be {gap.sum() / b:.5g}; you gave {got:.5g}")


def _combine(answer):
    rng = np.random.default_rng()
    for n in (2, 5):
        reports, epsilons = rng.normal(0, 5, n), rng.uniform(0.1, 4, n)
        got = number(call(answer, torch.from_numpy(reports.copy()), torch.from_numpy(epsilons.copy())), "the estimate")
        right = np.average(reports, weights=epsilons**2)
        slips = (
            (reports.mean(), "that is the plain mean: unbiased, but the noisiest report carries as much as the best"),
            (np.average(reports, weights=epsilons), "weights ∝ ε: the variance of a report goes as 1/ε², not 1/ε"),
            (
                np.average(reports, weights=1 / epsilons),
                "the noisiest report has the largest weight: a small ε is a lot of noise",
            ),
            (np.average(reports, weights=epsilons**-2.0), "the noisiest report has the largest weight; use 1/variance"),
            (reports[epsilons.argmax()], "the best report alone; the others still carry information"),
            (reports @ epsilons**2, "the weights have to add up to 1, or the estimate is biased"),
        )
        compare(got, right, slips, f"for {n} reports it should be {right:.5g}; you gave {got:.5g}")


def _worst_total(answer):
    rng = np.random.default_rng()
    for case in range(3):
        spent = rng.uniform(0.1, 1, (4, 5)) * (rng.random((4, 5)) < 0.7)
        spent[:, 0] += 0.1
        people = [[0], [1], [2], [3], [2, 3]] if case else [[0], [1], [2, 3], [0, 3]]
        totals = spent.sum(1)
        got = number(call(answer, torch.from_numpy(spent.copy()), [list(p) for p in people]), "the ε")
        right = max(totals[p].sum() for p in people)
        slips = (
            (spent.sum(), "that is the sum over everybody; nobody has data at all participants"),
            (totals.max(), "that is the worst participant; a person with data at two of them pays at both"),
            (
                spent.max(0).sum(),
                "the maximum of each round, added up, mixes participants: take the sums first, then the maximum",
            ),
            (max(totals[p].max() for p in people), "a person with data at two participants pays the sum of both"),
            (spent.max(), "that is the dearest single report; the rounds add up"),
            (max(totals[p].mean() for p in people), "a person with data at two participants pays the sum, not the mean"),
        )
        compare(got, right, slips, f"for people {people} it should be {right:.5g}; you gave {got:.5g}")


def _true_epsilon(answer):
    rng = np.random.default_rng()
    for clean in (1, 0, int(rng.integers(2, 8))):
        low = float(rng.uniform(-5, 5))
        high, lr, scale = low + float(rng.uniform(1, 9)), float(rng.uniform(0.05, 0.9)), float(rng.uniform(0.3, 4))
        got = number(call(answer, low, high, lr, clean, scale), "the ε")
        width = high - low
        moved = width * (1 - (1 - lr) ** (clean + 1)) / lr
        slips = (
            (width / scale, "that covers one gradient; the clean ones before it look at the same readings"),
            (
                width * (clean + 1) / scale,
                "the gradients do not all move by high − low: each step brings θ nearer to the mean",
            ),
            (lr * moved / scale, "the learning rate multiplies the noise as well: divide by lr·scale, or leave both out"),
            (moved * scale, "multiplied by the scale: more noise means a smaller ε"),
            (width * (1 - (1 - lr) ** clean) / lr / scale, "the noisy step has a gradient of its own: clean + 1 in all"),
            (width * (1 - lr) ** clean / scale, "that is the last gradient alone; the release holds all of them"),
        )
        compare(
            got,
            moved / scale,
            slips,
            f"for readings in {low:.3g} … {high:.3g}, lr {lr:.3g}, {clean} clean steps, scale {scale:.3g} ε is "
            f"{moved / scale:.5g}; you gave {got:.5g}",
        )


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
            "The least variance has weights proportional to 1/variance, divided by their sum.",
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
    Exercise(
        "06.4",
        "Write true_epsilon(low, high, lr, clean, scale): the ε of a release after some steps without noise.",
        _true_epsilon,
        (
            "Without noise the result depends on the readings' mean m. How far does it move when m goes from low to high?",
            "After s steps θ = m + (1 − lr)^s·(start − m), so m moves it by (high − low)·(1 − (1 − lr)^s); s = clean + 1.",
            "The noise in the result has the scale lr·scale: divide by that.",
        ),
    ),
)

QUIZ = (
    Question(
        "A server releases five private models and picks the best by the exact loss on the clients' data. Is the choice "
        "post-processing?",
        (
            (
                "Yes: it only looks at released models.",
                "the exact loss is a function of the clients' data, not of the released models alone.",
            ),
            (
                "No: the loss looks at the data again, so the choice is a release of its own.",
                "post-processing may use the release and independent coins, and nothing else.",
            ),
            (
                "Yes, since one number out of five reveals little.",
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
            ("2, the maximum.", "that is one round; the rounds add up."),
            ("6, the maximum of 1.5 and 6.", "add up over a participant's rounds, then take the worst participant."),
        ),
        2,
    ),
    Question(
        "Lap(0, 1) from A and Lap(0, 1) from B are added. The sum",
        (
            (
                "is Lap(0, 2).",
                "scales do not add; Lap(0, 2) has variance 8, the sum has 4.",
            ),
            (
                "has variance 4 and is no Laplace variable.",
                "variances of independent variables add, and the density is (1 + |x|)e^(−|x|)/4.",
            ),
            (
                "has variance 2.",
                "that is one of them: 2b² with b = 1.",
            ),
        ),
        1,
    ),
)
