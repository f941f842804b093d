"""Notebook 10: threshold, expected cost, excess regret by group, a bank's private step."""

import math

import numpy as np
import torch

from ..answers import Wrong, call, compare, number, numbers, require, same, tensor
from ..teacher import Exercise, Question


def _threshold(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        loss, good = float(rng.uniform(6, 20)), float(rng.uniform(1.5, 3))
        got, right = number(call(answer, loss, good), "the threshold"), good / (loss + good)
        slips = (
            (good / loss, "approving costs loss·p, denying good·(1 − p): the p in the second is missing"),
            (loss / (loss + good), "that is the probability of repaying from which on approving is cheaper"),
            (1 / (1 + loss), "good is missing: what a denied customer would have brought counts, too"),
            (good / (loss - good), "loss·p = good·(1 − p): bring the p to one side, with its sign"),
            ((loss + good) / good, "that is more than 1, and upside down"),
            (0.5, "one half is right only where both errors cost the same"),
            (1 / 6, "1/6 is right for a loss of 5 and a good of 1 only"),
        )
        compare(got, right, slips, f"for loss {loss:.3g} and good {good:.3g} it is {right:.5f}; you gave {got:.5f}")


def _expected_cost(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        n, loss, good, limit = 200, float(rng.uniform(3, 9)), float(rng.uniform(1.2, 2)), float(rng.uniform(0.55, 0.8))
        truth, score = rng.random(n), rng.random(n)

        def mean(approve, p, loss=loss, good=good):
            return float(np.where(approve, loss * p, good * (1 - p)).mean())

        given = torch.from_numpy(score.copy()), torch.from_numpy(truth.copy())
        got = number(call(answer, *given, limit, loss, good), "the cost")
        right = mean(score < limit, truth)
        slips = (
            (mean(score < limit, score), "the cost follows from the true probability, the decision from the score"),
            (mean(truth < limit, truth), "decided by the truth; the decision has to follow the score"),
            (mean(score >= limit, truth), "approve *below* the limit"),
            (mean(score < good / (loss + good), truth), "the limit is given; it need not be the best one"),
            (mean(score < limit, truth, good, loss), "the two costs are exchanged"),
            (mean(score < limit, truth, loss, 1.0), "a denied good customer costs `good`, not 1"),
            (
                float(np.where(score < limit, loss * truth, good).mean()),
                "a denied applicant costs `good` only with the probability 1 − truth of repaying",
            ),
            (float(np.where(score < limit, loss * truth, 0).mean()), "denying costs something, too"),
            (right * n, "the mean is asked for, not the sum"),
        )
        compare(got, right, slips, f"it should be {right:.5f}; you gave {got:.5f}")


def _excess(answer):
    rng = np.random.default_rng()
    n = 60
    best = rng.uniform(0.2, 1, n)
    plain, private = best + rng.uniform(0.05, 0.1, n), best + rng.uniform(0.2, 0.6, n)
    member = rng.permutation(n) < 20
    got = call(answer, *(torch.from_numpy(v.copy()) for v in (plain, private, best, member)))
    inside, outside = numbers(got, 2, "the pair")

    def pair(growth):
        return growth(member), growth(~member)

    def matches(wanted):
        return same(inside, wanted[0]) and same(outside, wanted[1])

    right = pair(lambda g: (private[g].mean() - plain[g].mean()) / best[g].mean())
    if matches(right):
        return
    slips = (
        (right[::-1], "members first, then the others"),
        (
            pair(lambda g: (private[g].mean() - plain[g].mean()) / best.mean()),
            "each group is measured against its own best decisions",
        ),
        (
            pair(lambda g: (private[g] / best[g]).mean() - (plain[g] / best[g]).mean()),
            "regret is a ratio of mean costs, not a mean of ratios",
        ),
        (
            pair(lambda g: private[g].mean() / plain[g].mean() - 1),
            "regret is measured against the best decision; subtract two regrets",
        ),
        (pair(lambda g: private[g].mean() - plain[g].mean()), "regret is relative: divide by the best decisions' mean cost"),
        (pair(lambda g: private[g].mean() / best[g].mean() - 1), "that is the private regret; its growth is asked for"),
        (pair(lambda g: (plain[g].mean() - private[g].mean()) / best[g].mean()), "private minus plain, not the reverse"),
    )
    for wanted, words in slips:
        if matches(wanted):
            raise Wrong(words)
    everybody = (private.mean() - plain.mean()) / best.mean()
    if same(inside, right[0]) and same(outside, everybody):
        raise Wrong("the second number is for the others alone, not for everybody")
    raise Wrong(f"it should be {right[0]:.5f} and {right[1]:.5f}; you gave {inside:.5f} and {outside:.5f}")


def _bank_step(answer):
    """The deviation over 4,000 coordinates has relative error 1.1%; 8% is 7 of them: false alarms below 1e-11."""
    rng = np.random.default_rng()
    for n in (40, 7):
        long = rng.permutation(np.linspace(0.001, 0.1, n))[:, None]  # norms from 0.07 on
        gradients = torch.from_numpy(long * (rng.normal(size=4_000) + 0.5 * rng.normal(size=(n, 4_000))))
        gradients[:, 0] += torch.from_numpy(30 * long[:, 0])  # one coordinate is beyond the clip
        clip, seed = float(rng.uniform(0.6, 0.85)), int(rng.integers(2**31))
        clean = (gradients * (clip / gradients.norm(dim=1, keepdim=True)).clamp(max=1)).mean(0)

        def mean(noise, gradients=gradients, clip=clip, seed=seed, clean=clean):  # drawn anew from the same seed
            given = gradients.clone(), clip, noise, torch.Generator().manual_seed(seed)
            return tensor(call(answer, *given), clean.shape, "the mean gradient")

        got, multiplier = mean(0.0), float(rng.uniform(10, 14))
        compare(
            got, clean, _clipped_wrongly(gradients, clip, clean), "without noise it is not the mean of the clipped gradients"
        )
        noisy, again = mean(multiplier), mean(multiplier)
        require(torch.equal(noisy, again), "the noise should come from the generator that is given")
        _check_noise((noisy - clean).numpy(), clip, multiplier, n)


def _clipped_wrongly(gradients, clip, clean):
    """Pairs (mean gradient without noise by a slip, what is wrong about it)."""
    n, mean = len(gradients), gradients.mean(0)
    norms = gradients.norm(dim=1, keepdim=True)
    return (
        (clean * n, "that is the sum; divide by n"),
        (mean, "nothing is clipped"),
        (mean * clip / mean.norm(), "the mean is clipped; each applicant's gradient has to be"),
        (gradients.clamp(-clip, clip).mean(0), "each coordinate is clipped; the whole gradient's norm has to be"),
        ((gradients * clip / norms).mean(0), "short gradients are lengthened: multiply by min(1, clip/norm)"),
        (
            (gradients * (clip / gradients.abs().sum(1, keepdim=True)).clamp(max=1)).mean(0),
            "clipped in the L1 norm; Gaussian noise needs the L2 norm",
        ),
        ((gradients * (norms <= clip)).mean(0), "long gradients are left out; they are to be shortened"),
    )


def _check_noise(noise, clip, multiplier, n):
    """Deviation, mean and shape of the noise in a mean gradient (4,000,)."""
    std, right = float(noise.std()), multiplier * clip / n
    require(std > 1e-6 * right, "there is no noise")
    for wrong, words in (
        (multiplier * clip, "the noise is added after the division by n: n times too much"),
        (right / math.sqrt(n), "too little noise: one draw on the sum, divided by n"),
        (right * math.sqrt(n), "one draw for each applicant: one on the sum is enough, and what is promised"),
        (multiplier / n, "the clip is missing in the noise's deviation"),
        (clip / n, "the multiplier is missing in the noise's deviation"),
        (2 * right, "twice the noise: a record that comes or goes moves the sum by one clip"),
    ):
        if abs(std / right - 1) > 0.08 and abs(std / wrong - 1) < 0.08:
            raise Wrong(words)
    require(abs(std / right - 1) < 0.08, f"the noise should have deviation {right:.4g}, it has {std:.4g}")
    require(abs(noise.mean()) < 0.12 * std, "the noise should be 0 on average")
    tails = float((((noise - noise.mean()) / std) ** 4).mean())  # 3 ± 0.08 for a Gaussian, 6 for Laplace, 1.8 if uniform
    require(abs(tails - 3) < 0.8, "the noise has the right deviation, and is no Gaussian")


EXERCISES = (
    Exercise(
        "10.1",
        "Write threshold(loss, good): the probability of default from which on denying is cheaper.",
        _threshold,
        (
            "Write down the expected cost of approving and that of denying, with p.",
            "They are loss·p and good·(1 − p). Where are they equal?",
            "good/(loss + good).",
        ),
    ),
    Exercise(
        "10.2",
        "Write expected_cost(score, truth, limit, loss, good): the mean cost of deciding by the score.",
        _expected_cost,
        (
            "The decision looks at the score; the cost at the truth.",
            "Approved: loss·truth. Denied: good·(1 − truth).",
            "torch.where(score < limit, loss * truth, good * (1 - truth)).mean().",
        ),
    ),
    Exercise(
        "10.3",
        "Write excess(plain, private, best, member): growth of the regret, for members and for the others.",
        _excess,
        (
            "Compute the regret of each score in each group first.",
            "Regret: mean cost in the group over the mean of `best` in the same group, minus 1.",
            "(private[g].mean() - plain[g].mean()) / best[g].mean() for g = member and ~member.",
        ),
    ),
    Exercise(
        "10.4",
        "Write bank_step(gradients, clip, multiplier, generator): a bank's noisy mean gradient.",
        _bank_step,
        (
            "Clip every row: multiply it by min(1, clip/norm).",
            "Sum the rows; add one draw of torch.randn(d, generator=generator, dtype=torch.float64) times multiplier·clip.",
            "Divide the noisy sum by n.",
        ),
    ),
)

QUIZ = (
    Question(
        "Two banks have the same customers as clients of both. Each runs record-level privacy at ε = 1. Such a customer has",
        (
            (
                "ε = 1: the banks compose in parallel.",
                "parallel composition needs disjoint units; here one person is in both.",
            ),
            ("ε = 2: what the two of them learn adds up.", "two mechanisms see the same person: sequential composition."),
            ("no ε: she is not one unit any more.", "both guarantees hold, and add up."),
        ),
        1,
    ),
    Question(
        "A clip far below the typical gradient, and no noise at all, gives a bad score. Why?",
        (
            (
                "The number of rounds is too small: short gradients need more of them.",
                "with four times the rounds and twice the step the regret stays near 0.4.",
            ),
            (
                "Long gradients are shortened most, and they belong to one class.",
                "the sum of clipped gradients is not 0 at the truth; no ε repairs that.",
            ),
            (
                "Clipping is a kind of noise, which averages out over many applicants.",
                "it is the same on every run, and does not average out: a bias.",
            ),
        ),
        1,
    ),
    Question(
        "The average regret at ε = 2 is small. A supervisor asks whether the small group is harmed. You answer:",
        (
            ("It is not: an average this small leaves no room for it.", "a group of a twelfth hardly moves an average."),
            ("Here are its errors, with intervals and baseline.", "only that answers it; and which errors they are."),
            ("It is not: differential privacy treats everybody alike.", "the noise is the same, what it does is not."),
        ),
        1,
    ),
)
