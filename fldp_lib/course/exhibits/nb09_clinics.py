"""Notebook 09: real patients at the hospitals that treated them, and the same patients dealt out at random."""

from functools import lru_cache

import numpy as np
import torch

from ... import data


@lru_cache(maxsize=128)
def clinics(seed, shuffled=False, name="periodontal"):
    """A trial's patients at their own hospitals, or dealt out at random to as large ones; each test patient's hospital."""
    found, rng = data.load(name, seed=seed), np.random.default_rng(seed)
    place, tested = np.asarray(found.owner_train), np.asarray(found.owner_test)
    if shuffled:
        place, tested = rng.permutation(place), rng.permutation(tested)
    return data.federate(found.x_train, found.y_train, place, found), tested


def losses(theta, fed):
    """Log loss of a model, or of some (models × numbers), on each test patient (patients × models)."""
    theta = torch.atleast_2d(theta)
    odds = (fed.x_test @ theta[:, :-1].T + theta[:, -1]).double()  # of class 1
    return torch.nn.functional.softplus(odds) - odds * fed.y_test[:, None]


def at_own(theta, fed, tested):
    """Mean log loss of one model, or of a model each, on every hospital's own test patients (hospitals,)."""
    loss = losses(theta, fed).expand(-1, fed.clients)
    return np.array([float(loss[tested == name, k].mean()) for k, name in enumerate(fed.owners)])


def as_one(fed):
    """The same records in one place: where noise is added in shares, their sum carries one hospital's noise."""
    x, y = fed.pooled()
    return data.federate(x, y, np.zeros(len(x)), fed)


def constant(fed):
    """The model that says everybody's rate (columns + 1,): zeros, and the rate's log-odds."""
    rate = fed.pooled()[1].double().mean()
    return torch.cat([torch.zeros(fed.x_test.shape[1]), torch.logit(rate).float().reshape(1)])
