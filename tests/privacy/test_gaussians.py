"""One Gaussian's curve in plain numbers is the one for arrays, and dp_accounting's."""

import math

import mpmath
import numpy as np
import pytest
from dp_accounting.pld import privacy_loss_mechanism
from hypothesis import example, given, settings
from hypothesis import strategies as some
from scipy import optimize
from scipy.special import log_ndtr

from fldp_lib.privacy import gaussians, losses, mechanisms

MU, DELTA = some.floats(1e-3, 30.0), some.floats(1e-12, 0.3)


@given(MU, DELTA)
def test_one_is_as_many(mu, delta):
    (many,) = gaussians.gaussian_epsilon(np.array([mu]), delta)
    assert gaussians.gaussian_epsilon(mu, delta) == pytest.approx(float(many), rel=1e-9, abs=1e-12)


@given(MU, some.floats(0.0, 50.0), DELTA)
def test_holds_is_the_curve(mu, epsilon, delta):
    curve = float(gaussians.log_gaussian_delta(mu, epsilon))
    if abs(curve - math.log(delta)) > 1e-9:
        assert gaussians.gaussian_holds(mu, epsilon, math.log(delta)) == (curve <= math.log(delta))


@pytest.mark.parametrize("mu", [0.05, 0.5, 2.0, 8.0])
@pytest.mark.parametrize("delta", [1e-9, 1e-5, 0.01])
def test_epsilon_is_dp_accountings(mu, delta):
    theirs = privacy_loss_mechanism.GaussianPrivacyLoss(1 / mu).get_delta_for_epsilon
    epsilon = gaussians.gaussian_epsilon(mu, delta)
    assert (epsilon == 0 and theirs(0.0) <= delta) or theirs(epsilon) == pytest.approx(delta, rel=1e-6)


def exact_log_delta(mu, epsilon):
    """ln δ(ε) by the formula, in so many digits that nothing is lost: Φ is erfc's."""
    with mpmath.workdps(60 + max(0, int(-2 * math.log10(mu)))):
        mu, epsilon = mpmath.mpf(mu), mpmath.mpf(epsilon)
        first, second = mpmath.ncdf(mu / 2 - epsilon / mu), mpmath.ncdf(-mu / 2 - epsilon / mu)
        return mpmath.log(first - mpmath.exp(epsilon) * second)


@settings(max_examples=400, deadline=None)
@given(some.floats(-15, 3), some.floats(-2.5, 2.45), some.booleans())
@example(-13.0, 2.0, False)
@example(-10.0, 1.0, False)
def test_epsilon_is_never_too_small(log_mu, log_log_delta, near):
    mu, delta = 10**log_mu, 10 ** -(10**log_log_delta) * (min(10**log_mu, 1.0) if near else 1.0)
    epsilon = gaussians.gaussian_epsilon(mu, max(delta, 1e-300))
    goal = mpmath.log(max(delta, 1e-300))
    if epsilon:
        assert exact_log_delta(mu, epsilon) <= goal
    else:
        assert mpmath.log(mpmath.erf(mpmath.mpf(mu) / mpmath.sqrt(8))) <= goal


@given(MU, DELTA)
def test_epsilon_is_hardly_too_large(mu, delta):
    epsilon = gaussians.gaussian_epsilon(mu, delta)
    assert epsilon == 0 or exact_log_delta(mu, epsilon * (1 - 1e-8)) >= mpmath.log(delta) or epsilon < 1e-6 * mu


@pytest.mark.parametrize("mu", [math.inf, 1e200])
def test_no_noise_holds_nothing(mu):
    assert gaussians.gaussian_epsilon(mu, 1e-5) == math.inf


@given(some.floats(-1e6, 40.0))
def test_log_of_the_normal_law_is_scipys(x):
    assert gaussians._log_ndtr(x) == pytest.approx(float(log_ndtr(x)), rel=1e-13, abs=1e-15)


@given(some.sampled_from([mechanisms.Gaussian(2.0, 1.0), mechanisms.Laplace(0.3, 1.0)]), some.booleans(), DELTA)
def test_the_search_ends_where_brents_does_and_never_below(mechanism, add, delta):
    law = losses.Composed([(mechanism, 0.1, 20)], add, delta=delta)
    epsilon = law.epsilon(delta)
    assert law.delta(epsilon) <= delta
    if epsilon:
        theirs = optimize.brentq(lambda e: math.log(max(law.delta(e), 1e-320) / delta), 0.0, 1.1 * epsilon, rtol=1e-12)
        assert epsilon == pytest.approx(theirs, rel=2e-10)
