"""adaptive: a clip that finds its quantile, at the price of the plain Gaussian."""

import math

import dp_accounting
import numpy as np
import pytest
import torch
from conftest import federation
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import accounting, mechanisms, models, train
from fldp_lib.privacy.adaptive import AdaptiveGaussian, Clipping


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


def test_dropped_updates_count_as_clipped():
    fed = federation([3] * 10)
    fed.x[2] = 1e30  # a finite record whose update is not
    with pytest.warns(UserWarning, match="counted as zero"):
        history = run(fed, AdaptiveGaussian(0.0, 100.0, quantile=0.95, count_noise=0.0))
    assert history.clip[1] == pytest.approx(100 * math.exp(-0.2 * (0.9 - 0.95)))


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
