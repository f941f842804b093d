"""Real data with public bounds, and its split among clients as one padded batch.

A `Federation` is a batch: x (clients × samples × features) with a mask, so that all clients train at once. Features are
scaled by bounds that were known before anybody looked at the records; a mean or a deviation of the private data would be
a query of its own and would spend budget (notebook 04, E8).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from .. import checks
from . import padding, sources

DATASETS = sources.BUNDLED
SPLITS = ("iid", "dirichlet", "label", "sizes")  # dealt out; "natural" follows the records' own owners


@dataclass(frozen=True, eq=False)
class Dataset:
    """Records with a fixed train/test split.

    Attributes:
        name: what `load` was asked for, or any name.
        x_train, x_test: features (n × d), float32, in [-1, 1] for the bundled sets, pixels in [0, 1].
        y_train, y_test: class numbers (n,) int64, or targets (n,) float32 in [0, 1] for the bundled regression set.
        task: "classification" or "regression".
        source: where the data comes from.
        features: names of the d columns.
        classes: names of the classes; empty for regression.
        bounds: the public (low, high) of each column (d × 2), in the data's own unit.
        scale: "log" or "linear": how a column's bounds are mapped to [-1, 1].
        owner_train, owner_test: number of the participant each record belongs to (n,), where the data say so.
    """

    name: str
    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor
    task: str
    source: str = ""
    features: tuple = ()
    classes: tuple = ()
    bounds: np.ndarray | None = None
    scale: str = "linear"
    owner_train: torch.Tensor | None = None
    owner_test: torch.Tensor | None = None

    def __post_init__(self):
        checks.one_of("task", self.task, ("classification", "regression"))
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.ndim != 2 or y.ndim != 1 or len(x) != len(y):
                raise ValueError(
                    f"x_{part} must have shape (n, d) and y_{part} (n,) with the same n; "
                    f"got {tuple(x.shape)} and {tuple(y.shape)}"
                )
            checks.finite(f"x_{part}", x)
            checks.finite(f"y_{part}", y)
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise ValueError(f"x_test must have the {self.x_train.shape[1]} features of x_train, got {self.x_test.shape[1]}")

    def __repr__(self):
        return (
            f"Dataset({self.name!r}, {len(self.x_train)} train, {len(self.x_test)} test, {self.x_train.shape[1]} features)"
        )


@dataclass(frozen=True, eq=False)
class Federation:
    """All clients' data as one padded batch, and the public test set.

    Attributes:
        x: features (clients × samples × features); padding is zero.
        y: targets (clients × samples).
        mask: True where a record is real (clients × samples).
        x_test, y_test: held-out records, taken as public.
        task: "classification" or "regression".
        name: for titles.
    """

    x: torch.Tensor
    y: torch.Tensor
    mask: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor
    task: str
    name: str = ""

    def __post_init__(self):
        if self.x.ndim != 3 or self.y.shape != self.x.shape[:2] or self.mask.shape != self.x.shape[:2]:
            raise ValueError(
                "x must have shape (clients, samples, features), y and mask (clients, samples); "
                f"got {tuple(self.x.shape)}, {tuple(self.y.shape)} and {tuple(self.mask.shape)}"
            )
        if self.x_test.ndim != 2 or self.x_test.shape[1] != self.x.shape[2] or self.y_test.shape != self.x_test.shape[:1]:
            raise ValueError(
                f"x_test must have shape (n, {self.x.shape[2]}) and y_test (n,), "
                f"got {tuple(self.x_test.shape)} and {tuple(self.y_test.shape)}"
            )

    @property
    def clients(self):
        """The number of clients, empty ones included."""
        return len(self.x)

    @cached_property
    def sizes(self):
        """Records of each client (clients,)."""
        return self.mask.sum(1)

    def select(self, clients):
        """Return the federation of the given clients, in the given order.

        Args:
            clients: client numbers, or a boolean mask (clients,).
        """
        return replace(self, x=self.x[clients], y=self.y[clients], mask=self.mask[clients])

    def without(self, client):
        """Return the neighbouring federation that lacks one client's data; the number of clients, being public, stays.

        Args:
            client: the number of the client whose records are removed.
        """
        client = checks.whole("client", client, at_least=0, at_most=self.clients - 1)
        mask = self.mask.clone()
        mask[client] = False
        x, y = self.x.clone(), self.y.clone()
        x[client], y[client] = 0, 0
        return replace(self, x=x, y=y, mask=mask)

    def client(self, k):
        """Return client k's own records: x (n_k × features) and y (n_k,)."""
        return self.x[k][self.mask[k]], self.y[k][self.mask[k]]

    def pooled(self):
        """Return all records in one place, as no federation would: x (n × features) and y (n,)."""
        return self.x[self.mask], self.y[self.mask]

    def to(self, device):
        """Return the federation with all its tensors on the device."""
        tensors = {name: getattr(self, name).to(device) for name in ("x", "y", "mask", "x_test", "y_test")}
        return replace(self, **tensors)

    def __repr__(self):
        return f"Federation({self.name!r}, {self.clients} clients, {int(self.sizes.sum())} records)"


