"""Claims of notebook 10 on fresh seeds: other populations, and other choices of the thousand real applicants."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from fldp_lib import Plan, aggregation, clients, data, models, train
from fldp_lib.data import generators
from tests.replication.claims import claim, seeds

PLAN = Plan(rounds=40, lr=3.0, delta=1e-5, aggregator=aggregation.weighted_mean)
GERMAN = Plan(rounds=20, lr=0.5, delta=1e-4, aggregator=aggregation.weighted_mean)
OPEN = GERMAN.changed(lr=1.0)


@lru_cache(maxsize=32)
def world(seed):
    return generators.credit(seed=seed)


def as_one(dataset):
    return data.federate(dataset.x_train, dataset.y_train, 0 * dataset.y_train, dataset)


def private(plan, epsilon, lr):
    return plan.changed(lr=lr).calibrated(epsilon, clip=2.0, at="client", unit="record")


@lru_cache(maxsize=16)
def protection(epsilon, noises):
    return private(PLAN, epsilon, min(3.0, epsilon * (20 / noises) ** 0.5))


@lru_cache(maxsize=16)
def german_plan(epsilon, noises):
    return private(GERMAN, epsilon, 0.5 * min(1.0, epsilon / noises**0.5))


def quiet(plan):
    return plan.changed(mechanism=replace(plan.mechanism, noise_multiplier=0.0))


def theta(federation, plan, seed):
    model = models.Linear(federation.x_test.shape[1], 1)
    return train(model, federation, plan.changed(seed=seed), progress=False).theta


def regret(found, population, group=slice(None)):
    truth = population.risk_test[group]
    score = torch.sigmoid(population.dataset.x_test @ found[:12] + found[12])[group]
    cost = torch.where(score < 1 / 6, 5 * truth, 1 - truth).mean()
    return float(cost / torch.minimum(5 * truth, 1 - truth).mean()) - 1


@lru_cache(maxsize=64)
def alone(seed):
    """Regret of the median bank's own model."""
    fed = world(seed).federation
    own = clients.local_updates(models.Linear(12, 1), torch.zeros(13), fed, lr=2.0, local_steps=120)
    return float(np.median([regret(found, world(seed)) for found in own]))


@lru_cache(maxsize=64)
def german(seed):
    return data.load("german_credit", seed=seed % 2**32)


def realised(found, dataset):
    denied = torch.sigmoid(dataset.x_test @ found[:-1] + found[-1]) >= 1 / 6
    return float(torch.where(denied, 1 - dataset.y_test, 5 * dataset.y_test).double().mean())


def pooled(dataset):
    """The cost of scikit-learn's logistic regression, with next to no penalty."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e4, max_iter=2_000).fit(dataset.x_train.numpy(), dataset.y_train.numpy())
    denied = torch.from_numpy(fitted.predict_proba(dataset.x_test.numpy())[:, 1]) >= 1 / 6
    return float(torch.where(denied, 1 - dataset.y_test, 5 * dataset.y_test).double().mean())


def costs(plan, block, count, banks=1):
    found = []
    for s in seeds(block, count):
        fed = as_one(german(s)) if banks == 1 else data.split(german(s), banks, how="sizes", alpha=1.0, seed=s)
        found.append(realised(theta(fed, plan, s), german(s)))
    return np.mean(found)


@claim("10", "pooled logistic regression 0.554", quick=True)
def pooled_logistic_regression_and_the_federation_without_privacy(block):
    best, open_ = np.mean([pooled(german(s)) for s in seeds(block, 20)]), costs(OPEN, block, 20)
    return {"pooled": best, "federated": open_}, abs(best - 0.554) < 0.04 and abs(open_ - 0.536) < 0.03


@claim("10", "with noise in shares it costs 0.551 ± 0.018 at ε = 1", quick=True)
def shares_at_one_are_near_pooled_and_below_denying_everybody(block):
    one, two = costs(german_plan(1.0, 1), block, 16), costs(german_plan(2.0, 1), block, 16)
    return {"ε = 1": one, "ε = 2": two}, abs(one - 0.551) < 0.04 and abs(two - 0.532) < 0.04


@claim("10", "With noise at each of the ten banks ε = 4 gives the same", quick=False)
def noise_at_ten_banks_needs_four(block):
    four, one = costs(german_plan(4.0, 10), block, 20, 10), costs(german_plan(1.0, 10), block, 20, 10)
    return {"ε = 4": four, "ε = 1": one}, abs(four - 0.547) < 0.04 and one > 0.62


def banks(seed):
    """Ten banks, the largest with some twenty times the smallest's applicants, dealt at random."""
    people, shares = german(seed), np.geomspace(20, 1, 10)
    sizes = np.floor(shares / shares.sum() * 800).astype(int)
    sizes[0] += 800 - sizes.sum()
    owner = np.random.default_rng(seed % 2**32).permutation(np.repeat(np.arange(10), sizes))
    return data.federate(people.x_train, people.y_train, owner, people)


