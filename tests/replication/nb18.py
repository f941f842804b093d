"""Claims of notebook 18 on fresh seeds."""

import functools

import numpy as np
import torch

from fldp_lib import Plan, clients, data, mechanisms, models, train
from fldp_lib.adversary import inversion
from fldp_lib.course.exercises import final18
from fldp_lib.training.scoring import evaluate_all
from tests.replication.claims import claim, seeds

MODEL, CLIP = models.Linear(64, 10), 2.0
PLAIN = Plan(rounds=20, lr=2.0, delta=1e-5)
FEW = Plan.of(rounds=8, local_steps=10, lr=1.0, delta=1e-5)


@functools.cache
def planned(epsilon, plan=PLAIN, at="server"):
    return plan.calibrated(epsilon, clip=CLIP, at=at)


def split(count, seed):
    return data.split(data.load("digits"), count, seed=seed)


def reached(count, plan, block, runs=3):
    """Mean accuracy of runs on as many fresh splits."""
    found = [train(MODEL, split(count, s), plan.changed(seed=s), progress=False).accuracy[-1] for s in seeds(block, runs)]
    return float(np.mean(found))


def alone(count, block):
    fed = split(count, seeds(block, 1)[0])
    some = fed.select(torch.arange(min(60, fed.clients)))
    start = models.flatten(MODEL)
    own = clients.local_updates(MODEL, start, some, lr=0.5, local_steps=30)
    return float(np.mean(evaluate_all(MODEL, start + own, fed)[1]))


@claim("18", "at ε = 2 the accuracy is 0.89 and the attacker is right about 60 of 100 clients")
def many_clients_keep_most_of_the_accuracy(block):
    private = reached(479, planned(2.0), block, 5)
    people = planned(2.0).attacker().people
    return {"accuracy": private, "people": people}, abs(private - 0.89) < 0.03 and people == 60


@claim("18", "With noise at each client and ε = 4 it is 0.2 or less")
def noise_at_each_client_leaves_little(block):
    local = reached(479, planned(4.0, at="client"), block)
    return {"accuracy": local}, local < 0.23


@claim("18", "private (0.19, and 0.41 with the better plan)")
def twenty_clients_are_better_off_alone(block):
    own, one, few = alone(20, block), reached(20, planned(2.0), block, 5), reached(20, planned(2.0, FEW), block, 5)
    return {"alone": own, "private": one, "better plan": few}, own > few + 0.1 and few > one


@claim("18", "still far below the 0.76 that they reach alone")
def the_best_plan_found_is_far_below_alone(block):
    best = Plan.of(rounds=30, local_steps=10, lr=0.5, delta=1e-5).calibrated(2.0, clip=0.25)
    own, found = alone(20, block), reached(20, best, block, 6)
    return {"alone": own, "best plan": found}, found < own - 0.1


@claim("18", "where its lead is gone", quick=False)
def the_lead_of_few_rounds_is_gone_at_many_clients(block):
    found = {count: [reached(count, planned(1.0, plan), block, 10) for plan in (PLAIN, FEW)] for count in (200, 720)}
    leads = {f"lead at {count}": few - one for count, (one, few) in found.items()}
    return leads, leads["lead at 200"] > 0.05 and leads["lead at 720"] < 0.01


@claim("18", "at a hundred it is the other way round (0.54 against 0.70 or 0.87)")
def a_hundred_clients_are_better_off_together(block):
    own, one, few = alone(100, block), reached(100, planned(2.0), block), reached(100, planned(2.0, FEW), block)
    return {"alone": own, "private": one, "better plan": few}, own < min(one, few) and few > one + 0.05


@claim("18", "without noise the count does not matter at all")
def without_noise_the_count_does_not_matter(block):
    found = [reached(count, PLAIN, block, 2) for count in (20, 100, 718)]
    return {"accuracy": found}, max(found) - min(found) < 0.02


@claim("18", "not by the clip, which alone costs nothing here, but by the noise")
def the_clip_alone_costs_nothing(block):
    clipped = PLAIN.changed(mechanism=mechanisms.Gaussian(0.0, clip=CLIP))
    free, clip, noise = (reached(100, plan, block) for plan in (PLAIN, clipped, planned(2.0)))
    return {"no clip": free, "clip": clip, "both": noise}, abs(free - clip) < 0.02 and noise < clip - 0.1


@claim("18", "updates are computed from the data, and give them back")
def an_update_of_one_image_is_the_image(block):
    fed = split(1_437, seeds(block, 1)[0]).select(torch.arange(50))
    sent = clients.local_updates(MODEL, models.flatten(MODEL), fed, lr=2.0)
    found = torch.stack([inversion.read_first_layer(MODEL, update) for update in sent])
    exact = int(((found - fed.x[:, 0]).abs() < 1e-3).all(1).sum())
    return {"exact of 50": exact}, exact == 50


def handed(federation, seed, plan, model):
    plan = plan.changed(seed=seed)
    history, noise = train(model, federation, plan, progress=False), plan.mechanism
    return dict(model=model, plan=plan, theta=history.theta, epsilon=plan.epsilon(), delta=plan.delta, unit=noise.unit,
                neighbours=noise.adjacency, trust=noise.trust, accuracy=history.accuracy[-1])  # fmt: skip


@claim("18", "so a model that knows digits from elsewhere gains nothing", quick=False)
def the_project_s_check_takes_private_training_and_nothing_else(block):
    idle = Plan(rounds=1, lr=1e-6, delta=1e-5).calibrated(2.0, clip=CLIP)
    known = train(MODEL, split(1, 0), rounds=100, lr=1.0, progress=False).trained()
    honest, cheat = [], []
    for seed in seeds(block, 2):
        honest += final18.grade(lambda fed, s: handed(fed, s, planned(2.0), models.Linear(64, 10, seed=s)), seed).lost
        cheat.append(final18.grade(lambda fed, s: handed(fed, s, idle, known), seed).points)
    return {"lost by the honest": len(honest), "points of the cheat": max(cheat)}, not honest and max(cheat) <= 40
