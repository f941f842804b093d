"""The records that scikit-learn ships, read in place: to import scikit-learn takes a second, to read its files no time."""

import gzip
from functools import lru_cache

import numpy as np

from . import places

FOLDER = "datasets/data"
KINDS = ("mean {}", "{} error", "worst {}")  # of each measure of a nucleus
# The files of a table, what stands between its numbers, lines to leave out, its shape; the target is the last column.
TABLES = {
    "digits": (("digits.csv.gz",), ",", 0, (1797, 65)),
    "breast_cancer": (("breast_cancer.csv",), ",", 1, (569, 31)),
    "diabetes": (("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz"), None, 0, (442, 11)),
}
CLASSES = {"digits": tuple("0123456789"), "breast_cancer": ("malignant", "benign"), "diabetes": ()}


def folder():
    """Return the folder with scikit-learn's data files, or None where there is none."""
    return places.within("sklearn", *FOLDER.split("/"))


def table(name, measures=()):
    """Return x (n × d), y (n,), the names of the d columns and of the classes, all as scikit-learn's own loader has them.

    Args:
        name: "digits", "breast_cancer" or "diabetes" (in its own units).
        measures: what was measured of a nucleus, in the file's order; for "breast_cancer".
    """
    found = _read(name)
    if found is None:  # another version of scikit-learn keeps them elsewhere
        from sklearn import datasets

        loaded = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
        classes = () if name == "diabetes" else tuple(str(c) for c in loaded.target_names)
        return loaded.data, loaded.target, tuple(str(f) for f in loaded.feature_names), classes
    if name == "digits":
        features = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    elif name == "breast_cancer":
        features = tuple(kind.format(measure) for kind in KINDS for measure in measures)
    else:
        features = ("age", "sex", "bmi", "bp", *(f"s{number}" for number in range(1, 7)))
    x, y = found[:, :-1], found[:, -1]
    return x, y.astype(int) if CLASSES[name] else y, features, CLASSES[name]


def _read(name):
    place = folder()
    return None if place is None else _at(name, place)


@lru_cache(maxsize=8)
def _at(name, place):
    """The table as it lies there, read once and never written to; None where it is not what was expected."""
    files, between, skipped, shape = TABLES[name]
    try:
        parts = []
        for file in files:
            with gzip.open(place / file, "rt") if file.endswith(".gz") else open(place / file, encoding="utf-8") as lines:
                parts.append(np.loadtxt(lines, delimiter=between, skiprows=skipped, ndmin=2))
        whole = np.hstack(parts)
        whole.flags.writeable = False
    except (OSError, ValueError):
        return None
    return whole if whole.shape == shape else None
