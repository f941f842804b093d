"""Clients who keep test images of their own, and the models that they end with: what notebook 21's last explorers share."""

from collections import namedtuple
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from ... import data
from ...training.plan import Plan
from ._drifts import Fleet
from ._groups import Groups, noises, together

Homes = namedtuple("Homes", "fleet groups x y mask kinds")
HELD = 1 / 3  # of a client's images, for its own test
PLAN = Plan.of(rounds=12, local_steps=5, lr=1.0)
CLIP = 2.0


@lru_cache(maxsize=64)
def homes(count, alpha, most=None, seed=0):
    """All 1,797 images dealt out to so many clients; each keeps a third for its own test, and trains on `most` others.

    Returns:
        `Homes`: the training images as a `Fleet` and as `Groups`; the test images x (clients × records × 64), y and mask
        (clients × records); how many digits a client holds on average.
    """
    digits, rng = data.load("digits"), np.random.default_rng(seed)
    every = replace(digits, x_train=torch.cat([digits.x_train, digits.x_test]),
                    y_train=torch.cat([digits.y_train, digits.y_test]))  # fmt: skip
    fed = data.split(every, count, "dirichlet", alpha=alpha, seed=seed)
    train, test = torch.zeros_like(fed.mask), torch.zeros_like(fed.mask)
    for k, size in enumerate(fed.sizes.tolist()):
        order = rng.permutation(int(size))
        held = int(round(HELD * size))
        test[k, order[:held]] = True
        train[k, order[held : None if most is None else held + most]] = True
    kept = replace(fed, **_packed(fed, train))
    own = _packed(fed, test)
    kinds = [len(set(fed.client(k)[1].tolist())) for k in range(count)]
    return Homes(Fleet(kept), Groups(kept), own["x"], own["y"], own["mask"], float(np.mean([n for n in kinds if n])))


def _packed(fed, chosen):
    """The chosen records of a federation, first in each row, and no longer padded than needed."""
    order = chosen.int().argsort(dim=1, descending=True, stable=True)[:, : max(1, int(chosen.sum(1).max()))]
    mask = chosen.gather(1, order)
    x = fed.x.gather(1, order[..., None].expand(-1, -1, fed.x.shape[2])) * mask[..., None]
    return {"x": x, "y": fed.y.gather(1, order) * mask, "mask": mask}


def right(home, thetas):
    """Of the clients' own test images, the share that each reads right with its model: (clients × 650), or (650,) for all."""
    thetas = thetas.expand(len(home.x), 650)
    outputs = torch.baddbmm(thetas[:, None, 640:], home.x, thetas[:, :640].view(-1, 10, 64).transpose(1, 2))
    return float(((outputs.argmax(2) == home.y) & home.mask).sum() / home.mask.sum())


def tuned(home, theta, steps, lr=0.5, mu=0.0):
    """Each client's model after so many own steps from θ (650,), held back by μ (clients × 650)."""
    if not steps:
        return theta.expand(len(home.x), 650)
    return theta + (home.fleet.walks(theta, steps, lr, mu) if mu else home.groups.updates(theta, lr, steps))


@lru_cache(maxsize=256)
def alone(count, alpha, most=None, steps=50):
    """Right of the clients' own test images, each with a model of its own images only."""
    home = homes(count, alpha, most)
    return right(home, tuned(home, torch.zeros(650), steps, lr=1.0))


@lru_cache(maxsize=512)
def shared(count, alpha, most=None, epsilons=None, seed=0):
    """θ of the shared model (… × 650), one for each total ε in a tuple, clipped and with noise; None: neither."""
    home = homes(count, alpha, most)
    if epsilons is None:
        return together(home.groups, PLAN).theta
    plans = [priced(epsilon) for epsilon in epsilons]
    drawn = torch.stack([noises(plan.mechanism, count, plan.rounds, seed) for plan in plans], 1)
    return together(home.groups, PLAN, drawn, CLIP, compare=False).theta


@lru_cache(maxsize=512)
def priced(epsilon):
    """The shared part's plan, with noise for a total ε."""
    return PLAN.calibrated(epsilon, clip=CLIP)
