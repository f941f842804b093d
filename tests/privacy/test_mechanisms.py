"""mechanisms: clipping bounds every contribution, and the noise has exactly the law that the privacy proof needs."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from conftest import FALSE_ALARM, follows, generator, global_random_state_untouched, law_of, refuses
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from fldp_lib import mechanisms
from fldp_lib.privacy.mechanisms import Gaussian, Laplace, RandomisedResponse

pytestmark = pytest.mark.filterwarnings("error")

N = 40_000  # draws of a distribution test
ROWS = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6),
    elements=st.floats(-1e6, 1e6),
)
CLIPS = st.floats(1e-3, 1e4)
NORMS = st.sampled_from([1, 2])
PLACES = st.sampled_from(["server", "client", "shares"])


def lengths(rows, norm):
    return np.apply_along_axis(np.linalg.norm, -1, rows, norm)


# Clipping --------------------------------------------------------------------------------------------------------------


@given(rows=ROWS, clip=CLIPS, norm=NORMS)
def test_no_clipped_row_is_longer_than_the_clip(rows, clip, norm):
    clipped, norms = mechanisms.clip_rows(torch.from_numpy(rows), clip, norm)
    assert (lengths(clipped.numpy(), norm) <= clip * (1 + 1e-12)).all()
    np.testing.assert_allclose(norms, lengths(rows, norm), rtol=1e-9, atol=1e-150)


@given(rows=ROWS, clip=CLIPS, norm=NORMS)
def test_long_rows_end_on_the_sphere_in_their_own_direction_and_short_ones_stay(rows, clip, norm):
    clipped = mechanisms.clip_rows(torch.from_numpy(rows), clip, norm)[0].numpy()
    before = lengths(rows, norm)
    short = before < clip
    assert np.array_equal(clipped[short], rows[short])
    np.testing.assert_allclose(clipped[~short], rows[~short] * (clip / before[~short])[:, None], rtol=1e-9, atol=1e-12)


@given(rows=hnp.arrays(np.float32, (4, 5), elements=st.floats(-1e6, 1e6, width=32)), clip=CLIPS, norm=NORMS)
def test_the_clip_holds_in_single_precision(rows, clip, norm):
    clipped = mechanisms.clip_rows(torch.from_numpy(rows), clip, norm)[0]
    assert clipped.dtype == torch.float32
    assert (np.linalg.norm(clipped.double(), ord=norm, axis=1) <= clip * (1 + 1e-5)).all()


def test_infinite_clip_leaves_every_finite_row():
    rows = torch.randn(5, 3, generator=generator()) * 1e10
    assert torch.equal(mechanisms.clip_rows(rows, math.inf)[0], rows)


@pytest.mark.parametrize("clip", [1.0, math.inf])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_row_that_is_not_finite_becomes_zero_and_spoils_no_other(bad, clip):
    rows = torch.randn(3, 4, generator=generator())
    alone = mechanisms.clip_rows(rows, clip)[0]
    rows[1, 2] = bad
    clipped, norms = mechanisms.clip_rows(rows, clip)
    assert not clipped[1].any() and torch.equal(clipped[[0, 2]], alone[[0, 2]])
    assert norms.isfinite().tolist() == [True, False, True]


def test_l2_clipping_allows_more_l1_length_than_l1_clipping():
    """√d of it: why Laplace noise needs the L1 clip (E11)."""
    row = torch.ones(1, 100, dtype=torch.float64)
    assert math.isclose(mechanisms.clip_rows(row, 1.0, norm=2)[0].abs().sum(), 10.0)
    assert math.isclose(mechanisms.clip_rows(row, 1.0, norm=1)[0].abs().sum(), 1.0)


# Scales ----------------------------------------------------------------------------------------------------------------


@given(epsilon=st.floats(1e-3, 100), clip=CLIPS, at=PLACES)
def test_scale_is_sensitivity_over_epsilon(epsilon, clip, at):
    mechanism = Laplace(epsilon, clip, at)
    assert mechanism.sensitivity == (2 * clip if at == "client" else clip)
    assert math.isclose(mechanism.scale, mechanism.sensitivity / epsilon)
    assert math.isclose(mechanism.std, stats.laplace(scale=mechanism.scale).std())


@given(multiplier=st.floats(1e-3, 100), clip=CLIPS, at=PLACES)
def test_deviation_is_noise_multiplier_times_sensitivity(multiplier, clip, at):
    mechanism = Gaussian(multiplier, clip, at)
    assert math.isclose(mechanism.std, multiplier * (2 * clip if at == "client" else clip))
    assert mechanism.scale == mechanism.std


@pytest.mark.parametrize("build", [Laplace, Gaussian])
def test_adjacency_goes_with_sensitivity_and_trust(build):
    said = {}
    for at, unit in [("server", "client"), ("client", "client"), ("shares", "client"), ("client", "record")]:
        mechanism = build(1.0, 3.0, at, unit)
        said[at, unit] = mechanism.sensitivity, mechanism.adjacency, mechanism.trust.split(":")[0]
    assert said == {
        ("server", "client"): (3.0, "add or remove one client", "central"),
        ("client", "client"): (6.0, "replace one client's data", "local"),
        ("shares", "client"): (3.0, "add or remove one client", "distributed"),
        ("client", "record"): (3.0, "add or remove one record of one client", "local"),
    }


def test_laplace_clips_in_l1_and_gaussian_in_l2():
    rows = torch.tensor([[3.0, 4.0]])
    torch.testing.assert_close(Laplace(1.0, 1.0).clip_rows(rows)[0].abs().sum(), torch.tensor(1.0))
    torch.testing.assert_close(Gaussian(1.0, 1.0).clip_rows(rows)[0].norm(), torch.tensor(1.0))


@pytest.mark.parametrize(
    "quiet", [Laplace(math.inf, 2.0), Gaussian(0.0, 2.0), Gaussian(0.0, math.inf), Laplace(math.inf, math.inf)]
)
def test_infinite_epsilon_and_zero_multiplier_add_nothing(quiet):
    assert not quiet.private and quiet.std == 0 and quiet.scale == 0
    if quiet.clip < math.inf:
        assert not quiet.noise((100,), generator()).any()


# Distributions ---------------------------------------------------------------------------------------------------------

MECHANISMS = [
    build(level, clip, at, unit)
    for build, level in ((Laplace, 0.4), (Gaussian, 1.7))
    for clip in (0.5, 3.0)
    for at, unit in (("server", "client"), ("client", "client"), ("shares", "client"), ("client", "record"))
]


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=str)
def test_noise_follows_its_law(mechanism):
    """KS and scale, false alarm below 2e-6; fixed seed."""
    assert follows(mechanism.noise((N,), generator(1)), law_of(mechanism))


@pytest.mark.parametrize("clients", [1, 2, 10, 300])
@pytest.mark.parametrize(
    "mechanism", [Laplace(0.4, 1.5, "shares"), Gaussian(1.7, 1.5, "shares")], ids=["Laplace", "Gaussian"]
)
def test_all_shares_add_up_to_the_servers_noise(mechanism, clients):
    """KS and scale, false alarm below 2e-6; fixed seed."""
    draws = N // 2
    shares = mechanism.share((clients, draws), clients, generator(2))
    assert shares.dtype == torch.float64
    assert follows(shares.sum(0), law_of(mechanism))


@pytest.mark.parametrize(
    "mechanism", [Laplace(0.4, 1.5, "shares"), Gaussian(1.7, 1.5, "shares")], ids=["Laplace", "Gaussian"]
)
def test_one_share_alone_protects_nobody(mechanism):
    """A share is neither the whole noise nor, for Laplace, a smaller Laplace; a sum that lacks shares is too quiet."""
    shares = mechanism.share((10, N), 10, generator(3))
    assert not follows(shares[0], law_of(mechanism))
    assert not follows(shares[:8].sum(0), law_of(mechanism))
    assert follows(shares[0], law_of(mechanism, 10**-0.5)) == (mechanism.norm == 2)
    assert abs(float(shares[0].std()) / (mechanism.std / math.sqrt(10)) - 1) < 0.1


def test_laplace_shares_are_differences_of_gamma_variables():
    """KS against a sample of scipy's own, false alarm below 2e-6; fixed seed."""
    gamma = stats.gamma(1 / 10, scale=1.5 / 0.4)
    oracle = gamma.rvs(10 * N, random_state=0) - gamma.rvs(10 * N, random_state=1)
    assert stats.ks_2samp(Laplace(0.4, 1.5, "shares").share((N,), 10, generator(3)), oracle).pvalue >= FALSE_ALARM


