"""Claims of notebook 07b on fresh seeds: sampled runs priced by simulation, coins that are seen, shuffled batches."""

import math

import numpy as np

from tests.replication.claims import claim, seeds
from tests.replication.nb07 import _gaussian, _laplace, _priced


@claim("07b", "A hidden 10% sample brings 100 Laplace rounds at ε = 1 from 68.25 down to 4.15")
def a_sample_of_laplace_rounds(block):
    return _priced(block, _laplace, 4.15, rate=0.1, runs=20_000)


@claim("07b", "39.4 instead of 37.3 (in units of C/N)")
def a_tenth_needs_about_the_same_noise(block):
    every, all_right = _priced(block, _gaussian(37.3), 1.0, reach=400.0)
    tenth, tenth_right = _priced(block, _gaussian(3.94), 1.0, rate=0.1, reach=45.0)
    return {"δ, every client": every["δ"], "δ, a tenth": tenth["δ"]}, all_right and tenth_right


@claim("07b", "at 1% the multiplier is 0.902 and the noise in the average 90.2")
def one_per_cent(block):
    return _priced(block, _gaussian(0.902), 1.0, rate=0.01, reach=12.0, runs=20_000)


@claim("07b", "is right 0.52 of the time; in a round of which it is known that the client's coin said *in*, 0.70")
def a_coin_that_is_seen_hides_nothing(block):
    rng = np.random.default_rng(seeds(block, 1)[0])
    member, coin, noise = rng.random(400_000) < 0.5, rng.random(400_000) < 0.1, rng.laplace(0, 1, 400_000)
    right = ((member & coin) + noise > 0.5) == member
    hidden, seen = right.mean(), right[coin].mean()
    return {"hidden": hidden, "seen": seen}, abs(hidden - 0.52) < 0.005 and abs(seen - 0.70) < 0.01


@claim("07b", "the formula for Poisson samples charges 2.85, and the true ε is between 4.34 and 4.38")
def shuffled_batches_break_poissons_price(block):
    """δ at ε = 2.85 and at 4.30 by one event, the largest of ten batch sums beyond a threshold; sums drawn near it."""
    rng, threshold = np.random.default_rng(seeds(block, 1)[0]), 5.85
    near = rng.normal(threshold, 1, 400_000)

    def beyond(mean):  # Pr[N(mean, 1) > threshold]
        return (np.exp((near - threshold) ** 2 / 2 - (near - mean) ** 2 / 2) * (near > threshold)).mean()

    inside, outside = beyond(2.0), beyond(1.0) + 9 * beyond(0.0)
    found = {f"δ at {e}": inside - math.exp(e) * outside for e in (2.85, 4.30)}
    return found, found["δ at 2.85"] > 3e-5 and found["δ at 4.3"] > 1e-5
