"""rounding, secure sums modulo 2^bits, and `train` with noise in whole numbers: what arrives is what was sent."""

import dataclasses
import math
import random

import numpy as np
import pytest
import torch
from conftest import federation, generator
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from fldp_lib import Plan, aggregation, mechanisms, models, train
from fldp_lib.privacy import integers
from fldp_lib.training import algorithms
from fldp_lib.training.transport import messages, rounding, secure

FED = federation([3, 2, 4, 3, 5, 2])
MODEL = models.Linear(3, 2)


def rows(count, parameters, norm=1.0, seed=0):
    drawn = torch.randn(count, parameters, generator=generator(seed), dtype=torch.float64)
    return norm * drawn / drawn.norm(dim=1, keepdim=True)


@pytest.mark.parametrize("parameters", [1, 2, 5, 8, 100])
def test_a_rotation_keeps_lengths_and_is_undone(parameters):
    sent = rows(4, parameters)
    turned = rounding.rotate(sent, 7)
    torch.testing.assert_close(turned.norm(dim=1), torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(rounding.unrotate(turned, 7, parameters), sent)
    assert parameters < 5 or not torch.allclose(turned, rounding.rotate(sent, 8))


def test_a_rotation_is_signs_and_hadamards_matrix():
    turned = rounding.rotate(torch.eye(32, dtype=torch.float64), 3)
    signs = torch.from_numpy(linalg.hadamard(32) / math.sqrt(32)) * turned  # one sign a row
    assert torch.equal(signs.sign(), signs.sign()[:, :1].expand(32, 32)) and len(set(signs.sign()[:, 0].tolist())) == 2


def test_a_rotation_spreads_a_single_number_over_all():
    turned = rounding.rotate(torch.nn.functional.one_hot(torch.tensor([17]), 1024), 1)
    torch.testing.assert_close(turned.abs(), torch.full((1, 1024), 1 / 32, dtype=torch.float64))


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(6, 16), st.integers(0, 2**62 - 1), st.floats(0.0, 1.0))
def test_no_rounded_vector_is_longer_than_its_bound(parameters, bits, seed, norm):
    grid = integers.Skellam(0.5, 1.0, bits=bits).grid(parameters, 5)
    sent = rounding.encode(rows(5, parameters, norm, seed % 99), grid, seed, torch.arange(5))
    assert (sent.square().sum(1) <= grid.norm2).all() and sent.dtype == torch.int64


def test_who_is_too_long_rounds_again_and_in_the_end_towards_zero():
    grid = integers.Skellam(1.0, 1.0, bits=16).grid(64, 4)
    tight = dataclasses.replace(grid, norm2=math.floor(1 / grid.step**2))  # no room for rounding up
    sent = rounding.encode(rows(4, 64), tight, 5, torch.arange(4))
    assert (sent.square().sum(1) <= tight.norm2).all()
    with pytest.raises(ValueError, match=r"^rows must be clipped"):
        rounding.encode(rows(4, 64, 1.5), grid, 5, torch.arange(4))


def test_rounding_is_right_on_average():
    """Two thousand roundings of one vector; each number's mean is within five standard errors, all of 64."""
    grid = integers.Skellam(1.0, 1.0, bits=12).grid(64, 2000)
    one = rows(1, 64)
    sent = rounding.encode(one.expand(2000, 64), grid, 11, torch.arange(2000)).double()
    exact = rounding.rotate(one, 11)[0] / grid.step
    error = (sent.mean(0) - exact) / (sent.std(0) / math.sqrt(2000)).clamp(min=1e-3)
    assert error.abs().max() < 5.5


def test_coins_do_not_depend_on_who_else_is_there():
    grid, sent = integers.Skellam(1.0, 1.0).grid(20, 8), rows(8, 20)
    everyone = rounding.encode(sent, grid, 9, torch.arange(8))
    assert torch.equal(everyone[5:], rounding.encode(sent[5:], grid, 9, torch.arange(5, 8)))


