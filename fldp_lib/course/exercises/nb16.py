"""Notebook 16: the ε that rates need, what runs can prove, guesses in one run, a p-value."""

import math

import numpy as np
from scipy import stats

from ..answers import call, compare, number, require, tensor
from ..teacher import Exercise, Question


def _needed(tpr, fpr, delta):
    """The ε that each of the four inequalities needs: TPR, its complement, and both with the verdicts turned round."""
    pairs = (tpr, fpr), (1 - fpr, 1 - tpr), (fpr, tpr), (1 - tpr, 1 - fpr)
    return [math.log(max(a - delta, 1e-300) / b) for a, b in pairs]


def _epsilon_of(answer):
    rng = np.random.default_rng()
    ranges = (  # of TPR and FPR: in each another of the four inequalities decides
        ((0.3, 0.6), (0.02, 0.1)),
        ((0.9, 0.98), (0.5, 0.7)),
        ((0.1, 0.2), (0.35, 0.6)),
        ((0.5, 0.7), (0.9, 0.98)),
    )
    cases = [(*(float(rng.uniform(*ends)) for ends in pair), float(rng.uniform(0.005, 0.015))) for pair in ranges]
    cases += [(0.2, 0.4, 0.01), (0.3, 0.29, 0.05), (0.005, 0.2, 0.02)]
    for tpr, fpr, delta in cases:
        got = number(call(answer, tpr, fpr, delta), "the ε")
        first, second, third, fourth = _needed(tpr, fpr, delta)
        right = max(0.0, first, second, third, fourth)
        bare = _needed(tpr, fpr, 0.0)
        slips = (
            (max(first, second, third, fourth), "a bound below 0 says nothing: return 0"),
            (first, "the set “in” is not all: its complement, and both turned round, have to obey the definition too"),
            (max(0.0, first), "the set “in” is not all: its complement, and both turned round, have to obey it too"),
            (max(first, second), "turned round, FPR ≤ e^ε·TPR + δ has to hold as well; and ε is not below 0"),
            (max(0.0, first, second), "turned round, FPR ≤ e^ε·TPR + δ has to hold as well, and so for the complements"),
            (max(0.0, first, third), "the complements need more here: (1 − FPR − δ)/(1 − TPR), and turned round"),
            (max(0.0, *bare), "δ is taken off the numerator before dividing"),
            (bare[0], "δ is taken off the numerator before dividing"),
            (math.exp(right), "ε is the logarithm of the ratio"),
            (right / math.log(10), "ε is a natural logarithm"),
            (right / math.log(2), "ε is a natural logarithm"),
        )
        where = f"TPR {tpr:.3f}, FPR {fpr:.3f}, δ {delta:.3f}"
        compare(got, right, slips, f"for {where} it should be {right:.4f}; you gave {got:.4f}")


