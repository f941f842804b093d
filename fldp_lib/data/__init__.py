"""Whose records, split how: the federation as one padded batch, its sources, your own tables, synthetic populations."""

from . import flights, plays
from .federation import Dataset, Federation
from .splits import DATASETS, SPLITS, federate, load, scaled, split
from .tables import from_csv, from_frame

__all__ = [
    "DATASETS", "SPLITS", "Dataset", "Federation", "federate", "flights", "from_csv", "from_frame", "load", "plays",
    "scaled", "split",
]  # fmt: skip
