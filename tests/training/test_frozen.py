"""A frozen body is the same as features computed beforehand: every algorithm gives the numbers of the head alone."""

import copy

import numpy as np
import pytest
import torch
from conftest import federation, generator, refuses

from fldp_lib import Plan, aggregation, data, models, train
from fldp_lib.adversary import inversion
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.correlated import Correlated
from fldp_lib.privacy.mechanisms import Gaussian, Laplace
from fldp_lib.training import _fingerprint, algorithms, checkpoint, personal, scoring
from fldp_lib.training.transport import compression

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore:delta should be below")]
SIZES = [4, 1, 0, 3, 6, 2] * 3


def frozen_body(seed=0):
    model = models.MLP(8, 5, 3, seed=seed)
    for p in model.fc1.parameters():
        p.requires_grad_(False)
    return model


def pair():
    """The model with a frozen body and its federation; the head alone, and the federation of what the body makes."""
    whole, fed = frozen_body(), federation(SIZES, features=8, classes=3)

    def features(x):
        return torch.relu(whole.fc1(x)).detach()

    head = models.Linear(5, 3)
    head.fc.load_state_dict(whole.fc2.state_dict())
    made = data.Federation(features(fed.x), fed.y, fed.mask, features(fed.x_test), fed.y_test, fed.task, "made")
    return whole, fed, head, made


def close(found, expected, error=1e-5):
    torch.testing.assert_close(found, expected, rtol=error, atol=error, equal_nan=True)


RUNS = {
    "plain": {},
    "sampled, Gaussian": {"mechanism": Gaussian(1.0, 0.3), "sampling_rate": 0.5},
    "Laplace at the client": {"mechanism": Laplace(2.0, 0.3, "client")},
    "shares": {"mechanism": Gaussian(1.0, 0.3, "shares")},
    "adaptive": {"mechanism": AdaptiveGaussian(1.0, 0.3, count_noise=2.0)},
    "correlated": {"mechanism": Correlated(1.0, 0.3, "tree"), "sampling_rate": 0.5, "sampler": "cyclic"},
    "records": {"mechanism": Gaussian(1.0, 0.3, "client", "record"), "batch_rate": 0.5},
    "secure mean": {"aggregator": aggregation.SecureMean(bound=10.0)},
    "median": {"aggregator": aggregation.median},
    "top-k": {"compressor": compression.TopK(0.3)},
    "levels": {"compressor": compression.Quantise(4)},
    "SCAFFOLD": {"local": algorithms.Scaffold(3), "mechanism": Gaussian(1.0, 0.3)},
    "FedProx": {"local": algorithms.FedProx(3, 0.5)},
    "FedAdam": {"server": algorithms.FedAdam(0.05), "mechanism": Gaussian(1.0, 0.3)},
}


@pytest.mark.parametrize("name", RUNS)
def test_every_run_is_that_of_the_head_on_features(name):
    whole, fed, head, made = pair()
    options = {"rounds": 4, "lr": 0.3, "seed": 3, "delta": 1e-5, "progress": False} | RUNS[name]
    if "local" not in options:
        options["local_steps"] = 2
    found, expected = train(whole, fed, **options), train(head, made, **options)
    assert found.theta.shape == expected.theta.shape == (18,)
    close(found.theta, expected.theta, 1e-4 if name in ("secure mean", "shares", "levels") else 1e-5)
    close(torch.tensor(found.update_norms), torch.tensor(expected.update_norms), 1e-4)
    np.testing.assert_array_equal(found.epsilon, expected.epsilon)
    np.testing.assert_allclose(found.accuracy, expected.accuracy, atol=1e-6)
    end = found.trained()
    assert torch.equal(end.fc1.weight, whole.fc1.weight) and not end.fc1.weight.requires_grad


