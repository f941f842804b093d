"""clients: all clients' training at once equals each client's own, by torch's own optimiser."""

import itertools

import pytest
import torch
from conftest import (
    FALSE_ALARM,
    federation,
    follows,
    generator,
    global_random_state_untouched,
    law_of,
    mean_loss,
    nobody,
    sgd,
    theta_of,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn
from torch.nn import functional as F

from fldp_lib import clients, data, mechanisms, models
from fldp_lib.training import _steps

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6]
KINDS = {  # model, options of the federation
    "softmax": (lambda: models.Linear(16, 3, seed=1), {"classes": 3}),
    "logistic": (lambda: models.Linear(16, 1, seed=1), {"classes": 2}),
    "regression": (lambda: models.MLP(16, 4, 1), {"task": "regression"}),
    "MLP": (lambda: models.MLP(16, 5, 3), {"classes": 3}),
    "vmap": (
        lambda: nn.Sequential(nn.Linear(16, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 3)),
        {"classes": 3},
    ),
    "convolution": (
        lambda: nn.Sequential(nn.Unflatten(1, (1, 16)), nn.Conv1d(1, 2, 5), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)),
        {"classes": 3},
    ),
}


def case(kind):
    build, options = KINDS[kind]
    torch.manual_seed(0)
    return build().double(), federation(SIZES, features=16, **options)


def own_gradient(model, x, y):
    """Gradient of the mean loss by ordinary autograd, as one vector."""
    model.zero_grad()
    mean_loss(model(x.double()), y).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def train(model, fed, **options):
    return clients.local_updates(model, theta_of(model), fed, **options)


# Losses and gradients --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["softmax", "logistic", "regression"])
def test_record_loss_is_torchs_own(task):
    outputs = torch.randn(3, 5, 1 if task != "softmax" else 4, generator=generator())
    targets = torch.randint(0, 2 if task == "logistic" else 4, (3, 5), generator=generator(1))
    if task == "regression":
        targets = targets.float() / 3
        expected = F.mse_loss(outputs[..., 0], targets, reduction="none")
    elif task == "logistic":
        expected = F.binary_cross_entropy_with_logits(outputs[..., 0], targets.float(), reduction="none")
    else:
        expected = F.cross_entropy(outputs.movedim(-1, 1), targets, reduction="none")
    found = clients.record_loss(outputs, targets, "regression" if task == "regression" else "classification")
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_example_gradients_equal_autograd_record_by_record(kind):
    model, fed = case(kind)
    thetas = theta_of(model).expand(fed.clients, -1)

    def loss(outputs, targets):
        return clients.record_loss(outputs, targets, fed.task)

    found = clients.example_gradients(model, thetas, fed.x.double(), fed.y, loss)
    for k, i in itertools.product(range(fed.clients), range(fed.x.shape[1])):
        expected = own_gradient(model, fed.x[k, i : i + 1], fed.y[k, i : i + 1])
        torch.testing.assert_close(found[k, i], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_each_clients_own(kind):
    model, fed = case(kind)
    thetas = theta_of(model) + 0.1 * torch.randn(fed.clients, len(theta_of(model)), generator=generator()).double()
    weights = fed.mask.double() / fed.sizes.clamp(min=1).unsqueeze(1)
    found = clients.gradients(
        model, thetas, fed.x.double(), fed.y, weights, lambda o, t: clients.record_loss(o, t, fed.task)
    )
    for k in range(fed.clients):
        nn.utils.vector_to_parameters(thetas[k].clone(), model.parameters())
        expected = own_gradient(model, *fed.client(k)) if fed.sizes[k] else torch.zeros_like(found[k])
        torch.testing.assert_close(found[k], expected, rtol=1e-9, atol=1e-12)


def by_autograd(task):
    """The task's loss without its derivative, so that the gradient goes through autograd."""
    return lambda outputs, targets: clients.record_loss(outputs, targets, task)


WRITTEN = {
    "softmax": lambda: models.Linear(16, 3, seed=1),
    "logistic": lambda: models.Linear(16, 1, seed=1),
    "line": lambda: models.Linear(16, 1, seed=1),
    "MLP": lambda: models.MLP(16, 5, 3),
    "MLP, one output": lambda: models.MLP(16, 5, 1),
    "MLP, regression": lambda: models.MLP(16, 4, 1),
}


def written_case(kind, sizes, dtype):
    task = "regression" if kind in ("line", "MLP, regression") else "classification"
    model = WRITTEN[kind]().to(dtype)
    fed = federation(sizes, features=16, classes=3 if kind in ("softmax", "MLP") else 2, task=task, seed=4)
    assert _steps.Bench(model, clients.TaskLoss(task)).written
    assert not _steps.Bench(model, by_autograd(task)).written
    return model, fed, task


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("sizes", [SIZES, [1] * 6, [3], [0, 0], [20, 7, 20]], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"local_steps": 4},
        {"local_steps": 3, "proximal": 0.7},
        {"local_steps": 3, "batch_rate": 0.4},
        {"batch_rate": 0.5},
    ],
    ids=str,
)
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 1e-6)], ids=["double", "single"])
def test_a_backward_pass_that_is_written_out_equals_autograd(kind, sizes, options, dtype, error):
    model, fed, task = written_case(kind, sizes, dtype)
    before = [p.clone() for p in model.parameters()]
    found, expected = (
        train(model, fed, lr=0.3, generator=generator(7), loss=loss, **options) for loss in (None, by_autograd(task))
    )
    assert found.shape == expected.shape and found.dtype == dtype
    size = max(1.0, float(theta_of(model).abs().max()))  # an update is a difference of parameters, and rounds as they do
    assert float((found - expected).abs().max()) <= 4 * error * max(size, float(expected.abs().max()))
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("kind", WRITTEN)
def test_gradients_that_are_written_out_equal_autograd_at_parameters_of_ones_own(kind):
    model, fed, task = written_case(kind, SIZES, torch.float64)
    thetas = theta_of(model) + 0.3 * torch.randn(fed.clients, len(theta_of(model)), generator=generator(1)).double()
    weights = fed.mask.double() * torch.rand(fed.mask.shape, generator=generator(2)).double()
    found, expected = (
        clients.gradients(model, thetas, fed.x.double(), fed.y, weights, loss)
        for loss in (clients.TaskLoss(task), by_autograd(task))
    )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def test_a_bench_that_is_used_again_changes_nothing():
    model, fed = case("MLP")
    bench = _steps.Bench(model, clients.TaskLoss(fed.task))
    for part in (fed, fed.select([0, 1]), fed, fed.select([4, 3, 2, 1, 0])):
        theta = theta_of(model) * (1 + 0.1 * part.clients)
        options = {"local_steps": 3, "lr": 0.2}
        again = clients.local_updates(model, theta, part, bench=bench, **options)
        assert torch.equal(again, clients.local_updates(model, theta, part, **options))