def load(name, features=None, scale=None, seed=0):
    """Load a real data set, scaled by public bounds, with a fixed split of 80% train and 20% test.

    Args:
        name: bundled: "digits" (1,797 images of 8 × 8 pixels, 10 classes), "breast_cancer" (569 patients, 30 features,
            class 1 is benign) or "diabetes" (442 patients, 10 features, regression). Fetched on the first call, checked,
            and kept in scikit-learn's data folder: "german_credit" (1,000 applicants, class 1 is a bad risk; categories
            are indicators) or "movielens" (100,000 ratings by 943 users, regression; a film is an indicator, a user an
            owner).
        features: names of the columns to keep, in that order; None keeps all, of movielens the first 200 films.
        scale: "linear" maps a column's public bounds to [-1, 1], pixels and indicators to [0, 1]; "log" does so on a
            logarithmic scale. None takes "log" for breast cancer, whose measures span decades, and "linear" otherwise.
        seed: of the train/test split.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: unknown name, feature or scale (the message lists the known ones); a fetched file with wrong content.
        OSError: an online set that is not there and cannot be fetched; nothing is kept.

    Derived in: notebook 04; notebooks 10 (german_credit) and 11 (movielens).
    Source: scikit-learn's bundled copies of the UCI sets (Alpaydin & Kaynak 1998; Wolberg, Street & Mangasarian 1995)
        and of Efron, Hastie, Johnstone & Tibshirani 2004; Hofmann 1994; Harper & Konstan 2015.
    """
    from sklearn import model_selection

    raw = sources.raw(name, features)
    scale = checks.one_of("scale", scale or ("log" if name == "breast_cancer" else "linear"), ("linear", "log"))
    if scale == "log" and (raw.bounds <= 0).any():
        raise ValueError(f"scale='log' needs positive bounds, which {name!r} has not; use 'linear'")
    x = scaled(raw.x, raw.bounds, scale)
    x = np.where(raw.unit, (x + 1) / 2, x)
    task = "classification" if raw.classes else "regression"
    kind = np.int64 if raw.classes else np.float32
    owners = np.zeros(len(x), dtype=int) if raw.owner is None else raw.owner
    parts = model_selection.train_test_split(
        x.astype(np.float32), raw.y.astype(kind), owners, test_size=0.2, random_state=seed,
        stratify=raw.y if raw.classes else None,
    )  # fmt: skip
    x_train, x_test, y_train, y_test, *owners = (torch.from_numpy(part) for part in parts)
    owner_train, owner_test = owners if raw.owner is not None else (None, None)
    return Dataset(
        name, x_train, y_train, x_test, y_test, task, raw.source, raw.features, raw.classes, raw.bounds, scale,
        owner_train, owner_test,
    )  # fmt: skip


def split(dataset, clients=None, how="iid", alpha=0.5, labels=1, seed=0, most=None):
    """Deal the training records out to clients; every record goes to exactly one.

    Args:
        dataset: a `Dataset`.
        clients: number of clients, from 1 to one per record; None only where the data say who owns what ("natural").
        how: "iid" (shuffled, sizes differ by at most one); "dirichlet" (each label is spread over the clients by a
            Dirichlet(alpha) draw, regression targets by their decile); "label" (each client holds at most `labels`
            different labels); "sizes" (shuffled, sizes by a Dirichlet(alpha) draw, one record at least);
            "natural" (by `dataset.owner_train`).
        alpha: concentration, positive; smaller is more unequal. Used by "dirichlet" and "sizes".
        labels: labels per client, at least 1. Used by "label".
        seed: of the draw.
        most: at most so many records a client, at least 1: a random choice of what it would have had; None keeps all.

    Returns:
        A `Federation`. Under "dirichlet" a client may be empty, which is legal.

    Raises:
        TypeError, ValueError: an argument out of range, or more clients than records.

    Derived in: notebook 03.
    Source: McMahan et al. 2017 (labels per client); Hsu, Qi & Brown 2019 (Dirichlet).
    """
    n = len(dataset.x_train)
    checks.one_of("how", how, (*SPLITS, "natural"))
    if how == "natural":
        return _natural(dataset, clients, most, seed)
    clients = checks.whole("clients", clients, at_least=1)
    if clients > n:
        raise ValueError(f"clients must be at most the number of training records, {n}; got {clients}")
    checks.real("alpha", alpha, above=0)
    rng = np.random.default_rng(checks.whole("seed", seed, at_least=0))
    groups = _label_groups(dataset)  # (n,)
    if how == "iid":
        owner = rng.permutation(np.arange(n) % clients)
    elif how == "sizes":
        extra = rng.multinomial(n - clients, rng.dirichlet(np.full(clients, alpha)))
        owner = rng.permutation(np.repeat(np.arange(clients), 1 + extra))
    elif how == "dirichlet":
        owner = np.empty(n, dtype=int)
        for group in np.unique(groups):  # a loop over labels, not over clients
            members = np.flatnonzero(groups == group)
            owner[members] = rng.choice(clients, size=len(members), p=rng.dirichlet(np.full(clients, alpha)))
    else:
        owner = _few_labels(groups, clients, checks.whole("labels", labels, at_least=1), rng)
    order = rng.permutation(n)
    return federate(dataset.x_train[order], dataset.y_train[order], owner[order], dataset, clients, most, seed)


