"""How fast `train` is, beside a plain loop, pooled training and, where installed, jitted JAX, pfl-research and Flower.

    python -m venv peers && peers/bin/pip install -r tests/benchmarks/requirements.txt
    peers/bin/python tests/benchmarks/simulation.py [--json] [--clients 100 1000] [--without flower pfl jax]
                                                    [--million] [--startup]

The peers have an environment of their own, since pfl-research wants an older dp-accounting than the package; the package
is run from the checkout, and nothing is accounted for here. `.venv/bin/python` runs it, too, without the peers.

The same work for all: a 64–32–10 network, 20 random samples a client, 5 local steps on the full batch with step size
0.1, 10 rounds, every client, 2 threads, from the same initial parameters. Pooled centralised training makes as many
passes over as many samples: 50 full-batch steps on all clients' samples at once; it is another algorithm, so its
parameters differ. JAX is what a user would write instead: vmap over clients, scan over steps and rounds, all jitted; its
first run compiles, and so does the first after every change of the number of clients. Of the fast ones, which take turns,
the best of several runs counts; of first runs, the loop and the other simulators one run. Run it on an idle machine: the
loop suffers most from a busy one.
"""

import argparse
import contextlib
import importlib.util
import json
import logging
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from fldp_lib import data, mechanisms, models, train  # noqa: E402

SAMPLES, FEATURES, HIDDEN, CLASSES = 20, 64, 32, 10
STEPS, ROUNDS, LR = 5, 10, 0.1


def random_federation(clients, samples=SAMPLES, features=FEATURES, classes=CLASSES):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(clients, samples, features, generator=generator)
    y = torch.randint(0, classes, (clients, samples), generator=generator)
    mask = torch.ones(clients, samples, dtype=torch.bool)
    return data.Federation(x, y, mask, x[0], y[0], "classification", "random")


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def ours(model, fed):
    return train(model, fed, rounds=ROUNDS, local_steps=STEPS, lr=LR, progress=False).theta


def loop(model, fed):
    """What a first implementation does: one client after the other, torch's own optimiser."""
    theta = models.flatten(model)
    for _ in range(ROUNDS):
        total = torch.zeros_like(theta, dtype=torch.float64)
        for k in range(fed.clients):
            local = models.with_theta(model, theta)
            optimiser = torch.optim.SGD(local.parameters(), lr=LR)
            for _ in range(STEPS):
                optimiser.zero_grad()
                nn.functional.cross_entropy(local(fed.x[k]), fed.y[k]).backward()
                optimiser.step()
            total += models.flatten(local)
        theta = (total / fed.clients).float()
    return theta


def pooled(model, fed):
    """Centralised training with as many passes over as many samples."""
    x, y = fed.x.flatten(0, 1), fed.y.flatten()
    local = models.with_theta(model, models.flatten(model))
    optimiser = torch.optim.SGD(local.parameters(), lr=LR)
    for _ in range(ROUNDS * STEPS):
        optimiser.zero_grad()
        nn.functional.cross_entropy(local(x), y).backward()
        optimiser.step()
    return models.flatten(local)


def jax_program(model, fed):
    """Return a function that trains once more: a jitted JAX program, not yet compiled."""
    import jax
    from jax import numpy as jnp

    x, y = jnp.asarray(fed.x.numpy()), jnp.asarray(fed.y.numpy())
    start = [jnp.asarray(p.detach().numpy()) for p in model.parameters()]

    def loss(p, x, y):
        w1, b1, w2, b2 = p
        logits = jax.nn.relu(x @ w1.T + b1) @ w2.T + b2
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()

    def local(p, x, y):
        def step(p, _):
            return [a - LR * g for a, g in zip(p, jax.grad(loss)(p, x, y), strict=True)], None

        return jax.lax.scan(step, p, None, STEPS)[0]

    @jax.jit
    def run(p, x, y):
        def one_round(p, _):
            trained = jax.vmap(local, (None, 0, 0))(p, x, y)
            return [a.mean(0) for a in trained], None

        return jax.lax.scan(one_round, p, None, ROUNDS)[0]

    def again():
        return torch.cat([torch.tensor(jax.device_get(p)).reshape(-1) for p in run(start, x, y)])

    return again


