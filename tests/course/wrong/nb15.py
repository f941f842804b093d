"""Planted wrong answers of notebook 15."""

import math

import numpy as np
import torch


def unit(bias):
    return int(bias.abs().argmax())


def row(change):
    """A record from the right row and entry, changed."""
    return lambda weight, bias: change(weight[unit(bias)] / bias[unit(bias)])


def above(pick):
    """The share of members above a threshold: `pick(sorted downwards, allowed, inside, outside, fpr)`."""

    def answer(inside, outside, fpr):
        allowed = math.floor(fpr * len(outside) + 1e-9)
        return (inside > pick(np.sort(outside)[::-1], allowed, inside, outside, fpr)).mean()

    return answer


def krum(score):
    """The smallest of `score(sorted squared distances, n − f − 2, f)`."""

    def answer(updates, attackers):
        ordered = torch.cdist(updates, updates).square().sort(1).values
        return int(score(ordered, len(updates) - attackers - 2, attackers).argmin())

    return answer


def plain(score):
    """The smallest of `score(updates, n − f − 2)`."""
    return lambda updates, attackers: int(score(updates, len(updates) - attackers - 2).argmin())


def near(distances, count):
    return distances.sort(1).values[:, 1 : count + 1].sum(1)


def limit(inside, outside, fpr):
    return np.sort(outside)[::-1][math.floor(fpr * len(outside) + 1e-9)]


def unmasked(first, second, neither=0, both=0, modulo=True):
    """Signs given to the mask of a pair of which only the first, only the second, neither or both survived."""

    def answer(sent, masks, modulus):
        signs = {(True, False): first, (False, True): second, (False, False): neither, (True, True): both}
        total = sum(sent.values()) + sum(signs[a in sent, b in sent] * m for (a, b), m in masks.items())
        return total % modulus if modulo else total

    return answer


