"""Writing a federation to disk, one folder for the server and one for each node, readable by their owner only."""

import io
import json
import os
import pathlib

import numpy as np
import torch

from .. import checks
from ..training import _fingerprint, aggregation, models
from ..training import _terms as terms
from ..training.plan import Plan
from . import agreement, bundle, keys, processes

AGGREGATORS = (
    aggregation.Mean,
    aggregation.WeightedMean,
    aggregation.Median,
    aggregation.TrimmedMean,
    aggregation.Krum,
    aggregation.NormBound,
)


def prepare(folder, plan, build, sizes, federation, nodes=3, *, timeout=60.0, theta=None, repeatable=False):
    """Write a federation to disk, ready to be run by processes that share nothing but messages. It needs no Flower.

    `folder/server` gets the plan, the start and the public test set, and the clients' sizes unless noise is added at the
    client, where the server is who must not know them; `folder/node-0` and so on get the plan and the records of their own
    clients, who are dealt out in order. Folders can be entered, and files read, by their owner only, whatever the umask. The
    certificates hold for 30 days. On one machine all folders have one owner: to keep nodes from each other, give each
    folder to a machine, or a user, of its own.

    Args:
        folder: a new folder, for one run: its budget is spent in it, however often it is started.
        plan: a `Plan`.
        build: "module:function" that makes the model, such as "fldp_lib.training.models:MLP"; every process calls it. What
            is frozen in it must come out the same each time, from a seed or a file: it is compared, and never sent.
        sizes: its arguments, such as (64, 32, 10): numbers or strings.
        federation: a `data.Federation`.
        nodes: number of nodes, from 1 to the number of clients; a node holds several clients' records.
        timeout: seconds after which a node that has not answered is absent in that round, positive.
        theta: the start (parameters,); None takes that of the model that `build` makes.
        repeatable: whether a seed may stand where noise is added at the client. With a seed the run repeats `train` number
            for number, and whoever knows it, every process here, can subtract the noise: for tests and teaching. With
            `Plan(seed=None)` each process draws from its own system's entropy; the noise is still made in floating point
            and not release-grade.

    Returns:
        The folder's path.

    Raises:
        TypeError, ValueError: an argument out of range, a folder in use, or what this deployment has not: secure
            aggregation, compression.

    Derived in: notebook 17.
    """
    folder = pathlib.Path(checks.kind("folder", folder, (str, os.PathLike), "a path")).expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"folder must be new or empty, since a folder is one run with one budget; got {str(folder)!r}")
    if not isinstance(plan, Plan):
        raise TypeError(f"plan must be a Plan, got {plan!r:.80}")
    checks.flag("repeatable", repeatable)
    model = _checked_model(build, sizes)
    terms.check_fit(model, federation, plan.loss)
    nodes = checks.whole("nodes", nodes, at_least=1, at_most=federation.clients)
    agreed = agreement.Agreement(
        plan, build, tuple(sizes), federation.clients, federation.x.shape[1], federation.x.shape[2], federation.task,
        federation.name, checks.real("timeout", timeout, above=0), _fingerprint.body(model),
    )  # fmt: skip
    _check_possible(agreed, repeatable)
    if agreed.local and plan.seed is None:  # how many records the largest client has is not the server's business
        agreed = agreement.Agreement(**{**vars(agreed), "samples": 1})
    said = (json.dumps(agreed.settings(), indent=1) + "\n").encode()
    start = models.flatten(model) if theta is None else theta
    models.check_theta(model, start), checks.finite("theta", start)
    owner = np.repeat(np.arange(nodes), np.diff(np.linspace(0, agreed.clients, nodes + 1).round().astype(int)))

    server = processes.private(processes.private(folder) / "server")
    processes.private(server / "nodes"), processes.private(folder / "logs")
    keys.certificate(server)
    keys.secret(server / agreement.FILE, said)
    save(server / "theta.npy", np.save, start.numpy())
    save(server / "public.npz", np.savez, x_test=federation.x_test.numpy(), y_test=federation.y_test.numpy())
    save(server / "clients.npz", np.savez, node=owner, **({} if agreed.local else {"sizes": federation.sizes.numpy()}))
    for k in range(nodes):
        node, mine = processes.private(folder / f"node-{k}"), np.flatnonzero(owner == k)
        keys.secret(node / agreement.FILE, said)
        shard = federation.select(torch.from_numpy(mine))
        width = agreed.samples if agreed.samples > 1 else int(shard.sizes.max().clamp(min=1))
        held = {name: getattr(shard, name)[:, :width].numpy() for name in ("x", "y", "mask")}
        save(node / "shard.npz", np.savez, clients=mine, **held)
        keys.secret(node / "ca.pem", (server / "ca.pem").read_bytes())
        keys.node_keys(node / "key", server / "nodes" / f"node-{k}.pub")
        keys.certificate(processes.private(node / "own"))  # of the interface between a node and its app
    bundle.write(server, [folder / f"node-{k}" for k in range(nodes)])
    return folder


def save(path, save, *given, **named):
    """Write arrays by np.save or np.savez to a file that only its owner can read."""
    content = io.BytesIO()
    save(content, *given, **named)
    keys.secret(path, content.getvalue())


def _checked_model(name, sizes):
    if not isinstance(name, str) or name.count(":") != 1:
        raise ValueError(f"build must be 'module:function', such as 'fldp_lib.training.models:MLP', got {name!r}")
    if not isinstance(sizes, (tuple, list)) or any(not isinstance(size, (int, float, str, type(None))) for size in sizes):
        raise TypeError(f"sizes must be numbers or strings, which can be written down; got {sizes!r}")
    try:
        model = agreement.build(name, sizes)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"build must name a function that every process can import, got {name!r}: {error}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"sizes must be what {name!r} (build) makes a model of, got {sizes!r}: {error}") from error
    models.check_stackable(model)
    return model


def _check_possible(agreed, repeatable):
    """Refuse what this deployment cannot keep, before anything is written."""
    plan, mechanism, aggregator = agreed.plan, agreed.plan.mechanism, agreed.plan.aggregator
    if type(aggregator) not in AGGREGATORS:
        allowed = ", ".join(kind.__name__ for kind in AGGREGATORS)
        raise TypeError(f"aggregator must be one of {allowed}, which can be written down; got {aggregator!r}")
    if mechanism is not None and mechanism.at == "shares":
        raise ValueError(
            "mechanism must not be in shares here: they need secure aggregation, which this deployment does not connect "
            "(Flower's own tool for it is SecAgg+); use at='server' or at='client'"
        )
    terms.check_workers(agreed.model, plan)
    if plan.private and mechanism.at == "server" and plan.reason:
        raise ValueError(
            f"aggregator must be a sum where the noise is at the server, got {aggregator!r}: it would have no ε"
        )
    if agreed.local and mechanism.unit == "record" and type(aggregator) is aggregation.WeightedMean:
        raise ValueError(
            "aggregator must weigh all clients alike where records get their noise at the client, who keeps its number of "
            f"records to itself; got {aggregator!r}"
        )
    if agreed.local and plan.seed is not None and not repeatable:
        raise ValueError(
            f"seed must be None where noise is added at the client, got {plan.seed}: the server, against whom it is added, "
            "knows the seed and can subtract the noise; repeatable=True takes it all the same, for tests and teaching"
        )
    plan.to_json()  # refuses a loss, or what else nobody could read back
