"""Claims of notebook 21 on fresh seeds: other ways to deal the digits out, other noise, other records held out."""

import numpy as np
import torch

from fldp_lib import Plan, aggregation, data, models, train
from fldp_lib.training import algorithms, personal, scoring
from tests.replication.claims import claim, seeds

DIGITS, MODEL = data.load("digits"), models.Linear(64, 10)
TWENTY, FIVE, PLAIN = algorithms.FedAvg(20), algorithms.FedAvg(5), algorithms.ServerSGD()


def deal(seed, alpha=0.02, count=20):
    return data.split(DIGITS, count, "dirichlet", alpha=alpha, seed=seed)


def end(fed, lr, local, server=PLAIN):
    settings = dict(rounds=20, lr=lr, local=local, server=server, aggregator=aggregation.weighted_mean, progress=False)
    return float(train(MODEL, fed, **settings).accuracy[-1])


@claim("21", "No number of rounds mends it")
def fedavg_rests_where_the_formula_says(block):
    apart, off = [], []
    for seed in seeds(block, 20):
        rng = np.random.default_rng(seed)
        bent, optima = np.exp(rng.uniform(np.log(0.05), 0, 5)), rng.normal(size=5)
        theta, p = 3.0, 1 - (1 - 0.9 * bent) ** 10
        for _ in range(400):
            here = np.full(5, theta)
            for _ in range(10):
                here = here - 0.9 * bent * (here - optima)
            theta = here.mean()
        off.append(abs(theta - p @ optima / p.sum()))
        apart.append(abs(theta - bent @ optima / bent.sum()))
    return {"off the formula": max(off), "off the optimum": np.median(apart)}, max(off) < 1e-9 and np.median(apart) > 0.05


@claim("21", "SCAFFOLD closes the gap")
def scaffold_ends_where_like_clients_end(block):
    (seed,) = seeds(block, 1)
    alike = end(deal(seed, 1e4), 2.0, TWENTY, algorithms.ServerSGD(2.0))
    mended = end(deal(seed), 2.0, algorithms.Scaffold(20), algorithms.ServerSGD(2.0))
    plain = end(deal(seed), 2.0, TWENTY)
    return {"alike": alike, "SCAFFOLD": mended, "FedAvg": plain}, mended > alike - 0.02 and mended > plain + 0.015


@claim("21", "So do the server optimisers, nearly", quick=False)
def server_optimisers_lie_above_fedavg(block):
    gaps = {name: [] for name in ("FedAvgM", "FedAdam", "FedYogi", "FedProx")}
    for seed in seeds(block, 3):
        plain = end(deal(seed), 2.0, TWENTY)
        gaps["FedAvgM"].append(end(deal(seed), 2.0, TWENTY, algorithms.FedAvgM(1.0)) - plain)
        gaps["FedAdam"].append(end(deal(seed), 0.5, TWENTY, algorithms.FedAdam(0.3, tau=0.01)) - plain)
        gaps["FedYogi"].append(end(deal(seed), 0.5, TWENTY, algorithms.FedYogi(0.3, tau=0.01)) - plain)
        gaps["FedProx"].append(end(deal(seed), 2.0, algorithms.FedProx(20, 0.01)) - plain)
    means = {name: float(np.mean(found)) for name, found in gaps.items()}
    return means, min(means["FedAvgM"], means["FedAdam"], means["FedYogi"]) > 0.015 and means["FedProx"] < 0.01


@claim("21", "A longer plain step helps, to 0.91 at best, and then harms", quick=False)
def momentum_is_no_longer_step(block):
    longer = {server: [] for server in (1.0, 2.0, 4.0, 8.0)}
    momentum = []
    for seed in seeds(block, 2):
        momentum.append(end(deal(seed), 0.5, TWENTY, algorithms.FedAvgM()))
        for server, found in longer.items():
            found.append(end(deal(seed), 0.5, TWENTY, algorithms.ServerSGD(server)))
    means = {f"step {server:g}": float(np.mean(found)) for server, found in longer.items()}
    return means | {"momentum": np.mean(momentum)}, np.mean(momentum) > max(means.values()) + 0.01


