"""compression: messages that decode to what was compressed, errors that are fed back, guarantees that stay."""

import math

import numpy as np
import pytest
import torch
from conftest import federation
from conftest import generator as stream
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib import accounting, aggregation, data, mechanisms, models, train
from fldp_lib.training._streams import streams
from fldp_lib.training.transport import messages
from fldp_lib.training.transport.compression import Channel, Quantise, RandomK, TopK

COMPRESSORS = (TopK(0.01), TopK(0.3), TopK(1.0), RandomK(0.1), RandomK(1.0), Quantise(2), Quantise(5), Quantise(16))
vectors = st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=70).map(torch.tensor)


@settings(max_examples=150, deadline=None)
@given(vector=vectors, place=st.integers(0, len(COMPRESSORS) - 1), seed=st.integers(0, 2**62 - 1))
def test_a_message_decodes_to_what_was_compressed(vector, place, seed):
    compressor = COMPRESSORS[place]
    message = compressor.encode(vector, seed)
    assert isinstance(message, bytes) and len(message) == compressor.size(len(vector))
    assert torch.equal(compressor.decode(message, len(vector)), compressor.compress(vector.unsqueeze(0), seed)[0])


@given(vector=vectors, share=st.floats(0.01, 1))
def test_top_k_keeps_the_largest_and_nothing_else(vector, share):
    kept = TopK(share).compress(vector.unsqueeze(0))[0]
    count = TopK(share).kept(len(vector))
    assert count == max(1, math.ceil(share * len(vector) - 1e-9))
    largest = np.sort(np.abs(vector.numpy()))[::-1][:count]
    np.testing.assert_array_equal(np.sort(np.abs(kept.numpy()))[::-1][:count], largest)
    assert (kept != 0).sum() <= count and ((kept == 0) | (kept == vector)).all()


@given(vector=vectors, seed=st.integers(0, 1_000), share=st.floats(0.01, 1))
def test_random_k_chooses_without_looking(vector, seed, share):
    chosen = RandomK(share).compress(torch.ones(3, len(vector)), seed)
    assert (chosen == chosen[0]).all() and int(chosen[0].sum()) == RandomK(share).kept(len(vector))
    assert torch.equal(RandomK(share).compress(vector.unsqueeze(0), seed)[0], vector * chosen[0])


def test_quantisation_is_unbiased_and_bounded():
    """Mean of 20,000 roundings within 5 standard errors in each of 40 entries: false alarms below 3e-5."""
    vector = torch.linspace(-1, 2, 40)
    for bits in (2, 4):
        quantise = Quantise(bits)
        step = 2 / quantise.steps
        rows = quantise.compress(vector.expand(20_000, -1), seed=3)
        assert (rows - vector).abs().max() < step * (1 + 1e-6)
        assert (rows.double().mean(0) - vector).abs().max() < 5 * step / 2 / math.sqrt(20_000)
        assert torch.equal(quantise.compress(torch.zeros(2, 5)), torch.zeros(2, 5))


@pytest.mark.parametrize("compressor", [TopK(0.2), RandomK(0.2), Quantise(3, error_feedback=True)])
def test_nothing_is_lost_with_error_feedback(compressor):
    """What was sent over all rounds, and the remainder, add up to all updates."""
    generator = torch.Generator().manual_seed(0)
    channel, total = Channel(compressor, 5, torch.zeros(30), stream()), torch.zeros(5, 30)
    sent = torch.zeros(5, 30)
    for members in (torch.arange(5), torch.tensor([0, 3]), torch.arange(5)):
        updates = torch.randn(len(members), 30, generator=generator)
        total[members] += updates
        sent[members] += channel.open().send(updates, members)
    assert torch.allclose(sent + channel.rest, total, atol=1e-5)
    assert channel.rest[1].abs().max() > 0


def test_without_feedback_nothing_stays():
    channel = Channel(TopK(0.2, error_feedback=False), 2, torch.zeros(10), stream())
    channel.send(torch.ones(2, 10), torch.arange(2))
    assert channel.rest is None


def test_a_broken_update_is_passed_on_and_leaves_no_remainder():
    channel = Channel(TopK(0.5), 2, torch.zeros(4), stream())
    rows = torch.tensor([[1.0, math.nan, 0, 0], [1.0, 2, 3, 4]])
    sent = channel.send(rows, torch.arange(2))
    assert not sent[0].isfinite().all() and sent[1].isfinite().all()
    assert torch.equal(channel.rest, torch.tensor([[0, 0, 0, 0], [1.0, 2, 0, 0]]))