def test_a_client_that_is_not_finite_stays_alone():
    model, fed = case("MLP")
    fed.x[0, 1] = torch.nan
    found = train(model, fed, local_steps=3)
    assert found[0].isnan().all() and found[1:].isfinite().all()


# Local training --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"local_steps": 4}, {"local_steps": 3, "proximal": 0.7}], ids=str)
def test_all_clients_at_once_equal_a_loop_with_torchs_sgd(kind, options):
    model, fed = case(kind)
    found = train(model, fed, lr=0.3, **options)
    steps, proximal = options.get("local_steps", 1), options.get("proximal", 0.0)
    for k in range(fed.clients):
        trained = sgd(model, *fed.client(k), steps=steps, lr=0.3, proximal=proximal)
        torch.testing.assert_close(found[k], theta_of(trained) - theta_of(model), rtol=1e-8, atol=1e-12)


def test_a_stronger_proximal_term_keeps_clients_closer():
    model, fed = case("MLP")
    lengths = [train(model, fed, local_steps=8, lr=0.3, proximal=mu).norm(dim=1) for mu in (0.0, 0.5, 2.0)]
    have = fed.sizes > 0
    assert (lengths[0] > lengths[1])[have].all() and (lengths[1] > lengths[2])[have].all()


def test_an_empty_client_does_not_move():
    model, fed = case("softmax")
    assert not train(model, fed, local_steps=3, proximal=0.5)[2].any()
    assert train(model, fed)[[0, 1, 3, 4]].any(1).all()


