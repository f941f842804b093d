"""_tally and _probe: what the server adds up, and what `train` tries out before: no client moves more than is priced."""

import math

import numpy as np
import pytest
import torch
from conftest import federation, generator, refuses

from fldp_lib import Plan, aggregation, data, mechanisms, models, train
from fldp_lib.adversary.poisoning import Poisoned, sign_flip
from fldp_lib.training import _probe
from fldp_lib.training._tally import Tally
from fldp_lib.training.clients import local_updates, record_loss
from fldp_lib.training.transport.compression import Channel


def tally(fed, mechanism, aggregator=aggregation.mean, parameters=4, dtype=torch.float32, compressor=None):
    theta = torch.zeros(parameters, dtype=dtype)
    return Tally(fed, mechanism, aggregator, theta, Channel(compressor, fed.clients, theta, generator()))


def summed(fed, mechanism, rows, members, aggregator=aggregation.mean, rate=1.0):
    one = tally(fed, mechanism, aggregator, rows.shape[1], rows.dtype)
    one.add(one.protect(rows[members], members, generator()))
    return one.aggregate(rate, generator(), 16)


class Seen:
    """An aggregator that keeps what it is given."""

    weigh = None

    def __call__(self, updates, sizes):
        self.updates, self.sizes = updates, sizes
        return updates.mean(0)


@pytest.mark.parametrize("poisoned", [False, True])
def test_an_aggregator_never_sees_sizes_under_local_noise(poisoned):
    """Two federations that differ in one client's number of records, the same noise: all that is handed over is equal."""
    seen = []
    for sizes in ([3, 1, 4], [3, 900, 4]):
        fed, spy = federation(sizes), Seen()
        rows = torch.randn(3, 4, generator=generator())
        rule = Poisoned(spy, sign_flip, 1) if poisoned else spy
        summed(fed, mechanisms.Gaussian(1.0, 1.0, "client"), rows, torch.arange(3), rule)
        seen.append(torch.cat([spy.updates, spy.sizes.unsqueeze(1)], 1))
    assert torch.equal(*seen) and (seen[0][:, -1] == 1).all()


def test_without_noise_an_aggregator_sees_sizes():
    spy = Seen()
    summed(federation([3, 1, 4]), mechanisms.Gaussian(0.0, math.inf), torch.ones(3, 4), torch.arange(3), spy)
    assert spy.sizes.tolist() == [3, 1, 4]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("at", ["server", "shares"])
def test_a_long_sum_moves_by_the_clip_in_every_precision(dtype, at, monkeypatch):
    """40,000 clients that all push one way, with and without one of them; the noise is switched off. Summed in half
    precision the two were up to 16 C apart."""
    monkeypatch.setattr(mechanisms, "gaussian_noise", lambda shape, std, generator: torch.zeros(shape, dtype=torch.float64))
    fed, clip = federation([1] * 40_000), 0.37
    rows = torch.full((40_000, 2), 5.0, dtype=dtype)
    noise = mechanisms.Gaussian(1.0, clip, at)
    whole, less = (summed(fed, noise, rows, torch.arange(n)) * 40_000 for n in (40_000, 39_999))
    assert whole.dtype == torch.float64
    assert clip * 0.999 < (whole - less).norm() <= clip * (1 + 1e-6)


@pytest.mark.parametrize("at", ["server", "shares"])
def test_noise_is_added_before_anything_is_rounded(at):
    """The sum of a bfloat16 run is a float64 whose last bits are noise: none of 500 entries lies on bfloat16's grid."""
    rows = torch.ones(3, 500, dtype=torch.bfloat16)
    update = summed(federation([1] * 3), mechanisms.Gaussian(1.0, 1.0, at), rows, torch.arange(3))
    assert update.dtype == torch.float64 and (update != update.bfloat16().double()).all()


