"""Records, and clients' records as one padded batch.

A `Federation` is a batch: x (clients × samples × features) with a mask, so that all clients train at once. `splits` loads
records and deals them out.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import torch

from .. import checks
from .forms import bounded, labels, names, owners

TASKS = ("classification", "regression")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Records with a fixed train/test split.

    Arrays and lists become tensors, labels of any kind that are whole numbers int64; see `checks.tensor`.

    Args:
        name: what `load` was asked for, or any name.
        x_train, x_test: features (n × d), float32, in [-1, 1] for the bundled sets, pixels in [0, 1]; one record at least.
        y_train, y_test: class numbers (n,) int64 from 0, or targets (n,) float32, in [0, 1] for the bundled regression set.
        task: "classification" or "regression".
        source: where the data comes from.
        features: names of the d columns, or empty.
        classes: names of the classes; empty for regression.
        bounds: the public (low, high) of each column (d × 2), in the data's own unit.
        scale: "log" or "linear": how a column's bounds are mapped to [-1, 1].
        owner_train, owner_test: the participant each record belongs to (n,), where the data say so: numbers, or any ids.

    Raises:
        TypeError, ValueError: no numbers, shapes that do not fit, NaN or infinity, class numbers that are none.
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
        checks.text("name", self.name), checks.text("source", self.source)
        checks.one_of("task", self.task, TASKS)
        checks.one_of("scale", self.scale, ("linear", "log"))
        features, classes = names("features", self.features), names("classes", self.classes)
        found = {"features": features, "classes": classes}
        for part in ("train", "test"):
            x = checks.tensor(f"x_{part}", getattr(self, f"x_{part}"))
            y = labels(f"y_{part}", getattr(self, f"y_{part}"), self.task)
            if x.ndim != 2 or y.ndim != 1 or len(x) != len(y) or not x.numel():
                raise ValueError(
                    f"x_{part} must have shape (n, d) and y_{part} (n,) with the same n, both at least 1; "
                    f"got {tuple(x.shape)} and {tuple(y.shape)}"
                )
            checks.finite(f"x_{part}", x), checks.finite(f"y_{part}", y)
            if classes and y.max() >= len(classes):
                raise ValueError(f"y_{part} must be numbers of the {len(classes)} classes, from 0; got {int(y.max())}")
            owner = getattr(self, f"owner_{part}")
            if owner is not None:
                found[f"owner_{part}"] = owner = owners(f"owner_{part}", owner, len(x))
            found |= {f"x_{part}": x, f"y_{part}": y}
        width = found["x_train"].shape[1]
        if width != found["x_test"].shape[1]:
            raise ValueError(f"x_test must have the {width} features of x_train, got {found['x_test'].shape[1]}")
        if len(features) not in (0, width):
            raise ValueError(f"features must be the names of the {width} columns, or none; got {len(features)}")
        if self.bounds is not None:
            found["bounds"] = bounded(self.bounds, (width, 2), self.scale)
        self.__dict__.update(found)  # frozen for everybody else

    def __repr__(self):
        return (
            f"Dataset({self.name!r}, {len(self.x_train)} train, {len(self.x_test)} test, {self.x_train.shape[1]} features)"
        )


@dataclass(frozen=True, eq=False)
class Federation:
    """All clients' data as one padded batch, and the public test set.

    Arrays and lists become tensors, labels of any kind that are whole numbers int64; see `checks.tensor`. Whether the
    clients' own records are finite is for `train` to see: a client may hold NaN, as an attacker would.

    Args:
        x: features (clients × samples × features); padding is zero.
        y: targets (clients × samples).
        mask: True where a record is real (clients × samples), booleans.
        x_test, y_test: held-out records, taken as public; finite, one at least.
        task: "classification" or "regression".
        name: for titles.
        owners: each client's id in the data that the federation was made of (clients,); None where they are 0, 1, 2, ….

    Raises:
        TypeError, ValueError: no numbers, shapes that do not fit, class numbers that are none, NaN in the test set.
    """

    x: torch.Tensor
    y: torch.Tensor
    mask: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor
    task: str
    name: str = ""
    owners: np.ndarray | None = None

    def __post_init__(self):
        checks.one_of("task", self.task, TASKS), checks.text("name", self.name)
        x, y = checks.tensor("x", self.x), labels("y", self.y, self.task)
        mask = checks.tensor("mask", self.mask, numbers="bool")
        if x.ndim != 3 or y.shape != x.shape[:2] or mask.shape != x.shape[:2]:
            raise ValueError(
                "x must have shape (clients, samples, features), y and mask (clients, samples); "
                f"got {tuple(x.shape)}, {tuple(y.shape)} and {tuple(mask.shape)}"
            )
        x_test, y_test = checks.tensor("x_test", self.x_test), labels("y_test", self.y_test, self.task)
        if x_test.ndim != 2 or x_test.shape[1] != x.shape[2] or y_test.shape != x_test.shape[:1] or not len(x_test):
            raise ValueError(
                f"x_test must have shape (n, {x.shape[2]}) and y_test (n,) with n at least 1, "
                f"got {tuple(x_test.shape)} and {tuple(y_test.shape)}"
            )
        checks.finite("x_test", x_test), checks.finite("y_test", y_test)
        parts = {"x": x, "y": y, "mask": mask, "x_test": x_test, "y_test": y_test}
        if len({part.device for part in parts.values()}) > 1:
            devices = [str(part.device) for part in parts.values()]
            raise ValueError(f"x, y, mask, x_test and y_test must be on one device, got {devices}")
        if self.owners is not None:
            parts["owners"] = np.asarray(owners("owners", self.owners, len(x)))
        self.__dict__.update(parts)

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
            clients: client numbers from 0, or a boolean mask (clients,).

        Raises:
            TypeError, ValueError: no client numbers, one that there is not, or a mask of another length.
        """
        if not isinstance(clients, torch.Tensor) or clients.dtype not in (torch.int64, torch.bool) or clients.ndim != 1:
            array = np.asarray(clients) if isinstance(clients, (np.ndarray, list, tuple, range)) else clients
            kind = "bool" if getattr(array, "dtype", None) in (np.bool_, torch.bool) else "whole"
            clients = checks.tensor("clients", array, ("n",), kind)
        if clients.dtype == torch.bool:
            if len(clients) != self.clients:
                raise ValueError(f"clients must be a mask of shape ({self.clients},), got {tuple(clients.shape)}")
        elif len(clients) and not (int(clients.min()) >= 0 and int(clients.max()) < self.clients):
            raise ValueError(f"clients must lie in 0 … {self.clients - 1}, got {int(clients.min())} … {int(clients.max())}")
        parts = {"x": self.x[clients], "y": self.y[clients], "mask": self.mask[clients]}
        if self.owners is not None:
            parts["owners"] = self.owners[clients.cpu().numpy()]
        return self._with(**parts)

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
        return self._with(x=x, y=y, mask=mask)

    def held_out(self, share=0.2, seed=0):
        """Return two federations of the same clients: each client's records to train on, and its own test records.

        Args:
            share: of a client's records that is held out, in (0, 1), rounded to the nearest; one record at least stays, so
                that a client with a single record has no test.
            seed: of the drawing, at least 0.

        Returns:
            Two `Federation`s, with the public test set of this one.

        Derived in: notebook 21.
        """
        share, seed = checks.real("share", share, above=0, below=1), checks.whole("seed", seed, at_least=0)
        keys = torch.full(self.mask.shape, 2.0, dtype=torch.float64)  # padding comes last
        keys[self.mask.cpu()] = torch.from_numpy(np.random.default_rng(seed).random(int(self.sizes.sum())))
        rank = keys.argsort(1).argsort(1).to(self.mask.device)
        held = torch.minimum((share * self.sizes + 0.5).floor().long(), (self.sizes - 1).clamp(min=0))
        test = self.mask & (rank < held.unsqueeze(1))
        return self._of(self.mask & ~test), self._of(test)

    def _of(self, chosen):
        """The federation of the chosen records (clients × samples), in their order, padded anew."""
        order = (~chosen).sort(dim=1, stable=True).indices[:, : max(1, int(chosen.sum(1).max()))]
        mask, y = chosen.gather(1, order), self.y.gather(1, order)
        x = self.x.gather(1, order.unsqueeze(2).expand(-1, -1, self.x.shape[2]))
        return self._with(x=x * mask.unsqueeze(2), y=y * mask, mask=mask)

    def client(self, k):
        """Return client k's own records: x (n_k × features) and y (n_k,)."""
        k = checks.whole("k", k, at_least=0, at_most=self.clients - 1)
        return self.x[k][self.mask[k]], self.y[k][self.mask[k]]

    def pooled(self):
        """Return all records in one place, as no federation would: x (n × features) and y (n,)."""
        return self.x[self.mask], self.y[self.mask]

    def to(self, device):
        """Return the federation with all its tensors on the device, such as "cpu" or "cuda"."""
        device = checks.device("device", device)
        return self._with(**{name: getattr(self, name).to(device) for name in ("x", "y", "mask", "x_test", "y_test")})

    def _with(self, **parts):
        """The federation with other parts, which came from checked ones: a round selects often, and checks cost time."""
        made = object.__new__(Federation)
        made.__dict__.update({field.name: getattr(self, field.name) for field in fields(self)} | parts)
        return made

    def __repr__(self):
        return f"Federation({self.name!r}, {self.clients} clients, {int(self.sizes.sum())} records)"
