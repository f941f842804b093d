"""Claims of notebook 24 on fresh seeds: other dealings of patients, other first weights, keys, coins, flips and noise."""

import functools
import math
from dataclasses import replace

import numpy as np
import torch

from fldp_lib import data, mechanisms
from fldp_lib.adversary import vertical as attacks
from fldp_lib.vertical import matching, parties, protection, split
from tests.replication.claims import claim, seeds

CANCER = data.load("breast_cancer")
CALLED = {"size": "clinic", "texture": "hospital", "shape": "laboratory"}


def dealt(seed):
    held = parties.deal(CANCER, by="measure", labels="texture", seed=seed)
    return [replace(party, name=CALLED[party.name]) for party in held]


@functools.lru_cache(maxsize=64)
def world(seed):
    held = dealt(seed)
    ids = sorted(set.intersection(*(set(party.ids) for party in held)))
    return parties.align(held, ids).halves(seed=seed)


def some(table, names):
    at = [table.names.index(name) for name in names]
    held = (tuple(each[place] for place in at) for each in (table.names, table.features, table.xs))
    return parties.Aligned(*held, table.y, table.ids, names.index("hospital"))


def ends(block, names=("clinic", "hospital", "laboratory"), count=6, **how):
    found = []
    for seed in seeds(block, count):
        training, test = (some(each, names) for each in world(seed))
        found.append(split.train(training, seed=seed, record=False, **how).accuracy(test, seed=seed))
    return np.array(found)


@claim("24", "The two lists agree with the plain intersection", quick=False)
def the_match_is_the_plain_intersection(block):
    (seed,) = seeds(block, 1)
    clinic, hospital, laboratory = dealt(seed)
    sides = [matching.Side(party.name, party.ids) for party in (clinic, hospital, laboratory)]  # keys of the system's own
    two, three = matching.two(*sides[:2]), matching.several(sides)
    plain = [set(party.ids) for party in (clinic, hospital, laboratory)]
    opened = {matching.point(name) for name in plain[0] | plain[1]}
    known = sum(len(opened & set(message.points)) for message in two.messages)
    holds = set(two.ids) == plain[0] & plain[1] and set(three.ids) == plain[0] & plain[1] & plain[2] and not known
    return {"two": len(two.ids), "three": len(three.ids), "opened": known}, holds


@claim("24", "above alone in all twenty dealings")
def together_is_better_than_alone(block):
    alone, longer, three = ends(block, ("hospital",)), ends(block, ("hospital",), steps=100), ends(block)
    numbers = {"alone": alone.mean(), "longer": longer.mean(), "three": three.mean()}
    return numbers, bool((three > alone).all()) and three.mean() > longer.mean() + 0.05


def known_of(table):
    return torch.cat([torch.nonzero(table.y == label)[:10, 0] for label in (0, 1)])


@functools.lru_cache(maxsize=4)
def told(block):
    """AUC of labels, one a dealing: by directions, by lengths in the first and second step, by the clinic's own columns."""
    directions, lengths, later, own = [], [], [], []
    for seed in seeds(block, 10):
        table = world(seed)[0]
        known = known_of(table)
        rest = torch.ones(len(table), dtype=torch.bool)
        rest[known] = False
        first, second = split.train(table, steps=2, seed=seed).gradients["clinic"].split(1)
        for kept, score in (
            (directions, attacks.directions(first, known, table.y[known])),
            (lengths, attacks.norms(first)),
            (later, attacks.norms(second)),
            (own, attacks.completion(table.xs[0], known, table.y[known])),
        ):
            kept.append(attacks.auc(score[rest], table.y[rest]))
    return directions, lengths, later, own


@claim("24", "One step's directions give away **every** label")
def one_step_tells_every_label(block):
    directions, _lengths, _later, own = told(block)
    return {"directions": min(directions), "own": np.mean(own)}, min(directions) == 1 and 0.92 < np.mean(own) < 1


@claim("24", "which label's are longer is chance")
def lengths_say_much_but_not_at_first_of_whom(block):
    _directions, lengths, later, _own = told(block)
    numbers = {"least": min(lengths), "most": max(lengths), "second step": np.mean(later)}
    return numbers, min(lengths) < 0.4 and max(lengths) > 0.75 and np.mean(later) > 0.85


def coins(block, labels=None, count=20):
    read, own = [], []
    for seed in seeds(block, count):
        planted, places = attacks.plant(world(seed)[0], 100, seed=seed)
        known, asked = places[:20], places[20:]
        first = split.train(planted, steps=1, seed=seed, labels=labels).gradients["clinic"]
        for kept, score in (
            (read, attacks.directions(first, known, planted.y[known])),
            (own, attacks.completion(planted.xs[0], known, planted.y[known])),
        ):
            kept.append(float(((score > 0) == (planted.y == 1))[asked].double().mean()))
    return np.mean(read), np.mean(own)


