"""Runs of a network side by side are the runs that `train` makes, one by one."""

import numpy as np
import pytest

from fldp_lib import Plan, data, mechanisms, models, train
from fldp_lib.course.exhibits import _networks


@pytest.mark.parametrize("clients, rounds, hidden", [(10, 8, 16), (37, 5, 3), (200, 4, 16)])
def test_each_run_is_the_one_that_train_makes(clients, rounds, hidden):
    fed, model = data.split(data.load("breast_cancer"), clients, seed=2), models.MLP(30, hidden, 2)
    plan = Plan.of(rounds=rounds, lr=2.0, server_lr=0.9, seed=4)
    mechs = [mechanisms.Gaussian(sigma, clip) for sigma, clip in ((0.5, 0.5), (2.0, 0.5), (7.0, 3.0))]
    found = _networks.many(model, fed, plan, mechs)
    for k, mechanism in enumerate(mechs):
        run = train(model, fed, plan.changed(mechanism=mechanism), progress=False)
        np.testing.assert_allclose(found[k], run.accuracy, atol=1e-6)
