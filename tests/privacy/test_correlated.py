"""correlated: sensitivities against all patterns, strategies against jax_privacy, the stream against dense algebra."""

import gc
import itertools
import math

import dp_accounting
import numpy as np
import pytest
import torch
from conftest import generator, refuses
from dp_accounting.pld import privacy_loss_mechanism
from scipy import linalg, special

from fldp_lib import accounting
from fldp_lib.privacy import participation, strategies
from fldp_lib.privacy.correlated import Correlated, Stream

WIDE = ("banded", "optimised")


def made(name, rounds, band):
    return strategies.strategy(name, rounds, band if name in WIDE else None)


def patterns(rounds, separation, participations):
    """All sets of rounds in which a client may take part: at most so many, each `separation` after the last at least."""
    for count in range(1, participations + 1):
        for chosen in itertools.combinations(range(rounds), count):
            if all(after - before >= separation for before, after in itertools.pairwise(chosen)):
                yield chosen


def by_brute_force(matrix, chosen_of):
    """What one client can move, over all patterns: (attained by equal contributions, at most whatever they are)."""
    gram = matrix.T @ matrix
    parts = [gram[np.ix_(chosen, chosen)] for chosen in chosen_of]
    return math.sqrt(max(part.sum() for part in parts)), math.sqrt(max(np.abs(part).sum() for part in parts))


def lower(rng, rounds, band, negative):
    """A random banded matrix, columns of any norm."""
    matrix = np.tril(rng.uniform(-1 if negative else 0, 1, (rounds, rounds)))
    return matrix * (np.subtract.outer(range(rounds), range(rounds)) < band)


# Sensitivity -----------------------------------------------------------------------------------------------------------


def test_the_closed_form_of_a_band_is_brute_force_over_all_patterns():
    """200 random bands, participations, separations and sizes. Columns do not overlap, so that signs do not matter."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        rounds, separation = int(rng.integers(1, 12)), int(rng.integers(1, 6))
        band, most = int(rng.integers(1, separation + 1)), int(rng.integers(1, 5))
        matrix = lower(rng, rounds, band, negative=True)
        found = participation.banded(np.linalg.norm(matrix, axis=0), separation, most)
        assert by_brute_force(matrix, patterns(rounds, separation, most)) == pytest.approx((found,) * 2, rel=1e-12)


def test_the_closed_form_of_a_falling_toeplitz_matrix_is_brute_force_over_all_patterns():
    """200 random coefficients, participations, separations and sizes, bands beyond the separation among them."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        rounds, separation = int(rng.integers(1, 12)), int(rng.integers(1, 6))
        coefficients = np.sort(rng.uniform(0, 1, int(rng.integers(1, rounds + 1))))[::-1].copy()
        most = int(rng.integers(1, 5))
        column = np.zeros(rounds)
        column[: len(coefficients)] = coefficients
        matrix = linalg.toeplitz(column, np.zeros(rounds))
        found = participation.toeplitz(coefficients, rounds, separation, most)
        assert by_brute_force(matrix, patterns(rounds, separation, most)) == pytest.approx((found,) * 2, rel=1e-12)


def test_contributions_in_any_direction_move_no_more():
    """A search over 300 contributions in three dimensions stays below; the all-equal one reaches the value."""
    rng = np.random.default_rng(2)
    matrix = made("sqrt", 9, None).matrix()
    found = participation.toeplitz(matrix[:, 0], 9, 2)
    for _ in range(300):
        chosen = [0, 2, 4, 6, 8]
        ways = rng.normal(size=(5, 3))
        moved = matrix[:, chosen] @ (ways / np.linalg.norm(ways, axis=1, keepdims=True))
        assert np.linalg.norm(moved) <= found
    assert np.linalg.norm(matrix[:, chosen] @ np.ones((5, 1))) == pytest.approx(found)


