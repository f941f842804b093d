"""Planted wrong answers of notebook 12."""

import math

import torch


def _mse(a, b):
    return float((a - b).square().mean())


def _counts(reports, k):
    return torch.bincount(reports, minlength=k).double()


def _chances(epsilon, k):
    q = 1 / (math.exp(epsilon) + k - 1)
    return math.exp(epsilon) * q, q


def _debiased(reports, epsilon, k):
    p, q = _chances(epsilon, k)
    return (_counts(reports, k) - len(reports) * q) / (p - q)


def _solve(x, y, weight):
    eye = torch.eye(x.shape[2], dtype=x.dtype)
    return torch.linalg.solve(x.mT @ x + torch.as_tensor(weight).reshape(-1, 1, 1) * eye, x.mT @ y.unsqueeze(-1)).squeeze(-1)


def _real(x, y, mask):
    return x * mask.unsqueeze(-1), y * mask


def _growth(epsilon, m):
    return math.expm1(m * epsilon) / math.expm1(epsilon)


def _group(epsilon, delta, m):
    """A wrong δ as the learner would hand it in: None from 1 on."""
    return m * epsilon, None if delta >= 1 else delta


WRONG = {
    "12.1": [
        (lambda f, a, b: 1 - math.sqrt(_mse(f, a) / _mse(b, a)), r"root mean squares"),
        (lambda f, a, b: _mse(f, a) / _mse(b, a), r"what is gained"),
        (lambda f, a, b: 1 - _mse(b, a) / _mse(f, a), r"stands above"),
        (lambda f, a, b: 1 - _mse(f, a) / float(a.var(correction=0)), r"R²"),
        (lambda f, a, b: float((1 - (f - a).square().mean(1) / (b - a).square().mean(1)).mean()), r"average the squares"),
        (lambda f, a, b: 1 - float((f - a).abs().mean() / (b - a).abs().mean()), r"absolute"),
        (lambda f, a, b: _mse(f, a) / _mse(b, a) - 1, r"sign"),
        (lambda f, a, b: 1 - _mse(f, a), r"missing"),
        (lambda f, a, b: 1 - _mse(f, b) / _mse(a, b), r"it should be"),
        (lambda f, a, b: 0.58, r"it should be"),
        (lambda f, a, b: 1 - (f - a).square().mean(1) / (b - a).square().mean(1), r"a number"),
    ],
    "12.2": [
        (lambda e, p, d: p / e, r"ε for one day"),
        (lambda e, p, d: d / e, r"several counts in a day"),
        (lambda e, p, d: 1 / e, r"several counts"),
        (lambda e, p, d: math.sqrt(p * d) / e, r"L1"),
        (lambda e, p, d: 2 * p * d / e, r"not replaced"),
        (lambda e, p, d: e / (p * d), r"more noise"),
        (lambda e, p, d: math.sqrt(2) * p * d / e, r"standard deviation"),
        (lambda e, p, d: (p + d) / e, r"multiply by the days"),
        (lambda e, p, d: p * d, r"ε is missing"),
        (lambda e, p, d: p * d * e, r"divide"),
        (lambda e, p, d: p * d / e / 1_000, r"it should be"),
    ],
    "12.3": [
        (lambda r, e, k: _counts(r, k), r"numbers named"),
        (lambda r, e, k: _debiased(r, e, k) / len(r), r"numbers are asked"),
        (lambda r, e, k: _counts(r, k) / _chances(e, k)[0], r"subtract"),
        (
            lambda r, e, k: (_counts(r, k) - len(r) * (1 - _chances(e, k)[0])) / (2 * _chances(e, k)[0] - 1),
            r"one of k − 1 districts",
        ),
        (lambda r, e, k: (_counts(r, k) - len(r) * _chances(e, k)[1]) / _chances(e, k)[0], r"divide by p − q"),
        (lambda r, e, k: _debiased(r, e, k).clamp(min=0), r"biased"),
        (lambda r, e, k: _debiased(r, e, k + 1)[:k], r"k − 1 other districts"),
        (
            lambda r, e, k: (_counts(r, k) - len(r) * _chances(e, k)[0]) / (_chances(e, k)[1] - _chances(e, k)[0]),
            r"exchanged",
        ),
        (lambda r, e, k: _debiased(r, e, k)[:-1], r"shape"),
        (lambda r, e, k: torch.bincount(r), r"shape"),
        (lambda r, e, k: _debiased(r, 2 * e, k), r"it should begin"),
    ],
    "12.4": [
        (lambda x, y, m, lam: _solve(x, y, lam), r"use the mask"),
        (lambda x, y, m, lam: _solve(x, y * m, lam), r"belongs on x"),
        (lambda x, y, m, lam: _solve(*_real(x, y, m), lam * x.shape[1]), r"added once"),
        (lambda x, y, m, lam: _solve(*_real(x, y, m), lam * m.sum(1)), r"added once"),
        (lambda x, y, m, lam: _solve(*_real(x, y, m), lam**2), r"not squared"),
        (lambda x, y, m, lam: _solve(*_real(x, y, m), lam / 2), r"not halved"),
        (lambda x, y, m, lam: _solve(*_real(x, y, m), 2 * lam), r"not doubled"),
        (lambda x, y, m, lam: -_solve(*_real(x, y, m), lam), r"sign"),
        (lambda x, y, m, lam: _solve(*_real(x, y, m), lam).unsqueeze(-1), r"shape"),
        (lambda x, y, m, lam: _solve(*_real(x, y, ~m), lam), r"should be"),
        (lambda x, y, m, lam: (x * m.unsqueeze(-1)).mT.matmul((y * m).unsqueeze(-1)).squeeze(-1), r"divided out"),
    ],
    "12.5": [
        (lambda e, d, m: _group(e, m * d, m), r"multiplied by the e\^ε|should be None"),
        (lambda e, d, m: _group(e, d, m), r"grows, too"),
        (lambda e, d, m: _group(e, d * math.exp(m * e), m), r"geometric"),
        (lambda e, d, m: _group(e, m * d * math.exp((m - 1) * e), m), r"not the sum|not tight"),
        (lambda e, d, m: (e, d * _growth(e, m)), r"grows with the group"),
        (lambda e, d, m: (math.sqrt(m) * e, d * _growth(e, m)), r"not with its root"),
        (lambda e, d, m: ((m - 1) * e, d * _growth(e, m)), r"m steps"),
        (lambda e, d, m: _group(e, d * _growth(e, m + 1), m), r"m steps"),
        (lambda e, d, m: _group(e, d * _growth(e, m - 1), m), r"m steps"),
        (lambda e, d, m: (m * e, d * _growth(e, m)), r"should be None"),
        (lambda e, d, m: (m * e, min(1.0, d * _growth(e, m))), r"should be None"),
        (lambda e, d, m: (m * e, None if m * d >= 1 else d * _growth(e, m)), r"should be None"),
        (lambda e, d, m: (m * e, None if d * _growth(e, m) > 0.5 else d * _growth(e, m)), r"below 1"),
        (lambda e, d, m: m * e, r"2 things"),
    ],
}
