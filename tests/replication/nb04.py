"""Claims of notebook 04 on fresh seeds: other noise, other coins, other patients set aside for testing."""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch

from fldp_lib import accounting, data, mechanisms, models, train
from tests.replication.claims import claim, seeds

LOW, HIGH = 6.0, 30.0


@lru_cache(maxsize=1)
def patients():
    """(radius, benign), as in the notebook."""
    found = data.load("breast_cancer", features=["mean radius"], scale="linear")
    return LOW + (found.x_train[:, 0].double().numpy() + 1) / 2 * (HIGH - LOW), found.y_train


def generator(block):
    return np.random.default_rng(seeds(block, 1)[0])


@claim("04", "that is what this mechanism allows, and it is less than the bound")
def the_nearer_sum_is_right_as_often_as_computed(block):
    rng, trials, right = generator(block), 100_000, []
    for b in (1.0, 24.0):
        secret = rng.integers(0, 2, trials)
        right.append(float((secret == (secret * 24 + rng.laplace(0, b, trials) > 12)).mean()))
    return {"naive": right[0], "right scale": right[1]}, right[0] > 0.995 and abs(right[1] - 0.697) < 0.006


@claim("04", "a factor of about 15")
def randomised_response_costs_a_factor_of_about_15(block):
    radius, benign = patients()
    rr, coin = mechanisms.RandomisedResponse(epsilon=1.0), torch.Generator().manual_seed(seeds(block, 1)[0])
    estimates = torch.stack([rr.estimate(rr.randomise(benign, coin))[1] for _ in range(800)])
    factor = float(estimates.std()) / (2**0.5 / len(radius))
    off = abs(float(estimates.mean()) - float(benign.double().mean()))
    return {"factor": factor, "off on average": off}, 13.5 < factor < 16.5 and off < 0.01


@claim("04", "At a fixed ε no local protocol does better than order $1/\\sqrt n$")
def the_factor_grows_as_the_root(block):
    coin, rr = torch.Generator().manual_seed(seeds(block, 1)[0]), mechanisms.RandomisedResponse(epsilon=1.0)
    factors = []
    for n in (100, 1_600):
        answers = (torch.arange(n) < 0.6 * n).long()
        estimates = torch.stack([rr.estimate(rr.randomise(answers, coin))[1] for _ in range(600)])
        factors.append(float(estimates.std()) / (2**0.5 / n))
    return {"n = 100": factors[0], "n = 1,600": factors[1]}, 3.3 < factors[1] / factors[0] < 4.8


@claim("04", "The error falls as $1/\\sqrt k$")
def repeated_answers_average_the_noise_away(block):
    rng, scale = generator(block), 24 / 455
    errors = [float((rng.laplace(0, scale, (400, k)).mean(1) ** 2).mean() ** 0.5) for k in (1, 100, 10_000)]
    return {"errors": errors}, all(8 < a / b < 12.5 for a, b in pairwise(errors))


@claim("04", "that each move by 1, the most they can")
def no_other_direction_costs_more_than_the_corner(block):
    rng, d = generator(block), 8
    b = accounting.calibrate("laplace", epsilon=1.0, delta=1e-4, rounds=d).scale
    costs = []
    for moved in (np.ones(d), rng.uniform(0, 1, d), rng.permutation(np.repeat([0.5, 1.0], d // 2))):
        ledger = accounting.Ledger(1e-4)
        for one in moved:
            ledger.spend(mechanisms.Laplace(one / b, 1.0))
        costs.append(float(ledger.epsilon))
    return {"corner": costs[0], "others": costs[1:]}, abs(costs[0] - 1) < 0.01 and max(costs[1:]) < costs[0]


@claim("04", "smaller by about $\\sqrt2$, no more")
def the_gaussian_wins_by_the_root_of_two(block):
    """At ε and δ of the block's own, for a thousand numbers."""
    rng = generator(block)
    epsilon, delta = float(rng.uniform(0.5, 3)), float(10 ** rng.uniform(-7, -4))
    gauss = accounting.calibrate("gaussian", epsilon=epsilon, delta=delta).noise_multiplier * 1_000**0.5
    ratio = accounting.calibrate("laplace", epsilon=epsilon, delta=delta, rounds=1_000).std / gauss
    return {"ε": epsilon, "δ": delta, "Laplace over Gaussian": ratio}, 1.3 < ratio < 1.45


@claim("04", "One replacement changes all 455 rows")
def own_statistics_spread_one_replacement(block):
    radius, _ = patients()
    rng, rows = generator(block), []
    for _ in range(10):
        other = radius.copy()
        other[rng.integers(455)] = rng.choice([LOW, HIGH])
        moved = [abs((x - x.mean()) / x.std() - (y - y.mean()) / y.std()) for x, y in ((other, radius),)]
        rows.append(int((moved[0] > 1e-12).sum()))
        fixed = int((np.clip(other, LOW, HIGH) != np.clip(radius, LOW, HIGH)).sum())
    return {"fewest rows": min(rows), "public bounds": fixed}, min(rows) >= 454 and fixed == 1


@claim("04", "where columns scaled one by one reach", quick=False)
def pooled_scaling_costs_accuracy(block):
    full, gaps = data.load("breast_cancer"), []
    low, high = (np.log(edge) for edge in full.bounds.T)
    x = np.exp(low + (torch.cat([full.x_train, full.x_test]).double().numpy() + 1) / 2 * (high - low))
    y = torch.cat([full.y_train, full.y_test])
    for seed in seeds(block, 3):
        order, found = np.random.default_rng(seed).permutation(len(x)), []
        inside, outside = x[order[:455]], x[order[455:]]
        for mean, std in ((inside.mean(), inside.std()), (inside.mean(0), inside.std(0))):
            best = 0.0
            for lr in (0.1, 0.5, 5.0):
                scaled = [torch.from_numpy((part - mean) / std).float() for part in (inside, outside)]
                images = replace(full, x_train=scaled[0], x_test=scaled[1], y_train=y[order[:455]], y_test=y[order[455:]])
                fed = data.split(images, clients=1, seed=0)
                best = max(best, train(models.Linear(30, 1), fed, rounds=200, lr=lr, progress=False).accuracy[-1])
            found.append(best)
        gaps.append(found[1] - found[0])
    return {"gaps": gaps}, np.mean(gaps) > 0.02
