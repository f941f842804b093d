"""Many runs at once, for clients with several records each and a linear model on the digits: what `train` does, in products.

What a client learns in a round is a sum of its records, each times what the outputs for it lack; so its local steps need
only the products of its records with one another, and its update's length is known without writing it out. All clients'
clipped updates add up in one product of two matrices. `tests/course/test_groups.py` holds it to `train`, run by run.
"""

import math
from collections import namedtuple
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from ...privacy import mechanisms
from ...training import _streams
from ._crowds import flushed
from ._singles import _flat, _square

Runs = namedtuple("Runs", "accuracy loss theta signal cut cosine")


@dataclass(frozen=True, eq=False)
class Groups:
    """A federation on 64 features and ten classes: its records beside a 1, and the products of each client's records."""

    federation: object

    def __post_init__(self):
        fed = self.federation
        mask, ones = fed.mask.float(), torch.ones(*fed.x.shape[:2], 1)
        x = torch.cat([fed.x.float(), ones], 2) * mask[..., None]  # clients × records × 65
        parts = {
            "x": x,
            "flat": x.view(-1, 65),
            "products": x @ x.transpose(1, 2)
            if x.shape[1] <= 130
            else None,  # of more records they cost more than they save
            "share": (mask / fed.sizes.float().clamp(min=1)[:, None]).view(-1),
            "hot": F.one_hot(fed.y.long().view(-1), 10).float().T[:, None].contiguous(),
            "x_test": torch.cat([fed.x_test.float(), torch.ones(len(fed.x_test), 1)], 1),
        }
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    def __len__(self):
        return len(self.x)

    def _by_client(self, rows):
        """A view of 10 × runs × (clients · records) as a stack of matrices, clients × (10 · runs) × records."""
        return rows.view(-1, *self.x.shape[:2]).transpose(0, 1)

    def _seen(self, rows):
        """What a step along these rows moves each record's outputs by (10 · runs × clients × records)."""
        if self.x.shape[1] <= 8:  # a product of matrices for each client costs more than sums over the records
            each, moved = rows.view(-1, *self.x.shape[:2]), None
            for k in range(self.x.shape[1]):
                part = each[:, :, k, None] * self.products[:, k]
                moved = part if moved is None else moved.add_(part)
            return moved
        each = self._by_client(rows)
        moved = (each @ self.x) @ self.x.transpose(1, 2) if self.products is None else torch.bmm(each, self.products)
        return moved.transpose(0, 1)

    def lacks(self, theta, lr, steps):
        """What all steps from theta (10 × runs × 65) take off each record's outputs, in sum (10 × runs × all records)."""
        outputs, summed = (theta.view(-1, 65) @ self.flat.T).view(10, -1, len(self.flat)), None
        for left in range(steps - 1, -1, -1):
            lack = outputs.softmax(0).sub_(self.hot).mul_(self.share)
            summed = lack if summed is None else summed.add_(lack)
            if left:
                outputs.view(-1, *self.x.shape[:2]).sub_(self._seen(lack), alpha=lr)
                summed = summed.clone() if summed is lack else summed
        return summed

    def updates(self, theta, lr, steps):
        """What each client would send after so many steps from theta (650,), one run (clients × 650)."""
        sent = torch.bmm(self._by_client(self.lacks(_square(theta)[:, None], lr, steps)), self.x).mul_(-lr)
        return torch.cat([sent[:, :, :64].flatten(1), sent[:, :, 64]], 1)

    def lengths(self, lacks, lr, norm):
        """Each client's update's L2 or L1 norm in each run (runs × clients)."""
        if norm == 2:
            squares = (lacks.view(-1, *self.x.shape[:2]) * self._seen(lacks)).view(10, -1, *self.x.shape[:2]).sum((0, 3))
            return lr * squares.clamp_(min=0).sqrt_()
        sent = torch.bmm(self._by_client(lacks), self.x)  # clients × (10 · runs) × 65
        return lr * sent.abs_().sum(2).view(len(self), 10, -1).sum(1).T