RIGHT = unmasked(-1, 1)
WRONG = {
    "15.1": [
        (lambda w, b: w.sum(0) / b.sum(), r"NaN or infinity|not the record"),
        (lambda w, b: w.mean(0) / b.mean(), r"NaN or infinity|not the record"),
        (lambda w, b: w[0] / b[0], r"NaN or infinity"),
        (lambda w, b: w[-1] / b[-1], r"NaN or infinity"),
        (lambda w, b: w[b.argmax()] / b[b.argmax()], r"NaN or infinity"),
        (lambda w, b: w[b.argmin()] / b[b.argmin()], r"NaN or infinity"),
        (lambda w, b: w[b.abs().argmin()] / b[b.abs().argmin()], r"NaN or infinity|not the record"),
        (lambda w, b: (w / b[:, None]).mean(0), r"NaN or infinity"),
        (lambda w, b: w[unit(b)], r"divide by the bias"),
        (lambda w, b: w.mean(0), r"divide by the bias"),
        (lambda w, b: w.sum(0), r"divide by the bias"),
        (lambda w, b: w[unit(b)] * b[unit(b)], r"do not multiply"),
        (lambda w, b: b[unit(b)] / w[unit(b)], r"other way round"),
        (lambda w, b: w / b[unit(b)], r"should have shape \(7,\)"),
        (lambda w, b: w[unit(b)] / b.norm(), r"not the record"),
        (lambda w, b: w[unit(b)] / b.abs().mean(), r"not the record"),
        (lambda w, b: w[unit(b)] / b[b != 0].mean(), r"not the record|NaN or infinity"),
        (lambda w, b: w[unit(b)] / w[unit(b)].norm(), r"not the record|length counts|sign"),
        (row(lambda x: -x), r"the sign"),
        (row(lambda x: x.abs()), r"keep the signs"),
        (row(lambda x: x.clamp(0, 1)), r"do not clamp"),
        (row(lambda x: x.clamp(min=0)), r"do not clamp"),
        (row(lambda x: x / x.norm()), r"length counts"),
        (row(lambda x: x.round()), r"not the record"),
        (row(lambda x: x * 2), r"not the record"),
        (row(lambda x: x.flip(0)), r"in their order"),
        (row(lambda x: x[:6]), r"shape \(7,\)"),
        (lambda w, b: torch.zeros(7), r"not the record"),
        (torch.zeros(7), r"expected a function"),
    ],
    "15.2": [
        (lambda i, o, f: (o > limit(i, o, f)).mean(), r"share of false alarms"),
        (lambda i, o, f: (i > limit(i, o, f)).sum(), r"not a number of members"),
        (lambda i, o, f: (i > limit(i, o, f)).sum() / len(o), r"divide by how many"),
        (lambda i, o, f: (i <= limit(i, o, f)).mean(), r"scores \*above\*"),
        (lambda i, o, f: (i >= limit(i, o, f)).mean(), r"not on it"),
        (lambda i, o, f: (np.r_[i, o] > limit(i, o, f)).mean(), r"it should be 0\.\d+; you gave"),
        (
            lambda i, o, f: (i > limit(i, o, f)).sum() / ((i > limit(i, o, f)).sum() + (o > limit(i, o, f)).sum()),
            r"share of members among those above",
        ),
        (above(lambda down, k, i, o, f: np.quantile(i, 1 - f)), r"comes from `outside`"),
        (above(lambda down, k, i, o, f: np.quantile(o, 1 - f)), r"one of the scores of `outside`"),
        (above(lambda down, k, i, o, f: np.quantile(o, f)), r"high end|it should be 0\.\d+; you gave"),
        (above(lambda down, k, i, o, f: down[len(o) - 1 - k]), r"high end"),
        (above(lambda down, k, i, o, f: down[0]), r"may exceed the threshold"),
        (above(lambda down, k, i, o, f: down[max(k - 1, 0)]), r"a smaller score of `outside`"),
        (above(lambda down, k, i, o, f: down[k + 1]), r"more than a share fpr"),
        (above(lambda down, k, i, o, f: down[math.ceil(f * len(o) - 1e-9)]), r"it should be 0\.\d+; you gave"),
        (above(lambda down, k, i, o, f: 0.0), r"not a fixed threshold"),
        (above(lambda down, k, i, o, f: 1 - f), r"it should be 0\.\d+; you gave"),
        (above(lambda down, k, i, o, f: (down[k] + down[k - 1]) / 2), r"it should be 0\.\d+; you gave"),
        (above(lambda down, k, i, o, f: o.mean() + 2 * o.std()), r"it should be 0\.\d+; you gave"),
        (above(lambda down, k, i, o, f: down[int(0.01 * len(o))]), r"it should be 0\.\d+; you gave"),
        (above(lambda down, k, i, o, f: down[int(0.05 * len(o))]), r"it should be 0\.\d+; you gave"),
        (lambda i, o, f: f, r"it should be 0\.\d+; you gave"),
        (lambda i, o, f: 1.0, r"it should be 0\.\d+; you gave"),
        (lambda i, o, f: 100 * (i > limit(i, o, f)).mean(), r"it should be 0\.\d+; you gave"),
        (lambda i, o, f: i > limit(i, o, f), r"should be a number"),
    ],
    "15.3": [
        (krum(lambda s, k, f: s.sum(1)), r"far ones are the attackers' to choose"),
        (krum(lambda s, k, f: s[:, :k].sum(1)), r"not its own neighbour"),
        (krum(lambda s, k, f: s.sqrt()[:, 1 : k + 1].sum(1)), r"squared distances"),
        (krum(lambda s, k, f: -s[:, 1 : k + 1].sum(1)), r"the smallest sum"),
        (krum(lambda s, k, f: s[:, 1 : k + 2].sum(1)), r"one neighbour too many"),
        (krum(lambda s, k, f: s[:, 1 : k + 3].sum(1)), r"two neighbours too many"),
        (krum(lambda s, k, f: s[:, 1 : max(k - f, 1) + 1].sum(1)), r"the attackers once"),
        (krum(lambda s, k, f: s[:, -k:].sum(1)), r"not the farthest"),
        (krum(lambda s, k, f: s[:, 1]), r"nearest alone"),
        (krum(lambda s, k, f: s[:, k]), r"largest of them"),
        (krum(lambda s, k, f: s[:, 1:k].sum(1)), r"not its own neighbour"),
        (krum(lambda s, k, f: s[:, 1 : k + f + 1].sum(1)), r"it should be number|far ones|one neighbour"),
        (krum(lambda s, k, f: s[:, 1 : k + 1].square().sum(1)), r"squared once"),
        (krum(lambda s, k, f: s.median(1).values), r"it should be number"),
        (krum(lambda s, k, f: s[:, 1 : k // 2 + 1].sum(1)), r"it should be number"),
        (plain(lambda u, k: torch.cdist(u, u).square()[:, 1 : k + 1].sum(1)), r"sort the distances first"),
        (plain(lambda u, k: near(torch.cdist(u, u, p=1), k)), r"not sums of absolute differences"),
        (plain(lambda u, k: near(torch.cdist(u, u, p=float("inf")), k)), r"it should be number"),
        (plain(lambda u, k: u.norm(dim=1)), r"the shortest update"),
        (plain(lambda u, k: (u - u.mean(0)).norm(dim=1)), r"far ones are the attackers' to choose"),
        (plain(lambda u, k: (u - u.median(0).values).norm(dim=1)), r"not from their median"),
        (plain(lambda u, k: u.sum(1)), r"it should be number"),
        (lambda u, f: krum(lambda s, k, f: s[:, 1 : k + 1].sum(1))(u, f) + 1, r"numbers from 0"),
        (lambda u, f: krum(lambda s, k, f: s[:, 1 : k + 1].sum(1))(u, 2), r"it should be number|far ones"),
        (lambda u, f: u[krum(lambda s, k, f: s[:, 1 : k + 1].sum(1))(u, f)], r"should be a number"),
        (lambda u, f: 0, r"it should be number"),
    ],
    "15.4": [
        (unmasked(-1, 1, modulo=False), r"a residue from 0"),
        (unmasked(0, 0), r"still in the sum"),
        (unmasked(0, 0, modulo=False), r"without the masks of those"),
        (unmasked(1, -1), r"wrong sign"),
        (unmasked(-1, 0), r"second of a pair"),
        (unmasked(0, 1), r"first of a pair"),
        (unmasked(-1, -1), r"mind the sign"),
        (unmasked(1, 1), r"mind the sign"),
        (unmasked(-1, -1, -1, -1), r"have cancelled"),
        (unmasked(-1, 1, neither=-1), r"never sent"),
        (unmasked(-1, 1, both=-1), r"it should be \d+; you gave"),
        (unmasked(-1, 1, neither=1), r"it should be \d+; you gave"),
        (lambda s, m, q: (RIGHT(s, m, q) + 1) % q, r"it should be \d+; you gave"),
        (lambda s, m, q: -RIGHT(s, m, q), r"it should be \d+; you gave"),
        (lambda s, m, q: RIGHT(s, m, q) / len(s), r"it should be \d+; you gave"),
        (lambda s, m, q: RIGHT(s, m, q - 1), r"it should be \d+; you gave"),
        (lambda s, m, q: unmasked(-1, 1, modulo=False)(s, m, q) % 101, r"it should be \d+; you gave|whatever it is"),
        (lambda s, m, q: (sum(s.values()) - sum(m.values())) % q, r"have cancelled"),
        (lambda s, m, q: sum(s.values()) % q - sum(m.values()) % q, r"it should be \d+; you gave|have cancelled"),
        (lambda s, m, q: 5, r"it should be \d+; you gave"),
        (lambda s, m, q: s, r"should be a number"),
    ],
}
