"""adaptive: a clip that finds its quantile, at the price of the plain Gaussian."""

import math

import dp_accounting
import numpy as np
import pytest
import torch
from conftest import federation
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import accounting, aggregation, mechanisms, models, train
from fldp_lib.privacy.adaptive import AdaptiveGaussian, Clipping
from fldp_lib.training._tally import Tally
from fldp_lib.training.transport.compression import Channel


def run(fed, mechanism, **options):
    return train(models.Linear(3, 2), fed, rounds=6, lr=0.5, mechanism=mechanism, progress=False, **options)


@given(quantile=st.floats(0.1, 0.9), start=st.floats(0.01, 100), seed=st.integers(0, 100))
def test_without_noise_the_clip_finds_the_quantile(quantile, start, seed):
    norms = np.sort(np.random.default_rng(seed).lognormal(size=200))
    clipping = Clipping(AdaptiveGaussian(0.0, start, quantile=quantile, clip_lr=0.2, count_noise=0.0))
    generator = torch.Generator().manual_seed(0)
    for step in range(400):
        if step == 200:  # smaller steps for a sharper answer
            clipping.adaptive = AdaptiveGaussian(0.0, start, quantile=quantile, clip_lr=0.02, count_noise=0.0)
        short = int((norms <= clipping.mechanism.clip).sum())
        clipping.adapt(short, 200 - short, 200, generator)
    assert abs((norms <= clipping.mechanism.clip).mean() - quantile) < 0.03


@given(multiplier=st.floats(0.3, 30), factor=st.floats(0.55, 20))
def test_sum_and_count_together_cost_one_gaussian(multiplier, factor):
    """dp_accounting's own composition of the two releases, against one Gaussian of multiplier z."""
    plan = AdaptiveGaussian(multiplier, 1.0, count_noise=factor * multiplier)
    both = dp_accounting.rdp.RdpAccountant()
    both.compose(dp_accounting.GaussianDpEvent(plan.sum_multiplier))
    both.compose(dp_accounting.GaussianDpEvent(plan.count_noise / 0.5))
    one = dp_accounting.rdp.RdpAccountant()
    one.compose(dp_accounting.GaussianDpEvent(multiplier))
    assert both.get_epsilon(1e-5) == pytest.approx(one.get_epsilon(1e-5), rel=1e-6)
    assert plan.sum_multiplier > multiplier


def test_it_is_priced_as_the_plain_gaussian():
    plain = accounting.calibrate("gaussian", epsilon=2.0, rounds=6, sampling_rate=0.5)
    plan = AdaptiveGaussian(plain.noise_multiplier, 0.3, count_noise=50.0)
    options = dict(rounds=6, sampling_rate=0.5, delta=1e-5)
    assert accounting.epsilon(plan, **options) == accounting.epsilon(plain, **options)
    fed = federation([3] * 40)
    one, two = (run(fed, m, sampling_rate=0.5).epsilon[-1] for m in (plan, plain))
    assert one == two and math.isfinite(one)


def test_the_sum_gets_the_larger_noise():
    """The round's noise is z₁ C and the count's is `count_noise`: deviations of 4,000 draws within 5 standard errors, false
    alarms below 2e-6."""
    plan = AdaptiveGaussian(2.0, 0.7, count_noise=1.5, clip_lr=1.0)
    clipping = Clipping(plan)
    assert clipping.mechanism.std == pytest.approx(0.7 * (2.0**-2 - 3.0**-2) ** -0.5)
    generator, shares = torch.Generator().manual_seed(1), []
    for _ in range(4_000):
        shares.append(Clipping(plan).adapt(30, 10, 50, generator))
    shares = np.array(shares)
    assert abs(shares.std() / (1.5 / 50) - 1) < 5 / math.sqrt(8_000)
    assert abs(shares.mean() - (10 / 50 + 0.5)) < 5 * 1.5 / 50 / math.sqrt(4_000)


