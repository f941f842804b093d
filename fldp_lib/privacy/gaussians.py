"""One Gaussian's exact curve: δ at ε and ε at δ, for one μ or many. Not for direct use: nothing here is checked."""

import math

import numpy as np

ROUNDING = 6e-16  # relative error of one operation, with room


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
    """Return ε at δ of Gaussians of parameter μ (…), the root of the exact δ(ε), from above: never too small.

    Whatever rounding may cost is added to δ. ε is too large by less than 1e-9 of itself for μ of 1e-3 and more, by up to
    1e-3 for μ of 1e-9; below, by more and more.
    """
    if np.ndim(mu) == 0:
        return _one_gaussian_epsilon(float(mu), delta)
    mu = np.asarray(mu, dtype=float)
    return np.array([_one_gaussian_epsilon(one, delta) for one in mu.ravel().tolist()]).reshape(mu.shape)


def _one_gaussian_epsilon(mu, delta):
    """The same for one μ, by Newton's method on ln δ(ε), kept between what is too little and what is enough.

    ln δ(ε) falls and is concave, so that each step from zCDP's ε lands at or above the root. In plain numbers: scipy's
    `log_ndtr` takes longer to load than a notebook's first picture may.
    """
    goal, low, high = math.log(delta), 0.0, mu * mu / 2 + mu * math.sqrt(2 * math.log(1 / delta))  # zCDP's ε: enough
    if gaussian_holds(mu, 0.0, goal):
        return 0.0
    if not math.isfinite(high):
        return math.inf
    epsilon = high
    for _ in range(100):
        told, rest, ahead = _parts(mu, epsilon)
        excess = told - goal
        low, high = (low, epsilon) if excess <= 0 else (epsilon, high)
        step = excess * rest * math.exp(ahead)
        last, epsilon = epsilon, epsilon + step
        if abs(step) <= 1e-14 * last or high - low <= 1e-15 * high:
            break
        if not low < epsilon < high:
            epsilon = (low + high) / 2
    found, margin = min(max(epsilon, low), high), 1e-12
    while not gaussian_holds(mu, found * (1 + margin), goal):  # rounding, where ln δ is flat
        margin *= 2
    return found * (1 + margin)


def gaussian_holds(mu, epsilon, log_delta):
    """Whether one Gaussian of parameter μ is (ε, δ)-private, for plain numbers; see `gaussian_delta`. Never yes in error."""
    if not epsilon:
        exact = math.erf(mu / math.sqrt(8))
        return not exact or math.log(exact) + ROUNDING <= log_delta
    return _parts(mu, epsilon)[0] <= log_delta


def _parts(mu, epsilon):
    """ln δ(ε), from above; what Φ's factor in it is; and how far its two logarithms lie apart.

    Of a difference of logarithms of about x²/2 each, x² rounding errors are lost: so many are added.
    """
    edge = mu / 2 + epsilon / mu
    inside = _log_ndtr(mu / 2 - epsilon / mu)
    ahead, lost = inside - (epsilon + _log_ndtr(-edge)), ROUNDING * (1 + edge * edge)
    rest = lost - math.expm1(min(-ahead, 0.0))
    return inside + math.log(rest) + lost, rest, ahead


def _log_ndtr(x):
    """ln Φ(x) as scipy's `log_ndtr`, slow to load: by the C library's erfc, and where that has no digits left by the
    asymptotic series (Abramowitz & Stegun 1964, 26.2.12), whose first term left out is below 1e-14 there."""
    if x > -37:
        return math.log(math.erfc(-x / math.sqrt(2)) / 2)
    y = 1 / (x * x)
    series = -y * (1 - 3 * y * (1 - 5 * y * (1 - 7 * y * (1 - 9 * y))))
    return -x * x / 2 - math.log(-x * math.sqrt(2 * math.pi)) + math.log1p(series)
