"""Claims of notebook 00 on fresh seeds."""

from functools import cache

import numpy as np

from fldp_lib import Plan, clients, data, mechanisms, models, train
from tests.replication.claims import claim, seeds

LR, CLIP, DELTA, FIRST, FOUND = 8.0, 4.0, 1e-5, (20, 1, 4.0), (80, 5, 0.125)


@cache
def patients():
    return data.load("breast_cancer", features=["worst area", "worst smoothness"])


def plan_of(epsilon, rounds, local_steps, clip):
    return Plan.of(rounds=rounds, lr=LR, local_steps=local_steps).calibrated(epsilon, delta=DELTA, clip=clip)


def scores(drawn, settings=FIRST, hospitals=10, epsilon=1.0, mechanism=None):
    """Test accuracies (seeds,) of private runs, or of the same plan with another mechanism."""
    plan = plan_of(epsilon, *settings)
    plan = plan if mechanism is None else plan.changed(mechanism=mechanism(plan.mechanism))
    feds = [data.split(patients(), hospitals, seed=seed) for seed in drawn]
    runs = [train(models.Linear(2, 1), f, plan.changed(seed=s), progress=False) for f, s in zip(feds, drawn, strict=True)]
    return np.array([run.accuracy[-1] for run in runs])


def alone(drawn, hospitals=10):
    """Mean accuracies (seeds,) of a hospital that takes 20 steps by itself."""
    rows = []
    for seed in drawn:
        fed, start = data.split(patients(), hospitals, seed=seed), models.flatten(models.Linear(2, 1))
        thetas = start + clients.local_updates(models.Linear(2, 1), start, fed, local_steps=20, lr=LR)
        benign = thetas[:, :2] @ fed.x_test.T + thetas[:, 2:] > 0
        rows.append(float((benign == fed.y_test).float().mean()))
    return np.array(rows)


@claim("00", "the average of many small hospitals' steps is as good as that of few large ones")
def together_does_not_depend_on_the_deal(block):
    plan, drawn = Plan.of(rounds=20, lr=LR), seeds(block, 4)
    numbers = {}
    for n in (6, 50, 455):
        feds = [data.split(patients(), n, seed=seed) for seed in drawn]
        numbers[f"{n} hospitals"] = np.median(
            [train(models.Linear(2, 1), f, plan, progress=False).accuracy[-1] for f in feds]
        )
    return numbers, max(numbers.values()) - min(numbers.values()) < 0.02 and min(numbers.values()) > 0.93


@claim("00", "ten hospitals reach a median of about 0.9 where the first settings reach about 0.65", quick=False)
def the_settings_found_win_most_of_it_back(block):
    drawn = seeds(block, 100)
    found, first = np.median(scores(drawn, FOUND)), np.median(scores(drawn))
    return {"found": found, "first": first}, 0.88 <= found < 0.93 and abs(first - 0.65) < 0.05


@claim("00", "serve the run without noise, in which the clip shortens no step")
def the_first_clip_binds_nobody(block):
    plan = plan_of(1.0, *FIRST)
    plan = plan.changed(mechanism=mechanisms.Gaussian(0.0, CLIP))
    feds = [data.split(patients(), 10, seed=seed) for seed in seeds(block, 20)]
    most = max(float(max(train(models.Linear(2, 1), fed, plan, progress=False).fraction_clipped)) for fed in feds)
    return {"largest share clipped": most}, most == 0


@claim("00", "What stays true: a hospital alone has 0.94", quick=False)
def ten_hospitals_stay_below_one_alone(block):
    drawn = seeds(block, 40)
    private, single = scores(drawn, FOUND), alone(drawn)
    numbers = {"alone": np.median(single), "private": np.median(private), "worst": private.min()}
    return numbers, abs(numbers["alone"] - 0.94) < 0.015 and numbers["private"] < numbers["alone"]


@claim("00", "It is the noise: the clip alone costs nothing (0.96), the noise alone as much as both.", quick=True)
def the_first_settings_lose_by_the_noise(block):
    drawn, far = seeds(block, 20), 1e6
    both = scores(drawn)
    clip = scores(drawn, mechanism=lambda m: mechanisms.Gaussian(0.0, m.clip))
    noise = scores(drawn, mechanism=lambda m: mechanisms.Gaussian(m.std / far, far))
    numbers = {"clip": np.median(clip), "noise": np.median(noise), "both": np.median(both)}
    return numbers, abs(numbers["clip"] - 0.96) < 0.01 and abs(noise - both).mean() < 0.05 and numbers["noise"] < 0.85


@claim("00", "More rounds alone bring little, for each gets more noise", quick=False)
def more_rounds_alone_bring_little(block):
    drawn = seeds(block, 40)
    few, many = np.median(scores(drawn)), np.median(scores(drawn, (80, 1, CLIP)))
    return {"20 rounds": few, "80 rounds": many}, many < few + 0.1  # the best settings bring 0.3


@claim("00", "and twenty reach what a hospital alone reaches", quick=False)
def twenty_hospitals_reach_one_alone(block):
    drawn = seeds(block, 10)
    private, single = np.median(scores(drawn, FOUND, 20)), np.median(alone(drawn, 20))
    return {"private": private, "alone": single}, abs(private - single) < 0.02


@claim("00", "Private and alone meet between 20 and 100 hospitals", quick=True)
def private_and_alone_meet_in_between(block):
    gaps = {n: np.median(scores(seeds(block, 10), hospitals=n)) - np.median(alone(seeds(block, 10), n)) for n in (20, 100)}
    numbers = {f"private − alone at {n}": gap for n, gap in gaps.items()}
    return numbers, gaps[20] < 0 < gaps[100]


@claim("00", "the same ε takes the accuracy from 0.96 to 0.94, and alone is worse than calling every tumour benign (0.53)")
def one_patient_each_pays_little(block):
    drawn = seeds(block, 10)
    private, single = np.median(scores(drawn, hospitals=455)), np.median(alone(drawn, 455))
    return {"private": private, "alone": single}, abs(private - 0.94) < 0.015 and single < 0.632


@claim("00", "with 455 hospitals of one patient the same small clip leaves no model (0.63)", quick=True)
def the_small_clip_silences_a_crowd(block):
    drawn = seeds(block, 4)
    clip = scores(drawn, FOUND, 455, mechanism=lambda m: mechanisms.Gaussian(0.0, m.clip))
    both = scores(drawn, FOUND, 455)
    return {"clip alone": clip.max(), "both": both.max()}, max(clip.max(), both.max()) < 0.65
