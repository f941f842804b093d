"""Many local steps on unlike clients, as notebook 21's explorers compute them, are the runs that `train` makes."""

import numpy as np
import pytest
import torch

from fldp_lib import Plan, aggregation, clients, data, models, train
from fldp_lib.course.exhibits import _drifts, _groups, _homes, nb21
from fldp_lib.training import algorithms

MODEL, DIGITS = models.Linear(64, 10), data.load("digits")
FED = data.split(DIGITS, 9, "dirichlet", alpha=0.05, seed=4)
WAYS = [
    (algorithms.FedAvg(4), algorithms.ServerSGD(1.5)),
    (algorithms.FedProx(4, 0.3), algorithms.ServerSGD()),
    (algorithms.Scaffold(4), algorithms.ServerSGD()),
    (algorithms.Scaffold(1), algorithms.FedAvgM(0.5)),
    (algorithms.FedAvg(3), algorithms.FedAdam(0.1, tau=0.01)),
    (algorithms.FedAvg(3), algorithms.FedYogi(0.1, tau=0.01)),
]


@pytest.mark.parametrize("local, server", WAYS, ids=str)
@pytest.mark.parametrize("weighted", [True, False])
def test_each_run_is_the_one_that_train_makes(local, server, weighted):
    aggregator = aggregation.weighted_mean if weighted else aggregation.mean
    plan = Plan(rounds=4, lr=0.7, local=local, server=server, aggregator=aggregator)
    found, run = _drifts.federate(_drifts.Fleet(FED), plan, weighted), train(MODEL, FED, plan, progress=False)
    assert torch.allclose(found.thetas[-1], run.theta, atol=2e-5)
    np.testing.assert_allclose(found.accuracy, run.accuracy, atol=3e-3)


@pytest.mark.parametrize("mu", [0.0, 0.4])
def test_walks_are_local_updates(mu):
    theta = models.flatten(models.Linear(64, 10)) + 0.1 * torch.randn(650, generator=torch.Generator().manual_seed(1))
    mine = _drifts.Fleet(FED).walks(theta, 5, 0.5, mu)
    assert torch.allclose(mine, clients.local_updates(MODEL, theta, FED, local_steps=5, lr=0.5, proximal=mu), atol=2e-6)
    assert not _drifts.Fleet(FED).walks(theta, 3, 0.5, moves=(True, False))[:, 640:].any()


@pytest.mark.parametrize("server", [algorithms.FedAvgM(0.4), algorithms.FedAdam(0.1, tau=0.01), algorithms.FedYogi(0.1)])
def test_many_draws_at_once_step_as_the_server_steps(server):
    fed = data.split(DIGITS, 40, "dirichlet", alpha=0.1, seed=1)
    plan = Plan.of(rounds=4, lr=2.0, local_steps=3).changed(server=server).calibrated(6.0, clip=2.0)
    added = torch.stack([_groups.noises(plan.mechanism, 40, 4, seed) for seed in (5, 6)], 1)
    found = _groups.together(_groups.Groups(fed), plan, added, 2.0)
    for k, seed in enumerate((5, 6)):
        assert torch.allclose(found.theta[k], train(MODEL, fed, plan.changed(seed=seed), progress=False).theta, atol=2e-4)


def test_nobody_is_tested_on_what_it_trained_on_and_nothing_is_lost():
    home = _homes.homes(30, 0.2)
    fed = home.fleet.federation
    for k in range(30):
        train_rows = {tuple(row) for row in fed.client(k)[0].tolist()}
        assert not train_rows & {tuple(row) for row in home.x[k][home.mask[k]].tolist()}
    assert int(fed.mask.sum() + home.mask.sum()) == 1797
    assert int(_homes.homes(30, 0.2, 4).fleet.federation.sizes.max()) == 4
    assert torch.equal(_homes.homes(30, 0.2, 4).x, home.x)  # judged on the same images, however many are trained on


def test_own_steps_are_local_updates_and_counted_on_own_images():
    home, theta = _homes.homes(30, 0.2), _homes.shared(30, 0.2)[0]
    for mu in (0.0, 0.3):
        own = theta + clients.local_updates(MODEL, theta, home.fleet.federation, local_steps=6, lr=0.5, proximal=mu)
        assert torch.allclose(_homes.tuned(home, theta, 6, mu=mu), own, atol=2e-5)
    hits = sum(int((models.predict(MODEL, own[k], home.x[k][home.mask[k]]).argmax(1) == home.y[k][home.mask[k]]).sum())
               for k in range(30))  # fmt: skip
    assert _homes.right(home, own) == pytest.approx(hits / int(home.mask.sum()))


def test_the_shared_private_model_is_train_s_at_the_plan_s_own_price():
    home, (theta,) = _homes.homes(30, 0.2), _homes.shared(30, 0.2, None, (2.0,), seed=3)
    plan = _homes.priced(2.0)
    assert plan.epsilon() <= 2.0 and plan.epsilon() > 1.99
    run = train(MODEL, home.fleet.federation, plan.changed(seed=3), progress=False)
    assert torch.allclose(theta, run.theta, atol=2e-4)


def test_scaffold_s_bowls_end_in_the_common_optimum_and_fedavg_s_where_its_formula_says():
    at, curve = nb21._bowls(4)
    _, thetas, _, best = nb21._paths(4, 10, False)
    kept = np.stack([np.eye(2) - np.linalg.matrix_power(np.eye(2) - 0.9 * h, 10) for h in curve])
    rest = np.linalg.solve(kept.sum(0), np.einsum("kij,kj->i", kept, at))
    assert np.allclose(thetas[-1], rest, atol=1e-6) and np.linalg.norm(rest - best) > 0.1
    assert np.linalg.norm(nb21._paths(4, 10, True)[1][-1] - best) < 1e-5
    assert np.linalg.norm(nb21._paths(4, 1, False)[1][-1] - best) < 1e-4


# A client that remembers, sampled by coins: notebook 21's proof, by integration -------------------------------------------

Z = np.linspace(-9, 9, 721)
BELL = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()


def divergences(moves, q, sigma, epsilon):
    """Hockey-stick divergences, both ways, of two rounds; `moves` is what the client sends: (first, then if out, if in)."""
    ratio = [np.exp(Z * move / sigma - (move / sigma) ** 2 / 2) for move in moves]
    later = [1 - q + q * ratio[k] for k in (1, 2)]  # by the first coin
    found = np.outer((1 - q) * np.ones_like(Z), later[0]) + np.outer(q * ratio[0], later[1])
    weight = np.outer(BELL, BELL)
    bound = np.exp(epsilon)
    return (weight * (found - bound).clip(0)).sum(), (weight * (1 - bound * found).clip(0)).sum()


@pytest.mark.parametrize("q, sigma", [(0.2, 0.7), (0.5, 1.0), (0.9, 2.0)])
def test_a_client_that_remembers_its_coins_tells_no_more_than_one_that_does_not(q, sigma):
    for epsilon in (0.05, 0.3, 1.0):
        without = divergences((1, 1, 1), q, sigma, epsilon)
        for first in (1, -1, 0.5):
            for out in (-1, 0, 0.6, 1):
                for into in (-1, 0, 0.6, 1):
                    found = divergences((first, out, into), q, sigma, epsilon)
                    assert found[0] <= without[0] + 1e-9 and found[1] <= without[1] + 1e-9
        assert divergences((1, 1.5, 1), q, sigma, epsilon)[0] > without[0]  # a longer message would show
