"""An explorer computes with one thread, and whoever computes next has as many as before."""

import pytest
import torch

from fldp_lib.interactive import explorers, plots, threads


@pytest.fixture
def two():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_one_inside_and_as_before_outside_whatever_happens(two):
    with threads.one():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(ValueError), threads.one():
        raise ValueError
    assert torch.get_num_threads() == 2


def test_explorers_compute_with_one(two):
    seen = []

    def compute(epsilon):
        seen.append(torch.get_num_threads())
        return epsilon

    chart = plots.Chart([plots.Panel("", "", x=(0, 1), y=(0, 1))])
    controls = [explorers.Slider("epsilon", "ε", 0, 1, 0.5)]
    explorer = explorers.Explorer("t", controls, compute, chart, lambda r: [plots.line([0, 1], [r, r])], str)
    explorer.set(epsilon=0.7)
    assert seen == [1, 1] and torch.get_num_threads() == 2
