"""A classroom: five notebooks join a room by its code, one of them is killed, and the run is `train`'s all the same.

The five are real kernels, which talk to Flower's SuperLink over TLS; the instructor is this process. Skipped where Flower is
missing; with FLDP_REQUIRE_PEERS=1 a missing Flower is a failure.
"""

import hashlib
import json
import os
import pathlib
import signal
import stat
import sys

import numpy as np
import psutil
import pytest
import torch
from conftest import federation, refuses
from deployed import installed, wait_until
from learners import JOIN, LEFT, at_once, kernels

from fldp_lib import Plan, clients, data, models, train
from fldp_lib.flower import agreement, board, classroom, codes, enrolment, folders, hub, keys, node, processes, roll
from fldp_lib.privacy.mechanisms import Gaussian

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:'click:DeprecationWarning"),  # when Flower is imported
]
LINEAR = "fldp_lib.training.models:Linear", (2, 1)


def tumours():
    return data.split(data.load("breast_cancer", features=["mean radius", "mean texture"]), clients=5)


def plan(**others):
    return Plan.of(**{"rounds": 20, "lr": 1.0, "local_steps": 3, "mechanism": Gaussian(2.0, 1.0), "seed": 3, **others})


# Codes and the door ----------------------------------------------------------------------------------------------------


@pytest.fixture
def door(tmp_path):
    """A door of two seats, and its secret; a key's number is how many came before."""
    for name in ("server", "node-0", "node-1"):
        processes.private(tmp_path / name)
    for k in range(2):
        (tmp_path / f"node-{k}" / "shard.npz").write_bytes(b"share %d" % k)
    server = tmp_path / "server"
    keys.certificate(server)
    (server / "agreement.json").write_text("{}")
    code, digest = codes.make((server / "server.pem").read_text())
    (server / enrolment.RULES).write_text(json.dumps({"digest": digest, "seats": 2, "own": True, "most": 7}))
    seen = []

    def register(key):
        if key.public_numbers() in seen:
            raise ValueError("known")
        seen.append(key.public_numbers())
        return 100 + len(seen)

    return enrolment.Enrolment(server, register), codes.read(code)[1]


def asked(door, secret, **what):
    status, said = door.answer(json.dumps({"secret": secret, **what}).encode())
    return status, said.get("refused", said)


def public(folder, name):
    keys.node_keys(folder / name, folder / f"{name}.pub")
    return (folder / f"{name}.pub").read_text()


def test_a_code_is_a_certificates_fingerprint_and_a_secret_of_which_the_server_keeps_the_digest(tmp_path):
    keys.certificate(tmp_path, hosts=("10.1.2.3", "room.example", "127.0.0.1"))
    pem = (tmp_path / "server.pem").read_text()
    (code, digest), (other, _) = codes.make(pem), codes.make(pem)
    pinned, secret = codes.read(f" {code.lower().replace('-', ' ')}\n")
    assert code != other and codes.read(other)[0] == pinned and codes.read(other)[1] != secret
    assert hashlib.sha256(secret.encode()).hexdigest() == digest
    keys.certificate(tmp_path)
    assert codes.read(codes.make((tmp_path / "server.pem").read_text())[0])[0] != pinned
    for wrong in ("", code[:-1], code + "A", code[:-1] + "1", None, 5, "ä" * 32):
        with pytest.raises(ValueError, match="code must be"):
            codes.read(wrong)


def test_the_certificate_is_for_the_hosts(tmp_path):
    from cryptography import x509

    keys.certificate(tmp_path, hosts=("10.1.2.3", "room.example"))
    names = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(ip) for ip in names.value.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]
    assert names.value.get_values_for_type(x509.DNSName) == ["room.example", "localhost"]


