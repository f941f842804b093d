"""Claims of notebook 13 on fresh splits."""

import functools

import numpy as np

from fldp_lib import data
from fldp_lib.course.exhibits import _nb13 as quick
from fldp_lib.training.transport import compression
from tests.replication.claims import claim, seeds
from tests.replication.nb11 import lesson


@functools.cache
def the():
    space = lesson("13")
    space["digits"] = data.load("digits")
    return space


def _final(seed, compressor=None, **terms):
    fed = data.split(the()["digits"], clients=20, seed=seed)
    return float(the()["run"](fed, compressor=compressor, seed=seed, **terms).accuracy[-1])


@functools.cache
def _plain(block):
    return np.array([_final(seed) for seed in seeds(block, 4)])


def _with(block, compressor, **terms):
    return np.array([_final(seed, compressor, **terms) for seed in seeds(block, 4)])


def _rounds(block, how):
    counts = {
        steps: np.mean([the()["rounds_to"](0.9, how, steps, the()["BEST"][how, steps], s) for s in seeds(block, 5)])
        for steps in (1, 5, 20)
    }
    return counts, {f"{steps} steps": count for steps, count in counts.items()}


@claim("13", "Clients that are alike need 5 rounds of one step, two or three of five, one or two of twenty", quick=True)
def local_steps_save_rounds(block):
    counts, numbers = _rounds(block, "iid")
    unlike, more = _rounds(block, "dirichlet")
    saved = unlike[1] > unlike[5] > unlike[20]
    costs = unlike[1] < 5 * unlike[5] < 20 * unlike[20]  # so local steps save messages, and cost gradient steps
    numbers |= {f"unlike, {name}": count for name, count in more.items()}
    return numbers, abs(counts[1] - 5) < 1 and 2 <= counts[5] <= 3 and 1 <= counts[20] <= 2 and saved and costs


@claim("13", "The accuracy falls from 0.944 to 0.862", quick=True)
def forgetting_costs(block):
    found = _with(block, compression.TopK(0.01, error_feedback=False)).mean()
    return {"plain": _plain(block).mean(), "forgotten": found}, abs(_plain(block).mean() - 0.944) < 0.01 and abs(
        found - 0.862
    ) < 0.03


@claim("13", "70 times fewer bytes at an accuracy of 0.940 in place of 0.944", quick=True)
def a_memory_repairs(block):
    forgotten, memory = compression.TopK(0.01, error_feedback=False), _with(block, compression.TopK(0.01))
    longer, shorter = _with(block, forgotten, lr=2.0).mean(), _with(block, forgotten).mean()
    loss = (_plain(block) - memory).mean()
    numbers = {"loss": loss, "long steps": longer, "short ones": shorter, "memory": memory.mean()}
    return numbers, -0.004 < loss < 0.012 and shorter < longer < memory.mean()  # longer steps do not replace a memory


@claim("13", "Two bits a number lose nothing that ten seeds show (0.946 beside 0.944)", quick=True)
def two_bits_lose_nothing(block):
    loss = (_plain(block) - _with(block, compression.Quantise(2))).mean()
    return {"loss": loss}, abs(loss) < 0.006


@claim("13", "at 1% they have 0.599 ± 0.053 after sixty rounds", quick=True)
def random_places_come_too_late(block):
    found = _with(block, compression.RandomK(0.01)).mean()
    return {"accuracy": found}, abs(found - 0.6) < 0.1


@claim("13", "Without noise chance dropouts cost nothing that ten seeds show", quick=True)
def chance_dropouts_cost_nothing(block):
    losses = {f"{lost:.0%}": (_plain(block) - _with(block, None, sampling_rate=1 - lost)).mean() for lost in (0.3, 0.7)}
    return losses, max(map(abs, losses.values())) < 0.008


@claim(
    "13",
    "now and then a whole digit is gone: in two of these six splits, in about one of twelve elsewhere",
    quick=False,
)
def the_slow_take_their_data_along(block):
    found = []
    for seed in seeds(block, 12):
        for who in the()["without_slow"](seed):
            history = the()["run"](who, rounds=100)
            found.append([history.accuracy[-1], *(the()["recall_of"](history, digit) for digit in (8, 9))])
    found = np.array(found).reshape(12, 2, 3)
    everybody, fast = found[:, :, 0].mean(0)
    gone = (found[:, 1, 1:] < 0.1).any(1).mean()
    return {"all": everybody, "fast": fast, "a digit gone": gone}, everybody - fast > 0.015 and gone <= 3 / 12


@claim("13", "The accuracy is 0.91 or a point less", quick=False)
def messages_keep_private_accuracy(block):
    space = the()
    space["single"] = data.split(space["digits"], 1_437)
    kinds = {"plain": None, "4 bits": compression.Quantise(4), "top 10%": compression.TopK(0.1)}
    found = {
        name: np.median([space["private"](kind, seed).accuracy[-1] for seed in seeds(block, 3)])
        for name, kind in kinds.items()
    }
    return found, all(0.885 < value < 0.925 for value in found.values())


@claim(
    "13",
    "Who does not wait has 0.86 after ten minutes, where the others have 0.76, and 0.89 after an hour, where they have 0.93",
    quick=True,
)
def who_does_not_wait_is_ahead_at_first(block):
    found = {
        minutes: np.mean([[quick.reached("data", 20, k, s, minutes)[1] for k in (0, 4)] for s in seeds(block, 8)], 0)
        for minutes in (10, 60)
    }
    numbers = {f"{name}, {m} minutes": v for m, pair in found.items() for name, v in zip(("all", "fast"), pair, strict=True)}
    return numbers, found[10][1] - found[10][0] > 0.03 and found[60][0] - found[60][1] > 0.01


@claim("13", "Thirteen numbers have 0.49 where all numbers have 0.88, each with the best clip tried", quick=True)
def few_numbers_drown_in_the_noise(block):
    searched, few = the()["searched"], compression.TopK(0.02)
    found = [np.mean([searched(*how, s) for s in seeds(block, 3)]) for how in ((1.0, None), (1.5, few))]
    return {"all": found[0], "13": found[1]}, abs(found[0] - 0.88) < 0.02 and abs(found[1] - 0.49) < 0.06
