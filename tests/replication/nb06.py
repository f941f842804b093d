"""Claims of notebook 06 on fresh noise."""

import numpy as np
import torch

from fldp_lib import mechanisms
from tests.replication.claims import claim, seeds

MEANS, BOUND = [1.0, 3.0], 2.0  # of the two stations
RATES = np.round(np.geomspace(0.05, 1.6, 16), 3)


def private_rounds(means, epsilon, lr, rounds, runs, seed):
    """theta after the last round (runs,), as in the notebook."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.as_tensor(means).double().unsqueeze(1)
    noise, theta = mechanisms.Laplace(epsilon, clip=BOUND, at="client"), torch.zeros(runs, dtype=torch.float64)
    for _ in range(rounds):
        gradients = (theta - means).clamp(-BOUND, BOUND)
        theta = theta - lr * (gradients + noise.noise((len(means), runs), generator)).mean(0)
    return theta


def error_of(total, rounds, rate, seed, runs=1_000):
    return float((private_rounds(MEANS, total / rounds, rate, rounds, runs, seed) - 2).square().mean().sqrt())


def best(total, rounds, block):
    """The rate is chosen on the block's first seed and judged on its second."""
    tune, judge = seeds(block, 2)
    return error_of(total, rounds, min(RATES, key=lambda rate: error_of(total, rounds, rate, tune)), judge)


@claim("06", "of 2 participants one run in seven ends within 0.5 of the best value, of 2,000 every one")
def a_crowd_leaves_something_to_be_seen(block):
    (seed,) = seeds(block, 1)
    two, crowd = (private_rounds(MEANS * copies, 1.0, 0.5, 10, runs, seed) for copies, runs in ((1, 2_000), (1_000, 100)))
    shares = [float(((theta - 2).abs() < 0.5).double().mean()) for theta in (two, crowd)]
    return {"2": shares[0], "2,000": shares[1]}, 0.12 < shares[0] < 0.18 and shares[1] > 0.99


@claim("06", "one round ends 0.5 from the best value, ten rounds 1.3 at their best")
def fewer_rounds_at_the_same_total(block):
    one, ten, default = best(10, 1, block), best(10, 10, block), error_of(10, 10, 0.5, seeds(block, 3)[2])
    numbers = {"one": one, "ten": ten, "ten, α = 0.5": default}
    return numbers, abs(one - 0.5) < 0.1 and abs(ten - 1.3) < 0.15 and default > 3


@claim("06", "nothing in the search does much better than not to train (1.9 against 2), and ten rounds do harm")
def nothing_at_a_total_of_one(block):
    found = [best(1, rounds, block) for rounds in (1, 2, 5, 10)]
    return {"1, 2, 5, 10 rounds": found}, 1.75 < min(found) < 2.05 and found[-1] > 4


def ten_rounds(copies, place, seed, runs):
    n, generator = 2 * copies, torch.Generator().manual_seed(seed)
    noise = mechanisms.Laplace(1.0, clip=1.0, at=place)
    theta, means = torch.zeros(runs, dtype=torch.float64), torch.tensor(MEANS).double()
    for _ in range(10):
        updates = (0.5 * (means.unsqueeze(1) - theta)).clamp(-1, 1)
        draws = noise.noise((n, runs) if place == "client" else (1, runs), generator).sum(0)
        theta = theta + updates.mean(0) + draws / n
    return float((theta - 2).square().mean().sqrt())


@claim("06", "Noise once on the sum does it with far fewer: 0.15 with 10 participants")
def local_and_central_noise_by_participants(block):
    (seed,) = seeds(block, 1)
    local = [ten_rounds(copies, "client", seed, 1_000) for copies in (1, 50)]
    central = [ten_rounds(copies, "server", seed, 1_000) for copies in (1, 5, 50)]
    holds = local[0] > 2 and central[0] < 1.1 and abs(central[1] - 0.15) < 0.02
    return {"local 2, 100": local, "central 2, 10, 100": central}, holds and local[0] / local[1] < central[0] / central[2]


@claim("06", "nobody is right more often than 0.697 of the time")
def the_nearer_answer_is_right_as_often_as_computed(block):
    coin = torch.Generator().manual_seed(seeds(block, 1)[0])
    which = torch.rand(200_000, generator=coin) < 0.5
    report = which + mechanisms.laplace_noise((200_000,), 1.0, coin)
    right = {cut: float(((report > cut) == which).double().mean()) for cut in (0.25, 0.5, 0.75, 1.5)}
    return {f"cut at {cut}": share for cut, share in right.items()}, abs(right[0.5] - 0.697) < 0.005 and all(
        share < 0.7 for share in right.values()
    )


@claim("06", "*The sum of two Laplace noises is not a Laplace noise: same height at 0, half the variance.*")
def two_noises_are_not_one_of_twice_the_scale(block):
    coin = torch.Generator().manual_seed(seeds(block, 1)[0])
    own = mechanisms.laplace_noise((2, 200_000), 1.0, coin).sum(0)
    printed = mechanisms.laplace_noise((200_000,), 2.0, coin)
    heights = [float((noise.abs() < 0.1).double().mean()) / 0.2 for noise in (own, printed)]
    ratio, tails = float(own.var() / printed.var()), [float((noise.abs() > 8).double().mean()) for noise in (own, printed)]
    holds = abs(ratio - 0.5) < 0.03 and abs(heights[0] - 0.25) < 0.02 and abs(heights[1] - 0.25) < 0.02
    return {"variances": ratio, "heights": heights, "beyond 8": tails}, holds and tails[0] < tails[1] / 2


@claim("06", "Without it the attacker is right with frequency 1.00")
def an_unbounded_reading_is_found_out(block):
    coin = torch.Generator().manual_seed(seeds(block, 1)[0])
    which = torch.rand(20_000, generator=coin) < 0.5
    reports = torch.where(which, -1.9 * 11.0, -1.9 * 1.0) + mechanisms.laplace_noise((20_000,), 1.0, coin)
    right = float((((reports + 20.9).abs() < (reports + 1.9).abs()) == which).double().mean())
    return {"right": right}, right > 0.995
