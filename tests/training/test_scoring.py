"""scoring: intervals over runs; models that cannot be scored. What is scored is tested with `train`, in test_server.py."""

import math

import numpy as np
import pytest
import torch
from conftest import federation, refuses
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fldp_lib import models
from fldp_lib.data.federation import TASKS
from fldp_lib.training import scoring

FED = federation([3, 2, 4])

runs = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


@given(values=runs, level=st.floats(0.5, 0.999))
def test_an_interval_is_scipy_s(values, level):
    middle, half = scoring.interval(values, level)
    sem = stats.sem(values)
    if sem > 1e-9:
        low, high = stats.t.interval(level, len(values) - 1, np.mean(values), sem)
        assert middle - half == pytest.approx(low, rel=1e-6, abs=1e-6)
        assert middle + half == pytest.approx(high, rel=1e-6, abs=1e-6)


def test_an_interval_covers_as_often_as_it_says():
    """2,000 samples of ten: 95% within 4.5 standard errors of a share, false alarms below 1e-5."""
    rng = np.random.default_rng(0)
    found = [scoring.interval(sample) for sample in rng.normal(3, 2, (2_000, 10))]
    share = np.mean([abs(middle - 3) < half for middle, half in found])
    assert abs(share - 0.95) < 4.5 * math.sqrt(0.95 * 0.05 / 2_000)


def test_an_interval_takes_tensors_and_refuses_what_has_none():
    assert scoring.interval(torch.tensor([1.0, 3.0])) == scoring.interval([1, 3])
    for wrong in ([1.0], [], [1.0, math.nan]):
        with pytest.raises(ValueError, match="values must be"):
            scoring.interval(wrong)
    with pytest.raises(ValueError, match="level"):
        scoring.interval([1.0, 2.0], level=1.0)


class Squeezed(torch.nn.Module):
    """It drops the axis of its outputs, as many scripts do."""

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 1)

    def forward(self, x):
        return self.fc(x).squeeze(-1)


@pytest.mark.parametrize("task", TASKS)
def test_outputs_of_one_axis_too_few_are_refused_and_not_scored(task):
    fed, model = federation([3, 2], task=task), Squeezed()
    call = lambda: scoring.evaluate(model, models.flatten(model), fed)  # noqa: E731
    refuses(call, ValueError, "model must return outputs of shape (samples, out)", "squeeze", "(20,)")


def test_parameters_that_are_not_finite_are_refused_by_name():
    model = models.Linear(3, 2)
    theta = models.flatten(model).index_fill(0, torch.tensor([1]), math.nan)
    refuses(lambda: scoring.evaluate(model, theta, FED), ValueError, "theta must be finite", "1 of its 8")
    refuses(lambda: scoring.evaluate(model, theta[:3], FED), ValueError, "theta must be", "(8,)", "(3,)")


def test_a_run_that_diverged_has_no_accuracy():
    """The largest of NaNs is the first to torch, which is no guess: class 0 would be right for half of the records."""
    thetas = torch.stack([torch.zeros(8), torch.full((8,), math.nan)])
    losses, scores = scoring._scores(models.Linear(3, 2), thetas, FED, None)
    assert math.isfinite(losses[0]) and 0 <= scores[0] <= 1 and math.isnan(losses[1]) and math.isnan(scores[1])


@pytest.mark.parametrize("loss", [lambda outputs, targets: outputs.mean(), lambda outputs, targets: None])
def test_a_loss_of_another_shape_is_refused(loss):
    model = models.Linear(3, 2)
    refuses(lambda: scoring.evaluate(model, models.flatten(model), FED, loss), ValueError, "loss must return", "got")
