"""Exercises and quiz of notebook 01: a record from a gradient, two means subtracted, a noisy sum, what ε rules out."""

import math

import numpy as np
import torch

from ..answers import Wrong, call, near, number, parts, require, tensor, truth
from ..teacher import Exercise, Question
from ._draws import fresh


def _gradients(x, y, theta):
    """Gradients (n × (d + 1)) of the logistic loss, weights first and bias last."""
    inputs = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    return (torch.sigmoid(inputs @ theta) - y).unsqueeze(1) * inputs


def _records(n, d, generator):
    x = 2 * torch.rand(n, d, generator=generator, dtype=torch.float64) - 1
    y = torch.arange(n) % 2
    return x, y[torch.randperm(n, generator=generator)]


def _record_from_gradient(answer):
    for d in (5, 12):
        generator = fresh()
        x, y = _records(4, d, generator)
        x, y = x[y.argsort()], y.sort().values  # first p − y > 0: a turned sign shows before a lost one
        theta = torch.randn(d + 1, generator=generator, dtype=torch.float64)
        for record, label, gradient in zip(x, y, _gradients(x, y, theta), strict=True):
            got = call(answer, gradient.clone())
            got = parts(got, 2, "the measures and the label")
            features = tensor(got[0], (d,), "the measures")
            weight, bias = gradient[:-1], gradient[-1]
            for wrong, words in (
                (weight, "that is the weight part as it came; it still has the factor p − y"),
                (2 * weight, "p − y is not always ±½; that holds only where the model is zero"),
                (-2 * weight, "p − y is not always ±½; that holds only where the model is zero"),
                (2 * weight * bias.sign(), "p − y is not always ±½; that holds only where the model is zero"),
                (weight / bias.abs(), "the sign is lost: divide by the bias part itself, not by its size"),
                (-record, "the sign is turned: weight and bias part carry the same factor p − y"),
                (weight / gradient.norm(), "the length of the gradient does not give the factor; its bias part does"),
            ):
                require(near(wrong, record) or not near(features, wrong), words)
            require(near(features, record), f"the measures begin {_start(record)}; yours begin {_start(features)}")
            said = number(got[1], "the label")
            require(said in (0.0, 1.0), f"the label should be 0 or 1, got {said:g}")
            require(said == float(label), "the label is wrong: p lies between 0 and 1, so what sign has p − y if y = 1?")


def _start(values):
    return ", ".join(f"{value:.3f}" for value in values[:3].tolist())


def _newcomer(answer):
    for m, label in ((3, 1), (40, 0)):  # the newcomer's factor is positive first: a turned sign shows before a lost one
        generator = fresh()
        d = 8
        x, y = _records(m + 1, d, generator)
        y[-1] = label
        theta = torch.randn(d + 1, generator=generator, dtype=torch.float64)
        lr = 0.1 + float(torch.rand(1, generator=generator))
        sent = -lr * _gradients(x, y, theta)  # (m + 1) × (d + 1)
        before, after = sent[:-1].mean(0), sent.mean(0)
        got = tensor(call(answer, before.clone(), after.clone(), m), (d,), "the newcomer's measures")
        for wrong, words in (
            (after - before, "the means have different divisors: turn each into a sum before you subtract"),
            (m * (after - before), "both means are multiplied by m; the second is over m + 1 patients"),
            ((m + 1) * (after - before), "both means are multiplied by m + 1; the first is over m patients"),
            (m * after - (m + 1) * before, "m and m + 1 are exchanged: the first mean is over m patients"),
        ):
            require(not near(got, wrong[:-1] / wrong[-1]), words)
            require(not near(got, wrong[:-1]), words)
        own = sent[-1]
        require(not near(got, own[:-1]), "that is the newcomer's own update; divide its weight part by its bias part")
        words = "the sign is turned: weight and bias part of the newcomer's update have the same factor"
        words = words if label else "the sign is lost: divide by the bias part itself, not by its size"
        require(not near(got, -x[-1]), words)
        require(near(got, x[-1]), f"the newcomer's measures begin {_start(x[-1])}; yours begin {_start(got)}")


def _clipped_sum(updates, clip, norm):
    norms = torch.linalg.vector_norm(updates, norm, dim=1, keepdim=True)
    return (updates * (clip / norms.clamp(min=clip))).sum(0)


