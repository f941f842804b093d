"""What a federation has on disk: one folder for the server, one for each node, and the plan that both keep a copy of."""

import importlib
import json
import pathlib
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch

from .. import checks, data
from ..privacy import adaptive, mechanisms
from ..training import _terms as terms
from ..training import aggregation, models
from ..training import plan as training_plan
from . import keys

MECHANISMS = (mechanisms.Laplace, mechanisms.Gaussian, adaptive.AdaptiveGaussian)
AGGREGATORS = (
    aggregation.Mean,
    aggregation.WeightedMean,
    aggregation.Median,
    aggregation.TrimmedMean,
    aggregation.Krum,
    aggregation.NormBound,
)


@dataclass(frozen=True)
class Plan:
    """What all parties agreed on before the first round; every process reads its own copy, from its own folder.

    Attributes:
        build, sizes: "module:function" that makes the model, and its arguments.
        clients, samples, features: the federation's shape: clients, largest number of records, columns.
        task, name: of the data.
        timeout: seconds after which a node that has not answered is absent in that round.
        others: as in `server.train`; `seed` None is each process's own entropy.
    """

    build: str
    sizes: tuple
    clients: int
    samples: int
    features: int
    task: str
    name: str
    rounds: int
    lr: float
    mechanism: object
    local_steps: int
    sampling_rate: float
    delta: float
    batch_rate: float
    proximal: float
    server_lr: float
    aggregator: object
    seed: int | None
    timeout: float

    @property
    def local(self):
        """Whether noise is added at the client, so that a report that was sent is budget that was spent."""
        return self.mechanism is not None and self.mechanism.private and self.mechanism.at == "client"

    @property
    def training(self):
        """The arguments that `server.train` has in common with this plan."""
        names = (
            "lr",
            "mechanism",
            "local_steps",
            "sampling_rate",
            "delta",
            "batch_rate",
            "proximal",
            "server_lr",
            "aggregator",
        )
        return {name: getattr(self, name) for name in (*names, "seed")}

    def run(self):
        """Return the `Plan` that `server.train` takes."""
        return training_plan.Plan.of(rounds=self.rounds, **self.training)

    def model(self):
        """Return a new model; only its shape counts, since every round's parameters come with the round."""
        return build(self.build, self.sizes)

    def settings(self):
        """Return the plan as text by name, as it is written and compared."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return said | {name: _named(said[name]) for name in ("mechanism", "aggregator")} | {"sizes": list(self.sizes)}


def prepare(
    folder,
    build,
    sizes,
    federation,
    nodes=3,
    *,
    rounds,
    lr,
    mechanism=None,
    local_steps=1,
    sampling_rate=1.0,
    delta=1e-5,
    batch_rate=1.0,
    proximal=0.0,
    server_lr=1.0,
    aggregator=aggregation.mean,
    seed=0,
    theta=None,
    timeout=60.0,
):
    """Write a federation to disk, ready to be run by processes that share nothing but messages. It needs no Flower.

    `folder/server` gets the plan, the start, the public test set and the clients' sizes; `folder/node-0` and so on get the
    plan and the records of their own clients, who are dealt out in order. The certificates hold for 30 days; private keys
    can be read by their owner only. On one machine all folders have one owner: to keep nodes from each other, give
    each folder to a machine, or a user, of its own.

    Args:
        folder: a new folder, for one run: its budget is spent in it, however often it is started.
        build: "module:function" that makes the model, such as "fldp_lib.training.models:MLP"; every process calls it.
        sizes: its arguments, such as (64, 32, 10): numbers or strings.
        federation: a `data.Federation`.
        nodes: number of nodes, from 1 to the number of clients; a node holds several clients' records.
        rounds, lr, mechanism, local_steps, sampling_rate, delta, batch_rate, proximal, server_lr: as in `server.train`.
        aggregator: a mean, median, trimmed mean, Krum or norm bound of `aggregation`.
        seed: as in `server.train`: with one, the run repeats `train` number for number, and whoever knows it, every
            process here, can subtract the noise: for tests and teaching. None: each process draws from its own system's
            entropy; the noise is still made in floating point and not release-grade.
        theta: the start (parameters,); None takes that of the model that `build` makes.
        timeout: seconds after which a node that has not answered is absent in that round, positive.

    Returns:
        The folder's path.

    Raises:
        TypeError, ValueError: an argument out of range, a folder in use, or what this deployment has not: secure
            aggregation, compression.

    Derived in: notebook 17.
    """
    folder = pathlib.Path(folder).resolve()
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"folder must be new or empty, since a folder is one run with one budget; got {str(folder)!r}")
    model = _checked_model(build, sizes)
    terms.check_fit(model, federation, None)
    nodes = checks.whole("nodes", nodes, at_least=1, at_most=federation.clients)
    plan = Plan(
        build, tuple(sizes), federation.clients, federation.x.shape[1], federation.x.shape[2], federation.task,
        federation.name, checks.whole("rounds", rounds, at_least=1), checks.real("lr", lr, above=0), mechanism,
        checks.whole("local_steps", local_steps, at_least=1),
        checks.real("sampling_rate", sampling_rate, above=0, at_most=1), checks.real("delta", delta, above=0, below=1),
        checks.real("batch_rate", batch_rate, above=0, at_most=1), checks.real("proximal", proximal, at_least=0),
        checks.real("server_lr", server_lr, above=0), aggregator,
        None if seed is None else checks.whole("seed", seed, at_least=0), checks.real("timeout", timeout, above=0),
    )  # fmt: skip
    _check_possible(plan)
    start = models.flatten(model) if theta is None else theta
    models.check_theta(model, start)
    owner = np.repeat(np.arange(nodes), np.diff(np.linspace(0, plan.clients, nodes + 1).round().astype(int)))

    server = folder / "server"
    (server / "nodes").mkdir(parents=True), (folder / "logs").mkdir()
    keys.server_certificate(server)
    _write_plan(server, plan)
    np.save(server / "theta.npy", start.numpy())
    np.savez(server / "public.npz", x_test=federation.x_test.numpy(), y_test=federation.y_test.numpy())
    np.savez(server / "clients.npz", sizes=federation.sizes.numpy(), node=owner)
    for k in range(nodes):
        node, mine = folder / f"node-{k}", np.flatnonzero(owner == k)
        node.mkdir()
        _write_plan(node, plan)
        shard = federation.select(torch.from_numpy(mine))
        np.savez(node / "shard.npz", clients=mine, x=shard.x.numpy(), y=shard.y.numpy(), mask=shard.mask.numpy())
        (node / "ca.pem").write_bytes((server / "ca.pem").read_bytes())
        keys.node_keys(node / "key", server / "nodes" / f"node-{k}.pub")
    return folder


def read(folder):
    """Return the `Plan` in a server's or a node's folder."""
    path = pathlib.Path(folder) / "plan.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"folder must be one that prepare wrote; {str(path)!r} cannot be read") from error
    said["sizes"] = tuple(said["sizes"])
    said["mechanism"] = _object("mechanism", said["mechanism"], MECHANISMS)
    said["aggregator"] = _object("aggregator", said["aggregator"], AGGREGATORS)
    return Plan(**said)


def arrays(path):
    """Return the tensors in an npz file by name; nothing in it is run."""
    with np.load(path, allow_pickle=False) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def build(name, sizes):
    """Return what the function called "module:function" makes of the sizes."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)(*sizes)


