"""checkpoint: a run that was killed goes on as if it had not been, or refuses to; what had left is paid for."""

import math
import stat

import numpy as np
import pytest
import torch
from conftest import federation, generator, refuses, theta_of

from fldp_lib import aggregation, clients, models, train
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.mechanisms import Gaussian, Laplace
from fldp_lib.training import _streams as streams
from fldp_lib.training.transport import compression

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2]
RUNS = {
    "no mechanism": {},
    "Gaussian, sampled": {"mechanism": Gaussian(2.0, 0.3), "sampling_rate": 0.5},
    "Laplace at the client": {"mechanism": Laplace(2.0, 0.3, "client")},
    "records in mini-batches": {"mechanism": Gaussian(2.0, 0.3, "client", "record"), "batch_rate": 0.5, "local_steps": 2},
    "shares": {"mechanism": Gaussian(2.0, 0.3, "shares")},
    "adaptive": {"mechanism": AdaptiveGaussian(2.0, 0.3, count_noise=2.0)},
    "top-k with feedback": {"compressor": compression.TopK(0.2)},
    "random levels": {"compressor": compression.Quantise(3), "sampling_rate": 0.5},
    "median": {"aggregator": aggregation.median, "proximal": 0.2, "local_steps": 2, "server_lr": 0.5},
}


class Killed(Exception):
    """What stands for a power failure."""


def start():
    return models.MLP(3, 4, 2), federation(SIZES)


def settings(name, **others):
    return {"rounds": 6, "lr": 0.3, "delta": 1e-3, "seed": 5, **RUNS[name], **others}


def kill_after(rounds):
    def callback(t, theta, record):
        if t == rounds:
            raise Killed

    return callback


