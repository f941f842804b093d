"""What every notebook keeps to, read from the committed files; nbval runs them (see pyproject.toml)."""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
from itertools import pairwise

import pytest
from typed_prices import typed_prices

ROOT = pathlib.Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
ADDRESS = (ROOT / ".github" / "repository").read_text().strip()
DECIMAL = re.compile(r"(?<![\w.:/])\d+\.\d+(?![\w:/]|\.\d)")
SECTIONS = (
    "You will be able to",
    "Critical reading",
    "Explorer",
    "What this does not protect",
    "Summary",
    "Exercises",
    "Quiz",
    "Sources",
)
lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
notebooks = pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda p: f"{p.parent.name}-{p.stem}")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


def code(cells):
    return [cell for cell in cells if cell["cell_type"] == "code"]


def prose(cells):
    return [source(cell) for cell in cells if cell["cell_type"] == "markdown"]


def printed(cell):
    """All text that a cell's outputs show."""
    parts = []
    for output in cell["outputs"]:
        parts.append("".join(output.get("text", "")))
        parts.append("".join(output.get("data", {}).get("text/plain", "")))
    return "\n".join(parts)


def outside_code(markdown):
    """Markdown without code spans, fenced code, links' targets and images."""
    markdown = re.sub(r"```.*?```", "", markdown, flags=re.S)
    markdown = re.sub(r"\]\([^)]*\)", "]", markdown)
    return re.sub(r"`[^`]*`", "", markdown)


def headings(cells):
    return re.findall(r"^(#+) (.*)$", re.sub(r"```.*?```", "", "\n".join(prose(cells)), flags=re.S), flags=re.M)


def unsupported_numbers(cells):
    """Decimals in the prose that no checked output and no line of code contains."""
    checked = "\n".join(printed(c) for c in code(cells) if "nbval-check-output" in c["metadata"].get("tags", []))
    known = set(re.findall(r"\d+\.\d+", checked)) | set(re.findall(r"\d+\.\d+", "\n".join(map(source, code(cells)))))
    text = re.split(r"^## Sources", "\n".join(map(outside_code, prose(cells))), flags=re.M)[0]
    text = re.sub(r"\b\d{4}\.\d{5}\b", "", text)  # arXiv identifiers
    return sorted({number for number in DECIMAL.findall(text) if number not in known})


def test_there_are_notebooks():
    assert len(LESSONS) >= 4
    assert [p.name for p in SOLUTIONS] == [p.name for p in LESSONS]


@notebooks
def test_executed_in_order_from_a_fresh_kernel(path):
    counts = [cell["execution_count"] for cell in code(read(path))]
    assert counts == list(range(1, len(counts) + 1))


@notebooks
def test_outputs_are_clean(path):
    for cell in code(read(path)):
        for output in cell["outputs"]:
            assert output["output_type"] != "error", source(cell)
            assert output.get("name") != "stderr", source(cell)
        assert not re.search(r"\bnan\b|Traceback|Warning", printed(cell)), source(cell)


@notebooks
def test_no_path_of_a_machine_and_no_widget_state(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(root|home|work|tmp|Users)/", text)
    assert "widgets" not in json.loads(text)["metadata"]


@lessons
def test_size(path):
    assert path.stat().st_size <= 300_000


@lessons
def test_code_cells_are_short_and_prose_stands_between(path):
    cells = read(path)
    lengths = [len(source(cell).splitlines()) for cell in code(cells)]
    assert max(lengths) <= 25
    assert statistics.median(lengths) <= 8
    kinds = "".join(cell["cell_type"][0] for cell in cells)
    assert "ccc" not in kinds


@lessons
def test_anatomy(path):
    cells = read(path)
    found = headings(cells)
    assert [level for level, _ in found].count("#") == 1
    assert found[0][1].startswith(f"{path.stem.split('_')[0]} ")
    titles = " ".join(title for _, title in found)
    assert not [section for section in SECTIONS if section not in titles]
    assert any("nbval-check-output" in cell["metadata"].get("tags", []) for cell in code(cells))


@notebooks
def test_heading_levels_are_not_skipped(path):
    levels = [len(level) for level, _ in headings(read(path))]
    assert all(after <= before + 1 for before, after in pairwise(levels))


@lessons
def test_every_number_in_the_prose_is_printed_by_a_checked_cell(path):
    assert unsupported_numbers(read(path)) == []


def test_the_number_check_can_fail():
    cell = {"cell_type": "code", "source": "x = 0.5", "metadata": {"tags": ["nbval-check-output"]}, "outputs": []}
    prose_of = [{"cell_type": "markdown", "source": "We set 0.5 and got 0.731, see 1607.00133 and `3.25`."}, cell]
    assert unsupported_numbers(prose_of) == ["0.731"]
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "0.731"}]
    assert unsupported_numbers(prose_of) == []


