"""Notebook 08: private runs of many draws at once, and what a clip is for."""

import csv
import pathlib
import tempfile
from functools import lru_cache

import torch
from torch import nn

from ... import Plan, data
from ...privacy import mechanisms
from . import _dealing
from ._clouds import with_one
from .program08 import noise_data

STEP = Plan(rounds=20, lr=1.0)
DRAWS = 15
MEASURES = ("mean radius", "mean texture", "mean concavity")


@lru_cache(maxsize=64)
def patients(clients):
    """The 455 training patients, split over so many clients."""
    return data.split(data.load("breast_cancer"), clients, seed=0)


def shipped(rounds, several=False):
    """What a page needs of `many`: patients to be dealt out, unit noise of 15 draws.

    Args:
        rounds: of the noise.
        several: whether runs may be shorter. Their noise begins alike, but for its last 16 numbers, which torch draws anew:
            "ends" has those by the number of rounds.
    """
    found = _dealing.shipped() | {"noise": unit("gaussian", (rounds, DRAWS, 31))}
    if several:
        drawn = [unit.__wrapped__("gaussian", (t + 1, DRAWS, 31)).flatten() for t in range(rounds)]
        found["ends"] = torch.stack([noise[-16:] for noise in drawn])
    return found


def patients_file():
    """A new file of comma-separated text with the bundled 569 patients: an id, three measures, the diagnosis."""
    raw, path = data.sources.raw("breast_cancer", list(MEASURES)), pathlib.Path(tempfile.mkdtemp()) / "patients.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["patient", *raw.features, "diagnosis"])
        lines.writerows([f"P{n:03d}", *x, raw.classes[y]] for n, (x, y) in enumerate(zip(raw.x, raw.y, strict=True)))
    return path


@lru_cache(maxsize=32)
def unit(kind, shape, seed=0):
    """Draws of noise of scale 1, kept, so that a slider moves the noise's size and not its luck."""
    draw = mechanisms.laplace_noise if kind == "laplace" else mechanisms.gaussian_noise
    return draw(shape, 1.0, torch.Generator().manual_seed(seed)).float()


@lru_cache(maxsize=1024)
def protection(epsilon, clip=1.0, rounds=20):
    """Rounds of step 1 within a total ε at δ = 1e-5, Gaussian noise at the server."""
    return STEP.changed(rounds=rounds).calibrated(epsilon, clip=clip)


@lru_cache(maxsize=1024)
def attack(epsilon):
    """What the strongest attacker can do against so much noise, whatever the clip and the rounds: the total ε fixes it."""
    return protection(epsilon).attacker()


def many(fed, plan, draws=DRAWS, noisy=True, exact=0):
    """Models after each round (rounds × draws × 31) of logistic regression, every client's update clipped.

    Args:
        fed: a federation of patients.
        plan: one local step a round, with a mechanism at the server, or None.
        draws: runs, each with its own noise.
        noisy: whether the noise is used; without it and with an infinite clip this is training without privacy.
        exact: how many runs without noise come after the draws.
    """
    x, weight = with_one(fed.x), (fed.mask / fed.sizes.unsqueeze(1)).unsqueeze(2)  # clients × samples × …
    y, noise, theta, found = fed.y.unsqueeze(2), plan.mechanism, torch.zeros(draws + exact, 31), []
    norm = 1 if noise is None else noise.norm
    drawn = unit("laplace" if norm == 1 else "gaussian", (plan.rounds, draws, 31))
    drawn = drawn * (noise.scale if noise is not None and noisy else 0.0)
    drawn = nn.functional.pad(drawn, (0, 0, 0, exact))
    one = x.shape[1] == 1  # a record each: its gradient is error·x, as long as |error| times x's length
    lengths = torch.linalg.vector_norm(x[:, 0], norm, 1, keepdim=True)
    for each in drawn:
        error = -plan.lr * (torch.sigmoid(x @ theta.T) - y) * weight  # clients × samples × draws
        update = error[:, 0] if one else error.transpose(1, 2) @ x  # clients × draws (× 31)
        if noise is not None:
            length = update.abs() * lengths if one else torch.linalg.vector_norm(update, norm, 2, keepdim=True)
            update = update * (noise.clip / length.clamp(min=1e-12)).clamp(max=1)
        theta = theta + ((update.T @ x[:, 0] if one else update.sum(0)) + each) / fed.clients
        found.append(theta)
    return torch.stack(found)


