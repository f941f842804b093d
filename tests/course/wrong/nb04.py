"""Planted wrong answers of notebook 04."""

import math

import numpy as np
import torch


def _mean(replace, remove=lambda low, high: max(abs(low), abs(high)), divide=lambda reach, n: reach / n):
    return lambda low, high, n, relation: divide((replace if relation == "replace" else remove)(low, high), n)


def _width(low, high):
    return high - low


def _lap(shape, b, generator):
    u = torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5
    return -b * u.sign() * torch.log1p(-2 * u.abs().clamp(max=0.5 - 2**-54))


def _noisy(scale=lambda s, e, n: s / e, put=lambda v, z: v + z, draw=_lap):
    return lambda values, sensitivity, epsilon, generator: put(
        values, draw(values.shape, scale(sensitivity, epsilon, values.numel()), generator)
    )


def _normal(shape, b, generator):
    return 2**0.5 * b * torch.randn(shape, generator=generator, dtype=torch.float64)


def _uniform(shape, b, generator):
    return b * 4 * (torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5)


def _one_sided(shape, b, generator):
    return -b * torch.log1p(-torch.rand(shape, generator=generator, dtype=torch.float64))


def _seeded(shape, b, generator):
    return _lap(shape, b, generator.manual_seed(0))


def _elsewhere(shape, b, generator):
    torch.rand(1, generator=generator)
    other = torch.Generator()
    other.seed()
    return _lap(shape, b, other)


def _numpy(shape, b, generator):
    return torch.from_numpy(np.random.default_rng().laplace(0, b, shape))


def _one_draw(shape, b, generator):
    return _lap((1, 1), b, generator).expand(shape)


def _by_row(shape, b, generator):
    return _lap((shape[0], 1), b, generator).expand(shape)


def _share(estimate):
    def answer(reports, epsilon):
        return estimate(float(reports.double().mean()), math.exp(epsilon) / (1 + math.exp(epsilon)), len(reports))

    return answer


def _right(raw, p):
    return (raw - (1 - p)) / (2 * p - 1)


def _bounds(factor):
    """Scales that cost too much or too little: factor(d, n) times the right ones."""

    def answer(x, bounds, epsilon):
        return factor(len(bounds), len(x)) * len(bounds) * (bounds[:, 1] - bounds[:, 0]) / len(x) / epsilon

    return answer


def _widest(x, bounds, epsilon):
    return np.full(len(bounds), len(bounds) * (bounds[:, 1] - bounds[:, 0]).max() / len(x) / epsilon)


