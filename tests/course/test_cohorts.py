"""Notebook 20's exhibits train by a shortcut: it is `train`, run by run; and what they say of matrices is the package's."""

import math

import numpy as np
import pytest
import torch

from fldp_lib import accounting, mechanisms, models, train
from fldp_lib.course.exhibits import _cohorts, _crowds, nb20, nb20_more, nb20_runs
from fldp_lib.privacy import participation, strategies

MODEL = models.Linear(64, 10)


@pytest.mark.parametrize("kind", ["independent", "tree", "sqrt", "banded", "optimised", "poisson", "all"])
def test_each_run_is_the_one_that_train_makes(kind):
    fed = _crowds.crowd(300).federation
    plan = _cohorts.planned(kind, 8.0, 0.4, 20, 7 if kind == "optimised" else None)
    for seed in (0, 5):
        run = train(MODEL, fed, plan.changed(seed=seed), progress=False)
        cohorts = _cohorts.cohorts_of(300, kind, 20, plan.rounds, seed)
        looks, right = _cohorts.together(_crowds.crowd(300), plan, cohorts, _cohorts.noise_of(plan, (seed,)), every=7)
        np.testing.assert_allclose(right[0], np.array(run.accuracy)[looks - 1], atol=1.5 / 360)  # one image may round


@pytest.mark.parametrize("kind", ["independent", "optimised", "poisson", "all"])
def test_every_way_costs_the_epsilon_that_is_said(kind):
    plan = _cohorts.planned(kind, 1.5, 0.5, 20)
    assert plan.epsilon() <= 1.5 * (1 + 1e-6) and plan.epsilon() > (1.3 if kind == "poisson" else 1.4999)
    assert plan.rounds == (10 if kind == "all" else 200)


def test_the_explorer_says_how_far_its_bound_is_from_the_exact_epsilon():
    assert round(_cohorts.planned("poisson", 1.0, 0.5, 20).epsilon(), 3) == nb20_runs.BOUND


def test_runs_side_by_side_do_not_touch_each_other():
    plan = _cohorts.planned("optimised", 4.0, 0.5, 20)
    cohorts = _cohorts.cohorts_of(300, "optimised", 20, plan.rounds, 0)
    crowd = _crowds.crowd(300)
    both = _cohorts.together(crowd, plan, cohorts, _cohorts.noise_of(plan, (1, 2)))[1]
    for k, seed in enumerate((1, 2)):
        np.testing.assert_allclose(
            both[k], _cohorts.together(crowd, plan, cohorts, _cohorts.noise_of(plan, (seed,)))[1][0], atol=1.5 / 360
        )


@pytest.mark.parametrize("name", ["independent", "tree", "sqrt", "optimised"])
def test_the_price_of_visits_is_the_package_s_where_that_has_one(name):
    strategy = strategies.strategy(name, 200, 20 if name == "optimised" else None)
    assert math.isclose(nb20_more.price(name, 10, 20), strategy.sensitivity(20), rel_tol=1e-9)
    if name == "sqrt":
        for visits, apart in ((3, 7), (10, 20), (2, 100)):
            closed = participation.toeplitz(strategy.coefficients, 200, apart, visits)
            assert math.isclose(nb20_more.price(name, visits, apart), closed, rel_tol=1e-9)


def test_nobody_moves_more_than_the_price_and_somebody_meets_it():
    """Any ten visits 13 rounds apart at least, of any directions, against the price of exactly 13 apart (root: falling)."""
    rng, matrix = np.random.default_rng(0), strategies.strategy("sqrt", 200).matrix()
    price, most = nb20_more.price("sqrt", 10, 13), 0.0
    for _ in range(300):
        visits = np.sort(rng.choice(200 - 9 * 12, 10, replace=False)) + 12 * np.arange(10)
        u = rng.normal(size=(10, 2)) if rng.random() < 0.5 else np.ones((10, 2))
        moved = np.linalg.norm(matrix[:, visits] @ (u / np.linalg.norm(u, axis=1, keepdims=True)))
        assert moved <= price * (1 + 1e-9)
        most = max(most, moved)
    assert np.linalg.norm(nb20_more.moved("sqrt", 10, 13)) == price and most > 0.8 * price


def test_a_client_that_keeps_its_promise_has_the_epsilon_promised():
    explorer = nb20_more.early().set(apart=20, epsilon=3.0)
    assert math.isclose(explorer.result["real"], 3.0, rel_tol=1e-6)
    sooner = explorer.set(apart=4).result
    assert sooner["real"] > 3.5 and np.allclose(sooner["shown"]["independent"], 3.0)
    assert sooner["attacker"].even_odds > sooner["claimed"].even_odds
    noise = accounting.calibrate("gaussian", epsilon=3.0, delta=1e-5).noise_multiplier
    real = mechanisms.Gaussian(noise * nb20_more.price("optimised", 10, 20) / nb20_more.price("optimised", 10, 4), 1.0)
    assert math.isclose(sooner["real"], accounting.epsilon(real, delta=1e-5), rel_tol=1e-9)


@pytest.mark.parametrize("name", nb20.NAMES.values())
def test_the_cloud_has_the_deviation_that_is_said(name):
    _rows, sums, deviations = nb20.noise(name, nb20.banded(name, 20))
    ratio = np.sqrt((sums**2).mean(0)) / deviations
    assert abs(ratio.mean() - 1) < 0.25  # 40 draws: a single ratio has a deviation of 11%, and the sums go together


def test_a_round_undoes_the_last():
    result = nb20.undone().result
    assert (
        result["parts"][0] > 0 > result["parts"][1] and result["here"] > result["flat"] and result["left"] < result["plain"]
    )
    assert 0.97 * result["here"] < np.linalg.norm(result["parts"]) < result["here"]  # sixteen parts of nearly a hundred


def test_the_last_explorer_s_runs_share_nothing_but_the_turns():
    theirs = torch.stack([_cohorts.unit_noise(strategies.strategy("independent", 4), (seed,))[:, 0] for seed in (0, 1)])
    assert float(theirs.flatten(1).corrcoef()[0, 1].abs()) < 0.08  # 2,600 numbers each: four deviations
