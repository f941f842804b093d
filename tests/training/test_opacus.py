"""Against Opacus, an independent implementation: per-record gradients, a DP-SGD step, and its accountants.

Skipped where Opacus is missing; with FLDP_REQUIRE_PEERS=1 a missing Opacus is a failure.
"""

import copy
import os
import warnings

import pytest
import torch
from conftest import federation, theta_of
from torch import nn
from torch.nn import functional as F

from fldp_lib import accounting, clients, mechanisms, models

if os.environ.get("FLDP_REQUIRE_PEERS") != "1":
    pytest.importorskip("opacus", reason="Opacus is not installed; tests/requirements-peers.txt names it")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opacus import GradSampleModule
    from opacus.accountants import PRVAccountant, RDPAccountant
    from opacus.optimizers import DPOptimizer

MODELS = {
    "Linear": lambda: models.Linear(16, 3, seed=1),
    "MLP": lambda: models.MLP(16, 5, 3),
    "LayerNorm": lambda: nn.Sequential(nn.Linear(16, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 3)),
    "Conv2d": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    ),
}


def case(name):
    torch.manual_seed(0)
    return MODELS[name]().double(), federation([7], features=16, classes=3, scale=3.0)


def wrapped(model, x, y, reduction):
    """The model in Opacus's wrapper, after one backward pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sample = GradSampleModule(copy.deepcopy(model), loss_reduction=reduction)
        F.cross_entropy(sample(x.double()), y, reduction=reduction).backward()
    return sample


@pytest.mark.parametrize("name", MODELS)
def test_per_record_gradients_are_opacus_own(name):
    model, fed = case(name)
    x, y = fed.client(0)
    sample = wrapped(model, x, y, "sum")
    expected = torch.cat([p.grad_sample.flatten(1) for p in sample.parameters()], 1)  # records × parameters
    thetas = theta_of(model).unsqueeze(0)
    found = clients.example_gradients(
        model, thetas, fed.x.double(), fed.y, lambda o, t: clients.record_loss(o, t, "classification")
    )
    torch.testing.assert_close(found[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("clip", [0.5, 5.0, 1e6])
@pytest.mark.parametrize("name", MODELS)
def test_a_record_level_step_is_opacus_dp_sgd_step(name, clip):
    """Same clip, no noise: Opacus divides by the expected batch too. At 5.0 some records are clipped and some are not."""
    model, fed = case(name)
    sample = wrapped(model, *fed.client(0), "mean")
    optimiser = DPOptimizer(
        torch.optim.SGD(sample.parameters(), lr=0.3), noise_multiplier=0.0, max_grad_norm=clip, expected_batch_size=7
    )
    optimiser.step()
    mechanism = mechanisms.Gaussian(0.0, clip, "client", "record")
    found = clients.local_updates(model, theta_of(model), fed, lr=0.3, mechanism=mechanism, generator=torch.Generator())
    expected = theta_of(sample) - theta_of(model)
    # Opacus adds 1e-6 to every norm: at most 1e-6 a clipped record, so lr · 1e-6 in their mean.
    torch.testing.assert_close(found[0], expected, rtol=1e-7, atol=0.3e-6)


@pytest.mark.parametrize(
    ("multiplier", "rate", "rounds"), [(1.0, 0.01, 1000), (4.28, 0.1, 100), (2.0, 0.5, 30), (5.0, 1.0, 20)]
)
def test_rdp_epsilon_is_within_two_percent_of_opacus(multiplier, rate, rounds):
    accountant = RDPAccountant()
    accountant.history = [(multiplier, rate, rounds)]
    found = accounting.epsilon(mechanisms.Gaussian(multiplier, 1.0), rounds, rate, 1e-5, "rdp")
    assert found == pytest.approx(accountant.get_epsilon(1e-5), rel=0.02)


@pytest.mark.parametrize(("multiplier", "rate", "rounds"), [(4.28, 0.1, 100), (2.0, 0.01, 500)])
def test_pld_epsilon_is_within_two_percent_of_opacus_prv(multiplier, rate, rounds):
    accountant = PRVAccountant()
    accountant.history = [(multiplier, rate, rounds)]
    found = accounting.epsilon(mechanisms.Gaussian(multiplier, 1.0), rounds, rate, 1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found == pytest.approx(accountant.get_epsilon(1e-5, eps_error=0.002), rel=0.02)