def test_the_clip_goes_where_it_should():
    fed = federation([3] * 40)
    wide = run(fed, AdaptiveGaussian(0.0, 100.0, count_noise=0.0))
    tight = run(fed, AdaptiveGaussian(0.0, 1e-4, count_noise=0.0))
    assert (np.diff(wide.clip) < 0).all() and (np.diff(tight.clip) > 0).all()
    assert np.allclose(wide.clip, 100 * np.exp(-0.2 * 0.5 * np.arange(6)))  # nobody is clipped: share 1, target ½


def test_a_plain_mechanism_keeps_its_clip():
    history = run(federation([3] * 10), mechanisms.Gaussian(1.0, 0.5))
    assert (history.clip == 0.5).all()
    assert (run(federation([3] * 10), None).clip == math.inf).all()


def test_another_client_reaches_the_next_clip_only_through_the_noised_count():
    """One client added or removed moves the count by half a client, whatever it sends, NaN included."""
    plan = AdaptiveGaussian(0.0, 1.0, count_noise=0.0)
    for clipped, unclipped in ((10, 30), (0, 1), (7, 0)):
        base = Clipping(plan).adapt(unclipped, clipped, 40, torch.Generator())
        for more in ((1, 0), (0, 1)):
            other = Clipping(plan).adapt(unclipped + more[0], clipped + more[1], 40, torch.Generator())
            assert abs(other - base) == pytest.approx(0.5 / 40)


MISSING = {"absent": None, "empty": 0.0, "NaN": math.nan, "infinite": math.inf}
SENDS = {"short": 0.3, "at the clip": 1.0, "just longer": 1.0 + 1e-6, "long": 1e6}


def released(kind, value, monkeypatch, z, count_noise):
    """What a round with client 3 as told adds up to before any noise: the sum, and the count, in their noises' deviations.

    The package's own tally is called; the noise is switched off, and the deviations are written down anew.
    """
    monkeypatch.setattr(mechanisms, "gaussian_noise", lambda shape, std, generator: torch.zeros(shape, dtype=torch.float64))
    plan = AdaptiveGaussian(z, 1.0, count_noise=count_noise)
    clipping, fed = Clipping(plan), federation([3] * 6)
    tally = Tally(
        fed, clipping.mechanism, aggregation.mean, torch.zeros(4), Channel(None, 6, torch.zeros(4), torch.Generator())
    )
    rows = torch.tensor([0.5, 2.0, 0.0, math.nan, 0.9, 7.0]).unsqueeze(1) * torch.tensor([[0.6, 0.0, 0.8, 0.0]])
    rows[3] = 0 if value is None else value * torch.tensor([0.6, 0.0, 0.8, 0.0])
    members = torch.tensor([k for k in range(6) if k != 3 or value is not None])
    tally.add(tally.protect(rows[members], members, None))
    total = tally.aggregate(1.0, None, 16) * 6
    captured = []
    monkeypatch.setattr(clipping, "adapt", lambda short, long, expected, generator: captured.append((short - long) / 2))
    tally.adapt(clipping, 1.0, None)
    z1 = (z**-2 - (2 * count_noise) ** -2) ** -0.5
    return np.array([*(total / z1).tolist(), captured[0] / count_noise])


@pytest.mark.parametrize(("z", "count_noise"), [(1.0, 0.51), (1.0, 10.0), (3.0, 2.0)])
def test_no_client_in_any_form_moves_sum_and_count_by_more_than_the_price(z, count_noise, monkeypatch):
    """All pairs of a client that is missing, in four ways, and one that sends something: the distance of the two releases in
    deviations of their noises is 1/z at most, and nearly that in the worst case. The four ways are one and the same."""
    missing = [released(kind, value, monkeypatch, z, count_noise) for kind, value in MISSING.items()]
    sends = [released(kind, value, monkeypatch, z, count_noise) for kind, value in SENDS.items()]
    for one in missing:
        np.testing.assert_array_equal(one, missing[0])
    apart = [np.linalg.norm(one - other) for one in missing for other in sends]
    assert max(apart) <= (1 + 1e-5) / z
    assert max(apart) >= (1 - 1e-5) / z


