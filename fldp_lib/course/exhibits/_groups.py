"""Many runs at once, for clients with several records each and a linear model on the digits: what `train` does, in products.

What a client learns in a round is a sum of its records, each times what the outputs for it lack; so its local steps need
only the products of its records with one another, and its update's length is known without writing it out. All clients'
clipped updates add up in one product of two matrices. `tests/course/test_groups.py` holds it to `train`, run by run.
"""

import math
from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...privacy import mechanisms
from ...training import _streams
from ...training.algorithms import ServerSGD
from ._clouds import with_one
from ._crowds import flushed
from ._singles import _flat, _noise, _square

Runs = namedtuple("Runs", "accuracy loss theta signal cut cosine")
LONG = 130  # records of a client, whose products with one another cost more than they save
ALIKE = 0.75  # of a block's largest client: who has fewer records comes into the next block


@dataclass(frozen=True, eq=False)
class Groups:
    """A federation on 64 features and ten classes: its records beside a 1, and the products of each client's records.

    Clients of like sizes stand in one block, so that little is padded; all blocks lie side by side, a record a column.
    """

    federation: object

    def __post_init__(self):
        fed = self.federation
        order, blocks, cells = fed.sizes.argsort(descending=True, stable=True), [], []
        sizes = fed.sizes[order].clamp(min=1).tolist()
        first = column = 0
        while first < len(order):
            size = sizes[first]
            last = first + int(np.searchsorted(-np.array(sizes[first:]), -ALIKE * size, side="right"))
            members = order[first:last]
            mask = fed.mask[members, :size]
            x = torch.cat([fed.x[members, :size].float(), torch.ones(*mask.shape, 1)], 2) * mask[..., None]
            cells.append((x, fed.y[members, :size], mask / fed.sizes[members].float().clamp(min=1)[:, None]))
            x, end = x.numpy(), column + mask.numel()
            blocks.append((slice(column, end), x.shape[:2], x, x @ x.transpose(0, 2, 1) if size <= LONG else None))
            first, column = last, end
        x, y, share = (torch.cat([part.flatten(0, 1) for part in parts]) for parts in zip(*cells, strict=True))
        length = np.concatenate([np.full(*shape) for _at, shape, *_x in blocks])
        parts = {
            "order": order.numpy(),
            "blocks": blocks,
            "flat": x,
            "across": x.T.contiguous(),
            "share": share.numpy(),
            "hot": (y.numpy() == np.arange(10)[:, None, None]).astype(np.float32),  # 10 × 1 × all records
            "owner": np.repeat(np.arange(len(order)), length),
            "starts": length.cumsum() - length,
            "x_test": with_one(fed.x_test.float()).T.contiguous().numpy(),
            "truth": fed.y_test.numpy(),
        }
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    def __len__(self):
        return len(self.order)

    @staticmethod
    def _stacked(rows, at, shape):
        """A view of a block's part of 10 × runs × all records, as a stack of matrices, clients × (10 · runs) × records."""
        return rows.reshape(-1, rows.shape[-1])[:, at].reshape(-1, *shape).transpose(1, 0, 2)

    def _seen(self, rows, into):
        """Write the products' sum for each record into `into`: what a step along these rows moves its outputs by."""
        for at, shape, x, products in self.blocks:
            each, out = self._stacked(rows, at, shape), self._stacked(into, at, shape)
            np.matmul(*((each, products) if products is not None else (each @ x, x.transpose(0, 2, 1))), out=out)
        return into

    def lacks(self, theta, lr, steps):
        """What all steps from theta (10 × runs × 65) take off each record's outputs, in sum (10 × runs × all records)."""
        outputs = (torch.from_numpy(theta).view(-1, 65) @ self.across).view(10, -1, len(self.flat))
        moved, summed = np.empty(outputs.shape, np.float32) if steps > 1 else None, None
        for left in range(steps - 1, -1, -1):
            lack = outputs.softmax(0).numpy()
            lack -= self.hot
            lack *= self.share
            summed = lack if summed is None else np.add(summed, lack, out=summed)
            if left:
                outputs.sub_(torch.from_numpy(self._seen(lack, moved)), alpha=lr)
        return summed

    def alone(self, lr, steps):
        """Accuracy on the test records of each client that trains by itself, from zero (clients,)."""
        own = self._sent(self.lacks(np.zeros((10, 1, 65), np.float32), lr, steps))
        return _scores(self, -lr * own.transpose(1, 0, 2).copy())[0]

    def updates(self, theta, lr, steps):
        """What each client would send after so many steps from theta (650,), one run (clients × 650)."""
        own = self._sent(self.lacks(_square(theta)[:, None].numpy(), lr, steps))
        sent = np.empty((len(self), 650), np.float32)
        sent[self.order] = -lr * np.concatenate([own[:, :, :64].reshape(-1, 640), own[:, :, 64]], 1)
        return torch.from_numpy(sent)

    def _sent(self, lacks):
        """What all clients' records make of their lacks (clients as in `order` × (10 · runs) × 65)."""
        return np.concatenate([self._stacked(lacks, at, shape) @ x for at, shape, x, _products in self.blocks])

    def lengths(self, lacks, lr, norm):
        """Each client's update's L2 or L1 norm in each run (runs × clients, as in `order`)."""
        if norm == 2:
            products = self._seen(lacks, np.empty_like(lacks))
            products *= lacks
            return lr * np.sqrt(np.add.reduceat(products.sum(0), self.starts, 1).clip(min=0))
        return lr * np.abs(self._sent(lacks)).sum(2).reshape(len(self), 10, -1).sum(1).T


