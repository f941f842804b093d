"""Notebook 12: histories of real routes, each followed by a week to forecast, and the error of a forecast."""

from functools import lru_cache

import numpy as np
import torch

from ... import data
from ...data import flights

PERIODS = range(13)
TESTS = [22 + 27 * period for period in PERIODS]  # day of the year on which a period's test week begins


@lru_cache(maxsize=64)
def _routes(period, days):
    history = flights.period(TESTS[period] - days, days)
    return history, data.split(history, how="natural")


def routes(period, days=2, counts=None):
    """So many days of history up to a period's test week, as a data set and as a federation of 105 destinations.

    Args:
        period: 0 … 12.
        days: of history, 1 … 13.
        counts: what is seen in place of the departures, such as noisy counts (105 × 8,760); None takes the departures.
    """
    if counts is None:
        return _routes(period, days)
    history = flights.period(TESTS[period] - days, days, counts)
    return history, data.split(history, how="natural")


def off(change, period, counts=None):
    """Error of a forecast in each hour (105 × 168), in departures: what was seen a week ago, changed, against what departed.

    Args:
        change: forecast changes in units of three departures (105 · 168,), destination by destination.
        period: 0 … 12.
        counts: what was seen (105 × 8,760); None takes the departures.
    """
    departures = flights.table()[1]
    hour = np.arange(flights.WEEK) + 24 * TESTS[period]
    seen = torch.as_tensor((departures if counts is None else np.asarray(counts))[:, hour - flights.WEEK])
    return seen + flights.CHANGE * change.view(len(departures), -1) - torch.from_numpy(departures[:, hour])
