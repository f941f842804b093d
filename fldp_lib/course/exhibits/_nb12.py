"""What notebook 12's exhibits compute: cities, lines trained with many draws of the noise at once, reports of phones."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from ... import Plan, mechanisms
from ...data import generators
from ...interactive import plots
from ...privacy import attacker
from ._kit import _ as said

LINEAR, CLIP, CARS, DAY = Plan.of(rounds=10, local_steps=5, lr=0.5, delta=1e-4), 0.05, 1_000, 24
UNIT, HIGH = said("error, cars of 1,000"), 130  # what lies above is marked with its number
TICKS = (-10, -5, 0, 5, 10)
MAP = dict(xlabel=said("km"), ylabel=said("km"), x=(-10.9, 10.9), y=(-10.9, 10.9), xticks=TICKS, yticks=TICKS, equal=True)
PASSED, DRAWS = 12, 30
EYE = torch.eye(9, dtype=torch.float64)


@lru_cache(maxsize=8)
def moments(federation):
    """Every client's means of z zᵀ and z·y (clients × 9 × 9, clients × 9), z a record and a 1, and its number of records."""
    z = torch.cat([federation.x, federation.mask.unsqueeze(-1).float()], -1).double()
    count = federation.mask.sum(1).view(-1, 1, 1)
    return z.mT @ z / count, (z.mT @ federation.y.double().unsqueeze(-1) / count).squeeze(-1), count


@lru_cache(maxsize=8)
def _turns(federation, lr, steps):
    """A round's local steps as affine maps of θ, one a client (clients × 9 × 9, clients × 9).

    A local step is θ ↦ θ - 2·lr·(Gθ - h), so that all steps of a client are one map, known beforehand.
    """
    gram, target, _ = moments(federation)
    step, turn, shift = EYE - 2 * lr * gram, EYE.expand_as(gram), torch.zeros_like(target)
    for _ in range(steps):
        turn, shift = step @ turn, (step @ shift.unsqueeze(-1)).squeeze(-1) + 2 * lr * target
    return turn, shift


def fast(federation, plan, draws=1, seed=0):
    """`train` for a line under the squared loss, with many draws of the noise at once: θ by round (rounds + 1, draws, 9)."""
    (turn, shift), mech = _turns(federation, plan.lr, plan.local.steps), plan.mechanism
    theta, generator = torch.zeros(draws, 9, dtype=torch.float64), torch.Generator().manual_seed(seed)
    past, clients = [theta], federation.clients
    mean, moved, move = turn.mean(0).mT, shift.mean(0), (turn - EYE).permute(2, 0, 1).reshape(9, -1)
    for _ in range(plan.rounds):
        if mech is None:
            theta = theta @ mean + moved
        else:
            update = torch.addmm(shift.view(-1), theta, move).view(draws, clients, 9)
            kept = 1 / (torch.linalg.vector_norm(update, dim=2) / mech.clip).clamp_(min=1)  # of each update's length
            noise = mechanisms.gaussian_noise(theta.shape, mech.std, generator)
            theta = theta + (torch.bmm(kept.unsqueeze(1), update).squeeze(1) + noise) / clients
        past.append(theta)
    return torch.stack(past)


def ridge(federation, penalty=1.0):
    """Every sensor's own line by ridge regression (sensors × 9)."""
    gram, target, count = moments(federation)
    return torch.linalg.solve(gram * count + penalty * EYE, target.unsqueeze(-1) * count).squeeze(-1)


def known(federation):
    """What is known before each hour of the test day, and a 1 (sensors × 24 × 9)."""
    z = federation.x_test.double().view(federation.clients, DAY, 8)
    return torch.cat([z, torch.ones_like(z[..., :1])], -1)


def changes(weights, federation):
    """Forecast changes on the test day by shared lines (draws × 9 → draws × sensors × 24)."""
    return (known(federation).view(-1, 9) @ weights.mT).mT.view(-1, federation.clients, DAY)


def own_changes(weights, federation):
    """The same by each sensor's own line (sensors × 9 → sensors × 24)."""
    return (known(federation) @ weights.unsqueeze(-1)).squeeze(-1)


def rms(errors, *over):
    """Root mean square, in cars of a road for 1,000 an hour, over some axes, or over all as a number."""
    return CARS * errors.square().mean(over).sqrt() if over else CARS * float(errors.square().mean().sqrt())


@lru_cache(maxsize=16)
def town(sensors, days=2, seed=1):
    """A city and what does not depend on privacy: errors on the test day as an hour ago, alone and at the noise floor."""
    city = generators.city(sensors, days=days, seed=seed)
    actual = city.flow[:, -DAY:] - city.flow[:, -DAY - 1 : -1]
    own = own_changes(ridge(city.federation), city.federation) - actual
    return city, dict(actual=actual, own=own, floor=(city.flow - city.expected)[:, -DAY:])


@lru_cache(maxsize=64)
def owners_plan(epsilon, clip=CLIP, steps=5, rounds=10):
    """The line's plan with noise at the office for a total ε of a sensor; without any for ε = ∞."""
    plan = LINEAR.changed(local_steps=steps, rounds=rounds)
    return plan.calibrated(epsilon, clip=clip) if epsilon < np.inf else plan


