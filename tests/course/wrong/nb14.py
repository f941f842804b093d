"""Planted wrong answers of notebook 14."""

import math

import torch


def _clip(updates, clip, order=2):
    return updates * (clip / updates.norm(p=order, dim=1, keepdim=True).clamp(min=clip))


def _bias(updates, clip):
    return float((_clip(updates, clip).mean(0) - updates.mean(0)).norm())


def _noise(updates, clip, z):
    return z * clip * math.sqrt(updates.shape[1]) / len(updates)


def _other_bias(bias):
    return lambda u, c, z: (bias(u, c), _noise(u, c, z))


def _other_noise(noise):
    return lambda u, c, z: (_bias(u, c), noise(z * c, *u.shape))


def _of_mean(updates, clip):
    mean = updates.mean(0)
    return float((mean * min(1.0, clip / float(mean.norm())) - mean).norm())


def _next(norms, clip, expected, noise, quantile, eta, share=None, sign=-1):
    short, half = int((norms <= clip).sum()), len(norms) / 2
    value = (short - half + noise) / expected + 0.5 if share is None else share(short, half, expected, noise)
    return clip * math.exp(sign * eta * (value - quantile))


def _share(share):
    return lambda *terms: _next(*terms, share=share)


WRONG = {
    "14.1": [
        (lambda p, e: p, r"that is the prior"),
        (lambda p, e: p * math.exp(e), r"odds are multiplied"),
        (lambda p, e: min(1.0, p * math.exp(e)), r"odds are multiplied"),
        (lambda p, e: p * math.exp(e) / (1 - p), r"those are odds"),
        (lambda p, e: math.exp(e) / (1 + math.exp(e)), r"even odds"),
        (lambda p, e: p / (p + (1 - p) * math.exp(e)), r"smallest probability"),
        (lambda p, e: p * e / (1 - p + p * e), r"not by ε"),
        (lambda p, e: min(1.0, p + math.expm1(e)), r"not added to"),
        (lambda p, e: p * 2**e / (1 - p + p * 2**e), r"it is 0\.\d+; you gave"),
        (lambda p, e: p * math.exp(2 * e) / (1 - p + p * math.exp(2 * e)), r"it is 0\.\d+; you gave"),
        (lambda p, e: p * math.exp(e) / (1 + p * math.exp(e)), r"it is 0\.\d+; you gave"),
        (lambda p, e: "0.5", r"should be a number"),
    ],
    "14.2": [
        (_other_bias(_of_mean), r"not their mean"),
        (_other_bias(lambda u, c: float((_clip(u, c) - u).norm(dim=1).mean())), r"mean of the biases"),
        (_other_bias(lambda u, c: float((_clip(u, c) - u).sum(0).norm())), r"bias of the sum"),
        (_other_bias(lambda u, c: float((u.clamp(-c, c) - u).mean(0).norm())), r"not its entries"),
        (_other_bias(lambda u, c: float((_clip(u, c, 1) - u).mean(0).norm())), r"not in L1"),
        (_other_bias(lambda u, c: abs(float(u.mean(0).norm() - _clip(u, c).mean(0).norm()))), r"length of the difference"),
        (_other_bias(lambda u, c: float(_clip(u, c).mean(0).norm())), r"clipped mean"),
        (_other_bias(lambda u, c: _bias(u, c) ** 2), r"squared length of the bias"),
        (_other_bias(lambda u, c: 0.0), r"the bias should be"),
        (_other_bias(lambda u, c: -_bias(u, c)), r"the bias should be"),
        (_other_noise(lambda s, n, d: s / n), r"one coordinate"),
        (_other_noise(lambda s, n, d: s * math.sqrt(d)), r"divided by n"),
        (_other_noise(lambda s, n, d: s * math.sqrt(d / n)), r"falls like 1/n"),
        (_other_noise(lambda s, n, d: s * d / n), r"√d, not d"),
        (_other_noise(lambda s, n, d: 2 * s * math.sqrt(d) / n), r"not 2·clip"),
        (_other_noise(lambda s, n, d: s * s * d / n**2), r"squared length of the noise"),
        (lambda u, c, z: (_bias(u, c), z * math.sqrt(u.shape[1]) / len(u)), r"proportional to the clip"),
        (lambda u, c, z: (_noise(u, c, z), _bias(u, c)), r"wrong order"),
        (lambda u, c, z: math.hypot(_bias(u, c), _noise(u, c, z)), r"should be 2 things"),
        (lambda u, c, z: (_clip(u, c).mean(0) - u.mean(0), _noise(u, c, z)), r"bias should be a number"),
    ],
    "14.3": [
        (lambda n, z, s: n * s / z + 0.01, r"you gave"),
        (lambda n, z, s: math.floor(n * s / z - 1e-6), r"one too few"),
        (lambda n, z, s: round(n * s / z), r"one too few"),
        (lambda n, z, s: math.floor(n * s / z + 1e-6) + 1, r"one more than"),
        (lambda n, z, s: n, r"as many clients as before"),
        (lambda n, z, s: math.ceil(n * (s / z) ** 2 - 1e-6), r"not 1/√n"),
        (lambda n, z, s: math.ceil(n * math.sqrt(s / z) - 1e-6), r"not like 1/n²"),
        (lambda n, z, s: math.ceil(n * z / s - 1e-6), r"not fewer"),
        (lambda n, z, s: math.ceil(n * s / z - 1e-6) - n, r"in all"),
        (lambda n, z, s: -math.ceil(n * s / z - 1e-6), r"it should be"),
        (lambda n, z, s: 150, r"it should be"),
    ],
    "14.4": [
        (lambda norms, clip, *rest: clip, r"did not move"),
        (lambda *terms: _next(*terms, sign=1), r"must fall"),
        (_share(lambda s, h, e, z: (s - h) / e + 0.5), r"without it the clip leaks"),
        (_share(lambda s, h, e, z: (s - h - z) / e + 0.5), r"not taken off"),
        (_share(lambda s, h, e, z: (h - s + z) / e + 0.5), r"\*not\* clipped"),
        (_share(lambda s, h, e, z: (s + z) / e), r"shift each bit"),
        (_share(lambda s, h, e, z: (s - h + z) / e), r"shifted back"),
        (_share(lambda s, h, e, z: (s - h) / e + 0.5 + z), r"before the division"),
        (_share(lambda s, h, e, z: (s - h + z) / (2 * h) + 0.5), r"divide by the expected"),
        (_share(lambda s, h, e, z: (s + z) / (2 * h)), r"divide by the expected"),
        (lambda n, c, e, z, q, eta: c - eta * (-math.log(_next(n, c, e, z, q, eta) / c) / eta), r"logarithm of the clip"),
        (lambda n, c, e, z, q, eta: c * (1 + math.log(_next(n, c, e, z, q, eta) / c)), r"first order"),
        (lambda n, c, e, z, q, eta: _next(n, c, e, z, q, eta) / c, r"that is the factor"),
        (lambda n, c, e, z, q, eta: float(torch.quantile(n, q)), r"it should be"),
        (lambda n, c, e, z, q, eta: _next(n, c, e, z, 0.5, eta), r"it should be"),
    ],
}
