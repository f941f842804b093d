"""README holds what it says: its example prints what stands below it, every module is listed, links lead somewhere."""

import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import notebook_seconds, with_times

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_stands_below_it():
    example, shown = re.search(r"```python\n(.*?)```\n+```\n(.*?)```", TEXT, flags=re.S).groups()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(example, "README.md", "exec"), {})
    assert out.getvalue().split() == shown.split()


def test_the_table_lists_every_module():
    files = {path.name for path in (ROOT / "fldp_lib").glob("*.py")} - {"__init__.py"}
    packages = {path.parent.name for path in (ROOT / "fldp_lib").glob("*/__init__.py")}
    assert {name for name in files | packages if f"](fldp_lib/{name})" not in TEXT} == set()


def test_links_and_pictures_lead_somewhere():
    targets = re.findall(r"\]\(([^)#\s]+)", TEXT)
    assert [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()] == []
    assert "![](" not in TEXT


@pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")
def test_the_command_that_updates_does_so_after_a_notebook_was_run(tmp_path):
    """README's own lines, on a small repository whose notebook changes on both sides."""
    notebook, home = "notebooks/05_private_federated_learning.ipynb", tmp_path / "home"
    home.mkdir()
    who = dict(GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@a", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@a")
    learner = os.environ | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}

    def run(command, where, **environment):
        done = subprocess.run(
            ["bash", "-ec", command], cwd=tmp_path / where, env=learner | environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    def write(where, text):
        (tmp_path / where / notebook).write_text(text, encoding="utf-8")

    (tmp_path / "course" / "notebooks").mkdir(parents=True)
    write("course", "committed")
    assert run("git init -q && git add -A && git commit -qm 1", "course", **who)[0] == 0
    assert run("git clone -q course mine", ".")[0] == 0
    write("course", "newer")
    assert run("git commit -qam 2", "course", **who)[0] == 0
    write("mine", "run by me")
    assert run("git pull", "mine")[0] != 0
    command = re.search(r"<!-- command: update -->\n```bash\n(.*?)\n```", TEXT, flags=re.S)[1]
    git, pip = command.rsplit(" && ", 1)
    assert pip == ".venv/bin/pip install -q -r requirements.txt"
    assert run(git, "mine")[0] == 0
    assert (tmp_path / "mine" / notebook).read_text() == "newer"
    show, back = re.findall(r"`(git (?:stash )?show [^`]*)`", TEXT)
    assert "run by me" in run(show, "mine")[1]
    assert run(back, "mine")[0] == 0 and (tmp_path / "mine" / "mine.ipynb").read_text() == "run by me"
    write("mine", "run again")
    apart = re.search(r"<!-- command: mine -->\n```bash\n(.*?)\n```", TEXT, flags=re.S)[1]
    assert (
        run(apart, "mine")[0] == 0 and (tmp_path / "mine" / "mine" / pathlib.Path(notebook).name).read_text() == "run again"
    )
    assert "`git checkout -- notebooks`" in TEXT and run("git checkout -- notebooks", "mine")[0] == 0
    assert (tmp_path / "mine" / notebook).read_text() == "newer"
    write("course", "newest")
    assert (
        run("git commit -qam 3", "course", **who)[0] == 0 and run("git pull", "mine")[0] == 0
    )  # copies are in no one's way
    assert (
        run(apart, "mine")[0] == 0 and (tmp_path / "mine" / "mine" / pathlib.Path(notebook).name).read_text() == "run again"
    )


def test_the_commands_for_the_package_and_for_grading_are_real():
    (grading,) = re.findall(r"<!-- command: grade -->\n```bash\n(.*?)\n```", TEXT, flags=re.S)
    module, shown = (
        grading.split(" -m ")[1].split()[0],
        subprocess.run([sys.executable, *grading.split()[1:3], "--help"], cwd=ROOT, capture_output=True, text=True),
    )
    assert module == "fldp_lib.course.grade" and shown.returncode == 0 and "--csv" in shown.stdout


def test_the_map_has_a_measured_time_for_every_notebook():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert re.search(rf"\(notebooks/{path.name}\) \|[^|\n]*\| \d+ s \|", TEXT), path.name


def report(nodeid, duration):
    return SimpleNamespace(nodeid=nodeid, duration=duration)


def test_seconds_of_a_notebook_are_those_of_its_cells():
    cells = [report("notebooks/00_start_here.ipynb::Cell 0", 2.0), report("notebooks/00_start_here.ipynb::Cell 1", 3.5)]
    others = [report("notebooks/solutions/00_start_here.ipynb::Cell 0", 9.0), report("tests/test_readme.py::test_x", 9.0)]
    assert notebook_seconds([*cells, *others]) == {"00_start_here": 5.5}


def test_times_go_into_the_rows_they_belong_to():
    page = "| [00 Start](notebooks/00_start.ipynb) | a map | 99 s |\n| [01 B](notebooks/01_b.ipynb) | b | 1 s |\n"
    page += "<!-- total -->9 min<!-- /total -->"
    written = with_times(page, {"00_start": 41.0, "01_b": 2.0})
    assert "| a map | 40 s |" in written and "| b | 5 s |" in written and "<!-- total -->0.7 min<!-- /total -->" in written
