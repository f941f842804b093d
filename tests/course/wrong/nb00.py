"""Planted wrong answers of notebook 00."""

import math

import torch


def _bound(epsilon, delta):
    return (math.exp(epsilon) + delta) / (1 + math.exp(epsilon))


def _weights(sizes):
    return (sizes / sizes.sum()).unsqueeze(1)


WRONG = {
    "00.1": [
        (lambda e, d: math.exp(-e), r"exp\(−ε\) is no probability|at ε = 0, δ = 0 the bound is 0\.5000"),
        (lambda e, d: 1 - _bound(e, d), "how often such a guess is wrong"),
        (lambda e, d: math.exp(e) / (1 + math.exp(e)), r"δ = 0\.\d+ is left out"),
        (lambda e, d: math.exp(e) / (1 + math.exp(e)) + d, "inside the fraction"),
        (lambda e, d: math.exp(e), "are the odds"),
        (lambda e, d: (2**e + d) / (1 + 2**e), "the bound is"),
        (lambda e, d: (math.exp(e / 2) + d) / (1 + math.exp(e / 2)), "the bound is"),
        (lambda e, d: (math.exp(2 * e) + d) / (1 + math.exp(2 * e)), "the bound is"),
        (lambda e, d: 0.731, "the bound is"),
        (lambda e, d: min(1.0, math.exp(e) / 2), "the bound is"),
        (lambda e, d: 0.5, "the bound is"),
        (lambda e, d: (math.exp(e) + d) / (1 + math.exp(e) + d), "the bound is"),
        (lambda e, d: str(_bound(e, d)), "should be a number"),
        (lambda e: math.exp(e) / (1 + math.exp(e)), "raised TypeError"),
    ],
    "00.2": [
        (lambda u, n: u.mean(0), "counts the same"),
        (lambda u, n: u.sum(0), "weights must add up to 1"),
        (lambda u, n: (u * n.unsqueeze(1)).sum(0), "weights must add up to 1"),
        (lambda u, n: (u * n.unsqueeze(1)).mean(0), "divide by the number of patients"),
        (lambda u, n: -(_weights(n) * u).sum(0), "sign is turned"),
        (lambda u, n: u.median(0).values, "the merged update is"),
        (lambda u, n: (_weights(n.sqrt()) * u).sum(0), "the merged update is"),
        (lambda u, n: (_weights(1.0 / (n + 1)) * u).sum(0), "the merged update is"),
        (lambda u, n: u[n.argmax()], "the merged update is"),
        (lambda u, n: (u * (n / n.max()).unsqueeze(1)).sum(0), "weights must add up to 1|the merged update is"),
        (lambda u, n: _weights(n) * u, "should have shape"),
        (lambda u, n: float(u.mean()), "should have shape"),
    ],
    "00.3": [
        (lambda h: (h.epsilon, h.delta, h.mechanism.unit), "one value a round"),
        (lambda h: (h.epsilon_after(1), h.delta, h.mechanism.unit), "of one round; the run has"),
        (lambda h: (float(h.epsilon[0]), h.delta, h.mechanism.unit), "of one round; the run has"),
        (lambda h: (h.plan.epsilon(method="basic"), h.delta, h.mechanism.unit), "no less than the total"),
        (lambda h: (h.plan.rounds * h.epsilon_after(1), h.delta, h.mechanism.unit), "no less than the total"),
        (lambda h: (float(h.epsilon.sum()), h.delta, h.mechanism.unit), "total ε is"),
        (lambda h: (h.total_epsilon, h.delta, "client"), "the unit of this run is 'record'"),
        (lambda h: (h.total_epsilon, h.delta, h.mechanism.adjacency), "the unit of this run is"),
        (lambda h: (h.total_epsilon, 1e-5, h.mechanism.unit), "δ of this run is"),
        (lambda h: (h.delta, h.total_epsilon, h.mechanism.unit), "total ε is"),
        (
            lambda h: (getattr(h.mechanism, "noise_multiplier", h.total_epsilon), h.delta, h.mechanism.unit),
            "noise multiplier",
        ),
        (lambda h: (min(h.total_epsilon, 100.0), h.delta, h.mechanism.unit), "total ε is inf"),
        (lambda h: h.guarantee, "should be 3 things"),
        (lambda h: (h.total_epsilon, h.delta), "should be 3 things"),
        (lambda h: (torch.tensor([h.total_epsilon]), h.delta, h.mechanism.unit), "one number|one value a round"),
    ],
}