class Told(algorithms.Scaffold):
    """SCAFFOLD whose c is the true mean of all c_k: no ε holds for it."""

    def receive(self, update, state, share, lr):
        moved = super().receive(update, state, share, lr)
        state["c"] = state["c_k"].mean(0)
        return moved


def noisy(seed, lr, clip, local, server=PLAIN):
    """The run of 200 clients at a total ε of 8."""
    plan = Plan(rounds=20, lr=lr, local=local, server=server, seed=seed).calibrated(8.0, clip=clip)
    return train(MODEL, deal(seed, count=200), plan, progress=False)


def search(seed=100):
    """Print each algorithm's best of 30 settings on one dealing, by accuracy on the training images."""
    arms = {
        "FedAvg": [(FIVE, algorithms.ServerSGD(s)) for s in (1.0, 3.0)],
        "FedAvgM": [(FIVE, algorithms.FedAvgM(s)) for s in (0.1, 0.4)],
        "FedAdam": [(FIVE, algorithms.FedAdam(s, tau=0.01)) for s in (0.05, 0.15)],
        "SCAFFOLD": [(algorithms.Scaffold(5), algorithms.ServerSGD(s)) for s in (0.3, 1.0)],
    }
    for name, pairs in arms.items():
        tried = [(lr, clip, *pair) for lr in (0.5, 2.0, 4.0) for clip in (0.2, 0.5, 1.0, 3.0, 6.0) for pair in pairs]
        outputs = [models.predict(MODEL, noisy(seed, *terms).theta, DIGITS.x_train) for terms in tried]
        right = [float((o.argmax(1) == DIGITS.y_train).double().mean()) for o in outputs]
        print(name, tried[int(np.argmax(right))], f"{max(right):.3f}")


class Fresh(algorithms.Scaffold):
    """SCAFFOLD with one round's noise in c and none from before: no ε holds for it."""

    def start(self, model, clients):
        state = super().start(model, clients)
        return state | {"before": state["c"].clone()}

    def receive(self, update, state, share, lr):
        moved = super().receive(update, state, share, lr)
        state["c"] = (state["before"] - share * update / (self.steps * lr)).to(state["c"])
        state["before"] = state["c_k"].mean(0)
        return moved


@claim("21", "SCAFFOLD, which closed the gap without noise, is now the last", quick=False)
def noise_in_c_is_what_scaffold_loses_by(block):
    found = {"FedAvg": [], "FedAvgM": [], "FedAdam": [], "SCAFFOLD": [], "c told": [], "fresh noise": []}
    for seed in seeds(block, 4):
        found["FedAvg"].append(noisy(seed, 4.0, 3.0, FIVE, algorithms.ServerSGD(3.0)).accuracy[-1])
        found["FedAvgM"].append(noisy(seed, 4.0, 6.0, FIVE, algorithms.FedAvgM(0.4)).accuracy[-1])
        found["FedAdam"].append(noisy(seed, 4.0, 6.0, FIVE, algorithms.FedAdam(0.15, tau=0.01)).accuracy[-1])
        found["SCAFFOLD"].append(noisy(seed, 4.0, 0.5, algorithms.Scaffold(5)).accuracy[-1])
        found["c told"].append(noisy(seed, 4.0, 0.5, Told(5)).accuracy[-1])
        found["fresh noise"].append(noisy(seed, 4.0, 0.5, Fresh(5)).accuracy[-1])
    means = {name: float(np.mean(each)) for name, each in found.items()}
    last = means["SCAFFOLD"] < min(means["FedAvg"], means["FedAvgM"], means["FedAdam"])
    level = max(abs(means[name] - means["FedAvg"]) for name in ("FedAvgM", "FedAdam")) < 0.03
    return means, last and level and means["SCAFFOLD"] < min(means["c told"], means["fresh noise"]) - 0.02


def judged(thetas, own):
    scores = scoring.score_clients(MODEL, thetas, own)[1]
    return float(np.average(np.nan_to_num(scores), weights=own.sizes))


