"""adapters: equal at the start, merged equals unmerged, A and B both train, and only what trains travels and is paid for."""

import pytest
import torch
from conftest import generator, global_random_state_untouched, refuses, theta_of
from hypothesis import given
from hypothesis import strategies as st
from test_any_model import L, Reader, Tied, V, case, loop
from torch import nn

from fldp_lib import mechanisms, models, train
from fldp_lib.training import adapters, recurrent, text_models

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore:delta should be below")]


def bodies():
    torch.manual_seed(1)
    return {
        "CharGRU": text_models.CharGRU(V, 6, 4),
        "CharMLP": text_models.CharMLP(V, L, 6, 4),
        "LSTM": recurrent.rewrite(Reader(nn.LSTM(4, 5, batch_first=True), 5)),
        "both ways": recurrent.rewrite(Reader(nn.GRU(4, 3, batch_first=True, bidirectional=True), 6)),
        "attention": Reader(nn.MultiheadAttention(4, 2, batch_first=True), 4),
        "transformer": Reader(nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), 4),
        "padded table": Reader(nn.Identity(), 4, nn.Embedding(V, 4, padding_idx=0)),
    }


BODIES, OPTIONS = list(bodies()), [{}, {"train_a": False}, {"alpha": 6.0}, {"train": ("out",)}, {"layers": ("out",)}]


def codes(samples=9, seed=0):
    return torch.randint(0, V, (samples, L), generator=generator(seed)).float()