def scores(thetas, fed):
    """Test accuracy and log loss of models (… × 31)."""
    odds = thetas @ with_one(fed.x_test).T
    loss = nn.functional.softplus(torch.where(fed.y_test == 1, -odds, odds)).mean(-1)
    return ((odds > 0) == (fed.y_test == 1)).float().mean(-1).numpy(), loss.numpy()


@lru_cache(maxsize=64)
def exact(clients):
    """Test accuracy and loss by round of 40 rounds without clip and noise."""
    fed = patients(clients)
    accuracy, loss = scores(many(fed, STEP.changed(rounds=40), 1, noisy=False), fed)
    return accuracy[:, 0], loss[:, 0]


@lru_cache(maxsize=1)
def few_nines():
    """The digits, where of the training set's nines three in ten are kept: x (n × 65), y (n,), and the test set's."""
    digits = data.load("digits")
    kept = (digits.y_train != 9) | (torch.arange(len(digits.y_train)) % 10 < 3)
    return with_one(digits.x_train[kept]), digits.y_train[kept], with_one(digits.x_test), digits.y_test


def nines(plan, draws=5, clipped=True, exact=0):
    """Shares of the rare nines and of the other test digits that are right after each round (2 × draws × rounds).

    One image a client, softmax regression: an image's gradient is (p − e)·[x, 1]ᵀ, as long as the product of the two.

    Args:
        plan: one local step a round; its mechanism, Gaussian at the server, or None for no privacy.
        draws: runs, each with its own noise.
        clipped: whether updates are clipped; without that the noise stays, and protects nobody.
        exact: how many runs without noise come after the draws.
    """
    x, y, x_test, y_test = few_nines()
    noise, runs = plan.mechanism, draws + exact
    theta, found = torch.zeros(10 * runs, 65), []
    truth, length = nn.functional.one_hot(y, 10).float().T.contiguous(), plan.lr * x.norm(dim=1)
    drawn = unit("gaussian", (plan.rounds, 10 * draws, 65)) * (noise.std if noise is not None else 0.0)
    for each in nn.functional.pad(drawn, (0, 0, 0, 10 * exact)):
        lack = (theta @ x.T).view(runs, 10, -1).softmax(1).sub_(truth)  # runs × 10 × n
        if noise is not None and clipped:
            long = lack.square().sum(1, keepdim=True).sqrt_().mul_(length)  # runs × 1 × n
            lack.mul_((noise.clip / long.clamp_(min=1e-12)).clamp_(max=1))
        theta = theta + (each - plan.lr * (lack.flatten(0, 1) @ x)) / len(x)
        found.append(theta)
    outputs = (torch.stack(found) @ x_test.T).view(-1, runs, 10, len(y_test))  # rounds × runs × 10 × tests
    right = outputs[:, :, y_test, torch.arange(len(y_test))] >= outputs.amax(2)
    right = right.transpose(0, 1).float()
    return torch.stack([right[..., y_test == 9].mean(-1), right[..., y_test != 9].mean(-1)]).numpy()


def moved(count, wild):
    """How far a mean of `count` gradients moves when record 0 goes wild: clipped after averaging, and record by record."""
    before, n = record_gradients(count), count
    first = before[0]
    outlier = torch.full((10,), float(wild))
    after = (outlier.sum() * 0.1 + 10 * wild) * outlier  # the gradient of x = wild, y = −10·wild, at w = 0.1
    mean = before.mean(0)
    whole = (clip(mean) - clip(mean + (after - first) / n)).norm()
    return float(whole), float((clip(after) - clip(first)).norm() / n)


@lru_cache(maxsize=64)
def record_gradients(count):
    """Gradients (ŷ − y)·x of a linear model at w = 0.1, one a record (count × 10)."""
    x, y = (torch.from_numpy(part) for part in noise_data(count))
    return (x.sum(1, keepdim=True) * 0.1 - y) * x


def clip(gradient):
    """The gradient, scaled to length 1 at most."""
    return gradient / gradient.norm().clamp(min=1)