@claim("21", "and above training alone", quick=False)
def own_steps_are_best_or_level_with_ditto(block):
    numbers, holds = {}, True
    for count, steps, pull in ((40, 5, 0.3), (10, 10, 0.1)):
        found = {"alone": [], "shared": [], "own steps": [], "Ditto": []}
        for seed in seeds(block, 3):
            mine, own = deal(seed, 0.3, count).held_out(1 / 3, seed=seed)
            plan, zero = Plan.of(rounds=20, lr=1.0, local_steps=5), torch.zeros(650)
            theta = train(MODEL, mine, plan, progress=False).theta
            longer = train(MODEL, mine, plan.changed(lr=3.0), progress=False).theta
            alone = [judged(personal.fine_tune(MODEL, zero, mine, n, 1.0), own) for n in (30, 100, 300)]
            found["alone"].append(max(alone))
            found["shared"].append(max(judged(theta, own), judged(longer, own)))
            found["own steps"].append(judged(personal.fine_tune(MODEL, theta, mine, steps, 0.5), own))
            found["Ditto"].append(judged(personal.ditto(MODEL, theta, mine, pull, 100, 0.5), own))
        means = {name: float(np.mean(each)) for name, each in found.items()}
        numbers |= {f"{count} clients, {name}": mean for name, mean in means.items()}
        holds &= means["own steps"] > max(means["alone"], means["shared"])
        holds &= abs(means["own steps"] - means["Ditto"]) < 0.02
    return numbers, holds


def promised(seed, count, own, alone, alpha=0.1, epsilon=1.0):
    """Right of the clients' own test images: shared at a total ε, with own steps from it, and alone at its best.

    Args:
        own: number and size of the steps from the shared model.
        alone: such pairs for those from zero, of which the best on the test images counts.
    """
    mine, test = deal(seed, alpha, count).held_out(1 / 3, seed=seed)
    plan = Plan.of(rounds=12, lr=1.0, local_steps=5, seed=seed).calibrated(epsilon, clip=2.0)
    theta, zero = train(MODEL, mine, plan, progress=False).theta, torch.zeros(650)
    lone = max(judged(personal.fine_tune(MODEL, zero, mine, *pair), test) for pair in alone)
    return [judged(theta, test), judged(personal.fine_tune(MODEL, theta, mine, *own), test), lone]


@claim("21", "and yet a slightly better start", quick=False)
def own_steps_from_a_noisy_model_are_no_worse_than_alone(block):
    grid = ((10, 0.5), (30, 0.5), (50, 1.0))
    shared, kept, alone = np.transpose([promised(seed, 200, (30, 0.5), grid) for seed in seeds(block, 4)])
    numbers = {"shared": shared.mean(), "own steps": kept.mean(), "alone": alone.mean()}
    return numbers, kept.mean() > alone.mean() and shared.mean() < alone.mean() - 0.1


@claim("21", "a client is best off alone")
def thirty_clients_are_better_off_alone_at_a_small_epsilon(block):
    shared, kept, alone = promised(*seeds(block, 1), 30, (300, 1.0), [(100, 1.0)])
    return {"shared": shared, "own steps": kept, "alone": alone}, alone > kept > shared


@claim("21", "enough own steps bring it level with alone")
def many_own_steps_make_up_for_less_noise(block):
    shared, kept, alone = promised(*seeds(block, 1), 30, (300, 1.0), [(100, 1.0)], epsilon=4.0)
    return {"shared": shared, "own steps": kept, "alone": alone}, abs(alone - kept) < 0.03 and kept > shared + 0.1


@claim("21", "own steps harm it")
def own_steps_harm_a_good_shared_model_of_like_clients(block):
    shared, kept, alone = promised(*seeds(block, 1), 200, (1, 0.5), [(100, 1.0), (300, 1.0)], alpha=0.5, epsilon=4.0)
    return {"shared": shared, "own steps": kept, "alone": alone}, shared > kept > alone
