"""The least noise that meets a target: the search behind `accounting.calibrate`.

Not for direct use: nothing here checks its arguments.
"""

import math
from functools import cache, lru_cache

from . import accountants, gaussians, mechanisms


@lru_cache(maxsize=4096)
def calibrate(mechanism, target, delta, rounds, rate):
    """Return the least noise (σ, or 1/ε of one round) that meets the target, to 0.1% of ε from below.

    Args:
        mechanism: "laplace" or "gaussian".
        target: total ε, positive and finite.
        delta, rounds, rate: as in `epsilon`; δ less than what a run without noise has.
    """
    if delta == 0:
        each = target / rounds
        return 1 / (each - math.log(rate) if each > 300 else math.log1p(math.expm1(each) / rate))
    if mechanism == "gaussian" and rate == 1:
        low, high = math.log(1e-12), math.log(1e12)  # of μ of the whole run
        for _ in range(100):
            middle = (low + high) / 2
            met = gaussians.gaussian_holds(math.exp(middle), target, math.log(delta))
            low, high = (middle, high) if met else (low, middle)
        return math.exp(-low) * math.sqrt(rounds) * (1 + 1e-11)

    @cache
    def spent(log_noise, size):
        noise = math.exp(log_noise)
        built = mechanisms.Laplace(1 / noise, 1.0) if mechanism == "laplace" else mechanisms.Gaussian(noise, 1.0)
        parts = ((built, rate, rounds),)
        return (
            accountants.tightest(parts, delta)[0]
            if size is None
            else min(accountants.composed_epsilon(parts, delta, size), accountants.pure(parts))
        )

    # Search on a coarse grid, whose ε is a little too large, and learn from each try by how much.
    log_noise, ratio = math.log(math.sqrt(rounds) / target + 1), 1.0
    for _ in range(2):
        log_noise = _search(lambda x: spent(x, 2**13), target / ratio, log_noise, 2e-4, 0.1)
        found = spent(log_noise, None)
        if 0.9991 * target <= found <= target:
            break
        aim = 1.0 if found < 0.999 * target else 1 - 2e-4
        ratio = found / spent(log_noise, 2**13) / aim if found > 0 else ratio
    else:
        log_noise = _search(lambda x: spent(x, None), target, log_noise, 9e-4, 3e-4)
    return math.exp(log_noise)


def _search(spent, target, start, tolerance, stride):
    """ln of noise whose cost is at most `target`, and by a share of at most `tolerance` less, if steps suffice."""
    high, step = start, stride
    while spent(high) > target:
        high, step = high + step, step * 4
    low, step = high, stride
    while spent(low) <= target and (low == high or spent(high) < target * (1 - tolerance)) and low > -600:
        low, high, step = low - step, low, step * 4
    for count in range(10):
        left, right = spent(low), spent(high)
        if right >= target * (1 - tolerance) or high - low < 1e-11:
            break
        share = 0.5
        if count % 3 < 2 and right > 0 and left < math.inf:  # costs are nearly straight on logarithmic scales
            share = (math.log(left) - math.log(target) + tolerance / 2) / (math.log(left) - math.log(right))
        middle = low + min(max(share, 0.02), 0.98) * (high - low)
        low, high = (low, middle) if spent(middle) <= target else (middle, high)
    return high
