"""A cloud is many runs of `train`, and nothing else."""

import numpy as np
import pytest
import torch

from fldp_lib import Plan, data, models, train
from fldp_lib.course.exhibits import _clouds

SEEDS = (0, 7)
PATIENTS = data.load("breast_cancer", features=["worst area", "worst smoothness"])


@pytest.mark.parametrize("clients", [3, 10, 455])
@pytest.mark.parametrize(
    "terms", [{}, {"clip": 4.0}, {"clip": 0.125, "local_steps": 3}, {"clip": 0.5, "server_lr": 0.5}], ids=str
)
def test_run_k_of_a_cloud_is_train_with_the_kth_seed(clients, terms):
    fed = data.split(PATIENTS, clients, seed=1)
    terms = dict(terms)
    clip = terms.pop("clip", None)
    plan = Plan.of(rounds=6, lr=2.0, **terms)
    plan = plan if clip is None else plan.calibrated(2.0, clip=clip)
    paths = _clouds.cloud(fed, plan, SEEDS)
    assert paths.shape == (7, 2, 3) and not paths[0].any()
    right = _clouds.accuracy(fed, paths)
    for k, seed in enumerate(SEEDS):
        history = train(models.Linear(2, 1), fed, plan.changed(seed=seed))
        assert torch.allclose(paths[-1, k], history.theta, rtol=1e-4, atol=1e-4)
        assert np.allclose(right[1:, k], history.accuracy, atol=1e-6)


def test_a_chord_runs_from_edge_to_edge_where_the_model_is_undecided():
    thetas = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    ends = _clouds.chords(thetas)
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    signs = (corners @ thetas[:, :2].T + thetas[:, 2]).sign()  # corners × models
    crossing = [theta for theta, sign in zip(thetas, signs.T, strict=True) if len(set(sign.tolist())) == 2]
    assert len(ends) == len(crossing) > 50
    for (x, y), (a, b, c) in zip(ends, [theta.tolist() for theta in crossing], strict=True):
        assert np.allclose(a * x + b * y + c, 0, atol=1e-5)
        assert np.allclose(np.maximum(abs(x), abs(y)), 1, atol=1e-6)


@pytest.mark.parametrize("theta", [[0.0, 0.0, 1.0], [1.0, 0.0, 5.0], [float("nan"), 1.0, 0.0], [float("inf"), 1.0, 0.0]])
def test_a_model_whose_line_misses_the_square_has_no_chord(theta):
    assert _clouds.chords(torch.tensor([theta])) == []
