"""Planted wrong answers of notebook 11."""

import math

import torch

from fldp_lib.privacy import accounting, mechanisms


def _ridge(factors, ratings, weight, side=1.0):
    eye = torch.eye(factors.shape[1], dtype=factors.dtype)
    return side * torch.linalg.solve(factors.T @ factors + weight * eye, factors.T @ ratings)


def _rows(update, items):
    return update.view(-1, items)


def _numbers(flags):
    return flags.nonzero().flatten().tolist()


def _same(chosen, liked):
    return chosen.unsqueeze(2) == liked.unsqueeze(1)  # users × chosen × liked


def _price(multiplier, rounds, delta, method="pld"):
    return accounting.epsilon(mechanisms.Gaussian(multiplier, clip=1.0), rounds=rounds, delta=delta, method=method)


WRONG = {
    "11.1": [
        (lambda v, r, lam: torch.linalg.pinv(v) @ r, r"without the penalty"),
        (lambda v, r, lam: _ridge(v, r, lam * len(v)), r"not once for each rating"),
        (lambda v, r, lam: _ridge(v, r, lam**2), r"not squared"),
        (lambda v, r, lam: _ridge(v, r, lam / 2), r"not halved"),
        (lambda v, r, lam: _ridge(v, r, 2 * lam), r"not doubled"),
        (lambda v, r, lam: _ridge(v, r, -lam), r"not subtracted"),
        (lambda v, r, lam: _ridge(v, r, lam, side=-1), r"sign"),
        (lambda v, r, lam: v.T @ r, r"VᵀV \+ λI"),
        (lambda v, r, lam: _ridge(v, r, lam / len(v)), r"it should be"),
        (lambda v, r, lam: _ridge(v, r, lam).unsqueeze(1), r"shape \(\d,\)"),
        (lambda v, r, lam: _ridge(v, r, 1.0), r"it should be"),
        (lambda v, r, lam: v @ _ridge(v, r, lam), r"shape"),
    ],
    "11.2": [
        (lambda u, n: sorted({i // (len(u) // n) for i in _numbers(u)}), r"factor by factor"),
        (lambda u, n: _numbers(u[:n]), r"first one may stand still"),
        (lambda u, n: _numbers(u[-n:]), r"last one may stand still"),
        (lambda u, n: _numbers(_rows(u, n).sum(0)), r"cancel"),
        (lambda u, n: _numbers(_rows(u, n).amax(0) > 0), r"move down"),
        (lambda u, n: _numbers((_rows(u, n) != 0).all(0)), r"not all need to"),
        (lambda u, n: [i + 1 for i in _numbers(_rows(u, n).abs().amax(0))], r"from 0"),
        (lambda u, n: _rows(u, n).abs().amax(0) > 0, r"its number is asked for"),
        (lambda u, n: _numbers(_rows(u, n).abs().amax(0))[::-1], r"ascending"),
        (lambda u, n: sorted(i % n for i in _numbers(u)), r"each item once"),
        (lambda u, n: _numbers(_rows(u, n).abs().amax(0) > 0.1), r"the items are"),
        (lambda u, n: _numbers(u), r"the items are"),
    ],
    "11.3": [
        (lambda c, g: float((c == g).double().mean()), r"same place"),
        (lambda c, g: float(_same(c, g).any(1).sum(1).double().mean()), r"number of hits"),
        (lambda c, g: float(_same(c, g).any(1).double().mean(1).quantile(0.5)), r"median|it should be"),
        (lambda c, g: float(_same(c, g).any(1).any(1).double().mean()), r"any hit"),
        (lambda c, g: 1 - float(_same(c, g).any(1).double().mean()), r"missed"),
        (lambda c, g: float(_same(c, g).sum()), r"sum over users"),
        (lambda c, g: float(_same(c, g).double().mean()), r"not k² pairs"),
        (lambda c, g: 0.2, r"it should be"),
        (
            lambda c, g: float((_same(c, g).any(1).sum(1) / (2 * c.shape[1] - _same(c, g).any(1).sum(1))).double().mean()),
            r"liked or chosen",
        ),
    ],
    "11.4": [
        (lambda z, t, n, d: _price(z, t, d), r"one night"),
        (lambda z, t, n, d: n * _price(z, t, d), r"adding the nights"),
        (lambda z, t, n, d: _price(z, n, d), r"several rounds"),
        (lambda z, t, n, d: _price(z, t * n, d, "rdp"), r"PLD"),
        (lambda z, t, n, d: n * _price(z, t, d / n), r"not as tight"),
        (lambda z, t, n, d: math.sqrt(n) * _price(z, t, d), r"root of the nights"),
        (lambda z, t, n, d: _price(z, t + n, d), r"multiply"),
        (lambda z, t, n, d: _price(z, t * n, d * n), r"δ is that of all nights"),
        (lambda z, t, n, d: _price(z, 1, d), r"it is"),
        (lambda z, t, n, d: t * n * _price(z, 1, d), r"it is"),
        (lambda z, t, n, d: _price(z * n, t * n, d), r"it is"),
    ],
}
