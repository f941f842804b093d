"""Notebook 09: the patients dealt to hospitals, and private runs of many draws at once."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from ... import Plan, aggregation, clients, data, models
from ._clouds import with_one

SIZES = np.array([110, 80, 60, 50, 40, 30, 25, 20, 14, 11, 8, 7])  # patients, 455 in all
SHARE = np.array([55, 30, 25, 40, 20, 45, 30, 15, 50, 30, 40, 30])  # per cent malignant, wished
MODEL, DELTA, DRAWS = models.Linear(30, 1), 1e-4, 30
PLAIN = Plan(rounds=20, lr=20.0, aggregator=aggregation.weighted_mean, delta=DELTA)
SEARCHED = {1.0: (1, 4.0), 8.0: (10, 2.0), 100.0: (10, 2.0)}  # hospital-level ε: rounds and clip


def profile(count):
    """Sizes and wished shares of malignant patients of so many hospitals, as unequal as the twelve."""
    if count == len(SIZES):
        return SIZES, SHARE
    at, known = (np.arange(count) + 0.5) / count, (np.arange(len(SIZES)) + 0.5) / len(SIZES)
    sizes = np.exp(np.interp(at, known, np.log(SIZES)))
    sizes = np.maximum(2, sizes / sizes.sum() * SIZES.sum()).astype(int)
    while (gap := SIZES.sum() - sizes.sum()) != 0:
        sizes[: min(count, abs(gap))] += np.sign(gap)
    return sizes, np.interp(at, known, SHARE)


@lru_cache(maxsize=128)
def dealt(count, seed):
    """The 455 training patients of one split, dealt to so many hospitals."""
    patients, (sizes, share) = data.load("breast_cancer", seed=seed), profile(count)  # class 0 is malignant
    rng, kinds = np.random.default_rng(seed), patients.y_train.numpy()
    malignant, benign = (rng.permutation(np.flatnonzero(kinds == k)) for k in (0, 1))
    wished = sizes * share / (sizes @ share) * len(malignant)
    sick, rest = np.floor(wished).astype(int), len(malignant) - int(np.floor(wished).sum())
    order = np.argsort(sick - wished, kind="stable")[:rest] if count != len(SIZES) else np.zeros(rest, dtype=int)
    np.add.at(sick, order, 1)  # of twelve, the largest gets what rounding left over
    owner = np.empty(len(kinds), dtype=int)
    owner[malignant] = np.repeat(np.arange(count), sick)
    owner[benign] = np.repeat(np.arange(count), sizes - sick)
    return data.federate(patients.x_train, patients.y_train, owner, patients)


@lru_cache(maxsize=512)
def _noised(epsilon):
    return PLAIN.calibrated(epsilon, clip=0.5, at="client", unit="record")


def protection(epsilon, noises=12):
    """The plan with noise inside the hospitals; `noises` of them end up in the sum."""
    return _noised(epsilon).changed(lr=min(20.0, 4 * epsilon * (12 / noises) ** 0.5))


@lru_cache(maxsize=512)
def hospital_level(epsilon):
    """The plan that hides a hospital: noise at a trusted server, twenty local steps a round."""
    rounds, clip = SEARCHED[min(SEARCHED, key=lambda known: abs(np.log(known / epsilon)))]
    plan = PLAIN.changed(rounds=rounds, local_steps=20, lr=6.0, aggregator=aggregation.mean)
    return plan.calibrated(epsilon, clip=clip)


def against(plan, clips):
    """The plan's noise where a change moves a sum by so many clips."""
    return plan.changed(mechanism=replace(plan.mechanism, noise_multiplier=plan.mechanism.noise_multiplier / clips))


@lru_cache(maxsize=64)
def normal(rounds, draws, seed):
    """Standard normal draws (rounds × draws × 31), kept, so that a slider moves the noise's size and not its luck."""
    return torch.randn(rounds, draws, 31, generator=torch.Generator().manual_seed(seed))


@lru_cache(maxsize=64)
def _records(feds):
    """All patients of some federations, with a 1 at the end, and their classes (federations × 455 …)."""
    x, y = (torch.stack(parts) for parts in zip(*(fed.pooled() for fed in feds), strict=True))
    return with_one(x), y


def runs(fed, plan, noises, draws=DRAWS, seed=0):
    """Models after each round of many private runs (rounds × draws × 31), `noises` hospitals' noise in the sum."""
    return together((fed,), plan, noises, draws, (seed,))[:, 0]