@claim("24", "what the flips allow, and no more")
def coins_are_read_as_often_as_flips_allow(block):
    plain, own = coins(block)
    numbers, holds = {"plain": plain, "own columns": own}, plain == 1 and abs(own - 0.5) < 0.05
    for epsilon in (1.0, 2.0):
        flips = mechanisms.RandomisedResponse(epsilon)
        numbers[f"ε = {epsilon:g}"] = read = coins(block, flips)[0]
        holds &= flips.keep - 0.06 < read < flips.keep + 0.04  # 1,600 coins: a standard deviation is 0.011
    return numbers, bool(holds)


@claim("24", "For new patients ε = 4 costs nothing that shows")
def flips_cost_less_than_noise(block):
    plain = ends(block, count=10)
    flips = {e: ends(block, count=10, labels=mechanisms.RandomisedResponse(e)) for e in (1.0, 4.0)}
    noise = ends(block, count=10, labels=protection.guard(4.0, steps=30, clip=0.1, weight_clip=1.0), lr=0.3)
    numbers = {"plain": plain.mean(), "noise": noise.mean()} | {f"ε = {e:g}": each.mean() for e, each in flips.items()}
    holds = abs(plain.mean() - flips[4.0].mean()) < 0.015 and flips[4.0].mean() > noise.mean() + 0.015
    return numbers, bool(holds and flips[1.0].mean() < plain.mean() - 0.02)