def noises(mech, clients, rounds, seed):
    """Noise in the sum of all clients' updates, by the mechanism's law (rounds × 650).

    At the server it is what `train` draws with this seed. Shares add up to the same law, in other draws. Of noise that every
    client adds itself only the sum counts here, and its law is known: Gaussian, or the difference of two gamma variables.
    """
    generator = _streams.streams(seed + 2**20 * (mech.at == "shares"))[_streams.NOISE]
    if mech.at != "client":
        own = replace(mech, at="server")
        return torch.stack([own.noise((650,), generator) for _round in range(rounds)]).double()
    if isinstance(mech, mechanisms.Gaussian):
        return mech.std * math.sqrt(clients) * torch.randn(rounds, 650, generator=generator, dtype=torch.float64)
    counts = torch.full((2, rounds, 650), float(clients), dtype=torch.float64)
    first, second = torch._standard_gamma(counts, generator=generator)
    return mech.scale * (first - second)


@flushed()
def together(groups, plan, noise=None, clip=None, norm=2, weights=None, enough=0.0, unclipped=True):
    """Train some runs side by side, everybody in each round.

    Args:
        groups: `Groups`.
        plan: a `Plan`; its mechanism and seed do not count.
        noise: what is added to the sum of the updates (rounds × runs × 650); None: one run without noise.
        clip: the longest update; None: no clip.
        norm: 2 or 1, by which the clip measures.
        weights: of the clients in the mean (clients,), with sum 1; None: equal.
        enough: the loss on the test records at which all stops.
        unclipped: whether the cosine is taken; None in its place otherwise.

    Returns:
        `Runs`: accuracy and loss by round (runs × rounds), theta (runs × 650); of the mean of clipped updates, by round
        (runs × rounds), its length, the share of updates cut, and its cosine with the mean of the unclipped.
    """
    lr, count, found, totals, bares, cut = plan.lr, len(groups), [], [], [], []
    runs = 1 if noise is None else noise.shape[1]
    added = None if noise is None else _square(noise).transpose(1, 2).float()  # rounds × 10 × runs × 65
    even = torch.full((count,), 1.0 / count) if weights is None else weights.float()
    theta = torch.zeros(10, runs, 65)

    def mean(lacks, share):
        rows = lacks.view(10, runs, count, -1) * share.view(-1, count, 1)
        return -lr * (rows.view(10 * runs, -1) @ groups.flat).view(10, runs, 65)

    for t in range(plan.rounds):
        lacks = groups.lacks(theta, lr, plan.local.steps)
        total = bare = mean(lacks, even) if unclipped or not clip else None
        if clip:
            lengths = groups.lengths(lacks, lr, norm)
            total = mean(lacks, even * (clip / lengths.clamp(min=1e-12)).clamp(max=1))
            cut.append((lengths > clip).float().mean(1))
        theta = theta + plan.server.lr * (total if added is None else total + added[t] / count)
        found.append(theta), totals.append(total), bares.append(bare)
        if enough and _scores(groups, theta[None])[1].max() <= enough:
            break
    right, loss = _scores(groups, torch.stack(found))
    cut = torch.stack(cut, 1) if clip else torch.zeros(runs, len(found))
    flats = [torch.stack(each).permute(2, 0, 1, 3).flatten(2) for each in ((totals, bares) if unclipped else (totals,))]
    cosine = F.cosine_similarity(*flats, dim=2).numpy() if unclipped else None
    return Runs(right.T.numpy(), loss.T.numpy(), _flat(theta), flats[0].norm(dim=2).numpy(), cut.numpy(), cosine)


def _scores(groups, thetas):
    """Accuracy and loss on the test records (2 of rounds × runs), for thetas (rounds × 10 × runs × 65)."""
    rounds, _classes, runs, _ones = thetas.shape
    outputs = (thetas.transpose(0, 1).reshape(-1, 65) @ groups.x_test.T).view(10, rounds * runs, -1)
    truth, most = groups.federation.y_test.expand(1, rounds * runs, -1), outputs.amax(0)
    true = outputs.gather(0, truth)[0]
    loss = most + (outputs - most).exp_().sum(0).log_() - true
    right = true >= most
    if int((outputs == most).sum()) > right.numel():  # of classes that tie, the first
        right = outputs.argmax(0) == truth[0]
    return right.float().mean(1).view(rounds, runs), loss.mean(1).view(rounds, runs)