def _most(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        runs, error = int(rng.integers(50, 5_000)), float(rng.uniform(0.005, 0.04))
        got = number(call(answer, runs, error), "the bound")

        def proved(error, runs=runs):
            edge = error ** (1 / runs)  # the smallest rate at which all of n succeed with probability `error`
            return math.log(edge / (1 - edge))

        right = proved(error)
        slips = (
            (math.inf, "no false positive seen does not mean a rate of 0"),
            (-math.log(1 - error ** (1 / runs)), "the true-positive rate has a bound, too"),
            (math.log(runs), "1/n is not a confidence bound"),
            (math.log(runs / 3), "the rule of three holds for 5% and is an approximation"),
            (proved(error / 2), "`error` is for each bound; it is not halved again"),
            (proved(0.05), "the error is given; it is not 5% here"),
            (proved(0.025), "the error is given; it is not 2.5% here"),
            (proved(1 - error), "`error` is the probability to be wrong, not the confidence"),
            (math.exp(right), "ε is the logarithm of the ratio"),
            (right / math.log(10), "ε is a natural logarithm"),
        )
        compare(got, right, slips, f"for {runs} runs at error {error:.3f} it is {right:.4f}; you gave {got:.4f}")


def _guess(answer):
    rng = np.random.default_rng()
    for m, guesses in ((20, 6), (31, 10)):
        scores = rng.normal(size=m) + 5
        got = tensor(call(answer, scores.copy(), guesses), (m,), "the guesses").numpy()
        require(set(got.tolist()) <= {-1, 0, 1}, "guesses are 1, −1 or 0, one for each canary in the order given")
        order = np.argsort(scores)
        right = np.zeros(m)
        right[order[: guesses // 2]], right[order[-(guesses // 2) :]] = -1, 1
        if (got == right).all():
            continue
        require(not (got == -right).all(), "high scores speak for a canary that is in")
        require((got != 0).sum() == guesses, f"{guesses} guesses, half of each kind; you made {int((got != 0).sum())}")
        require((got == 1).sum() == guesses // 2, "half of the guesses are 'in', half are 'out'")
        require(False, "guess 'in' for the highest scores, 'out' for the lowest, and abstain between")


def _p_value(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        guesses, epsilon = int(rng.integers(40, 90)), float(rng.uniform(0.2, 1))
        q = 1 / (1 + math.exp(-epsilon))
        correct = round(q * guesses + rng.uniform(1, 5))
        got = number(call(answer, correct, guesses, epsilon), "the p-value")
        law = stats.binom(guesses, q)
        right = float(law.sf(correct - 1))
        slips = (
            (float(law.sf(correct)), "that is the probability of *more*; the observed number belongs to it"),
            (float(law.cdf(correct)), "many right guesses speak against the claim: the upper tail"),
            (float(law.cdf(correct - 1)), "many right guesses speak against the claim: the upper tail"),
            (float(law.pmf(correct)), "so many *or more*"),
            (2 * right, "one side: only many right guesses speak against the claim"),
            (float(stats.binom(guesses, 0.5).sf(correct - 1)), "under ε-privacy a guess may be right oftener than a coin"),
            (
                float(stats.binom(guesses, min(1.0, math.exp(epsilon) / 2)).sf(correct - 1)),
                "the probability is e^ε/(1 + e^ε)",
            ),
        )
        where = f"for {correct} of {guesses} at ε = {epsilon:.3f}"
        compare(got, right, slips, f"{where} it should be {right:.4g}; you gave {got:.4g}")


EXERCISES = (
    Exercise(
        "16.1",
        "Write epsilon_of(tpr, fpr, delta): the smallest ε that allows these rates.",
        _epsilon_of,
        (
            "TPR ≤ e^ε·FPR + δ; the same for 1 − FPR and 1 − TPR; and both with the two data sets exchanged.",
            "Four logarithms: the largest counts, and 0 if all are negative. A numerator at or below 0 asks for nothing.",
            "pairs = (tpr, fpr), (1 - fpr, 1 - tpr), (fpr, tpr), (1 - tpr, 1 - fpr): log((a - delta) / b) where a > delta.",
        ),
    ),
    Exercise(
        "16.2",
        "Write most(runs, error): the largest ε that so many runs can prove.",
        _most,
        (
            "With no false positive in n runs, which rate would show none with probability `error`?",
            "(1 − rate)^n = error, so the rate is 1 − error^(1/n); and TPR is at least error^(1/n).",
            "log(error ** (1 / n) / (1 - error ** (1 / n))).",
        ),
    ),
    Exercise(
        "16.3",
        "Write guess(scores, guesses): the guesses of a one-run audit.",
        _guess,
        (
            "Sort the scores; np.argsort gives the places.",
            "The last guesses // 2 places are the highest.",
            "answer = np.zeros(len(scores), int); answer[order[-half:]] = 1; answer[order[:half]] = -1.",
        ),
    ),
    Exercise(
        "16.4",
        "Write p_value(correct, guesses, epsilon): how likely so many right guesses are under the claim, at most.",
        _p_value,
        (
            "Under ε-privacy each guess is right with probability at most e^ε/(1 + e^ε).",
            "The upper tail of a binomial law, the observed number included.",
            "scipy.stats.binom.sf(correct - 1, guesses, 1 / (1 + exp(-epsilon))).",
        ),
    ),
)

QUIZ = (
    Question(
        "An audit with 1,000 runs gives ε ≥ 0.3 for a program that claims ε = 1. What follows?",
        (
            (
                "The program is private with ε = 1, with 95% confidence.",
                "a bound below the claim proves nothing of the kind.",
            ),
            ("The program is private with ε = 0.3, and better than it says.", "0.3 is a lower bound, not an upper one."),
            ("This attacker, with these runs, did not refute it.", "and no more than that."),
        ),
        2,
    ),
    Question(
        "Why is the threshold chosen on other runs than those that judge it?",
        (
            ("To save half of the computing time.", "it costs half of the runs."),
            ("One chosen on the same runs profits from their chance.", "the bound would not hold."),
            ("The Clopper–Pearson bounds need fresh noise in each run.", "the runs are independent anyway."),
        ),
        1,
    ),
    Question(
        "Through μ 20,000 runs prove ε ≥ 1.9 of an unknown program. What is needed to call its claim, ε = 1, refuted?",
        (
            (
                "Nothing more: 1.9 is above 1, with 95% confidence.",
                "of Laplace noise with ε = 1 the same audit proves more than 3.",
            ),
            ("That the program's trade-off curve is a Gaussian's.", "then μ has the whole curve, and ε at any δ."),
            (
                "A million runs, since ε lies in the tails.",
                "the (ε, δ) audit would need them; this one looks at the middle.",
            ),
        ),
        1,
    ),
    Question(
        "One run, 168 of 200 guesses right: 1.33 by (ε, δ), 2.13 through μ. The program claims ε = 2. What follows?",
        (
            (
                "It is refuted, if its noise is Gaussian.",
                "then the whole curve holds, and 2.13 is above 2, with 95% confidence.",
            ),
            ("It is refuted, whatever its noise.", "another mechanism with ε = 2 may well let 168 guesses be right."),
            ("Nothing, since the two bounds contradict each other.", "both are lower bounds; the larger one assumes more."),
        ),
        0,
    ),
    Question(
        "Laplace noise drawn as −b ln u in floating point: what does an audit by histograms say?",
        (
            (
                "That the last bits leak, in the first thousand runs.",
                "the frequencies are right; the leak is in single numbers.",
            ),
            ("Nothing, although some single outputs give it away.", "an audit finds what it looks for."),
            ("That its scale is too large, by a rounding error.", "the scale is right."),
        ),
        1,
    ),
)
