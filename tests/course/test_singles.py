"""Many runs at once are the runs that `train` makes, one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fldp_lib import Plan, clients, mechanisms, models, train
from fldp_lib.course.exhibits import _singles
from fldp_lib.privacy.adaptive import AdaptiveGaussian

CROWD = _singles.crowd(120)


def mechanisms_of(plan):
    z, clip = plan.mechanism.noise_multiplier, plan.mechanism.clip
    moving = AdaptiveGaussian(z, clip, quantile=0.4, clip_lr=0.5, count_noise=z)
    return [plan.mechanism, None, mechanisms.Gaussian(0.0, clip), moving]


@pytest.mark.parametrize(
    "plan", [Plan(rounds=6, lr=2.0), Plan.of(rounds=4, lr=0.5, local_steps=3, server_lr=0.7)], ids=["one step", "three"]
)
@pytest.mark.parametrize("adaptive", [False, True])
def test_each_run_is_the_one_that_train_makes(plan, adaptive):
    private = plan.calibrated(4.0, clip=2.0)
    mechs = mechanisms_of(private)[: 4 if adaptive else 3]
    accuracy, theta, clips = _singles.together(CROWD, plan, mechs, range(3, 3 + len(mechs)))
    for k, mechanism in enumerate(mechs):
        run = train(models.Linear(64, 10), CROWD.federation, plan.changed(mechanism=mechanism, seed=3 + k), progress=False)
        assert torch.allclose(theta[k], run.theta, atol=1e-5)
        np.testing.assert_allclose(accuracy[k], run.accuracy, atol=1e-6)
        if mechanism is not None:
            np.testing.assert_allclose(clips[k], run.clip, rtol=1e-5)


def test_who_is_not_present_is_not_in_the_federation():
    plan = Plan(rounds=5, lr=2.0).calibrated(4.0, clip=2.0)
    present = torch.rand(2, 120, generator=torch.Generator().manual_seed(0)) < 0.6
    theta = _singles.together(CROWD, plan, [plan.mechanism] * 2, [1, 2], present)[1]
    for k in range(2):
        fed = CROWD.federation.select(present[k])
        assert torch.allclose(
            theta[k], train(models.Linear(64, 10), fed, plan.changed(seed=k + 1), progress=False).theta, atol=1e-5
        )


def test_a_divisor_is_that_of_a_federation_in_which_the_absent_have_no_data():
    plan = Plan(rounds=5, lr=8.0).calibrated(4.0, clip=4.0)
    present, fed = torch.rand(2, 120, generator=torch.Generator().manual_seed(0)) < 0.5, CROWD.federation
    theta = _singles.together(CROWD, plan, [plan.mechanism] * 2, [1, 2], present, divisor=120)[1]
    for k in range(2):
        there = replace(fed, mask=fed.mask & present[k][:, None])
        run = train(models.Linear(64, 10), there, plan.changed(seed=k + 1), progress=False)
        assert torch.allclose(theta[k], run.theta, atol=1e-5)


def test_the_last_accuracy_alone_is_the_last_of_all():
    plan = Plan(rounds=4, lr=2.0)
    every, last = (_singles.together(CROWD, plan, [None], [0], every=e)[0] for e in (True, False))
    assert last.shape == (1, 1) and last[0, 0] == every[0, -1]


def test_the_bias_is_that_of_the_clipped_updates():
    theta = _singles.together(CROWD, _singles.PLAN.changed(rounds=3), [None], [0])[1][0]
    updates = clients.local_updates(models.Linear(64, 10), theta, CROWD.federation, lr=_singles.PLAN.lr)
    biases, mean = _singles.clip_errors(120, (0.5, 4.0, 1e3))
    for bias, clip in zip(biases, (0.5, 4.0, 1e3), strict=True):
        expected = (mechanisms.clip_rows(updates, clip)[0].mean(0) - updates.mean(0)).norm()
        assert bias == pytest.approx(float(expected), abs=1e-5)
    assert mean == pytest.approx(float(updates.mean(0).norm()), rel=1e-5)


def test_recalls_are_those_of_the_model():
    theta = _singles.together(CROWD, _singles.PLAN, [None], [0])[1]
    guess = models.predict(models.Linear(64, 10), theta[0], CROWD.federation.x_test).argmax(1)
    truth = CROWD.federation.y_test
    expected = [float((guess == truth)[truth == k].double().mean()) for k in range(10)]
    np.testing.assert_allclose(_singles.recalls(CROWD, theta)[0], expected, atol=1e-6)
