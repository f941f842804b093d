"""Hand-in and grading: the solutions graded whole, every hostile answer held, and no bad file in the way of the next."""

import contextlib
import importlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

import nbformat
import numpy as np
import psutil
import pytest
import torch

from fldp_lib import Plan, course, models
from fldp_lib.course import _files, _kernel, _plain, grade, hand_in, slices
from tests.course.hostile import HOSTILE, RIGHT, WRONG

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
progress = importlib.import_module("fldp_lib.course.progress")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="grading needs fork")


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "FILE", tmp_path / ".fldp_progress.json")
    (tmp_path / "in").mkdir()


def notebook(path, *cells):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)


def handed(folder, learner, exercises):
    entries = {id: {"code": code, "answer": answer} for id, (code, answer) in exercises.items()}
    found = {"format": hand_in.FORMAT, "learner": learner, "exercises": entries}
    (folder / (re.sub("[^a-zA-Z0-9]", "_", learner) + ".json")).write_text(json.dumps(found), encoding="utf-8")


# Slices ----------------------------------------------------------------------------------------------------------------


def test_a_slice_holds_what_the_answer_needs_and_nothing_else():
    cells = [
        "import math, slow_library\nunused = slow_library.run()\nfactor = 1\nfactor += 1",
        "%matplotlib inline\ntable = {}\ntable['a'] = helper_later = 3",
        "def answer(x):\n    return helper(x) * factor + table['a']",
        "def helper(x):\n    return math.sqrt(x)\n\nfactor = factor * 5",
        "course.exercise('05.1').check(answer)",
        "factor = 100",
    ]
    cut = slices.answers(cells)["05.1"]
    assert "slow_library.run" not in cut.code and "100" not in cut.code and not cut.stub
    space = {}
    exec(cut.code.replace("import math, slow_library", "import math"), space)
    assert eval(cut.answer, space)(4.0) == 2.0 * 10 + 3


def test_forms_of_a_check_and_of_a_stub():
    cells = [
        "def stub(x): ...",
        "def given(x):\n    '''Says.'''\n    pass",
        "task = course.exercise('05.1'); task.check(lambda x: x)",
        "assert course.exercise('05.2').check(stub) is None\ncourse.exercise('05.3').check()",
        "course.exercise('05.4').check(answer=given)\nbroken = (",
        "course.exercise('06.1').check(given); f = given",
        "course.exercise('06.2').check(f)\ncourse.exercise('06.2').check(3.5)",
    ]
    cut = slices.answers(cells)
    assert set(cut) == {"05.1", "05.2", "05.3", "06.1", "06.2"}  # a cell that is no Python has no answers
    assert {id for id, piece in cut.items() if piece.stub} == {"05.2", "05.3", "06.1"}
    assert (cut["05.1"].answer, cut["06.2"].answer) == ("lambda x: x", "3.5")


