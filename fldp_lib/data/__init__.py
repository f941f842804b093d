"""Whose records, split how: the federation as one padded batch, its sources, and synthetic populations."""

from . import flights
from .federation import Dataset, Federation
from .splits import DATASETS, SPLITS, federate, load, scaled, split

__all__ = ["DATASETS", "SPLITS", "Dataset", "Federation", "federate", "flights", "load", "scaled", "split"]
