"""The instructor's pages: one a notebook; their sections, times, exercises, sliders and numbers are the notebook's own."""

import contextlib
import functools
import importlib.machinery
import importlib.util
import inspect
import io
import json
import re
import warnings

import pytest
from scipy import stats

from fldp_lib.interactive.controls import Slider
from fldp_lib.interactive.explorers import Explorer
from tests.course import anatomy, times

SECTIONS = ["Times", "Where they get stuck", "On the board", "Questions for the room", "A slider in front of the class"]
MOVE = re.compile(r"`(\w+)` ((?:[^`→.]|\.(?=\d))+?(?: → (?:[^`→.]|\.(?=\d))+?)*)(?=, `|\. |$)")
BULLET = re.compile(
    r"^- \*(?P<title>.+?)\*: (?P<moves>.+?)\. \*\*Predict\.\*\* (?P<ask>.+?) \*\*Seen\.\*\* (?P<seen>.+)$", re.M
)
QUESTION = re.compile(r"^- \*\*(?P<ask>.+?\?)\*\* (?P<answer>.+) \(\*(?P<place>.+?)\*\)$", re.M)
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
pages = pytest.mark.parametrize("path", anatomy.LESSONS, ids=lambda path: path.stem)


def page(path):
    return (times.PAGES / f"{path.stem}.md").read_text(encoding="utf-8")