HALF, TWO = "half = 0.5", "def answer(x):\n    return x * half * parts[0]"
CHECK, ONE = "course.exercise('05.1').check(answer)", "answer = lambda x: x * half * parts[0]"
LOOP = "parts = []\nfor k in (4, 5):\n    parts.append(k)"
FILL = "def fill(count):\n    global half\n    parts.extend(range(4, count))\n    half = 0.5"
FORMS = {
    "in a try": [
        LOOP,
        f"try:\n    {HALF}\nexcept OSError:\n    pass",
        f"try:\n    {ONE}\n    {CHECK}\nexcept OSError:\n    pass",
    ],
    "in a with": [LOOP, HALF, f"with open('x') as file:\n    {ONE}\n    {CHECK}"],
    "in an else": [LOOP, HALF, f"if ready:\n    answer = 1\nelse:\n    {ONE}\n    {CHECK}"],
    "after an else": [LOOP, HALF, f"try:\n    {ONE}\nexcept OSError:\n    pass\nelse:\n    {CHECK}"],
    "above the stub": [LOOP, HALF, f"{TWO}\n{CHECK}", f"def answer(x): ...\n{CHECK}"],
    "below its check": [LOOP, CHECK, TWO, HALF],
    "filled by a function": ["parts = []", FILL, f"fill(6)\n{TWO}\n{CHECK}"],
    "beside a shell's line": [f"files = !ls\n{HALF}", f"{LOOP}\n%matplotlib inline\n{TWO}\n{CHECK}"],
    "by keywords": [LOOP, HALF, TWO, "course.exercise(id='05.1').check(answer=answer)"],
    "own names of a function": [LOOP, HALF, "x = slow = nowhere()", f"{TWO}\n{CHECK}"],
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_an_answer(form):
    cut, space = slices.answers(FORMS[form])["05.1"], {}
    exec(cut.code, space)
    assert eval(cut.answer, space)(3.0) == 6.0 and not cut.stub and cut.missing == ()


def test_names_that_no_cell_binds_are_missing():
    cells = [
        "def answer(x, *, y=1):\n    total = [np.exp(k) for k in x]\n    display(total)\n    return sum(total) + gone + y",
        CHECK,
    ]
    assert slices.answers(cells)["05.1"].missing == ("gone", "np")
    assert slices.answers(["from x import *", *cells])["05.1"].missing == ()
    assert slices.broken(["x = (", f"{CHECK}\nprint('a'", f"%time {CHECK}"]) == {"05.1": "line 2: '(' was never closed"}


# The file --------------------------------------------------------------------------------------------------------------


def test_a_report_holds_code_results_and_times(tmp_path):
    (tmp_path / "mine").mkdir()
    notebook(tmp_path / "mine" / "00.ipynb", RIGHT.format(inside=""), "course.exercise('00.1').check(guess_bound)")
    (
        progress.write("exercises", "00.1", True),
        progress.write("quiz", "00.1", True),
        progress.write("predictions", "00.a", False),
    )
    progress.write("exercises", "00.2", True)
    made = course.report(folder=tmp_path, notebooks=tmp_path / "mine", learner="Ada")
    found = json.loads((tmp_path / "hand_in.json").read_text())
    assert found == made.found and (found["learner"], found["quiz"], found["predictions"]) == (
        "Ada",
        {"00.1": True},
        {"00.a": False},
    )
    entry = found["exercises"]["00.1"]
    assert "math.exp" in entry["code"] and entry["answer"] == "guess_bound" and entry["noted"] and entry["solved"]
    assert set(found["exercises"]) == set(hand_in.known()) and len(found["exercises"]) >= 100
    assert len(found["warnings"]) == 1 and "00.2" in found["warnings"][0] and "Save" in repr(made)


def test_what_a_learner_should_look_at_is_said(tmp_path):
    (tmp_path / "mine").mkdir()
    notebook(
        tmp_path / "mine" / "renamed.ipynb", RIGHT.format(inside="lost()"), "course.exercise('00.1').check(guess_bound)"
    )
    notebook(tmp_path / "mine" / "b.ipynb", "course.exercise('00.2').check(f)\nprint('a'")
    os.utime(tmp_path / "mine" / "renamed.ipynb", (1, 1))
    progress.write("exercises", "00.1", True), progress.write("exercises", "00.2", True)
    made = course.report(folder=tmp_path, notebooks=tmp_path / "mine")
    assert str(tmp_path / "mine") in repr(made) and "renamed.ipynb: 00.1\n" in repr(made)
    said = ["no learner's name", "00.1 refers to lost,", "00.2: its cell in b.ipynb is no Python (line 2"]
    said += ["last time: 00.1.", "not answered in the saved notebooks: 00.2."]
    assert len(made.found["warnings"]) == len(said) and all(text in repr(made) for text in said)
    os.utime(tmp_path / "mine" / "renamed.ipynb")
    assert "last time" not in repr(course.report(folder=tmp_path, notebooks=tmp_path / "mine"))


def test_absent_and_broken_notebooks_are_named(tmp_path):
    (tmp_path / "mine").mkdir()
    assert "no notebooks in" in repr(course.report(folder=tmp_path, notebooks=tmp_path / "mine"))
    (tmp_path / "mine" / "05.ipynb").write_text("{")
    assert "05.ipynb cannot be read" in repr(course.report(folder=tmp_path, notebooks=tmp_path / "mine"))


def test_of_two_copies_the_one_saved_last_counts_unless_it_was_not_tried(tmp_path):
    for name, cell, when in (("a", "f = 1", 1), ("b", "f = 2", 2), ("c", "f = ...", 3)):
        notebook(tmp_path / f"{name}.ipynb", cell, "course.exercise('00.1').check(f)")
        os.utime(tmp_path / f"{name}.ipynb", (when, when))
    assert course.report(folder=tmp_path, notebooks=tmp_path).found["exercises"]["00.1"]["code"] == "f = 2"


# Values between processes ------------------------------------------------------------------------------------------------


def test_values_arrive_as_they_were_sent():
    values = [None, ..., True, 3, 2**200, -(2**60), 0.1, float("inf"), 1 + 2j, "é", b"x", (1, [2]), {1, 2},
              frozenset({3}), {(1, 2): "a"},
              np.arange(6.0).reshape(2, 3), np.float32(0.5), np.bool_(True), torch.eye(2, dtype=torch.float16),
              torch.zeros(0, 3),
              torch.ones(2, dtype=torch.bfloat16)]  # fmt: skip
    for value in values:
        back = _plain.decoded(_plain.encoded(value))
        assert type(back) is type(value)
        if isinstance(value, (np.ndarray, torch.Tensor)):
            assert back.dtype == value.dtype and back.shape == value.shape and bool((back == value).all())
        else:
            assert back == value
    assert _plain.decoded(_plain.encoded(Plan(rounds=3, lr=0.5))) == Plan(rounds=3, lr=0.5)
    model = models.MLP(4, 3, 2, seed=1)
    assert torch.equal(models.flatten(_plain.decoded(_plain.encoded(model))), models.flatten(model))
    assert not callable(_plain.decoded(_plain.encoded(print))) and "builtin" in repr(_plain.decoded(_plain.encoded(print)))


BAD = [b"", b"{}", b'{"a": 1}', b'["x"]', b"[]", b'["a", "O", [1], ""]', b'["a", "<f8", [2], "AAAA"]',
       b'["a", "<f8", [-1], ""]',
       b'["T", "Generator", [1], ""]', b'["i", "0x' + b"f" * 5000 + b'"]', b"9" * 40, b'["s", ["l"]]',
       b'["m", "nn", [1], []]',
       b'["P", "{}x"]', b'["a", "<f8", [1000000000000000000], ""]', b"[" * 10**5, b'["a", "<f8,<f8", [1], ""]',
       b"\xff"]  # fmt: skip


@pytest.mark.parametrize("data", BAD, ids=range(len(BAD)))
def test_what_is_no_message_is_refused(data):
    with pytest.raises(ValueError):
        _plain.decoded(data)


# Grading -----------------------------------------------------------------------------------------------------------------


def test_every_solution_is_right_when_graded_from_the_notebooks(tmp_path):
    course.report("all.json", tmp_path / "in", ROOT / "notebooks" / "solutions", "Solutions")
    grades = grade.grade(tmp_path / "in", seconds=120, jobs=2, progress=False)
    (row,) = grades.rows
    assert {id: one for id, one in row["exercises"].items() if one["verdict"] != "right"} == {}
    assert len(row["exercises"]) >= 100


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """Every hostile answer graded at once, an honest one behind them."""
    home = tmp_path_factory.mktemp("attacked")
    folder, victim = home / "in", home / "victim.json"
    folder.mkdir(), victim.write_text("mine")
    for name, (code, _) in HOSTILE.items():
        code = code.replace("{victim}", str(victim)).replace("{folder}", str(folder))
        handed(folder, name, {"00.1": (code, "guess_bound" if "guess_bound" in code else "print")})
    handed(folder, "zz honest", {"00.1": (RIGHT.format(inside=""), "guess_bound")})
    scratch = home / "scratch"
    scratch.mkdir()
    files = sorted(folder.iterdir())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        grades = grade.grade(folder, seconds=3, memory=256, jobs=2, progress=False)
    assert sorted(folder.iterdir()) == files and victim.read_text() == "mine"
    assert sorted(home.iterdir()) == [folder, scratch, victim] and list(scratch.iterdir()) == []
    assert examiners() == []
    return {row["learner"]: row["exercises"]["00.1"] for row in grades.rows}


def examiners():
    """Processes below this one that still examine; one that has ended, of whatever test, has no command any more."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one
            if "_examiner" in " ".join(process.cmdline()):
                found.append(process)
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_held(name, attacked):
    found = attacked[name]
    said = f"{found['verdict']}: {found['message']}"
    assert found["verdict"] != "right" and re.match(HOSTILE[name][1], said), said


def test_the_grader_goes_on_after_them(attacked):
    assert len(HOSTILE) >= 30 and attacked["zz honest"]["verdict"] == "right"


KERNEL = """
import os, resource, signal, sys, threading
sys.path.insert(0, sys.argv[1])
from fldp_lib.course import _kernel, _sandbox
file, held = os.open(__import__("sys").executable, os.O_RDONLY), resource.getrlimit(resource.RLIMIT_AS)
fences = _kernel.shut(sys.argv[2], _sandbox.readable())
acts = {
    "fork": os.fork, "kill": lambda: os.kill(os.getppid(), 0), "pidfd": lambda: os.pidfd_open(os.getppid()),
    "mode": lambda: os.chmod(file, os.fstat(file).st_mode & 0o7777), "owner": lambda: os.chown(file, -1, -1),
    "time": lambda: os.utime(file), "priority": lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 1),
    "processor": lambda: os.sched_setaffinity(os.getppid(), {0}), "group": lambda: os.setpgid(0, 0),
    "limit": lambda: resource.setrlimit(resource.RLIMIT_AS, held), "memory": lambda: os.memfd_create("x"),
    "device": lambda: os.mknod(sys.argv[2] + "/x", 0o20600, os.makedev(1, 5)), "user": lambda: os.setuid(os.getuid()),
    "exec": lambda: os.execv("/bin/true", ["true"]), "write": lambda: open(sys.argv[2] + "/../y", "w"),
}
for name, act in acts.items():
    try:
        act()
    except (PermissionError, ValueError):  # a limit's
        continue
    print(name)
