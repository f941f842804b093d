"""attacks: records come back from plain updates, and not from private ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fldp_lib import clients, data, mechanisms, models
from fldp_lib.adversary import inversion

LINEAR, NETWORK = models.Linear(64, 10, seed=1), models.MLP(64, 32, 10, seed=2)


@pytest.fixture(scope="module")
def people():
    return data.split(data.load("digits"), 1437).select(torch.arange(10))


def updates_of(model, people):
    return clients.local_updates(model, models.flatten(model), people, lr=2.0)


@pytest.mark.parametrize("model", [LINEAR, NETWORK], ids=["linear", "network"])
def test_one_record_is_read_exactly_and_its_label(model, people):
    for update, x, y in zip(updates_of(model, people), people.x[:, 0], people.y[:, 0], strict=True):
        assert torch.allclose(inversion.read_first_layer(model, update), x, atol=1e-4)
        assert inversion.label_of(model, update) == y


@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_scaling_an_update_protects_nothing(factor, seed):
    x = torch.rand(1, 1, 64, generator=torch.Generator().manual_seed(seed))
    fed = data.Federation(
        x, torch.tensor([[3]]), torch.ones(1, 1, dtype=torch.bool), x[0], torch.tensor([3]), "classification"
    )
    update = updates_of(LINEAR, fed)[0]
    assert torch.allclose(inversion.read_first_layer(LINEAR, factor * update), x[0, 0], atol=1e-3)
    clipped, _ = mechanisms.clip_rows(update.unsqueeze(0), 1e-2)
    assert torch.allclose(inversion.read_first_layer(LINEAR, clipped[0]), x[0, 0], atol=1e-3)


@pytest.mark.parametrize("model", [LINEAR, NETWORK], ids=["linear", "network"])
def test_matching_gradients_finds_eight_of_ten_images(model, people):
    theta, hits = models.flatten(model), 0
    for update, x in zip(updates_of(model, people), people.x[:, 0], strict=True):
        found, distance = inversion.match_gradients(model, theta, update)
        assert found.min() >= 0 and found.max() <= 1 and distance >= -1e-6
        hits += float((found - x).abs().mean()) <= 0.05
    assert hits >= 8


def test_more_starts_are_never_worse(people):
    update, theta = updates_of(NETWORK, people)[3], models.flatten(NETWORK)
    distances = [inversion.match_gradients(NETWORK, theta, update, restarts=n)[1] for n in (1, 2, 4)]
    assert distances == sorted(distances, reverse=True)


def test_noise_makes_the_reading_worse_than_the_average_digit(people):
    """One-round reports under ε = 2 and less, of ten clients: the error exceeds that of guessing the public mean image."""
    from fldp_lib import accounting

    mean = people.x_test.mean(0)
    for epsilon in (0.5, 2.0):
        mechanism = accounting.calibrate("gaussian", epsilon=epsilon, clip=6.0, at="client")
        sent, _ = mechanism.clip_rows(updates_of(LINEAR, people))
        noisy = sent + mechanism.noise_rows(10, sent.shape[1:], torch.Generator().manual_seed(0)).float()
        found = torch.stack([inversion.read_first_layer(LINEAR, update) for update in noisy]).clamp(0, 1)
        assert (found - people.x[:, 0]).abs().mean() > (mean - people.x[:, 0]).abs().mean()


def test_no_update_gives_no_record():
    assert not inversion.read_first_layer(LINEAR, torch.zeros(650)).any()


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"restarts": 0}, {"seed": -1}])
def test_bad_arguments_are_named(wrong, people):
    update = updates_of(LINEAR, people)[0]
    with pytest.raises(ValueError, match=next(iter(wrong))):
        inversion.match_gradients(LINEAR, models.flatten(LINEAR), update, **wrong)
    with pytest.raises(ValueError, match="update must be numbers of shape"):
        inversion.read_first_layer(LINEAR, update[1:])