def same(a, b):
    assert torch.equal(a.theta, b.theta)
    for name in (
        "cohort",
        "clip",
        "update_norms",
        "fraction_clipped",
        "dropped",
        "lost",
        "noise_std",
        "bytes_up",
        "epsilon",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    np.testing.assert_allclose(a.loss, b.loss, rtol=1e-6)
    assert a.guarantee == b.guarantee


@pytest.mark.parametrize("name", RUNS)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(name, tmp_path):
    """Killed after round 2, again after round 3, and then left alone; every round's numbers, not only the last."""
    model, fed = start()
    for rounds in (2, 3):
        with pytest.raises(Killed):
            train(model, fed, checkpoint=tmp_path / "run", callback=kill_after(rounds), **settings(name))
    same(train(model, fed, checkpoint=tmp_path / "run", **settings(name)), train(model, fed, **settings(name)))


def test_the_state_is_written_before_the_callback_sees_theta(tmp_path):
    model, fed = start()

    def callback(t, theta, record):
        state = torch.load(tmp_path / "run", weights_only=True)
        assert state["done"] == t and torch.equal(state["theta"], theta)

    train(model, fed, checkpoint=tmp_path / "run", callback=callback, **settings("Gaussian, sampled"))


def test_a_kill_inside_a_round_repeats_it_and_counts_it_once(tmp_path):
    """The noise is at the server: what the first attempt computed was not released, so the ledger has six rounds."""
    model, fed = start()
    calls = []

    def workers(t, theta, members):
        calls.append(t)
        if calls == [1, 2, 3]:
            raise Killed
        return clients.local_updates(model, theta, fed.select(members), lr=0.3)

    options = settings("Gaussian, sampled", workers=workers, checkpoint=tmp_path / "run")
    with pytest.raises(Killed):
        train(model, fed, **options)
    found = train(model, fed, **options)
    assert calls == [1, 2, 3, 3, 4, 5, 6]
    expected = train(model, fed, **settings("Gaussian, sampled"))
    torch.testing.assert_close(found.theta, expected.theta, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.epsilon, expected.epsilon)
    assert not found.lost.any()


@pytest.mark.parametrize("unit", ["client", "record"])
def test_reports_that_had_left_are_paid_for_and_the_round_is_empty(unit, tmp_path):
    model, fed = start()
    options = settings("no mechanism", mechanism=Gaussian(2.0, 0.3, "client", unit), checkpoint=tmp_path / "run")
    seen = []

    def workers(t, theta, members):
        seen.append((t, theta))
        if len(seen) == 3:
            assert torch.load(tmp_path / "run", weights_only=True)["begun"] == 3  # written ahead
            raise Killed
        return torch.ones(len(members), len(theta)) * t

    with pytest.raises(Killed):
        train(model, fed, workers=workers, **options)
    history = train(model, fed, workers=workers, **options)
    assert [t for t, _ in seen] == [1, 2, 3, 4, 5, 6]  # nobody is asked for a third round twice
    assert history.lost.tolist() == [False, False, True, False, False, False]
    assert history.rounds == 6 and history.cohort.tolist() == [6, 6, 0, 6, 6, 6]
    assert torch.equal(seen[2][1], seen[3][1])  # the lost round moved nothing
    full = train(model, fed, workers=lambda t, theta, members: torch.zeros(len(members), len(theta)),
                 **{**options, "checkpoint": None})  # fmt: skip
    np.testing.assert_array_equal(history.epsilon, full.epsilon)


def test_a_round_lost_twice_in_a_row_is_two_rounds(tmp_path):
    model, fed = start()
    options = settings("Laplace at the client", checkpoint=tmp_path / "run")

    def killed(t, theta, members):
        raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            train(model, fed, workers=killed, **options)
    history = train(model, fed, workers=lambda t, theta, members: torch.zeros(len(members), len(theta)), **options)
    assert history.lost.tolist() == [True, True, False, False, False, False]


DIFFERENT = {
    "mechanism": Gaussian(2.0, 0.4),
    "sampling_rate": 0.25,
    "lr": 0.1,
    "local_steps": 2,
    "delta": 1e-4,
    "batch_rate": 0.5,
    "proximal": 0.1,
    "server_lr": 0.5,
    "aggregator": aggregation.WeightedMean(cap=3),
    "compressor": compression.TopK(0.5),
    "seed": 6,
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_plan_is_refused_by_name(name, tmp_path):
    model, fed = start()
    train(model, fed, checkpoint=tmp_path / "run", **settings("Gaussian, sampled", rounds=1))
    options = settings("Gaussian, sampled", checkpoint=tmp_path / "run", **{name: DIFFERENT[name]})
    refuses(lambda: train(model, fed, **options), ValueError, "checkpoint", f"{name} is")


def test_another_model_start_or_federation_is_refused(tmp_path):
    model, fed = start()
    options = settings("Gaussian, sampled", checkpoint=tmp_path / "run")
    train(model, fed, **options)
    refuses(lambda: train(models.MLP(3, 5, 2), fed, **options), ValueError, "model is", "start is")
    refuses(lambda: train(models.MLP(3, 4, 2, seed=1), fed, **options), ValueError, "start is")
    refuses(lambda: train(model, federation([*SIZES, 1]), **options), ValueError, "clients is", "data is")
    refuses(lambda: train(model, fed.without(0), **options), ValueError, "data is")


def test_more_rounds_go_on_and_fewer_than_were_spent_are_refused(tmp_path):
    model, fed = start()
    options = settings("Gaussian, sampled", checkpoint=tmp_path / "run")
    train(model, fed, **{**options, "rounds": 2})
    same(train(model, fed, **options), train(model, fed, **settings("Gaussian, sampled")))
    same(train(model, fed, **options), train(model, fed, **settings("Gaussian, sampled")))  # nothing left to do
    refuses(lambda: train(model, fed, **{**options, "rounds": 5}), ValueError, "rounds must be at least the 6")


def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone(tmp_path):
    model, fed = start()
    path = tmp_path / "run"
    for content in (b"", b"not a checkpoint"):
        path.write_bytes(content)
        refuses(
            lambda: train(model, fed, checkpoint=path, **settings("no mechanism")), ValueError, "checkpoint must be a file"
        )
        assert path.read_bytes() == content
    torch.save({"format": 0}, path)
    refuses(lambda: train(model, fed, checkpoint=path, **settings("no mechanism")), ValueError, "format 1, got 0")


def test_no_code_in_the_file_is_run(tmp_path):
    model, fed = start()

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"format": 1, "theta": Trap()}, tmp_path / "run")
    refuses(lambda: train(model, fed, checkpoint=tmp_path / "run", **settings("no mechanism")), ValueError, "checkpoint")
    assert not (tmp_path / "sprung").exists()


