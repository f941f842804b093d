"""Notebook 14: a posterior, bias and noise, how many clients, the next clip."""

import math

import numpy as np
import torch

from ..answers import call, compare, number, parts, require, same
from ..teacher import Exercise, Question


def _posterior(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        prior, epsilon = float(rng.uniform(0.05, 0.25)), float(rng.uniform(0.4, 1.2))
        got, factor = number(call(answer, prior, epsilon), "the posterior"), math.exp(epsilon)
        right = prior * factor / (1 - prior + prior * factor)
        slips = (
            (prior, "that is the prior: an output may raise it"),
            (prior * factor, "the odds are multiplied by e^ε, not the probability"),
            (prior * factor / (1 - prior), "those are odds; the probability is odds / (1 + odds)"),
            (factor / (1 + factor), "that is for even odds; here the prior is given"),
            (prior / (prior + (1 - prior) * factor), "that is the smallest probability"),
            (prior * epsilon / (1 - prior + prior * epsilon), "the odds are multiplied by e^ε, not by ε"),
            (min(1.0, prior + math.expm1(epsilon)), "probabilities are not added to"),
        )
        compare(got, right, slips, f"for prior {prior:.3f} and ε = {epsilon:.3f} it is {right:.4f}; you gave {got:.4f}")


def _bias_noise(answer):
    rng = np.random.default_rng()
    for n, d in ((40, 6), (25, 12)):
        updates = torch.from_numpy(rng.normal(size=(n, d)) * rng.uniform(0.2, 3, (n, 1)) + 0.5)
        clip, multiplier = float(rng.uniform(0.5, 0.9)), float(rng.uniform(2, 9))  # the mean's norm lies above 1
        got = parts(call(answer, updates.clone(), clip, multiplier), 2, "the bias and the noise")
        bias, noise = number(got[0], "the bias"), number(got[1], "the noise")
        mean, clipped = updates.mean(0), updates * (clip / updates.norm(dim=1, keepdim=True).clamp(min=clip))
        right, loud = float((clipped.mean(0) - mean).norm()), multiplier * clip * math.sqrt(d) / n
        by_l1 = updates * (clip / updates.abs().sum(1, keepdim=True).clamp(min=clip))
        require(not (same(bias, loud) and same(noise, right)), "the two are in the wrong order: the bias comes first")
        slips = (
            (float((mean * min(1.0, clip / float(mean.norm())) - mean).norm()), "each update is clipped, not their mean"),
            (float((clipped - updates).norm(dim=1).mean()), "the bias is that of the mean, not the mean of the biases"),
            (float((clipped - updates).sum(0).norm()), "that is the bias of the sum; the mean divides by n"),
            (float((updates.clamp(-clip, clip).mean(0) - mean).norm()), "clip the norm of each update, not its entries"),
            (float((by_l1.mean(0) - mean).norm()), "the updates are clipped in L2 norm, not in L1"),
            (abs(float(mean.norm()) - float(clipped.mean(0).norm())), "take the length of the difference, not the reverse"),
            (
                float(clipped.mean(0).norm()),
                "that is the length of the clipped mean; the bias is its distance from the mean",
            ),
            (right**2, "that is the squared length of the bias"),
        )
        compare(bias, right, slips, f"the bias should be {right:.4f}; you gave {bias:.4f}")
        slips = (
            (multiplier * clip / n, "that is the noise of one coordinate; the length is over all of them"),
            (multiplier * clip * math.sqrt(d), "the noise is divided by n, like the sum"),
            (multiplier * clip * math.sqrt(d / n), "the noise is added once, to the sum: it falls like 1/n"),
            (multiplier * clip * d / n, "squared lengths of coordinates add up: √d, not d"),
            (multiplier * math.sqrt(d) / n, "the noise is proportional to the clip"),
            (2 * loud, "neighbours add or remove a client: the sensitivity is clip, not 2·clip"),
            (loud**2, "that is the squared length of the noise"),
        )
        compare(noise, loud, slips, f"the noise should be {loud:.4f}; you gave {noise:.4f}")


def _clients_needed(answer):
    rng = np.random.default_rng()
    settings = [(100, 2.0, 3.0)]  # exactly 150
    for part in (0.3, 0.7):  # of a client above a whole number, so that rounding to the nearest errs in one of them
        clients, more = int(rng.integers(50, 900)), int(rng.integers(20, 900))
        multiplier = float(rng.uniform(1, 5))
        settings.append((clients, multiplier, multiplier * (clients + more + part) / clients))
    for clients, multiplier, stricter in settings:
        got = number(call(answer, clients, multiplier, stricter), "the number of clients")
        exact, factor = clients * stricter / multiplier, stricter / multiplier
        right = math.ceil(exact - 1e-6)
        slips = (
            (exact, "clients are whole: round up"),
            (right - 1, f"{right - 1} clients are one too few: the noise would still be larger"),
            (right + 1, f"{right + 1} clients are one more than it takes"),
            (clients, "with as many clients as before the noise is larger"),
            (math.ceil(clients * factor**2 - 1e-6), "the noise in the mean falls like 1/n, not 1/√n"),
            (math.ceil(clients * math.sqrt(factor) - 1e-6), "the noise in the mean falls like 1/n, not like 1/n²"),
            (math.ceil(clients / factor - 1e-6), "a stricter promise takes more clients, not fewer"),
            (right - clients, "that is how many more; the task asks how many in all"),
        )
        compare(got, right, slips, f"from {clients} clients it should be {right}; you gave {got:g}", rel=1e-9)


def _next_clip(answer):
    rng = np.random.default_rng()
    for _ in range(3):
        count = int(rng.integers(26, 34))
        norms = torch.from_numpy(rng.lognormal(size=count))
        clip, expected = float(norms.quantile(float(rng.uniform(0.55, 0.8)))), count + float(rng.uniform(3, 9))
        noise, quantile = float(rng.uniform(0.5, 2)) * float(rng.choice([-1, 1])), float(rng.uniform(0.2, 0.35))
        eta = float(rng.uniform(0.2, 0.6))
        got = number(call(answer, norms.clone(), clip, expected, noise, quantile, eta), "the clip")
        short = int((norms <= clip).sum())

        def step(share, sign=-1, clip=clip, eta=eta, quantile=quantile):
            return clip * math.exp(sign * eta * (share - quantile))

        half = count / 2
        share = (short - half + noise) / expected + 0.5
        right = step(share)
        slips = (
            (clip, "the clip did not move"),
            (step(share, 1), "if too many are short enough the clip must fall"),
            (step((short - half) / expected + 0.5), "the noise belongs on the count; without it the clip leaks"),
            (step((short - half - noise) / expected + 0.5), "the noise is added to the count, not taken off"),
            (step((count - short - half + noise) / expected + 0.5), "count the updates that are *not* clipped"),
            (step((short + noise) / expected), "shift each bit by ½ before adding and the share by ½ after: sensitivity ½"),
            (step((short - half + noise) / expected), "the share is shifted back by ½ after the division"),
            (step((short - half) / expected + 0.5 + noise), "the noise is added to the count, before the division"),
            (step((short - half + noise) / count + 0.5), "the true cohort is private: divide by the expected one"),
            (step((short + noise) / count), "the true cohort is private: divide by the expected one"),
            (clip - eta * (share - quantile), "the step is on the logarithm of the clip"),
            (
                clip * (1 - eta * (share - quantile)),
                "that is the step's first order; the clip is multiplied by exp(−η(b̃ − γ))",
            ),
            (math.exp(-eta * (share - quantile)), "that is the factor; the next clip is the old one times it"),
        )
        compare(got, right, slips, f"it should be {right:.4f}; you gave {got:.4f}")


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
            ("Four times the rounds", "Each round then gets less of the budget."),
            ("A thousand such clients", "The noise in the mean is zC/n, and z is nearly proportional to 1/ε."),
            ("Twice the data at each client", "The clip bounds a client's update, however many records it has."),
        ),
        1,
    ),
    Question(
        "What is wrong with setting the clip at the largest norm seen on the private data?",
        (
            ("It makes the mean biased, since it shortens many updates", "Nothing is clipped then, so there is no bias."),
            ("It is one more release without noise, decided by one client", "And it asks for the most noise of all clips."),
            ("It is spent twice, in the clip and again in the noise", "It was never paid for: no noise was added to it."),
        ),
        1,
    ),
    Question(
        "At ε = 8 a small group has lost accuracy after 20 rounds. Which run shows whether privacy is the cause?",
        (
            ("The plain run of the same 20 rounds, on the same clients", "It shows the loss, and not what brings it about."),
            (
                "The run with the same noise and without any clip at all",
                "It clears the noise; the clip and the steps remain.",
            ),
            (
                "More rounds at the same total ε, beside as many plain ones",
                "There the threes lost 0.00 ± 0.01: too little training.",
            ),
        ),
        2,
    ),
)