def test_a_seat_each_and_no_more_than_there_are(door, tmp_path):
    door, secret = door
    status, said = asked(door, secret)
    assert status == 200 and set(said) == {"agreement", "authority", "own", "most"} and not door.taken  # only looked
    first = public(tmp_path, "first")
    assert asked(door, secret, public=first, name="\x1b[2J" + "Ada" * 40)[1]["seat"] == 0
    assert asked(door, secret, public=first) == (409, "this key has a seat")
    assert asked(door, secret, public=public(tmp_path, "second"), records=7)[1]["seat"] == 1
    status, why = asked(door, secret, public=public(tmp_path, "third"))
    assert status == 409 and "all 2 seats are taken" in why
    assert [seat["records"] for seat in door.taken] == [None, 7] and len(door.taken[0]["name"]) == enrolment.NAME
    assert json.loads((door.folder / "nodes.json").read_text()) == {"101": 0, "102": 1}
    for name in ("nodes.json", enrolment.ROSTER):
        assert stat.S_IMODE((door.folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("records", [0, 8, -1, 2.5, True, "7"])
def test_own_data_of_another_size_than_the_room_takes_are_refused(records, door, tmp_path):
    door, secret = door
    assert asked(door, secret, public=public(tmp_path, "key"), records=records)[0] == 400 and not door.taken


@pytest.mark.parametrize("text", ["", "no key", 5, None, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGS1rzpEdOGAYjjJjzjzjAqvQ"])
def test_what_is_no_key_gets_no_seat(text, door):
    assert asked(*door, public=text)[0] == 400 and not door[0].taken


def test_wrong_codes_are_counted_and_shut_the_door_until_there_is_a_new_one(door, tmp_path):
    door, secret = door
    others = [b"", b"[]", b"\xff", b'{"secret": 5}', json.dumps({"secret": secret[:-1]}).encode(), b'{"secret": ""}']
    for number, content in enumerate(others, 1):
        assert door.answer(content) == (403, {"refused": "the code is not this room's"}) and door.wrong == number
    assert asked(door, secret)[0] == 200  # the right one still opens
    for _ in range(enrolment.WRONG - len(others)):
        asked(door, "A" * codes.SECRET)
    assert asked(door, secret)[0] == 403 and "the door is shut" in asked(door, secret)[1]
    door.renew(hashlib.sha256(b"new").hexdigest())
    assert asked(door, "new")[0] == 200 and asked(door, secret)[0] == 403
    door.begin()
    assert asked(door, "new", public=public(tmp_path, "late")) == (409, enrolment.BEGUN)


# The board -------------------------------------------------------------------------------------------------------------


def test_a_boundary_is_where_the_models_score_is_even():
    for out in (1, 2):
        model = models.with_theta(models.Linear(2, out), torch.randn(3 * out, generator=torch.Generator().manual_seed(out)))
        theta = models.flatten(model)
        ends = board.crossing(board.boundary(model, theta), (-5, 5), (-5, 5))
        points = torch.tensor(ends).T.float()
        scores = models.predict(model, theta, points)
        even = scores[:, 0] if out == 1 else scores[:, 1] - scores[:, 0]
        assert len(points) == 2 and even.abs().max() < 1e-5 and (points.abs().max(1).values - 5).abs().max() < 1e-5
    assert board.boundary(models.MLP(2, 3, 2), torch.zeros(17)) is None
    assert board.boundary(models.Linear(2, 3), torch.zeros(9)) is None
    assert board.crossing((0.0, 1.0, 9.0), (-5, 5), (-5, 5)) == ([], []) == board.crossing((0.0, 0.0, 1.0), (0, 1), (0, 1))


def test_ticks_are_few_round_numbers_within_the_limits():
    for low, high, wanted in ((-0.9, 0.84, [-0.5, 0, 0.5]), (0, 20, [0, 5, 10, 15, 20]), (0.031, 0.069, [0.04, 0.05, 0.06])):
        assert board.round_numbers(low, high) == pytest.approx(wanted)


def seen(agreed, rounds, **others):
    """A room of five seats, as `Room.state` gives it, of which four are taken."""
    lines = [{"round": t, "score": 0.9, "epsilon": agreed.epsilon(t), "theta": [1.0, -1.0, 0.5]} for t in rounds]
    return {"address": "127.0.0.1:1", "closed": False, "taken": [{}] * 4, "seats": 5, "wrong": 0, "shut": False,
            "begun": True, "stopped": "",
            "plan": agreed, "task": "classification", "model": models.Linear(2, 1), "x_test": torch.eye(2),
            "y_test": torch.tensor([0, 1]), "planned": [agreed.epsilon(t) for t in range(1, agreed.rounds + 1)],
            "epsilon": agreed.epsilon(), "drawn": False, "names": ["Ada", "<b>Bob", "Carl", "Dora", "seat 5"],
            "seen": [line | others for line in lines]}  # fmt: skip


def test_a_seat_that_nobody_took_is_not_called_missing():
    state = seen(plan(), [1, 2], asked=[0, 1, 2, 3, 4], answered=[0, 2, 3])
    page = board.room(state)
    assert board.absent(state) == [1] and "no answer from &lt;b&gt;Bob;" in page and "seat 5" not in board.sentence(state)
    assert "the room is closed" in board.sentence(state | {"closed": True})


def test_where_the_price_counts_on_a_secret_draw_nobody_is_shown_who_or_how_many_were_in_a_round(tmp_path):
    drawn, fed = plan(sampling_rate=0.5, seed=None), tumours()
    for number, agreed in enumerate((drawn, plan(sampling_rate=0.5, sampler="cyclic", seed=None))):
        folder = tmp_path / str(number)
        folders.prepare(folder, agreed, *LINEAR, fed, 5)
        told = {"round": 1, "score": 0.9, "epsilon": 0.5, "theta": [1.0, -1.0, 0.5], "asked": [0, 3], "answered": [3]}
        (folder / "server" / hub.SEEN).write_text(json.dumps(told) + "\n")
        state = {
            "address": "127.0.0.1:1",
            "closed": False,
            **roll.Roll(folder, agreement.read(folder / "server"), "", True).read(),
        }
        page = board.room(state | {"taken": [{}] * 5})
        shown = agreed is not drawn
        assert state["drawn"] is not shown and ("answered" in state["seen"][0]) is shown
        assert ("1 of 5 answered" in page) is shown and ("Who answered" in page) is shown
        assert ("no answer from seat 1" in page) is shown and ("does not show who answered" in page) is not shown


# With Flower -----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """This process's user keeps no state but the test's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "instructor"))


@pytest.fixture
def notebooks(tmp_path):
    with kernels([tmp_path / f"learner-{k}" for k in range(5)]) as several:
        yield several


def without(fed, agreed, gone):
    """Workers for `train` where client k does not answer in round t if gone[t - 1, k]."""

    def workers(t, theta, members):
        updates = clients.local_updates(
            models.Linear(2, 1), theta, fed.select(members), local_steps=agreed.local.steps, lr=agreed.lr
        )
        return updates.masked_fill(gone[t - 1, members].unsqueeze(1), torch.nan)

    return workers


def open_to_others(folder):
    wanted = {stat.S_IFDIR: 0o700, stat.S_IFREG: 0o600}
    return [
        str(path.relative_to(folder))
        for path in [folder, *folder.rglob("*")]
        if not path.is_symlink() and wanted.get(stat.S_IFMT(path.stat().st_mode)) != stat.S_IMODE(path.stat().st_mode)
    ]


@installed
def test_five_kernels_and_one_that_is_killed_make_trains_parameters_and_the_plans_ledger(tmp_path, notebooks):
    fed, agreed = tumours(), plan()
    room = classroom.open(agreed, *LINEAR, fed, 5, folder=tmp_path / "room", timeout=8.0, repeatable=True)
    with room:
        wrong = room.code[:-4] + ("AAAA" if room.code[-4:] != "AAAA" else "BBBB")
        refuses(lambda: classroom.join(room.address, wrong), ValueError, "refuses", "the code is not this room's")
        other = codes.make((tmp_path / "room" / "node-0" / "shard.npz").parent.parent.joinpath("server/ca.pem").read_text())[
            0
        ]
        refuses(lambda: classroom.join(room.address, other), ConnectionError, "nothing was sent")
        refuses(lambda: classroom.join(room.address, room.code, plan=plan(rounds=9)), ValueError, "plan must be the room's")
        state = room.state()
        assert (
            state["wrong"] == 1 and not state["taken"]
        )  # what the learner refused took no seat, what was not sent no count
        joins = [JOIN.format(address=room.address, code=room.code, name=f"learner {k}") for k in range(5)]
        seats = at_once(notebooks, joins)
        assert sorted(seat["seat"] for seat in seats) == list(range(5))
        assert [seat["records"] for seat in seats] == [int(fed.sizes[seat["seat"]]) for seat in seats]
        assert all(open_to_others(pathlib.Path(seat["folder"])) == [] for seat in seats)
        refuses(lambda: classroom.join(room.address, room.code), ValueError, "room is full: all 5 seats are taken")

        room.start()
        wait_until(lambda: len(room.state()["seen"]) >= 7, "round 7", seconds=120)
        os.kill(notebooks[2].pid, signal.SIGKILL)
        lost = seats[2]["seat"]
        refuses(lambda: classroom.join(room.address, room.code), ValueError, "the room has begun")
        refuses(room.start, RuntimeError, "the room has begun")
        commands = " ".join(" ".join(p.cmdline()) for p in map(psutil.Process, room._deployment._offspring("server")))
        files = [path.read_bytes() for path in room.folder.rglob("*") if path.is_file()]
        _, secret = codes.read(room.code)
        assert secret not in commands.replace("-", "") and not any(secret.encode() in content for content in files)
        with pytest.warns(UserWarning, match="were missing"):
            history = room.wait(180)
        assert open_to_others(room.folder) == []
        state, page = room.state(), board.room(room.state())
        told = at_once([n for k, n in enumerate(notebooks) if k != 2], [LEFT] * 4)
        mark = f"{room._deployment.mark}:server"
        assert processes.offspring(mark)
    assert not processes.offspring(mark)
    for seat in seats:  # a killed kernel cannot tidy up
        assert pathlib.Path(seat["folder"]).exists() == (seat["seat"] == lost)

    gone = torch.from_numpy(np.isinf(history.update_norms))  # rounds × clients: asked, and no answer
    died = int(gone[:, lost].int().argmax())
    assert 7 <= died < 12 and gone[died:, lost].all() and int(gone.sum()) == 20 - died  # nobody else was ever absent
    with pytest.warns(UserWarning, match="were missing"):
        expected = train(models.Linear(2, 1), fed, agreed, workers=without(fed, agreed, gone), progress=False)
    torch.testing.assert_close(history.theta, expected.theta, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(history.dropped, expected.dropped)
    whole = train(models.Linear(2, 1), fed, agreed, progress=False)
    assert (whole.theta - expected.theta).abs().max() > 1e-3  # her absence is seen in the parameters, and not in the price
    np.testing.assert_array_equal(history.epsilon, whole.epsilon)
    assert history.total_epsilon == agreed.epsilon() == pytest.approx(agreed.ledger().epsilon, rel=1e-9)

    assert [line["round"] for line in state["seen"]] == list(range(1, 21)) and board.absent(state) == [lost]
    np.testing.assert_allclose([line["epsilon"] for line in state["seen"]], whole.epsilon)
    torch.testing.assert_close(torch.tensor(state["seen"][-1]["theta"]), history.theta)
    assert "learner 2" in page and "no answer from learner 2" in page and "4 of 5 answered" in page
    for said in told:
        assert said == {"rounds": list(range(1, 21)), "refused": [], "ended": "left", "kept": True, "left": False,
                        "threads": []}  # fmt: skip
    refuses(lambda: classroom.join(room.address, room.code), ConnectionError, "no room answers at", "it is closed")


@installed
def test_own_data_count_as_brought_and_seats_left_empty_are_absent(tmp_path):
    fed, agreed = tumours(), plan(rounds=2, seed=None, mechanism=None)
    x, y = fed.client(0)
    with classroom.open(agreed, *LINEAR, fed, 5, timeout=6.0) as room:
        assert oct(room.folder.stat().st_mode)[-3:] == "700"
        refuses(room.start, RuntimeError, "nobody has joined")
        refuses(lambda: classroom.join(room.address, room.code, (x[:, :1], y)), ValueError, "model must take x")
        refuses(lambda: classroom.join(room.address, room.code, (x, y[:3])), ValueError, "data must be x (records")
        refuses(lambda: classroom.join(room.address, room.code, 5), TypeError, "data must be None or a pair")
        seats = [
            classroom.join(room.address, room.code, (x[:40], y[:40]), name="Ada"),
            classroom.join(room.address, room.code, name="Bob"),
        ]
        assert [seat.records for seat in seats] == [40, int(fed.sizes[1])]
        room.start()
        with pytest.warns(UserWarning, match="were missing"):
            history = room.wait(120)
        sizes = agreement.arrays(room.folder / "server" / "clients.npz")["sizes"]
        assert sizes.tolist() == [40, *fed.sizes[1:].tolist()]
        pages = [seat.page() for seat in seats]
        folders = [seat.folder for seat in seats]
        for seat in seats:
            seat.leave()
        folder = room.folder
    assert not folder.exists() and not any(path.exists() for path in folders)
    assert history.dropped.tolist() == [3, 3]
    gone = torch.tensor([[False, False, True, True, True]] * 2)
    held = fed.mask.clone()
    held[0, 40:] = False
    mine = data.Federation(fed.x * held.unsqueeze(2), fed.y * held, held, fed.x_test, fed.y_test, fed.task)
    with pytest.warns(UserWarning, match="were missing"):
        expected = train(models.Linear(2, 1), mine, agreed, workers=without(mine, agreed, gone), progress=False)
    torch.testing.assert_close(history.theta, expected.theta, rtol=0, atol=1e-5)
    assert "Ada: round <b>2 of 2</b>" in pages[0] and "the 40 records here" in pages[0]


@installed
@pytest.mark.parametrize("at, rounds", [("server", [1, 2, 2, 3, 4]), ("client", [1, 2, 3, 4])])
def test_a_run_that_stopped_since_nobody_answered_goes_on_when_it_is_started_again(at, rounds, monkeypatch):
    """The round is asked for again where only the server sees what it gets, and is lost where noisy reports may be out."""
    fed, agreed, answer, asked = tumours(), plan(rounds=4, mechanism=Gaussian(2.0, 1.0, at=at)), node.answer, []
    lost = at == "client"

    def away(folder, settings, t, theta, members):
        asked.append(t)
        if asked == [1, 2]:
            raise OSError("no network")
        return answer(folder, settings, t, theta, members)

    monkeypatch.setattr(node, "answer", away)
    with classroom.open(agreed, *LINEAR, fed, 5, timeout=20.0, repeatable=True) as room:
        refuses(room.start, RuntimeError, "the room is empty")
        seat = classroom.join(room.address, room.code, name="Ada")
        assert room.state()["stopped"] == ""
        room.start()
        refuses(lambda: room.wait(200), RuntimeError, "no node answers any more, in round 2; started again")
        state = room.state()
        with pytest.warns(UserWarning, match="were missing"):
            half = room.history()
        assert "no node answers" in state["stopped"] and "the run has stopped</b>" in board.sentence(state)
        assert [record["lost"] for record in half.records] == [False, True][: 1 + lost]
        room.start()
        refuses(room.start, RuntimeError, "the room has begun")
        with pytest.warns(UserWarning, match="were missing"):
            history = room.wait(200)
        assert room.state()["stopped"] == "" and "has stopped" not in board.sentence(room.state())
        refuses(room.start, RuntimeError, "the room has begun")
        seat.leave()
    assert asked == rounds and [record["lost"] for record in history.records] == [False, lost, False, False]
    np.testing.assert_array_equal(history.epsilon, [agreed.epsilon(t) for t in range(1, 5)])
    came = [record["cohort"] - record["dropped"] for record in history.records]  # of five seats one is taken
    assert came == [1, 1 - lost, 1, 1]


@installed
def test_a_room_is_refused_what_it_cannot_keep_and_names_no_function_that_a_learner_has_not_agreed_to(tmp_path):
    fed = tumours()
    refuses(lambda: classroom.open(plan(), *LINEAR, fed), ValueError, "seed must be None in a classroom", "3")
    refuses(lambda: classroom.open(5, *LINEAR, fed), TypeError, "plan must be a Plan")
    refuses(lambda: classroom.open(plan(seed=None), *LINEAR, fed, 6), ValueError, "nodes")
    for address in ("", "here", "http://here:80", "a:99999", 5):
        refuses(
            lambda address=address: classroom.open(plan(seed=None), *LINEAR, fed, address=address), ValueError, "address"
        )
    (tmp_path / "ours.py").write_text("from fldp_lib.training.models import Linear as make\n")
    sys.path.insert(0, str(tmp_path))
    try:
        with classroom.open(plan(seed=None), "ours:make", (2, 1), federation([3, 2], features=2), 2) as room:
            refuses(lambda: classroom.join(room.address, room.code), ValueError, "model must be 'ours:make'")
            assert not room.state()["taken"]
            seat = classroom.join(room.address, room.code, model="ours:make")
            old = room.code
            room.renew()
            wait_until(lambda: not refused(room.address, room.code), "the new code", seconds=120)
            refuses(lambda: classroom.join(room.address, old, name="late", model="ours:make"), ValueError, "not this room's")
            seat.leave()
    finally:
        sys.path.remove(str(tmp_path))


def refused(address, code):
    try:
        codes.ask(address, code, enrolment.PATH)
    except ValueError:
        return True
    return False
