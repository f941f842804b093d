"""A learner whose kernel ended takes up the same seat again, and nobody else does.

Kernels are real, with a state folder each; see test_classroom.
"""

import json
import os
import pathlib
import shutil
import signal
import stat
import threading
import time

import numpy as np
import pytest
import torch
from conftest import refuses
from deployed import installed, wait_until
from learners import JOIN, LEFT, at_once, kernels
from test_classroom import LINEAR, open_to_others, plan, tumours, without

from fldp_lib import models, train
from fldp_lib.flower import classroom, kept, node
from fldp_lib.privacy.mechanisms import Gaussian

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:'click:DeprecationWarning"),  # when Flower is imported
]


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """The folder where this process's user keeps state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    return tmp_path / "user"


# What is kept ----------------------------------------------------------------------------------------------------------


def test_a_kept_seat_is_found_by_its_room_and_name_once_nobody_holds_it(state):
    first = kept.take("ROOM", None)
    assert first.said == {} and first.folder.parent == state / "fldp" / "seats" / "ROOM"
    first.write(number=0, names=["Ada"])
    refuses(lambda: kept.take("ROOM", "Ada"), ValueError, "name must be", "'Ada' sits in this room, from this notebook")
    refuses(lambda: kept.take("ROOM", None), ValueError, "'Ada' sits in this room")  # a cell that is run twice
    second = kept.take("ROOM", "Bob")
    second.write(number=1, names=["Bob"])
    assert second.folder != first.folder
    first.release(False)
    other = kept.take("OTHER", "Ada")
    assert other.said == {}
    other.release(True)
    again = kept.take("ROOM", "Ada")
    assert again.folder == first.folder and again.said["number"] == 0
    again.release(False), second.release(False)
    for name in (None, "Carl"):
        refuses(lambda name=name: kept.take("ROOM", name), ValueError, "name must be 'Ada' or 'Bob', got", "Bob", repr(name))
    again.release(True)
    assert not first.folder.exists()
    refuses(lambda: kept.take("ROOM", "Carl"), ValueError, "name must be 'Bob'")
    last = kept.take("ROOM", None)
    assert last.said["names"] == ["Bob"]
    last.release(True)


def test_a_kept_seat_is_its_owners_to_read_and_is_swept_away_when_its_room_has_gone(state):
    old = os.umask(0)
    try:
        seat = kept.take("ROOM", None)
        seat.write(number=0, names=["Ada"])
    finally:
        os.umask(old)
    assert open_to_others(state / "fldp") == []
    seat.release(False)
    past = time.time() - (kept.DAYS + 1) * 86_400
    os.utime(seat.folder / kept.FILE, (past, past))
    other = kept.take("OTHER", "Ada")
    assert other.said == {} and not seat.folder.exists()
    other.release(True)


def test_of_those_who_come_at_once_each_gets_a_folder_of_its_own(state):
    found, errors = [kept.take("ROOM", "Ada")], []
    found[0].write(number=8, names=["Ada"])

    def come(k):
        try:
            seat = kept.take("ROOM", f"learner {k}")
            seat.write(number=k, names=[f"learner {k}"])
            found.append(seat)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=come, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len({seat.folder for seat in found}) == 9
    assert all(seat.folder.exists() for seat in found)
    for seat in found:
        seat.release(True)


# With Flower -----------------------------------------------------------------------------------------------------------


@installed
def test_a_kernel_that_is_killed_is_followed_by_one_that_sits_there_again_and_nobody_else(tmp_path):
    fed, agreed = tumours(), plan(rounds=40)
    homes = [tmp_path / f"learner-{k}" for k in range(5)]
    with kernels(homes) as notebooks, classroom.open(
        agreed, *LINEAR, fed, 5, folder=tmp_path / "room", timeout=25.0, repeatable=True
    ) as room:  # fmt: skip
        joins = [JOIN.format(address=room.address, code=room.code, name=f"learner {k}") for k in range(5)]
        seats = at_once(notebooks, joins)
        assert all(open_to_others(home / "fldp") == [] for home in homes)
        room.start()
        wait_until(lambda: len(room.state()["seen"]) >= 4, "round 4")
        os.kill(notebooks[2].pid, signal.SIGKILL)
        lost, folder = seats[2]["seat"], pathlib.Path(seats[2]["folder"])
        refuses(lambda: classroom.join(room.address, room.code), ValueError, "the room has begun")  # the code is not enough
        with kernels([homes[2], homes[0]]) as (again, twice):
            for notebook, k in ((again, 2), (twice, 0)):
                notebook.begin(CAUGHT.format(join=joins[k]))
            back = again.said()
            before = len(room.state()["seen"])  # rounds that were over when it sat down again, or more
            assert back == seats[2] and before < 35  # the same seat and folder, in time for some rounds
            assert "'learner 0' sits in this room, from the kernel of process" in twice.said()["ValueError"]
            with pytest.warns(UserWarning, match="were missing"):
                history = room.wait(400)
            told = at_once([again, *(n for k, n in enumerate(notebooks) if k != 2)], [LEFT] * 5)
        assert open_to_others(room.folder) == [] and room.state()["begun"] and len(room.state()["taken"]) == 5
    assert not folder.exists()

    gone = torch.from_numpy(np.isinf(history.update_norms))  # rounds × clients: asked, and no answer
    absent = (gone[:, lost].nonzero().flatten() + 1).tolist()
    assert absent and absent == list(range(absent[0], absent[-1] + 1)) and int(gone.sum()) == len(absent)
    assert absent[0] > 4 and absent[-1] < 40
    with pytest.warns(UserWarning, match="were missing"):
        expected = train(models.Linear(2, 1), fed, agreed, workers=without(fed, agreed, gone), progress=False)
    torch.testing.assert_close(history.theta, expected.theta, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(history.epsilon, [agreed.epsilon(t) for t in range(1, 41)])
    assert told[0]["rounds"] == list(range(absent[-1] + 1, 41))  # rounds that began after its return, and no other
    assert {line["round"] for line in told[0]["refused"]} <= {absent[-1]}
    assert all(said["rounds"] == list(range(1, 41)) and not said["refused"] for said in told[1:])


CAUGHT = """
try:
    exec({join!r})