@pytest.mark.parametrize("mechanism", [None, mechanisms.Gaussian(0.0, 0.5, "client", "record")], ids=["plain", "record"])
def test_padding_changes_nothing(mechanism):
    model, fed = case("MLP")
    pad = torch.full((fed.clients, 3, 16), 1e6)
    wide = data.Federation(
        torch.cat([fed.x, pad], 1),
        torch.cat([fed.y, torch.ones(fed.clients, 3, dtype=torch.int64)], 1),
        torch.cat([fed.mask, torch.zeros(fed.clients, 3, dtype=torch.bool)], 1),
        *(fed.x_test, fed.y_test, fed.task),
    )
    options = {"local_steps": 3, "lr": 0.2, "mechanism": mechanism, "generator": generator()}
    torch.testing.assert_close(train(model, wide, **options), train(model, fed, **options), rtol=1e-10, atol=1e-12)


def test_order_of_records_and_of_clients_does_not_matter():
    model, fed = case("MLP")
    order = torch.randperm(fed.clients, generator=generator())
    records = torch.randperm(fed.x.shape[1], generator=generator(1))
    mixed = data.Federation(fed.x[:, records], fed.y[:, records], fed.mask[:, records], fed.x_test, fed.y_test, fed.task)
    before = train(model, fed, local_steps=3)
    torch.testing.assert_close(train(model, mixed.select(order), local_steps=3), before[order], rtol=1e-10, atol=1e-12)


def test_a_custom_loss_is_used():
    model, fed = case("regression")
    found = train(model, fed, lr=0.1, loss=lambda outputs, targets: (outputs.squeeze(-1) - targets).abs())
    x, y = fed.client(0)
    F.l1_loss(model(x.double()).squeeze(-1), y.double()).backward()
    expected = -0.1 * torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(found[0], expected, rtol=1e-9, atol=1e-12)


# Mini-batches ----------------------------------------------------------------------------------------------------------


def test_batch_rate_one_equals_the_full_batch():
    model, fed = case("MLP")
    full = train(model, fed, local_steps=3)
    assert torch.equal(train(model, fed, local_steps=3, batch_rate=1.0, generator=generator()), full)
    assert not torch.equal(train(model, fed, local_steps=3, batch_rate=0.5, generator=generator()), full)


def test_a_step_uses_the_mean_gradient_of_a_poisson_batch():
    """Every update is that of some subset of the records, and the subsets are as frequent as independent coins make them.

    Chi-squared at p ≥ 1e-6; fixed seed.
    """
    model = models.Linear(3, 1, seed=0).double()
    one, rate, count = federation([3]), 0.3, 4000
    many = one.select(torch.zeros(count, dtype=torch.int64))
    found = train(model, many, lr=1.0, batch_rate=rate, generator=generator(1))
    subsets = list(itertools.product([False, True], repeat=3))
    expected = torch.stack(
        [-own_gradient(model, one.x[0][list(s)], one.y[0][list(s)]) if any(s) else torch.zeros(4).double() for s in subsets]
    )
    distances = torch.cdist(found, expected)
    assert distances.min(1).values.max() < 1e-7
    observed = torch.bincount(distances.argmin(1), minlength=8).numpy()
    chance = [rate ** sum(s) * (1 - rate) ** (3 - sum(s)) for s in subsets]
    assert stats.chisquare(observed, [count * c for c in chance]).pvalue >= FALSE_ALARM


def test_local_steps_draw_their_batches_afresh():
    model, fed = models.Linear(3, 1, seed=0).double(), federation([1] * 400)
    moved = [train(model, fed, local_steps=s, batch_rate=0.5, generator=generator()).any(1).double().mean() for s in (1, 2)]
    assert abs(moved[0] - 0.5) < 0.13 and abs(moved[1] - 0.75) < 0.11  # five standard errors


# Record level ----------------------------------------------------------------------------------------------------------

QUIET = mechanisms.Gaussian(0.0, 0.4, "client", "record")


def clipped_sum(model, x, y, mechanism):
    """Sum of a client's clipped per-record gradients by a plain loop."""
    total = torch.zeros(len(theta_of(model)), dtype=torch.float64)
    for i in range(len(x)):
        grad = own_gradient(model, x[i : i + 1], y[i : i + 1])
        total += grad * min(1.0, mechanism.clip / float(torch.linalg.vector_norm(grad, mechanism.norm)))
    return total


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mechanism", [QUIET, mechanisms.Laplace(float("inf"), 1.5, "client", "record")], ids=["L2", "L1"])
def test_record_level_step_is_the_clipped_mean(kind, mechanism):
    model, fed = case(kind)
    found = train(model, fed, lr=1.0, mechanism=mechanism, generator=generator())
    for k in range(fed.clients):
        expected = -clipped_sum(model, *fed.client(k), mechanism) / max(1, int(fed.sizes[k]))
        torch.testing.assert_close(found[k], expected, rtol=1e-7, atol=1e-10)