def test_only_the_owner_may_read_the_state_and_nothing_is_left_beside_it(tmp_path):
    model, fed = start()
    train(model, fed, checkpoint=tmp_path / "run", **settings("no mechanism"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o600


# Workers: who computes the updates -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["no mechanism", "Gaussian, sampled", "adaptive", "median"])
def test_workers_that_train_as_here_change_nothing(name):
    model, fed = start()
    options = settings(name)
    own = {key: options[key] for key in ("lr", "local_steps", "proximal") if key in options}

    def workers(t, theta, members):
        return clients.local_updates(model, theta, fed.select(members), **own)

    found, expected = train(model, fed, workers=workers, **options), train(model, fed, **options)
    torch.testing.assert_close(found.theta, expected.theta, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.epsilon, expected.epsilon)


def test_no_noise_is_added_to_reports_that_arrive_with_theirs():
    """The reports are longer than the clip and are not clipped again; a missing one is zero over the fixed denominator."""
    model, fed = start()
    reports = 5 * torch.randn(6, len(theta_of(model)), generator=generator(1))
    reports[2] = math.nan
    with pytest.warns(UserWarning, match="1 updates were missing"):
        history = train(model, fed, rounds=1, mechanism=Gaussian(2.0, 0.3, "client"), delta=1e-3, workers=lambda *_: reports)
    expected = theta_of(model) + reports[[0, 1, 3, 4, 5]].sum(0) / 6
    torch.testing.assert_close(history.theta, expected)
    assert history.dropped.tolist() == [1] and history.cohort.tolist() == [6]
    assert math.isinf(history.update_norms[0, 2]) and np.isnan(history.update_norms[0, [0, 1, 3, 4, 5]]).all()
    assert math.isnan(history.fraction_clipped[0])
    assert history.noise_std[0] == pytest.approx(2.0 * 0.6 * math.sqrt(5) / 6)


@pytest.mark.parametrize("mechanism", [Gaussian(2.0, 0.3), Laplace(2.0, 0.3), Gaussian(2.0, 0.3, "client", "record")])
def test_a_client_that_does_not_answer_is_dropped_and_the_ledger_stays(mechanism):
    """Central: its row is zero, the denominator stays, the noise is whole. Record level: the mean of those that answered."""
    model, fed = start()
    rows = 0.01 * torch.randn(6, len(theta_of(model)), generator=generator(2))
    missing = rows.clone()
    missing[4] = math.nan
    options = {"rounds": 1, "mechanism": mechanism, "delta": 1e-3, "seed": 3}
    whole = train(model, fed, workers=lambda *_: rows, **options)
    with pytest.warns(UserWarning, match="missing"):
        history = train(model, fed, workers=lambda *_: missing, **options)
    assert history.dropped.tolist() == [1]
    assert history.total_epsilon == whole.total_epsilon
    moved = -rows[4] / 6 if mechanism.unit == "client" else rows[[0, 1, 2, 3, 5]].mean(0) - rows.mean(0)
    torch.testing.assert_close(history.theta, whole.theta + moved, rtol=0, atol=1e-6)


def test_workers_are_asked_once_a_round_for_the_whole_cohort():
    model, fed = models.MLP(3, 4, 2), federation([1] * 40)
    asked = []

    def workers(t, theta, members):
        asked.append((t, len(members)))
        return torch.zeros(len(members), len(theta))

    history = train(model, fed, rounds=3, sampling_rate=0.9, chunk=16, workers=workers)
    assert asked == list(zip([1, 2, 3], history.cohort, strict=True))


def test_what_workers_cannot_keep_is_refused():
    model, fed = start()

    def workers(t, theta, members):
        return torch.zeros(len(members), 1)

    refuses(lambda: train(model, fed, rounds=1, workers=3), TypeError, "workers must be callable")
    refuses(lambda: train(model, fed, rounds=1, workers=workers), ValueError, "workers must return", "(6, 26)", "(6, 1)")
    refuses(lambda: train(model, fed, rounds=1, workers=workers, compressor=compression.TopK()), ValueError, "compressor")
    shares = Gaussian(1.0, 1.0, "shares")
    refuses(lambda: train(model, fed, rounds=1, workers=workers, mechanism=shares, delta=1e-3), ValueError, "in shares")
    secure = aggregation.SecureMean(bound=1.0)
    refuses(lambda: train(model, fed, rounds=1, workers=workers, aggregator=secure), ValueError, "hidden")


# Streams ---------------------------------------------------------------------------------------------------------------


def test_without_a_seed_no_two_runs_are_alike():
    model, fed = start()
    options = {"rounds": 1, "mechanism": Gaussian(2.0, 0.3), "delta": 1e-3, "seed": None}
    assert not torch.equal(train(model, fed, **options).theta, train(model, fed, **options).theta)


def test_an_unpredictable_generator_has_more_than_a_seeds_32_bits():
    """torch keeps 32 bits of a seed; here every word of the state differs from any other generator's."""
    assert torch.equal(torch.rand(5, generator=generator(5)), torch.rand(5, generator=generator(5 + 2**40)))
    a, b = (streams.unpredictable().get_state()[24 : 24 + 8 * 624].view(torch.int64) for _ in range(2))
    assert (a != b).sum() > 600 and int(a.max()) < 2**32 and len(a.unique()) > 600
    draws = torch.rand(100_000, generator=streams.unpredictable(), dtype=torch.float64)
    assert abs(float(draws.mean()) - 0.5) < 5 * math.sqrt(1 / 12 / 100_000)  # false alarm below 1e-6


def test_a_run_without_a_seed_goes_on_from_its_checkpoint(tmp_path):
    model, fed = start()
    options = settings("Gaussian, sampled", seed=None, checkpoint=tmp_path / "run")
    with pytest.raises(Killed):
        train(model, fed, callback=kill_after(3), **options)
    first = torch.load(tmp_path / "run", weights_only=True)
    history = train(model, fed, **options)
    assert history.rounds == 6 and history.cohort[:3].tolist() == [record["cohort"] for record in first["records"]]
