"""Planted wrong answers of notebook 13."""

import math

import torch


def _right(clients, parameters, rounds, rate):
    return 8 * rate * clients * parameters * rounds


def _parts(k, d, width=None):
    width = math.ceil(math.log2(d)) if width is None else width
    return math.ceil(k * width / 8), math.ceil(d / 8)


def _top(vector, k, order=torch.abs):
    places = order(vector).topk(k).indices
    return torch.zeros_like(vector).scatter(0, places, vector[places])


def _pair(update, rest, k):
    sent = _top(update + rest, k)
    return sent, update + rest - sent


def _rounded(vector, levels, generator, chance=lambda f: f, size=None, offset=0):
    step = float(vector.abs().max() if size is None else size(vector)) / levels
    exact = vector / step
    low = exact.floor()
    coin = torch.rand(vector.shape, generator=generator, dtype=torch.float64)
    return (low + offset + (coin < chance(exact - low))) * step


FORMS = {}
SLOW = {"13.4": 8}  # thousands of roundings a check
WRONG = {
    "13.1": [
        (lambda c, p, t, r: _right(c, p, t, r) / 2, r"one direction"),
        (lambda c, p, t, r: _right(c, p, t, 1), r"share `rate`"),
        (lambda c, p, t, r: _right(c, p, 1, r), r"one round"),
        (lambda c, p, t, r: _right(c, p, t, r) / 4, r"four bytes"),
        (lambda c, p, t, r: 2 * _right(c, p, t, r), r"not eight"),
        (lambda c, p, t, r: _right(c, p, t, r) / 8, r"counts numbers"),
        (lambda c, p, t, r: (_right(c, p, t, 1) + _right(c, p, t, r)) / 2, r"cohort only"),
        (lambda c, p, t, r: _right(c, p, t, r * r), r"enters once"),
        (lambda c, p, t, r: _right(1, p, t, r), r"one client"),
        (lambda c, p, t, r: _right(c, p, t, r) / 1e6, r"it should be"),
        (lambda c, p, t, r: _right(c, p, t, 1 - r), r"it should be"),
    ],
    "13.2": [
        (lambda k, d: 4 * k, r"places are part"),
        (lambda k, d: 4 * k + _parts(k, d)[0], r"bitmap would be shorter"),
        (lambda k, d: 4 * k + _parts(k, d)[1], r"packed numbers would be shorter"),
        (lambda k, d: 4 * k + k * math.ceil(math.log2(d) / 8), r"pack the places|bitmap would be shorter"),
        (lambda k, d: 4 * k + min(k * math.ceil(math.log2(d)) / 8, d / 8), r"whole number|does not fill"),
        (lambda k, d: 8 * k, r"four bytes a place"),
        (lambda k, d: 4 * k + min(_parts(k, d, int(math.log2(d)))), r"round up"),
        (lambda k, d: 4 * k + min(_parts(k, d, d.bit_length())), r"count from 0"),
        (lambda k, d: min(_parts(k, d)), r"values are part"),
        (lambda k, d: k + min(_parts(k, d)), r"takes four bytes"),
        (lambda k, d: 8 * k + min(_parts(k, d)), r"not eight"),
        (lambda k, d: 4 * k + min(k * math.ceil(math.log2(d)) // 8, d // 8), r"round up"),
        (lambda k, d: 37, r"it should be"),
    ],
    "13.3": [
        (lambda u, r, k: (_top(u, k), u + r - _top(u, k)), r"belongs to what the client wants"),
        (lambda u, r, k: (_top(u, k) + r, torch.zeros_like(u)), r"only k entries"),
        (lambda u, r, k: (u + r, torch.zeros_like(u)), r"everything"),
        (lambda u, r, k: (_top(u + r, k, order=lambda v: v), r), r"not in sign"),
        (lambda u, r, k: (_pair(u, r, k)[0], u - _pair(u, r, k)[0]), r"stays, too"),
        (lambda u, r, k: (_pair(u, r, k)[0], r + _pair(u, r, k)[1]), r"add it once"),
        (lambda u, r, k: (_pair(u, r, k)[0], -_pair(u, r, k)[1]), r"sign is turned"),
        (lambda u, r, k: (_pair(u, r, k)[0], r), r"old remainder"),
        (lambda u, r, k: (_pair(u, r, k)[0], u + r), r"no longer owed"),
        (lambda u, r, k: _pair(u, r, k)[::-1], r"the pair is"),
        (lambda u, r, k: (_pair(u, r, k)[0].abs(), _pair(u, r, k)[1]), r"with its sign"),
        (lambda u, r, k: (torch.where(_pair(u, r, k)[0] != 0, u, 0.0), _pair(u, r, k)[1]), r"entries are those"),
        (lambda u, r, k: _pair(u, -r, k), r"added to the update"),
        (lambda u, r, k: (_top(u + r, k - 1), r), r"k entries"),
        (lambda u, r, k: _pair(u, r, k)[0], r"2 things"),
        (lambda u, r, k: (_pair(u, r, k)[0], torch.zeros_like(u)), r"wanted and not sent"),
    ],
    "13.4": [
        (lambda v, n, g: _rounded(v, n, g, chance=lambda f: f >= 0.5), r"nothing is random"),
        (lambda v, n, g: _rounded(v, n, g, chance=lambda f: 0 * f), r"nothing is random"),
        (lambda v, n, g: _rounded(v, n, g, chance=lambda f: 0.5 + 0 * f), r"equal to the fraction|neighbouring"),
        (lambda v, n, g: _rounded(v, n, g, chance=lambda f: 1 - f), r"equal to the fraction|neighbouring"),
        (lambda v, n, g: _rounded(v, n, g, chance=lambda f: f * f), r"equal to the fraction"),
        (lambda v, n, g: _rounded(v, n, g, offset=1), r"neighbouring"),
        (lambda v, n, g: _rounded(v, n, g, size=torch.max), r"largest magnitude"),
        (lambda v, n, g: _rounded(v, n, g) * n / float(v.abs().max()), r"multiply by the step"),
        (lambda v, n, g: _rounded(v, n + 1, g), r"not levels \+ 1"),
        (lambda v, n, g: _rounded(v, 2**n - 1, g), r"no number of bits"),
        (lambda v, n, g: _rounded(v, n, None), r"`generator`"),
        (lambda v, n, g: v + (torch.rand(16, generator=g) - 0.5), r"multiple of s / levels"),
        (lambda v, n, g: v, r"multiple of s / levels"),
    ],
}
