"""Notebook 10: the German applicants dealt to banks, forms filled on paper, and private runs of many draws at once."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from ... import Plan, aggregation, data
from ...data import holdout, sources
from ._clouds import with_one

DELTA, CLIP, DRAWS, LOSS = 1e-4, 2.0, 30, 5.0
PLAN = Plan(rounds=20, lr=0.5, delta=DELTA, aggregator=aggregation.weighted_mean)
OPEN = PLAN.changed(lr=1.0)  # without privacy
ALONE = dict(lr=0.25, local_steps=40)
SPLITS = tuple(range(6))  # choices of the test applicants


@lru_cache(maxsize=32)
def german(seed):
    """The thousand applicants: 800 for training and 200 for the test, another choice for each seed."""
    return data.load("german_credit", seed=seed)


def questions():
    """The columns of each question of the form: one with a number, or a box for each answer."""
    boxes = {}
    for k, name in enumerate(german(0).features):
        boxes.setdefault(name.split(": ")[0], []).append(k)
    return list(boxes.values())


@lru_cache(maxsize=32)
def paper(seed, applicants=1_000):
    """As many forms, filled at random, with a random truth; no real applicant is used, only the form."""
    rng, form = np.random.default_rng(seed), german(0)
    x = np.zeros((applicants, len(form.features)))
    for columns in questions():
        if len(columns) == 1:
            x[:, columns[0]] = rng.uniform(-1, 1, applicants)
        else:
            x[np.arange(applicants), rng.choice(columns, applicants)] = 1
    risk = x @ rng.normal(0, 0.3, x.shape[1]) + rng.logistic(size=applicants)
    x, bad = torch.tensor(x, dtype=torch.float32), torch.tensor(risk > np.quantile(risk, 0.7)).long()
    parts = dict(x_train=x[:800], y_train=bad[:800], x_test=x[800:], y_test=bad[800:])
    return replace(form, name="paper", source="forms filled at random", **parts)


@lru_cache(maxsize=128)
def dealt(banks, seed=0):
    """The 800 training applicants of one choice at so many banks, the largest with some twenty times the smallest's."""
    people = german(seed)
    shares = np.geomspace(20, 1, banks)
    sizes = np.maximum(2, np.floor(shares / shares.sum() * 800)).astype(int)
    sizes[0] += 800 - sizes.sum()
    owner = np.random.default_rng(seed).permutation(np.repeat(np.arange(banks), sizes))
    return data.federate(people.x_train, people.y_train, owner, people)


@lru_cache(maxsize=512)
def _noised(epsilon):
    return PLAN.calibrated(epsilon, clip=CLIP, at="client", unit="record")


def protection(epsilon, noises=10):
    """The plan with noise inside the banks, for every applicant; `noises` of them end up in the sum."""
    return _noised(epsilon).changed(lr=step(epsilon, noises))


def step(epsilon, noises):
    """That plan's step."""
    return PLAN.lr * min(1.0, epsilon / noises**0.5)


@lru_cache(maxsize=8)
def records(splits=SPLITS, source=german):
    """Training and test records of some choices, a 1 at each one's end: x, y, x_test, y_test (splits × n …)."""
    found = [source(seed) for seed in splits]
    x, tests = (with_one(torch.stack([getattr(d, name) for d in found])) for name in ("x_train", "x_test"))
    y, truths = (torch.stack([getattr(d, name) for d in found]).float() for name in ("y_train", "y_test"))
    return x, y, tests, truths


@lru_cache(maxsize=64)
def normal(rounds, splits, parameters, draws, seed=0):
    """Standard normal numbers (rounds × splits × draws × parameters), kept, so that a slider moves their size alone."""
    if rounds < 80:
        return normal(80, splits, parameters, draws, seed=seed)[:rounds]
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rounds, splits, parameters, draws, generator=generator).mT.contiguous()


