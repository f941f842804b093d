"""Notebook 22's tree of letters, grown from counts of names instead of people one by one: what `heavy_hitters` does, faster.

`tests/course/test_letters.py` holds it to `analytics.heavy_hitters`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ._names import counted, everybody

LETTERS = "abcdefghijklmnopqrstuvwxyz$"  # the last one ends a word
LEVELS, MOST = 9, 300


@dataclass(frozen=True)
class Tree:
    """For each level the prefixes that passed with their estimates, the complete words, how many spoke, and the bar."""

    levels: tuple
    found: dict
    asked: tuple
    bars: tuple


@lru_cache(maxsize=1)
def prefixes():
    """For each level: the prefixes that there are, which one each name has (names,), -1 if it is over, and their parents."""
    words = [name + "$" for name in everybody()[0]]
    tables, before = [], {"": 0}
    for level in range(1, LEVELS + 1):
        starts = [word[:level] if len(word) >= level else None for word in words]
        listed = sorted({start for start in starts if start})
        place = {start: k for k, start in enumerate(listed)}
        ids = np.array([-1 if start is None else place[start] for start in starts])
        tables.append((listed, ids, np.array([before[start[:-1]] for start in listed])))
        before = place
    return tables


@lru_cache(maxsize=128)
def grown(deal, epsilon, bar, people, seed=4):
    """The tree of the first so many people's names; arguments as those of `analytics.heavy_hitters`."""
    rng, count = np.random.default_rng(seed), counted(people)
    each, scale = (epsilon, LEVELS) if deal == "people" else (epsilon / LEVELS, 1)
    said = rng.multinomial(count, [1 / LEVELS] * LEVELS).T if deal == "people" else np.tile(count, (LEVELS, 1))
    alive, kept, found, bars = np.ones(1, dtype=bool), [], {}, []
    frontier = [""]
    for level, (listed, ids, parents) in enumerate(prefixes()):
        sums = np.bincount(ids[ids >= 0], weights=said[level][ids >= 0], minlength=len(listed))
        candidates = alive[parents]
        number = len(frontier) * 27 - (level == 0)
        least = max(np.log(max(number, 1) / 2) / each * scale, bar)
        bars.append(float(least))
        estimates = np.where(candidates, (sums + rng.laplace(scale=1 / each, size=len(sums))) * scale, -np.inf)
        alive = estimates > np.sort(estimates)[-MOST - 1] if len(estimates) > MOST else np.ones(len(estimates), dtype=bool)
        alive &= estimates > least
        level_found = {listed[k]: float(estimates[k]) for k in np.flatnonzero(alive)}
        empty = rng.laplace(scale=scale / each, size=max(number - int(candidates.sum()), 0))
        if (empty > least).any():  # noise alone: prefixes that nobody has
            held = set(listed)
            nobody = [p + c for p in frontier for c in LETTERS if (p or c != "$") and p + c not in held]
            level_found |= {nobody[k]: float(empty[k]) for k in np.flatnonzero(empty > least) if k < len(nobody)}
        found |= {prefix[:-1]: size for prefix, size in level_found.items() if prefix.endswith("$")}
        kept.append(level_found)
        frontier = [prefix for prefix in level_found if not prefix.endswith("$")]
    return Tree(tuple(kept), found, tuple(int(row.sum()) for row in said), tuple(bars))