def noises(mech, clients, rounds, seed):
    """Noise in the sum of all clients' updates, by the mechanism's law (rounds × 650).

    At the server it is what `train` draws with this seed. Shares add up to the same law, in other draws. Of noise that every
    client adds itself only the sum counts here, and its law is known: Gaussian, or the difference of two gamma variables.
    """
    seed += 2**20 * (mech.at == "shares")
    generator = _streams.streams(seed)[_streams.NOISE]
    gaussian = isinstance(mech, mechanisms.Gaussian)
    if mech.at != "client":
        own = replace(mech, at="server")
        if gaussian:
            return own.std * _noise(seed, rounds)
        return torch.stack([own.noise((650,), generator) for _round in range(rounds)]).double()
    if gaussian:
        return mech.std * math.sqrt(clients) * torch.randn(rounds, 650, generator=generator, dtype=torch.float64)
    counts = torch.full((2, rounds, 650), float(clients), dtype=torch.float64)
    first, second = torch._standard_gamma(counts, generator=generator)
    return mech.scale * (first - second)


@flushed()
def together(groups, plan, noise=None, clip=None, norm=2, weights=None, enough=0.0, compare=True):
    """Train some runs side by side, everybody in each round.

    Args:
        groups: `Groups`.
        plan: a `Plan`; its mechanism and seed do not count.
        noise: what is added to the sum of the updates (rounds × runs × 650); None: one run without noise.
        clip: the longest update; None: no clip.
        norm: 2 or 1, by which the clip measures.
        weights: of the clients in the mean (clients,), with sum 1; None: equal.
        enough: the loss on the test records at which all stops.
        compare: whether the cosine is wanted; else it is NaN.

    Returns:
        `Runs`: accuracy and loss by round (runs × rounds), theta (runs × 650); of the mean of clipped updates, by round
        (runs × rounds), its length, the share of updates cut, and its cosine with the mean of the unclipped.
    """
    lr, count, found = plan.lr, len(groups), []
    runs = 1 if noise is None else noise.shape[1]
    added = None if noise is None else _square(noise).transpose(1, 2).float().numpy()  # rounds × 10 × runs × 65
    even = np.full(count, 1 / count) if weights is None else np.asarray(weights)[groups.order]
    even = even.astype(np.float32)[None]
    theta, cut, cosine = np.zeros((10, runs, 65), np.float32), np.zeros(runs), np.full(runs, 1.0 if compare else np.nan)
    plain, state = isinstance(plan.server, ServerSGD), plan.server.start(torch.from_numpy(theta))

    def mean(lacks, share):
        rows = torch.from_numpy(lacks * share.take(groups.owner, 1))
        return -lr * (rows.view(10 * runs, -1) @ groups.flat).view(10, runs, 65).numpy()

    for t in range(plan.rounds):
        lacks = groups.lacks(theta, lr, plan.local.steps)
        share = even
        if clip:
            lengths = groups.lengths(lacks, lr, norm)
            share, cut = even * (clip / lengths.clip(min=1e-12)).clip(max=1), (lengths > clip).mean(1)
        total = mean(lacks, share)
        signal = np.sqrt((total * total).sum((0, 2)))
        if clip and compare:
            bare = mean(lacks, even)
            cosine = (total * bare).sum((0, 2)) / (signal * np.sqrt((bare * bare).sum((0, 2)))).clip(min=1e-8)
        total = total if added is None else total + added[t] / count
        if plain:
            theta = theta + plan.server.lr * total
        else:
            stepped, state = plan.server.step(torch.from_numpy(theta), torch.from_numpy(total).double(), state)
            theta = stepped.numpy()
        found.append([*_scores(groups, theta), signal, cut, cosine])
        if found[-1][1].max() <= enough:
            break
    right, loss, signal, cut, cosine = np.array(found, np.float32).transpose(1, 2, 0)
    return Runs(right, loss, _flat(torch.from_numpy(theta)), signal, cut, cosine)


def _scores(groups, theta):
    """Accuracy and loss on the test records (runs,) each, of theta (10 × runs × 65)."""
    outputs = (theta.reshape(-1, 65) @ groups.x_test).reshape(*theta.shape[:2], -1)
    most, true = outputs.max(0), outputs[groups.truth, :, np.arange(len(groups.truth))].T
    outputs -= most
    return (true >= most).mean(1), (most - true + np.log(np.exp(outputs, out=outputs).sum(0))).mean(1)
