"""Whatever an exercise or a quiz shows goes through the catalogue: with another one, no word of it stays English."""

import gettext
import re

import pytest

from fldp_lib import course
from fldp_lib.course import words
from fldp_lib.course.exercises import nb04

MARK = "⟦{}⟧"


class Marked(gettext.NullTranslations):
    """A catalogue that puts every text it is asked for in brackets."""

    def gettext(self, message):
        return MARK.format(message)


@pytest.fixture
def marked(monkeypatch):
    monkeypatch.setattr(words, "_CATALOGUE", Marked())


def left(shown):
    """The letters that no brackets hold, but for an id such as 04.1 and HTML's own."""
    return re.sub(r"⟦[^⟧]*⟧|<[^>]*>|&\w+;|\W|\d|_", "", shown)


def test_a_catalogue_in_another_language_is_found(tmp_path, monkeypatch):
    assert words.translated("Right") == "Right" and words.translated("") == ""
    monkeypatch.setattr(words, "_CATALOGUE", Marked())
    assert words.translated("Right") == "⟦Right⟧" and words.translated("") == ""


def test_exercises(marked, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    exercise = course.exercise(nb04.EXERCISES[0].id)
    exercise.check()
    exercise.hint()
    exercise.check(lambda *args, **settings: 3.0)
    shown = capsys.readouterr().out
    assert exercise.task in shown and exercise.hints[0] in shown and left(shown) == ""


def test_quizzes(marked, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    quiz = course.Quiz(nb04.QUIZ)
    assert left(quiz._repr_mimebundle_()["text/html"]) == ""
    for number, question in enumerate(quiz.questions, 1):
        for choice in range(1, len(question.options) + 1):
            assert left(quiz.answer(number, choice)) == ""


def test_what_is_not_marked_is_seen():
    assert left("04.1: ⟦correct⟧ but") == "but"
