"""Notebook 13's exhibits train by a shortcut: it is `train`, and its messages are the package's."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from fldp_lib import Plan, models, train
from fldp_lib.course.exhibits import _nb13 as quick
from fldp_lib.training.transport.compression import RandomK, TopK

KINDS = None, TopK(0.01), TopK(0.02, error_feedback=False), RandomK(0.1)
MODEL = models.Linear(64, 10)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("steps", "epsilon"), [(1, np.inf), (3, np.inf), (1, 2.0), (3, 2.0)])
@pytest.mark.parametrize("how", ["iid", "dirichlet"])
def test_a_shortcut_ends_where_train_ends(kind, steps, epsilon, how):
    plan = Plan.of(rounds=6, lr=0.5, local_steps=steps, delta=1e-4)
    plan = plan.calibrated(epsilon, clip=3.0) if epsilon < np.inf else plan
    history = train(MODEL, quick.dealt(20, how), plan.changed(compressor=kind), progress=False)
    theta = quick.path(quick.dealt(20, how), plan, kind)
    assert theta.shape == (7, 1, 650)
    assert torch.allclose(theta[-1, 0], history.theta, atol=1e-4)
    assert float(quick.accuracy(theta[-1, 0])) == pytest.approx(history.accuracy[-1], abs=0.004)


def test_draws_are_the_runs_of_other_seeds():
    plan = Plan.of(rounds=4, lr=2.0, delta=1e-4).calibrated(2.0, clip=3.0)
    thetas = quick.path(quick.dealt(20), plan, TopK(0.1), draws=3)[-1]
    for seed in range(3):
        history = train(MODEL, quick.dealt(20), plan.changed(compressor=TopK(0.1), seed=seed), progress=False)
        assert torch.allclose(thetas[seed], history.theta, atol=1e-4)


def test_who_is_not_waited_for_is_not_there():
    fed = quick.dealt(20, "dirichlet", 0.1, 3)
    present = torch.ones(5, 20, dtype=torch.bool)
    present[:, [2, 7]] = False
    plan = Plan.of(rounds=5, lr=1.0)
    rest = fed.select([k for k in range(20) if k not in (2, 7)])
    theta = train(MODEL, rest, plan, progress=False).theta
    assert torch.allclose(quick.path(fed, plan, present=present)[-1, 0], theta, atol=1e-5)


@pytest.mark.parametrize("share", [0.0015, 0.01, 0.5])
def test_messages_are_the_packages_and_ties_do_not_lengthen_them(share):
    rows = torch.randn(30, 650, generator=torch.Generator().manual_seed(0))
    rows[:10, :300] = 0
    assert torch.equal(quick.message(rows, TopK(share)), TopK(share).compress(rows))
    tied = torch.ones(4, 650)
    assert ((quick.message(tied, TopK(share)) != 0).sum(1) == TopK(share).kept(650)).all()


def test_waiting_for_fewer_makes_rounds_shorter():
    ends = [quick.waited("chance", 20, out, 0)[0] for out in (0, 2, 4, 9)]
    assert all((a > b).all() for a, b in pairwise(ends))
    assert all((np.diff(each) > 0).all() for each in ends)
