"""The explorers' guesser on a coarser grid bounds the same attacker from above, as closely as it says."""

import pytest

from fldp_lib import mechanisms
from fldp_lib.course.exhibits import _prices
from fldp_lib.privacy import attacker

RUNS = [
    (mechanisms.Laplace(epsilon, 1.0), rounds, rate)
    for epsilon in (0.01, 0.3, 1.0, 5.0)
    for rounds, rate in ((1, 1), (40, 1), (7, 0.2))
]
RUNS += [
    (mechanisms.RandomisedResponse(1.0, 8), 3, 1),
    (mechanisms.Gaussian(0.7, 1.0), 20, 0.1),
    (mechanisms.Gaussian(2.0, 1.0), 20, 1),
]


@pytest.mark.parametrize(("mechanism", "rounds", "rate"), RUNS, ids=repr)
def test_the_coarse_guesser_is_a_close_bound(mechanism, rounds, rate):
    fine, coarse = attacker.of(mechanism, rounds, rate, delta=0.0), _prices.guesser(mechanism, rounds, rate)
    for name in ("even_odds", "tpr"):
        found, bound = getattr(fine, name), getattr(coarse, name)
        assert found - 1e-6 <= bound <= found + 3e-4
    assert coarse.bound == pytest.approx(fine.bound)
