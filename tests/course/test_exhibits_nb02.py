"""What notebook 02 shows agrees with the package: closed forms with its accountants, batches of runs with `train`."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from fldp_lib import Plan, accounting, clients, mechanisms, models, train
from fldp_lib.course.exhibits import _nb02, nb02_more
from fldp_lib.privacy import attacker


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_the_attacker_of_a_laplace_count_is_the_package_s(epsilon):
    here = _nb02.laplace_attacker(epsilon)
    there = attacker.of(mechanisms.Laplace(epsilon=epsilon, clip=1.0), delta=0.0)
    assert here.even_odds == pytest.approx(there.even_odds, abs=1e-3) and here.tpr == pytest.approx(there.tpr, abs=1e-3)
    assert here.bound == pytest.approx(there.bound) and here.people == there.people


@pytest.mark.parametrize("noise", ["uniform", "laplace", "gaussian"])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.5])
def test_the_smallest_delta_is_what_the_densities_leave_over(noise, scale, epsilon):
    grid, step = np.linspace(-80, 81, 161_001, retstep=True)
    p, q = (_nb02.density(noise, scale, grid - count) for count in (1, 0))
    left = np.maximum(p - np.exp(epsilon) * q, 0).sum() * step
    assert _nb02.smallest_delta(noise, scale, epsilon) == pytest.approx(left, abs=2e-3)


@pytest.mark.parametrize("noise", ["laplace", "gaussian", "geometric"])
@pytest.mark.parametrize("z", [-3.5, -0.5, 0.5, 2.5])
def test_the_chance_above_a_cut_is_the_area_of_the_density(noise, z):
    grid, step = np.linspace(-60.5, 60.5, 121_001, retstep=True)
    area = _nb02.density(noise, 1.3, grid)[grid > z].sum() * step
    assert _nb02.above(noise, 1.3, z) == pytest.approx(area, abs=2e-3)


@pytest.mark.parametrize("noise", ["laplace", "gaussian", "geometric"])
def test_a_rule_lies_on_the_curve_of_its_noise_and_under_the_roof(noise):
    epsilon = 1.0
    scale = _nb02.multiplier(epsilon) if noise == "gaussian" else 1 / epsilon
    for cut in np.arange(-4.5, 6.0):
        alarms, found = _nb02.above(noise, scale, cut), _nb02.above(noise, scale, cut - 1)
        assert found == pytest.approx(float(_nb02.hits(noise, epsilon, np.float64(alarms))), abs=1e-9)
        assert found <= _nb02.most_hits(alarms, epsilon, 1e-5) + 1e-12


def test_the_deal_is_the_first_that_leaves_no_hospital_empty():
    fed, found = nb02_more._deal(5)
    assert fed.sizes.tolist() == [56, 123, 42, 77, 157] and found == {"odd": 1, "usual": 0}
    assert all(nb02_more._deal(n)[0].sizes.min() >= 1 for n in (3, 12, 30))


def test_models_and_attackers_are_those_of_train_run_by_run():
    fed, found = nb02_more._deal(5)
    here, k, model = nb02_more._ensembles(10.0, 5, "odd"), found["odd"], models.Linear(2, 1)
    for seed, side, ends in ((3, fed, here["ends"][0]), (53, fed.without(k), here["ends"][1])):
        path = [models.flatten(model)]
        plan = here["plan"].changed(seed=seed)
        train(model, side, plan, progress=False, callback=lambda t, theta, r, path=path: path.append(theta))
        assert torch.allclose(path[-1], ends[3], atol=1e-4)
        total = 0.0
        for before, after in pairwise(path):
            rows = mechanisms.clip_rows(clients.local_updates(model, before, fed, lr=nb02_more.LR), nb02_more.CLIP)[0]
            z = fed.clients * (after - before) - rows.sum(0)
            total += float((z + rows[k] / 2) @ rows[k]) / plan.mechanism.std**2
        ratio = nb02_more._log_ratios(fed, k, torch.stack(path)[:, None], here["plan"])
        assert float(ratio) == pytest.approx(total, abs=1e-3)


def test_the_runs_cost_what_the_slider_says():
    plan = nb02_more._ensembles(2.0, 5, "usual")["plan"]
    assert isinstance(plan, Plan) and plan.epsilon() == pytest.approx(2.0, rel=1e-3)
    assert accounting.delta_of(plan.mechanism, 2.0, rounds=5) == pytest.approx(1e-5, rel=0.05)
