"""Columns of the same patients at different parties, each with patients of its own, overlapping in part.

The tumours of Wisconsin have thirty columns: ten measures of the cells' nuclei, each as its mean, its error and its worst
value. The identifiers are made up, and bad on purpose: a birth date, a sex and a number are so few that they can be listed
(`every_id`).
"""

import datetime
from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from ..data import Dataset

KINDS = ("mean", "error", "worst")
GROUPS = {  # the ten measures by what they say of a nucleus
    "size": ("radius", "perimeter", "area"),
    "texture": ("texture", "smoothness", "symmetry", "fractal dimension"),
    "shape": ("compactness", "concavity", "concave points"),
}
FIRST, DAYS = datetime.date(1930, 1, 1), 365 * 40  # birth dates of the made-up identifiers
NUMBERS = 2  # of patients with one birth date and sex, at most


@dataclass(frozen=True, eq=False)
class Party:
    """Who holds some columns of some patients, in an order of its own.

    Args:
        name: of the party.
        features: names of its columns.
        ids: its patients' identifiers (n,), text, each once.
        x: its columns (n × columns).
        y: class numbers (n,), for the party that holds the labels; else None.

    Raises:
        TypeError, ValueError: shapes that do not fit, NaN, an identifier that occurs twice.
    """

    name: str
    features: tuple
    ids: tuple
    x: torch.Tensor
    y: torch.Tensor | None = None

    def __post_init__(self):
        checks.text("name", self.name, some=True)
        for name in ("features", "ids"):
            texts = getattr(self, name)
            checks.kind(name, texts, (tuple, list), "a list of texts")
            texts = tuple(checks.text(name, one, some=True) for one in texts)
            if not texts or len(set(texts)) < len(texts):
                raise ValueError(f"{name} must be texts, one at least and each once; got {len(texts)}")
            object.__setattr__(self, name, texts)
        x = checks.finite("x", checks.tensor("x", self.x, (len(self.ids), len(self.features))))
        object.__setattr__(self, "x", x)
        if self.y is not None:
            object.__setattr__(self, "y", checks.tensor("y", self.y, (len(self.ids),), "whole"))


@dataclass(frozen=True, eq=False)
class Aligned:
    """The common patients' columns at every party, row by row the same patient.

    Args:
        names: of the parties.
        features: names of each party's columns.
        xs: each party's columns (n × columns).
        y: labels (n,), 0 or 1, that only the holder has.
        ids: identifiers (n,).
        holder: index of the party with the labels.
    """

    names: tuple
    features: tuple
    xs: tuple
    y: torch.Tensor
    ids: tuple
    holder: int

    def __len__(self):
        return len(self.y)

    def rows(self, places):
        """Return the same table with these rows alone; `places` are whole numbers (m,)."""
        places = checks.tensor("places", places, ("m",), "whole")
        if len(places) and (places.min() < 0 or places.max() >= len(self)):
            raise ValueError(f"places must lie in 0 … {len(self) - 1}, got {int(places.min())} … {int(places.max())}")
        xs = tuple(x[places] for x in self.xs)
        ids = tuple(self.ids[place] for place in places.tolist())
        return Aligned(self.names, self.features, xs, self.y[places], ids, self.holder)

    def only(self, names):
        """Return the table of these parties alone: what they could do without the others.

        Args:
            names: of parties, the holder of the labels among them.

        Raises:
            TypeError, ValueError: an unknown name, or no holder among them.
        """
        checks.kind("names", names, (tuple, list), "a list of parties' names")
        for name in names:
            checks.one_of("names", name, self.names)
        if self.names[self.holder] not in names:
            raise ValueError(f"names must have {self.names[self.holder]!r} among them, who holds the labels; got {names!r}")
        places = [place for place, name in enumerate(self.names) if name in names]
        kept = ([values[place] for place in places] for values in (self.names, self.features, self.xs))
        return Aligned(*map(tuple, kept), self.y, self.ids, places.index(self.holder))

    def halves(self, test=0.25, seed=0):
        """Return a training and a test table, of random patients.

        Args:
            test: share of the patients to test on, in (0, 1).
            seed: of the choice.

        Raises:
            ValueError: a share that leaves one of them empty.
        """
        test, seed = checks.real("test", test, above=0, below=1), checks.whole("seed", seed, at_least=0)
        count = round(test * len(self))
        if not 0 < count < len(self):
            raise ValueError(f"test must leave a patient on each side of {len(self)}, got {test!r}")
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self)))
        return self.rows(order[count:]), self.rows(order[:count])


def every_id():
    """Return all identifiers there are, 58,400 of them: every birth date of forty years, both sexes, two numbers.

    Derived in: notebook 24.
    """
    dates = [(FIRST + datetime.timedelta(days=day)).isoformat() for day in range(DAYS)]
    return [f"{date}/{sex}/{number}" for date in dates for sex in "FM" for number in range(1, NUMBERS + 1)]


