"""Many private runs at once, for clients with one record each and a linear model: what `train` does, in one product.

An update of such a client is a product of two vectors, its record and what its outputs lack, whatever the local steps; so
its length is known without writing it out, and the clipped sums of forty runs are one product of two matrices.
`tests/course/test_singles.py` holds it to `train`, run by run.
"""

from functools import lru_cache

import numpy as np
import torch

from ... import models
from ...privacy import adaptive, mechanisms
from ...training import _streams
from ...training.plan import Plan
from ._crowds import Crowd, crowd, digits, flushed, images, seats
from ._dealing import pictures
from ._kit import _

__all__ = ["Crowd", "clip_errors", "crowd", "digits", "images", "recalls", "together", "without"]
MODEL, PARAMETERS = models.Linear(64, 10), 650
PLAN, CLIP = Plan(rounds=20, lr=2.0), 6.0
BUDGETS = tuple(np.geomspace(0.1, 20, 9).round(3))
DRAWS = tuple(range(8))
OPEN = mechanisms.Gaussian(0.0, 1e12)  # neither clips nor adds anything


def _normal(generator):
    """The next 650 standard normal numbers of a stream, as `train` draws them."""
    return torch.randn(650, generator=generator, dtype=torch.float64)


def _stack(flats):
    """Parameters of some runs, 650 each, side by side (10 × runs × 65)."""
    return _square(torch.stack(tuple(flats))).float().transpose(0, 1).contiguous()


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to draw the same clients: images in the order in which `crowd` takes them, and the test images."""
    order = torch.randperm(1_437, generator=torch.Generator().manual_seed(1))  # as in `crowd`
    train = pictures(digits().x[order, 0], digits().y[order, 0])
    return {"train": train, "test": pictures(digits().x_test, digits().y_test)}


@lru_cache(maxsize=512)
def _stream(seed):
    """A seed's stream of noise as `train` has it, and the rounds drawn from it so far (650 each)."""
    return _streams.streams(seed)[_streams.NOISE], []


def _noise(seed, rounds):
    """The standard normal numbers that `train` draws with this seed (rounds × 650); more rounds draw only what is new."""
    generator, drawn = _stream(seed)
    while len(drawn) < rounds:
        drawn.append(_normal(generator))
    return torch.stack(drawn[:rounds])


@lru_cache(maxsize=32)
def _stacked(seeds):
    return []


def _noises(seeds, rounds):
    """The standard normal numbers that `train` draws with these seeds, so many rounds or more of 10 × seeds × 65.

    A stream begins alike however long it is: more rounds draw only what is new.
    """
    stacked = _stacked(seeds)
    if len(stacked) < rounds:
        drawn = [_noise(seed, rounds) for seed in seeds]
        stacked += [_stack(one[t] for one in drawn) for t in range(len(stacked), rounds)]
    return stacked


def _square(flat):
    """Parameters as `train` has them (… × 650), as rows of weights and a bias (… × 10 × 65)."""
    return torch.cat([flat[..., :640].view(*flat.shape[:-1], 10, 64), flat[..., 640:, None]], -1)


def _flat(theta):
    """Rows of weights and a bias (10 × runs × 65) as `train` has them (runs × 650)."""
    return torch.cat([theta[:, :, :64].transpose(0, 1).flatten(1), theta[:, :, 64].T], 1)


def lacks(crowd, theta, plan):
    """What each client's outputs lack at theta (10 × runs × 65), over all its local steps (10 × runs × n)."""
    outputs = crowd.outputs(theta)
    lack = outputs.softmax(0).sub_(crowd.hot)
    for _step in range(plan.local.steps - 1):  # the record stays, so only its outputs move
        lack = (outputs - plan.lr * crowd.square * lack).softmax(0).sub_(crowd.hot).add_(lack)
    return lack


def lengths(crowd, lack, plan):
    """Lengths of the updates of clients whose outputs lack so much (runs × n)."""
    return lack.square().sum(0).mul_(crowd.square).sqrt_().mul_(plan.lr)


@flushed()
def together(crowd, plan, mechs, seeds, present=None, every=True, divisor=None, start=None):
    """Train one run a mechanism and seed.

    Args:
        crowd: a `Crowd`.
        plan: a `Plan` with everybody in each round; its mechanism does not count.
        mechs: Gaussian mechanisms at the server, `AdaptiveGaussian`s or None, one a run.
        seeds: of the noise, one a run, as in `train`.
        present: who of the clients is in each run (runs × n); None: everybody.
        divisor: what sums are divided by; None takes the number of clients present.
        every: whether the accuracy is taken after every round, or after the last one alone; None: not at all.
        start: theta (runs × 650) to begin with; None: zeros.

    Returns:
        Accuracy by round (runs × rounds, or runs × 1), theta (runs × 650), clips by round (runs × rounds).
    """
    moving = [adaptive.Clipping(m or OPEN) for m in mechs]
    moves = any(c.adaptive for c in moving)  # then the count's noise comes between the sums', from the same stream
    draws = [_streams.streams(s)[_streams.NOISE] for s in seeds] if moves else []
    noise = None if moves or not any(mechs) else _noises(tuple(seeds), plan.rounds)
    counts = torch.full((len(mechs),), float(len(crowd))) if present is None else present.sum(1).float()
    counts = (counts if divisor is None else torch.full_like(counts, float(divisor)))[:, None]
    among, here = (crowd, None if present is None else present.float()) if moves else seats(crowd, present)
    theta = torch.zeros(10, len(mechs), 65) if start is None else _stack(start)
    right, clips, private = [], [], any(m is not None for m in mechs)
    for t in range(plan.rounds):
        if moves or not t:
            clip = torch.tensor([c.mechanism.clip for c in moving])
            std = torch.tensor([c.mechanism.std for c in moving])[:, None]
        clips.append(clip)
        lack = lacks(among, theta, plan)
        if private:
            long = lengths(among, lack, plan)
            share = (clip[:, None] / long.clamp(min=1e-12)).clamp_(max=1)
            lack.mul_(share if here is None else share.mul_(here))
            drawn = noise[t] if noise is not None else _stack([_normal(g) for g in draws])  # 10 × runs × 65
        elif here is not None:
            lack.mul_(here)
        move = among.sums(lack).mul_(-plan.lr)
        move = move.add_(drawn * std) if private else move
        theta.add_(move.mul_(plan.server.lr).div_(counts))  # in the order of `train`, to the last digit
        if every or (every is False and t == plan.rounds - 1):
            outputs = crowd.outputs(theta, test=True)
            true = outputs.gather(0, crowd.federation.y_test.expand(1, *outputs.shape[1:]))[0]
            right.append((true >= outputs.amax(0)).float().mean(1))
        if moves:
            there = torch.ones_like(long, dtype=torch.bool) if present is None else present
            short, sent = ((long <= clip[:, None]) & there).sum(1).tolist(), there.sum(1).tolist()
            for k, c in enumerate(moving):
                if c.adaptive:
                    c.adapt(short[k], sent[k] - short[k], float(counts[k]), draws[k])
    right = torch.stack(right, 1).numpy() if right else None
    return right, _flat(theta), torch.stack(clips, 1).numpy()


