"""`pip install .`: what is in the package, what it needs, and that it works where the course is not."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

import fldp_lib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
HATCHLING = importlib.util.find_spec("hatchling") is not None or os.environ.get("FLDP_REQUIRE_PEERS") == "1"


def listed(name):
    """The lines of a file of requirements."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def name_of(requirement):
    return re.match(r"[\w-]+", requirement)[0]


def test_requirements_are_those_of_the_package_the_course_and_the_tests():
    assert sorted(listed("requirements.txt")) == sorted({*PROJECT["dependencies"], *EXTRAS["course"], *EXTRAS["test"]})


def test_a_package_has_one_range_wherever_it_is_named():
    ranges = {name_of(line): line for line in [*PROJECT["dependencies"], *EXTRAS["flower"]]}
    first_cell = (ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8")
    assert ranges["dp-accounting"] in first_cell and ranges["mpyc"] in first_cell
    assert ranges["flwr"] in listed("tests/requirements-peers.txt")
    assert ranges["flwr"] in (ROOT / "README.md").read_text(encoding="utf-8")
    colab = {name_of(line): line for line in listed("tests/requirements-colab.txt")}
    pinned = {"numpy"}  # to Colab's own
    assert {name: colab[name] for name in ranges if name in colab and name not in pinned} == {
        name: line for name, line in ranges.items() if name in colab and name not in pinned
    }


def test_binders_requirements_are_the_courses():
    assert listed(".binder/requirements.txt") == []
    assert "-r ../requirements.txt" in (ROOT / ".binder" / "requirements.txt").read_text().splitlines()


def test_the_core_declares_every_library_that_it_imports():
    from test_package import LIBRARIES

    names = {"sklearn": "scikit-learn", "dp_accounting": "dp-accounting"}
    declared = {name_of(line) for line in PROJECT["dependencies"]}
    assert declared == {names.get(library, library) for wing in LIBRARIES.values() for library in wing}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not HATCHLING:
        pytest.skip("hatchling is missing; tests/requirements-peers.txt has it")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "fldp_lib").rglob("*") if path.is_file()}
    there = {name for name in there if "__pycache__" not in name and ".ipynb_checkpoints" not in name}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in held if not name.startswith("fldp_lib-")} == there
    files = ("book/assets/book.js", "interactive/assets/trainer/page.js", "flower/project/pyproject.toml")
    assert {f"fldp_lib/{name}" for name in files} < held
    kept = ("german_credit.csv.gz", "german_credit.txt", "pancreatitis.csv.gz", "periodontal.csv.gz", "medicaldata.txt")
    assert {f"fldp_lib/data/records/{name}" for name in (*kept, "flights.csv.gz", "flights.txt")} < held
    assert f"fldp_lib-{fldp_lib.__version__}.dist-info/licenses/LICENSE" in held


def test_the_version_stands_in_one_place(wheel):
    assert re.fullmatch(r"\d+\.\d+\.\d+", fldp_lib.__version__)
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    metadata = zipfile.ZipFile(wheel).read(f"fldp_lib-{fldp_lib.__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {fldp_lib.__version__}\n" in metadata
    assert set(re.findall(r"^Requires-Python: (.*)$", metadata, flags=re.M)) == {">=3.11"}


@pytest.fixture(scope="module")
def installed(request, tmp_path_factory):
    """Runs a program in an empty folder where the package alone is installed: from the wheel, or a copy."""
    site, elsewhere = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("elsewhere")
    if HATCHLING:
        zipfile.ZipFile(request.getfixturevalue("wheel")).extractall(site)
    else:
        shutil.copytree(ROOT / "fldp_lib", site / "fldp_lib", ignore=shutil.ignore_patterns("__pycache__"))

    def run(program):
        environment = os.environ | {"PYTHONPATH": str(site)}
        program = f"import fldp_lib; assert fldp_lib.__file__.startswith({str(site)!r})\n{program}"
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=elsewhere, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.folder = elsewhere
    return run


def test_it_trains_where_the_course_is_not(installed):
    out = installed("""
from fldp_lib import data, models, train
history = train(models.Linear(64, 10), data.split(data.load("digits"), clients=20), rounds=2, lr=0.5)
print(len(history.loss), history.loss[-1] < 2.3)
""")
    assert out == "2 True\n"


NEEDS_THE_COURSE = {
    "course.figure('private_digits.png', 'x')": "figures/",
    "course.exercise('05.2').solution()": "notebooks/",
    "course.contents.Errata()": "notebooks/",
    "course.contents.table('19', 'Work')": "notebooks/",
    "course.contents.prose('05')": "notebooks/",
    "book.build('out')": "notebooks/",
}


def test_what_needs_the_course_says_so_in_a_sentence_and_the_rest_works(installed):
    program = "from fldp_lib import book, course\nimport fldp_lib.course.contents\n"
    for call in NEEDS_THE_COURSE:
        program += f"try: {call}\nexcept FileNotFoundError as error: print(error)\n"
    said = installed(program + "course.exercise('00.1').check(...)\ncourse.quiz('00').answer(1, 1)\n").splitlines()
    remedy = "beside fldp_lib: get the course's repository and work in its folder"
    assert said[:-1] == [f"no {folder} {remedy}" for folder in NEEDS_THE_COURSE.values()]
    assert said[-1].startswith("00.1: not tried yet")
    assert [path.name for path in installed.folder.iterdir()] == [".fldp_progress.json"]  # of the quiz
