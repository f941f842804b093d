"""One Gaussian's exact curve: δ at ε and ε at δ, for one μ or many. Not for direct use: nothing here is checked."""

import math

import numpy as np


def gaussian_delta(mu, epsilon):
    """Return δ(ε) of one Gaussian of sensitivity 1 and deviation 1/μ, exactly (Balle & Wang 2018); arrays broadcast.

    Args:
        mu: sensitivity over deviation, positive.
        epsilon: ε at least 0.
    """
    return np.exp(log_gaussian_delta(mu, epsilon))


def log_gaussian_delta(mu, epsilon):
    """Return ln of the same."""
    from scipy.special import log_ndtr

    inside = log_ndtr(mu / 2 - epsilon / mu)
    with np.errstate(divide="ignore"):
        return inside + np.log(-np.expm1(np.minimum(epsilon + log_ndtr(-mu / 2 - epsilon / mu) - inside, 0.0)))


def gaussian_epsilon(mu, delta):
    """Return ε at δ of Gaussians of parameter μ (…), by bisection of the exact δ(ε): the upper end, never too small."""
    if np.ndim(mu) == 0:
        return _one_gaussian_epsilon(float(mu), delta)
    mu = np.asarray(mu, dtype=float)
    low, high = np.zeros_like(mu), mu**2 / 2 + mu * math.sqrt(2 * math.log(1 / delta))  # zCDP's ε: enough
    for _ in range(60):
        middle = (low + high) / 2
        enough = log_gaussian_delta(mu, middle) <= math.log(delta)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(log_gaussian_delta(mu, np.zeros_like(mu)) <= math.log(delta), 0.0, high * (1 + 1e-12))


def _one_gaussian_epsilon(mu, delta):
    """The same for one μ, to the last bit, in plain numbers: a tenth of the time."""
    from scipy.special import log_ndtr

    goal, low, high = math.log(delta), 0.0, mu * mu / 2 + mu * math.sqrt(2 * math.log(1 / delta))
    if gaussian_holds(mu, 0.0, goal, log_ndtr):
        return 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if gaussian_holds(mu, middle, goal, log_ndtr) else (middle, high)
    return high * (1 + 1e-12)


def gaussian_holds(mu, epsilon, log_delta, log_ndtr=None):
    """Whether one Gaussian of parameter μ is (ε, δ)-private, for plain numbers; see `gaussian_delta`."""
    log_ndtr = log_ndtr or _log_ndtr
    inside = float(log_ndtr(mu / 2 - epsilon / mu))
    rest = -math.expm1(min(epsilon + float(log_ndtr(-mu / 2 - epsilon / mu)) - inside, 0.0))
    return rest <= 0 or inside + math.log(rest) <= log_delta


def _log_ndtr(x):
    """ln Φ(x) as scipy's `log_ndtr`, slow to load: by the C library's erfc, and where that has no digits left by the
    asymptotic series (Abramowitz & Stegun 1964, 26.2.12), whose first term left out is below 1e-14 there."""
    if x > -37:
        return math.log(math.erfc(-x / math.sqrt(2)) / 2)
    y = 1 / (x * x)
    series = -y * (1 - 3 * y * (1 - 5 * y * (1 - 7 * y * (1 - 9 * y))))
    return -x * x / 2 - math.log(-x * math.sqrt(2 * math.pi)) + math.log1p(series)
