"""Claims of notebook 02 on fresh seeds."""

from functools import cache
from itertools import pairwise

import numpy as np
import torch

from fldp_lib import Plan, clients, data, mechanisms, models, train
from fldp_lib.course.exhibits import _clouds, nb02_more
from tests.replication.claims import claim, seeds

ROUNDS, LR, CLIP, DELTA, LEFT = 5, 8.0, 4.0, 1e-5, 1


def patients():
    return data.load("breast_cancer", features=["worst area", "worst smoothness"])


@cache
def hospitals():
    return data.split(patients(), clients=5, how="dirichlet", alpha=0.3, seed=2)


def play(noise, rng, rounds=10_000):
    """Share of rounds in which "A above the middle" is right about a count of 1 or 0 with noise."""
    inside = rng.integers(2, size=rounds)
    return float(((inside + noise(rng, rounds) > 0.5) == inside).mean())


def paths(epsilon, drawn, left):
    """All released models (runs, rounds + 1, 3) with hospital 2, or without."""
    model, found = models.Linear(2, 1), []
    plan = Plan(rounds=ROUNDS, lr=LR, delta=DELTA).calibrated(epsilon, clip=CLIP)
    fed = hospitals().without(LEFT) if left else hospitals()
    for seed in drawn:
        path = [models.flatten(model)]
        train(
            model, fed, plan.changed(seed=seed), progress=False, callback=lambda t, theta, r, path=path: path.append(theta)
        )
        found.append(torch.stack(path))
    return torch.stack(found), plan


def log_ratio(path, std):
    """Log of the likelihood with hospital 2 over that without, of all models of a run."""
    total = 0.0
    for before, after in pairwise(path):
        updates = clients.local_updates(models.Linear(2, 1), before, hospitals(), lr=LR)
        rows = mechanisms.clip_rows(updates, CLIP)[0]
        z = hospitals().clients * (after - before) - rows.sum(0)
        total += float((z + rows[LEFT] / 2) @ rows[LEFT]) / std**2
    return total


def success(epsilon, block, runs):
    """Shares of right guesses, from all models and from the last, and the most for this noise."""
    drawn = seeds(block, 2 * runs)
    (inside, plan), (outside, _) = paths(epsilon, drawn[:runs], False), paths(epsilon, drawn[runs:], True)
    std = plan.mechanism.std
    every = sum(log_ratio(path, std) > 0 for path in inside) + sum(log_ratio(path, std) <= 0 for path in outside)
    silent = Plan(rounds=ROUNDS, lr=LR, mechanism=mechanisms.Gaussian(0.0, CLIP))
    first, second = (train(models.Linear(2, 1), f, silent).theta for f in (hospitals(), hospitals().without(LEFT)))
    places = [(side[:, -1] - (first + second) / 2) @ (first - second) for side in (inside, outside)]
    last = int((places[0] > 0).sum() + (places[1] <= 0).sum())
    return every / (2 * runs), last / (2 * runs), plan.attacker().even_odds


@claim("02", "Laplace noise holds the best player at 0.70 (by formula")
def laplace_noise_holds_the_player_below_the_bound(block):
    right = play(lambda rng, n: rng.laplace(0, 1, n), np.random.default_rng(seeds(block, 1)[0]))
    return {"right": right}, abs(right - 0.70) < 0.02


@claim("02", "lets the player be right in 0.73 of the rounds")
def geometric_noise_reaches_the_bound(block):
    stop = 1 - np.exp(-1.0)
    right = play(lambda rng, n: rng.geometric(stop, n) - rng.geometric(stop, n), np.random.default_rng(seeds(block, 1)[0]))
    return {"right": right}, abs(right - 0.73) < 0.02