def pfl(model, fed):
    """pfl-research's simulated backend."""
    from pfl.aggregate.simulate import SimulatedBackend
    from pfl.algorithm.base import NNAlgorithmParams
    from pfl.algorithm.federated_averaging import FederatedAveraging
    from pfl.data.dataset import Dataset
    from pfl.data.federated_dataset import FederatedDataset
    from pfl.data.sampling import get_user_sampler
    from pfl.hyperparam import NNEvalHyperParams, NNTrainHyperParams
    from pfl.model.pytorch import PyTorchModel

    local = models.with_theta(model, models.flatten(model))
    local.loss = lambda x, y, **_: nn.functional.cross_entropy(local(x), y)
    local.metrics = lambda x, y, **_: {}
    users = [Dataset([fed.x[k], fed.y[k]]) for k in range(fed.clients)]
    federated = FederatedDataset(users.__getitem__, get_user_sampler("minimize_reuse", range(fed.clients)))
    FederatedAveraging().run(
        algorithm_params=NNAlgorithmParams(ROUNDS, ROUNDS + 1, fed.clients, 0),
        backend=SimulatedBackend(federated, federated),
        model=PyTorchModel(local, torch.optim.SGD, torch.optim.SGD(local.parameters(), lr=1.0)),
        model_train_params=NNTrainHyperParams(local_num_epochs=STEPS, local_learning_rate=LR, local_batch_size=None),
        model_eval_params=NNEvalHyperParams(local_batch_size=None),
        callbacks=[],
    )
    return models.flatten(local)


def flower(model, fed):
    """Flower's simulation engine (ray)."""
    from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    from flwr.serverapp import ServerApp
    from flwr.serverapp.strategy import FedAvg
    from flwr.simulation import run_simulation

    client, server, kept = ClientApp(), ServerApp(), {}
    x, y, start = fed.x, fed.y, models.flatten(model)

    @client.train()
    def fit(message, context):
        torch.set_num_threads(1)
        k = context.node_config["partition-id"]
        local = models.MLP(FEATURES, HIDDEN, CLASSES)
        local.load_state_dict(message.content["arrays"].to_torch_state_dict())
        optimiser = torch.optim.SGD(local.parameters(), lr=LR)
        for _ in range(STEPS):
            optimiser.zero_grad()
            nn.functional.cross_entropy(local(x[k]), y[k]).backward()
            optimiser.step()
        content = {"arrays": ArrayRecord(local.state_dict()), "metrics": MetricRecord({"num-examples": SAMPLES})}
        return Message(content=RecordDict(content), reply_to=message)

    @server.main()
    def main(grid, context):
        strategy = FedAvg(fraction_evaluate=0.0, min_available_nodes=fed.clients, min_train_nodes=fed.clients)
        initial = ArrayRecord(models.with_theta(model, start).state_dict())
        kept["arrays"] = strategy.start(grid=grid, initial_arrays=initial, num_rounds=ROUNDS).arrays

    run_simulation(server, client, fed.clients, backend_config={"client_resources": {"num_cpus": 1}})
    local = models.MLP(FEATURES, HIDDEN, CLASSES)
    local.load_state_dict(kept["arrays"].to_torch_state_dict())
    return models.flatten(local)


