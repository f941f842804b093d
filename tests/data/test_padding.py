"""padding: at most so many records a client, chosen at random; a batch that is nearly all padding is refused."""

import numpy as np
import pytest
import torch
from conftest import FALSE_ALARM, dataset, global_random_state_untouched, refuses
from scipy import stats

from fldp_lib import data
from fldp_lib.data import padding

pytestmark = pytest.mark.filterwarnings("error")
OWNER = torch.tensor([0] * 7 + [2] * 2 + [1] * 4)


@pytest.mark.parametrize("most", [1, 2, 3, 6, 7, 100])
def test_every_owner_keeps_at_most_so_many(most):
    stay = padding.kept(OWNER, most, seed=1)
    assert torch.equal(stay, stay.unique())  # ascending, none twice
    assert torch.bincount(OWNER[stay]).tolist() == [min(most, size) for size in (7, 4, 2)]


def test_the_choice_is_uniform_and_repeats_with_its_seed():
    """Chi-squared at p ≥ 1e-6 on the pairs that client 1 keeps of four records; fixed seeds."""
    pairs = [tuple(padding.kept(OWNER, 2, seed)[-2:].tolist()) for seed in range(3000)]
    kinds, counts = np.unique(pairs, axis=0, return_counts=True)
    assert len(kinds) == 6 and stats.chisquare(counts).pvalue >= FALSE_ALARM
    assert torch.equal(padding.kept(OWNER, 2, 5), padding.kept(OWNER, 2, 5))
    with global_random_state_untouched():
        padding.kept(OWNER, 2, 5)


def test_a_federation_keeps_some_of_each_clients_own():
    toy = dataset(60)
    owner = torch.arange(60) % 3 * (torch.arange(60) < 30)  # client 0 has forty
    whole = data.federate(toy.x_train, toy.y_train, owner, toy)
    few = data.federate(toy.x_train, toy.y_train, owner, toy, most=12, seed=3)
    assert whole.sizes.tolist() == [40, 10, 10] and few.sizes.tolist() == [12, 10, 10] and few.x.shape[1] == 12
    for k in range(3):
        mine = {tuple(row) for row in whole.client(k)[0].tolist()}
        assert {tuple(row) for row in few.client(k)[0].tolist()} <= mine
    other = data.federate(toy.x_train, toy.y_train, owner, toy, most=12, seed=4)
    assert not torch.equal(few.x, other.x)


@pytest.mark.parametrize("how", ["iid", "dirichlet", "label", "sizes"])
def test_split_passes_it_on(how):
    toy = dataset(60)
    assert data.split(toy, 5, how=how, alpha=0.3, most=4).sizes.max() <= 4
    assert torch.equal(data.split(toy, 5, how=how).x, data.split(toy, 5, how=how, most=60).x)


def test_one_long_client_among_many_short_ones_is_refused_with_the_remedy():
    x, y = torch.zeros(22_000, 16), torch.zeros(22_000, dtype=torch.int64)
    owner = torch.cat([torch.zeros(20_000, dtype=torch.int64), torch.arange(1, 2001)])

    small = data.Dataset("wide", x[:5], y[:5], x[:5], y[:5], "classification")

    def make(most=None):
        return data.federate(x, y, owner, small, most=most)

    refuses(make, ValueError, "owner", "2001 clients", "20000 records", "MB", "most=")
    made = make(most=10)
    assert made.x.shape == (2001, 10, 16) and int(made.sizes.sum()) == 2010
    with pytest.raises(ValueError, match=r"most=(\d+)") as error:
        make()
    advice = int(str(error.value).split("most=")[1].split()[0])
    assert make(most=advice).x.numel() * 4 <= padding.FREE
    refuses(lambda: make(most=0), ValueError, "most", "0", ">= 1")


def test_what_is_small_or_full_is_never_refused():
    padding.check(torch.tensor([5000, 1, 1]), torch.zeros(5002, 64))
    padding.check(torch.full((10,), 10**7), torch.empty(1, 1).expand(10**8, 1))