def test_clients_without_an_update_do_not_move_the_clip():
    """Long ones among empty and broken ones: with the quantile at ½ the clip moves by what the long ones say."""
    fed = federation([3] * 4 + [0] * 6)
    fed.x[2] = 3e38  # a finite record whose update is not
    with pytest.warns(UserWarning, match="counted as zero"):
        history = run(fed, AdaptiveGaussian(0.0, 100.0, count_noise=0.0))
    assert history.clip[1] == pytest.approx(100 * math.exp(-0.2 * (3 / 2 / 10)))


def empties(seed, **options):
    """Eight rounds of a federation without records: nothing but noise moves theta (2,004 numbers) and the clip."""
    plan = AdaptiveGaussian(1.5, 1.0, **{"quantile": 0.9, "clip_lr": 0.5, "count_noise": 20.0} | options)
    thetas = [torch.zeros(2_004, dtype=torch.float64)]
    history = train(
        models.Linear(500, 4), federation([0] * 50, features=500, classes=4), rounds=8, lr=0.5, mechanism=plan, seed=seed,
        progress=False, callback=lambda t, theta, record: thetas.append(theta.double()) and None,
    )  # fmt: skip
    return plan, history, torch.stack(thetas).diff(dim=0)


def test_the_noise_follows_the_clip():
    """Each round's noise has the deviation z₁ times that round's clip, which moves by a factor of three or more: 2,004 draws
    a round within 5 standard errors (false alarm 5e-6)."""
    _, history, steps = empties(0)
    z1 = (1.5**-2 - 40.0**-2) ** -0.5
    assert history.clip.max() / history.clip.min() > 3
    ratio = steps.std(dim=1).numpy() / (z1 * history.clip / 50)
    assert np.abs(ratio - 1).max() < 5 / math.sqrt(2 * 2_004)


def test_the_count_is_noised_anew_in_every_round_of_every_run():
    """The clip's moves over 40 runs of eight rounds have the deviation that `count_noise` gives, no two rounds or runs alike
    (5 standard errors, false alarm 2e-6)."""
    moves = np.array([np.diff(np.log(empties(seed)[1].clip)) for seed in range(40)])  # runs × 7
    shares = -moves / 0.5 + 0.9 - 0.5
    assert abs(shares.std() / (20 / 50) - 1) < 5 / math.sqrt(2 * shares.size)
    assert abs(shares.mean()) < 5 * (20 / 50) / math.sqrt(shares.size)
    assert len(np.unique(shares.round(9))) == shares.size
    together = np.corrcoef(shares.T)[~np.eye(7, dtype=bool)]
    assert np.abs(together).max() < 5 / math.sqrt(40)


def test_loud_noise_on_a_small_cohort_leaves_a_clip_that_can_be_used():
    clipping = Clipping(AdaptiveGaussian(1.0, 1.0, clip_lr=100.0, count_noise=1e9))
    for seed in range(20):
        clipping.adapt(1, 0, 1e-3, torch.Generator().manual_seed(seed))
        assert 1e-12 <= clipping.mechanism.clip <= 1e12


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"quantile": 0.0}, "quantile"),
        ({"quantile": 1.0}, "quantile"),
        ({"clip_lr": 0.0}, "clip_lr"),
        ({"count_noise": 0.5}, "count_noise"),
        ({"at": "client"}, "at must be 'server'"),
        ({"at": "client", "unit": "record"}, "at must be 'server'"),
        ({"clip": math.inf}, "clip"),
        ({"noise_multiplier": -1.0}, "noise_multiplier"),
    ],
)
def test_bad_arguments_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        AdaptiveGaussian(**({"noise_multiplier": 1.0, "clip": 1.0, "count_noise": 5.0} | wrong))