@lru_cache(maxsize=32)
def owners_lines(sensors, epsilon, *setting):
    """Lines by round under many draws of the owners' noise (rounds + 1, draws, 9), or one where ε = ∞."""
    return fast(town(sensors)[0].federation, owners_plan(epsilon, *setting), DRAWS if epsilon < np.inf else 1)


def owners_errors(*setting):
    """Errors of the last round's lines (draws × sensors × 24); arguments as in `owners_lines`."""
    city, base = town(setting[0])
    return changes(owners_lines(*setting)[-1], city.federation) - base["actual"]


@lru_cache(maxsize=64)
def clean_error(sensors, steps=5, rounds=10):
    """The error without clip and noise, in cars."""
    return rms(owners_errors(sensors, np.inf, CLIP, steps, rounds))


@lru_cache(maxsize=32)
def by_round(*setting):
    """The same as one error a round and draw (rounds + 1, draws), in cars."""
    city, base = town(setting[0])
    past = owners_lines(*setting)
    return torch.stack([rms(changes(lines, city.federation) - base["actual"], 1, 2) for lines in past])


def counted(epsilon):
    """The noise of one hour's count for a driver's ε a day: one car in each of twelve counts."""
    return mechanisms.Laplace(epsilon / PASSED, clip=1.0)


@lru_cache(maxsize=64)
def driver(epsilon, passed):
    """What an attacker can do who asks about a driver with so many passages, where the counts are noised."""
    return attacker.of(counted(epsilon), rounds=passed, delta=0.0)


def group_bound(epsilon, passed):
    """What the definition alone allows at even odds for somebody in so many of the units: the group's ε and δ."""
    delta = min(LINEAR.delta * np.expm1(passed * epsilon) / np.expm1(epsilon), 1.0)
    return float(1 - (1 - delta) / (1 + np.exp(passed * epsilon)))


@lru_cache(maxsize=64)
def group(epsilon, passed):
    """What an attacker can do under the owners' noise who asks about somebody in so many of the units, and that bound.

    So many sensors move the noised sum by so many clips at most.
    """
    plan = owners_plan(epsilon)
    mech = mechanisms.Gaussian(plan.mechanism.noise_multiplier / passed, clip=plan.mechanism.clip)
    return replace(plan.changed(mechanism=mech).attacker(), bound=group_bound(epsilon, passed))


@lru_cache(maxsize=32)
def drivers_errors(sensors, epsilon, draws=6):
    """Errors of forecasts learned from, and made from, noisy counts, against the true flow (draws, sensors × 24)."""
    (city, _), generator, scale = town(sensors), torch.Generator().manual_seed(0), counted(epsilon).scale / CARS
    seen = [city.flow + mechanisms.laplace_noise(city.flow.shape, scale, generator) for _ in range(draws)]
    seen = torch.cat(seen)  # of all draws, as if they were more sensors
    federation = replace(city, flow=seen).through(seen)
    turn, shift = _turns(federation, LINEAR.lr, LINEAR.local.steps)
    turn, shift = turn.view(draws, sensors, 9, 9).mean(1), shift.view(draws, sensors, 9, 1).mean(1)
    theta = torch.zeros_like(shift)
    for _ in range(LINEAR.rounds):
        theta = turn @ theta + shift
    change = known(federation).view(draws, -1, 9) @ theta
    return (seen[:, -DAY - 1 : -1] + change.view(-1, DAY)).view(draws, sensors, DAY) - city.flow[:, -DAY:]


def shipped():
    """What a page needs to draw the same cities: the seed."""
    return {"seed": 1}


def on_map(city, better, panel=0):
    """Eight radial and two ring roads, the sensors whose forecast the private model makes better, and the others."""
    marks, turn, size = [], np.linspace(0, 2 * np.pi, 73), 3.4 if len(better) < 100 else 2.4
    ways = [10 * np.outer([-1, 1], [np.cos(angle), np.sin(angle)]) for angle in np.arange(4) * np.pi / 4]
    ways += [radius * np.stack([np.cos(turn), np.sin(turn)], 1) for radius in (4, 8)]
    for x, y in (way.T for way in ways):
        marks.append(plots.line(x, y, 5, panel=panel, width=1, opacity=0.4))
    for which, style in ((better, "private"), (~better, "alone")):
        x, y = city.place[which].T.numpy()
        marks.append(plots.dots(x, y, style, panel=panel, size=size))
    return marks


def cut(x, draws, high, last):
    """The median of the draws at x as a dot, and what lies above the picture as a number; words start at `last` at most."""
    middle, most = np.quantile(draws, [0.5, 0.95])
    marks = [plots.dots([x], [min(middle, high)], "private", size=5)]
    words = said("private {m:,.0f} »") if middle > high else said("19 draws of 20 below {u:,.0f} »") if most > high else ""
    return [*marks, plots.text(min(x, last), high - 6, words.format(m=middle, u=most), "private")] if words else marks
