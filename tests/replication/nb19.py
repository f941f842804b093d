"""Claims of notebook 19 on fresh seeds."""

import numpy as np
from scipy import stats

from fldp_lib import accounting, mechanisms
from fldp_lib.privacy import attacker
from tests.replication.claims import claim, seeds


def remainder(digits):
    return np.asarray(digits) @ np.arange(10, 0, -1) % 11


@claim("19", "a share of 0.09 of random numbers would have passed")
def one_random_isbn_in_eleven_passes(block):
    rng = np.random.default_rng(seeds(block, 1))
    share = (remainder(rng.integers(0, [10] * 9 + [11], (200_000, 10))) == 0).mean()
    return {"share": share}, abs(share - 0.09) < 0.005


@claim("19", "Every single wrong character in the valid one, every exchange of two neighbours")
def no_single_slip_passes_the_check_digit(block):
    rng = np.random.default_rng(seeds(block, 1))
    passed = 0
    for _ in range(50):
        digits = rng.integers(0, 10, 10)
        digits[9] = -remainder([*digits[:9], 0]) % 11
        for place in range(10):
            for value in range(11 if place == 9 else 10):
                wrong = [*digits[:place], value, *digits[place + 1 :]]
                passed += value != digits[place] and remainder(wrong) == 0
        for place in range(9):
            turned = digits.copy()
            turned[[place, place + 1]] = digits[[place + 1, place]]
            passed += bool((turned != digits).any()) and remainder(turned) == 0
    return {"slips that pass": passed}, passed == 0


@claim("19", "They are what the package computes with")
def the_formulas_are_the_package_s(block):
    rng = np.random.default_rng(seeds(block, 1))
    off = 0.0
    for _ in range(10):
        epsilon, sigma, q = rng.uniform(0.1, 2), rng.uniform(0.5, 4), rng.uniform(0.05, 1)
        rounds, delta = int(rng.integers(2, 200)), 10 ** rng.uniform(-7, -3)
        a, b = 0.5 / sigma - epsilon * sigma, -0.5 / sigma - epsilon * sigma
        laplace, gaussian = mechanisms.Laplace(epsilon, clip=1.0), mechanisms.Gaussian(sigma, clip=1.0)
        drift = rounds * epsilon * np.expm1(epsilon)
        pairs = (
            (stats.norm.cdf(a) - np.exp(epsilon) * stats.norm.cdf(b), accounting.delta_of(gaussian, epsilon)),
            ((np.exp(epsilon) + delta) / (1 + np.exp(epsilon)), accounting.best_guess(epsilon, delta)),
            (rounds * np.log1p(q * np.expm1(epsilon)), accounting.epsilon(laplace, rounds, q, 0.0)),
            (np.sqrt(2 * rounds * np.log(1 / delta)) * epsilon + drift,
             accounting.epsilon(laplace, rounds, 1.0, delta, "advanced")),
        )  # fmt: skip
        off = max(off, *(abs(ours / theirs - 1) for ours, theirs in pairs if theirs > 1e-9))
    return {"largest relative difference": off}, off < 1e-6


@claim("19", "no mechanism with ε = 1, δ = 0 lets anybody guess better than 0.731")
def no_mechanism_passes_the_bound(block):
    rng = np.random.default_rng(seeds(block, 1))
    found = []
    for _ in range(5):
        delta, rounds = 10 ** rng.uniform(-7, -4), int(rng.integers(1, 20))
        gaussian = accounting.calibrate("gaussian", epsilon=1.0, delta=delta, rounds=rounds)
        found.append(attacker.of(gaussian, rounds, delta=delta).even_odds - delta)  # its bound is ε's and at most δ
        found.append(attacker.of(mechanisms.Laplace(1.0 / rounds, clip=1.0), rounds, delta=0.0).even_odds)
        found.append(attacker.of(mechanisms.RandomisedResponse(1.0), delta=0.0).even_odds)
    return {"least": min(found), "most": max(found)}, max(found) < 0.7315


@claim("19", "*ε* to 4, with *q* 1: advanced composition is then worse than adding up")
def advanced_composition_is_worse_for_a_large_epsilon(block):
    rng = np.random.default_rng(seeds(block, 1))
    rounds, deltas = rng.integers(1, 1_000, 20), 10 ** rng.uniform(-8, -1, 20)
    excess = np.sqrt(2 * rounds * np.log(1 / deltas)) * 4 + rounds * 4 * np.expm1(4.0) - 4 * rounds
    return {"least excess": float(excess.min())}, bool(excess.min() > 0)