@notebooks
def test_pictures_are_described(path):
    for text in prose(read(path)):
        assert not re.search(r"!\[\s*\]\(", text)
    for cell in code(read(path)):
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:  # an explorer's still picture, or a bare figure, which has no alternative text
                assert "".join(data["text/plain"]).startswith("Explorer("), source(cell)
                assert output["metadata"]["image/png"]["alt"], source(cell)
            assert "application/vnd.jupyter.widget-view+json" not in data  # a model that nobody has: an error on opening
            assert not re.search(r"<img(?![^>]*alt=\"[^\"]+\")", "".join(data.get("text/html", "")))


@notebooks
def test_no_picture_is_in_a_checked_output(path):
    """Its bytes depend on matplotlib's version; the facts that prose quotes are printed by a cell of their own."""
    for cell in code(read(path)):
        if "nbval-check-output" in cell["metadata"].get("tags", []):
            kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
            assert not kinds & {"text/html", "image/png", "image/svg+xml"}, source(cell)[:80]


@notebooks
def test_links_lead_somewhere(path):
    for text in prose(read(path)):
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), target


@lessons
def test_badges_and_first_cell_have_the_repositorys_address(path):
    text, cells = path.read_text(encoding="utf-8"), read(path)
    addresses = set(re.findall(r"(?:github\.com|/github|/gh)/([\w.-]+/[\w.-]+?)(?=/blob| course|/main)", text))
    assert addresses == {ADDRESS}
    assert f"blob/main/notebooks/{path.name})" in source(cells[0])
    assert f"tree/notebooks/{path.name})" in source(cells[0])
    assert f'"https://github.com/{ADDRESS}"' in source(code(cells)[0])


def test_first_cells_are_all_the_same():
    first = {source(code(read(path))[0]) for path in LESSONS + SOLUTIONS}
    assert len(first) == 1
    assert len(first.pop().splitlines()) <= 14


class Machine:
    """A folder in which the first cell runs, alone with the standard library and with a git and a pip that only pretend.

    Args:
        folder: a new folder.
        colab: whether the kernel is Colab's.
        has: modules that are installed.
        fails: "git" or "pip", which then breaks off half-way.

    Attributes:
        calls: what git and pip were asked, in order.
    """

    def __init__(self, folder, colab=False, has=(), fails=None):
        self.here, self.site, self.colab, self.fails = folder / "content", folder / "site", colab, fails
        for made in (self.here, self.site, folder / "bin"):
            made.mkdir()
        self.log = folder / "calls"
        self.log.touch()
        for name in has:
            (self.site / name).mkdir()
            (self.site / name / "__init__.py").touch()
        self._script(
            "git",
            'for last; do :; done; mkdir -p "$last/.git"',
            'mkdir "$last/fldp_lib"; touch "$last/fldp_lib/__init__.py"',
        )
        self._script("pip", f'touch "{self.site}/dp_accounting.py"', f'touch "{self.site}/mpyc.py"')

    def _script(self, name, before, after):
        path = self.log.parent / "bin" / name
        broken = f'[ "$FAILS" != {name} ] || exit 1'
        path.write_text(f'#!/bin/sh\necho {name} "$@" >> "{self.log}"\n{before}\n{broken}\n{after}\n')
        path.chmod(0o755)

    @property
    def calls(self):
        return [line.split()[0] for line in self.log.read_text().splitlines()]

    def run(self, where=None):
        """Run the cell; return its exit status, what it printed, its errors, and where it then finds fldp_lib."""
        colab = 'import types; sys.modules["google.colab"] = types.ModuleType("colab")' if self.colab else ""
        before = f'import sys\nsys.path[:] = ["", *sys.path, {str(self.site)!r}]\n{colab}\n'
        after = '\nprint("origin", find_spec("fldp_lib").origin)'
        environment = os.environ | {"PATH": f"{self.log.parent / 'bin'}:{os.environ['PATH']}", "FAILS": self.fails or ""}
        program = before + source(code(read(LESSONS[0]))[0]) + after
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program],
            cwd=where or self.here,
            env=environment,
            capture_output=True,
            text=True,
        )
        printed, _, origin = done.stdout.strip().rpartition("origin ")
        return done.returncode, printed, done.stderr, pathlib.Path(origin).parent if origin else None


@pytest.mark.parametrize("installed", [False, True])
@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/solutions"])
def test_the_first_cell_finds_the_course_around_it(folder, installed, tmp_path):
    machine = Machine(tmp_path, has=["fldp_lib"] * installed)
    assert machine.run(ROOT / folder) == (0, "", "", ROOT / "fldp_lib")
    assert machine.calls == []


