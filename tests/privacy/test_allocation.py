"""Random allocation: between its bounds, against simulation, one step, and dp_accounting's Poisson sampling."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_ndtr, ndtr

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


def of_two_steps(noise, epsilon):
    """δ of two steps, with the person against without: over the one step's output in four million parts, the other's mean
    in closed form."""
    above, z = math.exp(epsilon), np.linspace(-14, 1 / noise + 14, 4_000_001)
    left = 2 * above - np.exp(z / noise - 0.5 / noise**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        edge = noise * np.log(left) + 0.5 / noise
    over = np.where(left > 0, ndtr(1 / noise - edge) - left * ndtr(-edge), 1 - left)  # E(X − left)₊
    return float(np.trapezoid(np.exp(-z * z / 2) * over, z)) / math.sqrt(8 * math.pi)


@pytest.mark.parametrize(("noise", "epsilon"), [(0.2, 30.0), (0.2, 40.0), (0.2, 45.0), (0.2, 60.0), (0.45, 12.81628),
    (0.5, 12.9), (0.7, 8.5041), (0.3, 10.0), (1.0, 2.0)])  # fmt: skip
def test_the_bounds_of_two_steps_enclose_the_truth_at_large_epsilons(noise, epsilon):
    truth = of_two_steps(noise, epsilon)
    low, high = (allocation.delta(noise, 2, epsilon, lower) for lower in (True, False))
    assert low <= truth <= high <= truth * (1 + 1e-6) + 2e-13


@pytest.mark.parametrize(("noise", "delta"), [(0.45, 1e-7), (0.5, 1e-9), (0.4, 1e-8), (0.7, 1e-9), (0.2, 1e-9)])
def test_epsilons_of_two_steps_keep_their_delta(noise, delta):
    low, high = (allocation.epsilon(noise, 2, delta, lower) for lower in (True, False))
    assert of_two_steps(noise, high) <= delta <= of_two_steps(noise, low) * (1 + 1e-9)
    assert low <= high <= allocation.unhidden(noise, delta)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 1.0), st.sampled_from([2, 3, 7, 10, 100, 1_000]), st.floats(0.5, 60))
def test_never_below_what_the_largest_alone_tells_and_never_above_a_known_step(noise, steps, epsilon):
    """W is at least its largest part over t, whose law is known: E(max/t − e^ε)₊, over the largest's outputs."""
    start = noise * (math.log(steps) + epsilon) + 0.5 / noise
    z = np.linspace(start, start + 1 / noise + 14, 200_001)
    tail = -np.expm1(steps * log_ndtr(z))
    least = float(np.trapezoid(np.exp(z / noise - 0.5 / noise**2) * tail, z)) / noise / steps
    told = allocation.delta(noise, steps, epsilon)
    assert least * (1 - 1e-6) <= told <= min(float(gaussian_delta(1 / noise, epsilon)) * (1 + 1e-8), 1.0)


@pytest.mark.parametrize(
    ("noise", "steps", "epsilon"), [(1.0, 100, 0.44), (0.5, 7, 3.0), (0.2, 1_000, 30.0), (1.0, 10, 6.0)]
)
def test_transforms_cost_no_more_than_is_added(monkeypatch, noise, steps, epsilon):
    """The same sums without a Fourier transform, every product of two chances by itself."""
    told = [allocation.delta(noise, steps, epsilon, lower) for lower in (True, False)]
    monkeypatch.setattr(allocation, "_products", lambda one, others: np.stack(
        [np.convolve(others[0] if one is None else one, other)[: allocation.GRID] for other in others]))  # fmt: skip
    allocation._delta.cache_clear()
    plain = [allocation.delta(noise, steps, epsilon, lower) for lower in (True, False)]
    allocation._delta.cache_clear()
    assert told == pytest.approx(plain, rel=1e-11, abs=1e-13)