def options_for(name, options):
    """The text models call their last layer by another name than `Reader`."""
    return {k: ("fc2",) if name == "CharMLP" and v == ("out",) else v for k, v in options.items()}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_nothing_changes_at_the_start_and_merged_equals_unmerged(name, options):
    body, x = bodies()[name], codes()
    before = theta_of(body).clone()
    small = adapters.add(body, 2, **options_for(name, options))
    torch.testing.assert_close(small(x), body(x), rtol=1e-6, atol=1e-6)
    moved = models.with_theta(small, models.flatten(small) + 0.3 * torch.randn(models.count(small), generator=generator(1)))
    whole = adapters.merge(moved)
    assert (moved(x) - body(x)).abs().max() > 1e-3
    torch.testing.assert_close(whole(x), moved(x), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(models.predict(small, models.flatten(moved), x), moved(x).detach(), rtol=1e-6, atol=1e-6)
    assert torch.equal(theta_of(body), before)  # the given model is left as it is
    assert [(n, p.shape) for n, p in whole.named_parameters()] == [(n, p.shape) for n, p in body.named_parameters()]
    assert all(p.requires_grad for p in whole.parameters()) and type(whole) is type(body)


@given(st.integers(1, 3), st.floats(0.1, 10.0), st.integers(0, 2**20))
def test_the_weight_is_the_papers_formula(rank, alpha, seed):
    body = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    small = adapters.add(body, rank, alpha=alpha, seed=seed)
    small = models.with_theta(small, torch.randn(models.count(small), generator=generator(seed), dtype=torch.float64))
    for place in (0, 2):
        part = small[place]
        expected = body[place].weight + alpha / rank * part.weight_b @ part.weight_a
        torch.testing.assert_close(adapters.merge(small)[place].weight, expected)
        assert part.weight_a.shape == (rank, body[place].in_features)


@pytest.mark.parametrize("name", BODIES)
def test_a_run_equals_training_client_by_client(name):
    small, fed = adapters.add(bodies()[name], 2), case("attention")[2]
    history = train(small, fed, rounds=2, local_steps=3, lr=0.5, chunk=16)
    torch.testing.assert_close(history.theta, loop(small, fed, rounds=2, steps=3, lr=0.5), rtol=1e-5, atol=1e-5)
    end = history.trained()
    for (key, p), (_, q) in zip(small.named_parameters(), end.named_parameters(), strict=True):
        assert torch.equal(p, q) == (not p.requires_grad), key  # A and B both moved, and the body did not
    assert adapters.merge(end)(codes()).isfinite().all()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_only_what_trains_is_sent_clipped_and_paid_for(options):
    small, fed = adapters.add(bodies()["CharGRU"], 1, **options), case("CharGRU")[2]
    counted = sum(p.numel() for p in small.parameters() if p.requires_grad)
    found = adapters.share(small)
    assert found.travels == counted == len(models.flatten(small)) < found.parameters == models.count(bodies()["CharGRU"])
    assert found.share == counted / found.parameters
    noise = mechanisms.Gaussian(1.0, 0.1)
    history = train(small, fed, rounds=2, mechanism=noise, delta=1e-5, seed=2)
    assert history.theta.shape == (counted,) and history.epsilon[-1] == pytest.approx(
        train(bodies()["CharGRU"], fed, rounds=2, mechanism=noise, delta=1e-5, seed=3).epsilon[-1]
    )  # ε is of the mechanism, whatever the length
    clipped = train(small, fed, rounds=1, lr=50.0, mechanism=mechanisms.Gaussian(0.0, 0.1))
    assert (clipped.theta - models.flatten(small)).norm() <= 0.1 + 1e-6  # A and B together, in one clip


def test_frozen_a_makes_the_products_mean_the_mean_of_products():
    """With A drawn once, mean(B_k)·A = mean(B_k·A); with both trained it is not."""
    body, fed = bodies()["CharMLP"], case("CharMLP")[2]
    for train_a, same in ((False, True), (True, False)):
        small = adapters.add(body, 2, layers=("fc1",), train_a=train_a)
        grown = train(small, fed, rounds=2, local_steps=3, lr=2.0).theta
        thetas = grown + torch.randn(5, len(grown), generator=generator(3))

        def product(theta, small=small):
            part = models.with_theta(small, theta).fc1
            return (part.weight_b @ part.weight_a).detach()

        of_mean, mean_of = product(thetas.mean(0)), torch.stack([product(theta) for theta in thetas]).mean(0)
        assert torch.allclose(of_mean, mean_of, atol=1e-5) == same


def test_the_seed_draws_a_and_touches_no_global_state():
    body = bodies()["CharGRU"]
    with global_random_state_untouched():
        one, same, other = (adapters.add(body, 2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(models.flatten(one), models.flatten(same))
    assert not torch.equal(models.flatten(one), models.flatten(other))
    a = adapters.add(nn.Linear(400, 300), 300, seed=3).weight_a.detach()
    assert abs(float(a.std()) * 20 - 1) < 0.02  # variance 1/columns; five standard errors of 120,000 draws


def test_a_layer_in_two_places_has_one_adapter():
    layer = nn.Linear(4, 4)
    small = adapters.add(nn.Sequential(layer, nn.Tanh(), layer), 1)
    assert small[0] is small[2] and adapters.share(small).travels == 8
    whole = adapters.merge(small)
    assert whole[0] is whole[2] and type(whole[0]) is nn.Linear


def body():
    return models.MLP(4, 5, 3)


BAD = {
    "no module": (lambda: adapters.add("MLP", 1), TypeError, ["model", "MLP"]),
    "rank zero": (lambda: adapters.add(body(), 0), ValueError, ["rank", "0", ">= 1"]),
    "rank too large": (lambda: adapters.add(body(), 4), ValueError, ["rank", "3", "'fc2'", "4"]),
    "alpha zero": (lambda: adapters.add(body(), 1, alpha=0), ValueError, ["alpha", "0"]),
    "unknown layer": (lambda: adapters.add(body(), 1, layers=("fc3",)), ValueError, ["layers", "fc1", "'fc3'"]),
    "no layers": (lambda: adapters.add(body(), 1, layers=()), ValueError, ["layers", "none"]),
    "everything trains": (lambda: adapters.add(body(), 1, train=("fc1", "fc2")), ValueError, ["layers", "none"]),
    "another kind": (
        lambda: adapters.add(nn.Sequential(nn.Conv1d(1, 2, 3)), 1, layers=("0",)),
        ValueError,
        ["layers", "Conv1d", "'0'", "Linear"],
    ),
    "unknown in train": (lambda: adapters.add(body(), 1, train=("fc9",)), ValueError, ["train", "fc1", "'fc9'"]),
    "train as number": (lambda: adapters.add(body(), 1, train=1), TypeError, ["train", "1"]),
    "a shared weight": (lambda: adapters.add(Tied(), 1, layers=("out",)), ValueError, ["layers", "'out'", "shares"]),
    "twice": (lambda: adapters.add(adapters.add(body(), 1), 1), ValueError, ["model", "merge"]),
    "merge nothing": (lambda: adapters.merge(body()), ValueError, ["model", "adapters"]),
    "share of nothing": (lambda: adapters.share(body()), ValueError, ["model", "adapters"]),
    "a word for a flag": (lambda: adapters.add(body(), 1, train_a="no"), TypeError, ["train_a", "no"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name_and_value(name):
    call, error, fragments = BAD[name]
    refuses(call, error, *fragments)