@lru_cache(maxsize=32)
def _part(plan, rounds):
    return plan.changed(rounds=rounds)


@lru_cache(maxsize=256)
def without(crowd, plan, rounds, present, divisor=None):
    """Theta after some rounds without privacy (runs × 650), one run a row of `present`; it goes on from five before."""
    before = (rounds - 1) // 5 * 5
    start = without(crowd, plan, before, present, divisor) if before else None
    runs = range(len(present))
    return together(crowd, _part(plan, rounds - before), [None] * len(present), runs, present, None, divisor, start)[1]


def recalls(crowd, theta):
    """Recall of each digit on the test images (runs × 10), for theta (runs × 650)."""
    guess, truth = crowd.outputs(_square(theta).transpose(0, 1).contiguous(), test=True).argmax(0), crowd.federation.y_test
    hits = (guess == truth).float().numpy()
    return np.stack([hits[:, (truth == k).numpy()].mean(1) for k in range(10)], 1)


@lru_cache(maxsize=256)
def lasting(rounds, server_lr=1.0):
    """The plan with so many rounds and such steps of the server."""
    return PLAN.changed(rounds=rounds, server_lr=server_lr)


@lru_cache(maxsize=1_024)
def multiplier(epsilon, plan=PLAN):
    """The noise multiplier with which the plan's rounds meet a total ε; no clip changes it."""
    return plan.calibrated(epsilon).mechanism.noise_multiplier


@lru_cache(maxsize=1_024)
def gaussian(epsilon, clip=CLIP, plan=PLAN):
    """The plan with noise at the server for a total ε."""
    return plan.changed(mechanism=mechanisms.Gaussian(multiplier(epsilon, plan), clip))


def ends(count, mechs, seeds):
    """Right of 100 test digits at the end of 20 rounds, for each mechanism and seed (mechanisms × seeds)."""
    runs, most = [(mech, seed) for mech in mechs for seed in seeds], max(1, 16_000 // count)
    parts = -(-len(runs) // most)  # of equal sizes, whose numbers stay in the processor's cache
    chosen = [zip(*runs[k * len(runs) // parts : (k + 1) * len(runs) // parts], strict=True) for k in range(parts)]
    right = [together(crowd(count), PLAN, *part, every=False)[0][:, -1] for part in chosen]
    return 100 * np.concatenate(right).reshape(len(mechs), len(seeds))


@lru_cache(maxsize=64)
def ceiling(count, rounds=20, server_lr=1.0):
    """Right of 100 by round, without privacy (rounds,)."""
    return 100 * together(crowd(count), lasting(rounds, server_lr), [None], [0])[0][0]


@lru_cache(maxsize=64)
def knee_of(count):
    """Right of 100 at each of nine ε, three draws each (9 × 3)."""
    return ends(count, [gaussian(e).mechanism for e in BUDGETS], DRAWS[:3])


def spread(values):
    """Median, lowest and highest of some draws, as a sentence says them."""
    return _("{:.0f} (8 draws of the noise: {:.0f} to {:.0f})").format(np.median(values), min(values), max(values))


@lru_cache(maxsize=64)
def clip_errors(count, clips, rounds=3):
    """Lengths of the mean update's bias after some rounds without privacy, clip by clip (clips,), and of the mean."""
    clients, theta = crowd(count), torch.zeros(10, 1, 65)
    if rounds:
        theta = _stack(together(clients, lasting(rounds), [None], [0], every=False)[1])
    lack = lacks(clients, theta, PLAN)
    long = lengths(clients, lack, PLAN)
    lost = 1 - (torch.tensor(clips)[:, None] / long).clamp(max=1)  # clips × n: what the clip takes of each update
    takes = torch.cat([lost, torch.ones(1, len(clients))]).float()
    sums = (takes[:, None] * lack[:, 0]).reshape(-1, len(clients)) @ clients.x.T  # (clips + 1)·10 × 65
    long = (PLAN.lr * sums.view(len(takes), -1).norm(dim=1) / len(clients)).tolist()
    return np.array(long[:-1]), long[-1]
