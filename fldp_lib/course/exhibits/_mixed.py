"""How much a report may tell before it is shuffled, read from a table, since the search for it takes too long for a slider.

`mixed.csv` holds `shuffling.local_epsilon` at δ = 1e-6 for some lists, crowds and ε; between them its logarithm is read off
straight lines. `tests/course/test_letters.py` makes entries anew, and holds what lies between to `analytics.compare`.
"""

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...analytics import noise_scale
from ...privacy import randomisers

FILE, DELTA = Path(__file__).parent / "mixed.csv", 1e-6
KINDS = ("k-RR", "projection")


@lru_cache(maxsize=1)
def table():
    """The logarithms of k, n and ε at which the table stands, and of its ε₀ (kinds × k × n × ε)."""
    with open(FILE, encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    axes = [sorted({float(row[name]) for row in rows}) for name in ("categories", "people", "epsilon")]
    found = np.array([float(row["local_epsilon"]) for row in rows])
    return [np.log(axis) for axis in axes], np.log(found.reshape(len(KINDS), *map(len, axes)))


def local_epsilon(kind, epsilon, people, categories):
    """ε₀ of a report of this kind, by the table; all within its ends."""
    axes, values = table()
    values = values[KINDS.index(kind)]
    for axis, at in zip(axes, (categories, people, epsilon), strict=True):  # one axis after the other
        place = float(np.clip(np.log(at), axis[0], axis[-1]))
        k = min(int(np.searchsorted(axis, place, side="right")) - 1, len(axis) - 2)
        share = (place - axis[k]) / (axis[k + 1] - axis[k])
        values = (1 - share) * values[k] + share * values[k + 1]
    return float(np.exp(values))


@lru_cache(maxsize=4096)
def error(place, epsilon, people, categories):
    """The error of a share of 1/k, in percentage points, and a report's ε₀: the best of `compare`, by the table."""
    share = 1 / categories
    if place == "central":
        gaussian = 2**0.5 * noise_scale(epsilon, 1, DELTA)
        return 100 * min(8**0.5 / epsilon, gaussian) / people, np.inf
    if place == "local":
        ways = [(randomisers.ALL[name](epsilon, categories), epsilon) for name in randomisers.ALL]
    else:
        inner = [local_epsilon(kind, epsilon, people, categories) for kind in KINDS]
        ways = [(randomisers.ALL[kind](e, categories), e) for kind, e in zip(KINDS, inner, strict=True)]
    return min((100 * way.variance(people, share) ** 0.5, e) for way, e in ways)