@claim("10", "With noise at each bank the largest loses 0.075 ± 0.022", quick=True)
def who_gains_at_one(block):
    found = []
    for s in seeds(block, 16):
        own = clients.local_updates(models.Linear(63, 1), torch.zeros(64), banks(s), lr=0.25, local_steps=40)
        own = np.minimum([realised(one, german(s)) for one in own], 0.7)
        each, shared = (realised(theta(as_one(german(s)), german_like(n), s), german(s)) for n in (10, 1))
        found.append((own[0] - each, own[0] - shared, np.median(own) - shared))
    largest, in_shares, median = np.mean(found, 0)
    numbers = {"largest, own noise": largest, "largest, in shares": in_shares, "median, in shares": median}
    return numbers, largest < -0.02 and in_shares > 0 and median > 0.05


@lru_cache(maxsize=4)
def german_like(noises):
    """ε = 1 with so many noises in the sum of all applicants at one place."""
    plan = german_plan(1.0, noises)
    more = plan.mechanism.noise_multiplier * noises**0.5
    return plan.changed(mechanism=replace(plan.mechanism, noise_multiplier=more))


@claim("10", "at 40 banks the cost is 0.700 ± 0.008, that of denying everybody", quick=True)
def forty_banks_have_nothing_left(block):
    forty, ten, one = (costs(german_like(n), block, 16) for n in (40, 10, 1))
    return {"40": forty, "10": ten, "1": one}, abs(forty - 0.7) < 0.03 and one < ten - 0.05


@claim("10", "with noise in shares the gap is 0.13 ± 0.04", quick=True)
def the_young_are_denied_more_with_and_without_privacy(block):
    found = []
    for s in seeds(block, 16):
        people, gaps = german(s), []
        young = people.x_test[:, people.features.index("age")] <= 2 * (25 - 18) / (80 - 18) - 1
        for plan in (OPEN, german_plan(1.0, 1)):
            model = theta(as_one(people), plan, s)
            denied = (torch.sigmoid(people.x_test @ model[:-1] + model[-1]) >= 1 / 6).double()
            gaps.append(float(denied[young & (people.y_test == 0)].mean() - denied[~young & (people.y_test == 0)].mean()))
        found.append(gaps)
    clean, private_ = np.mean(found, 0)
    return {"no privacy": clean, "in shares": private_}, clean > 0.05 and private_ > 0.05 and abs(clean - private_) < 0.08


@claim("10", "has a regret of 0.020, with noise in shares at ε = 1 0.031", quick=True)
def shares_at_one_cost_a_hundredth(block):
    worlds = [(s, world(s), as_one(world(s).dataset)) for s in seeds(block, 8)]
    plain = np.mean([regret(theta(fed, PLAN, s), w) for s, w, fed in worlds])
    one = np.mean([regret(theta(fed, protection(1.0, 1), s), w) for s, w, fed in worlds])
    own = np.mean([alone(s) for s, *_ in worlds])
    numbers = {"plain": plain, "ε = 1": one, "alone": own}
    return numbers, abs(plain - 0.02) < 0.01 and abs(one - 0.03) < 0.015 and abs(own - 0.143) < 0.04


@claim("10", "The clip alone, without any noise, costs the thin files", quick=True)
def the_clip_alone_costs_the_thin_files_more(block):
    found = []
    for s in seeds(block, 15):
        w, fed = world(s), as_one(world(s).dataset)
        models_ = theta(fed, quiet(protection(4.0, 20)), s), theta(fed, PLAN, s)
        thin, full = ([regret(m, w, g) for m in models_] for g in (w.thin_test, ~w.thin_test))
        found.append((thin[0] - thin[1]) - (full[0] - full[1]))
    return {"difference of growth": np.mean(found)}, np.mean(found) > 0.002


@claim("10", "A clip that is too small biases every score, at any ε.", quick=True)
def a_small_clip_is_a_bias(block):
    found = {}
    for clip, rounds, lr in ((0.5, 20, 0.5), (0.5, 80, 1.0), (2.0, 20, 0.5)):
        plan = quiet(german_plan(1.0, 1))
        plan = plan.changed(rounds=rounds, lr=lr, mechanism=replace(plan.mechanism, clip=clip))
        found[f"clip {clip:g}, {rounds} rounds"] = costs(plan, block, 8)
    short, long, wide = found.values()
    return found, short > 1.2 and long > 1.0 and wide < 0.6
