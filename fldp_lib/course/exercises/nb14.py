"""Notebook 14: a posterior, bias and noise, how many clients, the next clip."""

import math

import numpy as np
import torch

from ..answers import Wrong, call, compare, number, require, same
from ..teacher import Exercise, Question


def _posterior(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        prior, epsilon = float(rng.uniform(0.01, 0.4)), float(rng.uniform(0.2, 3))
        got, factor = number(call(answer, prior, epsilon), "the posterior"), math.exp(epsilon)
        right = prior * factor / (1 - prior + prior * factor)
        slips = (
            (prior * factor, "the odds are multiplied by e^ε, not the probability"),
            (prior * factor / (1 - prior), "those are odds; the probability is odds / (1 + odds)"),
            (factor / (1 + factor), "that is for even odds; here the prior is given"),
            (prior / (prior + (1 - prior) * factor), "that is the smallest probability"),
            (min(1.0, prior + math.expm1(epsilon)), "probabilities are not added to"),
        )
        compare(got, right, slips, f"for prior {prior:.3f} and ε = {epsilon:.3f} it is {right:.4f}; you gave {got:.4f}")


def _bias_noise(answer):
    rng = np.random.default_rng()
    for n, d in ((40, 6), (25, 12)):
        updates = torch.from_numpy(rng.normal(size=(n, d)) * rng.uniform(0.2, 3, (n, 1)) + 0.5)
        clip, multiplier = float(rng.uniform(0.8, 2)), float(rng.uniform(2, 9))
        got = call(answer, updates.clone(), clip, multiplier)
        require(isinstance(got, tuple) and len(got) == 2, f"return a pair (bias, noise), got {type(got).__name__}")
        bias, noise = number(got[0], "the bias"), number(got[1], "the noise")
        norms = updates.norm(dim=1, keepdim=True)
        each = (updates * (clip / norms.clamp(min=clip))).mean(0) - updates.mean(0)
        mean = updates.mean(0)
        shortened = mean * min(1.0, clip / float(mean.norm()))
        slips = (
            (float((shortened - mean).norm()), "each update is clipped, not their mean"),
            (float((updates * (clip / norms.clamp(min=clip)) - updates).norm(dim=1).mean()), "the bias is that of the mean"),
            (float((updates.clamp(-clip, clip).mean(0) - mean).norm()), "clip the norm of each update, not its entries"),
            (float(each.square().sum()), "that is the squared length"),
        )
        right = float(each.norm())
        compare(bias, right, slips, f"the bias should be {right:.4f}; you gave {bias:.4f}", rel=1e-5)
        right = multiplier * clip * math.sqrt(d) / n
        slips = (
            (multiplier * clip / n, "that is one coordinate; the length is over all of them"),
            (multiplier * clip * math.sqrt(d), "the noise is divided by n, like the sum"),
            (multiplier * clip * math.sqrt(d / n), "the noise is added once, to the sum: it falls like 1/n"),
            (multiplier * clip * d / n, "squared lengths of coordinates add up: √d, not d"),
            (right**2, "that is the squared length"),
        )
        compare(noise, right, slips, f"the noise should be {right:.4f}; you gave {noise:.4f}", rel=1e-5)


def _clients_needed(answer):
    rng = np.random.default_rng()
    draws = [(int(rng.integers(50, 900)), float(rng.uniform(1, 5)), float(rng.uniform(1.1, 4))) for _ in range(3)]
    for clients, multiplier, factor in (*draws, (100, 2.0, 1.5)):
        stricter = multiplier * factor
        got = number(call(answer, clients, multiplier, stricter), "the number of clients")
        exact = clients * stricter / multiplier
        right = math.ceil(exact - 1e-9)
        slips = (
            (exact, "clients are whole"),
            (math.floor(exact), "that is one too few: the noise would still be larger"),
            (math.ceil(clients * factor**2 - 1e-9), "the noise in the mean falls like 1/n, not 1/√n"),
            (math.ceil(clients * math.sqrt(factor) - 1e-9), "the noise in the mean falls like 1/n"),
            (math.ceil(clients / factor), "a stricter promise takes more clients"),
        )
        compare(got, right, slips, f"from {clients} clients it should be {right}; you gave {got:g}")


def _next_clip(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        norms = torch.from_numpy(rng.lognormal(size=30))
        clip, expected = float(rng.uniform(0.5, 2)), float(rng.uniform(25, 40))
        noise, quantile, eta = float(rng.normal() * 2), float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.1, 0.6))
        got = number(call(answer, norms.clone(), clip, expected, noise, quantile, eta), "the clip")
        short = int((norms <= clip).sum())

        def step(share, sign=-1, clip=clip, eta=eta, quantile=quantile):
            return clip * math.exp(sign * eta * (share - quantile))

        share = (short - 15 + noise) / expected + 0.5
        right = step(share)
        slips = (
            (step(share, 1), "if too many are short enough the clip must fall"),
            (step((short - 15) / expected + 0.5), "the noise belongs on the count; without it the clip leaks"),
            (step((30 - short - 15 + noise) / expected + 0.5), "count the updates that are *not* clipped"),
            (step((short + noise) / expected), "shift each bit by ½ before adding and the share by ½ after: sensitivity ½"),
            (step((short - 15) / expected + 0.5 + noise), "the noise is added to the count, before the division"),
            (step((short - 15 + noise) / 30 + 0.5), "the true cohort is private: divide by the expected one"),
            (clip - eta * (share - quantile), "the step is on the logarithm of the clip"),
        )
        if any(same(right, wrong) for wrong, _ in slips):
            continue
        compare(got, right, slips, f"it should be {right:.4f}; you gave {got:.4f}")
        require(got > 0, "a clip is positive")
    if number(call(answer, torch.zeros(4, dtype=torch.float64), 1.0, 4.0, 0.0, 0.5, 0.2), "the clip") >= 1:
        raise Wrong("if nobody is clipped the clip should fall")


