"""Planted wrong answers of notebook 21."""

import math

import numpy as np


def _fed(weights):
    def answer(optima, bent, lr, steps):
        share = weights(bent, lr, steps)
        return float(share @ optima / share.sum())

    return answer


def _adam(first=None, second=None, step=None):
    def answer(theta, update, m, v, lr, b, c, tau):
        m2 = b * m + (1 - b) * update if first is None else first(m, update, b)
        v2 = c * v + (1 - c) * update**2 if second is None else second(v, update, c, m2)
        moved = m2 / (np.sqrt(v2) + tau) if step is None else step(m2, v2, tau, update)
        return theta + lr * moved, m2, v2

    return answer


def _deviations(factor):
    return lambda z, a, b: (factor * z * a, factor * z * b)


WRONG = {
    "21.1": [
        (lambda own, shared, start, end, steps, lr: own - shared + (end - start) / (steps * lr), r"walk's sign"),
        (lambda own, shared, start, end, steps, lr: own + shared + (start - end) / (steps * lr), r"sign of c"),
        (lambda own, shared, start, end, steps, lr: shared - own + (start - end) / (steps * lr), r"swapped"),
        (lambda own, shared, start, end, steps, lr: (start - end) / (steps * lr), r"corrected direction"),
        (lambda own, shared, start, end, steps, lr: own - shared + start - end, r"a walk is no gradient"),
        (lambda own, shared, start, end, steps, lr: own - shared + (start - end) / lr, r"number of steps"),
        (lambda own, shared, start, end, steps, lr: own - shared + (start - end) / steps, r"step size as well"),
        (lambda own, shared, start, end, steps, lr: own + (start - end) / (steps * lr), r"c is missing"),
        (lambda own, shared, start, end, steps, lr: (start - end) / (steps * lr) - shared, r"old c_k is missing"),
        (lambda own, *rest: own, r"the old one"),
        (lambda *given: 0.5, r"the variate"),
    ],
    "21.2": [
        (_fed(lambda bent, lr, steps: bent), r"one step a round ends"),
        (_fed(lambda bent, lr, steps: np.ones_like(bent)), r"endless steps"),
        (_fed(lambda bent, lr, steps: (1 - lr * bent) ** steps), r"one minus them"),
        (_fed(lambda bent, lr, steps: (1 - (1 - lr * bent) ** steps) / bent), r"curvature is in the weights"),
        (lambda a, h, lr, n: float((1 - (1 - lr * h) ** n) @ a), r"sum of the weights$|sum of the weights\b"),
        (lambda a, h, lr, n: float((1 - (1 - lr * h) ** n) @ a / 4), r"number of clients"),
        (lambda a, h, lr, n: "0.5", r"should be a number"),
    ],
    "21.3": [
        (_adam(step=lambda m, v, tau, u: -m / (np.sqrt(v) + tau)), r"downhill"),
        (_adam(first=lambda m, u, b: b * m + u), r"1 − β₁"),
        (_adam(second=lambda v, u, c, m: c * v + u**2), r"1 − β₂"),
        (_adam(second=lambda v, u, c, m: c * v + (1 - c) * m**2), r"not of m"),
        (_adam(first=lambda m, u, b: (1 - b) * m + b * u), r"weighs the old m"),
        (_adam(step=lambda m, v, tau, u: m / (v + tau)), r"root of v"),
        (_adam(step=lambda m, v, tau, u: m / np.sqrt(v)), r"τ is added"),
        (_adam(step=lambda m, v, tau, u: m / np.sqrt(v + tau)), r"outside the root"),
        (_adam(step=lambda m, v, tau, u: u / (np.sqrt(v) + tau)), r"along m"),
        (lambda theta, update, m, v, *rest: theta, r"3"),
    ],
    "21.4": [
        (_deviations(1.0), r"√2 in units"),
        (_deviations(2.0), r"squares of the two lengths"),
        (_deviations(math.sqrt(0.5)), r"noise must grow"),
        (lambda z, a, b: (z * math.sqrt(2) * b, z * math.sqrt(2) * a), r"swapped"),
        (lambda z, a, b: (z * math.hypot(a, b),) * 2, r"the same noise"),
        (lambda z, a, b: (z * (a + b),) * 2, r"by their squares"),
        (lambda z, a, b: (math.sqrt(2) * a, math.sqrt(2) * b), r"multiplier is missing"),
        (lambda z, a, b: (-z * a, z * b), r"positive"),
    ],
}