thread = threading.Thread(target=lambda: open(sys.argv[2] + "/z", "w").write("z"))
thread.start(), thread.join(), signal.raise_signal(0), resource.getrlimit(resource.RLIMIT_AS)
print(*fences)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's fences are Linux's")
def test_the_kernels_fences_hold_without_the_hook(tmp_path):
    (tmp_path / "scratch").mkdir()
    call = [sys.executable, "-I", "-c", KERNEL, str(ROOT), str(tmp_path / "scratch")]
    said = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120).stdout.split()
    if said[-2:] != ["landlock", "seccomp"]:
        pytest.skip("a kernel without Landlock or seccomp")
    assert said[:-2] == [] and (tmp_path / "scratch" / "z").read_text() == "z" and not (tmp_path / "y").exists()


def test_refused_calls_have_the_kernels_own_numbers():
    places = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm-generic/unistd.h"  # aarch64's is this one
    headers = [pathlib.Path(place) for place in places]
    if not all(header.is_file() for header in headers):
        pytest.skip("no headers of Linux's here")
    found = [dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())) for header in headers]
    for entry in _kernel.REFUSED.split():
        name, *numbers = entry.split(":")
        if name in found[0]:  # or newer than the headers
            assert [numbers[0], numbers[-1]] == [kernel.get(name, "-") for kernel in found], name
    assert len(_kernel.numbers(0)) >= 90 and 62 in _kernel.numbers(0) and 129 in _kernel.numbers(1)


