"""Clients that take many steps on a linear model with ten classes, round by round: what `train` does, without what it keeps.

The local and the server algorithm are the package's own values; only the steps on the records are written out here, for this
model alone. `tests/course/test_drifts.py` holds it to `train`, algorithm by algorithm.
"""

from collections import namedtuple
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from ... import data, models
from ._clouds import with_one
from ._dealing import pictures

MODEL = models.Linear(64, 10)
FEW = 500  # images that are dealt out where every move of a slider trains anew
Rounds = namedtuple("Rounds", "accuracy thetas walks mean")


@dataclass(frozen=True, eq=False)
class Fleet:
    """A federation on 64 features and ten classes, laid out for steps on all clients at once."""

    federation: object

    def __post_init__(self):
        fed = self.federation
        x, sizes = fed.x.float(), fed.mask.sum(1, keepdim=True)
        parts = {
            "rows": x.transpose(1, 2),
            "right": [x, torch.ones(*fed.y.shape, 1)],
            "share": (fed.mask / sizes.clamp(min=1)).unsqueeze(1),
            "hot": F.one_hot(fed.y, 10).transpose(1, 2).float(),  # clients × 10 × records
            "test": with_one(fed.x_test.float()).T.contiguous(),
        }
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    def __len__(self):
        return len(self.rows)

    def walks(self, theta, steps, lr, mu=0.0, offset=None, moves=(True, True)):
        """How far each client comes in so many steps with full batches (clients × 650).

        Args:
            theta: where they begin, (650,), or (clients × 650) for each its own.
            steps, lr: of the local steps.
            mu: pull back to where they began.
            offset: what is added to every gradient (clients × 650), or None.
            moves: whether the weights, and whether the biases, move.
        """
        count = len(self)
        start = _parts(theta.expand(count, 650))
        here, offset = [part.clone() for part in start], None if offset is None else _parts(offset)
        for step in range(steps):
            lack = torch.baddbmm(here[1], here[0], self.rows).softmax(1).sub_(self.hot).mul_(self.share)
            for k, (part, factor) in enumerate(zip(here, self.right, strict=True)):
                if not moves[k]:
                    continue
                if offset is None and not (mu and step):
                    part.baddbmm_(lack, factor, alpha=-lr)
                    continue
                slope = torch.bmm(lack, factor)
                slope = slope if offset is None else slope.add_(offset[k])
                part.sub_(slope.add_(mu * (part - start[k])) if mu and step else slope, alpha=lr)
        return torch.cat([(part - first).flatten(1) for part, first in zip(here, start, strict=True)], 1)

    def accuracy(self, theta):
        """Share of the public test images that theta (650,) reads right."""
        return float(((_square(theta) @ self.test).argmax(0) == self.federation.y_test).double().mean())


def _parts(theta):
    """Weights and biases (clients × 10 × 64, clients × 10 × 1) of parameters (clients × 650)."""
    return [theta[:, :640].reshape(-1, 10, 64), theta[:, 640:].unsqueeze(2)]


def _square(theta):
    return torch.cat([theta[:640].view(10, 64), theta[640:, None]], 1)


def federate(fleet, plan, weighted=True):
    """Train from zero, everybody in each round, without privacy.

    Args:
        fleet: a `Fleet`.
        plan: a `Plan`, of which rounds, step size and both algorithms count.
        weighted: whether clients count by their records, n_k/n, or all alike.

    Returns:
        `Rounds`: accuracy on the test images by round (rounds,), θ before each round and after the last (rounds + 1 × 650),
        how far clients walked by round (rounds × clients × 650), and by how much θ moved (rounds × 650).
    """
    local, everybody, sizes = plan.local, torch.arange(len(fleet)), fleet.federation.sizes
    shares = sizes / sizes.sum() if weighted else torch.full((len(fleet),), 1 / len(fleet))
    theta, thetas, walks, right = torch.zeros(650), [torch.zeros(650)], [], []
    controls, server = local.start(MODEL, len(fleet)), plan.server.start(theta)
    for _round in range(plan.rounds):
        _first, offset = local.begin(theta, controls, everybody)
        own = fleet.walks(theta, local.steps, plan.lr, getattr(local, "mu", 0.0), offset)
        sent = local.send(own, controls, everybody, plan.lr, sizes)
        if local.remembers:
            local.keep(sent, controls, everybody, plan.lr)
        update = shares.double() @ sent.double()
        if local.remembers:
            update = local.receive(update, controls, 1.0, plan.lr)
        theta, server = plan.server.step(theta, update, server)
        walks.append(own), thetas.append(theta), right.append(fleet.accuracy(theta))
    thetas = torch.stack(thetas)
    return Rounds(np.array(right), thetas, torch.stack(walks), thetas.diff(dim=0))


@lru_cache(maxsize=128)
def unlike(alpha, count=10, few=FEW, seed=0):
    """So many clients' images as a `Fleet`, and how many digits a client holds, on average over those with any."""
    digits = data.load("digits")
    fed = data.split(replace(digits, x_train=digits.x_train[:few], y_train=digits.y_train[:few]), count, "dirichlet", alpha,
                     seed=seed)  # fmt: skip
    return Fleet(fed), kinds(fed)


def kinds(federation):
    """How many classes a client holds, on average over those with any record."""
    held = [len(set(federation.client(k)[1].tolist())) for k in range(federation.clients)]
    return float(np.mean([some for some in held if some]))


@lru_cache(maxsize=4)
def together(few=FEW):
    """The same images in one place: a fleet of one client."""
    return unlike(100.0, 1, few)[0]


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to deal the images of `unlike` out by itself: their pixels in sixteenths, and the seed."""
    digits = data.load("digits")
    parts = {"train": (digits.x_train[:FEW], digits.y_train[:FEW]), "test": (digits.x_test, digits.y_test)}
    return {name: pictures(*part) for name, part in parts.items()} | {"seed": 0}
