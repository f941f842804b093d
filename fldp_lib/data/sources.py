"""Where the real records come from, and what is taken to be public about them: names, classes, bounds.

Bundled with scikit-learn: digits, breast_cancer, diabetes; with this package: german_credit, pancreatitis, periodontal,
flights. Read in place where another package keeps it: movielens, swissmetro. `data.load` scales and splits what `raw` gives.
"""

from dataclasses import dataclass, replace

import numpy as np

from .. import checks
from . import flights, german, hospitals, movielens, shipped, swissmetro

BUNDLED = ("digits", "breast_cancer", "diabetes", "german_credit", "pancreatitis", "periodontal", "flights")
ELSEWHERE = ("movielens", "swissmetro")  # in a package that may be missing

# Round numbers around the ranges that the data set's public documentation prints for each measure of a nucleus: its mean,
# its standard error and its worst value over the image. They are the ranges of these same records, and so not a protocol's:
# a federation would have to agree on such numbers without them, before it starts. Values beyond a bound are set to it.
_NUCLEUS = {  # mean, error, worst
    "radius": ((6, 30), (0.1, 3), (7, 40)),
    "texture": ((9, 40), (0.3, 5), (12, 50)),
    "perimeter": ((40, 200), (0.5, 20), (50, 260)),
    "area": ((120, 3000), (5, 500), (150, 4500)),
    "smoothness": ((0.05, 0.2), (0.001, 0.03), (0.07, 0.25)),
    "compactness": ((0.02, 0.5), (0.002, 0.15), (0.03, 1)),
    "concavity": ((0.01, 0.5), (0.002, 0.4), (0.02, 1.2)),
    "concave points": ((0.01, 0.25), (0.001, 0.05), (0.01, 0.3)),
    "symmetry": ((0.1, 0.35), (0.005, 0.08), (0.15, 0.7)),
    "fractal dimension": ((0.05, 0.1), (0.001, 0.03), (0.05, 0.21)),
}
# Adults' age, sex code, body-mass index, mean blood pressure, and six blood-serum measures in their laboratory units.
_DIABETES = [(18, 90), (1, 2), (15, 50), (50, 140), (80, 320), (30, 250), (20, 100), (1, 10), (3, 6.5), (50, 130)]
_DIABETES_TARGET = (0, 400)


@dataclass(frozen=True, eq=False)
class Raw:
    """Records in their own units.

    Attributes:
        x: (n × d).
        y: class numbers, or targets in [0, 1] (n,); of flights in [-1, 1].
        features: names of the d columns.
        bounds: public (low, high) of each column (d × 2).
        unit: columns to be scaled to [0, 1] rather than [-1, 1] (d,), bool: for them 0 means "nothing there".
        classes: their names; empty for a regression.
        source: in words.
        owner: whose record it is (n,), where the data say so: numbers or names.
        later: records that come after the others, and are the test (n,), bool; None where time has no part in them.
    """

    x: np.ndarray
    y: np.ndarray
    features: tuple
    bounds: np.ndarray
    unit: np.ndarray
    classes: tuple
    source: str
    owner: np.ndarray | None = None
    later: np.ndarray | None = None


def raw(name, features=None):
    """Return the records of a data set.

    Args:
        name: one of `BUNDLED` or `ELSEWHERE`.
        features: names of the columns to keep, in that order; None keeps all, of movielens the first 300 films.

    Returns:
        A `Raw`.

    Raises:
        ValueError: unknown name or feature; files that are not what was asked for.
        OSError: the package that holds it is not installed.
    """
    checks.one_of("name", name, (*BUNDLED, *ELSEWHERE))
    if features is not None:
        checks.kind("features", features, (list, tuple), "a list of names, or None")
    if name == "movielens":
        return _movielens(features)
    if name == "german_credit":
        found = Raw(**german.columns(), classes=("good", "bad"), source=german.SOURCE)
    elif name in hospitals.SOURCES:
        found = Raw(**hospitals.columns(name), classes=hospitals.CLASSES[name], source=hospitals.SOURCES[name])
    elif name == "flights":
        found = Raw(**flights.columns(), classes=(), source=flights.SOURCE)
    elif name == "swissmetro":
        found = Raw(**swissmetro.columns(), classes=swissmetro.CLASSES, source=swissmetro.SOURCE)
    else:
        found = _bundled(name)
    if features is None:
        return found
    columns = [found.features.index(checks.one_of("features", feature, found.features)) for feature in features]
    kept = dict(x=found.x[:, columns], bounds=found.bounds[columns], unit=found.unit[columns])
    return replace(found, features=tuple(features), **kept)


def _bundled(name):
    x, y, names, classes = shipped.table(name, tuple(_NUCLEUS))
    if name == "diabetes":  # in its own units: scikit-learn's default is scaled by the data's own mean, E8
        low, high = _DIABETES_TARGET
        y, bounds = (np.clip(y, low, high) - low) / (high - low), _DIABETES
    else:
        bounds = [(0, 16)] * 64 if name == "digits" else [_nucleus_bounds(feature) for feature in names]
    unit = np.full(len(names), name == "digits")  # an empty pixel is 0, so that it adds nothing to a gradient's norm
    return Raw(x, y, names, np.array(bounds, dtype=float), unit, classes, f"scikit-learn's bundled copy of {name}")


def _nucleus_bounds(feature):
    if feature.endswith(" error"):
        return _NUCLEUS[feature.removesuffix(" error")][1]
    kind, quantity = feature.split(" ", 1)
    return _NUCLEUS[quantity][2 if kind == "worst" else 0]


def _movielens(features):
    """One row a rating, the film as an indicator, the rating from 1 … 5 as 0 … 1; owners are the users, from 0."""
    titles, rows = movielens.table()
    kept = tuple(titles[: movielens.FILMS] if features is None else features)
    place = np.full(len(titles) + 1, -1)
    for column, title in enumerate(kept):
        place[titles.index(checks.one_of("features", title, titles)) + 1] = column
    user, column, stars = rows[:, 0], place[rows[:, 1]], rows[:, 2]
    here = column >= 0
    x = np.eye(len(kept), dtype=np.float32)[column[here]]
    bounds, unit = np.tile([0.0, 1.0], (len(kept), 1)), np.full(len(kept), True)
    return Raw(x, (stars[here] - 1) / 4, kept, bounds, unit, (), movielens.SOURCE, user[here] - 1)