def test_a_home_part_is_of_what_trains():
    whole, fed, head, made = pair()
    options = {"rounds": 4, "lr": 0.3, "seed": 3}
    found = train(whole, fed, local=algorithms.FedPer(2, ("fc2.bias",)), **options)
    expected = train(head, made, local=algorithms.FedPer(2, ("fc.bias",)), **options)
    close(personal.thetas(found), personal.thetas(expected))
    refuses(
        lambda: train(whole, fed, local=algorithms.FedPer(2, ("fc1.bias",)), **options),
        ValueError,
        "home",
        "fc1.bias",
        "train",
    )


def test_personal_models_and_their_scores():
    whole, fed, head, made = pair()
    theta = models.flatten(whole)
    tuned, expected = personal.fine_tune(whole, theta, fed, 4, 0.3), personal.fine_tune(head, theta, made, 4, 0.3)
    close(tuned, expected)
    close(personal.ditto(whole, theta, fed, 0.5, 4, 0.3), personal.ditto(head, theta, made, 0.5, 4, 0.3))
    for one, other in zip(
        scoring.score_clients(whole, tuned, fed), scoring.score_clients(head, expected, made), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    np.testing.assert_allclose(scoring.evaluate(whole, theta, fed), scoring.evaluate(head, theta, made), rtol=1e-6)


def test_two_frozen_bodies_are_two_runs(tmp_path):
    _, fed, _, _ = pair()
    plan, ours, other = Plan(rounds=3, lr=0.3), frozen_body(0), frozen_body(0)
    with torch.no_grad():
        other.fc1.weight[0, 0] += 1e-3
    assert torch.equal(models.flatten(ours), models.flatten(other))  # theta does not tell them apart
    said, told = (checkpoint.about(model, fed, plan) for model in (ours, other))
    assert {name for name in said if said[name] != told[name]} == {"model"}
    assert _fingerprint.body(models.MLP(8, 5, 3)) == "" != _fingerprint.body(ours)
    path = tmp_path / "run.pt"
    train(ours, fed, plan, checkpoint=path, until=2)
    refuses(lambda: train(other, fed, plan, checkpoint=path), ValueError, "checkpoint", "model")
    gone_on = train(copy.deepcopy(ours), fed, plan, checkpoint=path)
    assert torch.equal(gone_on.theta, train(ours, fed, plan).theta)
    refuses(lambda: train(other, fed, plan, start=gone_on), ValueError, "model", "frozen")
    assert train(ours, fed, plan, start=gone_on).rounds == 6


def test_what_is_frozen_may_not_be_nan():
    _, fed, _, _ = pair()
    model = frozen_body()
    with torch.no_grad():
        model.fc1.bias[0] = torch.nan
    refuses(lambda: train(model, fed, rounds=1), ValueError, "frozen parameter 'fc1.bias'", "NaN")


def test_frozen_and_free_are_two_models():
    _, fed, _, _ = pair()
    plan, free = Plan(rounds=1), models.MLP(8, 5, 3)
    assert checkpoint.about(free, fed, plan)["model"] != checkpoint.about(frozen_body(), fed, plan)["model"]


def test_buffers_stay_as_they_are():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = torch.nn.Linear(8, 3)
            self.register_buffer("scale", torch.rand(8, generator=generator()))

        def forward(self, x):
            return self.fc(self.scale * x)

    torch.manual_seed(0)
    model, fed = Scaled(), federation(SIZES, features=8, classes=3)
    found = train(model, fed, rounds=3, lr=0.3)
    made = data.Federation(fed.x * model.scale, fed.y, fed.mask, fed.x_test * model.scale, fed.y_test, fed.task, "made")
    close(found.theta, train(model.fc, made, rounds=3, lr=0.3).theta)
    assert torch.equal(found.trained().scale, model.scale)


def test_the_first_layer_that_trains_is_what_an_inversion_reads():
    whole, _, head, _ = pair()
    update = torch.randn(18, generator=generator(2))
    assert torch.equal(inversion.read_first_layer(whole, update), inversion.read_first_layer(head, update))
