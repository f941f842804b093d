"""The exhibits' runs of many draws at once are `train`'s: equal without noise, of the same law with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fldp_lib import Plan, data, mechanisms, models, train
from fldp_lib.course.exhibits import nb08_made, nb09_runs, nb10_runs

LINEAR = models.Linear(30, 1)


def silent(plan):
    return plan.changed(mechanism=replace(plan.mechanism, noise_multiplier=0.0))


@pytest.mark.parametrize("clients", [3, 12, 40])
def test_record_level_runs_without_noise_are_trains(clients):
    fed, plan = nb09_runs.dealt(clients, 0), silent(nb09_runs.protection(2.0))
    theirs = train(nb09_runs.MODEL, fed, plan, progress=False).theta
    assert (nb09_runs.runs(fed, plan, clients, 2)[-1] - theirs).abs().max() < 1e-4


@pytest.mark.parametrize("clients", [3, 12])
@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_hospital_level_runs_without_noise_are_trains(clients, epsilon):
    fed, plan = nb09_runs.dealt(clients, 0), silent(nb09_runs.hospital_level(epsilon))
    theirs = train(nb09_runs.MODEL, fed, plan, progress=False).theta
    assert (nb09_runs.hospital_runs(fed, plan, 2)[-1] - theirs).abs().max() < 1e-4


def test_dealing_keeps_every_patient_and_says_who_is_malignant():
    for clients in (2, 3, 12, 60, 120):
        fed = nb09_runs.dealt(clients, 0)
        assert fed.clients == clients and int(fed.sizes.sum()) == 455 and int(fed.sizes.min()) >= 2
        assert int(((fed.y == 0) & fed.mask).sum()) == 170


@pytest.mark.parametrize("clients", [5, 60, 455])
def test_client_level_runs_without_noise_are_trains(clients):
    fed, plan = nb08_made.patients(clients), nb08_made.protection(1.0)
    for ours, mechanism in ((nb08_made.STEP, None), (plan, silent(plan).mechanism)):
        theirs = train(LINEAR, fed, nb08_made.STEP.changed(mechanism=mechanism), progress=False)
        thetas = nb08_made.many(fed, ours, 2, noisy=False)
        assert (thetas[-1] - theirs.theta).abs().max() < 1e-4
        right, loss = nb08_made.scores(thetas, fed)
        assert right[-1, 0] == pytest.approx(theirs.accuracy[-1]) and loss[-1, 0] == pytest.approx(theirs.loss[-1], abs=1e-4)


def test_the_noise_of_a_run_has_the_mechanisms_deviation():
    fed, plan = nb08_made.patients(455), nb08_made.protection(1.0, rounds=2)
    moved = nb08_made.many(fed, plan, 400)[0] - nb08_made.many(fed, plan, 1, noisy=False)[0]
    assert float(moved.std()) == pytest.approx(plan.mechanism.std / 455, rel=0.03)
    fed, plan = nb09_runs.dealt(12, 0), nb09_runs.protection(1.0)
    moved = nb09_runs.runs(fed, plan, 12, 400)[0] - nb09_runs.runs(fed, silent(plan), 12, 1)[0]
    assert float(moved.std()) == pytest.approx(plan.lr * 12**0.5 * plan.mechanism.std / 455, rel=0.03)
    fed, plan = nb09_runs.dealt(12, 0), nb09_runs.hospital_level(1.0)
    moved = nb09_runs.hospital_runs(fed, plan, 400)[0] - nb09_runs.hospital_runs(fed, silent(plan), 1)[0]
    assert float(moved.std()) == pytest.approx(plan.mechanism.std / 12, rel=0.03)


@pytest.mark.parametrize("clip", [None, 6.0])
def test_softmax_runs_without_noise_are_trains(clip):
    digits = data.load("digits")
    kept = (digits.y_train != 9) | (torch.arange(len(digits.y_train)) % 10 < 3)
    few = replace(digits, x_train=digits.x_train[kept], y_train=digits.y_train[kept])
    plan = Plan(rounds=12, lr=2.0, mechanism=clip and mechanisms.Gaussian(0.0, clip=clip))
    theirs = train(models.Linear(64, 10), data.split(few, len(few.y_train), seed=0), plan, progress=False)
    right = models.predict(models.Linear(64, 10), theirs.theta, digits.x_test).argmax(1) == digits.y_test
    nine = digits.y_test == 9
    ours = nb08_made.nines(plan, 1)[:, 0, -1]
    assert np.allclose([right[nine].float().mean(), right[~nine].float().mean()], ours, atol=0.004)


def test_noise_alone_has_the_same_noise_and_no_clip():
    plan = Plan(rounds=3, lr=2.0).calibrated(2.0, clip=1e-3)
    plain, noisy = nb08_made.nines(Plan(rounds=3, lr=2.0), 1), nb08_made.nines(plan, 3, clipped=False)
    assert np.allclose(plain[1, 0, -1], noisy[1, :, -1], atol=0.03)  # so small a clip would leave nothing to learn from


@pytest.mark.parametrize("banks", [2, 10, 40])
def test_the_banks_runs_without_noise_are_trains(banks):
    fed, (x, y, tests, truths) = nb10_runs.dealt(banks), nb10_runs.records((0,))
    assert fed.clients == banks and int(fed.sizes.sum()) == 800 and int(fed.sizes.min()) >= 2
    for plan in (nb10_runs.OPEN, silent(nb10_runs.protection(1.0, banks))):
        theirs = train(models.Linear(63, 1), fed, plan, progress=False).theta
        thetas = nb10_runs.runs(x, y, plan, banks, 2)
        assert (thetas[-1, 0] - theirs).abs().max() < 1e-4
        denied = torch.sigmoid(fed.x_test @ theirs[:-1] + theirs[-1]) >= 1 / 6
        paid = torch.where(denied, 1 - fed.y_test, 5 * fed.y_test).double().mean()
        assert float(nb10_runs.costs(thetas[-1], tests, truths)[0, 0]) == pytest.approx(float(paid), abs=1e-6)


def test_the_banks_noise_has_the_mechanisms_deviation_and_grows_with_the_banks():
    x, y = nb10_runs.records((0,))[:2]
    for banks in (1, 10):
        plan = nb10_runs.protection(1.0, banks).changed(rounds=1)
        moved = nb10_runs.runs(x, y, plan, banks, 400)[0] - nb10_runs.runs(x, y, silent(plan), banks, 1)[0]
        assert float(moved.std()) == pytest.approx(plan.lr * banks**0.5 * plan.mechanism.std / 800, rel=0.03)
    both = nb10_runs.runs(x, y, plan, [1.0, 1.0, 4.0, 4.0], 2)[0, 0]  # two sizes of the noise, the same two draws
    clean = nb10_runs.runs(x, y, silent(plan), 1, 1)[0, 0]
    assert torch.allclose(both[2:] - clean, 2 * (both[:2] - clean), atol=1e-5)
