"""Planted wrong answers of notebook 01."""

import math

import torch

from fldp_lib import mechanisms


def _label(gradient):
    return int(gradient[-1] < 0)


def _laplace(shape, scale, generator):
    return mechanisms.laplace_noise(shape, scale, generator)


def _sum(scale, norm=1):
    """An answer to 01.3 that differs in the scale of its noise or in the norm of its clip."""

    def answer(updates, clip, epsilon, releases, generator):
        total = mechanisms.clip_rows(updates, clip, norm=norm)[0].sum(0)
        return total + _laplace(total.shape, scale(clip, epsilon, releases), generator)

    return answer


def _right(clip, epsilon, releases):
    return clip * releases / epsilon


def _unclipped(updates, clip, epsilon, releases, generator):
    return updates.sum(0) + _laplace(updates.shape[1:], _right(clip, epsilon, releases), generator)


def _cut(updates, clip, epsilon, releases, generator):
    return updates.clamp(-clip, clip).sum(0) + _laplace(updates.shape[1:], _right(clip, epsilon, releases), generator)


def _clipped_sum(updates, clip, epsilon, releases, generator):
    total = updates.sum(0, keepdim=True)
    return mechanisms.clip_rows(total, clip, norm=1)[0][0] + _laplace(
        total.shape[1:], _right(clip, epsilon, releases), generator
    )


def _mean(updates, clip, epsilon, releases, generator):
    return _sum(_right)(updates, clip, epsilon, releases, generator) / len(updates)


def _own_noise(updates, clip, epsilon, releases, generator):
    rows = mechanisms.clip_rows(updates, clip, norm=1)[0]
    return (rows + _laplace(rows.shape, _right(clip, epsilon, releases), generator)).sum(0)


def _one_number(updates, clip, epsilon, releases, generator):
    return mechanisms.clip_rows(updates, clip, norm=1)[0].sum(0) + _laplace((1,), _right(clip, epsilon, releases), generator)


def _gaussian(updates, clip, epsilon, releases, generator):
    total = mechanisms.clip_rows(updates, clip, norm=1)[0].sum(0)
    return total + mechanisms.gaussian_noise(total.shape, math.sqrt(2) * _right(clip, epsilon, releases), generator)


def _no_noise(updates, clip, epsilon, releases, generator):
    return mechanisms.clip_rows(updates, clip, norm=1)[0].sum(0)


def _another_generator(updates, clip, epsilon, releases, generator):
    other = torch.Generator().manual_seed(0)
    return _sum(_right)(updates, clip, epsilon, releases, other)


def _one_sided(updates, clip, epsilon, releases, generator):
    total = mechanisms.clip_rows(updates, clip, norm=1)[0].sum(0)
    return total + _laplace(total.shape, _right(clip, epsilon, releases), generator).abs()


def _held(p, q, e, d):
    return p <= math.exp(e) * q + d


