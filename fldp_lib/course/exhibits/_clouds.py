"""Many runs of one plan at once, each with noise of its own: what a cloud is drawn from.

A federation is a batch of clients already; here it is a batch of runs as well, for logistic regression on a few features,
whose gradient fits in two lines. Run k is what `train` gives with the k-th seed, to rounding (tests/course/test_clouds.py).
"""

from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from ...training._streams import streams

MANY = 8  # records of a client from which on a product of matrices is the quicker sum


def cloud(federation, plan, seeds, plain=False):
    """Return θ at the start, zero, and after every round, of as many runs as there are seeds.

    Args:
        federation: a `data.Federation` of two classes; every client takes part in every round.
        plan: a `Plan` with a Gaussian mechanism at the server, or with none.
        seeds: a tuple of whole numbers, one a run; without noise one is enough.
        plain: whether a last run goes along without clip and noise.

    Returns:
        Parameters of `models.Linear(d, 1)`, the weights and then the bias (rounds + 1 × runs × parameters).
    """
    clip, std = (float("inf"), 0.0) if plan.mechanism is None else (plan.mechanism.clip, plan.mechanism.std)
    theta = torch.zeros(federation.x.shape[2] + 1, len(seeds) + plain)  # parameters × runs
    noise = std * F.pad(unit_noise(tuple(seeds), plan.rounds, len(theta)), (0, int(plain))) if std else None
    clips = torch.tensor([clip] * len(seeds) + [float("inf")] * plain)
    path, records = [theta], _records(federation)
    for t in range(plan.rounds):
        update = updates(federation, theta, plan, records)  # parameters × clients × runs
        if clip < float("inf"):
            lengths = sum(part * part for part in update).sqrt()  # clients × runs
            update = update * (clips / lengths.clamp(min=1e-30)).clamp(max=1)
        total = update.sum(1)
        total = total if noise is None else total + noise[t]
        theta = theta + plan.server.lr * total / federation.clients
        path.append(theta)
    return torch.stack(path).transpose(1, 2)


def updates(federation, theta, plan, records=None):
    """Return what every client would send, unclipped (parameters × clients × runs), from θ (parameters × runs)."""
    x, y, parts, products = records or _records(federation)
    if products is None:
        here = theta.expand(federation.clients, -1, -1)
        for _ in range(plan.local.steps):
            slope = torch.bmm(x, here).sigmoid_().sub_(y)  # clients × records × runs
            here = torch.baddbmm(here, parts.mT, slope, alpha=-plan.lr)
        return (here - theta).transpose(0, 1)
    start = z = x @ theta
    summed = torch.zeros_like(z)
    for step in range(plan.local.steps):
        if step:
            z = torch.addcmul(start, products[0], summed[:, :1], value=-plan.lr)
            for k, product in enumerate(products[1:], 1):
                z.addcmul_(product, summed[:, k : k + 1], value=-plan.lr)
        summed += z.sigmoid().sub_(y)
    return torch.stack([(part * summed).sum(1) for part in parts.unsqueeze(3).unbind(2)]).mul_(-plan.lr)


def _records(federation):
    """What `updates` needs of a federation.

    Returns:
        The features and a 1 (clients × records × d + 1), the classes (clients × records × 1), the features and the 1 times
        each record's share of its client. And of clients with few records, for each record its products with the others,
        times its share (clients × records × 1): what it takes off their outputs, so that local steps need no parameters.
    """
    x, y = with_one(federation.x), federation.y.unsqueeze(2)
    parts = x * (federation.mask / federation.sizes.clamp(min=1).unsqueeze(1)).unsqueeze(2)
    return x, y, parts, None if x.shape[1] >= MANY else (x @ parts.mT).split(1, 2)


def with_one(x):
    """Features with a column of ones for the bias (… × d + 1)."""
    return torch.cat([x, torch.ones(*x.shape[:-1], 1)], -1)


def accuracy(federation, thetas):
    """Return the share of the federation's test records that linear models (… × parameters) call rightly (…)."""
    scores = thetas[..., :-1] @ federation.x_test.T + thetas[..., -1:]
    return ((scores > 0) == federation.y_test.bool()).float().mean(-1)


@lru_cache(maxsize=8)
def unit_noise(seeds, rounds, parameters):
    """The noise streams of `train` with these seeds, for deviation 1 (rounds × parameters × runs)."""
    generators = [streams(seed)[2] for seed in seeds]
    several = max(1, 15 // parameters)  # up to 15 numbers come in the order of single ones, from 16 on in blocks
    sizes = [parameters * min(several, rounds - t) for t in range(0, rounds, several)]
    drawn = [torch.cat([torch.randn(n, generator=g, dtype=torch.float64) for n in sizes]) for g in generators]
    return torch.stack(drawn, 1).view(rounds, parameters, len(seeds)).float()


def chords(thetas):
    """Return where linear models of two features (models × 3) are undecided: from edge to edge of the square [-1, 1]².

    Returns:
        For each model whose line crosses the square, x (2,) and y (2,) of its ends.
    """
    found = []
    for a, b, c in thetas.double().tolist():
        square = a * a + b * b
        if not 0 < square < float("inf"):
            continue
        low, high = -float("inf"), float("inf")  # along (-b, a), from the point next to the centre
        for start, step in ((-a * c / square, -b), (-b * c / square, a)):
            if step:
                ends = sorted(((-1 - start) / step, (1 - start) / step))
                low, high = max(low, ends[0]), min(high, ends[1])
            elif abs(start) > 1:
                high = -float("inf")
        if low < high:
            at = np.array([low, high])
            found.append((-a * c / square - b * at, -b * c / square + a * at))
    return found


def joined(lines):
    """Return lines, each x and y of its ends, as x and y of one mark with a gap after each line."""
    gap = np.array([np.nan])
    return [np.concatenate([gap, *(part for line in lines for part in (line[axis], gap))]) for axis in (0, 1)]
