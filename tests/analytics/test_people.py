"""People, their items and the counts: bounding, sensitivity, noise; pets; the three places of trust."""

import math

import pytest
import torch
from conftest import follows, generator, refuses
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib.analytics import compare, gather, histogram, noise_scale
from fldp_lib.data import pets
from fldp_lib.privacy import randomisers, shuffling
from fldp_lib.privacy.gaussians import gaussian_delta

crowds = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(crowds, st.integers(1, 4), st.integers(0, 99))
def test_bounding_keeps_some_of_everybodys_items(crowd, most, seed):
    items = gather(crowd)
    bounded = items.bounded(most, generator(seed))
    for person, row in enumerate(crowd):
        mine = [items.items[index] for index in bounded.item[bounded.person == person]]
        assert len(mine) == len(set(mine)) == min(len(set(row)), most) and set(mine) <= set(row)
    assert bounded.people == len(crowd) and bounded.counts().sum() == len(bounded.item)
    assert bounded.kept == pytest.approx(len(bounded.item) / max(len(items.item), 1))


@settings(max_examples=40, deadline=None)
@given(crowds, st.lists(st.sampled_from("abcdef"), max_size=8), st.integers(1, 4))
def test_one_person_moves_no_more_counts_than_the_bound(crowd, extra, most):
    """The same draw for the others: a person more changes at most `most` counts, by one."""
    everybody = gather([*crowd, extra]).bounded(most, generator(5))
    mine = everybody.person == len(crowd)
    assert mine.sum() <= most and torch.bincount(everybody.item[mine], minlength=1).max() <= 1


def test_bounding_chooses_evenly():
    items, random = gather([list("abcd")] * 3_000), generator(1)
    counts = items.bounded(1, random).counts()
    assert stats.chisquare(counts.numpy()).pvalue > 1e-6


def test_noise_follows_its_scale():
    zeros = torch.zeros(20_000, dtype=torch.int64)
    assert follows(histogram(zeros, 0.5, generator(2), most=3), stats.laplace(scale=6))
    assert follows(histogram(zeros, 0.5, generator(2), most=4, delta=1e-5), stats.norm(scale=noise_scale(0.5, 4, 1e-5)))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 10), st.integers(1, 50), st.floats(1e-9, 0.1))
def test_gaussian_noise_is_the_least_that_keeps_the_promise(epsilon, most, delta):
    deviation = noise_scale(epsilon, most, delta)
    assert gaussian_delta(math.sqrt(most) / deviation, epsilon) <= delta * (1 + 1e-9)
    assert gaussian_delta(math.sqrt(most) / (0.999 * deviation), epsilon) > delta


def test_gather_refuses_what_is_no_list_of_texts():
    refuses(lambda: gather([]), TypeError, "values")
    refuses(lambda: gather(["a", 3]), TypeError, "values", "3")
    assert gather(["b", ["a", "a"], []]).counts().tolist() == [1, 1]


def test_pets_are_as_the_file_says():
    names, counts = pets.table()
    assert len(names) == len(set(names)) == 10_416 and int(counts.sum()) == 48_255
    assert names[0] == "lucy" and int(counts[0]) == 440 and int((counts >= 20).sum()) == 439
    assert int((counts == 1).sum()) == 6_329 and all(name.isascii() and name.isalpha() for name in names)
    crowd = gather(pets.people(3))
    assert crowd.items == tuple(sorted(names)) and crowd.most == 1
    assert dict(zip(crowd.items, crowd.counts().tolist(), strict=True)) == dict(zip(names, counts.tolist(), strict=True))
    assert pets.people(3) == pets.people(3) != pets.people(4)


def test_the_same_promise_at_three_places():
    arms = compare(1.0, 1e-6, 10_000, 100)
    assert arms["central"].rms < arms["shuffled"].rms < arms["local"].rms
    assert arms["local"].local_epsilon == 1 < arms["shuffled"].local_epsilon
    assert arms["central"].rms == pytest.approx(min(math.sqrt(8), math.sqrt(2) * noise_scale(1.0, 1, 1e-6)) / 10_000)
    mixed = arms["shuffled"]
    report = randomisers.ALL[mixed.how](mixed.local_epsilon, 100)
    assert shuffling.epsilon(report, 10_000, 1e-6) <= 1 + 1e-5
    assert mixed.rms == pytest.approx(math.sqrt(report.variance(10_000)))


def test_expected_errors_are_those_of_runs():
    """Local and shuffled arms of `compare`, 300 crowds each, all categories: within 5% (relative error about 1.3%)."""
    k, people = 20, 2_000
    counts = torch.full((k,), people // k)
    for arm in list(compare(1.0, 1e-6, people, k, share=1 / k).values())[:2]:
        report, random = randomisers.ALL[arm.how](arm.local_epsilon, k), generator(9)
        errors = torch.stack([report.simulate(counts, random) for _ in range(300)]) - 1 / k
        assert errors.square().mean().sqrt().item() == pytest.approx(arm.rms, rel=0.05)
