"""checkpoint: a run that was killed goes on as if it had not been, or refuses to; what had left is paid for."""

import io
import json
import math
import os
import pathlib
import signal
import stat
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
import torch
from conftest import federation, generator, refuses, theta_of

from fldp_lib import aggregation, clients, models, train
from fldp_lib.privacy.adaptive import AdaptiveGaussian, Clipping
from fldp_lib.privacy.mechanisms import Gaussian, Laplace
from fldp_lib.training import _fingerprint, _journal, _lock, checkpoint
from fldp_lib.training import _streams as streams
from fldp_lib.training.transport import compression

pytestmark = pytest.mark.filterwarnings("error")

ROOT = pathlib.Path(__file__).parents[2]
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


def read(path):
    return _journal.read_head(path)["state"]


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
        state = read(tmp_path / "run")
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
            assert checkpoint.begun(tmp_path / "run") == 3  # written ahead
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
    "loss": lambda outputs, targets: outputs.square().mean(-1),
    "compressor": compression.TopK(0.5),
    "seed": 6,
}

LONG = {"local_steps": "local", "proximal": "local", "server_lr": "server"}  # the plan's names for the short form's


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_plan_is_refused_by_name(name, tmp_path):
    model, fed = start()
    train(model, fed, checkpoint=tmp_path / "run", **settings("Gaussian, sampled", rounds=1))
    options = settings("Gaussian, sampled", checkpoint=tmp_path / "run", **{name: DIFFERENT[name]})
    refuses(lambda: train(model, fed, **options), ValueError, "checkpoint", f"{LONG.get(name, name)} is")


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


def test_an_activation_or_a_loss_under_the_same_name_is_another_one(tmp_path):
    """A class and a function written anew, as in a notebook: only their code differs."""

    def written(activation, factor):
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(3, 2)
                torch.nn.init.zeros_(self.layer.weight), torch.nn.init.zeros_(self.layer.bias)

            def forward(self, x):
                return torch.tanh(self.layer(x)) if activation == "tanh" else torch.relu(self.layer(x))

        def loss(outputs, targets):
            return factor * (outputs[..., 0] - targets).square()

        return Net(), loss

    fed = start()[1]
    options = {**settings("no mechanism", rounds=2), "checkpoint": tmp_path / "run"}
    model, loss = written("tanh", 1.0)
    train(model, fed, loss=loss, **options)
    again, same_loss = written("tanh", 1.0)
    assert train(again, fed, loss=same_loss, **{**options, "rounds": 3}).rounds == 3
    refuses(lambda: train(written("relu", 1.0)[0], fed, loss=loss, **options), ValueError, "checkpoint", "model is")
    refuses(lambda: train(model, fed, loss=written("tanh", 2.0)[1], **options), ValueError, "checkpoint", "loss is")
    sequence = [torch.nn.Sequential(torch.nn.Linear(3, 2), act) for act in (torch.nn.ReLU(), torch.nn.LeakyReLU(0.1))]
    assert len({_fingerprint.model_text(each) for each in sequence}) == 2


class Halved:
    """An aggregator of somebody's own, without a repr."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, updates, sizes):
        return self.factor * updates.mean(0)


def test_an_aggregator_of_ones_own_goes_on_and_another_setting_of_it_does_not(tmp_path):
    model, fed = start()
    options = settings("no mechanism", checkpoint=tmp_path / "run")
    train(model, fed, aggregator=Halved(0.5), **{**options, "rounds": 2})
    found = train(model, fed, aggregator=Halved(0.5), **options)
    same(found, train(model, fed, aggregator=Halved(0.5), **{**options, "checkpoint": None}))
    refuses(lambda: train(model, fed, aggregator=Halved(0.25), **options), ValueError, "aggregator is", "0.5", "0.25")


def test_an_aggregator_that_hides_what_it_is_is_refused_before_a_round(tmp_path):
    model, fed = start()
    hidden = Halved(0.5)
    hidden.source = iter([1, 2])
    refuses(
        lambda: train(model, fed, aggregator=hidden, checkpoint=tmp_path / "run", rounds=1), ValueError, "aggregator.source"
    )
    assert not list(tmp_path.iterdir())


def test_the_text_of_a_setting_is_the_same_in_every_process():
    code = """
import functools, sys, torch
from fldp_lib import aggregation
from fldp_lib.training._fingerprint import text_of
class Own:
    def __init__(self, **held): self.__dict__.update(held)
