"""Many runs at once whose rounds ask a part of the clients, one record each, a linear model: what `train` does, in products.

All runs share their cohorts and differ in their noise, so a round is two products of matrices for all of them.
`tests/course/test_cohorts.py` holds it to `train`, run by run.
"""

from functools import lru_cache

import numpy as np
import torch

from ...privacy import mechanisms, strategies
from ...privacy.correlated import Correlated
from ...training import _streams
from ...training.plan import Plan
from ._crowds import crowd, flushed
from ._prices import multipliers
from ._singles import _noise, _square

ROUNDS, LR, DELTA = 200, 0.5, 1e-5


def planned(kind, epsilon, clip, groups, band=None):
    """The plan of one way to train, with noise for a total ε.

    Args:
        kind: a strategy's name, "poisson" (secret cohorts of independent coins, priced by RDP) or "all" (everybody in each
            of as many rounds as a client has turns in the others).
        epsilon, clip: of the mechanism.
        groups: of clients that take turns; one over the sampling rate of "poisson".
        band: as in `strategies.strategy`.
    """
    if kind == "poisson":
        (noise,) = multipliers(epsilon, ROUNDS, (1 / groups,), DELTA)
        return Plan(ROUNDS, LR, mechanisms.Gaussian(float(noise), clip), 1 / groups, delta=DELTA)
    if kind == "all":
        return Plan(-(-ROUNDS // groups), LR, delta=DELTA).calibrated(epsilon, clip=clip)
    mechanism = mechanisms.Gaussian(1.0, clip) if kind == "independent" else Correlated(1.0, clip, kind, band)
    return Plan(ROUNDS, LR, mechanism, 1 / groups, "cyclic", delta=DELTA).calibrated(epsilon)


@lru_cache(maxsize=64)
def cohorts_of(clients, kind, groups, rounds, seed):
    """The members of each round as `train` has them: secret ones by a plan's seed, turns always alike."""
    if kind == "all":
        return [torch.arange(clients)] * rounds
    if kind == "poisson":
        generator = _streams.streams(seed)[_streams.COHORTS]
        return [torch.nonzero(_streams.coins(clients, 1 / groups, generator)).flatten() for _round in range(rounds)]
    dealt = _streams.groups_of(clients, groups)
    seats = [torch.nonzero(dealt == group).flatten() for group in range(groups)]
    return [seats[t % groups] for t in range(rounds)]


@lru_cache(maxsize=64)
def unit_noise(strategy, seeds):
    """C⁻¹·Z, Z the standard normal numbers that `train` draws with these seeds (rounds × runs × 650), C a `Strategy`."""
    drawn = torch.stack([_noise(seed, strategy.rounds) for seed in seeds], 1)
    if strategy.band == 1:  # C = 1
        return drawn
    return (torch.from_numpy(strategy.inverse()) @ drawn.flatten(1)).view_as(drawn)


def noise_of(plan, seeds):
    """What a plan's mechanism adds to the sums of the rounds (rounds × runs × 650), as `train` draws it."""
    if plan.correlated is None:
        return plan.mechanism.std * unit_noise(strategies.strategy("independent", plan.rounds), seeds)
    strategy = plan.correlated.fitted(plan.rounds, plan.groups)
    return plan.mechanism.std * strategy.sensitivity(plan.groups) * unit_noise(strategy, seeds)


@lru_cache(maxsize=512)
def curves(kind, epsilon, clients, clip, groups=20, band=None, draws=3):
    """Rounds at which one looked (looks,), accuracy there for so many draws of the noise (draws × looks), and the plan."""
    plan, seeds = planned(kind, epsilon, clip, groups, band), tuple(range(draws))
    cohorts = cohorts_of(clients, kind, groups, plan.rounds, 0)
    every = max(1, plan.rounds // 20)
    return *together(crowd(clients), plan, cohorts, noise_of(plan, seeds), every), plan


@flushed()
def together(crowd, plan, cohorts, noise, every=10):
    """Train some runs side by side, one local step a round, from zero.

    Args:
        crowd: a `Crowd`.
        plan: a `Plan`, of which step sizes, clip and sampling rate count.
        cohorts: the members of each round, a list of tensors of client numbers.
        noise: what is added to the sums of the updates (rounds × runs × 650).
        every: the accuracy is taken after every so many rounds, and after the last one.

    Returns:
        The rounds at which the accuracy was taken (looks,), and the accuracy there (runs × looks).
    """
    added = _square(noise).transpose(1, 2).float()  # rounds × 10 × runs × 65
    runs, clip = noise.shape[1], plan.mechanism.clip
    divisor = plan.sampling_rate * len(crowd)
    theta, looks, right, seats = torch.zeros(10, runs, 65), [], [], {}
    for t, members in enumerate(cohorts):
        if id(members) not in seats:
            seats[id(members)] = crowd.x[:, members], crowd.hot[:, :, members], crowd.square[members]
        x, hot, square = seats[id(members)]
        lack = (theta.view(-1, 65) @ x).view(10, runs, -1).softmax(0).sub_(hot)
        long = lack.square().sum(0).mul_(square).sqrt_().mul_(plan.lr)
        lack.mul_((clip / long.clamp_(min=1e-12)).clamp_(max=1))
        move = (lack.view(10 * runs, -1) @ x.T).view(10, runs, 65).mul_(-plan.lr).add_(added[t])
        theta.add_(move, alpha=plan.server.lr / divisor)
        if (t + 1) % every == 0 or t + 1 == len(cohorts):
            looks.append(t + 1), right.append(_right(crowd, theta))
    return np.array(looks), torch.stack(right, 1).numpy()


def _right(crowd, theta):
    """The share of test records that each run gets right (runs,)."""
    outputs = crowd.outputs(theta, test=True)
    true = outputs.gather(0, crowd.federation.y_test.expand(1, *outputs.shape[1:]))[0]
    return (true >= outputs.amax(0)).float().mean(1)
