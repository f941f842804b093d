"""aggregation: each rule equals numpy's or scipy's, whatever the order of the clients."""

import math

import numpy as np
import pytest
import torch
from conftest import generator, refuses
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from fldp_lib import aggregation
from fldp_lib.training.aggregation import Mean, Median, TrimmedMean, WeightedMean

pytestmark = pytest.mark.filterwarnings("error")

UPDATES = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-1e3, 1e3))
EVERY = [Mean(), WeightedMean(), WeightedMean(cap=5), Median(), TrimmedMean(0.2)]


def sizes_for(updates, seed=0):
    return torch.randint(1, 20, (len(updates),), generator=generator(seed))


@given(updates=UPDATES)
def test_mean_and_median_are_numpys(updates):
    tensor = torch.from_numpy(updates)
    np.testing.assert_allclose(aggregation.mean(tensor), updates.mean(0), atol=1e-9)
    np.testing.assert_allclose(aggregation.median(tensor), np.median(updates, 0), atol=1e-9)


@given(updates=UPDATES, trim=st.floats(0, 0.499))
def test_trimmed_mean_is_scipys(updates, trim):
    np.testing.assert_allclose(TrimmedMean(trim)(torch.from_numpy(updates)), stats.trim_mean(updates, trim), atol=1e-9)


@given(updates=UPDATES, cap=st.one_of(st.none(), st.floats(0.5, 30)), seed=st.integers(0, 100))
def test_weighted_mean_is_numpys_average(updates, cap, seed):
    sizes = sizes_for(updates, seed)
    weights = np.minimum(sizes.numpy(), cap or math.inf)
    found = WeightedMean(cap)(torch.from_numpy(updates), sizes)
    np.testing.assert_allclose(found, np.average(updates, axis=0, weights=weights), atol=1e-9)


@given(updates=UPDATES, seed=st.integers(0, 100))
def test_client_order_does_not_matter(updates, seed):
    updates, sizes = torch.from_numpy(updates), sizes_for(updates)
    order = torch.randperm(len(updates), generator=generator(seed))
    for rule in EVERY:
        torch.testing.assert_close(rule(updates[order], sizes[order]), rule(updates, sizes), rtol=1e-9, atol=1e-9)


@given(updates=UPDATES, shift=st.floats(-100, 100), factor=st.floats(-10, 10))
def test_every_rule_moves_and_scales_with_the_updates(updates, shift, factor):
    updates, sizes = torch.from_numpy(updates), sizes_for(updates)
    for rule in EVERY:
        found = rule(updates * factor + shift, sizes)
        torch.testing.assert_close(found, rule(updates, sizes) * factor + shift, rtol=1e-9, atol=1e-8)


def test_equal_updates_are_returned_by_every_rule():
    updates = torch.randn(1, 6, generator=generator(), dtype=torch.float64).expand(7, 6)
    for rule in EVERY:
        torch.testing.assert_close(rule(updates, sizes_for(updates)), updates[0])


def test_the_weights_of_the_streamed_sum_are_those_of_the_rule():
    updates = torch.randn(9, 4, generator=generator(), dtype=torch.float64)
    sizes = torch.tensor([0, 1, 2, 5, 5, 9, 30, 4, 1])
    for rule in (Mean(), WeightedMean(), WeightedMean(cap=5)):
        weights = rule.weigh(sizes)
        assert weights.dtype == torch.float64
        torch.testing.assert_close(rule(updates, sizes), weights @ updates / weights.sum())
    assert Median().weigh is None and TrimmedMean().weigh is None


@given(cap=st.floats(1e-3, 1e3), sizes=st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_a_cap_bounds_every_weight_by_one(cap, sizes):
    weights = WeightedMean(cap).weigh(torch.tensor(sizes))
    assert (weights <= 1).all() and (weights >= 0).all()
    np.testing.assert_allclose(weights, np.minimum(sizes, cap) / cap)


def test_only_bounded_weights_call_themselves_bounded():
    assert Mean().bounded and WeightedMean(cap=1).bounded and not WeightedMean().bounded


def test_robust_rules_ignore_an_outlier_and_the_mean_does_not():
    updates = torch.randn(11, 5, generator=generator())
    wild = updates.clone()
    wild[3] = 1e9
    assert (aggregation.median(wild) - aggregation.median(updates)).abs().max() < 1
    assert (TrimmedMean(0.1)(wild) - TrimmedMean(0.1)(updates)).abs().max() < 1
    assert (aggregation.mean(wild) - aggregation.mean(updates)).abs().max() > 1e7


def test_no_weight_at_all_is_a_zero_update():
    assert not aggregation.weighted_mean(torch.ones(3, 2), torch.zeros(3)).any()


BAD = {
    "no clients": (lambda: aggregation.mean(torch.zeros(0, 3)), ValueError, ["updates", "(0, 3)"]),
    "a flat vector": (lambda: aggregation.median(torch.zeros(3)), ValueError, ["updates", "(3,)"]),
    "sizes misfit": (
        lambda: aggregation.weighted_mean(torch.zeros(3, 2), torch.ones(4)),
        ValueError,
        ["sizes", "(3,)", "(4,)"],
    ),
    "cap zero": (lambda: WeightedMean(cap=0), ValueError, ["cap", "> 0", "got 0"]),
    "cap NaN": (lambda: WeightedMean(cap=math.nan), ValueError, ["cap", "nan"]),
    "cap infinite": (lambda: WeightedMean(cap=math.inf), ValueError, ["cap", "inf"]),
    "cap as bool": (lambda: WeightedMean(cap=True), TypeError, ["cap", "True"]),
    "half trimmed": (lambda: TrimmedMean(0.5), ValueError, ["trim", "< 0.5", "got 0.5"]),
    "trim negative": (lambda: TrimmedMean(-0.1), ValueError, ["trim", "-0.1"]),
    "trim as text": (lambda: TrimmedMean("0.1"), TypeError, ["trim", "'0.1'"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_and_value(case):
    call, error, fragments = BAD[case]
    refuses(call, error, *fragments)