def _noisy_sum(answer):
    """Relative errors over 40,000 draws: size 0.5%, shape 0.6%; 5% and 4% are allowed: false alarms below 1e-9."""
    for releases in (3, 5):
        generator = fresh()
        clip = 0.72 + 0.06 * float(torch.rand(1, generator=generator))  # 1/clip is like none of the slips below
        epsilon = 0.2 + float(torch.rand(1, generator=generator))
        n, d = 30, 6
        updates = torch.randn(n, d, generator=generator, dtype=torch.float64)
        sizes = clip * torch.linspace(0.2, 12, n, dtype=torch.float64)  # in 6 numbers: one above clip
        updates = updates / updates.abs().sum(1, keepdim=True) * sizes.unsqueeze(1)
        exact = tensor(call(answer, updates.clone(), clip, 1e12, releases, generator), (d,), "the noisy sum")
        total = updates.sum(0)
        for wrong, words in (
            (total, "the updates are not clipped; without a bound on each no noise gives any ε"),
            (total * min(1.0, clip / float(total.abs().sum())), "the sum was clipped, not each patient's update"),
            (_clipped_sum(updates, clip, 2), "clipped in L2; Laplace noise is for L1: the sum of absolute values"),
            (updates.clamp(-clip, clip).sum(0), "each number was cut to ±clip; a row may still be d·clip long in L1"),
            (_clipped_sum(updates, clip, 1) / n, "that is the mean; a sum is asked for"),
        ):
            require(not near(exact, wrong), words)
        right = _clipped_sum(updates, clip, 1)
        require(float((exact - right).abs().max()) < 1e3, "the noise grows with ε; divide by ε: a smaller ε needs more")
        require(near(exact, right), f"at ε = 10¹² the sum begins {_start(right)}; yours begins {_start(exact)}")
        before = generator.get_state()
        zeros = torch.zeros(3, 40_000, dtype=torch.float64)
        noise = tensor(call(answer, zeros, clip, epsilon, releases, generator), (40_000,), "the noisy sum")
        require(not torch.equal(before, generator.get_state()), "the noise should be drawn with the generator that is given")
        require(noise.unique().numel() > 39_000, "every number of the sum needs noise of its own")
        size, std = float(noise.abs().mean()), float(noise.std())
        b = clip * releases / epsilon
        for wrong, words in (
            (clip / epsilon, "clip/ε: that is for one sum; the same patients are in all of them, and the costs add up"),
            (releases / epsilon, "1/ε for each sum: the clip is missing"),
            (2 * b, "twice too large: 2·clip is for replace-one; added or removed, a client moves the sum by clip at most"),
            (clip / epsilon / releases, "too small: the budget is divided among the sums, so the scale is multiplied"),
            (clip * math.sqrt(releases) / epsilon, "√k·clip/ε: pure ε adds up over the sums, not its square"),
            (b / math.sqrt(2), "over √2 too small: b is the scale; the deviation comes out as √2·b by itself"),
            (1.875 * b, "that of noise drawn for each of the three clients; the server draws it once, for the sum"),
        ):
            if abs(wrong / b - 1) > 0.1 and abs(size / wrong - 1) < 0.025:
                raise Wrong(f"the scale of the noise is off: {words}")
        require(abs(size / std - math.sqrt(0.5)) < 0.03, "the noise has not the shape of Laplace noise")
        require(abs(size / b - 1) < 0.05, f"the scale should be {b:.4g}, the noise shows {size:.4g}")
        require(abs(float(noise.mean())) < 0.1 * b, "the noise should be 0 on average")


def _allowed(p, q, epsilon, delta):
    """How far the pair of probabilities is inside the four inequalities; negative outside."""
    e = math.exp(epsilon)
    return min(e * q + delta - p, e * p + delta - q, e * (1 - q) + delta - 1 + p, e * (1 - p) + delta - 1 + q)


def _compatible(answer):
    rng = np.random.default_rng()
    e1, d1 = float(rng.uniform(0.12, 0.3)), float(rng.uniform(1e-6, 1e-5))
    high = float(rng.uniform(0.93, 0.99))
    cases = [  # with you, without you, ε, δ, what it shows
        (high, high, e1, 0.0, "a sure conclusion that is as sure without you is about the population, whatever ε is"),
        (
            0.4,
            0.4 * math.exp(e1) * 1.2,
            e1,
            d1,
            "neighbours hold in both directions: without you may not be likelier either",
        ),
        (
            0.4 * math.exp(e1) * 1.2,
            0.4,
            e1,
            d1,
            "with you this is more than e^ε times as likely, and δ does not make up for it",
        ),
        (0.99, 0.90, e1, d1, "not concluding it is an event, too: 0.01 with you against 0.10 without"),
        (0.90, 0.99, e1, d1, "not concluding it is an event, too: 0.10 with you against 0.01 without"),
        (0.08, 0.0, 0.5, 0.1, "δ allows events that have probability 0 without you"),
        (0.05, 0.0, 5.0, 0.0, "what never happens without you may not happen with you where δ = 0, however large ε is"),
        (0.55, 0.5, 0.2, 0.0, "this small change is allowed"),
        (0.492, 0.2, 1.0, 0.0, "that is less than e^ε times as likely, and allowed"),
        (0.42, 0.1, 1.0, 0.1, "δ is added once, after the factor: e^ε·q + δ"),
    ]
    while len(cases) < 40:
        p, q, e = float(rng.uniform()), float(rng.uniform()), float(rng.uniform(0.05, 2))
        d = float(rng.choice([0.0, 0.1]))
        if abs(_allowed(p, q, e, d)) > 1e-3:
            cases.append((p, q, e, d, ""))
    known = len(cases) - 32
    order = [*rng.permutation(known), *range(known, len(cases))]
    for place in order:
        p, q, e, d, words = cases[place]
        got = truth(call(answer, p, q, e, d))
        right = _allowed(p, q, e, d) >= 0
        if got != right:
            where = f"with you {p:.3f}, without you {q:.3f}, ε = {e:.3g}, δ = {d:.2g}: {right} is right"
            raise Wrong(f"{where}. {words}".rstrip(". "))