def test_a_local_report_in_half_precision_is_not_on_its_grid():
    spy = Seen()
    rows = torch.ones(3, 500, dtype=torch.bfloat16)
    summed(federation([1] * 3), mechanisms.Gaussian(1.0, 1.0, "client"), rows, torch.arange(3), spy)
    assert (spy.updates != spy.updates.bfloat16().to(spy.updates.dtype)).float().mean() > 0.99


@pytest.mark.parametrize("bits", [2, 4, 6, 10])
@pytest.mark.parametrize("build", [mechanisms.Gaussian, mechanisms.Laplace])
def test_rounding_in_a_secure_sum_adds_nothing_to_the_clip(bits, build, monkeypatch):
    """Vectors at random, and one just above half a step in every entry, which rounding to the nearest would double: the
    field's sum, without the noise, moves by C at most where one of three clients sends nothing."""
    noise, rule = build(1.0, 1.0, "shares"), aggregation.SecureMean(bound=4.0, bits=bits)
    monkeypatch.setattr(build, "share", lambda self, shape, clients, generator: torch.zeros(shape, dtype=torch.float64))
    step = 4.0 / 2 ** (bits - 1)
    rows = torch.randn(3, 12, generator=generator())
    fed, everybody = federation([1] * 3), torch.arange(3)
    for sent in (torch.full((12,), 0.51 * step), rows[1], torch.eye(12)[0] * 5):
        there, gone = rows.clone(), rows.clone()
        there[1], gone[1] = sent, 0
        one, other = (summed(fed, noise, r, everybody, rule) * 3 for r in (there, gone))
        assert float(torch.linalg.vector_norm(one - other, noise.norm)) <= 1.0 + 1e-9


def test_nobody_counts_more_than_once_whatever_the_aggregator_weighs():
    class Heavy:
        bounded = True

        def weigh(self, sizes):
            return torch.tensor([40.0, -7.0, math.nan])

        def __call__(self, updates, sizes):
            raise AssertionError

    one = tally(federation([1] * 3), mechanisms.Gaussian(1.0, 1.0), Heavy())
    sent = one.protect(torch.eye(3, 4) * 9, torch.arange(3), generator())
    assert torch.allclose(sent.norm(dim=1), torch.tensor([1.0, 1.0, 0.0]))


@pytest.mark.parametrize(
    "wrong", [lambda u, s: u, lambda u, s: None, lambda u, s: u.mean(0) * math.nan, lambda u, s: u.mean()]
)
def test_an_aggregator_that_returns_no_update_is_named(wrong):
    rows = torch.ones(3, 4)
    refuses(
        lambda: summed(federation([1] * 3), mechanisms.Gaussian(0.0, math.inf), rows, torch.arange(3), wrong),
        ValueError,
        "aggregator",
    )


# The probe -------------------------------------------------------------------------------------------------------------


def own(task):
    return lambda outputs, targets: record_loss(outputs, targets, task)


