"""Planted wrong answers of notebook 22."""

import math

import numpy as np
import torch


def tail(epsilon, delta, most=1):
    return math.log(1 / (2 * delta)) * most / epsilon


def each(delta, most):
    return 1 - (1 - delta) ** (1 / most)


def chance(counts, tau, epsilon):
    gap = epsilon * (tau - np.asarray(counts, dtype=float))
    return np.where(gap > 0, 0.5 * np.exp(-np.abs(gap)), 1 - 0.5 * np.exp(-np.abs(gap)))


def held(counts):
    return np.asarray(counts) > 0


def line(e, d):
    return 1 + tail(e, d)


def chances(epsilon, k, d):
    p = d / (d + (k - d) * math.exp(-epsilon))
    return p, (p * (d - 1) + (1 - p) * d) / (k - 1)


def said(reports, k):
    reports = np.asarray(reports)
    return np.bincount(reports.ravel(), minlength=k) / len(reports)


def estimate(reports, epsilon, k, minus=None, over=None):
    p, q = chances(epsilon, k, np.asarray(reports).shape[1])
    minus = q if minus is None else minus(p, q, k)
    return (said(reports, k) - minus) / ((p - minus) if over is None else over(p, q))


WRONG = {
    "22.1": [
        (lambda n, c: c / n, r"mean number"),
        (lambda n, c: 1 / n, r"0\.63"),
        (lambda n, c: 1 - (1 - c) ** n, r"wrong way round"),
        (lambda n, c: c ** (1 / n), r"all secrets"),
        (lambda n, c: (1 - c) ** (1 / n), r"secret stays"),
        (lambda n, c: c, r"there are many"),
        (lambda n, c: 0.5, r"it should be"),
    ],
    "22.2": [
        (lambda e, d, m: 1 + tail(e, d), r"one word each"),
        (lambda e, d, m: 1 + tail(e, d, m), r"together"),
        (lambda e, d, m: 1 + tail(e, each(d, m)), r"scale is most"),
        (lambda e, d, m: 1 + tail(e, d / m, m), r"not the smallest"),
        (lambda e, d, m: tail(e, each(d, m), m), r"forgot the person"),
        (lambda e, d, m: 1 + m / e * math.log(1 / each(d, m)), r"half of the noise"),
        (lambda e, d, m: m + tail(e, each(d, m), m), r"a count of 1"),
        (lambda e, d, m: 10.0, r"it should be"),
    ],
    "22.3": [
        (lambda c, e, d: int((np.asarray(c) >= line(e, d)).sum()), r"both ways"),
        (lambda c, e, d: chance(c, line(e, d), e).sum(), r"nobody holds"),
        (lambda c, e, d: (0.5 * np.exp(-e * np.abs(line(e, d) - np.asarray(c))))[held(c)].sum(), r"chance to stay"),
        (lambda c, e, d: chance(c, line(e, d), e)[held(c)].mean(), r"mean chance"),
        (lambda c, e, d: (1 - chance(c, line(e, d), e)[held(c)]).sum(), r"do not come out"),
        (lambda c, e, d: int(held(c).sum()), r"all the words"),
        (lambda c, e, d: chance(c, tail(e, d), e)[held(c)].sum(), r"forgets"),
        (lambda c, e, d: -1.0, r"it should be"),
    ],
    "22.4": [
        (lambda r, e, k: said(r, k), r"true ones and others"),
        (lambda r, e, k: said(r, k) / said(r, k).sum(), r"stretching"),
        (lambda r, e, k: estimate(r, e, k, over=lambda p, q: p), r"divide by p − q"),
        (lambda r, e, k: estimate(r, e, k, minus=lambda p, q, k: (1 - p) / (k - 1)), r"d − 1 others"),
        (lambda r, e, k: estimate(r, e, k, minus=lambda p, q, k: np.asarray(r).shape[1] / k), r"less often than d/k"),
        (lambda r, e, k: len(r) * estimate(r, e, k), r"numbers of people"),
        (lambda r, e, k: torch.zeros(k), r"the shares are others"),
        (lambda r, e, k: torch.zeros(2), r"shape"),
    ],
}