EXERCISES = (
    Exercise(
        "01.1",
        "Write record_from_gradient(gradient): the measures (d,) and the label behind a gradient (d + 1,) of one record.",
        _record_from_gradient,
        (
            "The gradient is (p − y)·[x, 1]. Which of its numbers is p − y itself?",
            "The last one. Divide the first d numbers by it.",
            "p lies strictly between 0 and 1, so p − y is negative exactly if y = 1.",
        ),
    ),
    Exercise(
        "01.2",
        "Write newcomer(before, after, m): the measures (d,) of the patient who joined a hospital of m patients.",
        _newcomer,
        (
            "What is sent is a mean. Which sum lies behind each of the two means?",
            "m·before is the sum over the m patients, (m + 1)·after the sum over all m + 1.",
            "Their difference is −lr·(p − y)·[x, 1] of the newcomer; the factor cancels as in 01.1.",
        ),
    ),
    Exercise(
        "01.3",
        "Write noisy_sum(updates, clip, epsilon, releases, generator): one of several sums that cost ε together.",
        _noisy_sum,
        (
            "Bound each row first: scale it down to an L1 norm of clip, if it is longer. Then sum.",
            "One sum of clipped rows moves by clip at most when a patient is added; Lap(clip/ε₁) makes it ε₁-private.",
            "The same patients are in all the sums: each may cost ε/releases. Draw with mechanisms.laplace_noise.",
        ),
    ),
    Exercise(
        "01.4",
        "Write compatible(with_you, without_you, epsilon, delta): whether (ε, δ)-privacy allows this pair of probabilities.",
        _compatible,
        (
            "How sure the conclusion is does not matter. How much does it change when your data is left out?",
            "The definition holds for neighbours in either order, so there are two inequalities for the event.",
            "And for every event: not reaching the conclusion has probabilities 1 − with_you and 1 − without_you.",
        ),
    ),
)

QUIZ = (
    Question(
        "Secure aggregation shows the server only the exact sum of a cohort. Who is safe from the differencing attack?",
        (
            (
                "Everybody, since nobody sees a single update any more.",
                "two exact sums over cohorts that differ in one client show that client's update.",
            ),
            (
                "Nobody, once two cohorts differ in one client.",
                "the subtraction uses only the sums. What helps is noise: in the sums, or in the shares that make them up.",
            ),
            (
                "Everybody, provided that the cohort is large.",
                "the difference of two exact sums is the same for 10 clients and for 455.",
            ),
        ),
        1,
    ),
    Question(
        "A model trained with ε = 1, without your record, guesses your diagnosis from your measurements and is right. "
        "Is the promise broken?",
        (
            (
                "Yes: something about you was learned, and you never agreed to take part.",
                "the promise bounds the change that your record makes; here it made none.",
            ),
            (
                "No: your record was not used; with it the guess would have been much the same.",
                "a fact about the population applies to you whether you take part or not.",
            ),
            (
                "Only if the guess is right for more than e/(1 + e) = 73% of all the patients.",
                "73% bounds guesses whether you took part, not guesses of what you have.",
            ),
        ),
        1,
    ),
    Question(
        "The server clips the updates and adds noise to two sums over the same clients; each costs (1, 1e-5). What holds?",
        (
            (
                "Clients are protected from the server itself, with ε = 1 for each of the sums.",
                "the server sees every update before the noise; it is trusted, not guarded against.",
            ),
            (
                "Readers of both sums are held to ε = 1.",
                "each sum costs ε = 1, and the same clients are in both: that alone bounds the two together by 2, not by 1.",
            ),
            (
                "Readers of both sums are held to ε = 2 and δ = 2e-5 at most.",
                "basic composition adds ε and δ; a tighter accountant gives less. The server is held to nothing.",
            ),
        ),
        2,
    ),
)