def test_the_first_cell_outside_the_course_says_what_to_do(tmp_path):
    status, printed, errors, _ = Machine(tmp_path).run()
    assert status != 0 and printed == ""
    last = errors.strip().splitlines()[-1]
    assert last == "ModuleNotFoundError: no fldp_lib here: open the notebook inside the course's folder"
    assert "StopIteration" not in errors


def test_the_first_cell_takes_an_installed_package_where_no_course_is_near(tmp_path):
    machine = Machine(tmp_path, has=["fldp_lib"])
    assert machine.run() == (0, "", "", machine.site / "fldp_lib")


def half_made(machine):
    (machine.here / "course" / ".git").mkdir(parents=True)


def broken_off(machine):
    (machine.here / ".new" / "fldp_lib").mkdir(parents=True)


def complete(machine):
    (machine.here / "course" / "fldp_lib").mkdir(parents=True)
    (machine.here / "course" / "fldp_lib" / "__init__.py").touch()


COLAB = {
    "fresh": (lambda machine: None, [], ["git", "pip"]),
    "a folder without the package": (half_made, [], ["git", "pip"]),
    "a clone that broke off": (broken_off, ["dp_accounting", "mpyc"], ["git"]),
    "nothing installed": (complete, [], ["pip"]),
    "half installed": (complete, ["dp_accounting"], ["pip"]),
    "complete": (complete, ["dp_accounting", "mpyc"], []),
}


@pytest.mark.parametrize("case", COLAB)
def test_the_first_cell_on_colab_fetches_what_is_missing_once(case, tmp_path):
    prepare, has, calls = COLAB[case]
    machine = Machine(tmp_path, colab=True, has=has)
    prepare(machine)
    for _ in range(2):  # the second run finds everything
        assert machine.run() == (0, "", "", machine.here / "course" / "fldp_lib")
        assert machine.calls == calls
    assert "torch" not in machine.log.read_text()
    assert not (machine.here / ".new").exists()
    kept = (machine.here / "course.~1~" / ".git").exists()  # nobody's files are lost
    assert kept == (case == "a folder without the package")


@pytest.mark.parametrize("fails", ["git", "pip"])
def test_the_first_cell_on_colab_mends_a_run_that_broke_off(fails, tmp_path):
    machine = Machine(tmp_path, colab=True, fails=fails)
    status, _, errors, _ = machine.run()
    assert status != 0 and "CalledProcessError" in errors and fails in errors
    machine.fails = None
    assert machine.run() == (0, "", "", machine.here / "course" / "fldp_lib")


@notebooks
def test_metadata_are_the_same_on_every_python_and_enough_for_nbconvert(path):
    assert json.loads(path.read_text(encoding="utf-8"))["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
    }


def test_an_executed_notebook_keeps_that_metadata_and_becomes_a_script(tmp_path):
    from nbconvert import ScriptExporter

    path = tmp_path / "a.ipynb"
    text = json.loads(LESSONS[0].read_text(encoding="utf-8"))
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "a",
        "metadata": {},
        "outputs": [],
        "source": ["print(6 * 7)"],
    }
    path.write_text(json.dumps(text | {"cells": [cell]}), encoding="utf-8")
    subprocess.run([sys.executable, ROOT / ".ci" / "execute", path], check=True, capture_output=True)
    assert printed(read(path)[0]).strip() == "42"
    assert json.loads(path.read_text(encoding="utf-8"))["metadata"] == text["metadata"]
    body, resources = ScriptExporter().from_filename(path)
    assert resources["output_extension"] == ".py" and "print(6 * 7)" in body


@lessons
def test_exercises_are_asked_solved_and_checked(path):
    import importlib

    number = path.stem.split("_")[0]
    module = importlib.import_module(f"fldp_lib.course.exercises.nb{number}")
    asked = "\n".join(map(source, code(read(path))))
    solved = read(ROOT / "notebooks" / "solutions" / path.name)
    tags = {tag for cell in solved for tag in cell["metadata"].get("tags", [])}
    results = "\n".join(map(printed, code(solved)))
    assert 3 <= len(module.EXERCISES) <= 5
    assert len(module.QUIZ) >= 3
    for item in module.EXERCISES:
        assert f'exercise("{item.id}").check' in asked
        assert f"solution-{item.id}" in tags
        assert f"{item.id}: correct" in results
        assert len(item.hints) >= 2
    for question in module.QUIZ:
        assert 0 <= question.right < len(question.options)
        assert all(option and why for option, why in question.options)


def promised(markdown):
    """Numbers of notebooks that are said to come."""
    return re.findall(r"\b(\d\d[a-z]?)\b(?:(?!\b\d\d[a-z]?\b)[^.|\n]){0,30}?to come", markdown)


@notebooks
def test_what_is_said_to_come_is_not_there_yet(path):
    there = {lesson.stem.split("_")[0] for lesson in LESSONS}
    assert [number for text in prose(read(path)) for number in promised(text) if number in there] == []


