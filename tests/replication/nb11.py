"""Claims of notebook 11 on fresh seeds: synthetic worlds, and other divisions of the real ratings where they lie."""

import ast
import functools
import json
import unittest

import numpy as np
import torch

from fldp_lib import mechanisms
from fldp_lib.data import movielens
from tests.replication.claims import ROOT, claim, seeds


def lesson(number):
    """What a notebook defines, and nothing that it runs: imports, functions, classes, and names in capitals."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    space = {"__name__": "lesson"}
    for cell in cells[1:]:
        for part in ast.parse("".join(cell["source"])).body:
            targets = getattr(part, "targets", ())
            named = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            kept = isinstance(part, ast.Assign) and named and all(name.isupper() for name in named[:1])
            if kept or isinstance(part, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AugAssign)):
                try:
                    exec(compile(ast.Module([part], []), path.name, "exec"), space)
                except NameError:  # it needs what the notebook ran
                    continue
    return space


@functools.cache
def the():
    return lesson("11")


def _score(world, plan, seed, gap=False):
    """The mean recall in a world, and how much higher it is in the popular half."""
    space = the()
    chosen = space["recommend"](space["shared"](world, plan, seed), world)
    found = float(space["recall"](chosen, world).mean())
    return (found, space["recall_in"](chosen, world, False) - space["recall_in"](chosen, world, True)) if gap else found


def _worlds(block, count):
    return [(the()["world"](seed), seed) for seed in seeds(block, count)]


def _clip_alone():
    return the()["PLAN"].changed(mechanism=mechanisms.Gaussian(0.0, the()["CLIP"]))


@claim("11", "Without privacy the median user gains 0.7 over being alone", quick=True)
def the_median_user_gains(block):
    space, gains = the(), []
    alone = space["untrained"]().weight.detach().T
    for world, seed in _worlds(block, 3):
        found = [space["recall"](space["recommend"](v, world), world) for v in (space["shared"](world, seed=seed), alone)]
        gains.append(float(found[0].median() - found[1].median()))
    return {"gain": np.mean(gains)}, 0.65 < np.mean(gains) < 0.8


@claim("11", "at ε = 2 0.88, at ε = 1 0.82 and at ε = 0.5 0.67", quick=False)
def recall_at_each_epsilon(block):
    means = {e: np.mean([_score(w, the()["protection"](e), s) for w, s in _worlds(block, 6)]) for e in (2.0, 1.0, 0.5)}
    right = abs(means[2.0] - 0.88) < 0.03 and abs(means[1.0] - 0.82) < 0.03 and abs(means[0.5] - 0.67) < 0.06
    return {f"ε = {e:g}": mean for e, mean in means.items()}, right


@claim("11", "The clip alone costs little (0.006 here", quick=True)
def the_clip_alone_costs_little(block):
    less = [_score(w, the()["PLAN"], s) - _score(w, _clip_alone(), s) for w, s in _worlds(block, 2)]
    return {"less": np.mean(less)}, np.mean(less) < 0.025


@claim("11", "At ε = 8 it is 0.036, and the *clip* makes it: without any noise it is no smaller", quick=False)
def the_gap_at_large_epsilon_is_the_clips(block):
    plans = the()["PLAN"], _clip_alone(), the()["protection"](8.0), the()["protection"](1.0)
    gaps = np.array([[_score(w, plan, s, gap=True)[1] for plan in plans] for w, s in _worlds(block, 6)]).mean(0)
    none, clip, noisy, strong = gaps
    named = dict(zip(("no privacy", "clip alone", "ε = 8", "ε = 1"), gaps, strict=True))
    return named, clip > none + 0.005 and noisy < clip + 0.006 and strong > noisy


@functools.cache
def _stars():
    if movielens.folder() is None:
        raise unittest.SkipTest("recbole is not installed")
    stars, (_, rows) = torch.zeros(943, 300), movielens.table()
    kept = rows[rows[:, 1] <= 300]
    stars[kept[:, 0] - 1, kept[:, 1] - 1] = torch.from_numpy(kept[:, 2]).float()
    return stars


@functools.cache
def _films(block, *ways):
    """Means over two divisions by some of the notebook's ways: numbers alone, and what two factors add."""
    space = the()
    every = space["WAYS"]
    space["WAYS"] = {name: every[name] for name in ways}
    try:
        runs = [space["study"](_stars(), seed) for seed in seeds(block, 2)]
    finally:
        space["WAYS"] = every
    found = {name: np.array([[run[f"{name}, k = {k}"] for k in (0, 2)] for run in runs]).mean(0) for name in ways}
    return {name: (alone, both - alone) for name, (alone, both) in found.items()}, np.mean(
        [r["popular films"] for r in runs]
    )


@claim("11", "order 0.689 of the pairs as their user does", quick=True)
def numbers_order_films_better_than_popularity(block):
    found, popular = _films(block, "no privacy")
    alone = found["no privacy"][0]
    return {"numbers": alone, "popular": popular}, abs(alone - 0.689) < 0.02 and popular < alone - 0.05


@claim("11", "Two factors a film add 0.017 ± 0.004 without privacy", quick=True)
def factors_add_without_privacy(block):
    added = _films(block, "no privacy")[0]["no privacy"][1]
    return {"added": added}, 0.008 < added < 0.026


@claim("11", "0.678 at ε = 2 and 0.665 at ε = 1, where popularity orders 0.599", quick=True)
def numbers_survive_privacy(block):
    found, popular = _films(block, "ε = 2", "ε = 1")
    two, one = found["ε = 2"][0], found["ε = 1"][0]
    return {"ε = 2": two, "ε = 1": one}, abs(two - 0.678) < 0.02 and abs(one - 0.665) < 0.02 and popular < one - 0.03


@claim("11", "at ε = 2 they add nothing and at ε = 1 they take something away, with the best settings found", quick=True)
def factors_take_away_under_privacy(block):
    found, _ = _films(block, "ε = 2", "ε = 1")
    added = {name: found[name][1] for name in found}
    return added, added["ε = 2"] < 0.004 and added["ε = 1"] < 0


@claim("11", "with the clip alone they still add 0.007, with the noise of ε = 1 alone 0.013", quick=False)
def neither_cause_suffices(block):
    found, _ = _films(block, "clip alone", "noise alone")
    added = {name: found[name][1] for name in found}
    return added, min(added.values()) > 0


@claim("11", "The best that was found for sixty users has a recall of 0.37, the setting shown 0.35", quick=True)
def sixty_users_stay_below_one_half(block):
    found = {name: np.mean([the()["few"](plan, seed) for seed in seeds(block, 6)]) for name, plan in the()["SIXTY"].items()}
    shown, best = found.values()
    return found, abs(best - 0.37) < 0.03 and abs(shown - 0.35) < 0.03
