"""Many private runs at once, for clients with one record each and a linear model: what `train` does, in one product.

An update of such a client is a product of two vectors, its record and what its outputs lack, whatever the local steps; so
its length is known without writing it out, and the clipped sums of forty runs are one product of two matrices.
`tests/course/test_singles.py` holds it to `train`, run by run.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ... import data, models
from ...privacy import adaptive, mechanisms
from ...training import _streams
from ...training.plan import Plan
from ._kit import _

MODEL, PARAMETERS = models.Linear(64, 10), 650
PLAN, CLIP = Plan(rounds=20, lr=2.0), 6.0
BUDGETS = tuple(np.geomspace(0.1, 20, 9).round(3))
DRAWS = tuple(range(8))


@dataclass(frozen=True, eq=False)
class Crowd:
    """Clients with one record each: features and a 1 (65 × n), classes (10 × 1 × n), squared lengths (n,); test records."""

    federation: object

    def __post_init__(self):
        fed = self.federation
        for name, x in (("x", fed.x[:, 0]), ("x_test", fed.x_test)):
            object.__setattr__(self, name, torch.cat([x.float(), torch.ones(len(x), 1)], 1).T.contiguous())
        object.__setattr__(self, "square", self.x.square().sum(0))
        object.__setattr__(self, "hot", torch.nn.functional.one_hot(fed.y[:, 0], 10).float().T[:, None].contiguous())

    def __len__(self):
        return self.x.shape[1]

    def outputs(self, theta, test=False):
        """The model's outputs (10 × runs × n) for theta (10 × runs × 65)."""
        x = self.x_test if test else self.x
        return (theta.view(-1, 65) @ x).view(10, -1, x.shape[1])


@lru_cache(maxsize=1)
def images():
    """The pictures of digits, 1,437 to train on; read once for all exhibits."""
    return data.load("digits")


@lru_cache(maxsize=1)
def digits():
    """The digits' training images, one a client."""
    return data.split(images(), 1_437)


@lru_cache(maxsize=64)
def crowd(count=1_437, seed=1):
    """So many clients drawn from the digits."""
    if count == 1_437:
        return Crowd(digits())
    chosen = torch.randperm(1_437, generator=torch.Generator().manual_seed(seed))[:count]
    return Crowd(digits().select(chosen))


def _normal(generator):
    """The next 650 standard normal numbers of a stream, as `train` draws them."""
    return torch.randn(650, generator=generator, dtype=torch.float64)


def _stack(flats):
    """Parameters of some runs, 650 each, side by side (10 × runs × 65)."""
    return torch.stack([_square(flat) for flat in flats], 1).float()


@lru_cache(maxsize=512)
def _noise(seed, rounds):
    """The standard normal numbers that `train` draws with this seed, round by round (rounds × 650)."""
    generator = _streams.streams(seed)[_streams.NOISE]
    return torch.stack([_normal(generator) for _ in range(rounds)])


@lru_cache(maxsize=32)
def _noises(seeds, rounds):
    """The same for some seeds (rounds × 10 × seeds × 65)."""
    return torch.stack([_square(_noise(seed, rounds)) for seed in seeds], 2).float()


def _square(flat):
    """Parameters as `train` has them (… × 650), as rows of weights and a bias (… × 10 × 65)."""
    return torch.cat([flat[..., :640].view(*flat.shape[:-1], 10, 64), flat[..., 640:, None]], -1)


def _flat(theta):
    """Rows of weights and a bias (10 × runs × 65) as `train` has them (runs × 650)."""
    return torch.cat([theta[:, :, :64].transpose(0, 1).flatten(1), theta[:, :, 64].T], 1)


def lengths_and_lacks(crowd, theta, plan):
    """Each client's update at theta (10 × runs × 65): its length (runs × n), and what its outputs lack (10 × runs × n)."""
    outputs = crowd.outputs(theta)
    lack = outputs.softmax(0).sub_(crowd.hot)
    for _step in range(plan.local.steps - 1):  # the record stays, so only its outputs move
        lack = (outputs - plan.lr * crowd.square * lack).softmax(0).sub_(crowd.hot).add_(lack)
    return lack.square().sum(0).mul_(crowd.square).sqrt_().mul_(plan.lr), lack