SCALE = 3.0
def loss(a, b=2, *, c={'x', 'y', 'z'}): return SCALE * a + b
print([text_of(each) for each in (loss, lambda x: x in {'p', 'q', 'r'}, functools.partial(loss, b=torch.ones(2)),
       Own(f=loss, k=1), torch.nn.MSELoss(reduction='none'), torch.nn.functional.mse_loss, torch.relu,
       aggregation.Krum(0.2), torch.Tensor.abs)])
"""
    told = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
                           env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in "12"]  # fmt: skip
    assert told[0] == told[1] and " at 0x" not in told[0]
    assert _fingerprint.text_of(torch.nn.MSELoss(reduction="none")) != _fingerprint.text_of(torch.nn.MSELoss())


# The files -------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone(tmp_path):
    model, fed = start()
    path = tmp_path / "run"
    old = io.BytesIO()
    torch.save({"format": 1}, old)
    for content in (b"", b"not a checkpoint", old.getvalue(), _journal.MAGIC):
        path.write_bytes(content)
        refuses(
            lambda: train(model, fed, checkpoint=path, **settings("no mechanism")), ValueError, "checkpoint must", str(path)
        )
        assert path.read_bytes() == content


def half(path, **others):
    """A run of 6 rounds, killed after the fourth."""
    model, fed = start()
    with pytest.raises(Killed):
        train(model, fed, checkpoint=path, callback=kill_after(4), **settings("Gaussian, sampled", **others))
    return model, fed


def test_one_of_the_two_files_without_the_other_or_with_another_runs_is_refused(tmp_path):
    model, fed = half(tmp_path / "run")
    again = lambda: train(model, fed, checkpoint=tmp_path / "run", **settings("Gaussian, sampled"))  # noqa: E731
    head, rounds = (tmp_path / "run").read_bytes(), (tmp_path / "run.rounds").read_bytes()
    (tmp_path / "run").unlink()
    refuses(again, ValueError, "checkpoint must be whole", "run.rounds' is there")
    (tmp_path / "run").write_bytes(head)
    (tmp_path / "run.rounds").unlink()
    refuses(again, ValueError, "checkpoint must be whole", "run.rounds' is not")
    half(tmp_path / "other")
    (tmp_path / "run.rounds").write_bytes((tmp_path / "other.rounds").read_bytes())
    refuses(again, ValueError, "checkpoint must")
    (tmp_path / "run.rounds").write_bytes(rounds)
    assert again().rounds == 6


@pytest.mark.parametrize("leaves", [False, True])
def test_an_older_state_beside_a_newer_journal_or_the_reverse_gives_no_budget_back(leaves, tmp_path):
    """Every state the head ever had, with every journal there ever was: only a crash's own pairs go on."""
    model, fed = start()
    path, seen = tmp_path / "run", []
    options = settings("Laplace at the client" if leaves else "Gaussian, sampled", rounds=4)
    if leaves:
        options["workers"] = lambda t, theta, members: torch.zeros(len(members), len(theta))
    replace = _journal.replace

    def watched(head_path, head):  # as it is between the two writes, and just before
        replace(head_path, head)
        seen.append((head_path.read_bytes(), (tmp_path / "run.rounds").read_bytes(), head["state"]["begun"]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_journal, "replace", watched)
        train(model, fed, checkpoint=path, **options)
    journals = [rounds for _, rounds, _ in seen] + [(tmp_path / "run.rounds").read_bytes()]
    for number, (head, _, spent) in enumerate(seen):
        for other, journal in enumerate(journals):
            path.write_bytes(head)
            (tmp_path / "run.rounds").write_bytes(journal)
            again = lambda: train(model, fed, checkpoint=path, **options)  # noqa: E731
            if other in (number, number + 1):
                assert again().lost.sum() == (leaves and read(path)["begun"] > 0 and number % 2 == 1), spent
            else:
                refuses(again, ValueError, "checkpoint must be whole")


def test_counts_that_do_not_agree_are_refused_even_with_a_right_digest(tmp_path):
    model, fed = half(tmp_path / "run")
    whole = _journal.read_head(tmp_path / "run")
    counts = (("done", 3), ("begun", 3), ("begun", 5), ("begun", "4"))
    parts = (
        ("theta", None),
        ("clip", -1.0),
        ("plan", 7),
        ("generators", []),
        ("server", {"m": 1}),
        ("rest", torch.zeros(2)),
    )
    for name, value in counts + parts:
        _journal.replace(tmp_path / "run", {**whole, "state": {**whole["state"], name: value}})
        refuses(lambda: train(model, fed, checkpoint=tmp_path / "run", **settings("Gaussian, sampled")),
                (ValueError, TypeError), "must")  # fmt: skip
    _journal.replace(tmp_path / "run", whole)
    assert train(model, fed, checkpoint=tmp_path / "run", **settings("Gaussian, sampled")).rounds == 6


def test_begun_with_workers_is_not_resumed_without_and_the_reverse(tmp_path):
    model, fed = half(tmp_path / "run")
    options = settings("Gaussian, sampled", checkpoint=tmp_path / "run")
    answer = lambda t, theta, members: torch.zeros(len(members), len(theta))  # noqa: E731
    refuses(lambda: train(model, fed, workers=answer, **options), ValueError, "workers is none there and some here")
    train(model, fed, workers=answer, **{**options, "checkpoint": tmp_path / "other"})
    options["checkpoint"] = tmp_path / "other"
    refuses(lambda: train(model, fed, **options), ValueError, "workers is some there and none here")


def test_only_the_owner_may_read_whatever_the_umask(tmp_path, monkeypatch):
    model, fed = start()
    monkeypatch.setenv("HOME", str(tmp_path))
    seen = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(stat.S_IMODE(os.stat(a).st_mode)), replace(a, b)))
    before = os.umask(0)
    try:
        train(model, fed, checkpoint="~/runs/new/run", **settings("no mechanism"))
    finally:
        os.umask(before)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "runs" / "new").iterdir()}
    assert found == {"run": 0o600, "run.rounds": 0o600} and set(seen) == {0o600}
    assert all(stat.S_IMODE((tmp_path / each).stat().st_mode) == 0o700 for each in ("runs", "runs/new"))


