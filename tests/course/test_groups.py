"""Many runs of several records a client at once are the runs that `train` makes, one by one."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from fldp_lib import Plan, aggregation, data, mechanisms, models, train
from fldp_lib.course.exhibits import _groups

MODEL, DIGITS = models.Linear(64, 10), data.load("digits")


def noises(mechanism, clients, rounds, seeds):
    return torch.stack([_groups.noises(mechanism, clients, rounds, seed) for seed in seeds], 1)


@pytest.mark.parametrize("clients, steps", [(2, 5), (10, 4), (23, 1), (300, 3), (1437, 2)])
@pytest.mark.parametrize("kind, norm", [("gaussian", 2), ("laplace", 1)])
def test_each_run_is_the_one_that_train_makes(clients, steps, kind, norm):
    fed, clip = data.split(DIGITS, clients, seed=3), 0.7 if norm == 2 else 4.0
    plan = Plan.of(rounds=4, lr=1.5, local_steps=steps, server_lr=0.8).calibrated(6.0, mechanism=kind, clip=clip)
    added = noises(plan.mechanism, clients, 4, (5, 6))
    found = _groups.together(_groups.Groups(fed), plan, added, clip, norm)
    for k, seed in enumerate((5, 6)):
        run = train(MODEL, fed, plan.changed(seed=seed), progress=False)
        assert torch.allclose(found.theta[k], run.theta, atol=1e-5)
        np.testing.assert_allclose(found.accuracy[k], run.accuracy, atol=1e-6)
        np.testing.assert_allclose(found.loss[k], run.loss, atol=1e-5)
        np.testing.assert_allclose(found.cut[k], run.fraction_clipped, atol=1.5 / clients)  # one may round


def test_shares_and_server_add_the_same_law_and_train_says_so():
    fed = data.split(DIGITS, 40)
    plan = Plan.of(rounds=3, lr=2.0).calibrated(5.0, clip=1.0, at="shares")
    added = noises(plan.mechanism, 40, 3, range(2))
    found = _groups.together(_groups.Groups(fed), plan, added, 1.0)
    run = train(MODEL, fed, plan, progress=False)
    assert math.isclose(float(added.std()), run.noise_std[0] * 40, rel_tol=0.05)  # 3,900 numbers: three deviations are 3.4%
    assert np.isfinite(found.loss).all()


@pytest.mark.parametrize("split", [{}, {"how": "sizes", "alpha": 0.5}, {"how": "label"}])
def test_without_noise_and_clip_and_with_weights(split):
    fed, plan = data.split(DIGITS, 12, seed=1, **split), Plan.of(rounds=5, lr=1.0, local_steps=3)
    found = _groups.together(_groups.Groups(fed), plan)
    assert torch.allclose(found.theta[0], train(MODEL, fed, plan, progress=False).theta, atol=1e-5)
    weighted = _groups.together(_groups.Groups(fed), plan, weights=fed.sizes / fed.sizes.sum())
    run = train(MODEL, fed, plan.changed(aggregator=aggregation.weighted_mean), progress=False)
    assert torch.allclose(weighted.theta[0], run.theta, atol=1e-5)


def test_what_it_says_of_the_clipped_mean():
    from fldp_lib.training.clients import local_updates

    fed, plan = data.split(DIGITS, 50), Plan.of(rounds=1, lr=2.0, local_steps=2)
    sent = local_updates(MODEL, torch.zeros(650), fed, lr=2.0, local_steps=2)
    kept, norms = mechanisms.Gaussian(1.0, 2.0).clip_rows(sent)
    found = _groups.together(_groups.Groups(fed), plan, clip=2.0)
    assert math.isclose(found.signal[0, 0], float(kept.mean(0).norm()), rel_tol=1e-4)
    assert math.isclose(found.cut[0, 0], float((norms > 2.0).float().mean()), abs_tol=1e-6)
    assert math.isclose(found.cosine[0, 0], float(torch.cosine_similarity(kept.mean(0), sent.mean(0), dim=0)), abs_tol=1e-4)


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
def test_the_sum_of_the_clients_own_noise_has_its_law(kind):
    """Kolmogorov and Smirnov's two-sample test; false alarms: 1e-4, with fixed seeds none."""
    mechanism = Plan.of(rounds=1).calibrated(3.0, mechanism=kind, clip=1.0, at="client").mechanism
    at_once = _groups.noises(mechanism, 7, 10, 1).flatten()
    one_by_one = mechanism.noise_rows(7, (6500,), torch.Generator().manual_seed(2)).sum(0)
    assert stats.ks_2samp(at_once.numpy(), one_by_one.numpy()).pvalue > 1e-4
    fewer = mechanism.noise_rows(6, (6500,), torch.Generator().manual_seed(2)).sum(0)
    assert stats.ks_2samp(at_once.numpy(), 0.8 * fewer.numpy()).pvalue < 1e-4  # and a wrong law is seen


def test_it_stops_where_the_loss_is_small_enough():
    fed, plan = data.split(DIGITS, 10), Plan.of(rounds=50, lr=4.0)
    found = _groups.together(_groups.Groups(fed), plan, enough=1.0)
    assert found.loss[0, -1] <= 1.0 < found.loss[0, -2] and found.loss.shape[1] < 50