def test_noise_is_independent_from_coordinate_to_coordinate():
    """Correlation of neighbouring coordinates within five standard errors of zero; fixed seed."""
    for mechanism in (Laplace(1.0, 1.0), Gaussian(1.0, 1.0)):
        noise = mechanism.noise((N // 2, 2), generator(5)).numpy()
        assert abs(np.corrcoef(noise.T)[0, 1]) < 5 / math.sqrt(N // 2)
        shares = mechanism.share((N // 2, 2), 4, generator(5)).numpy()
        assert abs(np.corrcoef(shares.T)[0, 1]) < 5 / math.sqrt(N // 2)


def test_laplace_noise_is_finite_even_in_the_extreme_draw(monkeypatch):
    """u = −½ would be an infinite logarithm."""
    monkeypatch.setattr(torch, "rand", lambda shape, **options: torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64))
    noise = mechanisms.laplace_noise((3,), 1.0, generator())
    assert noise.isfinite().all() and noise[1] == 0 and noise[0] < -36 and noise[2] > 35


WRONG = {  # each stands for a mistake that has been made in print or in code
    "10% too loud": lambda: mechanisms.laplace_noise((N,), 1.1, generator()),
    "10% too quiet": lambda: mechanisms.laplace_noise((N,), 0.9, generator()),
    "half the noise": lambda: mechanisms.laplace_noise((N,), 0.5, generator()),
    "Gaussian of the same deviation": lambda: mechanisms.gaussian_noise((N,), math.sqrt(2), generator()),
    "half the draws missing": lambda: mechanisms.laplace_noise((N,), 1.0, generator()) * (torch.arange(N) % 2),
    "only one side": lambda: mechanisms.laplace_noise((N,), 1.0, generator()).abs(),
    "shifted": lambda: mechanisms.laplace_noise((N,), 1.0, generator()) + 0.05,
    "sum of two halves": lambda: mechanisms.laplace_noise((2, N), 0.5, generator()).sum(0),
    "uniform": lambda: (torch.rand(N, generator=generator()) - 0.5) * math.sqrt(24),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_scale_or_law_fails_the_distribution_test(mistake):
    assert not follows(WRONG[mistake](), stats.laplace(scale=1.0))


def test_a_wrong_gaussian_fails_the_distribution_test():
    assert not follows(mechanisms.gaussian_noise((N,), 1.1, generator()), stats.norm())
    assert not follows(mechanisms.laplace_noise((N,), math.sqrt(0.5), generator()), stats.norm())
    forgotten_two = Gaussian(1.0, 1.0, "server").noise((N,), generator())  # C where a local report needs 2C
    assert not follows(forgotten_two, law_of(Gaussian(1.0, 1.0, "client")))


@pytest.mark.parametrize("law", [stats.laplace(scale=3.0), stats.norm(scale=0.2)])
def test_scipys_own_draws_pass_the_distribution_test(law):
    """Five samples, false alarm below 1e-5; fixed seeds."""
    assert all(follows(law.rvs(N, random_state=seed), law) for seed in range(5))


def test_a_seed_repeats_the_noise_and_another_does_not():
    for mechanism in (Laplace(1.0, 1.0), Gaussian(1.0, 1.0)):
        assert torch.equal(mechanism.noise((50,), generator(1)), mechanism.noise((50,), generator(1)))
        assert not torch.equal(mechanism.noise((50,), generator(1)), mechanism.noise((50,), generator(2)))
        assert torch.equal(mechanism.share((50,), 4, generator(1)), mechanism.share((50,), 4, generator(1)))


# Randomised response ---------------------------------------------------------------------------------------------------


@given(epsilon=st.floats(0.01, 20), categories=st.integers(2, 50))
def test_likelihood_ratio_of_a_report_is_exactly_e_to_the_epsilon(epsilon, categories):
    response = RandomisedResponse(epsilon, categories)
    other = (1 - response.keep) / (categories - 1)
    assert math.isclose(response.keep / other, math.exp(epsilon), rel_tol=1e-6)


@pytest.mark.parametrize(("epsilon", "categories"), [(1.0, 2), (0.3, 5), (3.0, 4)])
def test_reports_are_true_with_the_keep_probability_and_else_uniform(epsilon, categories):
    """Chi-squared at p ≥ 1e-6 for every true value; fixed seed."""
    response = RandomisedResponse(epsilon, categories)
    for truth in range(categories):
        reports = response.randomise(torch.full((N,), truth), generator(truth))
        other = 1 / (math.exp(epsilon) + categories - 1)
        chances = np.full(categories, other)
        chances[truth] = math.exp(epsilon) * other
        observed = np.bincount(reports.numpy(), minlength=categories)
        assert stats.chisquare(observed, N * chances).pvalue >= FALSE_ALARM
        wrong = np.full(categories, (1 - 0.9 * chances[truth]) / (categories - 1))
        wrong[truth] = 0.9 * chances[truth]
        assert stats.chisquare(observed, N * wrong).pvalue < FALSE_ALARM


def test_the_estimate_is_unbiased():
    """The mean of 200 estimates lies within five standard errors of the true shares; fixed seed."""
    response, random = RandomisedResponse(0.8, 3), generator(4)
    values = torch.repeat_interleave(torch.arange(3), torch.tensor([500, 300, 200]))
    estimates = torch.stack([response.estimate(response.randomise(values, random)) for _ in range(200)])
    error = estimates.std(0) / math.sqrt(len(estimates))
    assert ((estimates.mean(0) - torch.tensor([0.5, 0.3, 0.2])).abs() < 5 * error).all()
    assert error.max() < 0.01
    torch.testing.assert_close(estimates.sum(1), torch.ones(200, dtype=torch.float64))


def test_a_large_epsilon_tells_the_truth():
    values = torch.arange(100) % 4
    response = RandomisedResponse(60.0, 4)
    assert torch.equal(response.randomise(values, generator()), values)
    torch.testing.assert_close(response.estimate(values), torch.full((4,), 0.25, dtype=torch.float64))


def test_no_global_random_state_is_touched():
    with global_random_state_untouched():
        for mechanism in (Laplace(1.0, 1.0, "shares"), Gaussian(1.0, 1.0, "shares")):
            mechanism.noise((20,), generator())
            mechanism.share((20,), 5, generator())
        RandomisedResponse(1.0).randomise(torch.zeros(20, dtype=torch.int64), generator())


# Bad input -------------------------------------------------------------------------------------------------------------

BAD = {
    "epsilon zero": (lambda: Laplace(0.0, 1.0), ValueError, ["epsilon", "> 0", "0.0"]),
    "epsilon negative": (lambda: Laplace(-1, 1.0), ValueError, ["epsilon", "-1"]),
    "epsilon NaN": (lambda: Laplace(math.nan, 1.0), ValueError, ["epsilon", "nan"]),
    "epsilon as text": (lambda: Laplace("1", 1.0), TypeError, ["epsilon", "'1'"]),
    "epsilon as bool": (lambda: Laplace(True, 1.0), TypeError, ["epsilon", "True"]),
    "epsilon missing": (lambda: Laplace(None, 1.0), TypeError, ["epsilon", "None"]),
    "multiplier negative": (lambda: Gaussian(-0.1, 1.0), ValueError, ["noise_multiplier", ">= 0", "-0.1"]),
    "multiplier NaN": (lambda: Gaussian(math.nan, 1.0), ValueError, ["noise_multiplier", "nan"]),
    "multiplier infinite": (lambda: Gaussian(math.inf, 1.0), ValueError, ["noise_multiplier", "inf"]),
    "multiplier as text": (lambda: Gaussian("1", 1.0), TypeError, ["noise_multiplier", "'1'"]),
    "multiplier as bool": (lambda: Gaussian(True, 1.0), TypeError, ["noise_multiplier", "True"]),
    "clip infinite with Gaussian noise": (lambda: Gaussian(1.0, math.inf), ValueError, ["clip", "finite", "sensitivity"]),
    "clip infinite with Laplace noise": (lambda: Laplace(1.0, math.inf), ValueError, ["clip", "finite", "sensitivity"]),
    "record at the server": (
        lambda: Laplace(1.0, 1.0, "server", "record"),
        ValueError,
        ["at", "'client'", "'server'", "record"],
    ),
    "record in shares": (
        lambda: Gaussian(1.0, 1.0, "shares", "record"),
        ValueError,
        ["at", "'client'", "'shares'", "record"],
    ),
    "response without noise": (lambda: RandomisedResponse(math.inf), ValueError, ["epsilon", "inf"]),
    "response epsilon zero": (lambda: RandomisedResponse(0), ValueError, ["epsilon", "0"]),
    "one category": (lambda: RandomisedResponse(1.0, 1), ValueError, ["categories", "1", ">= 2"]),
    "categories as fraction": (lambda: RandomisedResponse(1.0, 2.0), TypeError, ["categories", "2.0"]),
    "no such category": (
        lambda: RandomisedResponse(1.0, 3).randomise(torch.tensor([0, 3]), generator()),
        ValueError,
        ["values", "0 … 2"],
    ),
    "fractional category": (
        lambda: RandomisedResponse(1.0, 3).randomise(torch.tensor([0.5]), generator()),
        ValueError,
        ["values", "whole"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_and_value(case):
    call, error, fragments = BAD[case]
    refuses(call, error, *fragments)


@pytest.mark.parametrize("build", [Laplace, Gaussian])
@pytest.mark.parametrize(
    ("argument", "value", "error", "fragments"),
    [
        ("clip", 0, ValueError, ["clip", "> 0", "got 0"]),
        ("clip", -2.0, ValueError, ["clip", "-2.0"]),
        ("clip", math.nan, ValueError, ["clip", "nan"]),
        ("clip", "1", TypeError, ["clip", "'1'"]),
        ("clip", True, TypeError, ["clip", "True"]),
        ("at", "middle", ValueError, ["at", "'middle'", "'server'", "'client'", "'shares'"]),
        ("at", None, ValueError, ["at", "None"]),
        ("unit", "hospital", ValueError, ["unit", "'hospital'", "'client'", "'record'"]),
    ],
)
def test_bad_clip_place_and_unit_are_refused(build, argument, value, error, fragments):
    refuses(lambda: build(**({"clip": 1.0} | {argument: value}), **{build.__match_args__[0]: 1.0}), error, *fragments)


def test_a_mechanism_cannot_be_changed_after_its_checks():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Laplace(1.0, 1.0).clip = math.inf
