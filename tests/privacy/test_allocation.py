"""Random allocation: between its bounds, against simulation, one step, and dp_accounting's Poisson sampling."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fldp_lib.privacy import allocation
from fldp_lib.privacy.gaussians import gaussian_delta, gaussian_epsilon


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 2.0])
def test_one_step_is_one_gaussian(epsilon):
    exact = float(gaussian_delta(1 / 0.8, epsilon))
    assert allocation.delta(0.8, 1, epsilon) == pytest.approx(exact, rel=1e-4)
    assert allocation.delta(0.8, 1, epsilon, lower=True) == pytest.approx(exact, rel=1e-2)
    assert allocation.unhidden(0.8, 1e-5) == allocation.epsilon(0.8, 1, 1e-5) == gaussian_epsilon(1 / 0.8, 1e-5)


@settings(max_examples=12, deadline=None)
@given(st.floats(0.5, 4), st.integers(1, 60), st.floats(0.0, 2))
def test_the_bounds_enclose_a_value(noise, steps, epsilon):
    low, high = (allocation.delta(noise, steps, epsilon, lower) for lower in (True, False))
    assert low <= high * (1 + 1e-9) + 1e-12
    assert high - low <= 0.01 * high + math.exp(epsilon) * steps / 8192  # a grid's step, which rounding can move W by


@pytest.mark.parametrize(("noise", "steps", "epsilon"), [(1.0, 2, 1.0), (1.0, 20, 0.5), (2.0, 5, 0.2)])
def test_a_simulation_lies_between_the_bounds(noise, steps, epsilon):
    """Both directions' means over 400,000 runs, six standard errors: false alarm below 1e-8."""
    random = np.random.default_rng(1)
    plain = random.normal(size=(400_000, steps)) * noise
    with_one = plain.copy()
    with_one[:, 0] += 1  # which step does not matter: the ratio is symmetric
    ratio = [np.exp(x / noise**2 - 0.5 / noise**2).mean(1) for x in (plain, with_one)]
    out, into = np.maximum(1 - math.exp(epsilon) * ratio[0], 0), np.maximum(1 - math.exp(epsilon) / ratio[1], 0)
    error = max(out.std(), into.std()) / math.sqrt(len(out))
    measured = max(out.mean(), into.mean())
    assert allocation.delta(noise, steps, epsilon, lower=True) - 6 * error < measured
    assert measured < allocation.delta(noise, steps, epsilon) + 6 * error


def test_the_number_of_the_field():
    """σ = 1, 100 steps, δ = 1e-4: 0.44 against 0.52 for Poisson sampling and 3.80 for a step that is known."""
    assert round(allocation.epsilon(1.0, 100, 1e-4), 2) == 0.44
    assert round(allocation.poisson(1.0, 100, 1e-4), 2) == 0.52
    assert round(allocation.unhidden(1.0, 1e-4), 2) == 3.80


def test_a_finer_grid_changes_the_upper_bound_little_and_lowers_it(monkeypatch):
    coarse = allocation.epsilon(1.0, 50, 1e-4)
    monkeypatch.setattr(allocation, "GRID", 2**15)
    allocation._delta.cache_clear()
    fine = allocation.epsilon(1.0, 50, 1e-4)
    allocation._delta.cache_clear()
    assert fine <= coarse + 1e-6 and coarse - fine < 1e-3


def test_more_steps_hide_better():
    found = [allocation.epsilon(1.0, steps, 1e-5) for steps in (1, 3, 10, 100)]
    assert found == sorted(found, reverse=True)
