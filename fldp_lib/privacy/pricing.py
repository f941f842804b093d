"""What all of `accounting` shares: arguments checked, a mechanism as it is priced, the bound that (ε, δ) alone gives."""

import math
from dataclasses import replace

from .. import checks
from . import integers, mechanisms


def terms(mechanism, rounds, sampling_rate, delta, least=0):
    """Number of rounds, rate and δ as plain Python numbers, all checked."""
    rounds = checks.whole("rounds", rounds, at_least=least)
    rate = checks.real("sampling_rate", sampling_rate, above=0, at_most=1)
    delta = checks.real("delta", delta, at_least=0, below=1)
    _check_mechanism(mechanism)
    return rounds, rate, delta


def priced(mechanism, rate):
    """The mechanism and the rate as they are priced: whatever the clip, and without amplification where reports are seen."""
    if mechanism.at == "client" and mechanism.unit == "client":
        rate = 1.0
    if isinstance(mechanism, integers.Skellam):  # at least as hard to see through
        mechanism = mechanisms.Gaussian(mechanism.noise_multiplier, 1.0)
    elif not isinstance(mechanism, mechanisms.RandomisedResponse):
        mechanism = replace(mechanism, clip=1.0, at="server", unit="client")
    return mechanism, rate


def _check_mechanism(mechanism):
    known = (mechanisms.Laplace, mechanisms.Gaussian, mechanisms.RandomisedResponse, type(None))
    if not isinstance(mechanism, known):
        given = f"{mechanism!r} ({type(mechanism).__name__})"
        raise TypeError(f"mechanism must be a Laplace, Gaussian or RandomisedResponse, or None; got {given}")


def rounded_up(value, digits=3):
    """Return a positive number as text with so many digits that is never below it: an ε must not be told smaller."""
    value = checks.real("value", value, at_least=0, infinite=True)
    digits = checks.whole("digits", digits, at_least=1, at_most=17)
    if not 0 < value < math.inf:
        return f"{value:g}"
    step = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
    return f"{math.ceil(value / step - 1e-9) * step:.{digits}g}"


def best_guess(epsilon, delta=0.0):
    """Return a bound, over all mechanisms with this (ε, δ), of how often a guess whether one unit is in can be right.

    At even odds (in or out by a fair coin) nobody is right more often than (e^ε + δ)/(1 + e^ε), whatever the algorithm, as
    long as it is (ε, δ)-private. One release by randomised response attains it; Gaussian and Laplace noise, sampled and
    composed, stay far below: `attacker.of` computes what can be done against one run.

    Args:
        epsilon: at least 0; infinity is allowed.
        delta: in [0, 1).

    Returns:
        A probability in [0.5, 1].

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 02.
    Source: Wasserman & Zhou 2010; Kairouz, Oh & Viswanath 2015.
    """
    epsilon = checks.real("epsilon", epsilon, at_least=0, infinite=True)
    delta = checks.real("delta", delta, at_least=0, below=1)
    without = math.exp(-epsilon)  # no overflow for a large ε
    return (1 + delta * without) / (1 + without)