@contextlib.contextmanager
def quiet():
    """No logs, no telemetry, no files outside a temporary folder while another simulator runs."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(FLWR_HOME=home, FLWR_TELEMETRY_ENABLED="0", RAY_USAGE_STATS_ENABLED="0", PYTHONPATH=str(ROOT))
        os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        with open(os.devnull, "w") as sink, contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            yield
        logging.disable(logging.NOTSET)


def compare(clients, peers, repeats=9):
    """Time all engines on one number of clients; returns rows name → (seconds, largest difference from the loop)."""
    model, fed = models.MLP(FEATURES, HIDDEN, CLASSES), random_federation(clients)
    loop_seconds, reference = timed(lambda: loop(model, fed))
    fast, best, thetas = {"train": lambda: ours(model, fed), "pooled": lambda: pooled(model, fed)}, {}, {}
    first = {"train, first run": timed(fast["train"])}
    peers = dict(peers)
    if program := peers.pop("jax", None):
        fast["jax"] = program(model, fed)
        first["jax, first run"] = timed(fast["jax"])
    for _ in range(repeats):
        for name, engine in fast.items():
            seconds, thetas[name] = timed(engine)
            best[name] = min(seconds, best.get(name, math.inf))
    rows = {name: (best[name], float((thetas[name] - reference).abs().max())) for name in best}
    rows |= {name: (seconds, float((theta - reference).abs().max())) for name, (seconds, theta) in first.items()}
    rows["loop"] = (loop_seconds, 0.0)
    for name, engine in peers.items():
        with quiet():
            seconds, theta = timed(lambda engine=engine: engine(model, fed))
        rows[name] = (seconds, float((theta - reference).abs().max()))
    return rows


def small():
    """Seconds of 10 clients, 30 rounds, one local step, a 10-feature network: best and median of 20."""
    model, fed = models.MLP(10, 5, 2), random_federation(10, features=10, classes=2)
    runs = [timed(lambda: train(model, fed, rounds=30, progress=False))[0] for _ in range(20)]
    return min(runs), statistics.median(runs)


def million(clients):
    """One private round over one-sample clients; run in a process of its own, prints seconds and peak memory in bytes."""
    import resource

    mechanism, model = mechanisms.Gaussian(noise_multiplier=1.0, clip=1.0), models.Linear(FEATURES, CLASSES)

    def one_round(fed):
        return train(model, fed, rounds=1, mechanism=mechanism, delta=1e-7)

    one_round(random_federation(16, samples=1))  # what torch sets up once is not a client's cost
    fed = random_federation(clients, samples=1)
    seconds, _ = timed(lambda: one_round(fed))
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))


def in_a_new_process(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def startup(repeats=5):
    """Seconds of `import torch` and of `import fldp_lib`, in new processes that take turns: medians."""
    runs = {"torch": [], "fldp_lib": []}
    for _ in range(repeats + 1):
        for name, seconds in runs.items():
            seconds.append(timed(lambda name=name: in_a_new_process("-c", f"import {name}"))[0])
    return {name: statistics.median(seconds[1:]) for name, seconds in runs.items()}  # the first filled the disk cache


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--without", nargs="*", default=[], choices=["flower", "pfl", "jax"])
    parser.add_argument("--million", action="store_true", help="also one private round over 10⁴, 10⁵ and 10⁶ clients")
    parser.add_argument("--startup", action="store_true", help="also the time of the import")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of tables")
    parser.add_argument("--one-million-run", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(2)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if options.one_million_run:
        return million(options.one_million_run)
    engines = {"pfl": (pfl, "pfl"), "flower": (flower, "flwr"), "jax": (jax_program, "jax")}
    wanted = {name: engine for name, engine in engines.items() if name not in options.without}
    missing = [name for name, (_, package) in wanted.items() if importlib.util.find_spec(package) is None]
    report = {"missing": missing, "runs": {}}
    for clients in options.clients:
        peers = {n: e for n, (e, _) in wanted.items() if n not in missing and (n != "flower" or clients <= 100)}
        rows = compare(clients, peers)
        ratio = {name: seconds / rows["train"][0] for name, (seconds, _) in rows.items()}
        report["runs"][clients] = {
            name: {"seconds": round(seconds, 4), "times_train": round(ratio[name], 2), "max_difference": difference}
            for name, (seconds, difference) in rows.items()
        }
    report["ten_clients_thirty_rounds_ms"] = [round(1000 * seconds, 1) for seconds in small()]
    if options.million:
        counts = [10**4, 10**5, 10**6]
        runs = [json.loads(in_a_new_process(__file__, "--one-million-run", str(count))) for count in counts]
        report["million"] = {
            count: {"seconds": round(s, 3), "peak_mb": round(m / 2**20)} for count, (s, m) in zip(counts, runs, strict=True)
        }
        report["million_exponent"] = round(math.log10(runs[2][0] / runs[0][0]) / 2, 3)
    if options.startup:
        seconds = startup()
        report["startup"] = {
            **{k: round(v, 3) for k, v in seconds.items()},
            "ratio": round(seconds["fldp_lib"] / seconds["torch"], 3),
        }
    if options.json:
        print(json.dumps(report))
        return
    for clients, rows in report["runs"].items():
        print(f"\n{clients} clients          seconds   × train   max difference from the loop")
        for name, row in sorted(rows.items(), key=lambda item: item[1]["seconds"]):
            print(f"  {name:<20}{row['seconds']:>9.3f}{row['times_train']:>10.2f}   {row['max_difference']:.1e}")
    print("\n10 clients, 30 rounds: {} ms at best, {} ms in the median".format(*report["ten_clients_thirty_rounds_ms"]))
    for key in ("million", "million_exponent", "startup"):
        if key in report:
            print(f"{key}: {report[key]}")
    if missing:
        print(f"not installed, left out: {', '.join(missing)} (tests/benchmarks/requirements.txt)")


if __name__ == "__main__":
    main()
