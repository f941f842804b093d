"""What floating point gives away: a textbook's Laplace sampler, and who can tell its outputs apart for certain."""

import numpy as np

from .. import checks


def naive_laplace(centre, scale, runs, seed):
    """Draw Laplace noise around `centre` as textbooks do it: scale · (−ln u), u a multiple of 2⁻⁵³, with a random sign.

    Every step is right for real numbers and leaks in floating point: for teaching only. Arguments and result (runs,) are
    float64. Derived in: notebook 16.

    Args:
        centre: what the noise is added to.
        scale: positive.
        runs: number of draws, at least 1.
        seed: of the draws.
    """
    centre, scale = checks.real("centre", centre), checks.real("scale", scale, above=0)
    runs = checks.whole("runs", runs, at_least=1, at_most=2**40)
    rng = np.random.default_rng(checks.whole("seed", seed, at_least=0))
    u = 1 - rng.random(runs)  # in (0, 1]
    return centre + np.where(rng.random(runs) < 0.5, -scale, scale) * -np.log(u)


def reachable(outputs, centre, scale, window=4):
    """Return whether `naive_laplace` around `centre` could have drawn each output: whether any u gives exactly that number.

    Args:
        outputs: (runs,), float64.
        centre, scale: of the sampler.
        window: candidates of u tried on each side of the nearest one, at least 1.

    Returns:
        Booleans (runs,). False means impossible, up to outputs so near to the centre that several roundings fall together.

    Derived in: notebook 16.
    Source: Mironov 2012.
    """
    window = checks.whole("window", window, at_least=1)
    centre, scale = checks.real("centre", centre), checks.real("scale", scale, above=0)
    outputs = checks.finite("outputs", checks.tensor("outputs", outputs, ("runs",), "double")).numpy()
    distance = outputs - centre
    nearest = np.round(np.exp(-np.abs(distance) / scale) * 2**53)
    found = np.zeros(outputs.shape, dtype=bool)
    for step in range(-window, window + 1):
        u = np.clip(nearest + step, 1, 2**53) * 2.0**-53
        found |= centre + np.where(distance < 0, -scale, scale) * -np.log(u) == outputs
    return found
