"""One federation on TensorFlow Federated, and on Flower with a node in Keras, against `train`: start, cohorts, data shared.

python -m tests.systems.environments    # makes the two environments
python -m tests.systems.compare         # runs all of it and prints the table of notebook 17
"""

import base64
import datetime
import json
import pathlib
import tempfile
from unittest import mock

import numpy as np
import torch

from fldp_lib import Plan, accounting, aggregation, data, flower, mechanisms, models, train
from fldp_lib.flower import processes
from tests.systems import environments

HERE = pathlib.Path(__file__).resolve().parent
STORED = environments.ROOT / "figures" / "article_systems.json"
SIZES, DRAWS = (64, 16, 10), 20
SILENT = 1e-7  # a noise multiplier that moves no parameter by 1e-6: the private run's clip and denominator, and no noise


def federation():
    """Sixty clients share the digits, with shares of the ten classes, and numbers of records, of their own."""
    return data.split(data.load("digits"), clients=60, how="dirichlet", alpha=0.5)


def plans():
    """The runs by name, 5 rounds each: `private` is calibrated, `clipped` is the same without its noise."""
    steps = Plan.of(rounds=5, local_steps=5, lr=0.5, aggregator=aggregation.weighted_mean)
    sampled = steps.changed(sampling_rate=0.2)
    private = sampled.changed(aggregator=aggregation.mean).calibrated(4.0, delta=1e-5, clip=1.5)
    clipped = private.changed(mechanism=mechanisms.Gaussian(SILENT, private.mechanism.clip))
    return {"everybody": steps, "cohorts": sampled, "clipped": clipped, "private": private}


def drawn(plan, fed):
    """The cohorts that the plan's seed draws, one list a round."""
    cohorts, one = [], plan.changed(mechanism=None)

    def workers(t, theta, members):
        cohorts.append(members.tolist())
        return torch.zeros(len(members), len(theta))

    train(models.MLP(*SIZES), fed, one, workers=workers, progress=False)
    return cohorts


def off(theta, expected):
    """The largest difference between two thetas."""
    return float(np.abs(np.asarray(theta) - np.asarray(expected)).max())


def on_tff(python, fed, runs):
    """Return what TensorFlow Federated made of the federation: arrays and facts; see federate.py."""
    private = runs["private"]
    noise, expected = private.mechanism, private.rate * fed.clients
    given = {
        "sizes": SIZES, "lr": private.lr, "steps": private.local.steps, "draws": DRAWS, "cohorts": drawn(private, fed),
        "private": {"noise_multiplier": noise.noise_multiplier, "clip": noise.clip, "expected": expected, "epsilon": 4.0,
                    "rate": private.rate, "rounds": private.rounds, "delta": private.delta},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
        arrays = {name: getattr(fed, name).numpy() for name in ("x", "y", "mask")}
        np.savez(folder / "given.npz", theta=models.flatten(models.MLP(*SIZES)).numpy(), **arrays)
        environments.run(python, HERE / "federate.py", folder)
        return dict(np.load(folder / "found.npz")), json.loads((folder / "found.json").read_text(encoding="utf-8"))


class Mixed(flower.Deployment):
    """A deployment of which some nodes have other software: the Python that they run, and what lies there under our name.

    Args:
        folder: what `flower.prepare` wrote.
        python: path of the Python of these nodes.
        names: of these nodes, such as "node-1".
    """

    def __init__(self, folder, python, names):
        super().__init__(folder)
        self.python, self.others = str(python), names

    def start_node(self, name, key=None):
        if name not in self.others:
            return super().start_node(name, key)
        with (
            mock.patch.multiple(processes, PACKAGE=keras_node(self.folder / name)),
            mock.patch("sys.executable", self.python),
        ):
            return super().start_node(name, key)


def keras_node(folder):
    """Install the Keras client in a node's folder, under the name that the signed app asks for; return the place."""
    place = folder / "software"
    (place / "fldp_lib" / "flower").mkdir(parents=True, exist_ok=True)
    for package in (place / "fldp_lib", place / "fldp_lib" / "flower"):
        (package / "__init__.py").touch()
    (place / "fldp_lib" / "flower" / "apps.py").write_bytes((HERE / "keras_client.py").read_bytes())
    return place


def on_flower(python, fed, plan, folder):
    """Return the `History` of a run on Flower in which node 0 trains in PyTorch and node 1 in Keras."""
    folder = flower.prepare(folder, plan, "fldp_lib.training.models:MLP", SIZES, fed, nodes=2, timeout=300)
    with Mixed(folder, python, ["node-1"]) as running:
        return running.wait()


def encoded(theta):
    """A theta (parameters,) as text: float32, little-endian, base64."""
    return base64.b64encode(np.asarray(theta, "<f4").tobytes()).decode()


def thetas(system):
    """The last thetas of a stored system, by the run's name."""
    return {name: np.frombuffer(base64.b64decode(text), "<f4") for name, text in system["theta"].items()}


def results():
    """Run both systems and return what notebook 17 shows: versions, last thetas, the noise, the prices."""
    fed, runs = federation(), plans()
    arrays, facts = on_tff(environments.python("tff"), fed, runs)
    python = environments.python("keras")
    with tempfile.TemporaryDirectory() as folder:
        mixed = {"private": on_flower(python, fed, runs["private"], pathlib.Path(folder) / "run").theta}
    return gathered(fed, runs, arrays, facts, mixed)


def gathered(fed, runs, arrays, facts, mixed):
    """Return both systems' results as they are stored; `mixed` holds Flower's last thetas by the run's name."""
    federated = {name: arrays[name][-1] for name in ("everybody", "cohorts", "clipped")}
    versions = {
        "TensorFlow Federated": environments.versions(environments.python("tff"), "tensorflow-federated", "tensorflow-cpu"),
        "Keras on Flower": environments.versions(environments.python("keras"), "flwr", "keras", "tensorflow-cpu"),
    }
    return {
        "made": datetime.date.today().isoformat(),
        "systems": {
            name: {"versions": versions[name], "theta": {run: encoded(theta) for run, theta in found.items()}}
            for name, found in zip(versions, (federated, mixed), strict=True)
        },
        "noise": float(arrays["noise"].std()) * runs["private"].rate * fed.clients,  # on a coordinate of the sum
        "price": facts["price"],
    }


def table(found):
    """Return lines that set stored or new results beside `train`."""
    fed, runs, lines = federation(), plans(), [f"measured {found['made']}"]
    for name, system in found["systems"].items():
        lines.append(f"{name} ({', '.join(f'{package} {version}' for package, version in system['versions'].items())})")
        for run, theta in thetas(system).items():
            expected = train(models.MLP(*SIZES), fed, runs[run], progress=False).theta
            lines.append(
                f"  {run}: largest difference of a parameter after {runs[run].rounds} rounds {off(theta, expected):.1e}"
            )
    plan, price = runs["private"], found["price"]
    rdp = accounting.epsilon(plan.mechanism, plan.rounds, plan.rate, plan.delta, "rdp")
    noise = plan.mechanism.noise_multiplier
    lines.append(f"noise multiplier: here {noise:.4f}, its event's {price['noise_multiplier']:.4f}")
    lines.append(
        f"noise on a coordinate of the sum: plan {noise * plan.mechanism.clip:.3f}, drawn there {found['noise']:.3f}"
    )
    lines.append(f"ε by PLD: here {plan.epsilon():.3f}, there {price['epsilon_pld']:.3f}")
    lines.append(f"ε by RDP: here {rdp:.3f}, there {price['epsilon_rdp']:.3f}")
    return lines


if __name__ == "__main__":
    print(*table(results()), sep="\n")