def sections(text):
    parts = re.split(r"^## (.+)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def numbers(text):
    """Its numbers of two digits or more, or with a decimal point; thousands' commas dropped."""
    found = (n.strip(",").replace(",", "") for n in NUMBER.findall(text))
    return {n for n in found if "." in n or len(re.sub(r"\D|e.*", "", n).lstrip("0")) >= 2}


@functools.cache
def measured(path):
    """All that a notebook says and prints, its explorers' first pictures and predictions included."""
    cells, said = json.loads(path.read_text(encoding="utf-8"))["cells"], []
    for cell in cells:
        said.append(anatomy.source(cell))
        for output in cell.get("outputs", []):
            said += ["".join(output.get("text", "")), "".join(output.get("data", {}).get("text/plain", ""))]
            said.append(json.dumps(output.get("metadata", {}), ensure_ascii=False))
    return "\n".join(said)


@functools.cache
def explorers(path):
    """title → a function that makes the explorer, for those that the notebook shows without arguments."""
    module = importlib.import_module(f"fldp_lib.course.exhibits.nb{path.stem.split('_')[0]}")
    shown = re.findall(r"exhibits\.(\w+)\(\)", "".join(anatomy.source(c) for c in json.loads(path.read_text())["cells"]))
    found = {}
    for name in dict.fromkeys(shown):
        if inspect.isfunction(getattr(module, name)):
            made = getattr(module, name)()
            if isinstance(made, Explorer):
                found[made.title] = made
    return found


def value_of(control, word):
    """A control's value as a page writes it: a slider's number, or an option by the name that is shown."""
    if isinstance(control, Slider):
        value = float(word.replace(",", ""))
        return int(value) if control.whole else value
    options = control.options if isinstance(control.options, dict) else {str(v): v for v in control.options}
    return next(value for name, value in options.items() if word in (name, str(value)) or name.startswith(word))


@pages
def test_every_notebook_has_its_page_with_its_sections(path):
    text = page(path)
    assert text.startswith(f"# {path.stem.split('_')[0]} ") and list(sections(text)) == SECTIONS
    assert f"](../{path.name})" in text and "**50 minutes.**" in text and "**90 minutes.**" in text
    assert sections(text)["On the board"].count("\n") >= 5 and sections(text)["Where they get stuck"].count("\n- ") >= 3


def test_no_page_without_a_notebook():
    assert {p.stem for p in times.PAGES.glob("[0-9]*.md")} == {p.stem for p in anatomy.LESSONS}


@pages
def test_times_are_what_the_formula_says(path):
    written = re.search(r"^\|[^|]*\d+ min \|.*$", sections(page(path))["Times"], re.M)[0]
    told, right = (list(map(int, re.findall(r"(\d+) min", line))) for line in (written, times.row(path).splitlines()[-1]))
    assert len(told) >= 3 and all(abs(a - b) <= 3 for a, b in zip(told, right, strict=True))


@pages
def test_plans_fill_their_minutes(path):
    for head, least, most in (("50", 45, 50), ("90", 35, 40)):  # the longer plan says what follows on the shorter one
        plan = re.search(rf"^\*\*{head} minutes\.\*\* (.+)$", sections(page(path))["Times"], re.M)[1]
        parts = [re.match(r"(?:The same, then )?(\d+) ", part) for part in plan.split(" · ")]
        assert all(parts) and least <= sum(int(part[1]) for part in parts) <= most, plan


@pages
def test_exercises_named_exist(path):
    module = importlib.import_module(f"fldp_lib.course.exercises.nb{path.stem.split('_')[0]}")
    named = set(re.findall(r"`(\d\d\w?\.\d)`", page(path)))
    assert named and named <= {exercise.id for exercise in module.EXERCISES}


@pages
def test_questions_are_answered_from_the_notebook(path):
    told = list(QUESTION.finditer(sections(page(path))["Questions for the room"]))
    headings = re.findall(r"^#+ (.+)$", measured(path), re.M)
    assert 2 <= len(told) <= 5 and len(told) == sections(page(path))["Questions for the room"].count("\n- **")
    for question in told:
        assert any(h.startswith(question["place"]) for h in headings), question["place"]
        assert numbers(question["answer"]) <= numbers(measured(path)), question["ask"]


@pages
def test_numbers_stand_in_the_notebook(path):
    parts, said = sections(page(path)), " ".join(e.reset().sentence for e in explorers(path).values())
    known = numbers(measured(path)) | numbers(said) | numbers(_practice(path))
    for name in SECTIONS[1:3]:
        text = re.sub(r"`\d\d\w?\.\d`|\d+-?\d* (?:and|to) \d+-?\d*:", " ", parts[name])
        assert numbers(text) <= known, (name, numbers(text) - known)


def _practice(path):
    """What a notebook's exercises and quiz say."""
    module = importlib.import_module(f"fldp_lib.course.exercises.nb{path.stem.split('_')[0]}")
    return repr(module.EXERCISES) + repr(module.QUIZ)


@pages
def test_sliders_show_what_the_page_says(path):
    text = sections(page(path))["A slider in front of the class"]
    told, known = list(BULLET.finditer(text)), explorers(path)
    assert told and len(told) == text.count("\n- ")
    for bullet in told:
        explorer = known[bullet["title"]]
        moves = {name: word.split(" → ") for name, word in MOVE.findall(bullet["moves"])}
        assert moves and len(moves) == bullet["moves"].count("`") // 2, bullet["moves"]
        explorer.reset()
        said = []
        for step in range(max(map(len, moves.values()))):
            now = {n: value_of(explorer.controls[n], words[min(step, len(words) - 1)]) for n, words in moves.items()}
            said.append(explorer.set(**now).sentence)
        seen = numbers(bullet["seen"])
        assert said[0] != said[-1] or len(said) == 1
        assert seen and seen <= numbers(" ".join(said)), (bullet["title"], seen - numbers(" ".join(said)))


# The index, and the cheat sheet ------------------------------------------------------------------------------------------


def index():
    return (times.PAGES / "README.md").read_text(encoding="utf-8")


def test_the_index_lists_every_page_and_leads_nowhere_else():
    rows = re.findall(r"^\| \[(.+?)\]\((\d.+?\.md)\) \| (.+) \|$", index(), re.M)
    assert sorted(name for _, name, _ in rows) == sorted(f"{path.stem}.md" for path in anatomy.LESSONS)
    for title, name, what in rows:
        text = (times.PAGES / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {title}: teaching notes\n\n{what} [The notebook]")
    for target in re.findall(r"\]\(([^)#\s]+)\)", index()):
        assert (times.PAGES / target).exists(), target


def test_the_syllabi_hold_the_course():
    weeks, days = (sections(index())[name] for name in ("Six weeks, twice 90 minutes", "Two days"))
    named = set(re.findall(r"\((\d\w*?)_\w+\.md\)", weeks))
    assert named == {path.stem.split("_")[0] for path in anatomy.LESSONS}
    assert weeks.count("\n| ") == 7 and set(re.findall(r"\((\d\w*?)_\w+\.md\)", days)) >= {
        "00",
        "02",
        "04",
        "05",
        "07",
        "08",
    }


@functools.cache
def cheat_sheet():
    loader = importlib.machinery.SourceFileLoader("cheat_sheet", str(anatomy.ROOT / "figures" / "cheat_sheet.py"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cheat_sheet", loader))
    loader.exec_module(module)
    return module


def test_every_call_of_the_cheat_sheet_runs_and_prints_what_it_shows():
    cells = json.loads((times.PAGES / "cheat_sheet.ipynb").read_text(encoding="utf-8"))["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code" and "find_spec" not in anatomy.source(cell):
            with contextlib.redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a plan with a known seed
                exec(anatomy.source(cell), names)
            assert printed.getvalue() == "".join("".join(output.get("text", "")) for output in cell["outputs"])
    assert len(cheat_sheet().calls()) == 6


def test_the_cheat_sheet_s_numbers_are_right():
    text, phi = json.dumps(cheat_sheet().tables()), stats.norm.cdf
    z, e = 3.73, 2.718281828459045
    assert f"{e / (1 + e):.3f}" in text and f"{phi(0.5 / z):.3f}" in text and f"z={z}" in text
    assert abs(phi(0.5 / z - z) - e * phi(-0.5 / z - z) - 1e-5) < 1e-6  # δ at ε = 1


def test_the_cheat_sheet_is_one_page_and_up_to_date(tmp_path):
    sheet, drawn = cheat_sheet(), (anatomy.ROOT / "figures" / "cheat_sheet.pdf").read_bytes()
    assert sheet.stamp().encode() in drawn, "run figures/cheat_sheet.py"
    assert drawn.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", drawn)) == 1
    sheet.main(tmp_path / "again.pdf")  # every line keeps its column, or it says which does not
    assert sheet.stamp().encode() in (tmp_path / "again.pdf").read_bytes()