def together(crowd, plan, mechs, seeds, present=None, every=True, divisor=None):
    """Train one run a mechanism and seed.

    Args:
        crowd: a `Crowd`.
        plan: a `Plan` with everybody in each round; its mechanism does not count.
        mechs: Gaussian mechanisms at the server, `AdaptiveGaussian`s or None, one a run.
        seeds: of the noise, one a run, as in `train`.
        present: who of the clients is in each run (runs × n); None: everybody.
        divisor: what sums are divided by; None takes the number of clients present.
        every: whether the accuracy is taken after every round, or after the last one alone.

    Returns:
        Accuracy by round (runs × rounds, or runs × 1), theta (runs × 650), clips by round (runs × rounds).
    """
    moving = [adaptive.Clipping(m or mechanisms.Gaussian(0.0, 1e12)) for m in mechs]
    moves = any(c.adaptive for c in moving)  # then the count's noise comes between the sums', from the same stream
    draws = [_streams.streams(s)[_streams.NOISE] for s in seeds] if moves else []
    noise = None if moves else _noises(tuple(seeds), plan.rounds)
    here = None if present is None else present.float()
    counts = torch.full((len(mechs),), float(len(crowd))) if present is None else here.sum(1)
    counts = counts if divisor is None else torch.full_like(counts, float(divisor))
    theta, right, clips = torch.zeros(10, len(mechs), 65), [], []
    for t in range(plan.rounds):
        clip = torch.tensor([c.mechanism.clip for c in moving])
        clips.append(clip)
        lengths, lack = lengths_and_lacks(crowd, theta, plan)
        share = (clip[:, None] / lengths.clamp(min=1e-12)).clamp_(max=1)
        share = share if here is None else share.mul_(here)
        total = (lack.mul_(share).view(-1, len(crowd)) @ crowd.x.T).view(10, -1, 65)
        drawn = noise[t] if noise is not None else _stack([_normal(g) for g in draws])  # 10 × runs × 65
        std = torch.tensor([c.mechanism.std for c in moving])
        theta = theta + plan.server.lr * (drawn * std[:, None] - plan.lr * total) / counts[:, None]
        if every or t == plan.rounds - 1:
            outputs = crowd.outputs(theta, test=True)
            true = outputs.gather(0, crowd.federation.y_test.expand(1, *outputs.shape[1:]))[0]
            right.append((true >= outputs.amax(0)).float().mean(1))
        for k, c in enumerate(moving):
            if c.adaptive:
                among = lengths[k] if here is None else lengths[k][present[k]]
                short = int((among <= clip[k]).sum())
                c.adapt(short, len(among) - short, float(counts[k]), draws[k])
    return torch.stack(right, 1).numpy(), _flat(theta), torch.stack(clips, 1).numpy()


def recalls(crowd, theta):
    """Recall of each digit on the test images (runs × 10), for theta (runs × 650)."""
    guess, truth = crowd.outputs(_square(theta).transpose(0, 1).contiguous(), test=True).argmax(0), crowd.federation.y_test
    hits = (guess == truth).float().numpy()
    return np.stack([hits[:, (truth == k).numpy()].mean(1) for k in range(10)], 1)


@lru_cache(maxsize=1_024)
def multiplier(epsilon, plan=PLAN):
    """The noise multiplier with which the plan's rounds meet a total ε; no clip changes it."""
    return plan.calibrated(epsilon).mechanism.noise_multiplier


@lru_cache(maxsize=1_024)
def gaussian(epsilon, clip=CLIP, plan=PLAN):
    """The plan with noise at the server for a total ε."""
    return plan.changed(mechanism=mechanisms.Gaussian(multiplier(epsilon, plan), clip))


def ends(count, plans, seeds):
    """Right of 100 test digits at the end, for each plan and seed (plans × seeds)."""
    mechs = [plan.mechanism for plan in plans for _seed in seeds]
    accuracy = together(crowd(count), plans[0], mechs, seeds * len(plans), every=False)[0]
    return 100 * accuracy[:, -1].reshape(len(plans), len(seeds))


@lru_cache(maxsize=64)
def ceiling(count, rounds=20, server_lr=1.0):
    """Right of 100 by round, without privacy (rounds,)."""
    plan = PLAN.changed(rounds=rounds, server_lr=server_lr)
    return 100 * together(crowd(count), plan, [None], [0])[0][0]


@lru_cache(maxsize=64)
def knee_of(count):
    """Right of 100 at each of nine ε, three draws each (9 × 3)."""
    return ends(count, [gaussian(e) for e in BUDGETS], DRAWS[:3])


def spread(values):
    """Median, lowest and highest of some draws, as a sentence says them."""
    return _("{:.0f} (8 draws of the noise: {:.0f} to {:.0f})").format(np.median(values), min(values), max(values))


@lru_cache(maxsize=64)
def clip_errors(count, clips, rounds=3):
    """Lengths of the mean update's bias after some rounds without privacy, clip by clip (clips,), and of the mean."""
    clients, theta = crowd(count), torch.zeros(10, 1, 65)
    if rounds:
        theta = _stack(together(clients, PLAN.changed(rounds=rounds), [None], [0], every=False)[1])
    lengths, lack = lengths_and_lacks(clients, theta, PLAN)
    lost = 1 - (torch.tensor(clips)[:, None] / lengths).clamp(max=1)  # clips × n: what the clip takes of each update
    takes = torch.cat([lost, torch.ones(1, len(clients))]).float()
    sums = (takes[:, None] * lack[:, 0]).reshape(-1, len(clients)) @ clients.x.T  # (clips + 1)·10 × 65
    long = (PLAN.lr * sums.view(len(takes), -1).norm(dim=1) / len(clients)).tolist()
    return np.array(long[:-1]), long[-1]