def together(feds, plan, noises, draws, seeds):
    """The same for some federations of as many patients, each with a seed (rounds × federations × draws × 31).

    A record's gradient is (p − y)·[x, 1], which is as long as the clip where |p − y| is the clip over the record's length.
    The weighted mean of the hospitals' noisy means is the clipped sum of all records with the noise of all hospitals, over
    all records; `noises` Gaussians add up to one that is √noises as wide.
    """
    x, y = _records(tuple(feds))
    noise = torch.stack([normal(plan.rounds, draws, seed) for seed in seeds], 1) * (plan.mechanism.std * noises**0.5)
    most, y, across = plan.mechanism.clip / x.norm(dim=2).unsqueeze(1), y.unsqueeze(1), x.mT.contiguous()
    theta, found = torch.zeros_like(noise[0]), []
    for drawn in noise:
        error = torch.bmm(theta, across).sigmoid_().sub_(y).clamp_(-most, most)  # federations × draws × patients
        theta = theta - plan.lr * (torch.bmm(error, x) + drawn) / x.shape[1]
        found.append(theta)
    return torch.stack(found)


def hospital_runs(fed, plan, draws=DRAWS, seed=0):
    """The same where each hospital is a client: local steps, updates clipped, summed, noise once at the server."""
    x, weight = with_one(fed.x), fed.mask / fed.sizes.unsqueeze(1)  # clients × samples
    y, weight = fed.y.unsqueeze(2), weight.unsqueeze(2)
    theta, found = torch.zeros(draws, 31), []
    for drawn in plan.mechanism.std * normal(plan.rounds, draws, seed):
        here = theta.T.expand(fed.clients, 31, draws)
        for _ in range(plan.local.steps):
            error = (torch.sigmoid(x @ here) - y) * weight  # clients × samples × draws
            here = here - plan.lr * (x.transpose(1, 2) @ error)
        update = here - theta.T  # clients × 31 × draws
        update = update * (plan.mechanism.clip / update.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1)
        theta = theta + (update.sum(0).T + drawn) / fed.clients
        found.append(theta)
    return torch.stack(found)


def by_class(theta, fed):
    """Mean log loss of models (… × 31) on the malignant and on the benign test patients."""
    odds, ill = with_one(fed.x_test) @ theta.unsqueeze(-1), fed.y_test == 0
    odds = odds.squeeze(-1).double()  # of benign, … × patients
    return torch.nn.functional.softplus(odds[..., ill]).mean(-1), torch.nn.functional.softplus(-odds[..., ~ill]).mean(-1)


def log_loss(theta, fed, share=None):
    """Log loss of models on the test patients, or on patients of whom `share` are malignant."""
    ill, healthy = by_class(theta, fed)
    share = float((fed.y_test == 0).double().mean()) if share is None else share
    return share * ill + (1 - share) * healthy


@lru_cache(maxsize=128)
def alone(count, seed):
    """Every hospital's own model (count × 31)."""
    return clients.local_updates(MODEL, torch.zeros(31), dealt(count, seed), lr=6.0, local_steps=40)


@lru_cache(maxsize=128)
def plain(count, seed, rounds=20):
    """The models of all rounds without privacy (rounds × 31): one mean gradient of all patients a round."""
    return runs(dealt(count, seed), unclipped(rounds), 1, 1)[:, 0]


def unclipped(rounds):
    """The plan without privacy as one that neither clips nor adds noise."""
    none = replace(protection(1.0).mechanism, noise_multiplier=0.0, clip=1e9)
    return PLAIN.changed(rounds=rounds, mechanism=none)


@lru_cache(maxsize=128)
def shares(count, seed):
    """Each hospital's share of malignant patients (count,)."""
    fed = dealt(count, seed)
    return ((fed.y == 0) & fed.mask).sum(1).double() / fed.sizes


@lru_cache(maxsize=2)
def dealing(seeds):
    """What a page needs to deal the patients itself: features and classes once, and of every split who comes in which order.

    Returns:
        A dict: x (569 × 30), y (569,), and order (splits × 569), of each split its malignant training patients and then its
        benign ones, as `dealt` shuffles them, then its test patients.
    """
    splits = [data.load("breast_cancer", seed=seed) for seed in seeds]
    x, y = (torch.cat(parts) for parts in ((splits[0].x_train, splits[0].x_test), (splits[0].y_train, splits[0].y_test)))
    place, order = {row.numpy().tobytes(): k for k, row in enumerate(x)}, []
    for seed, patients in zip(seeds, splits, strict=True):
        rng, kinds = np.random.default_rng(seed), patients.y_train.numpy()
        shuffled = np.concatenate([rng.permutation(np.flatnonzero(kinds == k)) for k in (0, 1)])
        rows = torch.cat([patients.x_train[shuffled], patients.x_test])
        order.append([place[row.numpy().tobytes()] for row in rows])
    return {"x": x, "y": y.to(torch.uint8), "order": np.array(order)}


def tail(rounds, draws, seed):
    """The last sixteen numbers of such noise, drawn anew where sixteen does not divide how many there are."""
    return normal(rounds, draws, seed).flatten()[-16:]


def shipped():
    """What pages need that show the first split: `dealing`, the noise of the runs, and that of one round."""
    tails = {rounds: tail(rounds, 10, 0) for rounds, _clip in SEARCHED.values()}
    return {**dealing((0,)), "stream": normal(20, DRAWS, 0), "tails": tails, "draws": normal(1, 200, 7)[0]}
