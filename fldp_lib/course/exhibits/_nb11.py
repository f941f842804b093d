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
    parts = np.ascontiguousarray(factors.permute(2, 0, 1).numpy())
    return torch.from_numpy(_own(parts, seen, rated)[0]).permute(1, 2, 0)


def _across(parts, matrix):
    """Several stacks of rows (parts × draws × n) times a matrix (n × m), in one product."""
    found = torch.from_numpy(parts.reshape(-1, parts.shape[2])) @ matrix
    return found.numpy().reshape(*parts.shape[:2], -1)


def _own(factors, seen, rated):
    """The same where each of the three numbers is an array: own factors, and sums of ratings times factors.

    The solution is the inverse of a symmetric 3 × 3 matrix, by cross products, times such a sum.
    """
    a, b, c = factors
    aa, ab, ac, bb, bc, cc = _across(np.stack([a * a, a * b, a * c, b * b, b * c, c * c]), seen.T)
    aa, bb, cc = aa + 1, bb + 1, cc + 1
    x, y, z = sums = _across(factors, rated.T)
    p, q, r = bb * cc - bc * bc, bc * ac - ab * cc, ab * bc - bb * ac
    s, t, u = aa * cc - ac * ac, ab * ac - aa * bc, aa * bb - ab * ab
    own = np.stack([p * x + q * y + r * z, q * x + s * y + t * z, r * x + t * y + u * z])
    return own / (aa * p + ab * q + ac * r), sums


def fast(federation, plan, draws=1, seed=0):
    """`train` for the item factors, with many draws of the noise at once, round by round (rounds + 1, draws, items, 3)."""
    return _run(*table(federation), plan, draws, seed)[0]


def _run(seen, rated, plan, draws, seed=0):
    """The same from tables of ratings, and with every user's own factor (rounds + 1, draws, users, 3).

    A user's update is the outer product of her errors (items,) and her own factor (3,), so that its norm is that of the one
    times that of the other. Her errors are linear in products of her own factor's numbers, and their length follows from
    the ridge solution: the ratings' square less what the solution explains of it.
    """
    mech, generator = plan.mechanism, torch.Generator().manual_seed(seed)
    first = start(seen.shape[1]).T.numpy()
    factors = np.repeat(first[:, None], draws, 1)  # 3 × draws × items
    square, rate = rated.square().sum(1).numpy(), (plan.lr / seen.sum(1)).numpy()
    own, sums = _own(factors, seen, rated)
    past, owns = [factors], [own]
    for _ in range(plan.rounds):
        long, scale = (own * own).sum(0), rate
        if mech is not None:
            off = np.maximum(square - (own * sums).sum(0) - long, 0)
            scale = rate / np.maximum(rate * np.sqrt(off * long) / mech.clip, 1)
        own_scaled = own * scale
        (a, b, c), (x, y, z) = own, own_scaled
        aa, ab, ac, bb, bc, cc = _across(np.stack([a * x, a * y, a * z, b * y, b * z, c * z]), seen)
        total = _across(own_scaled, rated)
        x, y, z = factors
        total -= np.stack([aa * x + ab * y + ac * z, ab * x + bb * y + bc * z, ac * x + bc * y + cc * z])
        if mech is not None and mech.std:
            noise = mechanisms.gaussian_noise((draws, seen.shape[1], RANK), mech.std, generator).float()
            total += noise.permute(2, 0, 1).numpy()
        factors = factors + total / len(seen)
        own, sums = _own(factors, seen, rated)
        past.append(factors), owns.append(own)
    return [torch.from_numpy(np.stack(parts)).permute(0, 2, 3, 1) for parts in (past, owns)]


@lru_cache(maxsize=64)
def guarded(epsilon, clip=CLIP, rounds=12):
    """The plan with noise at the server for a total ε of a user; neither noise nor clip for ε = ∞."""
    plan = PLAN.changed(rounds=rounds)
    return plan.calibrated(epsilon, clip=clip) if epsilon < np.inf else plan


@lru_cache(maxsize=16)
def _known(users):
    """A world's tables of ratings (users × items, each), -∞ where she has rated, else 0, and her ten best (users × 10)."""
    people, best = world(users)
    rated = torch.zeros(people.seen.shape)
    rated[people.seen] = people.federation.y[people.federation.mask]
    seen = people.seen.float()
    return seen, rated, torch.zeros_like(seen).masked_fill_(people.seen, -torch.inf), best.nonzero()[:, 1].view(-1, TOP)


@lru_cache(maxsize=24)
def trained(users, epsilon, clip=CLIP, rounds=12):
    """Item factors and every user's own by round, as `_run` gives them."""
    return _run(*_known(users)[:2], guarded(epsilon, clip, rounds), DRAWS if epsilon < np.inf else 1)


def shown(users, factors, own):
    """Which of her ten best every user is shown (draws × users × 10), for item factors and users' own (draws × …)."""
    unseen, best = _known(users)[2:]
    scores = torch.bmm(own, factors.mT).add_(unseen)
    of_best = scores.gather(2, best.expand(len(scores), -1, -1)).numpy()
    ordered = scores.numpy()
    ordered.sort(-1)  # of so short rows all are sorted faster than the tenth is found
    return of_best >= ordered[..., -TOP, None]


@lru_cache(maxsize=64)
def ended(users, *setting):
    """The same after the last round, for a total ε, or ∞ for none, and for a clip and rounds."""
    return shown(users, *(parts[-1] for parts in trained(users, *setting)))


def clean_after(users, rounds):
    """The same without privacy after so many rounds, 30 at most: read off one run of 30."""
    return shown(users, *(parts[rounds] for parts in trained(users, np.inf, CLIP, 30)))


@lru_cache(maxsize=64)
def clip_alone(users, clip):
    """The same with the clip and without noise."""
    plan = PLAN.changed(mechanism=mechanisms.Gaussian(0.0, clip))
    return shown(users, *(parts[-1] for parts in _run(*_known(users)[:2], plan, 1)))


@lru_cache(maxsize=64)
def others(users):
    """Mean recall of what is popular, of the untrained factors, and without privacy, by name."""
    people, best = world(users)
    score = people.seen.double().mean(0).expand(users, -1).masked_fill(people.seen, -1)
    picked = torch.zeros_like(people.seen).scatter_(1, score.topk(TOP, 1).indices, True)
    alone = shown(users, *(parts[0, :1] for parts in trained(users, np.inf)))
    return dict(popular=float((picked & best).sum(1).div(TOP).mean()), alone=recall(alone).mean(),
                clean=recall(ended(users, np.inf)).mean())  # fmt: skip


@lru_cache(maxsize=16)
def quarters(users):
    """By popularity the quarter of each of the users' ten best, 0 … 3, the popular first (users × 10)."""
    order = world(users)[0].popularity.argsort(descending=True).argsort() * 4 // ITEMS
    return order[_known(users)[3]].numpy()


def recall(found):
    """Each user's recall of her ten (draws × users)."""
    return found.sum(-1) / TOP


@lru_cache(maxsize=48)
def recalls(users, epsilon):
    """The mean recall of each draw by round (draws × rounds + 1)."""
    found = [shown(users, *parts).mean((1, 2)) for parts in zip(*trained(users, epsilon), strict=True)]
    return np.stack(found, 1)
