"""Runs inside the environment of TensorFlow Federated (Python 3.10): `python federate.py FOLDER`.

FOLDER/given.npz and given.json hold a federation, a start, the cohorts of each run and a private plan's numbers; what
TensorFlow Federated makes of them is written to found.npz and found.json. Nothing of `fldp_lib` is imported here.

- `everybody`, `cohorts`: its weighted federated averaging, with all clients in each round, and with the listed ones.
- `clipped`: its fixed clip and fixed denominator around unweighted averaging, with a noise multiplier of 0.
- `noise`: a private round of one client from the same start, again and again, minus the same round without noise.
- `price`: what its own query reports as its event, and what the dp-accounting that it was built with says of that.
"""

import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import dp_accounting
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant


def weights(theta, sizes):
    """Cut theta (parameters,) into Keras's arrays: torch keeps a matrix as outputs × inputs, Keras the other way round."""
    features, hidden, out = sizes
    shapes = [(hidden, features), (hidden,), (out, hidden), (out,)]
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    return [part.reshape(shape).T for part, shape in zip(np.split(theta, cuts), shapes)]  # noqa: B905


def flat(arrays):
    """Return Keras's arrays as one theta (parameters,)."""
    return np.concatenate([np.asarray(array).T.ravel() for array in arrays])


def network(sizes):
    """A function that makes the article's two-layer network for TensorFlow Federated, which asks for a new one each time."""
    features, hidden, out = sizes
    kinds = tf.TensorSpec([None, features], tf.float32), tf.TensorSpec([None], tf.int64)

    def make():
        layers = tf.keras.layers
        keras = tf.keras.Sequential([layers.Input([features]), layers.Dense(hidden, "relu"), layers.Dense(out)])
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return tff.learning.models.from_keras_model(keras, loss=loss, input_spec=kinds)

    return make


class Federation:
    """The clients' records as TensorFlow's data sets: all records of a client in one batch, as often as there are steps."""

    def __init__(self, arrays, given):
        self.start, self.sizes, self.lr = weights(arrays["theta"], given["sizes"]), given["sizes"], given["lr"]
        held = [arrays["mask"][k].astype(bool) for k in range(len(arrays["mask"]))]
        rows = [(arrays["x"][k][here], arrays["y"][k][here]) for k, here in enumerate(held)]
        self.clients = [
            tf.data.Dataset.from_tensor_slices(row).batch(max(1, len(row[1]))).repeat(given["steps"]) for row in rows
        ]

    def process(self, aggregator=None):
        """Federated averaging: weighted by records, or with an aggregator, which counts each client once."""
        sgd = tff.learning.optimizers.build_sgdm
        ways = dict(client_optimizer_fn=sgd(self.lr), server_optimizer_fn=sgd(1.0))
        if aggregator is None:
            return tff.learning.algorithms.build_weighted_fed_avg(network(self.sizes), **ways)
        return tff.learning.algorithms.build_unweighted_fed_avg(network(self.sizes), model_aggregator=aggregator, **ways)

    def begin(self, process):
        """Return the process's state at the given start."""
        model = tff.learning.models.ModelWeights(trainable=self.start, non_trainable=[])
        return process.set_model_weights(process.initialize(), model)

    def step(self, process, state, cohort):
        """Return the state after a round with these clients."""
        return process.next(state, [self.clients[k] for k in cohort]).state

    def run(self, cohorts, aggregator=None):
        """Return theta after each round (rounds × parameters)."""
        process = self.process(aggregator)
        state, thetas = self.begin(process), []
        for cohort in cohorts:
            state = self.step(process, state, cohort)
            thetas.append(flat(process.get_model_weights(state).trainable))
        return np.stack(thetas)


def priced(factory, private):
    """What the aggregator's own query reports as its event, and its price by the dp-accounting of this environment."""
    query = factory._query
    state = query.initial_global_state()
    event = query.get_noised_result(query.initial_sample_state(tf.zeros(1)), state)[2]
    noise = float(event.noise_multiplier)

    def run(multiplier):
        one = dp_accounting.PoissonSampledDpEvent(private["rate"], dp_accounting.GaussianDpEvent(multiplier))
        return dp_accounting.SelfComposedDpEvent(one, private["rounds"])

    found = {"event": type(event).__name__, "noise_multiplier": noise}
    for name, accountant in (("pld", PLDAccountant), ("rdp", RdpAccountant)):
        found[f"epsilon_{name}"] = float(accountant().compose(run(noise)).get_epsilon(private["delta"]))
        found[f"multiplier_{name}"] = float(
            dp_accounting.calibrate_dp_mechanism(accountant, run, private["epsilon"], private["delta"], tol=1e-4)
        )
    return found


def main(folder):
    given, arrays = json.loads((folder / "given.json").read_text()), dict(np.load(folder / "given.npz"))
    federation, private, cohorts = Federation(arrays, given), given["private"], given["cohorts"]
    fixed = tff.aggregators.DifferentiallyPrivateFactory.gaussian_fixed
    clipped = fixed(0.0, private["expected"], private["clip"])
    noisy = fixed(private["noise_multiplier"], private["expected"], private["clip"])
    thetas = {
        "everybody": federation.run([range(len(federation.clients))] * len(cohorts)),
        "cohorts": federation.run(cohorts),
        "clipped": federation.run(cohorts, clipped),
    }
    process, one = federation.process(noisy), cohorts[0][:1]
    start, drawn, silent = federation.begin(process), [], federation.run([one], clipped)[0]
    for _ in range(given["draws"]):
        state = federation.step(process, start, one)
        drawn.append(flat(process.get_model_weights(state).trainable) - silent)
    np.savez(folder / "found.npz", noise=np.stack(drawn), **thetas)
    (folder / "found.json").write_text(json.dumps({"price": priced(noisy, private)}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
