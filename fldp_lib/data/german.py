"""The German credit data (Hofmann 1994): a thousand real applicants, from the file in `records`; its licence lies there.

Bounds of the numbers and the categories of the rest are those of the data set's public documentation, two categories that
no applicant has included: what a form offers is known before anybody fills it in.
"""

import csv
import gzip
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "records" / "german_credit.csv.gz"
SOURCE = "Statlog (German Credit Data), Hofmann 1994, UCI, CC BY 4.0"
NUMBERS = {
    "duration": (1, 84),  # months
    "credit_amount": (200, 20_000),  # Deutsche Mark, taken on a logarithmic scale
    "installment_commitment": (1, 4),  # classes of the share of income
    "residence_since": (1, 4),
    "age": (18, 80),
    "existing_credits": (1, 6),
    "num_dependents": (1, 2),
}
CATEGORIES = {
    "checking_status": (
        "... < 0 DM", "0 <= ... < 200 DM", "... >= 200 DM / salary assignments for at least 1 year", "no checking account",
    ),
    "credit_history": (
        "no credits taken/ all credits paid back duly", "all credits at this bank paid back duly",
        "existing credits paid back duly till now", "delay in paying off in the past",
        "critical account/ other credits existing (not at this bank)",
    ),
    "purpose": (
        "car (new)", "car (used)", "furniture/equipment", "radio/television", "domestic appliances", "repairs", "education",
        "vacation", "retraining", "business", "others",
    ),
    "savings_status": (
        "... < 100 DM", "100 <= ... < 500 DM", "500 <= ... < 1000 DM", "... >= 1000 DM", "unknown/ no savings account",
    ),
    "employment": ("unemployed", "... < 1 year", "1 <= ... < 4 years", "4 <= ... < 7 years", "... >= 7 years"),
    "personal_status": (
        "male : divorced/separated", "female : divorced/separated/married", "male : single", "male : married/widowed",
        "female : single",
    ),
    "other_parties": ("none", "co-applicant", "guarantor"),
    "property_magnitude": (
        "real estate", "building society savings agreement/ life insurance",
        "car or other, not in attribute Savings account/bonds", "unknown / no property",
    ),
    "other_payment_plans": ("bank", "stores", "none"),
    "housing": ("rent", "own", "for free"),
    "job": (
        "unemployed/ unskilled - non-resident", "unskilled - resident", "skilled employee / official",
        "management/ self-employed/ highly qualified employee/ officer",
    ),
    "own_telephone": ("none", "yes, registered under the customers name"),
    "foreign_worker": ("yes", "no"),
}  # fmt: skip


def table():
    """Return what the file holds: column names, and 1,000 rows of 21 words each."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    return names, rows


def columns():
    """Return the records as numbers: a category as indicators, the amount as its decimal logarithm.

    Returns:
        A dict with x (1,000 × 63), y (1,000,), 1 for a bad risk, names of the columns, their bounds (63 × 2), and which of
        them are indicators (63,), bool.
    """
    names, rows = table()
    words = dict(zip(names, zip(*rows, strict=True), strict=True))
    found = []  # (name, values, bounds, whether an indicator)
    for name in names[:-1]:
        if name in CATEGORIES:
            column = np.array(words[name])
            found += [(f"{name}: {category}", column == category, (0, 1), True) for category in CATEGORIES[name]]
        else:
            column, bounds = np.array(words[name], dtype=float), NUMBERS[name]
            if name == "credit_amount":
                name, column, bounds = f"log10 {name}", np.log10(column), np.log10(bounds)
            found.append((name, column, bounds, False))
    features, x, bounds, unit = zip(*found, strict=True)
    y = (np.array(words["class"]) == "bad").astype(int)
    x, bounds = np.stack(x, 1).astype(float), np.array(bounds, dtype=float)
    return {"x": x, "y": y, "features": features, "bounds": bounds, "unit": np.array(unit)}
