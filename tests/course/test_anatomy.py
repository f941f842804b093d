"""Every notebook opens with something to move and is built around its explorers; see anatomy.py for what is counted."""

import copy
import importlib
import inspect
import json
import pathlib

import pytest

from fldp_lib.course import exhibits
from tests.course import anatomy

LESSONS = anatomy.LESSONS
MODULES = sorted(path.stem for path in pathlib.Path(exhibits.__file__).parent.glob("nb*.py"))
lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def early(path):
    """Whether it belongs to the first part, 00–08."""
    return path.stem[:2] <= "08"


@lessons
def test_the_first_explorer_stands_on_the_first_screen(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    hero = next(k for k, cell in enumerate(cells) if any("explorer" in o.get("metadata", {}).get("fldp", {})
                                                        for o in cell.get("outputs", [])))  # fmt: skip
    assert [cell["cell_type"] for cell in cells[:hero]] == ["markdown", "code"]
    assert cells[1]["metadata"]["jupyter"] == {"source_hidden": True} and cells[1]["metadata"]["cellView"] == "form"
    assert anatomy.words_of(anatomy.source(cells[0])) <= 60 and len(anatomy.code_lines(anatomy.source(cells[hero]))) <= 2
    found = anatomy.of(path)
    assert found.before <= 0.1 * found.words


@lessons
def test_explorers_with_epsilon_and_clients(path):
    found = anatomy.of(path)
    assert len(found.explorers) >= (3 if path.stem[:2] <= "16" else 2)
    assert len({about["explorer"] for about in found.explorers}) == len(found.explorers)
    if path.stem[:2] <= "16":
        assert {"epsilon", "clients"} <= {name for about in found.explorers for name in about["controls"]}


@lessons
def test_little_code_draws(path):
    found = anatomy.of(path)
    assert found.drawing <= 0.1 * found.lines


@lessons
def test_a_notebook_is_read_in_the_time_it_says(path, record_property):
    found = anatomy.of(path)
    record_property("minutes", f"{path.stem}: {found.minutes:.0f} minutes, {found.words} words, {found.lines} lines of code")
    assert found.minutes <= (40 if early(path) else 45)


@lessons
def test_predictions_are_asked_before_their_answer_is_told(path):
    found = anatomy.of(path)
    assert len(found.predictions) >= 2
    ids = [prediction["id"] for prediction, _ in found.predictions]
    assert all(id.startswith(f"{path.stem.split('_')[0]}.") for id in ids) and len(set(ids)) == len(ids)
    for prediction, above in found.predictions:
        assert prediction["because"].strip() and anatomy.given_away(prediction, above) == []


@pytest.mark.parametrize("name", MODULES)
def test_exhibits_are_short_and_say_what_they_show(name):
    module = importlib.import_module(f"fldp_lib.course.exhibits.{name}")
    shown = [v for k, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__ and k[0] != "_"]
    assert shown and all(inspect.getdoc(one) for one in shown)
    assert len(inspect.getsource(module).splitlines()) <= 250 and "print(" not in inspect.getsource(module)


# The counting itself ---------------------------------------------------------------------------------------------------


def test_drawing_is_counted_by_statement():
    plain = "rate = 3\nhistory = train(model, fed)\n# plots.line\nexhibits.hospitals()\n"
    assert anatomy.drawing_lines(plain) == 0
    assert anatomy.drawing_lines(plain + "marks = [\n    plots.line(x, y),\n]\n") == 3
    assert anatomy.drawing_lines("def draw(r):\n    # here\n    return plots.line(r)\n") == 2
    assert anatomy.drawing_lines("import matplotlib.pyplot as plt") == 1


def test_words_and_minutes_follow_the_rule(tmp_path):
    text = "Four words [stand](https://a.b/c) here. `code` $x+y$\n"
    text += "<details><summary>two words</summary>\n\nmany more\n</details>"
    assert anatomy.words_of(text) == 4 + 2 + 2
    assert anatomy.words_of(text, folded=True) == 4 + 2 + 2 + 2
    cells = [
        {"cell_type": "markdown", "source": "word " * 200},
        {"cell_type": "code", "source": "\n".join(["x = 1"] * 14 + ["e.check(x)"]), "outputs": []},
    ]
    path = tmp_path / "05_x.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    assert anatomy.of(path).minutes == anatomy.of(path).all_minutes == pytest.approx(1 + 1 + 2)
    folded = {"cell_type": "markdown", "source": "<details><summary>word</summary>\n" + "word " * 199 + "\n</details>"}
    path.write_text(json.dumps({"cells": [*cells, folded]}))
    assert anatomy.of(path).minutes == pytest.approx(4 + 1 / 200) and anatomy.of(path).all_minutes == pytest.approx(5)
    plain, unfolded = (anatomy.table([path], folded=asked).splitlines() for asked in (False, True))
    assert plain[0].split()[4:6] == ["min", "draws"] and unfolded[0].split()[4:7] == ["min", "all", "draws"]
    assert plain[1].split()[4] == "4" and unfolded[1].split()[4:6] == ["4", "5"]


def test_an_answer_that_stands_above_its_question_is_found():
    asked = {"question": "With 10 clients?", "options": ["0.45", "0.91", "10"], "right": "0.91", "because": "so"}
    assert anatomy.given_away(asked, "it reaches 0.91 in the end") == ["0.91"]
    assert anatomy.given_away(asked, "0.45 and 10 and 0.9") == []
    told = {**asked, "right": "the noise grows with the root of N", "options": ["the noise grows with the root of N", "b"]}
    assert anatomy.given_away(told, "that the noise grows with the root of N is") != []
    assert anatomy.given_away(told, "nothing of it") == []
    later = copy.deepcopy(told) | {"right": "b"}
    assert anatomy.given_away(later, "a b c") == []
