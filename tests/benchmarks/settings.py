"""The search behind notebook 20's SETTINGS: step size and clip of each way, on held-out fifths of the training images.

    OMP_NUM_THREADS=1 PYTHONPATH=. python -m tests.benchmarks.settings

For each way and ε, prints the mean accuracy (four splits, four draws of the noise) of the best pairs of the grid, and of the
best with a step size one beyond it. About six minutes.
"""

import dataclasses

import numpy as np
import torch

from fldp_lib import Plan
from fldp_lib.course.exhibits import _cohorts, _crowds
from fldp_lib.training import _streams

GROUPS, DELTA = 20, 1e-5
KINDS = {"independent": "independent", "correlated": "optimised", "secret cohort": "poisson", "everybody": "all"}
RATES, BEYOND = (0.25, 0.5, 1, 2, 4), (0.125, 8)
CLIPS = (0.125, 0.18, 0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8)


def fold(seed):
    """A crowd of 1,150 training images that is tested on the other 287."""
    order = torch.randperm(1437, generator=torch.Generator().manual_seed(seed))
    full = _crowds.digits()
    held = full.select(order[1150:])
    return _crowds.Crowd(dataclasses.replace(full.select(order[:1150]), x_test=held.x[:, 0], y_test=held.y[:, 0]))


def met(kind, rounds, seed):
    """The members of each round; turns are dealt by the seed, so that no pair is fitted to the one deal that `train` has."""
    if kind in ("poisson", "all"):
        return _cohorts.cohorts_of(1150, kind, GROUPS, rounds, seed)
    words = np.random.SeedSequence((seed, _streams.DEAL)).generate_state(624)
    dealt = torch.randperm(1150, generator=_streams._generator(words))
    return [dealt[t % GROUPS :: GROUPS].sort().values for t in range(rounds)]


def searched(kind, epsilon, folds):
    """Mean accuracy of each pair, {(step size, clip): accuracy}."""
    base = _cohorts.planned(kind, epsilon, 1.0, GROUPS)
    if kind == "poisson":  # the explorer's own price is a bound
        base = Plan(base.rounds, base.lr, sampling_rate=1 / GROUPS, delta=DELTA).calibrated(epsilon, clip=1.0)
    draws = [tuple(range(500 + 10 * s, 504 + 10 * s)) for s in range(len(folds))]
    noise = [_cohorts.noise_of(base, each) * (1150 / 1437) for each in draws]  # as much a client as with all 1,437
    cohorts = [met(kind, base.rounds, 700 + s) for s in range(len(folds))]
    found = {}
    for lr in (*RATES, *BEYOND):
        for clip in CLIPS:
            plan = base.changed(lr=lr, mechanism=dataclasses.replace(base.mechanism, clip=clip))
            runs = (_cohorts.together(crowd, plan, who, unit * clip, base.rounds)[1][:, -1]
                    for crowd, who, unit in zip(folds, cohorts, noise, strict=True))  # fmt: skip
            found[lr, clip] = float(np.concatenate(list(runs)).mean())
    return found


def main():
    folds = [fold(900 + s) for s in range(4)]
    for way, kind in KINDS.items():
        for epsilon in (1.0, 2.0, 4.0):
            found = sorted(((v, pair) for pair, v in searched(kind, epsilon, folds).items()), reverse=True)
            grid = [f"{pair} {v:.4f}" for v, pair in found if pair[0] in RATES][:4]
            beyond = next(f"{pair} {v:.4f}" for v, pair in found if pair[0] in BEYOND)
            print(f"{way}, ε = {epsilon:g}: {', '.join(grid)}; beyond {beyond}", flush=True)


if __name__ == "__main__":
    main()