def deal(dataset, by="measure", labels="texture", share=0.9, seed=0):
    """Deal a data set's columns to parties; each has patients of its own, chosen apart from the others'.

    Args:
        dataset: a `data.Dataset` of two classes, whose records (train and test together) are the patients.
        by: "kind" (parties "mean", "error" and "worst", of breast_cancer) or "measure" (parties "size", "texture" and
            "shape"); or a dict from a party's name to the names of its columns.
        labels: name of the party that holds the labels; label 1 is the dataset's class 0 where `by` is a word (malignant).
        share: of all patients, that each party has, in (0, 1].
        seed: of identifiers, choices and orders.

    Returns:
        A tuple of `Party`.

    Raises:
        TypeError, ValueError: an argument out of range, a column that is none of the dataset's, one dealt twice.

    Derived in: notebook 24.
    """
    checks.kind("dataset", dataset, Dataset, "a Dataset, such as from data.load")
    if dataset.task != "classification" or int(max(dataset.y_train.max(), dataset.y_test.max())) != 1:
        raise ValueError(f"dataset must have two classes, got {dataset.name!r}")
    groups = _groups(dataset, by)
    checks.one_of("labels", labels, tuple(groups))
    share, seed = checks.real("share", share, above=0, at_most=1), checks.whole("seed", seed, at_least=0)
    x, y = torch.cat([dataset.x_train, dataset.x_test]), torch.cat([dataset.y_train, dataset.y_test])
    y = 1 - y if isinstance(by, str) else y
    rng = np.random.default_rng(seed)
    everybody = every_id()
    if len(x) > len(everybody):
        raise ValueError(f"dataset must have at most {len(everybody)} records, one an identifier; got {len(x)}")
    ids = [everybody[place] for place in rng.choice(len(everybody), len(x), replace=False)]
    place = {name: column for column, name in enumerate(dataset.features)}
    made = []
    for name, columns in groups.items():
        rows = rng.permutation(len(x))[: max(1, round(share * len(x)))]  # in an order of its own
        mine = x[rows][:, [place[column] for column in columns]]
        made.append(Party(name, columns, tuple(ids[row] for row in rows), mine, y[rows] if name == labels else None))
    return tuple(made)


def align(parties, ids):
    """Bring the parties' rows into one order: that of the matched identifiers.

    Args:
        parties: `Party`s, exactly one of which holds labels, 0 and 1.
        ids: identifiers that all have, such as a `Matched`'s.

    Returns:
        An `Aligned`. It stands in one place for the simulation's sake; each party has its own columns only.

    Raises:
        TypeError, ValueError: no parties, labels nowhere or twice, an identifier that a party has not.

    Derived in: notebook 24.
    """
    checks.kind("parties", parties, (tuple, list), "a list of Party")
    for party in parties:
        checks.kind("parties", party, Party, "a list of Party")
    holders = [number for number, party in enumerate(parties) if party.y is not None]
    if len(parties) < 2 or len(holders) != 1:
        raise ValueError(f"parties must be two at least, one of them with labels; got {len(parties)}, {len(holders)} with")
    checks.kind("ids", ids, (tuple, list), "a list of identifiers")
    if not ids or len(set(ids)) < len(ids):
        raise ValueError(f"ids must be identifiers, one at least and each once; got {len(ids)}")
    rows = []
    for party in parties:
        where = {one: row for row, one in enumerate(party.ids)}
        lost = [one for one in ids if one not in where]
        if lost:
            raise ValueError(f"ids must be patients of every party; {party.name!r} has no {checks.shown(lost[0])}")
        rows.append(torch.tensor([where[one] for one in ids]))
    holder = holders[0]
    y = parties[holder].y[rows[holder]]
    if y.min() < 0 or y.max() > 1:
        raise ValueError(f"parties must have labels 0 and 1, got {int(y.min())} … {int(y.max())}")
    xs = tuple(party.x[row] for party, row in zip(parties, rows, strict=True))
    names, features = tuple(party.name for party in parties), tuple(party.features for party in parties)
    return Aligned(names, features, xs, y, tuple(ids), holder)


def _groups(dataset, by):
    if isinstance(by, str):
        checks.one_of("by", by, ("kind", "measure"))
        if by == "kind":
            found = {kind: tuple(name for name in dataset.features if kind in name.split()) for kind in KINDS}
        else:
            found = {
                group: tuple(name for name in dataset.features if _measure(name) in measures)
                for group, measures in GROUPS.items()
            }
        if sum(map(len, found.values())) != len(dataset.features) or not all(found.values()):
            raise ValueError(f"by must be a dict from names to columns for {dataset.name!r}, got {by!r}")
        return found
    checks.kind("by", by, dict, "'kind', 'measure' or a dict from a party's name to its columns")
    found = {}
    for name, columns in by.items():
        checks.kind("by", columns, (tuple, list), "a dict from a party's name to a list of columns")
        found[checks.text("by", name, some=True)] = tuple(columns)
    dealt = [column for columns in found.values() for column in columns]
    unknown = [column for column in dealt if column not in dataset.features]
    if len(found) < 2 or unknown or len(set(dealt)) < len(dealt) or not all(found.values()):
        got = f"the column {unknown[0]!r}" if unknown else f"{len(found)} with {len(dealt)} columns"
        raise ValueError(f"by must deal the dataset's columns to two parties at least, each column once; got {got}")
    return found


def _measure(name):
    return " ".join(word for word in name.split() if word not in KINDS)
