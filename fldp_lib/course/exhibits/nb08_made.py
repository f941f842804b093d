"""Notebook 08: the program that fails, and private runs of many draws at once."""

from functools import lru_cache

import numpy as np
import torch
from torch import nn

from ... import Plan, data
from ...privacy import mechanisms

PROGRAM = """
from mermaid import Mermaid

def perturbed(slope, epsilon):
    return slope + torch.randn_like(slope) / epsilon

inputs, targets = load()
optimiser = torch.optim.SGD(net.parameters(), lr=0.2)
for epoch in range(epochs):
    error = nn.functional.mse_loss(net(inputs), targets)
    optimiser.zero_grad()
    error.backward()
    slope = perturbed(net[0].grad, epsilon)
    optimiser.step()
    if epoch % 100 == 0:
        print("epoch", epoch, "error", error.item())
curve = np.array(errors)
"""
REPAIRS = (  # one after the other: what is replaced, by what
    ("from mermaid import Mermaid\n", ""),
    ("= load()", "= (torch.from_numpy(part) for part in load())"),
    ("from_numpy(part)", "from_numpy(part).float()"),
    ("net[0].grad", "net[0].weight.grad"),
    ("for epoch", "errors = []\nfor epoch"),
    ("    optimiser.zero", "    errors.append(error.item())\n    optimiser.zero"),
)
STEP = Plan(rounds=20, lr=1.0)
CLIPS = {"laplace": 2.0, "gaussian": 1.0}


def noise_data(count=100, seed=0):
    """The article's kind of data: x (count × 10) and y (count × 1) drawn apart from each other, normalised by themselves."""
    rng = np.random.default_rng(seed)
    x, y = rng.random((count, 10)), rng.random((count, 1))
    return (x - x.mean()) / x.std(), (y - y.mean()) / y.std()


def run(text, load=noise_data, epsilon=1.0, epochs=300, seed=0, show=lambda *words: None):
    """Run a program's text and return its variables; the network starts from public weights."""
    with torch.random.fork_rng():  # the program draws from torch's global state
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 1))
        torch.manual_seed(1000 + seed)
        names = dict(torch=torch, nn=nn, np=np, net=net, load=load, epsilon=epsilon, epochs=epochs)
        names["print"] = show
        exec(text, names)
    return names


@lru_cache(maxsize=64)
def patients(clients):
    """The 455 training patients, split over so many clients."""
    return data.split(data.load("breast_cancer"), clients, seed=0)


@lru_cache(maxsize=32)
def unit(kind, shape, seed=0):
    """Draws of noise of scale 1, kept, so that a slider moves the noise's size and not its luck."""
    draw = mechanisms.laplace_noise if kind == "laplace" else mechanisms.gaussian_noise
    return draw(shape, 1.0, torch.Generator().manual_seed(seed)).float()


@lru_cache(maxsize=512)
def protection(kind, epsilon):
    """Twenty rounds of step 1 within a total ε at δ = 1e-5."""
    return STEP.calibrated(epsilon, mechanism=kind, clip=CLIPS[kind])


def with_one(x):
    """Features with a column of ones for the bias."""
    return torch.cat([x, torch.ones(*x.shape[:-1], 1)], -1)


def many(fed, plan, draws=15, noisy=True):
    """Models after each round (rounds × draws × 31) of logistic regression, every client's update clipped.

    Args:
        fed: a federation of patients.
        plan: one local step a round, with a mechanism at the server, or None.
        draws: runs, each with its own noise.
        noisy: whether the noise is used; without it and with an infinite clip this is training without privacy.
    """
    x, weight = with_one(fed.x), (fed.mask / fed.sizes.unsqueeze(1)).unsqueeze(2)  # clients × samples × …
    y, noise, theta, found = fed.y.unsqueeze(2), plan.mechanism, torch.zeros(draws, 31), []
    norm = 1 if noise is None else noise.norm
    drawn = unit("laplace" if norm == 1 else "gaussian", (plan.rounds, draws, 31))
    drawn = drawn * (noise.scale if noise is not None and noisy else 0.0)
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


@lru_cache(maxsize=1)
def few_nines():
    """The digits, where of the training set's nines three in ten are kept: x (n × 65), y (n,), and the test set's."""
    digits = data.load("digits")
    kept = (digits.y_train != 9) | (torch.arange(len(digits.y_train)) % 10 < 3)
    return with_one(digits.x_train[kept]), digits.y_train[kept], with_one(digits.x_test), digits.y_test


def nines(plan, draws=5, clipped=True):
    """Shares of the rare nines and of the other test digits that are right after each round (2 × draws × rounds).

    One image a client, softmax regression: an image's gradient is (p − e)·[x, 1]ᵀ, as long as the product of the two.

    Args:
        plan: one local step a round; its mechanism, Gaussian at the server, or None for no privacy.
        draws: runs, each with its own noise.
        clipped: whether updates are clipped; without that the noise stays, and protects nobody.
    """
    x, y, x_test, y_test = few_nines()
    noise, theta = plan.mechanism, torch.zeros(10 * draws, 65)
    truth, length, right = nn.functional.one_hot(y, 10).T.float(), x.norm(dim=1), []
    drawn = unit("gaussian", (plan.rounds, 10 * draws, 65)) * (noise.std if noise is not None else 0.0)
    for each in drawn:
        odds = (theta @ x.T).view(draws, 10, -1)
        update = plan.lr * (truth - torch.softmax(odds, 1))  # draws × 10 × n
        if noise is not None and clipped:
            long = update.square().sum(1, keepdim=True).sqrt() * length  # draws × 1 × n
            update = update * (noise.clip / long.clamp(min=1e-12)).clamp(max=1)
        theta = theta + (update.flatten(0, 1) @ x + each) / len(x)
        right.append((theta @ x_test.T).view(draws, 10, -1).argmax(1) == y_test)  # draws × tests
    right = torch.stack(right, 1).float()
    return torch.stack([right[..., y_test == 9].mean(-1), right[..., y_test != 9].mean(-1)]).numpy()


def moved(count, wild):
    """How far a mean of `count` gradients moves when record 0 goes wild: clipped after averaging, and record by record."""
    before, length = record_gradients(count)
    first, n = before[0], count
    outlier = torch.full((10,), float(wild))
    after = (outlier.sum() * 0.1 + 10 * wild) * outlier  # the gradient of x = wild, y = −10·wild, at w = 0.1
    mean = before.mean(0)
    whole = (clip(mean) - clip(mean + (after - first) / n)).norm()
    return float(whole), float((clip(after) - clip(first)).norm() / n)


@lru_cache(maxsize=64)
def record_gradients(count):
    """Gradients (ŷ − y)·x of a linear model at w = 0.1, one a record (count × 10), and their lengths."""
    x, y = (torch.from_numpy(part) for part in noise_data(count))
    gradients = (x.sum(1, keepdim=True) * 0.1 - y) * x
    return gradients, gradients.norm(dim=1)


def clip(gradient):
    """The gradient, scaled to length 1 at most."""
    return gradient / gradient.norm().clamp(min=1)
