"""Quantiles: the exponential mechanism's exact law and its ε, the search, the tree."""

import itertools
import math

import numpy as np
import pytest
import torch
from conftest import generator, refuses
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib.analytics import quantile, quantile_law, quantile_search, quantile_tree
from fldp_lib.analytics import quantiles as module

numbers = st.lists(st.floats(0, 10), min_size=0, max_size=12)


def density(values, share, epsilon, places):
    """Of the exponential mechanism at some places, from `quantile_law`."""
    ends, law = quantile_law(torch.tensor(values, dtype=torch.float64), share, epsilon, 0.0, 10.0)
    gap = np.clip(np.searchsorted(ends.numpy(), places, side="left") - 1, 0, len(law) - 1)
    return (law / (ends[1:] - ends[:-1])).numpy()[gap]


@settings(max_examples=80, deadline=None)
@given(numbers, st.floats(0, 10), st.floats(0.05, 0.95), st.floats(0.1, 3))
def test_one_person_more_changes_no_density_by_more_than_epsilon(values, extra, share, epsilon):
    taken = np.array([*values, extra, 0, 10])
    places = np.sort(np.concatenate([np.linspace(0.013, 9.987, 37)]))
    places = places[np.abs(places[:, None] - taken).min(1) > 1e-6]
    a, b = density(values, share, epsilon, places), density([*values, extra], share, epsilon, places)
    assert np.abs(np.log(a) - np.log(b)).max() <= epsilon * (1 + 1e-6)


def test_draws_follow_the_law():
    values, random = torch.tensor([1.0, 2.0, 2.5, 7.0]), generator(4)
    ends, law = quantile_law(values, 0.5, 2.0, 0.0, 10.0)
    drawn = [quantile(values, 0.5, 2.0, 0.0, 10.0, random) for _ in range(4_000)]
    seen = np.histogram(drawn, bins=ends.numpy())[0]
    assert stats.chisquare(seen, law.numpy() * 4_000).pvalue > 1e-6


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_without_noise_all_three_find_the_quantile(share):
    values = torch.rand(2_000, generator=generator(1), dtype=torch.float64) ** 2 * 100
    exact = float(values.quantile(share))
    assert quantile(values, share, 1e6, 0.0, 100.0, generator()) == pytest.approx(exact, abs=0.5)
    assert quantile_search(values, share, 1e6, 0.0, 100.0, generator(), steps=20)[0] == pytest.approx(exact, abs=0.5)
    assert quantile_tree(values, [share], 1e6, 0.0, 100.0, generator(), levels=12)[0] == pytest.approx(exact, abs=0.5)


def test_at_epsilon_one_errors_are_a_few_ranks():
    """Five thousand people, 20 runs of each. The tree is the noisiest: twelve noises of deviation 14, 49 ranks together;
    300 is six times that."""
    values, random = torch.rand(5_000, generator=generator(2), dtype=torch.float64), generator(3)
    for _ in range(20):
        found = [quantile(values, 0.5, 1.0, 0.0, 1.0, random), quantile_search(values, 0.5, 1.0, 0.0, 1.0, random)[0],
            quantile_tree(values, [0.5], 1.0, 0.0, 1.0, random, levels=10)[0]]  # fmt: skip
        assert all(abs(int((values <= place).sum()) - 2_500) < 300 for place in found)


def test_the_searchs_path_halves_and_its_noise_is_priced_over_all_steps():
    values = torch.zeros(0)
    _, path = quantile_search(values, 0.25, 2.0, 0.0, 8.0, generator(5), steps=50)
    assert all(after[1] - after[0] == (before[1] - before[0]) / 2 for before, after in itertools.pairwise(path))
    ranks = [rank for seed in range(80) for *_, rank in quantile_search(values, 0.25, 2.0, 0.0, 8.0, generator(seed), 50)[1]]
    assert stats.kstest(ranks, stats.laplace(scale=0.75 * 50 / 2).cdf).pvalue > 1e-6


def test_the_tree_answers_in_order_and_within_the_bounds():
    found = quantile_tree(torch.rand(400, generator=generator(6)) * 9, [0.1, 0.5, 0.9], 5.0, 0.0, 9.0, generator(7))
    assert 0 < found[0] < found[1] < found[2] < 9
    refuses(lambda: quantile_tree([1.0], [], 1.0, 0.0, 1.0, generator()), TypeError, "shares")


def test_every_level_of_the_tree_pays_its_share(monkeypatch):
    """Two, four, eight counts, a person in one of each: Laplace noise of scale levels/ε on all of them."""
    drawn = []

    def still(shape, scale, generator):
        drawn.append((shape, scale))
        return torch.zeros(shape)

    monkeypatch.setattr(module, "laplace_noise", still)
    quantile_tree([1.0, 2.0], [0.5], 1.5, 0.0, 3.0, generator(), levels=3)
    assert drawn == [((2,), 2.0), ((4,), 2.0), ((8,), 2.0)]


def test_values_outside_the_bounds_are_set_to_them():
    inside, outside = [torch.tensor([0.0, 3.0, 10.0]), torch.tensor([-5.0, 3.0, 99.0])]
    assert torch.equal(quantile_law(inside, 0.5, 1.0, 0.0, 10.0)[1], quantile_law(outside, 0.5, 1.0, 0.0, 10.0)[1])
    assert math.isclose(float(quantile_law(inside, 0.5, 1.0, 0.0, 10.0)[1].sum()), 1.0)