@pytest.mark.parametrize("name", ["run", "run.rounds", "run.lock"])
def test_a_symlink_is_refused_and_not_followed(name, tmp_path):
    model, fed = start()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / name).symlink_to(victim)
    refuses(lambda: train(model, fed, checkpoint=tmp_path / "run", **settings("no mechanism")), ValueError, "symlink", name)
    assert victim.read_text() == "mine"


def test_a_place_that_cannot_be_used_is_refused_before_a_round(tmp_path):
    model, fed = start()
    (tmp_path / "file").write_text("")
    (tmp_path / "run.part").mkdir()
    os.mkfifo(tmp_path / "pipe")
    never = lambda *_: pytest.fail("a round was spent")  # noqa: E731
    bad = [tmp_path, tmp_path / "file" / "run", tmp_path / "run", tmp_path / "pipe", tmp_path / ("x" * 300)]
    for path in (*bad, "", "a\0b", "~nobody-of-that-name/run"):
        refuses(
            lambda path=path: train(model, fed, checkpoint=path, callback=never, rounds=1), ValueError, "checkpoint must"
        )
    for path in (3, b"run", True):
        refuses(lambda path=path: train(model, fed, checkpoint=path, callback=never, rounds=1), TypeError, "checkpoint must")


def test_the_work_of_a_round_does_not_grow_with_the_rounds_before(tmp_path):
    """Bytes written, counted where they are written: the last of 30 rounds takes what the second took."""
    model, fed = start()
    sizes, at = [0], _journal._all

    def counted(file, part):
        sizes[-1] += len(part)
        at(file, part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_journal, "_all", counted)
        train(model, fed, checkpoint=tmp_path / "run", callback=lambda *_: sizes.append(0),
              **settings("Gaussian, sampled", rounds=30))  # fmt: skip
    assert abs(sizes[29] - sizes[1]) < 200  # the digits of numbers


# The lock --------------------------------------------------------------------------------------------------------------


def test_a_second_run_on_the_same_path_is_refused_by_name_and_the_first_goes_on(tmp_path):
    """Within the callback, from another thread, and by another way to the same folder; afterwards the path is free."""
    model, fed = start()
    (tmp_path / "there").symlink_to(tmp_path)
    errors, options = [], settings("Gaussian, sampled")

    def again(path):
        try:
            train(model, fed, checkpoint=path, **options)
        except ValueError as error:
            errors.append(str(error))

    def callback(t, theta, record):
        if t == 2:
            again(tmp_path / "run")
            again(tmp_path / "there" / "run")
            thread = threading.Thread(target=again, args=(tmp_path / "run",))
            thread.start(), thread.join()

    found = train(model, fed, checkpoint=tmp_path / "run", callback=callback, **options)
    assert len(errors) == 3 and all(f"held by process {os.getpid()} on " in each and "run'" in each for each in errors)
    same(found, train(model, fed, **options))
    assert train(model, fed, checkpoint=tmp_path / "run", **options).rounds == 6


