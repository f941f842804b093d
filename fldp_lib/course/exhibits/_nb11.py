"""What notebook 11's exhibits compute: worlds of tastes, item factors under many draws of the noise at once, and recall."""

from functools import lru_cache

import numpy as np
import torch

from ... import Plan, mechanisms
from ...data import generators

ITEMS, RANK, DRAWS, TOP = 80, 3, 12, 10
PLAN, CLIP = Plan(rounds=12, lr=100.0, delta=1e-4), 3.0  # 12 rounds: the notebook's tables take 30


@lru_cache(maxsize=16)
def world(users, seed=1):
    """Users, items and ratings, with what the exhibits look up: each user's ten truly best unrated items (users × 80)."""
    people = generators.ratings(users, seed=seed)
    taste = (people.users @ people.items.T).masked_fill(people.seen, -torch.inf)
    return people, torch.zeros_like(people.seen).scatter_(1, taste.topk(TOP, 1).indices, True)


def start(items=ITEMS, k=RANK):
    """The untrained item factors (items × k)."""
    return 0.3 * torch.randn(items * k, generator=torch.Generator().manual_seed(0)).view(k, items).T


def table(federation):
    """Who has rated what, and how (users × items, each)."""
    x = federation.x * federation.mask.unsqueeze(-1)
    return x.sum(1), (x * federation.y.unsqueeze(-1)).sum(1)


def own_factors(factors, seen, rated):
    """Every user's own factor, the ridge solution, for factors (draws × items × 3 → draws × users × 3)."""
    outer = (factors.unsqueeze(-1) * factors.unsqueeze(-2)).flatten(2)  # draws × items × 9
    gram = (seen @ outer).unflatten(-1, (RANK, RANK)) + torch.eye(RANK)
    one, two, three = gram.unbind(-2)  # the inverse of a symmetric 3 × 3 matrix, by cross products
    turned = torch.stack([torch.cross(two, three, -1), torch.cross(three, one, -1), torch.cross(one, two, -1)], -2)
    inverse = turned / (one * turned[..., 0, :]).sum(-1)[..., None, None]
    return (inverse * (rated @ factors).unsqueeze(-2)).sum(-1)


def fast(federation, plan, draws=1, seed=0):
    """`train` for the item factors, with many draws of the noise at once, round by round (rounds + 1, draws, items, 3).

    A user's update is the outer product of her errors (items,) and her own factor (3,), so that its norm is that of the one
    times that of the other.
    """
    (seen, rated), mech = table(federation), plan.mechanism
    factors = start(seen.shape[1]).expand(draws, -1, -1).clone()
    generator, past = torch.Generator().manual_seed(seed), [factors]
    rate = plan.lr / seen.sum(1)
    for _ in range(plan.rounds):
        own = own_factors(factors, seen, rated)
        off = (own @ factors.mT) * seen - rated  # draws × users × items
        scale = rate.expand(draws, -1)
        if mech is not None:
            scale = scale / (scale * off.norm(dim=-1) * own.norm(dim=-1) / mech.clip).clamp(min=1)
        total = -off.mT @ (own * scale.unsqueeze(-1))
        if mech is not None and mech.std:
            total = total + mechanisms.gaussian_noise(total.shape, mech.std, generator).float()
        factors = factors + total / federation.clients
        past.append(factors)
    return torch.stack(past)


@lru_cache(maxsize=64)
def guarded(epsilon, clip=CLIP, rounds=12):
    """The plan with noise at the server for a total ε of a user; neither noise nor clip for ε = ∞."""
    plan = PLAN.changed(rounds=rounds)
    return plan.calibrated(epsilon, clip=clip) if epsilon < np.inf else plan


@lru_cache(maxsize=24)
def trained(users, epsilon, clip=CLIP, rounds=12):
    """Item factors by round (rounds + 1, draws, items, k)."""
    draws = DRAWS if epsilon < np.inf else 1
    return fast(world(users)[0].federation, guarded(epsilon, clip, rounds), draws)


def chosen(factors, people):
    """The ten recommended items of every user (draws × users × 80, bool), for factors (draws × items × k)."""
    scores, least = _scores(factors, people)
    return scores >= least


def _scores(factors, people):
    """Every user's scores of what she has not rated, and her tenth (draws × users × 80, draws × users × 1)."""
    own = own_factors(factors, *table(people.federation))
    scores = torch.where(people.seen, -torch.inf, own @ factors.mT)
    least = np.partition(scores.numpy(), -TOP, axis=-1)[..., -TOP, None]  # a quarter of the time of torch's topk
    return scores, torch.from_numpy(least)


def popular(people):
    """What everybody gets who is shown what is popular (1 × users × 80, bool)."""
    score = people.seen.double().mean(0).expand(len(people.users), -1).masked_fill(people.seen, -1)
    return torch.zeros_like(people.seen).scatter_(1, score.topk(TOP, 1).indices, True).unsqueeze(0)


def hits(picked, best):
    """Each user's recall of her ten (draws × users)."""
    return (picked & best).sum(-1) / TOP


@lru_cache(maxsize=24)
def clip_alone(users, clip):
    """Item factors by round with the clip and without noise (rounds + 1, 1, items, k)."""
    return fast(world(users)[0].federation, PLAN.changed(mechanism=mechanisms.Gaussian(0.0, clip)))


@lru_cache(maxsize=48)
def recalls(users, epsilon):
    """The mean recall of each draw by round (draws × rounds + 1)."""
    people, best = world(users)
    past = trained(users, epsilon)
    scores, least = _scores(past.flatten(0, 1), people)
    found = scores.gather(2, best.nonzero()[:, 1].view(1, -1, TOP).expand(len(scores), -1, -1)) >= least
    return found.float().mean((1, 2)).view(past.shape[:2]).T.numpy()
