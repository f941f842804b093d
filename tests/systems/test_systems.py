"""The systems that the article names, against `train`: TensorFlow Federated; a Keras node beside a PyTorch one on Flower.

Each needs an environment of its own, which `python -m tests.systems.environments` makes; where it is missing the tests are
skipped with the reason. FLDP_SYSTEMS names the folder of both.
"""

import importlib.util
import json

import numpy as np
import pytest

from fldp_lib import accounting, models, train
from tests.systems import compare, environments

STORED = json.loads(compare.STORED.read_text(encoding="utf-8"))
LIMIT = 1e-4


def needs(name):
    """Skip where an environment is missing, saying why."""
    found = environments.python(name)
    why = "" if found else environments.obstacle(name) or "python -m tests.systems.environments makes it"
    return pytest.mark.skipif(not found, reason=f"the environment {name} is missing: {why}")


@pytest.fixture(scope="module")
def here():
    """The federation, its plans, and what `train` makes of them."""
    fed, runs = compare.federation(), compare.plans()
    return fed, runs, {name: train(models.MLP(*compare.SIZES), fed, plan, progress=False) for name, plan in runs.items()}


@pytest.fixture(scope="module")
def tff(here):
    fed, runs, _ = here
    return compare.on_tff(environments.python("tff"), fed, runs)


def test_the_case_can_tell_a_difference(here):
    """Clients differ in size; some updates are clipped and some are not; each term moves the parameters by more."""
    fed, runs, done = here
    assert fed.sizes.max() > 5 * fed.sizes.min() > 0
    assert 0 < done["clipped"].fraction_clipped.mean() < 1
    network, plan = models.MLP(*compare.SIZES), runs["cohorts"]
    for other in (plan.changed(lr=0.49), plan.changed(seed=1), plan.changed(aggregator=runs["private"].aggregator)):
        assert compare.off(train(network, fed, other, progress=False).theta, done["cohorts"].theta) > 10 * LIMIT


def test_the_silent_mechanism_moves_no_parameter(here):
    """Its noise on a coordinate, over five rounds, has √5 times this standard deviation; 6 of them are far below 1e-4."""
    fed, runs, _ = here
    noise = runs["clipped"].mechanism
    assert 6 * 5**0.5 * noise.noise_multiplier * noise.clip / (runs["clipped"].rate * fed.clients) < 1e-6


@needs("tff")
@pytest.mark.parametrize("name", ["everybody", "cohorts", "clipped"])
def test_tensorflow_federated_is_train(name, here, tff):
    assert tff[0][name].shape == (5, len(here[2][name].theta))
    assert compare.off(tff[0][name][-1], here[2][name].theta) < LIMIT


@needs("tff")
def test_its_noise_has_the_standard_deviation_of_the_plan(here, tff):
    """On each of 20 × 1,210 coordinates σ·C/(rate·N); within 5 standard errors of a normal law, false alarm 6e-7."""
    fed, runs, _ = here
    mechanism, noise = runs["private"].mechanism, tff[0]["noise"]
    expected = mechanism.noise_multiplier * mechanism.clip / (runs["private"].rate * fed.clients)
    assert abs(noise.std() / expected - 1) < 5 / (2 * noise.size) ** 0.5
    assert abs(noise.mean()) < 5 * expected / noise.size**0.5


@needs("tff")
def test_its_noise_is_drawn_anew_in_each_round_and_for_each_coordinate(tff):
    """Correlations of independent draws are within 5.5/√n: false alarm below 1e-5 over 190 pairs and 19 neighbours."""
    noise = tff[0]["noise"]
    pairs = np.corrcoef(noise)[np.triu_indices(len(noise), 1)]
    assert abs(pairs).max() < 5.5 / noise.shape[1] ** 0.5
    beside = [np.corrcoef(row[:-1], row[1:])[0, 1] for row in noise]
    assert np.abs(beside).max() < 5.5 / noise.shape[1] ** 0.5


@needs("tff")
def test_its_own_event_is_the_plans_and_costs_the_same(here, tff):
    plan, price = here[1]["private"], tff[1]["price"]
    assert price["event"] == "GaussianDpEvent"
    assert price["noise_multiplier"] == pytest.approx(plan.mechanism.noise_multiplier, rel=1e-6)
    assert price["epsilon_pld"] == pytest.approx(plan.epsilon(), rel=1e-3)
    rdp = accounting.epsilon(plan.mechanism, plan.rounds, plan.rate, plan.delta, "rdp")
    assert price["epsilon_rdp"] == pytest.approx(rdp, rel=1e-3)
    assert price["multiplier_pld"] == pytest.approx(plan.mechanism.noise_multiplier, rel=1e-3)


@needs("keras")
@pytest.mark.skipif(importlib.util.find_spec("flwr") is None, reason="Flower is not installed")
def test_a_keras_node_beside_a_pytorch_node_on_flower_is_train(here, tmp_path):
    """The private run: the server clips, adds its seeded noise and accounts, whatever software a node has."""
    fed, runs, done = here
    history = compare.on_flower(environments.python("keras"), fed, runs["private"], tmp_path / "run")
    assert not history.dropped.any()
    assert compare.off(history.theta, done["private"].theta) < LIMIT
    np.testing.assert_array_equal(history.epsilon, done["private"].epsilon)
    said = (tmp_path / "run" / "logs" / "node-1.log").read_text(encoding="utf-8")
    assert said.count("by Keras on tensorflow") == runs["private"].rounds
    assert "by Keras" not in (tmp_path / "run" / "logs" / "node-0.log").read_text(encoding="utf-8")


# What is stored, and the script that makes environments; these need none ------------------------------------------------


def test_what_is_stored_is_of_these_plans(here):
    """The table of notebook 17 was made with the plans and the `train` that stand here now."""
    assert [list(system["theta"]) for system in STORED["systems"].values()] == [
        ["everybody", "cohorts", "clipped"], ["private"],
    ]  # fmt: skip
    for system in STORED["systems"].values():
        for name, theta in compare.thetas(system).items():
            assert compare.off(theta, here[2][name].theta) < LIMIT


def test_a_missing_python_or_another_machine_is_a_reason_and_no_failure(monkeypatch, tmp_path):
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    monkeypatch.setattr(environments, "base", lambda name: None)
    monkeypatch.setattr(environments.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(environments.sys, "platform", "linux")
    assert environments.make("tff").startswith("left out: there is no Python 3.10")
    monkeypatch.setattr(environments.platform, "machine", lambda: "arm64")
    assert environments.make("keras").startswith("left out: its wheels are for Linux on x86_64")
    assert environments.python("tff") is None and not any(tmp_path.iterdir())