def test_a_nursery_that_is_stopped_takes_its_examiner_along(tmp_path):
    endless = {"id": "00.1", "code": "def f(a, b):\n while True: pass", "answer": "f", "seconds": 90, "memory": 2**28}
    nursery, below = grade._Nursery(str(tmp_path)), []
    asking = threading.Thread(target=nursery.verdict, args=(endless,))
    asking.start()
    until = time.monotonic() + 80
    while len(below) < 2 and time.monotonic() < until:
        time.sleep(0.1)
        if nursery.process is not None:
            below = psutil.Process(nursery.process.pid).children(recursive=True)
    assert len(below) == 2  # the examiner and the answer
    nursery.stop(), asking.join(30), nursery.close()
    psutil.wait_procs(below, timeout=20)
    assert [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []


def test_wrong_and_not_tried_keep_the_words_of_the_check(tmp_path, capsys):
    stub = ("def guess_bound(epsilon, delta): ...", "guess_bound")
    handed(tmp_path / "in", "=1+1", {"00.1": (WRONG.format(inside=""), "guess_bound"), "00.2": stub, "00.3": ("", "")})
    grade.main([str(tmp_path / "in"), "--json", str(tmp_path / "o.json"), "--csv", str(tmp_path / "o.csv"), "--jobs", "1"])
    wrong, out = io.StringIO(), capsys.readouterr().out
    (row,) = json.loads((tmp_path / "o.json").read_text())["hand_ins"]
    assert [row["exercises"][f"00.{k}"]["verdict"] for k in (1, 2, 3)] == ["wrong", "not tried", "not tried"]
    space = {}
    exec(WRONG.format(inside=""), space)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", wrong)
        assert course.exercise("00.1").check(space["guess_bound"]) is False
    message = row["exercises"]["00.1"]["message"]
    plain = re.sub(r"[\d.]+", "#", message)  # each check draws its own numbers
    assert plain in re.sub(r"[\d.]+", "#", wrong.getvalue()) and "bound" in plain and message in out
    assert "'=1+1" in (tmp_path / "o.csv").read_text()


def test_two_of_one_name_are_told_by_their_files(tmp_path):
    for name in ("a/hand_in.json", "b/hand_in (1).json"):
        (tmp_path / "in" / name).parent.mkdir()
        (tmp_path / "in" / name).write_text(json.dumps({"format": 1, "learner": "Ada", "exercises": {}}))
    handed(tmp_path / "in", "Bob", {})
    shown = repr(grade.grade(tmp_path / "in", jobs=1, progress=False))
    assert "Ada (a/hand_in.json)  " in shown and "Ada (b/hand_in (1).json)  " in shown and "Bob (" not in shown


def test_what_an_answer_shows_is_shown_to_nobody(tmp_path):
    pytest.importorskip("matplotlib")
    draws = "import matplotlib.pyplot as plt; plt.plot([1, 2], label='a'); plt.legend(); plt.show(); display(plt.gcf())"
    handed(tmp_path / "in", "draws", {"00.1": (RIGHT.format(inside=draws), "guess_bound")})
    (row,) = grade.grade(tmp_path / "in", jobs=1, progress=False).rows
    assert row["exercises"]["00.1"] == {"verdict": "right", "message": ""}


def test_a_file_that_is_no_hand_in_is_a_line_and_the_next_is_graded(tmp_path):
    folder = tmp_path / "in"
    bad = {"no_json": "{", "list": "[]", "old": '{"format": 0}', "binary": "\udcff", "deep": "[" * 10**5, "empty": "",
           "types": json.dumps({"format": 1, "exercises": {"00.1": {"code": 1, "answer": []}}}),
           "unknown": json.dumps({"format": 1, "exercises": {"../x": {"code": "", "answer": ""}}}),
           "surrogate": '{"format": 1, "exercises": {"00.1": {"code": "\\ud800", "answer": "x"}}}'}  # fmt: skip
    for name, text in bad.items():
        (folder / f"{name}.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with (folder / "large.json").open("wb") as file:
        file.truncate(2**30)
    (folder / "folder.json").mkdir(), (folder / "link.json").symlink_to("/etc/passwd")
    handed(folder, "zz", {"00.1": (RIGHT.format(inside=""), "guess_bound")})
    grades = grade.grade(folder, jobs=1, progress=False)
    assert {row["learner"] for row in grades.rows if row["problem"].startswith("no hand-in")} == {
        *bad,
        "large",
        "folder",
        "link",
    }
    assert "1,073,741,824 bytes" in repr(grades) and grades.rows[-1]["exercises"]["00.1"]["verdict"] == "right"
    assert "\x1b" not in _files.clean("\x1b[31mred\x07")


def test_an_interruption_keeps_what_was_graded(tmp_path, monkeypatch):
    for name in "abc":
        handed(tmp_path / "in", name, {"00.1": (RIGHT.format(inside=""), "guess_bound")})
    usual, asked = grade._Nursery.verdict, []

    def verdict(self, request):
        asked.append(request)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return usual(self, request)

    monkeypatch.setattr(grade._Nursery, "verdict", verdict)
    grades = grade.grade(tmp_path / "in", jobs=1, progress=False)
    said = [row["exercises"]["00.1"]["verdict"] for row in grades.rows]
    assert said[0] == "right" and "not checked" in said
