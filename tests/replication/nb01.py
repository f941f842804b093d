"""Claims of notebook 01 on fresh seeds."""

from functools import cache

import numpy as np
import torch
from scipy.special import ndtr

from fldp_lib import Plan, clients, data, mechanisms, models, train
from tests.replication.claims import claim, seeds

TARGET, CLIP, DELTA = 8, 1.0, 1e-5


@cache
def scene():
    """The federation of 455 patients, and their clipped updates (455 × 31) at the zero model."""
    patients = data.load("breast_cancer")
    fed, model = data.split(patients, clients=455, seed=0), models.Linear(30, 1)
    updates = clients.local_updates(model, models.flatten(model), fed, lr=1.0)
    return patients, fed, updates.double(), mechanisms.clip_rows(updates, CLIP)[0].double()


def std_at(epsilon):
    return Plan(rounds=2, lr=1.0, delta=DELTA).calibrated(epsilon, clip=CLIP).mechanism.std


def recognised(candidates, std, seed, draws):
    """Share of patients whose update is nearest to the difference of two noisy sums."""
    generator, hits = torch.Generator().manual_seed(seed), 0
    for _ in range(draws):
        noise = mechanisms.gaussian_noise((2, *candidates.shape), std, generator)
        hits += int((torch.cdist(candidates + noise[0] - noise[1], candidates).argmin(1) == torch.arange(455)).sum())
    return hits / draws / 455


@claim("01", "Noise of 0.03 on every number, where")
def a_little_noise_hides_few(block):
    updates, seed = scene()[2], seeds(block, 1)[0]
    shares = {f"noise {std:g}": recognised(updates, std, seed, 4) for std in (0.03, 0.1)}
    return shares, shares["noise 0.03"] > 0.995 and shares["noise 0.1"] > 0.5


@claim("01", "and the share recognised falls from all to 0.003")
def at_epsilon_1_hardly_anybody_is_recognised(block):
    share = recognised(scene()[3], std_at(1.0), seeds(block, 1)[0], 20)
    return {"recognised": share}, 0.0005 < share < 0.0055


@claim("01", "our attacker, who looks at the difference alone, has 0.05. At ε = 300 it recognises 0.81")
def at_larger_epsilon_more_are_recognised(block):
    shares = {e: recognised(scene()[3], std_at(float(e)), seeds(block, 1)[0], 4) for e in (30, 300)}
    return {f"ε = {e}": s for e, s in shares.items()}, abs(shares[30] - 0.05) < 0.02 and abs(shares[300] - 0.81) < 0.03


@claim("01", "Every measured share agrees with its formula")
def three_attackers_do_what_their_formulas_say(block):
    """A wrong spread for any of the three, or a release left out, moves a share by more than four deviations."""
    clipped, off = scene()[3], []
    u = clipped[TARGET]
    for seed, epsilon in zip(seeds(block, 3), (0.1, 1.0, 10.0), strict=True):
        generator, std, games = torch.Generator().manual_seed(seed), std_at(epsilon), 40_000
        coin = torch.arange(games).unsqueeze(1) % 2
        first, second = (mechanisms.gaussian_noise((games, 31), std, generator) for _ in range(2))  # the others are known
        for seen, spread in ((first - second, 2**0.5), (first, 1.0), ((first + second) / 2, 0.5**0.5)):
            won = float((((seen + coin * u) @ u > u @ u / 2) == coin[:, 0]).double().mean())
            right = ndtr(CLIP / (2 * spread * std))
            off.append(abs(won - right) / (right * (1 - right) / games) ** 0.5)
    return {"largest difference in standard errors": max(off)}, max(off) < 4


@claim("01", "with 10 people, this clip and one step it takes the accuracy from 0.87 to 0.72")
def noise_costs_ten_people_and_not_all(block):
    patients, _, updates, clipped = scene()
    rng, medians = np.random.default_rng(seeds(block, 1)[0]), {}
    others = np.flatnonzero(np.arange(455) != TARGET)
    x, y = patients.x_test.double().numpy(), patients.y_test.numpy()
    for size in (10, 455):
        for name, rows, std in (("neither", updates, 0), ("clip", clipped, 0), ("both", clipped, std_at(1.0))):
            crowds = [rows[rng.choice(others, size - 1, replace=False)].sum(0) for _ in range(100)]
            thetas = np.stack([2 * crowd + rows[TARGET] for crowd in crowds]) + 2**0.5 * std * rng.standard_normal((100, 31))
            hits = ((x @ thetas[:, :30].T + thetas[:, 30] > 0) == y[:, None]).mean(0)
            medians[f"{size} {name}"] = float(np.median(hits))
    small = abs(medians["10 clip"] - 0.87) < 0.03 and abs(medians["10 both"] - 0.72) < 0.06
    return medians, small and medians["455 neither"] - medians["455 both"] < 0.02


@claim("01", "leave 455 people 0.94 and 10 people less than the one step does (0.51)")
def twenty_rounds_help_the_many(block):
    """The one step and the twenty rounds on the same people; the step as in the notebook, on the summed updates."""
    patients, fed, _, clipped = scene()
    plan, medians = Plan(rounds=20, lr=1.0, delta=DELTA).calibrated(1.0, clip=CLIP), {}
    x, y = patients.x_test.double().numpy(), patients.y_test.numpy()
    for size in (10, 455):
        runs, steps = [], []
        for seed in seeds(block, 40):
            rng = np.random.default_rng(seed)
            members = rng.permutation(455)[:size]
            plan_of_seed = plan.changed(seed=seed)
            model, some = models.Linear(30, 1), fed.select(torch.as_tensor(members))
            runs.append(train(model, some, plan_of_seed, progress=False).accuracy[-1])
            theta = 2 * np.asarray(clipped)[members].sum(0) + 2**0.5 * std_at(1.0) * rng.standard_normal(31)
            steps.append(((x @ theta[:30] + theta[30] > 0) == y).mean())
        medians[f"{size} people, 20 rounds"], medians[f"{size} people, one step"] = map(float, map(np.median, (runs, steps)))
    few = medians["10 people, 20 rounds"] < medians["10 people, one step"]
    return medians, few and abs(medians["455 people, 20 rounds"] - 0.94) < 0.015


@claim(
    "01",
    "Rounding looked like protection and was none: all 100 diagnoses are rebuilt, and at least 99 with other questions.",
)
def rounded_counts_give_the_table_away(block):
    secret, shares = scene()[1].pooled()[1][:100].numpy(), []
    for seed in seeds(block, 5):
        groups = np.random.default_rng(seed).integers(0, 2, (400, 100))
        rounded = 5 * np.round(groups @ secret / 5)
        shares.append(((np.linalg.lstsq(groups, rounded, rcond=None)[0] > 0.5) == secret).mean())
    return {"least share rebuilt": min(shares)}, min(shares) >= 0.99


@claim("01", "all 400 counts are answered from the reports with a mean error of 5.4")
def randomised_response_answers_every_count(block):
    secret, keep = scene()[1].pooled()[1][:100].numpy(), np.e / (1 + np.e)
    rng = np.random.default_rng(seeds(block, 1)[0])
    groups = rng.integers(0, 2, (400, 100))
    reports = np.where(rng.random((200, 100)) < keep, secret, 1 - secret)
    estimates = ((reports - 1 + keep) / (2 * keep - 1)) @ groups.T
    response = np.abs(estimates - groups @ secret).mean()
    laplace = np.abs(rng.laplace(0, 400, 400)).mean()
    return {"response": response, "laplace": laplace}, abs(response - 5.4) < 0.5 and laplace > 300