EXERCISES = (
    Exercise(
        "14.1",
        "Write posterior(prior, epsilon): the most that can be believed after seeing the output.",
        _posterior,
        (
            "Differential privacy bounds the likelihood ratio by e^ε.",
            "Posterior odds are prior odds times the likelihood ratio.",
            "prior * e / (1 - prior + prior * e) with e = exp(epsilon).",
        ),
    ),
    Exercise(
        "14.2",
        "Write bias_noise(updates, clip, multiplier): lengths of the bias and of the noise of a private mean.",
        _bias_noise,
        (
            "Clip each row to norm clip; compare the two means.",
            "The noise of the mean has deviation multiplier * clip / n in each of d coordinates.",
            "Its root mean squared length is that times √d.",
        ),
    ),
    Exercise(
        "14.3",
        "Write clients_needed(clients, multiplier, stricter): how many clients make up for a larger multiplier.",
        _clients_needed,
        (
            "What is the noise in the mean of n clients?",
            "multiplier · C / n must not grow.",
            "The next whole number from clients * stricter / multiplier.",
        ),
    ),
    Exercise(
        "14.4",
        "Write next_clip(norms, clip, expected, noise, quantile, eta): one step of adaptive clipping.",
        _next_clip,
        (
            "A bit for each update: 1 if it is short enough; then each minus ½.",
            "(sum of the shifted bits + noise) / expected + ½ is the noised share.",
            "clip * exp(-eta * (share - quantile)).",
        ),
    ),
)

QUIZ = (
    Question(
        "A federation of 500 clients is too inaccurate at ε = 1. Which of these brings about as much as ε = 2?",
        (
            ("Four times the rounds.", "each round then gets less of the budget."),
            ("A thousand clients.", "the noise in the mean is zC/n, and z is nearly proportional to 1/ε."),
            ("Twice the data at each client.", "the clip bounds a client's update, however many records it has."),
        ),
        1,
    ),
    Question(
        "Why is it dangerous to set the clip at the largest norm seen on the private data?",
        (
            ("It makes the model biased.", "nothing is clipped then, so there is no bias."),
            ("It is a release without noise, and asks for the most noise.", "and one client decides it alone."),
            ("It has no effect on the noise.", "the noise is proportional to the clip."),
        ),
        1,
    ),
    Question(
        "At ε = 8 the average accuracy is that of the plain model, but a small group's has fallen. The reason is mostly",
        (
            ("the noise, which is larger for small groups.", "the noise is the same for all, and small at ε = 8."),
            ("the clip, which shortens the updates of those whom the model gets wrong.", "the clip alone does it."),
            ("chance.", "ten seeds and an interval say otherwise."),
        ),
        1,
    ),
)
