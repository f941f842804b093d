"""secure: the sum comes out exactly, single vectors do not, and nothing is revealed to too few."""

import pathlib
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fldp_lib import accounting, aggregation, data, mechanisms, models, train
from fldp_lib.training.transport import primitives, secure

PRIME = secure.PRIME


def seeded(seed):
    """Random bytes that repeat, for tests only."""
    return random.Random(seed).randbytes


def numbers(clients, length=5, seed=0):
    return np.random.default_rng(seed).integers(0, PRIME, (clients, length))


def total(vectors):
    return np.array([sum(int(v) for v in column) % PRIME for column in vectors.T])


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_sum_of_any_survivors_is_exact(data):
    clients = data.draw(st.integers(2, 7))
    threshold = data.draw(st.integers(clients // 2 + 1, clients))
    dropped = data.draw(st.sets(st.integers(0, clients - 1), max_size=clients - threshold))
    vectors = numbers(clients, 5, data.draw(st.integers(0, 99)))
    found, masked = secure.aggregate(vectors, threshold, dropped, seeded(1))
    alive = [k for k in range(clients) if k not in dropped]
    np.testing.assert_array_equal(found, total(vectors[alive]))
    assert set(masked) == set(alive)


def test_secret_sharing_leaves_the_process_its_event_loop():
    """Where uvloop is installed (the test environment has it), MPyC's import would put it in asyncio's place."""
    code = (
        "import asyncio, os; before = type(asyncio.new_event_loop()), dict(os.environ)\n"
        "from fldp_lib.training.transport import primitives\n"
        "primitives.split([7], 2, 3); import mpyc\n"
        "assert before == (type(asyncio.new_event_loop()), dict(os.environ)), asyncio.new_event_loop()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=pathlib.Path(__file__).resolve().parents[2])


def test_a_masked_vector_looks_uniform_whatever_is_in_it():
    """Chi-squared over 64 cells, 20,000 numbers each, three clients, inputs of zeros and of ones; false alarms 1e-6."""
    for value in (0, 1):
        _, masked = secure.aggregate(np.full((3, 20_000), value), 2, entropy=seeded(value))
        for vector in masked.values():
            assert stats.chisquare(np.bincount((vector >> 55).astype(int), minlength=64)).pvalue > 1e-6
    _, again = secure.aggregate(np.zeros((3, 20_000), dtype=np.int64), 2, entropy=seeded(1))
    assert np.abs(again[0] - masked[0]).max() == 1  # the same masks: only they hide the difference


def test_masks_are_fresh_by_default():
    one, two = (secure.aggregate(np.zeros((2, 50), dtype=np.int64), 2)[1] for _ in range(2))
    assert (one[0] != two[0]).all()


def test_too_few_survivors_are_refused_before_anything_is_revealed():
    with pytest.raises(ValueError, match=r"survivors must be at least 4.*nothing is revealed"):
        secure.aggregate(numbers(5, 3), 4, dropped=(0, 1), entropy=seeded(0))


def ready(clients=4, threshold=3):
    people = [secure.Client(k, clients, threshold, seeded(k)) for k in range(clients)]
    keys = {p.number: p.advertise() for p in people}
    boxes = {p.number: p.share(keys) for p in people}
    for p in people:
        p.mask(np.zeros(2, dtype=np.int64), {k: box[p.number] for k, box in boxes.items() if k != p.number})
    return people, keys, boxes


def test_a_client_answers_the_last_step_once():
    """Asked again with another list it would give the second share, and both together are the client's vector."""
    people, *_ = ready()
    people[0].unmask({0, 1, 2, 3})
    with pytest.raises(ValueError, match="answered once"):
        people[0].unmask({0, 1, 2})


def test_one_answer_holds_one_secret_of_each_client():
    people, *_ = ready()
    answer = people[1].unmask({0, 1, 2})
    assert set(answer) == {0, 1, 2, 3}
    seed_share, own_share = people[1].held[3]
    assert answer[3] == seed_share != own_share and answer[0] == people[1].held[0][1]


def test_a_refused_request_does_not_use_up_the_step():
    people, *_ = ready()
    with pytest.raises(ValueError, match="survivors must be at least 3"):
        people[0].unmask({0, 1})
    with pytest.raises(ValueError, match="must have sent shares"):
        people[0].unmask({0, 1, 2, 9})
    assert people[0].unmask({0, 1, 2})


def test_steps_come_in_order():
    client = secure.Client(0, 3, 2, seeded(0))
    with pytest.raises(ValueError, match="must follow step"):
        client.share({})
    client.advertise()
    with pytest.raises(ValueError, match="must follow step"):
        client.advertise()


def test_shares_travel_encrypted_and_for_one_reader():
    from cryptography.exceptions import InvalidTag

    people, keys, boxes = ready()
    key = primitives.agree(people[2].cipher, keys[0][0], b"share", 0, 2)
    assert primitives.unseal(key, boxes[0][2]) == people[2].held[0]
    wrong = primitives.agree(people[1].cipher, keys[0][0], b"share", 0, 1)
    with pytest.raises(InvalidTag):
        primitives.unseal(wrong, boxes[0][2])


@given(secret=st.integers(0, 2**128 - 1), data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_threshold_recovers_a_secret_and_one_less_does_not(secret, data):
    clients = data.draw(st.integers(2, 9))
    threshold = data.draw(st.integers(2, clients))
    rows = primitives.split([secret], threshold, clients)
    some = data.draw(st.permutations(range(clients)))
    assert primitives.join([(k, rows[k]) for k in some[:threshold]]) == [secret]
    assert primitives.join([(k, rows[k]) for k in some[: threshold - 1]]) != [secret]


def test_one_share_is_uniform():
    """Kolmogorov–Smirnov on 4,000 shares of one secret; false alarm 1e-6."""
    shares = [primitives.split([7], 3, 3)[0][0] / primitives.SHARES for _ in range(4_000)]
    assert stats.kstest(shares, "uniform").pvalue > 1e-6


@given(bound=st.floats(0.01, 100), bits=st.integers(2, 30), seed=st.integers(0, 100))
def test_floats_survive_to_half_a_step_each(bound, bits, seed):
    updates = np.random.default_rng(seed).uniform(-bound, bound, (20, 6))
    found = secure.from_field(total(secure.to_field(updates, bound, bits)), bound, bits)
    assert np.abs(found - updates.sum(0)).max() <= 20 * bound / 2**bits * (1 + 1e-9)


def test_what_cannot_be_encoded_is_refused():
    for wrong in ([1.1], [np.nan], [-np.inf]):
        with pytest.raises(ValueError, match="updates must lie in"):
            secure.to_field(np.array(wrong), 1.0)
    for wrong in ({"bound": 0.0}, {"bound": 1.0, "bits": 1}, {"bound": 1.0, "bits": 41}):
        with pytest.raises(ValueError, match=r"bound|bits"):
            secure.to_field(np.zeros(2), **wrong)


@pytest.mark.parametrize(("clients", "threshold", "words"), [(1, 1, "clients"), (4, 2, "threshold"), (4, 5, "threshold")])
def test_bad_numbers_are_named(clients, threshold, words):
    with pytest.raises(ValueError, match=words):
        secure.Client(0, clients, threshold)


def test_the_revealed_sum_carries_the_noise_of_all_shares():
    """Clients add their shares of Gaussian noise before masking: the sum's deviation is the mechanism's, within 5 standard
    errors (false alarm 6e-7); with clients dropped it is smaller by the root of their share, which the caller must cover."""
    import torch

    mechanism = mechanisms.Gaussian(2.0, clip=1.0, at="shares")
    shares = mechanism.share_rows(8, (4_000,), 8, torch.Generator().manual_seed(0)).numpy()
    for dropped in ((), (0, 5)):
        found, _ = secure.aggregate(secure.to_field(shares, 50.0, 30), 5, dropped, seeded(3))
        expected = 2.0 * ((8 - len(dropped)) / 8) ** 0.5
        assert abs(secure.from_field(found, 50.0, 30).std() / expected - 1) < 5 / 8_000**0.5


def test_training_by_secure_sums_is_training_by_plain_sums():
    """Same seed, same noise in shares: the parameters differ by the rounding of 3 rounds only, and ε is the same."""
    people = data.split(data.load("digits"), 6, seed=0)
    mechanism = accounting.calibrate("gaussian", epsilon=4.0, rounds=3, clip=1.0, at="shares")
    runs = [
        train(models.Linear(64, 10), people, rounds=3, lr=0.5, mechanism=mechanism, aggregator=a, progress=False)
        for a in (aggregation.mean, aggregation.SecureMean(bound=40.0))
    ]
    assert 0 < (runs[0].theta - runs[1].theta).abs().max() < 3 * 40.0 / 2**24 + 1e-5
    np.testing.assert_array_equal(runs[0].epsilon, runs[1].epsilon)


def test_a_secure_mean_refuses_what_it_cannot_keep():
    people = data.split(data.load("digits"), 6, seed=0)
    mechanism = accounting.calibrate("gaussian", epsilon=4.0, rounds=3, clip=1.0, at="shares")
    options = {"rounds": 3, "mechanism": mechanism, "progress": False}
    with pytest.raises(ValueError, match="sampling_rate must be 1"):
        train(models.Linear(64, 10), people, aggregator=aggregation.SecureMean(40.0), sampling_rate=0.5, **options)
    with pytest.raises(ValueError, match="updates must lie in"):
        train(models.Linear(64, 10), people, aggregator=aggregation.SecureMean(1e-3), **options)
    for wrong in (
        {"bound": 0.0},
        {"bound": 1.0, "threshold": 0.4},
        {"bound": 1.0, "threshold": 1.0},
        {"bound": 1.0, "bits": 1},
    ):
        with pytest.raises(ValueError, match=list(wrong)[-1]):
            aggregation.SecureMean(**wrong)


@pytest.mark.parametrize("total", [[-1], [secure.PRIME], [0.5], [2**62]])
def test_a_sum_outside_the_field_is_refused(total):
    with pytest.raises(ValueError, match="total must"):
        secure.from_field(np.array(total), 1.0)
