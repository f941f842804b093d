"""Clients who keep test images of their own, and the models that they end with: what notebook 21's last explorers share."""

from collections import namedtuple
from dataclasses import replace
from functools import lru_cache

import torch

from ... import data
from ...training.plan import Plan
from ._dealing import pictures
from ._drifts import Fleet, kinds
from ._groups import Groups, noises, together

Homes = namedtuple("Homes", "fleet groups x y mask kinds")
HELD = 1 / 3  # of a client's images, for its own test
PLAN = Plan.of(rounds=12, local_steps=5, lr=1.0)
CLIP = 2.0


def _every():
    """All 1,797 images and their digits."""
    digits = data.load("digits")
    return torch.cat([digits.x_train, digits.x_test]), torch.cat([digits.y_train, digits.y_test])


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to deal them out by itself: pixels in sixteenths, digits, the seed of the deal."""
    return pictures(*_every()) | {"seed": 0}


@lru_cache(maxsize=64)
def homes(count, alpha, most=None, seed=0):
    """All 1,797 images dealt out to so many clients; each keeps a third for its own test, and trains on `most` others.

    Returns:
        `Homes`: the training images as a `Fleet` and as `Groups`; the test images x (clients × records × 64), y and mask
        (clients × records); how many digits a client holds on average.
    """
    x, y = _every()
    every = replace(data.load("digits"), x_train=x, y_train=y)
    fed = data.split(every, count, "dirichlet", alpha=alpha, seed=seed)
    kept, own = fed.held_out(HELD, seed)
    if most is not None and most < kept.mask.shape[1]:
        parts = {name: getattr(kept, name)[:, :most] for name in ("x", "y", "mask")}
        kept = replace(kept, **parts)
    return Homes(Fleet(kept), Groups(kept), own.x, own.y, own.mask, kinds(fed))


def right(home, thetas):
    """Of the clients' own test images, the share read right with their models (clients × 650), or with one (650,)."""
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
