"""What notebook 13's exhibits compute: a linear model on digits, messages of any kind, several draws at once."""

from functools import lru_cache

import numpy as np
import torch

from ... import Plan, data
from ...training._streams import streams
from ...training.transport import compression
from ._clouds import unit_noise
from ._singles import images

LENGTH = 650  # numbers of the linear model: ten digits, each 64 weights and a bias
# Here a digit's bias stands behind its weights; in the package all biases stand at the end.
ORDER = torch.tensor([[64 * digit + p for p in range(64)] + [640 + digit] for digit in range(10)]).flatten()


@lru_cache(maxsize=48)
def dealt(clients, how="iid", alpha=0.2, seed=0):
    """The training digits, dealt out to so many clients."""
    return data.split(images(), clients, how=how, alpha=alpha, seed=seed)


def path(federation, plan, compressor=None, draws=1, present=None):
    """`train` for the linear model of digits, with several draws of the noise at once: θ (rounds + 1 × draws × 650).

    Args:
        federation: a `data.Federation` of digits.
        plan: a `Plan` with a Gaussian mechanism at the server, or with none.
        compressor: what the clients' messages are made by; None sends every number.
        draws: of the noise, the seeds 0 … draws − 1.
        present: whose answers the server waits for, a row a round (rounds × clients), in a plain run of one local step;
            None waits for all.
    """
    clients, mech = federation.clients, plan.mechanism
    if mech is None and compressor is None:
        return _pooled(federation, plan, present) if plan.local.steps == 1 else _grouped(federation, plan)
    x = torch.cat([federation.x, torch.ones(*federation.y.shape, 1)], -1)  # clients × records × 65
    flat, shape = x.view(-1, 65), federation.y.shape
    share = (federation.mask / federation.sizes.clamp(min=1).unsqueeze(1))[:, None, None]  # clients × 1 × 1 × records
    hot = torch.nn.functional.one_hot(federation.y, 10).float().mT.unsqueeze(1)  # clients × 1 × 10 × records
    noise = None if mech is None else mech.std * unit_noise(tuple(range(draws)), plan.rounds, LENGTH)
    theta, rest, past = torch.zeros(draws * 10, 65), 0, []
    coins = streams(plan.seed)[3]
    torch.randint(2**62, (), generator=coins)  # `train` opens its channel once before the first round
    for t in range(plan.rounds):
        past.append(theta)
        here = theta.expand(clients, -1, -1)
        for step in range(plan.local.steps):
            if step:
                odds = torch.bmm(here, x.mT).view(clients, draws, 10, -1).softmax(2)
            else:  # the classes first: so their softmax is taken for many records at once
                odds = (theta @ flat.T).view(draws, 10, *shape).softmax(1).permute(2, 0, 1, 3)
            slope = odds.sub(hot).mul_(share).flatten(1, 2)  # clients × draws · 10 × records
            if plan.local.steps > 1:
                here = torch.baddbmm(here, slope, x, alpha=-plan.lr)
        wanted = here - theta if plan.local.steps > 1 else torch.bmm(slope, x).mul_(-plan.lr)
        wanted = wanted.view(clients, draws, LENGTH)
        if compressor is not None:
            wanted = wanted + rest
            sent = message(wanted, compressor, int(torch.randint(2**62, (), generator=coins)))
            rest = wanted - sent if compressor.error_feedback else 0
            wanted = sent
        weight = torch.ones(clients, draws)
        if mech is not None:
            weight = (mech.clip / wanted.norm(dim=-1).clamp(min=1e-30)).clamp(max=1)
        total = torch.einsum("nrd,nr->rd", wanted, weight)
        if noise is not None:
            total = total + noise[t][ORDER].T
        theta = theta + plan.server.lr * total.view_as(theta) / clients
    return torch.stack([*past, theta]).view(-1, draws, LENGTH)[..., ORDER.argsort()]


def _pooled(federation, plan, present):
    """`path` of a plain run of one local step, whose mean update is one gradient of all records, weighed."""
    clients, mask = federation.clients, federation.mask
    x = torch.cat([federation.x[mask], torch.ones(int(mask.sum()), 1)], 1)  # records × 65
    owner, target = mask.nonzero()[:, 0], torch.nn.functional.one_hot(federation.y[mask], 10)
    present = torch.ones(plan.rounds, clients) if present is None else present.float()
    weight = present / present.sum(1, keepdim=True) / federation.sizes.clamp(min=1)  # rounds × clients
    theta = torch.zeros(10, 65)
    past = [theta]
    for t in range(plan.rounds):
        slope = (x @ theta.T).softmax(-1) - target
        theta = theta - plan.server.lr * plan.lr * (slope * weight[t, owner].unsqueeze(1)).T @ x
        past.append(theta)
    return torch.stack(past).view(-1, 1, LENGTH)[..., ORDER.argsort()]


