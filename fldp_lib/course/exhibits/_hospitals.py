"""The hospitals of notebook 00: one deal of the breast tumours, alone, together, together with noise.

Everything is trained, by the package or by `_clouds`, and kept, so that a move computes only what it changes.
"""

from functools import lru_cache

import torch

from ... import Plan, data, models
from ...training.clients import local_updates
from ._clouds import accuracy, cloud

ROUNDS, LR, CLIP, DELTA = 20, 8.0, 4.0, 1e-5  # the first settings
DRAWS = tuple(range(30))


@lru_cache
def patients():
    """The breast tumours with two of their measures."""
    return data.load("breast_cancer", features=["worst area", "worst smoothness"])


@lru_cache(maxsize=32)
def deal(clients):
    """The 455 training patients, dealt out to so many hospitals."""
    return data.split(patients(), clients, seed=0)


@lru_cache(maxsize=32)
def alone(count):
    """Each hospital after 20 steps on its own patients (hospitals × 3), and its accuracy (hospitals,)."""
    fed, zero = deal(count), torch.zeros(3)
    thetas = local_updates(models.Linear(2, 1), zero, fed, local_steps=ROUNDS, lr=LR)
    return thetas, accuracy(fed, thetas)


@lru_cache(maxsize=32)
def together(clients, rounds=ROUNDS, local_steps=1):
    """θ without privacy after each round (rounds + 1 × 3), and its accuracy (rounds + 1,)."""
    path = cloud(deal(clients), Plan.of(rounds=rounds, lr=LR, local_steps=local_steps), (0,))[:, 0]
    return path, accuracy(deal(clients), path)


@lru_cache(maxsize=64)
def first_plan(epsilon, clip=CLIP, local_steps=1, rounds=ROUNDS, server_lr=1.0):
    """The plan of a private run; what is not given is as in the first settings."""
    plan = Plan.of(rounds=rounds, lr=LR, local_steps=local_steps, server_lr=server_lr)
    return plan.calibrated(epsilon, delta=DELTA, clip=clip)


@lru_cache(maxsize=32)
def private(epsilon, clients, clip=CLIP, local_steps=1, rounds=ROUNDS, server_lr=1.0, draws=DRAWS):
    """The plan, θ of all draws after each round (rounds + 1 × draws × 3), and their accuracies (rounds + 1 × draws)."""
    plan = first_plan(epsilon, clip, local_steps, rounds, server_lr)
    path = cloud(deal(clients), plan, draws)
    return plan, path, accuracy(deal(clients), path)