@pytest.mark.parametrize("name", strategies.STRATEGIES)
@pytest.mark.parametrize(("rounds", "groups"), [(1, 1), (5, 1), (7, 3), (12, 4), (13, 5), (6, 9)])
def test_a_plans_sensitivity_is_brute_force_over_the_groups_for_every_first_rounds(name, rounds, groups):
    strategy = made(name, rounds, groups)
    found = participation.cyclic(strategy, groups)
    for first in range(1, rounds + 1):
        matrix = strategy.matrix()[:first, :first]
        turns = [range(group, first, groups) for group in range(min(groups, first))]
        assert by_brute_force(matrix, turns) == pytest.approx((found[first - 1],) * 2, rel=1e-12)
    if name != "tree":  # nobody who only keeps the distance does more
        assert by_brute_force(strategy.matrix(), patterns(rounds, groups, rounds)) == pytest.approx((found[-1],) * 2)


def test_coming_back_sooner_moves_more():
    """That brute force can tell: a band of 4 priced for a separation of 4, and a client that is back after 2 rounds."""
    strategy = made("banded", 12, 4)
    sooner = by_brute_force(strategy.matrix(), patterns(12, 2, 6))[0]
    assert sooner > 1.5 * strategy.sensitivity(4)
    assert participation.banded(np.linalg.norm(strategy.matrix(), axis=0), 2) < sooner  # whose formula no longer holds


# Strategies ------------------------------------------------------------------------------------------------------------