def federate(x, y, owner, dataset, clients=None, most=None, seed=0):
    """Pad records with known owners into a `Federation`; use it where `split` has not the partition you need.

    Args:
        x: records (n × features).
        y: targets (n,).
        owner: client number of each record (n,), from 0.
        dataset: the `Dataset` that supplies the test set, the task and the name.
        clients: number of clients; None takes one more than the largest owner.
        most: at most so many records a client, at least 1: a random choice of its own, the usual bound on what one
            participant contributes. None keeps all.
        seed: of that choice.

    Returns:
        A `Federation`; a client that owns no record is empty. All clients are padded to the largest one's records.

    Raises:
        ValueError: mismatched shapes, an owner out of range, NaN and infinity in the data, or a padded batch beyond 256 MB
            that is more than 20 times as large as the records: one client has far more than the others.
    """
    owner = torch.as_tensor(np.asarray(owner), dtype=torch.int64, device=x.device)
    if x.ndim != 2 or y.shape != x.shape[:1] or owner.shape != x.shape[:1]:
        raise ValueError(
            "x must have shape (n, features), y and owner (n,); "
            f"got {tuple(x.shape)}, {tuple(y.shape)} and {tuple(owner.shape)}"
        )
    clients = int(owner.max()) + 1 if clients is None else checks.whole("clients", clients, at_least=1)
    if owner.min() < 0 or owner.max() >= clients:
        raise ValueError(f"owner must lie in 0 … {clients - 1}, got {int(owner.min())} … {int(owner.max())}")
    checks.finite("x", x), checks.finite("y", y)
    if most is not None:
        stay = padding.kept(owner, most, seed)
        x, y, owner = x[stay], y[stay], owner[stay]
    order = torch.argsort(owner, stable=True)
    sizes = torch.bincount(owner, minlength=clients)  # (clients,)
    padding.check(sizes, x)
    starts = torch.cumsum(sizes, 0) - sizes
    row, column = owner[order], torch.arange(len(owner), device=x.device) - starts[owner[order]]
    shape = (clients, int(sizes.max()))
    fed_x, fed_y = x.new_zeros(*shape, x.shape[1]), y.new_zeros(shape)
    mask = torch.zeros(shape, dtype=torch.bool, device=x.device)
    fed_x[row, column], fed_y[row, column], mask[row, column] = x[order], y[order], True
    return Federation(fed_x, fed_y, mask, dataset.x_test, dataset.y_test, dataset.task, dataset.name)


def scaled(x, bounds, scale="linear"):
    """Map features from their public bounds to [-1, 1]; what lies beyond a bound is set to it.

    Args:
        x: (n × d), or one feature (n,).
        bounds: (low, high) of each feature (d × 2), or of the one (2,); positive for "log".
        scale: "linear" or "log".

    Returns:
        The scaled features, in the shape of `x`.

    Derived in: notebook 04.
    """
    low, high = np.asarray(bounds, dtype=float).T
    x = np.clip(x, low, high)
    if scale == "log":
        x, low, high = np.log(x), np.log(low), np.log(high)
    return 2 * (x - low) / (high - low) - 1


def _natural(dataset, clients, most, seed):
    if dataset.owner_train is None:
        raise ValueError(f"how must be another than 'natural' for {dataset.name!r}, whose records name no owner")
    owners = dataset.owner_train if dataset.owner_test is None else torch.cat([dataset.owner_train, dataset.owner_test])
    count = int(owners.max()) + 1  # one whose records all fell into the test set is an empty client
    if clients not in (None, count):
        raise ValueError(f"clients must be None or the number of owners, {count}, where how='natural'; got {clients}")
    return federate(dataset.x_train, dataset.y_train, dataset.owner_train, dataset, count, most, seed)


def _label_groups(dataset):
    y = dataset.y_train.numpy()
    if dataset.task == "classification":
        return y
    return np.searchsorted(np.quantile(y, np.linspace(0.1, 0.9, 9)), y)  # deciles (n,)


def _few_labels(groups, clients, labels, rng):
    kinds = np.unique(groups)
    if labels > len(kinds):
        raise ValueError(f"labels must be at most the number of labels, {len(kinds)}; got {labels}")
    if clients * labels < len(kinds):
        raise ValueError(f"clients × labels must be at least {len(kinds)}, or records are lost; got {clients * labels}")
    slots = np.arange(clients * labels) % len(kinds)  # `labels` consecutive slots are different labels
    holder = rng.permutation(clients)[np.arange(clients * labels) // labels]
    owner = np.empty(len(groups), dtype=int)
    for number, kind in enumerate(kinds):  # a loop over labels, not over clients
        members = rng.permutation(np.flatnonzero(groups == kind))
        holders = holder[slots == number]
        owner[members] = holders[np.arange(len(members)) % len(holders)]
    return owner
