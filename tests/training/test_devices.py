"""Devices: everything is computed where the federation's tensors are, and every tensor says where it is made.

No GPU is needed: with "meta" as the default device, a tensor that is made without a word on its device holds no numbers,
and the first computation that it meets fails.
"""

import pytest
import torch
from conftest import federation, theta_of
from torch import nn

from fldp_lib import aggregation, clients, mechanisms, models, train
from fldp_lib.adversary import inversion
from fldp_lib.privacy import adaptive, integers
from fldp_lib.training.transport import compression

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore:delta should be below")]
Gaussian, Laplace = mechanisms.Gaussian, mechanisms.Laplace
OPTIONS = {
    "plain": {},
    "steps": {"local_steps": 3, "batch_rate": 0.5, "proximal": 0.1},
    "rare batches": {"local_steps": 3, "batch_rate": 2**-11},
    "fixed cohorts": {"sampler": "fixed", "sampling_rate": 0.5},
    "server": {"mechanism": Gaussian(1.0, 1.0), "sampling_rate": 0.5},
    "server, Laplace": {"mechanism": Laplace(1.0, 1.0)},
    "client": {"mechanism": Laplace(1.0, 1.0, "client")},
    "shares": {"mechanism": Gaussian(1.0, 1.0, "shares")},
    "shares, Laplace": {"mechanism": Laplace(1.0, 1.0, "shares"), "sampling_rate": 0.5},
    "whole": {"mechanism": integers.Skellam(1.0, 1.0), "sampling_rate": 0.5},
    "whole, secure": {"mechanism": integers.Skellam(1.0, 1.0), "aggregator": aggregation.SecureMean()},
    "record": {"mechanism": Gaussian(1.0, 1.0, "client", "record"), "local_steps": 2, "batch_rate": 0.5},
    "adaptive": {"mechanism": adaptive.AdaptiveGaussian(1.0, 1.0)},
    "own loss": {"mechanism": Gaussian(1.0, 1.0), "loss": lambda o, t: clients.record_loss(o, t, "classification")},
    "top k": {"compressor": compression.TopK(0.2)},
    "random k": {"compressor": compression.RandomK(0.2)},
    "quantised": {"compressor": compression.Quantise(4)},
    "capped": {"aggregator": aggregation.WeightedMean(3.0), "mechanism": Gaussian(1.0, 1.0)},
    "bounded": {"aggregator": aggregation.NormBound(1.0)},
    "secure": {"aggregator": aggregation.SecureMean(50.0)},
    **{
        name: {"aggregator": getattr(aggregation, name)}
        for name in ("weighted_mean", "median", "trimmed_mean", "krum", "multi_krum")
    },
}


def plain():
    model = nn.Sequential(nn.Linear(3, 2))
    nn.utils.vector_to_parameters(torch.linspace(-1, 1, 8), model.parameters())
    return model


@pytest.mark.parametrize("build", [lambda: models.MLP(3, 4, 2), plain], ids=["MLP", "vmap"])
@pytest.mark.parametrize("name", OPTIONS)
def test_the_default_device_and_dtype_change_nothing(name, build):
    fed, model = federation([4, 1, 0, 3, 6] * 4), build()

    def run():
        return train(model, fed, rounds=2, progress=False, **OPTIONS[name])

    before = run()
    with torch.device("meta"):
        assert torch.zeros(1).is_meta  # the premise
        after = run()
        assert repr(after) == repr(before)
    assert torch.equal(after.theta, before.theta)
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(run().theta, before.theta)
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_tensor_without_a_device_is_seen():
    def loss(outputs, targets):
        return clients.record_loss(outputs, targets, "classification") * torch.ones(1)

    with torch.device("meta"), pytest.raises((RuntimeError, NotImplementedError)):
        train(models.MLP(3, 4, 2), federation([4, 1]), rounds=1, loss=loss, progress=False)


def test_an_inversion_runs_where_its_update_is():
    model, fed = models.MLP(3, 4, 2), federation([1])
    theta = theta_of(model)
    update = clients.local_updates(model, theta, fed)[0]
    before = inversion.match_gradients(model, theta, update, steps=2, restarts=1)
    with torch.device("meta"):
        after = inversion.match_gradients(model, theta, update, steps=2, restarts=1)
    assert torch.equal(before[0], after[0])


def test_nothing_goes_to_a_gpu_unasked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # a device that would fail if it were used
    history = train(models.MLP(3, 4, 2), federation([4, 1]), rounds=1, progress=False)
    assert history.theta.device == torch.device("cpu")