def test_decoded_sums_are_exact_with_three_in_ten_dropped_out():
    """The whole protocol modulo 2^16: without noise what is decoded is the sum of the survivors' whole numbers."""
    grid = integers.Skellam(0.0, 1.0, bits=16, answering=0.7).grid(50, 10)
    sent = rounding.encode(rows(10, 50), grid, 3, torch.arange(10))
    dropped = (1, 4, 8)
    total, masked = secure.aggregate(
        (sent % grid.modulus).numpy(), 7, dropped, random.Random(1).randbytes, modulus=grid.modulus
    )
    alive = [k for k in range(10) if k not in dropped]
    signed = (total + grid.modulus // 2) % grid.modulus - grid.modulus // 2
    np.testing.assert_array_equal(signed, sent[alive].sum(0).numpy())
    decoded = rounding.decode(torch.from_numpy(total), grid, 3, 50)
    torch.testing.assert_close(decoded, rounding.unrotate(grid.step * sent[alive].sum(0).double()[None], 3, 50)[0])
    assert all(vector.max() < grid.modulus for vector in masked.values())
    packed = messages.pack(masked[0], grid.bits)
    assert len(packed) == grid.bytes and np.array_equal(messages.unpack(packed, grid.bits, grid.length), masked[0])


@settings(max_examples=10)
@given(st.integers(2, 6), st.sampled_from([2, 5, 16, 40, 60]), st.integers(0, 99))
def test_sums_are_exact_modulo_any_power_of_two(clients, bits, seed):
    vectors = np.random.default_rng(seed).integers(0, 2**bits, (clients, 3))
    found, _ = secure.aggregate(vectors, clients // 2 + 1, (), random.Random(seed).randbytes, modulus=2**bits)
    np.testing.assert_array_equal(found, [sum(map(int, column)) % 2**bits for column in vectors.T])


def test_masked_numbers_of_few_bits_look_uniform():
    """Chi-squared over 16 values, 20,000 numbers each of three clients; false alarms 1e-6."""
    _, masked = secure.aggregate(np.ones((3, 20_000), int), 2, entropy=random.Random(2).randbytes, modulus=16)
    for vector in masked.values():
        assert stats.chisquare(np.bincount(vector, minlength=16)).pvalue > 1e-6


@pytest.mark.parametrize("modulus", [3, 48, 2**62, 2**61, 0, None])
def test_a_modulus_on_which_masks_are_not_uniform_is_refused(modulus):
    with pytest.raises((TypeError, ValueError), match=r"^modulus must be"):
        secure.aggregate(np.ones((3, 2), int), 2, modulus=modulus)


# In train --------------------------------------------------------------------------------------------------------------


def run(mechanism, fed=FED, model=MODEL, **settings):
    settings = {"rounds": 3, "lr": 0.5, "seed": 1} | settings
    return train(model, fed, Plan(mechanism=mechanism, **settings), progress=False)


def test_without_noise_it_is_the_clipped_mean_to_the_grid():
    plain, whole = run(mechanisms.Gaussian(0.0, 0.3)), run(integers.Skellam(0.0, 0.3, bits=20))
    torch.testing.assert_close(whole.theta, plain.theta, atol=1e-4, rtol=0)
    assert not torch.equal(whole.theta, plain.theta)


def test_secure_sums_are_the_plain_sums_to_the_last_bit():
    """No noise: the coins are the round's and the client's, the same whole numbers arrive, through masks or not."""
    quiet = integers.Skellam(0.0, 0.3)
    assert torch.equal(run(quiet, aggregator=aggregation.SecureMean()).theta, run(quiet).theta)


def test_secure_shares_have_the_deviation_that_a_plain_sum_has():
    """Noise alone, on a still model: variance over 160 numbers, of shares through masks and of their sum; 5 errors wide."""
    model = models.Linear(79, 2)
    fed = federation([1] * 6, features=79)
    for aggregator in (aggregation.mean, aggregation.SecureMean()):
        found = run(integers.Skellam(50.0, 1.0, answering=0.5), fed, model, rounds=1, lr=1e-9, aggregator=aggregator)
        moved = found.theta - models.flatten(model)
        assert abs(float(moved.var()) / found.noise_std[0] ** 2 - 1) < 5 * math.sqrt(2 / 160)
    assert found.noise_std[0] > math.sqrt(2) * 50 / 6  # sized for three of six, and all six answer


def test_chunks_change_nothing():
    fed = federation([2] * 40)
    plan = Plan(rounds=2, lr=0.5, mechanism=integers.Skellam(1.0, 0.3), sampling_rate=0.7, seed=4)
    whole, parts = (train(MODEL, fed, plan, progress=False, chunk=size) for size in (64, 16))
    assert torch.equal(whole.theta, parts.theta)


@pytest.mark.parametrize("local", [algorithms.FedAvg(2), algorithms.FedProx(2, 0.1), algorithms.Scaffold(2)])
def test_local_algorithms_train_with_it(local):
    found = run(integers.Skellam(0.5, 1.0), local=local)
    assert found.theta.isfinite().all() and found.epsilon[-1] == run(mechanisms.Gaussian(0.5, 1.0), local=local).epsilon[-1]


def test_the_history_says_it(tmp_path):
    mechanism = integers.Skellam(1.0, 1.0, bits=12, answering=0.5)
    found = run(mechanism, seed=None)
    grid = mechanism.grid(8, 6)
    assert "of at least 50% of the clients, whole numbers of 12 bits, every bit priced" in found.guarantee
    assert found.bytes_up[0] == 6 * grid.bytes and found.noise_std[0] == pytest.approx(grid.std / 6)
    card = found.card("a", ["b"], "c", "d", "e", "2026-01-01", ["f"])
    assert "drawn, added up and priced in whole numbers" in str(card) and "floating point" not in str(card)


def test_the_guarantee_says_whether_the_last_bits_are_in_it():
    shares = mechanisms.Gaussian(1.0, 1.0, at="shares")
    for mechanism, aggregator, out in (
        (shares, aggregation.SecureMean(bound=40.0), True),
        (shares, aggregation.mean, False),  # no rounding: a simulation of the sum
        (mechanisms.Gaussian(1.0, 1.0), aggregation.SecureMean(bound=40.0), False),
        (integers.Skellam(1.0, 1.0), aggregation.SecureMean(), False),
    ):
        found = run(mechanism, aggregator=aggregator, rounds=1)
        assert ("the last bits, rounded after the noise" in found.guarantee) == out


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    plan = Plan(rounds=4, lr=0.5, mechanism=integers.Skellam(1.0, 0.3), seed=3)
    straight = train(MODEL, FED, plan, progress=False)
    path = tmp_path / "run.pt"
    train(MODEL, FED, plan, progress=False, checkpoint=path, until=2)
    assert torch.equal(train(MODEL, FED, plan, progress=False, checkpoint=path).theta, straight.theta)
    other = plan.changed(mechanism=integers.Skellam(1.0, 0.3, bits=15))
    with pytest.raises(ValueError, match="mechanism"):
        train(MODEL, FED, other, progress=False, checkpoint=path)


def test_a_lost_update_is_zero_and_its_share_is_there():
    def spoilt(outputs, targets):
        return (outputs.squeeze(-1) - targets).square()

    fed = federation([3, 2, 4], task="regression")
    fed.x[1] = 1e38  # its gradient overflows
    with pytest.warns(UserWarning, match="counted as zero"):
        found = run(integers.Skellam(0.5, 1.0), fed, models.Linear(3, 1), loss=spoilt)
    assert found.theta.isfinite().all() and found.dropped.max() == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (dict(aggregator=aggregation.median), "^aggregator must be a sum"),
        (dict(aggregator=aggregation.weighted_mean), "^aggregator must have"),
        (dict(sampler="fixed", sampling_rate=0.5), "^sampler must be"),
        (dict(aggregator=aggregation.SecureMean(), sampling_rate=0.5), "^sampling_rate must be 1"),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_what_makes_no_sense_is_refused_by_name(settings, said, noise):
    if not noise and settings.keys() & {"sampling_rate"}:
        pytest.skip("makes sense without noise")
    with pytest.raises(ValueError, match=said):
        Plan(rounds=2, mechanism=integers.Skellam(noise, 1.0), **settings)


def test_a_secure_mean_without_a_bound_is_for_whole_numbers_alone():
    for mechanism in (None, mechanisms.Gaussian(1.0, 1.0, at="shares")):
        with pytest.raises(ValueError, match=r"^aggregator must have a bound"):
            Plan(rounds=2, mechanism=mechanism, aggregator=aggregation.SecureMean())


def test_too_few_bits_are_refused_before_the_first_round():
    with pytest.raises(ValueError, match=r"^bits must be at least"):
        run(integers.Skellam(9.0, 1.0, bits=4))