COMPRESSED = [TopK(0.3), RandomK(0.3), Quantise(2), Quantise(4, error_feedback=True)]


@pytest.mark.parametrize("compressor", COMPRESSED, ids=str)
def test_one_client_changes_nobody_elses_message(compressor):
    """Three rounds with client 3 among the cohort, absent from it, and sending other things: what the others send is equal
    to the last bit, so that a sum of clipped messages moves by the clip."""
    draws = torch.randn(3, 9, 40, generator=torch.Generator().manual_seed(0))
    sent = []
    for kind in ("there", "absent", "other", "broken"):
        channel, rounds = Channel(compressor, 9, torch.zeros(40), stream()), []
        for rows in draws.clone():
            rows[3] *= {"other": -7.0, "broken": math.nan}.get(kind, 1.0)
            members = torch.tensor([k for k in range(9) if k != 3 or kind != "absent"])
            message = channel.open().send(rows[members], members)
            rounds.append(message[members != 3])
        sent.append(torch.stack(rounds))
    assert all(torch.equal(one, sent[0]) for one in sent)


def test_coins_are_uniform_and_no_two_alike():
    """KS over 200,000 coins of clients, places and rounds, and correlations of neighbours in each within 5 standard errors
    (false alarm 3e-6); finer than single precision."""
    rounds = torch.stack([messages.coins(seed, torch.arange(100), 200) for seed in range(10)])  # rounds × clients × places
    assert stats.kstest(rounds.flatten().numpy(), "uniform").pvalue > 1e-6
    assert len(rounds.flatten().unique()) == rounds.numel()
    for axis in range(3):
        n = rounds.shape[axis]
        one, other = rounds.narrow(axis, 0, n - 1).flatten().numpy(), rounds.narrow(axis, 1, n - 1).flatten().numpy()
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / math.sqrt(len(one))
    assert (rounds * 2**24 != (rounds * 2**24).round()).float().mean() > 0.99


def test_coins_are_the_published_mixer_s():
    """SplitMix64's first outputs from state 1234567, as published with it, are those of a counter mixed."""
    state = torch.tensor([1234567]) + messages.GAMMA * torch.arange(1, 4)
    found = [number % 2**64 for number in messages._mixed(state).tolist()]
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_without_a_seed_the_coins_cannot_be_foretold():
    seeds = (None, None, 0, 2**30, 2**31, 2**62, 2**62 + 2**32)
    channels = [Channel(Quantise(3), 2, torch.zeros(50), streams(seed)[3]) for seed in seeds]
    assert len({channel.seed for channel in channels}) == len(channels)


# In `train` -------------------------------------------------------------------------------------------------------------


def run(fed, **options):
    return train(models.Linear(3, 3), fed, rounds=4, lr=0.3, progress=False, **options)


def test_a_lossless_compressor_changes_nothing():
    fed = federation([5, 3, 8, 1, 4])
    plain, whole = run(fed), run(fed, compressor=TopK(1.0))
    assert torch.allclose(plain.theta, whole.theta, atol=1e-6)
    assert (whole.bytes_up > plain.bytes_up).all() and (whole.bytes_down == plain.bytes_down).all()


def test_bytes_are_those_of_the_messages():
    fed = federation([5, 3, 8, 1, 4])
    for compressor in (TopK(0.1), RandomK(0.3), Quantise(4)):
        history = run(fed, compressor=compressor)
        assert (history.bytes_up == 5 * len(compressor.encode(torch.randn(12, generator=torch.Generator())))).all()


@pytest.mark.parametrize("compressor", [TopK(0.2), RandomK(0.2), Quantise(3)])
@pytest.mark.parametrize("place", ["server", "client", None])
def test_chunks_do_not_matter(compressor, place):
    fed = federation([2] * 40)
    mechanism = mechanisms.Gaussian(1.0, clip=0.1, at=place) if place else None
    whole, parts = (run(fed, compressor=compressor, mechanism=mechanism, chunk=c) for c in (64, 16))
    assert torch.allclose(whole.theta, parts.theta, atol=1e-6)


@pytest.mark.parametrize("compressor", [TopK(0.3), RandomK(0.3), Quantise(2)])
@pytest.mark.parametrize("feedback", [True, False])
def test_a_client_moves_the_sum_by_no_more_than_the_clip(compressor, feedback, monkeypatch):
    """Over several rounds, remainders included: what reaches the sum of one client stays within C."""
    from dataclasses import replace

    from fldp_lib.training._tally import Tally

    seen, add = [], Tally.add
    monkeypatch.setattr(Tally, "add", lambda self, updates: (seen.append(updates), add(self, updates)))
    mechanism = mechanisms.Gaussian(1e-9, clip=0.05, at="server")
    run(federation([5, 3, 8]), compressor=replace(compressor, error_feedback=feedback), mechanism=mechanism)
    assert torch.cat(seen).norm(dim=1).max() <= 0.05 * (1 + 1e-5)
    assert torch.cat(seen).norm(dim=1).max() > 0.04  # else the clip would not have been tried


