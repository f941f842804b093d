"""quizzes: the order is the question's own, no place and no length gives the right option away; predictions tell why."""

import importlib
import pathlib
from collections import Counter

import pytest

from fldp_lib import course

progress = importlib.import_module("fldp_lib.course.progress")  # the name in the package is the function
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NUMBERS = [path.stem.split("_")[0] for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def questions(number):
    return importlib.import_module(f"fldp_lib.course.exercises.nb{number}").QUIZ


ALL = [question for number in NUMBERS for question in questions(number)]


def test_the_order_is_the_same_for_everybody_and_holds_every_option_once():
    for question in ALL:
        again = course.Question(question.text, question.options, question.right)
        assert question.shown == again.shown and sorted(question.shown) == sorted(question.options)
        assert question.shown[question.place] == question.options[question.right]


def test_the_right_option_stands_in_every_place_as_often():
    """Of n questions with three options a place is right for n/3 ± 3 deviations; false alarm below 1% for a fair shuffle."""
    places = Counter(question.place for question in ALL if len(question.options) == 3)
    n = sum(places.values())
    assert n >= 55 and all(abs(places[k] - n / 3) < 3 * (2 * n / 9) ** 0.5 for k in range(3)), places


def test_the_written_order_is_not_the_shown_one():
    moved = sum(question.shown != tuple(question.options) for question in ALL)
    assert 0.7 * len(ALL) < moved  # five of six orders of three differ from the written one


def test_the_right_option_is_not_the_longest_more_often_than_chance():
    lengths = [[len(option) for option, _ in question.options] for question in ALL]
    longest = sum(row.index(max(row)) == q.right for row, q in zip(lengths, ALL, strict=True))
    shortest = sum(row.index(min(row)) == q.right for row, q in zip(lengths, ALL, strict=True))
    chance = sum(1 / len(row) for row in lengths)
    assert longest <= chance, f"{longest} of {len(ALL)}, by chance {chance:.0f}"
    assert shortest <= 1.5 * chance, f"{shortest} of {len(ALL)}"  # nor may the shortest one give it away


def test_no_explanation_speaks_of_a_place():
    placed = ("first option", "second option", "third option", "last option", "option 1", "option 2", "option 3")
    said = [(q.text, why) for q in ALL for _, why in q.options if any(words in why.lower() for words in placed)]
    assert not said


def test_a_prediction_tells_what_is_right_and_why_and_folds_the_answer_where_no_kernel_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "FILE", tmp_path / "progress.json")
    asked = course.predict("99.a", "Which?", ["less", "more"], 1, "it is 2 & more.")
    assert asked.prediction.reveal("more") == "Right: it is 2 & more."
    assert asked.prediction.reveal("less") == "Not so; it is “more”: it is 2 & more."
    bundle, about = asked._repr_mimebundle_()
    assert "<details><summary>answer</summary>more: it is 2 &amp; more.</details>" in bundle["text/html"]
    assert bundle["text/plain"] == "Predict first: Which? less · more"
    assert about["fldp"]["predict"]["id"] == "99.a" and about["fldp"]["predict"]["right"] == "more"
    panel = asked._panel()
    panel.children[1].value = "less"
    assert "Not so; it is “more”" in panel.children[2].value
    panel.children[1].value = "more"  # a second choice is told, the first one is kept
    assert "Right" in panel.children[2].value and progress.read()["predictions"] == {"99.a": False}
    with pytest.raises(ValueError, match="right must be"):
        course.predict("99.a", "Which?", ["less", "more"], 2, "so")
