"""_chunks: how many clients at once follows from the machine; results do not follow from how many."""

import types

import pytest
import torch
from conftest import federation, refuses
from torch import nn

from fldp_lib import mechanisms, models, train
from fldp_lib.training import _chunks

pytestmark = pytest.mark.filterwarnings("error")
RECORD = mechanisms.Gaussian(1.0, 1.0, "client", "record")


def test_what_is_asked_for_is_rounded_up_to_sixteen():
    fed = federation([3, 2])
    assert [_chunks.size(models.Linear(3, 2), fed, None, chunk) for chunk in (1, 16, 17, 1000)] == [16, 16, 32, 1008]
    refuses(lambda: _chunks.size(models.Linear(3, 2), fed, None, 0), ValueError, "chunk", "0", ">= 1")
    refuses(lambda: _chunks.size(models.Linear(3, 2), fed, None, 2.5), TypeError, "chunk", "2.5")


@pytest.mark.parametrize("cache", [2**15, 2**20, 2**24])
def test_a_chunk_is_a_multiple_of_sixteen_and_grows_with_the_cache(cache, monkeypatch):
    fed, model = federation([20] * 3, features=64), models.MLP(64, 32, 10)
    found = []
    for size in (cache, 2 * cache):
        monkeypatch.setattr(_chunks, "_cache", lambda size=size: size)
        found.append(_chunks.size(model, fed))
    assert 16 <= found[0] <= found[1] and not any(size % 16 for size in found)
    assert found[1] * 4 * _chunks.client_numbers(model, fed) <= 2 * _chunks.ONE


def test_what_needs_more_memory_comes_in_smaller_chunks(monkeypatch):
    monkeypatch.setattr(_chunks, "_cache", lambda: 2**23)
    fed = federation([20] * 3, features=64)
    plain = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    written, autograd, records = (
        _chunks.size(model, fed, mechanism)
        for model, mechanism in ((models.MLP(64, 32, 10), None), (plain, None), (models.MLP(64, 32, 10), RECORD))
    )
    assert records < autograd < written


@pytest.mark.parametrize(
    ("text", "size"), [("2048K", 2**21), ("2048K\n", 2**21), ("1M", 2**20), ("512", 512), ("3G", 3 * 2**30)]
)
def test_sizes_of_caches_are_read(text, size):
    assert _chunks._bytes(text) == size


def test_an_unreadable_cache_is_taken_for_a_usual_one(monkeypatch):
    class Nowhere:
        def glob(self, pattern):
            return []

    _chunks._cache.cache_clear()
    monkeypatch.setattr(_chunks, "pathlib", types.SimpleNamespace(Path=lambda place: Nowhere()))
    assert _chunks._cache() == _chunks.CACHE
    _chunks._cache.cache_clear()


@pytest.mark.parametrize("members", [range(5), [0, 1], [2, 3, 4], [1], [0, 2], [0, 1, 4]], ids=str)
def test_a_part_is_what_select_gives_and_copies_only_what_does_not_follow(members):
    fed, members = federation([4, 1, 0, 3, 6]), torch.tensor(members)
    found, expected = _chunks.part(fed, members), fed.select(members)
    for name in ("x", "y", "mask", "sizes"):
        assert torch.equal(getattr(found, name), getattr(expected, name))
    follow = len(members) == int(members[-1] - members[0]) + 1
    assert (found.x.untyped_storage().data_ptr() == fed.x.untyped_storage().data_ptr()) == follow


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), _chunks.threads(16, federation([1]), models.Linear(3, 2)):
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("build", [lambda: models.MLP(3, 4, 2), lambda: nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))])
@pytest.mark.parametrize(
    "options",
    [
        {"sampling_rate": 0.5, "mechanism": mechanisms.Gaussian(0.5, 0.3)},
        {"batch_rate": 0.5, "mechanism": mechanisms.Gaussian(0.5, 0.3, "client")},
        {"mechanism": RECORD, "local_steps": 2},
    ],
    ids=["sampled", "batches", "records"],
)
@pytest.mark.filterwarnings("ignore:delta should be below")
def test_results_do_not_depend_on_the_chunk(build, options):
    fed, model = federation([3, 1, 0, 2] * 20), build()
    thetas = [train(model, fed, rounds=3, chunk=chunk, **options).theta for chunk in (16, 48, None)]
    assert all(torch.allclose(theta, thetas[0], rtol=1e-6, atol=1e-6) for theta in thetas[1:])