def test_a_negative_coefficient_is_refused():
    """Its sensitivity would be understated: visits 2 apart, u = (1, −1) moves more than equal directions do."""
    column = np.array([1.0, 0.3, -0.5, 0.0])
    matrix = linalg.toeplitz(column, np.zeros(4))
    assert np.linalg.norm(matrix[:, [0, 2]] @ [1, -1]) > np.linalg.norm(matrix[:, [0, 2]].sum(1)) + 0.1
    for wrong in (column, [1.0, math.nan], [1.0, -1e-9]):
        refuses(lambda c=wrong: strategies.Strategy(c, 4), ValueError, "coefficients", "negative")
    for rounds in (1, 20, 50, 200):  # what the search finds has none
        for band in {1, 2, rounds // 10 + 1, rounds // 2 + 1, rounds}:
            assert strategies.strategy("optimised", rounds, min(band, rounds)).coefficients.min() >= 0


def test_the_square_root_is_one():
    matrix = made("sqrt", 50, None).matrix()
    np.testing.assert_allclose(matrix @ matrix, np.tri(50), atol=1e-12)
    np.testing.assert_allclose(matrix[:, 0], np.abs(special.binom(-0.5, np.arange(50))), rtol=1e-12)


def test_the_tree_holds_the_sums_that_binary_numbers_name():
    matrix = made("tree", 13, None).matrix()
    for end in range(1, 14):
        length = next(2**m for m in range(5, -1, -1) if end % 2**m == 0)
        np.testing.assert_array_equal(np.flatnonzero(matrix[end - 1]), np.arange(end - length, end))
    sums = np.tri(13) @ made("tree", 13, None).inverse()  # a sum of 13 rounds is one of 8, 4 and 1
    assert [int((row**2).sum().round()) for row in sums] == [bin(end).count("1") for end in range(1, 14)]


@pytest.mark.parametrize("name", strategies.STRATEGIES)
@pytest.mark.parametrize(("rounds", "band"), [(1, 1), (7, 3), (40, 8), (5, 9)])
def test_a_strategy_is_lower_triangular_without_negative_entries_and_its_errors_are_dense_algebra(name, rounds, band):
    strategy = made(name, rounds, band)
    matrix = strategy.matrix()
    assert (matrix >= 0).all() and (np.triu(matrix, 1) == 0).all() and (np.diag(matrix) > 0).all()
    assert (np.tril(matrix, -strategy.band) == 0).all()
    inverse = np.linalg.inv(matrix)
    np.testing.assert_allclose(strategy.inverse(), inverse, atol=1e-9)
    np.testing.assert_allclose(strategy.deviations, np.linalg.norm(inverse, axis=1), rtol=1e-9)
    expected = (np.tri(rounds) @ inverse) ** 2
    np.testing.assert_allclose(strategy.errors(2), strategy.sensitivity(2) ** 2 * expected.sum(1), rtol=1e-9)


# jax_privacy 2.0.0, toeplitz.per_query_error × minsep_sensitivity_squared, and banded.per_query_error of
# optimize_banded_toeplitz with columns of norm 1: (rounds, band = separation) → mean and largest, of each strategy.
PUBLISHED = {
    (64, 8): {"sqrt": (104.3799, 119.8147), "banded": (59.1624, 103.0377), "optimised": (56.325, 88.0258)},
    (100, 20): {"sqrt": (51.5376, 58.7613), "banded": (33.5598, 53.4498), "optimised": (32.4302, 45.5706)},
    (200, 20): {"sqrt": (191.6021, 216.3173), "banded": (107.2478, 187.055), "optimised": (98.9216, 152.8363)},
    (1000, 50): {"sqrt": (857.9166, 950.3022), "banded": (440.0857, 804.4574), "optimised": (368.6234, 600.4015)},
}


@pytest.mark.parametrize("size", PUBLISHED)
def test_the_errors_are_jax_privacys(size):
    for name, expected in PUBLISHED[size].items():
        errors = made(name, *size).errors(size[1])
        assert (errors.mean(), errors.max()) == pytest.approx(expected, rel=1e-4)


def test_the_largest_error_of_the_square_root_is_landaus_constant():
    """Watson 1930: Σ c_k² over n coefficients is (ln n + γ + 4·ln 2)/π + o(1); the largest error is its square."""
    found = math.sqrt(made("sqrt", 1000, None).errors(1000).max())
    assert found == pytest.approx((math.log(1000) + np.euler_gamma + 4 * math.log(2)) / math.pi, rel=1e-3)


def test_no_strategy_beats_the_nuclear_norm():
    """Mean error ≥ (‖A‖_*/rounds)² for one participation (Henzinger et al. 2023); the best lies within a tenth."""
    least = (np.linalg.norm(np.tri(100), "nuc") / 100) ** 2
    errors = {name: made(name, 100, 100).errors(100).mean() for name in strategies.STRATEGIES}
    assert min(errors.values()) > least
    assert errors["optimised"] < 1.1 * least
    assert max(errors, key=errors.get) == "independent"


def test_the_band_is_optimal_among_toeplitz_matrices():
    """Any other coefficients, in 50 random directions, do worse; by an objective from dense matrices."""
    found, rng = strategies.optimised(30, 6), np.random.default_rng(3)

    def objective(coefficients):
        matrix = linalg.toeplitz(np.r_[coefficients, np.zeros(24)], np.zeros(30))
        return (coefficients**2).sum() * (np.linalg.solve(matrix.T, np.tri(30).T) ** 2).sum() / 30

    for _ in range(50):
        assert objective(found * (1 + 0.03 * rng.normal(size=6))) > objective(found)


# Noise -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", strategies.STRATEGIES)
def test_the_stream_is_dense_algebra(name):
    mechanism, rounds, groups = Correlated(0.7, 2.0, name), 37, 6
    stream, source = mechanism.stream(rounds, groups), generator(4)
    found = torch.stack([stream.noise((5,), source) for _ in range(rounds)])
    drawn = torch.stack(
        [torch.randn(5, generator=again, dtype=torch.float64) for again in [generator(4)] for _ in range(rounds)]
    )
    strategy = mechanism.fitted(rounds, groups)
    expected = 0.7 * 2.0 * strategy.sensitivity(groups) * np.linalg.inv(strategy.matrix()) @ drawn.numpy()
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)
    refuses(lambda: stream.noise((5,), source), ValueError, "rounds", "37", "one more")