def test_the_lock_dies_with_its_process_and_is_not_a_childs(tmp_path):
    """A parent takes the lock, forks a child that lives on, and is killed: the path is free."""
    code = f"""
import os, pathlib, time
from fldp_lib.training import _lock
lock = _lock.Lock(pathlib.Path({str(tmp_path / "run.lock")!r}), "run")
if not os.fork():
    print(os.getpid(), lock.held, flush=True)
    time.sleep(60)
    os._exit(0)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        child, held = parent.stdout.readline().split()
        try:
            refuses(lambda: _lock.Lock(tmp_path / "run.lock", "run"), ValueError, f"held by process {parent.pid} on ")
            assert held == "False"
            parent.kill()
            parent.wait()
            _lock.Lock(tmp_path / "run.lock", "run").close()
        finally:
            parent.kill()
            os.kill(int(child), signal.SIGKILL)


def test_kills_damage_and_a_second_process():
    """`benchmarks/crash.py`, small: 8 kills over four mechanisms, 60 flipped bits, 20 cuts, a second process."""
    script = pathlib.Path(__file__).parents[1] / "benchmarks" / "crash.py"
    done = subprocess.run([sys.executable, script, "--kills", "8", "--flips", "60", "--cuts", "20"], capture_output=True,
                          text=True, timeout=600)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert sum(part.get("kills", 0) for part in found.values() if isinstance(part, dict)) >= 8
    assert found["damage"]["refused"] + found["damage"]["harmless"] == 80 and found["damage"]["refused"] > 60


def test_the_state_of_a_run_goes_on_in_another_without_a_file():
    """Three rounds and three by the first one's state are six: streams, an adaptive clip, remainders, the server's state."""
    for name in RUNS:
        whole, parts = (_rounds(name, counts) for counts in ([6], [3, 3]))
        assert torch.equal(whole[-1], parts[-1]), name


def _rounds(name, counts):
    """Drive a `Checkpoint` by hand: draws of every stream, as a round would make them, summed up."""
    state, theta = None, torch.zeros(26)
    for count in counts:
        channel = compression.Channel(RUNS[name].get("compressor"), 6, theta, generator())
        clipping = Clipping(RUNS[name].get("mechanism") or Gaussian(0.0, math.inf))
        generators = [*streams.streams(5), channel.seeds]
        history = types.SimpleNamespace(records=[], theta=None)
        saved = checkpoint.Checkpoint(None, None, history, generators, clipping, channel, False, {"m": torch.zeros(26)})
        if state is not None:
            saved.restore(state)
        for _ in range(count):
            sent = channel.open().send(torch.randn(6, 26, generator=generators[0]), torch.arange(6))
            clipping.adapt(3, 2, 6.0, generators[2]) if clipping.adaptive else None
            saved.server = {"m": 0.9 * saved.server["m"] + sent.mean(0)}
            theta = theta + saved.server["m"] * min(clipping.mechanism.clip, 1.0)
        state = saved.state
    return state["generators"][2], theta


def test_a_state_of_another_kind_of_run_is_refused():
    theta = theta_of(start()[0])
    made = lambda compressor, server: checkpoint.Checkpoint(  # noqa: E731
        None, None, types.SimpleNamespace(records=[]), streams.streams(0), Clipping(Gaussian(1.0, 1.0)),
        compression.Channel(compressor, 6, theta, generator()), False, server)  # fmt: skip
    plain = made(None, {}).state
    refuses(lambda: made(compression.TopK(), {}).restore(plain), ValueError, "start must", "remainders")
    refuses(lambda: made(None, {"m": theta}).restore(plain), ValueError, "start must", "server")
    refuses(lambda: made(None, {}).restore({}), ValueError, "start must")


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
    with pytest.warns(UserWarning, match="some updates were missing"):
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
    first, records = _journal.Journal(tmp_path / "run"), []
    records += [entry["record"]["cohort"] for entry in first.load()[1] if "record" in entry]
    first.close()
    history = train(model, fed, **options)
    assert history.rounds == 6 and history.cohort[:3].tolist() == records and len(records) == 3