LOSSES = {  # each moves others' gradients when one client's records change, or when it is left out
    "mean over the clients": lambda o, y: (o.squeeze(-1) - y).square() / len(o),
    "normalised over the clients": lambda o, y: (o.squeeze(-1) - y).square() / (o.detach().abs().sum(0).squeeze(-1) + 1e-6),
    "softmax over the clients": lambda o, y: -o.squeeze(-1).log_softmax(0),
    "centred by all": lambda o, y: (o.squeeze(-1) - o.mean() - y).square(),
    "a maximum of all": lambda o, y: o.squeeze(-1).square() * o.detach().abs().amax(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_mixes_clients_is_refused(name):
    fed = federation([3] * 4, task="regression")
    refuses(
        lambda: _probe.check_loss_is_separate(models.Linear(3, 1), fed, LOSSES[name]),
        ValueError,
        "loss",
        "client",
        "gradients",
    )


@pytest.mark.parametrize("model", [models.Linear(3, 2), models.MLP(3, 5, 2), torch.nn.Linear(3, 2, bias=False)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_losses_that_are_each_clients_own_pass(model, dtype):
    fed, model = federation([3] * 4, classes=2), model.to(dtype)
    losses = [
        own("classification"),
        lambda o, y: own("classification")(o, y) * (1 + y),
        lambda o, y: own("classification")(o, y) / own("classification")(o, y).detach().mean(1, keepdim=True),
        lambda o, y: o.square().sum(-1).clamp(max=5),
    ]
    for loss in losses:
        _probe.check_loss_is_separate(model, fed, loss)


def test_the_package_s_aggregators_weigh_each_client_by_itself():
    for rule in (aggregation.mean, aggregation.WeightedMean(cap=20)):
        _probe.check_weights_are_separate(rule)


@pytest.mark.parametrize("weigh", [lambda s: s / s.sum().clamp(min=1), lambda s: s.double(), lambda s: -torch.ones(len(s))])
def test_weights_that_are_not_a_client_s_own_or_too_large_are_refused(weigh):
    rule = type("Rule", (), {"weigh": staticmethod(weigh), "__repr__": lambda self: "Rule()"})()
    refuses(lambda: _probe.check_weights_are_separate(rule), ValueError, "aggregator", "[0, 1]", "Rule()")


def test_a_client_without_an_update_adds_nothing_to_a_norm_that_is_kept():
    one = tally(federation([1] * 3), mechanisms.Gaussian(1.0, 1.0))
    one.protect(torch.tensor([[0.0] * 4, [1.0] * 4, [math.nan] * 4]), torch.arange(3), generator())
    np.testing.assert_array_equal(one.norms, [0, 2, math.inf])


def test_train_refuses_a_loss_that_mixes_clients_only_where_noise_is_promised():
    fed, mixed = federation([3] * 4, task="regression"), LOSSES["centred by all"]
    train(models.Linear(3, 1), fed, rounds=1, loss=mixed)
    refuses(
        lambda: train(models.Linear(3, 1), fed, rounds=1, loss=mixed, mechanism=mechanisms.Gaussian(1.0, 1.0)),
        ValueError,
        "loss",
        "client",
    )


def test_a_plan_refuses_weights_that_are_not_a_client_s_own():
    class Normalised:
        bounded = True

        def weigh(self, sizes):
            return sizes / sizes.sum()

        def __call__(self, updates, sizes):
            return self.weigh(sizes) @ updates

    Plan(rounds=1, aggregator=Normalised())
    refuses(
        lambda: Plan(rounds=1, aggregator=Normalised(), mechanism=mechanisms.Gaussian(1.0, 1.0)), ValueError, "aggregator"
    )


def test_a_record_moves_a_client_s_step_by_the_clip():
    """300 long records of one client, with and without one of them (a zero gradient: the divisor, their number, is public),
    noise switched off: the step moves by C/300."""
    noise, fed = (
        mechanisms.Gaussian(0.0, 0.5, "client", "record"),
        federation([300], features=2, task="regression", scale=50.0),
    )
    theta, steps = models.flatten(models.Linear(2, 1)).double(), []
    for records in (300, 299):
        x, y = fed.x.clone(), fed.y.clone()
        x[0, records:], y[0, records:] = 0, 0
        part = data.Federation(x, y, fed.mask, fed.x_test, fed.y_test, "regression")
        steps.append(local_updates(models.Linear(2, 1), theta, part, lr=1.0, mechanism=noise, generator=generator()))
    assert 0.5 * 0.99 < (steps[0] - steps[1]).norm() * 300 <= 0.5 * (1 + 1e-6)


def test_record_level_noise_runs_in_half_precision():
    """The noise is added in double precision and then rounded to bfloat16: all 40 parameters have moved."""
    fed, noise = federation([5] * 3, features=19, classes=2), mechanisms.Gaussian(1.0, 0.5, "client", "record")
    history = train(models.Linear(19, 2).bfloat16(), fed, rounds=1, local_steps=2, mechanism=noise)
    assert history.theta.dtype == torch.bfloat16 and history.theta.isfinite().all() and (history.theta != 0).all()
