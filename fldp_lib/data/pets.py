"""The names of 48,255 pets licensed in Seattle: people with one item each, out of a domain that nobody listed beforehand.

From the file in `records`, whose source and terms lie beside it. A pet plays a person. A name is one word of the letters
a to z; 439 names are borne by twenty pets or more, 6,329 by a single one.
"""

import gzip
from functools import lru_cache
from pathlib import Path

import torch

from .. import checks

FILE = Path(__file__).parent / "records" / "pet_names.csv.gz"
SOURCE = "Seattle Pet Licenses (City of Seattle, 2003-2018), names of 48,255 pets"


@lru_cache(maxsize=1)
def _table():
    with gzip.open(FILE, "rt", encoding="ascii") as file:
        rows = [line.strip().split(",") for line in file]
    return tuple(name for name, _ in rows), tuple(int(count) for _, count in rows)


def table():
    """Return the names (10,416) and how many pets bear each (10,416,), the most frequent first, then alphabetical."""
    names, counts = _table()
    return names, torch.tensor(counts)


def people(seed=0):
    """Return every pet's name (48,255 of them), in an order drawn at random.

    Args:
        seed: of the order, a whole number from 0.

    Returns:
        A list of names.

    Raises:
        TypeError, ValueError: another seed.
    """
    seed = checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST)
    names, counts = table()
    dealt = torch.arange(len(names)).repeat_interleave(counts)
    order = torch.randperm(len(dealt), generator=torch.Generator().manual_seed(seed))
    return [names[index] for index in dealt[order].tolist()]