def test_a_local_report_is_compressed_after_its_noise(monkeypatch):
    """What the channel gets at the client is the noisy report: with a tiny clip it is all noise."""
    got, send = [], Channel.send
    monkeypatch.setattr(
        Channel, "send", lambda self, updates, members: (got.append(updates), send(self, updates, members))[1]
    )
    fed = federation([4] * 6)
    run(fed, compressor=TopK(0.2), mechanism=mechanisms.Gaussian(1e6, clip=1e-3, at="client"))
    assert torch.cat(got).abs().mean() > 100
    got.clear()
    run(fed, compressor=TopK(0.2), mechanism=mechanisms.Gaussian(1e6, clip=1e-3, at="server"))
    first = got[0]
    assert first.abs().max() < 10  # before the noise


def test_the_price_is_that_of_the_plain_run():
    mechanism = accounting.calibrate("gaussian", epsilon=2.0, rounds=4, sampling_rate=0.5, clip=0.5)
    fed = federation([4] * 30)
    options = dict(mechanism=mechanism, sampling_rate=0.5)
    assert run(fed, compressor=TopK(0.2), **options).epsilon[-1] == run(fed, **options).epsilon[-1]


def test_feedback_repairs_what_top_k_forgets():
    """Two clients disagree for ever about the first weight and agree about the second, whose gradient is smaller: without
    feedback nobody ever sends the second."""
    x = torch.tensor([[1.0, 0.0], [0.0, 0.5], [1.0, 0.0], [0.0, 0.5]])
    y = torch.tensor([10.0, 0.5, -10.0, 0.5])
    fed = data.federate(x, y, [0, 0, 1, 1], data.Dataset("toy", x, y, x, y, "regression"))
    model = models.with_theta(torch.nn.Linear(2, 1, bias=False), torch.zeros(2))
    options = dict(rounds=400, lr=0.02, progress=False)
    poor, good = (train(model, fed, compressor=TopK(0.5, error_feedback=f), **options) for f in (False, True))
    assert poor.theta[1] == 0
    assert abs(good.theta[1] - 1) < 0.3


def test_robust_aggregators_see_what_was_decoded():
    fed = federation([4] * 9)
    history = run(fed, compressor=TopK(1.0), aggregator=aggregation.median)
    assert torch.allclose(history.theta, run(fed, aggregator=aggregation.median).theta, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: TopK(0), "share"),
        (lambda: TopK(1.1), "share"),
        (lambda: RandomK(-1), "share"),
        (lambda: Quantise(1), "bits"),
        (lambda: Quantise(17), "bits"),
        (
            lambda: run(federation([3]), compressor=TopK(0.5), mechanism=mechanisms.Gaussian(1.0, 1.0, at="shares")),
            "compressor",
        ),
    ],
)
def test_bad_arguments_are_named(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_a_compressor_that_is_none_is_refused():
    with pytest.raises(TypeError, match="compressor must be"):
        run(federation([3]), compressor="top-k")


@pytest.mark.parametrize("compressor", [TopK(0.2), TopK(0.01), RandomK(0.2), Quantise(4)], ids=str)
@pytest.mark.parametrize("message", [b"", b"abc", bytes(1000), None, "text", 3])
def test_what_is_no_message_is_refused(compressor, message):
    with pytest.raises(ValueError, match="message must"):
        compressor.decode(message, 500)


@pytest.mark.parametrize("compressor", [TopK(0.2), TopK(0.01)], ids=str)
def test_a_message_with_wrong_places_is_refused(compressor):
    size = compressor.size(500)
    for garbage in (bytes(size), b"\xff" * size):
        with pytest.raises(ValueError, match="message must name"):
            compressor.decode(garbage, 500)


@given(numbers=st.lists(st.integers(0, 2**13 - 1), min_size=1, max_size=60), width=st.integers(13, 20))
def test_packing_is_reversible(numbers, width):
    message = messages.pack(np.array(numbers), width)
    assert len(message) == math.ceil(len(numbers) * width / 8)
    assert messages.unpack(message, width, len(numbers)).tolist() == numbers