def shuffled(table, seed):
    """The same table with each of the clinic's columns in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    columns = [column[torch.randperm(len(column), generator=generator)] for column in table.xs[0].T]
    return replace(table, xs=(torch.stack(columns, 1), *table.xs[1:]))


def explained(block, count=8, known=30, apart=False, **how):
    found, places = [], torch.arange(known)
    for seed in seeds(block, count):
        table = shuffled(world(seed)[0], seed) if apart else world(seed)[0]
        mine, own = table.xs[0], table.xs[table.holder]
        seen = split.train(table, seed=seed, **how).activations["clinic"]
        guesses = (attacks.infer(each, places, mine[places], own=own) for each in (seen, None))
        found.append([float(attacks.explained(mine, each, places).mean()) for each in guesses])
    return np.array(found)


@claim("24", "because one patient's sizes hang together: with each column shuffled by itself")
def activations_give_columns_back(block):
    trained, once = explained(block), explained(block, fixed="random", steps=1)
    numbers = {"trained": trained[:, 0].mean(), "two": once[:, 0].mean(), "without": once[:, 1].mean()}
    numbers["two, shuffled"] = explained(block, apart=True, fixed="random", steps=1)[:, 0].mean()
    numbers["trained, shuffled"] = explained(block, apart=True)[:, 0].mean()
    holds = numbers["trained"] > 0.9 and numbers["two"] > max(0.6, numbers["without"] + 0.2)
    return numbers, bool(holds and numbers["two, shuffled"] < 0.15 and numbers["trained, shuffled"] < 0.3)


@claim("24", "Noise for ε = 32 takes away much of that, not all")
def noise_for_32_leaves_something_for_4_nothing_that_shows(block):
    plain = explained(block, fixed="random", steps=1)
    without, numbers = plain[:, 1].mean(), {"plain": plain[:, 0].mean()}
    for epsilon in (32.0, 4.0):
        guard = protection.guard(epsilon, fixed=True, clip=0.5)
        numbers[f"{epsilon:g}"] = explained(block, fixed="random", steps=1, features=guard)[:, 0].mean()
    holds = without + 0.08 < numbers["32"] < numbers["plain"] - 0.2 and numbers["4"] < without + 0.05
    return numbers | {"without": without}, bool(holds)


@claim("24", "The **sign** of that mean, flipped with the same ε", quick=False)
def a_bit_carries_more_than_a_noisy_number(block):
    noise, once = protection.guard(4.0, fixed=True, clip=0.5), dict(cut=1, steps=100)
    ways = {
        "alone": ends(block, ("hospital",), count=10, steps=100),
        "steps": ends(block, count=10, features=protection.guard(4.0, steps=30, clip=0.25), lr=0.3),
        "mixture": ends(block, count=10, features=noise, fixed="random", **once),
        "mean": ends(block, count=10, features=noise, fixed="mean", **once),
        "sign": ends(block, count=10, features=mechanisms.RandomisedResponse(4.0), fixed="mean", **once),
    }
    numbers = {name: each.mean() for name, each in ways.items()}
    better = (ways["sign"] > ways["alone"]).mean()
    others = max(numbers["mixture"], numbers["mean"])
    holds = numbers["sign"] > max(others, numbers["alone"]) + 0.015 and better >= 0.7
    return numbers | {"above alone": better}, bool(holds and numbers["steps"] < numbers["alone"] - 0.02)


def level(odds):
    return mechanisms.RandomisedResponse(math.log(odds / (1 - odds)))


def finding(share):
    """The flips of which a test with one false alarm in a hundred finds such a share, below 0.99."""
    return mechanisms.RandomisedResponse(math.log(share / 0.01))


@claim("24", "Flips that allow 0.68 at even odds have ε = 0.75, and then noise is ahead")
def noise_is_ahead_of_flips_at_even_odds(block):
    guard = protection.guard(4.0, steps=30, clip=0.1, weight_clip=1.0)
    flips = level(guard.ledger(30).attacker().even_odds)
    noise, flipped = ends(block, count=10, labels=guard, lr=0.3), ends(block, count=10, labels=flips, lr=0.1)
    return {"noise": noise.mean(), "flips": flipped.mean()}, noise.mean() > flipped.mean()


@claim("24", "flips that allow 0.08 there have ε = 2.09 and are ahead")
def flips_are_ahead_of_noise_at_few_false_alarms(block):
    guard = protection.guard(4.0, steps=30, clip=0.1, weight_clip=1.0)
    flips = finding(guard.ledger(30).attacker().tpr)
    noise, flipped = ends(block, count=10, labels=guard, lr=0.3), ends(block, count=10, labels=flips)
    return {"noise": noise.mean(), "flips": flipped.mean()}, flipped.mean() > noise.mean()


@claim("24", "bits that allow 0.08 there have ε = 2.09 and are ahead")
def a_bit_is_ahead_of_a_number_at_few_false_alarms(block):
    guard, how = protection.guard(4.0, fixed=True, clip=0.5), dict(steps=100, cut=1, fixed="mean")
    bit = finding(guard.ledger(1, fixed=True).attacker().tpr)
    mean, sign = (ends(block, count=10, features=each, **how) for each in (guard, bit))
    return {"mean": mean.mean(), "sign": sign.mean(), "more in": (sign > mean).mean()}, sign.mean() > mean.mean()


@claim("24", "Level *at even odds*", quick=False)
def a_bit_and_a_number_are_level_at_even_odds(block):
    numbers, apart = {}, []
    for epsilon in (4.0, 16.0):
        guard = protection.guard(epsilon, fixed=True, clip=0.5)
        bit = level(guard.ledger(1, fixed=True).attacker().even_odds)
        for name, how in (("mean", guard), ("sign", bit)):
            found = ends(block, count=10, steps=100, cut=1, fixed="mean", features=how)
            numbers[f"{name}, {epsilon:g}"] = found.mean()
        apart.append(abs(numbers[f"mean, {epsilon:g}"] - numbers[f"sign, {epsilon:g}"]))
    return numbers, max(apart) < 0.025


@claim("24", "What helps to diagnose helps to infer")
def the_bit_tells_about_columns(block):
    share = explained(block, fixed="mean", steps=1, cut=1, features=mechanisms.RandomisedResponse(4.0))
    return {"sign": share[:, 0].mean(), "without": share[:, 1].mean()}, share[:, 0].mean() > share[:, 1].mean() + 0.1


def search(epsilon=4.0):
    """Print each arm's best settings, by patients held out of the training tables of dealings 100 to 105."""
    halves = [world(seed)[0].halves(seed=seed + 1) for seed in range(100, 106)]

    def right(**how):
        runs = [(split.train(mine, seed=k, record=False, **how), own, k) for k, (mine, own) in enumerate(halves)]
        return float(np.mean([run.accuracy(own, seed=k) for run, own, k in runs]))

    arms = {"steps": {}, "mixture": {}, "mean": {}, "labels": {}, "sign": {}, "flips at even odds": {}}
    odds = protection.guard(epsilon, steps=30).ledger(30).attacker().even_odds
    for lr in (0.03, 0.1, 0.3, 1.0):
        arms["flips at even odds"][lr,] = right(labels=level(odds), lr=lr)
    for lr in (0.1, 0.3, 1.0):
        arms["sign"][lr,] = right(fixed="mean", cut=1, lr=lr, features=mechanisms.RandomisedResponse(epsilon))
        for clip in (0.25, 0.5, 1.0):
            noise = protection.guard(epsilon, fixed=True, clip=clip)
            arms["mean"][lr, clip] = right(fixed="mean", cut=1, lr=lr, features=noise)
            for cut in (1, 2, 4):
                arms["mixture"][lr, clip, cut] = right(fixed="random", cut=cut, lr=lr, features=noise)
        for steps in (5, 15, 30):
            for clip in (0.25, 0.5, 1.0):
                for weight in (0.03, 0.1, 0.3):
                    guard = protection.guard(epsilon, steps=steps, clip=clip, weight_clip=weight)
                    arms["steps"][lr, clip, steps, weight] = right(steps=steps, lr=lr, features=guard)
            for clip in (0.1, 0.3, 1.0):
                for weight in (0.03, 0.1, 0.3, 1.0):
                    guard = protection.guard(epsilon, steps=steps, clip=clip, weight_clip=weight)
                    arms["labels"][lr, clip, steps, weight] = right(steps=steps, lr=lr, labels=guard)
    for name, tried in arms.items():
        best = max(tried, key=tried.get)
        print(f"{name}: best of {len(tried)} {best}, {tried[best]:.3f}")