WRONG = {
    "01.1": [
        (lambda g: (g[:-1], _label(g)), "as it came"),
        (lambda g: (g[:-1] * 2, _label(g)), "not always ±½"),
        (lambda g: (-g[:-1] * 2, _label(g)), "not always ±½"),
        (lambda g: (g[:-1] / g[-1].abs(), _label(g)), "sign is lost"),
        (lambda g: (-g[:-1] / g[-1], _label(g)), "sign is turned"),
        (lambda g: (g[:-1] / g.norm(), _label(g)), "length of the gradient"),
        (lambda g: (g[:-1] / g[-1], int(g[-1] > 0)), "label is wrong"),
        (lambda g: (g[:-1] / g[-1], 1), "label is wrong"),
        (lambda g: (g[:-1] / g[-1], 1 if g[-1] < 0 else -1), "0 or 1"),
        (lambda g: (g / g[-1], _label(g)), "should have shape"),
        (lambda g: (g[1:] / g[0], _label(g)), "the measures begin"),
        (lambda g: (g[:-1] * g[-1], _label(g)), "the measures begin"),
        (lambda g: g[:-1] / g[-1], "should be 2 things"),
    ],
    "01.2": [
        (lambda b, a, m: ((a - b) / (a - b)[-1])[:-1], "different divisors"),
        (lambda b, a, m: (a - b)[:-1], "different divisors"),
        (lambda b, a, m: ((m + 1) * a - m * b)[:-1], "own update"),
        (lambda b, a, m: (m * a - (m + 1) * b)[:-1] / (m * a - (m + 1) * b)[-1], "exchanged"),
        (lambda b, a, m: -((m + 1) * a - m * b)[:-1] / ((m + 1) * a - m * b)[-1], "sign is turned"),
        (lambda b, a, m: ((m + 1) * a - m * b)[:-1] / ((m + 1) * a - m * b)[-1].abs(), "sign is lost"),
        (lambda b, a, m: a[:-1] / a[-1], "measures begin"),
        (lambda b, a, m: ((m + 1) * a + m * b)[:-1] / ((m + 1) * a + m * b)[-1], "measures begin"),
        (lambda b, a, m: (m * a - (m - 1) * b)[:-1] / (m * a - (m - 1) * b)[-1], "measures begin"),
        (lambda b, a, m: ((m + 1) * a - m * b) / ((m + 1) * a - m * b)[-1], "should have shape"),
        (lambda b, a, m: torch.zeros(len(a) - 1), "measures begin"),
    ],
    "01.3": [
        (_unclipped, "not clipped"),
        (_cut, "each number was cut"),
        (_clipped_sum, "the sum was clipped"),
        (_sum(_right, norm=2), "clipped in L2"),
        (_mean, "that is the mean"),
        (_own_noise, "for each of the three clients"),
        (_one_number, "noise of its own"),
        (_gaussian, "shape of Laplace"),
        (_no_noise, "drawn with the generator"),
        (_another_generator, "drawn with the generator"),
        (_one_sided, "shape of Laplace|0 on average"),
        (_sum(lambda clip, epsilon, k: clip / epsilon), "for one sum"),
        (_sum(lambda clip, epsilon, k: k / epsilon), "clip is missing"),
        (_sum(lambda clip, epsilon, k: clip / epsilon / k), "too small"),
        (_sum(lambda clip, epsilon, k: clip * math.sqrt(k) / epsilon), "not its square"),
        (_sum(lambda clip, epsilon, k: clip * k / epsilon / math.sqrt(2)), "over √2"),
        (_sum(lambda clip, epsilon, k: 2 * clip * k / epsilon), "replace-one"),
        (_sum(lambda clip, epsilon, k: clip * k * epsilon), "grows with ε"),
        (_sum(lambda clip, epsilon, k: clip * (k - 1) / epsilon), "the scale should be"),
        (_sum(lambda clip, epsilon, k: 1.0), "at ε = 10¹²"),
    ],
    "01.4": [
        (_held, "is right"),
        (lambda p, q, e, d: _held(p, q, e, d) and _held(q, p, e, d), "is right"),
        (lambda p, q, e, d: _held(p, q, e, d) and _held(1 - p, 1 - q, e, d), "is right"),
        (lambda p, q, e, d: _all(p, q, e, 0.0), "is right"),
        (lambda p, q, e, d: _all(p, q, e, math.exp(e) * d), "is right"),
        (lambda p, q, e, d: _all(p, q, 2 * e, d), "is right"),
        (lambda p, q, e, d: _all(p, q, e, 2 * d), "is right"),
        (lambda p, q, e, d: _all(p, q, e * math.log(2), d), "is right"),
        (lambda p, q, e, d: abs(p - q) <= e + d, "is right"),
        (lambda p, q, e, d: abs(p - q) <= (math.exp(e) - 1 + 2 * d) / (math.exp(e) + 1), "is right"),
        (lambda p, q, e, d: p < 0.9, "is right"),
        (lambda p, q, e, d: not _all(p, q, e, d), "is right"),
        (lambda p, q, e, d: True, "is right"),
        (lambda p, q, e, d: "yes", "True or False"),
    ],
}


def _all(p, q, e, d):
    return _held(p, q, e, d) and _held(q, p, e, d) and _held(1 - p, 1 - q, e, d) and _held(1 - q, 1 - p, e, d)