def test_record_level_divides_by_the_expected_batch_not_the_drawn_one():
    model, one, rate = models.Linear(3, 1, seed=0).double(), federation([3], scale=5.0), 0.4
    many = one.select(torch.zeros(300, dtype=torch.int64))
    found = train(model, many, lr=1.0, batch_rate=rate, mechanism=QUIET, generator=generator())
    x, y = one.client(0)
    subsets = [list(s) for s in itertools.product([False, True], repeat=3)]
    expected = torch.stack([-clipped_sum(model, x[s], y[s], QUIET) / (3 * rate) for s in subsets])
    distances = torch.cdist(found, expected)
    assert distances.min(1).values.max() < 1e-7
    assert len(distances.argmin(1).unique()) == 8


@given(
    size=st.integers(1, 6),
    clip=st.floats(0.01, 3),
    laplace=st.booleans(),
    rate=st.sampled_from([1.0, 0.5]),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 1000),
    removed=st.integers(0, 5),
)
def test_removing_a_record_moves_the_clipped_sum_by_at_most_the_clip(size, clip, laplace, rate, scale, seed, removed):
    mechanism = (
        mechanisms.Laplace(1.0, clip, "client", "record") if laplace else mechanisms.Gaussian(1.0, clip, "client", "record")
    )
    model = models.MLP(3, 4, 2, seed=seed).double()
    fed = federation([size, 2], seed=seed, scale=scale)
    mask = fed.mask.clone()
    mask[0, removed % size] = False
    less = data.Federation(fed.x, fed.y, mask, fed.x_test, fed.y_test, fed.task)

    def noisy_sum(fed):  # the same generator, so that mini-batch and noise are the same
        update = train(model, fed, lr=1.0, batch_rate=rate, mechanism=mechanism, generator=generator(seed))[0]
        return -update * max(1, int(fed.sizes[0])) * rate

    change = noisy_sum(fed) - noisy_sum(less)
    assert torch.linalg.vector_norm(change, mechanism.norm) <= clip * (1 + 1e-9)
    other = train(model, fed, batch_rate=rate, mechanism=mechanism, generator=generator(seed))[1]
    assert torch.equal(other, train(model, less, batch_rate=rate, mechanism=mechanism, generator=generator(seed))[1])


@pytest.mark.parametrize(
    "at", [mechanisms.Laplace(0.7, 1.3, "client", "record"), mechanisms.Gaussian(0.7, 1.3, "client", "record")]
)
def test_record_level_noise_follows_its_law(at):
    """KS and scale, false alarm below 2e-6; fixed seed. The noise is divided by the expected batch, n_k·batch_rate."""
    model = models.Linear(999, 1).double()
    fed, size, rate, lr = federation([5] * 20, features=999), 5, 0.5, 0.3
    quiet = (
        mechanisms.Gaussian(0.0, 1.3, "client", "record")
        if at.norm == 2
        else mechanisms.Laplace(float("inf"), 1.3, "client", "record")
    )

    def update(mechanism):
        return train(model, fed, lr=lr, batch_rate=rate, mechanism=mechanism, generator=generator(3))

    noise = update(at) - update(quiet)
    assert follows(noise, law_of(at, lr / (size * rate)))
    assert not follows(noise, law_of(at, 1.1 * lr / (size * rate)))


def test_record_level_noise_is_fresh_in_every_step_and_client():
    mechanism = mechanisms.Gaussian(1.0, 1.0, "client", "record")
    model = models.Linear(999, 1).double()
    found = train(model, nobody(20), local_steps=4, lr=1.0, mechanism=mechanism, generator=generator())
    assert follows(found, stats.norm(scale=2.0))  # four independent steps: √4
    assert len(found.flatten().unique()) == found.numel()


def test_no_global_random_state_is_touched():
    model, fed = case("MLP")
    with global_random_state_untouched():
        train(model, fed, local_steps=2, batch_rate=0.5, generator=generator())
        train(model, fed, batch_rate=0.5, mechanism=mechanisms.Laplace(1.0, 1.0, "client", "record"), generator=generator())