def runs(x, y, plan, noises=1, draws=DRAWS, seed=0, lr=None, exact=0, bare=0):
    """Models after each round of many private runs (rounds × splits × draws × parameters).

    A record's gradient is (p − y)·[x, 1], which is as long as the clip where |p − y| is the clip over the record's length.
    The weighted mean of the banks' noisy means is the clipped sum of all records with the noise of all banks, over all
    records; `noises` Gaussians add up to one that is √noises as wide.

    Args:
        x, y: records (splits × n × parameters), with a 1 at the end, and who is a bad risk (splits × n).
        plan: a `Plan` with noise inside the banks, or without privacy.
        noises: how many banks' noises are in the sum, one number, or one for each of a multiple of `draws` runs.
        draws, seed: how many runs, and of which noise.
        lr: step sizes, one a run; None takes the plan's.
        exact, bare: how many runs without noise come after the draws, and then how many without noise and clip.
    """
    clip, std = (float("inf"), 0.0) if plan.mechanism is None else (plan.mechanism.clip, plan.mechanism.std)
    wide = std * torch.as_tensor(noises, dtype=torch.float32).view(-1, 1) ** 0.5
    repeats = max(1, len(wide) // draws)  # for each size of the noise the same draws
    noise = normal(plan.rounds, len(x), x.shape[2], draws, seed=seed).repeat(1, 1, repeats, 1) * wide
    noise = torch.nn.functional.pad(noise, (0, 0, 0, exact + bare))
    far = torch.as_tensor(plan.lr if lr is None else lr, dtype=torch.float32).view(-1, 1) / x.shape[1]
    most, y, across = clip / x.norm(dim=2).unsqueeze(1), y.unsqueeze(1), x.mT.contiguous()
    theta, found = torch.zeros_like(noise[0]), []
    for drawn in noise:
        error = torch.bmm(theta, across).sigmoid_().sub_(y)  # splits × draws × n
        if clip < float("inf"):
            error[:, : error.shape[1] - bare].clamp_(-most, most)
        theta = theta - far * (torch.bmm(error, x) + drawn)
        found.append(theta)
    return torch.stack(found)


def costs(thetas, tests, truths, loss=LOSS):
    """Mean cost an applicant (… × splits × draws), in good customers lost: deny from 1/(1 + loss) on.

    Args:
        thetas: models (… × splits × draws × parameters).
        tests, truths: test records (splits × n × parameters), and who was a bad risk (splits × n).
        loss: what an approved bad risk costs; a denied good one costs 1.
    """
    denied = (thetas @ tests.mT) >= -float(np.log(loss))  # log-odds
    return torch.where(denied, 1 - truths.unsqueeze(1), loss * truths.unsqueeze(1)).mean(-1)


@lru_cache(maxsize=128)
def alone(banks, seed=0):
    """Every bank's own model (banks × 64), from steps along the mean gradients of its own customers."""
    fed = dealt(banks, seed)
    x, y, owner = with_one(fed.x[fed.mask]), fed.y[fed.mask].float().unsqueeze(1), fed.mask.nonzero()[:, :1]
    mean = torch.nn.functional.one_hot(owner[:, 0], banks).T / fed.sizes.view(-1, 1)  # banks × customers
    theta = torch.zeros(banks, x.shape[1])
    for _step in range(ALONE["local_steps"]):
        error = (x @ theta.T).gather(1, owner).sigmoid_().sub_(y)
        theta = theta - ALONE["lr"] * ((mean * error.T) @ x)
    return theta


@lru_cache(maxsize=8)
def plain(splits=SPLITS):
    """Models without privacy after each of 20 rounds (20 × splits × 1 × 64)."""
    return runs(*records(splits)[:2], OPEN, draws=1)


def places():
    """In which columns of the form age stands, and the boxes that women and who rents tick."""
    names, starts = german(0).features, {"women": "personal_status: female", "rent": "housing: rent"}
    boxes = {group: [k for k, name in enumerate(names) if name.startswith(start)] for group, start in starts.items()}
    return {"age": names.index("age"), **boxes}


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to train on the applicants by itself.

    Returns:
        The thousand in the order of the first choice, those for training first: `numbers` (1,000 × 7) and `answers`
        (1,000 × 13), of each question with boxes the number of the one that is ticked; in which columns they stand, for a
        question that of its first box; `places` of what tells a group; `y`; `held`, who is in the test, by choice (6 ×
        1,000); which seat at the banks each of the 800 has, whatever their number; unit noise, one stream for all exhibits.
    """
    first = german(0)
    x, y = torch.cat([first.x_train, first.x_test]).numpy(), torch.cat([first.y_train, first.y_test])
    asked = [columns for columns in questions() if len(columns) > 1]
    numbers = [columns[0] for columns in questions() if len(columns) == 1]
    chosen = [holdout.divide(len(x), 0.2, seed, sources.raw("german_credit").y) for seed in SPLITS]  # as `data.load`
    tests = [np.isin(np.concatenate(chosen[0]), test) for _train, test in chosen]
    return {
        "numbers": x[:, numbers], "answers": np.stack([x[:, c].argmax(1) for c in asked], 1).astype(np.uint8),
        "columns": {"numbers": numbers, "answers": [columns[0] for columns in asked]}, "places": places(),
        "y": y.to(torch.uint8), "held": np.stack(tests), "seat": np.random.default_rng(0).permutation(800),
        "noise": normal(PLAN.rounds, len(SPLITS), x.shape[1] + 1, 5).mT.contiguous(),
    }  # fmt: skip
