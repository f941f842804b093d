"""Notebook 16: the ε that rates need, what runs can prove, guesses in one run, a p-value."""

import math

import numpy as np
from scipy import stats

from ..answers import Wrong, call, compare, number, require, same
from ..teacher import Exercise, Question


def _epsilon_of(answer):
    rng = np.random.default_rng()
    cases = [(float(rng.uniform(0.3, 0.6)), float(rng.uniform(0.02, 0.2)), float(rng.uniform(0, 0.05))) for _ in range(3)]
    cases += [(float(rng.uniform(0.9, 0.99)), float(rng.uniform(0.5, 0.7)), 0.0), (0.2, 0.4, 0.01), (0.3, 0.29, 0.05)]
    for tpr, fpr, delta in cases:
        got = number(call(answer, tpr, fpr, delta), "the ε")
        first = math.log(max(tpr - delta, 1e-300) / fpr)
        second = math.log(max(1 - fpr - delta, 1e-300) / (1 - tpr))
        third = math.log(max(fpr - delta, 1e-300) / tpr)
        fourth = math.log(max(1 - tpr - delta, 1e-300) / (1 - fpr))
        right = max(0.0, first, second)
        if same(got, max(right, third, fourth)) and not same(right, max(right, third, fourth)):
            continue  # turning the verdict round is allowed, too
        slips = (
            (first, "the complements need more here: (1 − FPR − δ)/(1 − TPR)"),
            (max(0.0, first), "the complements need more here: (1 − FPR − δ)/(1 − TPR)"),
            (max(first, second), "a bound below 0 says nothing: return 0"),
            (math.log(tpr / fpr), "δ is taken off the true positives"),
            (max(0.0, math.log(tpr / fpr), math.log((1 - fpr) / (1 - tpr))), "δ is taken off before dividing"),
            (tpr / fpr, "ε is the logarithm of the ratio"),
        )
        where = f"TPR {tpr:.3f}, FPR {fpr:.3f}, δ {delta:.3f}"
        compare(got, right, slips, f"for {where} it should be {right:.4f}; you gave {got:.4f}")


def _most(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        runs, error = int(rng.integers(50, 5_000)), float(rng.uniform(0.005, 0.1))
        got = number(call(answer, runs, error), "the bound")
        edge = error ** (1 / runs)  # the smallest rate at which all of n succeed with probability `error`
        right = math.log(edge / (1 - edge))
        slips = (
            (math.inf, "no false positive seen does not mean a rate of 0"),
            (-math.log(1 - edge), "the true-positive rate has a bound, too"),
            (math.log(runs), "1/n is not a confidence bound"),
            (math.log(runs / 3), "the rule of three holds for 5% and is an approximation"),
            (
                math.log((edge2 := (error / 2) ** (1 / runs)) / (1 - edge2)),
                "`error` is for each bound; it is not halved again",
            ),
        )
        compare(got, right, slips, f"for {runs} runs at error {error:.3f} it is {right:.4f}; you gave {got:.4f}", rel=1e-4)


def _guess(answer):
    rng = np.random.default_rng()
    for m, guesses in ((20, 6), (31, 10)):
        scores = rng.normal(size=m) + 5
        got = call(answer, scores.copy(), guesses)
        try:
            got = np.asarray(got).astype(int)
        except (TypeError, ValueError):
            raise Wrong(f"return whole numbers (m,), got {type(got).__name__}") from None
        require(got.shape == (m,), f"there are {m} canaries, but the answer has shape {got.shape}")
        require(set(got.tolist()) <= {-1, 0, 1}, "guesses are 1, −1 or 0")
        order = np.argsort(scores)
        right = np.zeros(m, dtype=int)
        right[order[: guesses // 2]], right[order[-(guesses // 2) :]] = -1, 1
        if (got == right).all():
            continue
        require(not (got == -right).all(), "high scores speak for a canary that is in")
        require((got != 0).sum() == guesses, f"{guesses} guesses, half of each kind; you made {(got != 0).sum()}")
        require((got == 1).sum() == guesses // 2, "half of the guesses are 'in', half are 'out'")
        raise Wrong("guess 'in' for the highest scores, 'out' for the lowest, and abstain between")


def _p_value(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        guesses, epsilon = int(rng.integers(30, 200)), float(rng.uniform(0.2, 2))
        q = 1 / (1 + math.exp(-epsilon))
        correct = int(min(guesses, round(q * guesses + rng.uniform(1, 6))))
        got = number(call(answer, correct, guesses, epsilon), "the p-value")
        law = stats.binom(guesses, q)
        right = float(law.sf(correct - 1))
        slips = (
            (float(law.sf(correct)), "that is the probability of *more*; the observed number belongs to it"),
            (float(law.cdf(correct)), "many right guesses speak against the claim: the upper tail"),
            (float(law.pmf(correct)), "so many *or more*"),
            (float(stats.binom(guesses, 0.5).sf(correct - 1)), "under ε-privacy a guess may be right oftener than a coin"),
            (
                float(stats.binom(guesses, min(1.0, math.exp(epsilon) / 2)).sf(correct - 1)),
                "the probability is e^ε/(1 + e^ε)",
            ),
        )
        where = f"for {correct} of {guesses} at ε = {epsilon:.3f}"
        compare(got, right, slips, f"{where} it should be {right:.4g}; you gave {got:.4g}", rel=1e-5)


EXERCISES = (
    Exercise(
        "16.1",
        "Write epsilon_of(tpr, fpr, delta): the smallest ε that allows these rates.",
        _epsilon_of,
        (
            "TPR ≤ e^ε·FPR + δ, and the same for 1 − FPR and 1 − TPR.",
            "Two logarithms; the larger one counts, and 0 if both are negative.",
            "max(0, log((tpr - delta) / fpr), log((1 - fpr - delta) / (1 - tpr))), with δ larger than TPR giving nothing.",
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
            ("The program is private with ε = 1.", "a lower bound below the claim proves nothing of the kind."),
            ("The program is private with ε = 0.3.", "0.3 is a lower bound, not an upper one."),
            ("This attacker, with these runs, did not refute the claim.", "and no more than that."),
        ),
        2,
    ),
    Question(
        "Why is the threshold chosen on other runs than those that judge it?",
        (
            ("To save computing time.", "it costs half of the runs."),
            ("Because a threshold that was chosen on the same runs profits from their chance.", "the bound would not hold."),
            ("Because the Clopper–Pearson bounds need fresh noise in each run.", "the runs are independent anyway."),
        ),
        1,
    ),
    Question(
        "Laplace noise drawn as −b ln u in floating point: what does an audit by histograms say?",
        (
            ("It finds the leak at once.", "the frequencies are right; the leak is in the last bits."),
            ("Nothing is wrong, although single outputs give the answer away.", "an audit finds what it looks for."),
            ("It finds too large a scale.", "the scale is right."),
        ),
        1,
    ),
)
