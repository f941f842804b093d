"""The hospitals of notebook 00: one deal of the breast tumours, alone, together, together with noise.

Everything is trained, by the package or by `_clouds`, and kept, so that a move computes only what it changes.
"""

from functools import lru_cache

import numpy as np
import torch

from ... import Plan, data, models
from ...training.clients import local_updates
from ._clouds import accuracy, cloud, unit_noise, with_one

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


def shipped():
    """What a page needs to deal, train and judge by itself: patients, who gets which, and noise of deviation 1.

    Returns:
        Training patients in the order in which they are dealt, `owner` of them modulo the number of hospitals, test
        patients, and the first 80 rounds of noise of thirty runs (80 × 3 × 30), of which shorter runs take the first.
    """
    rng, some = np.random.default_rng(0), patients()
    owner, order = rng.permutation(len(some.y_train)), rng.permutation(len(some.y_train))  # as `data.split` draws them
    return dict(
        train=dict(x=some.x_train[order], y=some.y_train[order].to(torch.uint8), owner=owner[order]),
        test=dict(x=some.x_test, y=some.y_test.to(torch.uint8)),
        noise=unit_noise(DRAWS, 80, 3),
    )  # fmt: skip


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


@lru_cache(maxsize=64)
def beside_plain(epsilon, clients, clip=CLIP, local_steps=1):
    """The same, with the run without privacy as the last one beside the draws."""
    plan = first_plan(epsilon, clip, local_steps)
    path = cloud(deal(clients), plan, DRAWS, plain=True)
    return plan, path, accuracy(deal(clients), path)


@lru_cache(maxsize=8)
def _gathering(counts):
    """All deals' patients in the order of their hospitals, and what adds them up.

    Returns:
        Features and a 1 (deals × patients × 3), classes (deals × patients × 1), and a sparse matrix from all patients to the
        mean gradients' three parts of all deals' hospitals (3 · hospitals × patients).
    """
    from scipy import sparse

    feds = [deal(count) for count in counts]
    sizes = torch.cat([fed.sizes for fed in feds])
    x, y = (torch.stack(parts) for parts in zip(*(fed.pooled() for fed in feds), strict=True))
    x, patients = with_one(x), y.numel()
    own = np.repeat(np.arange(len(sizes)), sizes)
    rows, columns = np.add.outer(len(sizes) * np.arange(3), own), np.tile(np.arange(patients), 3)
    parts = (x.view(-1, 3) / sizes[own].unsqueeze(1)).T.numpy()
    matrix = sparse.csr_matrix((parts.ravel(), (rows.ravel(), columns)), shape=(3 * len(sizes), patients))
    return x, y.unsqueeze(2), matrix


@lru_cache(maxsize=64)
def private_ends(epsilon, counts, clip=CLIP, draws=DRAWS):
    """Accuracy at the end of `private` runs of one local step a round, for several numbers of hospitals (counts × draws)."""
    plan, (x, y, matrix) = first_plan(epsilon, clip), _gathering(counts)
    noise = plan.mechanism.std * unit_noise(draws, plan.rounds, 3).numpy()
    starts, divisors = np.cumsum(counts) - counts, np.array(counts, np.float32)[:, None]
    theta = np.zeros((3, len(counts), len(draws)), np.float32)
    for drawn in noise:
        slope = torch.bmm(x, torch.from_numpy(theta).transpose(0, 1)).sigmoid_().sub_(y)  # deals × patients × draws
        sent = -plan.lr * (matrix @ slope.view(-1, len(draws)).numpy()).reshape(3, -1, len(draws))  # 3 × hospitals × draws
        lengths = np.sqrt(sent[0] ** 2 + sent[1] ** 2 + sent[2] ** 2)
        sent *= np.minimum(np.float32(clip) / np.maximum(lengths, np.float32(1e-30)), 1)
        theta = theta + (np.add.reduceat(sent, starts, axis=1) + drawn[:, None]) / divisors
    return accuracy(deal(counts[0]), torch.from_numpy(theta).permute(1, 2, 0)).numpy()