WRONG = {
    "04.1": [
        (_mean(_width, _width), r"'remove': that is a replacement"),
        (_mean(_width, lambda low, high: abs(high)), r"\|high\| is not always the largest"),
        (_mean(_width, lambda low, high: high), r"high is not always the largest"),
        (_mean(_width, lambda low, high: abs(low)), r"\|low\| is not always the largest"),
        (_mean(_width, lambda low, high: min(abs(low), abs(high))), r"nearer bound|not always the largest"),
        (_mean(lambda low, high: max(abs(low), abs(high))), r"from low to high at worst"),
        (_mean(lambda low, high: abs(low) + abs(high)), r"bounds of one sign are nearer"),
        (_mean(lambda low, high: abs(abs(high) - abs(low))), r"bounds of different sign"),
        (_mean(lambda low, high: (high - low) / 2), r"half of it"),
        (_mean(lambda low, high: 2 * (high - low)), r"twice too much"),
        (_mean(_width, divide=lambda reach, n: reach), r"sensitivity of the sum"),
        (_mean(_width, divide=lambda reach, n: reach / (n - 1)), r"divisor is public and stays n"),
        (_mean(_width, divide=lambda reach, n: reach * n), r"multiplied by n"),
        (_mean(_width, divide=lambda reach, n: reach / n**2), r"divided by n twice"),
        (_mean(_width, divide=lambda reach, n: reach / n**0.5), r"the sensitivity is"),
        (_mean(lambda low, high: low - high), r"no sign"),
        (_mean(lambda low, high: max(abs(low), abs(high)), _width), r"from low to high at worst"),
    ],
    "04.2": [
        (_noisy(lambda s, e, n: 1 / e), r"sensitivity is missing"),
        (_noisy(lambda s, e, n: s), r"divide it by ε"),
        (_noisy(lambda s, e, n: s * e), r"divide by ε, a smaller ε"),
        (_noisy(lambda s, e, n: e / s), r"other way round"),
        (_noisy(lambda s, e, n: s / e / 2**0.5), r"over √2"),
        (_noisy(lambda s, e, n: s / e * 2**0.5), r"√2·sensitivity/ε"),
        (_noisy(lambda s, e, n: 2 * s / e), r"2·sensitivity/ε"),
        (_noisy(lambda s, e, n: s / e * n), r"times the number of components"),
        (_noisy(lambda s, e, n: s / e / n), r"shared among the components"),
        (_noisy(lambda s, e, n: s / e * n**0.5), r"root of their number"),
        (_noisy(lambda s, e, n: 1.2 * s / e), r"the scale should be"),
        (_noisy(draw=_normal), r"Gaussian 0\.80"),
        (_noisy(draw=_uniform), r"Laplace noise has 0\.71"),
        (_noisy(draw=_one_sided), r"0 on average"),
        (_noisy(draw=lambda *a: _one_sided(*a) - a[1]), r"not symmetric"),
        (_noisy(draw=_one_draw), r"share their noise"),
        (_noisy(draw=_by_row), r"share their noise"),
        (_noisy(draw=_seeded), r"do not seed"),
        (_noisy(draw=_elsewhere), r"draw all of it with the one"),
        (_noisy(put=lambda v, z: z), r"noise alone"),
        (_noisy(put=lambda v, z: v * (1 + z)), r"depends on the values"),
        (lambda values, sensitivity, epsilon, generator: values + torch.rand(1, generator=generator) * 0, r"no noise"),
        (_noisy(draw=_numpy), r"generator that is given"),
    ],
    "04.3": [
        (_share(lambda raw, p, n: raw), r"share of reports"),
        (_share(lambda raw, p, n: min(max(_right(raw, p), 0), 1)), r"cut off at 0 or 1"),
        (_share(lambda raw, p, n: max(_right(raw, p), 0)), r"cut off at 0 or 1"),
        (_share(lambda raw, p, n: min(_right(raw, p), 1)), r"cut off at 0 or 1"),
        (_share(lambda raw, p, n: raw / p), r"forgets the zeros"),
        (_share(lambda raw, p, n: 1 - _right(raw, p)), r"share of zeros"),
        (_share(lambda raw, p, n: raw - (1 - p)), r"not divided by 2p"),
        (_share(lambda raw, p, n: (raw - (1 - p)) / p), r"divided by p"),
        (_share(lambda raw, p, n: raw * p + (1 - raw) * (1 - p)), r"randomises once more"),
        (_share(lambda raw, p, n: n * _right(raw, p)), r"number of people"),
        (_share(lambda raw, p, n: (raw - (1 - p)) * (2 * p - 1)), r"multiplied by 2p"),
        (_share(lambda raw, p, n: (raw - p) / (2 * p - 1)), r"the estimate is"),
        (_share(lambda raw, p, n: 2 * raw - 0.5), r"the estimate is"),
    ],
    "04.4": [
        (lambda x, bounds, epsilon: (x.max(0) - x.min(0)) / len(x) / epsilon, r"change with the records"),
        (lambda x, bounds, epsilon: x.shape[1] * (x.max(0) - x.min(0)) / len(x) / epsilon, r"change with the records"),
        (lambda x, bounds, epsilon: x.shape[1] * x.std(0) / len(x) / epsilon, r"change with the records"),
        (_bounds(lambda d, n: 1 / d), r"each column alone costs ε"),
        (_bounds(lambda d, n: d**-0.5), r"ε add up"),
        (_bounds(lambda d, n: d), r"each may have ε/"),
        (_bounds(lambda d, n: 0.5), r"factor of 2.*not by half"),
        (_bounds(lambda d, n: 2), r"factor of 2.*not by twice"),
        (_bounds(lambda d, n: n), r"factor of n"),
        (_bounds(lambda d, n: 1 / n), r"factor of n.*once"),
        (_bounds(lambda d, n: n / (n - 1)), r"wastes budget"),
        (_bounds(lambda d, n: 0.9), r"breaks the promise"),
        (_bounds(lambda d, n: -1), r"positive number"),
        (lambda x, bounds, epsilon: float((bounds[:, 1] - bounds[:, 0]).sum() / len(x) / epsilon), r"3 things"),
        (_widest, r"wastes budget"),
    ],
}  # fmt: skip