def test_the_promise_check_can_fail():
    assert promised("notebook 05; notebook 07, to come") == ["07"]
    assert promised("notebook 07; notebook 07b, to come") == ["07b"]
    assert promised("| 06 Mathematics, *to come* |") == ["06"]
    assert promised("(notebooks 05 and 07)") == []


@lessons
def test_the_last_line_leads_to_the_neighbours(path):
    last = source(read(path)[-1]).splitlines()[-1]
    at = LESSONS.index(path)
    for word, other in (("Previous", at - 1), ("Next", at + 1)):
        if 0 <= other < len(LESSONS):
            assert re.search(rf"{word}: \[[^]]*\]\({LESSONS[other].name}\)", last), last


@pytest.mark.parametrize("page", ["README.md", "notebooks/00_start_here.ipynb"])
def test_the_maps_list_every_notebook(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [path.name for path in LESSONS if path.name not in text] == []


def test_readme_has_the_repositorys_address():
    addresses = set(
        re.findall(r"(?:github\.com|/github|/gh)/([\w.-]+/[\w.-]+?)(?=[/)\s.]|$)", (ROOT / "README.md").read_text())
    )
    assert addresses == {ADDRESS}


PRICED_TWICE = {  # the faults that `typed_prices` must find
    "trained for 12 rounds, priced for 20": """
noise = mechanisms.Gaussian(1.0, clip=1.0)
history = train(model, fed, rounds=12, mechanism=noise)
print(accounting.epsilon(noise, rounds=20))
""",
    "calibrated by a helper, with a name": """
def protection(epsilon, at="server"):
    return accounting.calibrate("gaussian", epsilon=epsilon, rounds=ROUNDS, at=at)

def run(seed, mechanism):
    return train(model, fed, rounds=ROUNDS, mechanism=mechanism, seed=seed)

runs = {e: [run(seed, protection(e)) for seed in range(3)] for e in (1.0, 2.0)}
""",
    "in a container, by settings": """
budget = dict(epsilon=2.0, rounds=20)
noises = {at: accounting.calibrate("gaussian", at=at, **budget) for at in places}
for at, noise in noises.items():
    runs.append(train(model, fed, Plan(rounds=20, mechanism=noise)))
""",
    "a changed copy, in a callback": """
plan = Plan(rounds=20).calibrated(2.0)
def price(missing):
    left = replace(plan.mechanism, at="shares")
    return accounting.epsilon(left, 20, delta=1e-5)
history = train(model, fed, plan.changed(mechanism=accounting.calibrate("laplace", 1.0, rounds=plan.rounds)))
kept = replace(history.mechanism, at="shares")
spent = accounting.delta_of(kept, 1.0, 20)
""",
    "a ledger": """
main = mechanisms.Laplace(0.1, clip=1.0)
for plan in (Plan.of(rounds=20, mechanism=main),):
    ledger.spend(main, rounds=8, note="stopped")
""",
    "noise added by hand in an aggregator": """
def noisy(multiplier):
    def aggregate(updates, sizes):
        return updates.sum(0) + multiplier * torch.randn(650)
    return aggregate

def under(aggregator):
    return train(model, fed, rounds=12, aggregator=poisoning.Poisoned(aggregator, None, 0))

for multiplier in (0.5, 1.0):
    history = under(noisy(multiplier))
    total = accounting.epsilon(mechanisms.Gaussian(multiplier, 1.0), rounds=20)
""",
}
PRICED_ONCE = """
plan = Plan(rounds=20, lr=2.0).calibrated(2.0, clip=6.0)
history = train(model, fed, plan)
print(plan.epsilon(), plan.epsilon(5), accounting.epsilon(history.mechanism, history.planned, method="rdp"))
ledger = plan.ledger("first").spend(plan.mechanism, plan.rounds, note="second")
table = [accounting.epsilon(mechanisms.Laplace(e, 1.0), rounds=100) for e in (0.1, 1.0)]
sigma = accounting.calibrate("gaussian", epsilon=1.0, rounds=10).noise_multiplier
alone = accounting.delta_of(plan.mechanism, 1.0)
clear = train(model, fed, rounds=100, lr=2.0)
"""


@notebooks
def test_no_run_is_priced_by_a_typed_number_of_rounds(path):
    assert typed_prices("\n".join(map(source, code(read(path))))) == []


@pytest.mark.parametrize("program", PRICED_TWICE.values(), ids=PRICED_TWICE)
def test_the_price_check_can_fail(program):
    assert len(typed_prices(program)) == 1 + ("delta_of" in program)


def test_the_price_check_lets_plans_and_hypothetical_prices_pass():
    assert typed_prices(PRICED_ONCE) == []