def _grouped(federation, plan):
    """`path` of a plain run of several local steps: clients of like sizes together, so that little is padded."""
    groups, theta = [], torch.zeros(10, 65)
    for members in federation.sizes.argsort().tensor_split(min(4, federation.clients)):
        size = max(1, int(federation.sizes[members].max()))
        x = torch.cat([federation.x[members, :size], torch.ones(len(members), size, 1)], -1)
        share = (federation.mask[members, :size] / federation.sizes[members].clamp(min=1).unsqueeze(1)).unsqueeze(-1)
        groups.append((x, share, torch.nn.functional.one_hot(federation.y[members, :size], 10) * share))
    past = [theta]
    for _ in range(plan.rounds):
        total = torch.zeros_like(theta)
        for x, share, target in groups:
            here = theta.expand(len(x), -1, -1)
            for _ in range(plan.local.steps):
                slope = torch.addcmul(-target, torch.bmm(x, here.mT).softmax(-1), share)
                here = torch.baddbmm(here, slope.mT, x, alpha=-plan.lr)
            total += (here - theta).sum(0)
        theta = theta + plan.server.lr * total / federation.clients
        past.append(theta)
    return torch.stack(past).view(-1, 1, LENGTH)[..., ORDER.argsort()]


def message(rows, compressor, seed=0):
    """What the server decodes of rows (… × 650); the package's `compress`, its largest entries found by a partition."""
    if isinstance(compressor, compression.RandomK):
        return rows * compressor.compress(torch.ones(1, LENGTH), seed)[0, ORDER]
    k, size = compressor.kept(LENGTH), rows.abs()
    # magnitudes stand in the same order as their bits read as whole numbers, which are found faster
    edge = torch.from_numpy(
        np.partition(size.numpy().view(np.int32), LENGTH - k, axis=-1)[..., [LENGTH - k]].view(np.float32)
    )
    kept = size >= edge
    more = torch.from_numpy(np.count_nonzero(kept.numpy(), axis=-1) > k) & (
        edge[..., 0] > 0
    )  # entries as large as the last one that is sent
    if more.any():
        kept[more] = torch.zeros_like(kept[more]).scatter(-1, size[more].topk(k).indices, True)
    return rows * kept


def accuracy(thetas):
    """Share of the test digits that linear models (… × 650) call rightly (…)."""
    return (called(thetas) == images().y_test).float().mean(-1)


def called(thetas):
    """What linear models (… × 650) call the test digits (… × 360)."""
    weights = thetas[..., :640].unflatten(-1, (10, 64))
    return (images().x_test @ weights.mT + thetas[..., None, 640:]).argmax(-1)


@lru_cache(maxsize=128)
def guarded(epsilon, rounds, lr=2.0, clip=3.0):
    """The plan with noise at the server for a total ε of a client; none for ε = ∞."""
    plan = Plan(rounds=rounds, lr=lr, delta=1e-4)
    return plan.calibrated(epsilon, clip=clip) if epsilon < np.inf else plan


@lru_cache(maxsize=48)
def waited(who, clients, out, deal, most=100):
    """A federation whose rounds do not wait for the slowest.

    Args:
        who: "data", the clients with most eights and nines are slow, or "chance".
        clients, out: how many there are, and how many of a round are not waited for.
        deal: seed of the digits' uneven split.
        most: rounds.

    Returns:
        The minutes at which the rounds end (rounds,), and θ (rounds + 1 × 650).
    """
    rng = np.random.default_rng(1)
    seconds = 10 * np.exp(np.log(3) * rng.normal(size=(most, clients)))  # log-normal, median 10
    ends = np.sort(seconds, 1)[:, clients - out - 1].cumsum() / 60
    fed = dealt(clients, "dirichlet", 0.1, deal)
    rare = ((fed.y >= 8) & fed.mask).sum(1).argsort(stable=True).expand(most, -1)
    order = rare if who == "data" else torch.from_numpy(rng.permuted(np.tile(range(clients), (most, 1)), axis=1))
    present = torch.ones(most, clients, dtype=torch.bool).scatter(1, order[:, clients - out :], False)
    return ends, path(fed, Plan.of(rounds=most, lr=2.0), present=present)[:, 0]


def reached(who, clients, out, deal, minutes):
    """Rounds, accuracy and each digit's recall (10,) after so many minutes of `waited`."""
    ends, past = waited(who, clients, out, deal)
    rounds = int((ends <= minutes).sum())
    true, said = images().y_test, called(past[rounds])
    recall = [float((said[true == digit] == digit).float().mean()) for digit in range(10)]
    return rounds, float((said == true).float().mean()), np.array(recall)