def test_the_streams_deviation_is_its_draws():
    """8,000 coordinates a round, 5 standard errors in each of 20 rounds: false alarm below 2e-5."""
    stream, source = Correlated(1.5, 1.0, "optimised").stream(20, 5), generator(5)
    for _ in range(20):
        row = stream.noise((8000,), source)
        assert float(row.std()) == pytest.approx(stream.std, rel=5 / math.sqrt(2 * 8000))


@pytest.mark.parametrize(("name", "band"), [("banded", 4), ("optimised", 20), ("tree", None), ("independent", None)])
def test_the_stream_keeps_a_band_of_rows_at_2000_rounds(name, band):
    """All tensors alive that have as many entries as the model, at each hundredth round: band + 2 at most; of the tree as
    many as its powers of two."""
    parameters, rounds = 977, 2000
    stream, source, most = Correlated(1.0, 1.0, name, band).stream(rounds, 20), generator(6), 0
    for t in range(rounds):
        row = stream.noise((parameters,), source)
        if t % 100 == 63:
            alive = sum(
                each.numel() for each in gc.get_objects() if type(each) is torch.Tensor and each.numel() == parameters
            )
            most = max(most, alive)
    assert row.shape == (parameters,)
    rows = {"tree": rounds.bit_length() + 1, "independent": 1}.get(name, band and band + 2)
    assert parameters <= most <= rows * parameters


@pytest.mark.parametrize("name", strategies.STRATEGIES)
@pytest.mark.parametrize("after", [0, 1, 11])
def test_a_stream_goes_on_from_its_state(name, after):
    mechanism, source = Correlated(1.0, 1.0, name), generator(7)
    whole = mechanism.stream(16, 4)
    for _ in range(after):
        whole.noise((3,), source)
    state, left = whole.state, source.get_state()
    expected = [whole.noise((3,), source) for _ in range(16 - after)]
    again = mechanism.stream(16, 4).restored(state)
    for row in expected:
        assert torch.equal(again.noise((3,), source.set_state(left) if row is expected[0] else source), row)
    for other in (
        mechanism.stream(17, 4),
        Correlated(1.1, 1.0, name).stream(16, 4),
        Correlated(1.0, 2.0, name).stream(16, 4),
    ):
        with pytest.raises(ValueError, match="noise"):
            other.restored(state)


# Price -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("multiplier", [0.8, 4.0])
@pytest.mark.parametrize("name", strategies.STRATEGIES)
def test_a_run_costs_dp_accountings_gaussian_event(name, multiplier):
    event = Correlated(multiplier, 3.0, name).event(60, 7)
    library = dp_accounting.pld.PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
    library.compose(dp_accounting.GaussianDpEvent(multiplier))
    assert accounting.epsilon(event, 1, 1.0, 1e-5) == pytest.approx(library.get_epsilon(1e-5), rel=1e-4)


def test_the_price_of_first_rounds_is_their_own_strategys():
    mechanism, rounds, groups = Correlated(1.3, 1.0, "banded"), 14, 4
    whole = mechanism.fitted(rounds, groups)
    for first, found in enumerate(mechanism.curve(rounds, groups, 1e-5), 1):
        own = by_brute_force(whole.matrix()[:first, :first], patterns(first, groups, rounds))[0]
        law = privacy_loss_mechanism.GaussianPrivacyLoss(1.3 * whole.sensitivity(groups) / own)
        assert law.get_delta_for_epsilon(float(found)) == pytest.approx(1e-5, rel=1e-6)


def test_round_by_round_it_has_no_price():
    """No accountant here takes a correlated run for rounds of independent noise."""
    for price in (accounting.epsilon, accounting.curve, accounting.Ledger().spend):
        refuses(lambda price=price: price(Correlated(1.0, 1.0), 20), TypeError, "mechanism", "Correlated")


def test_a_stream_is_no_mechanism_of_another_run():
    with pytest.raises(TypeError):
        accounting.epsilon(Stream(Correlated(1.0, 1.0), 4, 2), 4)
