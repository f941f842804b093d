"""scoring: intervals over runs. Losses and scores of models are tested with `train`, in test_server.py."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fldp_lib.training import scoring

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