except Exception as error:
    import json
    print(json.dumps({{type(error).__name__: str(error)}}))
"""


@installed
def test_a_kernel_that_is_restarted_comes_back_at_once_with_the_records_that_it_brought_and_answers_no_round_twice(tmp_path):
    fed, agreed = tumours(), plan(rounds=3, seed=None, mechanism=Gaussian(2.0, 1.0, at="client"))
    x, y = fed.client(0)
    with classroom.open(agreed, *LINEAR, fed, 5, timeout=6.0) as room:
        seat = classroom.join(room.address, room.code, (x[:40], y[:40]), name="Ada")
        assert room.state()["taken"][0]["records"] is None  # with the noise here, the server is not told their number
        seat._rest()  # as the end of a kernel does
        assert seat.folder.exists() and stat.S_IMODE((seat.folder / "key").stat().st_mode) == 0o600
        refuses(lambda: classroom.join(room.address, room.code, (x[:39], y[:39]), name="Ada"), ValueError, "the 40 records")
        refuses(lambda: classroom.join(room.address, room.code, plan=plan()), ValueError, "plan must be the room's")
        refuses(lambda: classroom.join(room.address, room.code, name="Bob"), ValueError, "name must be 'Ada', got 'Bob'")
        again = classroom.join(room.address, room.code, name="Ada")
        assert (again.number, again.name, again.records, again.again) == (0, "Ada", 40, True)
        assert len(room.state()["taken"]) == 1
        theta = torch.zeros(3)
        sent = node.answer(again.folder, again.agreed.settings(), 1, theta, [0])
        again._rest()
        third = classroom.join(room.address, room.code, (x[:40], y[:40]))
        refuses(
            lambda: node.answer(third.folder, third.agreed.settings(), 1, theta, [0]), ValueError, "round must be a new one"
        )
        assert not torch.equal(sent, node.answer(third.folder, third.agreed.settings(), 2, theta, [0]))  # a draw of its own
        count = json.loads((third.folder / "reports.json").read_text())
        assert count == {"reports": 2, "last": 2}
        third.leave()
        assert not third.folder.exists()
        seat = classroom.join(room.address, room.code)
        assert seat.number == 1 and not seat.again  # who has left has left
        seat.leave()


@installed
def test_a_key_is_in_once_at_a_time_wherever_it_was_copied_to(tmp_path, state, monkeypatch):
    with classroom.open(plan(seed=None), *LINEAR, tumours(), 5, timeout=6.0) as room:
        seat = classroom.join(room.address, room.code, name="Ada")
        shutil.copytree(state, tmp_path / "copied")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "copied"))
        refuses(lambda: classroom.join(room.address, room.code, name="Ada"), ConnectionError, "another kernel is in with it")
        seat._rest()
        copy = classroom.join(room.address, room.code, name="Ada")
        assert (copy.number, copy.again, len(room.state()["taken"])) == (0, True, 1)
        monkeypatch.setenv("XDG_STATE_HOME", str(state))
        refuses(lambda: classroom.join(room.address, room.code, name="Ada"), ConnectionError, "another kernel is in with it")
        copy.leave()
