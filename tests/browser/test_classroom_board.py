"""A classroom's board in a real JupyterLab, while learners join, answer and drop out, each in a process of its own.

It is looked at light, dark and narrow while the run goes on; pictures are kept in tests/browser/screenshots.
"""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import looks
import nbformat
import pytest
from lab import ROOT, SERVED, STOP, chromium, kernel_of, lab, missing, open_notebook, run_all

if missing:
    pytest.skip(missing, allow_module_level=True)
if importlib.util.find_spec("flwr") is None:
    pytest.skip("no Flower in this environment: pip install -r tests/requirements-peers.txt", allow_module_level=True)

SHOTS = pathlib.Path(__file__).parent / "screenshots"
NAME = pathlib.Path("notebooks/room.ipynb")
ROOM = """import sys
sys.path.insert(0, "..")
from fldp_lib import Plan, data
from fldp_lib.flower import classroom

fed = data.split(data.load("breast_cancer", features=["mean radius", "mean texture"]), clients=300)
plan = Plan.of(rounds=40, lr=1.0, local_steps=3, seed=None).calibrated(4.0, delta=1e-5, clip=1.0)
room = classroom.open(plan, "fldp_lib.training.models:Linear", (2, 1), fed, seats=3)
room.show()"""
LEARNER = """import sys
from fldp_lib.flower import classroom
seat = classroom.join(*sys.argv[1:3], name=sys.argv[3])
sys.stdin.read()"""
SAYS = "words => document.querySelector('.fldp-panel [role=status]')?.innerText.includes(words)"
PICTURE = ".fldp-panel svg[role=img]"


@pytest.fixture
def learners(tmp_path):
    """Seats two learners in a room; returns their processes."""
    came = []

    def join(address, code):
        for name in ("Ada", "Bob"):
            home = {"XDG_STATE_HOME": str(tmp_path / name), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-c", LEARNER, address, code, name]
            came.append(subprocess.Popen(command, env=os.environ | home, stdin=subprocess.PIPE))
        return came

    yield join
    for process in came:
        process.kill()
        process.wait()
        process.stdin.close()


def test_the_board_follows_a_run_in_jupyterlab_and_shows_who_dropped_out(tmp_path, learners):
    SHOTS.mkdir(exist_ok=True)
    with lab(tmp_path) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ROOM)], metadata=kernel)
        nbformat.write(book, SERVED[-1][1] / "course" / NAME)
        open_notebook(page, address, NAME)
        wrong.clear()
        run_all(page)
        panel = page.locator(".fldp-panel").first
        panel.wait_for(timeout=120_000)
        told = page.locator(".jp-OutputArea-output").first.inner_text()
        page.screenshot(path=SHOTS / "board_0_open.png")
        ada, bob = learners(*re.search(r"address (\S+)\s+code\s+(\S+)", told).groups())
        page.wait_for_function(SAYS, arg="2 of 3 seats taken", timeout=120_000)
        assert "the run has not begun" in panel.inner_text()
        with kernel_of(NAME) as run:
            run("room.start()")
            before = page.locator(PICTURE).first.inner_html()
            page.wait_for_function(SAYS, arg="2 of 3 answered", timeout=120_000)
            assert "ε so far" in panel.inner_text() and page.locator(PICTURE).first.inner_html() != before
            page.wait_for_function(SAYS, arg="round 3 of 40", timeout=120_000)
            page.screenshot(path=SHOTS / "board_1_running.png")  # a panel's own waits until nothing in it moves
            bob.kill()
            page.wait_for_function(SAYS, arg="no answer from Bob", timeout=120_000)
            assert "1 of 3 answered" in panel.inner_text()
            page.wait_for_function(SAYS, arg="round 40 of 40", timeout=180_000)
            assert re.search(r"ε so far 4\.00 of 4\.00", panel.inner_text())
            faults, found = looks.survey(page, [panel], SHOTS / "board")
            run("room.close()")
        assert ada.poll() is None  # a room that closes ends no learner's kernel
        assert not faults and not found and not wrong
        page.evaluate(STOP)
