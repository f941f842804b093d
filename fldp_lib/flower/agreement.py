"""What all parties of a deployment agreed on before the first round, and what each has of it on disk."""

import importlib
import json
import pathlib
from dataclasses import dataclass, fields

import numpy as np
import torch

from .. import data
from ..training import _fingerprint
from ..training.plan import Plan

FILE = "agreement.json"
PLAN = [field.name for field in fields(Plan)]


@dataclass(frozen=True)
class Agreement:
    """A `Plan`, and what else processes must have in common; every process reads its own copy, from its own folder.

    Attributes:
        plan: the `Plan`.
        build, sizes: "module:function" that makes the model, and its arguments.
        clients, samples, features: the federation's shape: clients, largest number of records (1 where it is not told, see
            `prepare`), columns.
        task, name: of the data.
        timeout: seconds after which a node that has not answered is absent in that round.
        body: fingerprint of the model's frozen parameters, which no message holds; "" where all train.
    """

    plan: Plan
    build: str
    sizes: tuple
    clients: int
    samples: int
    features: int
    task: str
    name: str
    timeout: float
    body: str = ""

    @property
    def local(self):
        """Whether noise is added at the client, so that a report that was sent is budget that was spent."""
        return self.plan.private and self.plan.mechanism.at == "client"

    def model(self):
        """Return a new model; its shape counts and what is frozen, since what trains comes with every round.

        Raises:
            ValueError: another frozen body than was agreed on.
        """
        model = build(self.build, self.sizes)
        if _fingerprint.body(model) != self.body:
            raise ValueError(
                f"build must make the same frozen parameters in every process, from a seed or a file; {self.build!r} made "
                "others here than were agreed on"
            )
        return model

    def settings(self):
        """Return the agreement, the plan's terms among its own, by name, as JSON has them: what is written and compared."""
        said = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "plan"}
        return json.loads(self.plan.to_json()) | said | {"sizes": list(self.sizes)}


def read(folder):
    """Return the `Agreement` in a server's or a node's folder.

    Raises:
        ValueError: not a folder that `prepare` wrote.
    """
    path = pathlib.Path(folder) / FILE
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"folder must be one that prepare wrote; {str(path)!r} cannot be read") from error
    plan = Plan.from_json(json.dumps({name: said.pop(name) for name in PLAN}))
    return Agreement(plan, **said | {"sizes": tuple(said["sizes"])})


def arrays(path):
    """Return the tensors in an npz file by name; nothing in it is run."""
    with np.load(path, allow_pickle=False) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def build(name, sizes):
    """Return what the function called "module:function" makes of the sizes."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)(*sizes)


def federation(folder, agreed):
    """Return the server's `Federation`: the clients' numbers of records, the public test set, and not one record.

    Where noise is added at the client the server is not told the numbers, and each client stands there as of one record.
    """
    known, public = arrays(folder / "clients.npz"), arrays(folder / "public.npz")
    sizes = known.get("sizes", torch.ones(agreed.clients, dtype=torch.int64))
    mask = torch.arange(agreed.samples) < sizes.unsqueeze(1)  # clients × samples
    y = torch.zeros((), dtype=public["y_test"].dtype).expand(mask.shape)
    x = torch.zeros((), dtype=public["x_test"].dtype).expand(*mask.shape, agreed.features)
    return data.Federation(x, y, mask, public["x_test"], public["y_test"], agreed.task, agreed.name)