@claim("02", "And the uniform blur scores 0.55")
def the_blur_scores_less_and_finds_one_in_ten(block):
    rng = np.random.default_rng(seeds(block, 1)[0])
    right = play(lambda rng, n: rng.uniform(-5, 5, n), rng)
    certain = float((1 + rng.uniform(-5, 5, 10_000) > 5).mean())
    return {"right": right, "found for certain": certain}, abs(right - 0.55) < 0.02 and abs(certain - 0.1) < 0.015


@claim("02", "Above 170 the belief is 0.73 and below 169 it is 0.27")
def the_edges_of_the_lens_are_reached(block):
    rng = np.random.default_rng(seeds(block, 1)[0])
    inside = rng.integers(2, size=200_000)
    numbers = inside + rng.laplace(0, 1, 200_000)
    above, below = float(inside[numbers > 1].mean()), float(inside[numbers < 0].mean())
    return {"above": above, "below": below}, abs(above - 0.73) < 0.01 and abs(below - 0.27) < 0.01


@claim("02", "the attackers are right in 0.53 and 0.54 of the runs", quick=False)
def at_epsilon_1_models_tell_little(block):
    every, last, most = success(1.0, block, 225)
    error = 0.5 / 450**0.5
    numbers = {"all models": every, "last": last, "most": most}
    return numbers, abs(every - 0.54) < 3 * error and abs(last - 0.53) < 3 * error and every < most + 3 * error


def found(deal, left, drawn):
    """Share of runs at ε = 10 in which the attacker who saw all models is right about one hospital of a deal."""
    fed = data.split(patients(), clients=deal[0], how="dirichlet", alpha=0.3, seed=deal[1])
    plan, half = Plan(rounds=ROUNDS, lr=LR, delta=DELTA).calibrated(10.0, clip=CLIP), len(drawn) // 2
    inside, outside = _clouds.cloud(fed, plan, drawn[:half]), _clouds.cloud(fed.without(left), plan, drawn[half:])
    ratios = [nb02_more._log_ratios(fed, left, path, plan) for path in (inside, outside)]
    return float(((ratios[0] > 0).sum() + (ratios[1] <= 0).sum()) / len(drawn))


@claim("02", "the crowd does not hide the one of a kind", quick=False)
def a_hospital_of_a_kind_is_found_among_thirty_as_among_five(block):
    drawn = tuple(seeds(block, 4_000))
    few, many = found((5, 2), 1, drawn[:2_000]), found((30, 64), 19, drawn[2_000:])
    return {"of 5": few, "of 30": many}, abs(few - 0.82) < 0.03 and abs(many - 0.82) < 0.03


@claim("02", "at ε = 10 it is harder to find", quick=False)
def the_hospital_like_all_is_harder_to_find(block):
    drawn = tuple(seeds(block, 4_000))
    odd, usual = found((5, 2), 1, drawn[:2_000]), found((5, 2), 0, drawn[2_000:])
    return {"one of a kind": odd, "like all": usual}, odd > usual + 0.02


@claim("02", "whoever tests privacy by", quick=False)
def the_last_model_alone_underestimates(block):
    every, last, most = success(10.0, block, 110)
    error = (most * (1 - most) / 220) ** 0.5
    return {"all models": every, "last": last, "most": most}, every - last > 0.05 and abs(every - most) < 3.5 * error


@claim("02", "The insurer is right about the diagnosis for a share of 0.89 of people who never took part")
def outsiders_are_diagnosed(block):
    people = patients()
    large, test = (people.x_train[:, 0] > 0).numpy(), (people.x_test[:, 0] > 0).long().numpy()
    malignant, truth = people.y_train.numpy() == 0, people.y_test.numpy() == 0
    table, right = np.array([[((large == s) & (malignant == k)).sum() for k in (0, 1)] for s in (0, 1)]), []
    for seed in seeds(block, 50):
        says = (table + np.random.default_rng(seed).laplace(0, 10, (2, 2))).argmax(1)
        right.append((says[test] == truth).mean())
    return {"least": min(right), "most": max(right)}, abs(min(right) - 0.89) < 0.01 and abs(max(right) - 0.89) < 0.01