def _checked_model(name, sizes):
    if not isinstance(name, str) or name.count(":") != 1:
        raise ValueError(f"build must be 'module:function', such as 'fldp_lib.training.models:MLP', got {name!r}")
    if any(not isinstance(size, (int, float, str, type(None))) for size in sizes):
        raise TypeError(f"sizes must be numbers or strings, which can be written down; got {sizes!r}")
    try:
        model = build(name, sizes)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"build must name a function that every process can import, got {name!r}: {error}") from error
    models.check_stackable(model)
    return model


def _check_possible(plan):
    """Refuse what this deployment cannot keep, before anything is written."""
    mechanism, aggregator = plan.mechanism, plan.aggregator
    if mechanism is not None and type(mechanism) not in MECHANISMS:
        raise TypeError(f"mechanism must be a Laplace or Gaussian, or None; got {type(mechanism).__name__}")
    if type(aggregator) not in AGGREGATORS:
        allowed = ", ".join(kind.__name__ for kind in AGGREGATORS)
        raise TypeError(f"aggregator must be one of {allowed}, which can be written down; got {aggregator!r}")
    if mechanism is not None and mechanism.at == "shares":
        raise ValueError(
            "mechanism must not be in shares here: they need secure aggregation, which this deployment does not connect "
            "(Flower's own tool for it is SecAgg+); use at='server' or at='client'"
        )
    central = mechanism is not None and mechanism.private and mechanism.at == "server"
    if central and getattr(aggregator, "weigh", None) is None:
        raise ValueError(
            f"aggregator must be a sum where the noise is at the server, got {aggregator!r}: it would have no ε"
        )
    plan.run()


def _write_plan(folder, plan):
    (folder / "plan.json").write_text(json.dumps(plan.settings(), indent=1) + "\n", encoding="utf-8")


def _named(value):
    return None if value is None else {"kind": type(value).__name__, **asdict(value)}


def _object(name, said, kinds):
    if said is None:
        return None
    said = dict(said)
    known = {kind.__name__: kind for kind in kinds}
    return known[checks.one_of(name, said.pop("kind"), known)](**said)


def federation(folder, plan):
    """Return the server's `Federation`: the clients' numbers of records, the public test set, and not one record."""
    known, public = arrays(folder / "clients.npz"), arrays(folder / "public.npz")
    mask = torch.arange(plan.samples) < known["sizes"].unsqueeze(1)  # clients × samples
    y = torch.zeros((), dtype=public["y_test"].dtype).expand(mask.shape)
    x = torch.zeros((), dtype=public["x_test"].dtype).expand(*mask.shape, plan.features)
    return data.Federation(x, y, mask, public["x_test"], public["y_test"], plan.task, plan.name)
