"""course: checks name what is wrong and accept no stub; quizzes explain every choice; pictures are described."""

import html
import importlib
import inspect

import pytest

from fldp_lib import course
from fldp_lib.course import answers

progress = importlib.import_module("fldp_lib.course.progress")  # the function of that name stands before the module


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "FILE", tmp_path / ".fldp_progress.json")


def doubled(answer):
    import numpy as np

    value = float(np.random.default_rng().normal())
    answers.require(answers.call(answer, value) == 2 * value, "twice the input was expected")


EXERCISE = course.Exercise("99.1", "Write a function that doubles.", doubled, ("multiply", "by two"))


def test_right_wrong_and_untried_answers(capsys):
    assert EXERCISE.check(lambda x: 2 * x) is True
    assert EXERCISE.check(lambda x: 3 * x) is False
    assert EXERCISE.check(lambda x: ...) is None
    assert EXERCISE.check(lambda x: None) is None
    assert EXERCISE.check() is None and EXERCISE.check(...) is None
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "99.1: correct"
    assert shown[1] == "99.1: not yet: twice the input was expected"
    assert all("not tried yet" in line for line in shown[2:])


def test_a_hard_coded_answer_is_not_accepted():
    assert EXERCISE.check(lambda x: 1.0) is False


def test_a_failing_answer_is_reported_not_raised(capsys):
    assert EXERCISE.check(lambda x: 1 / 0) is False
    assert EXERCISE.check(7) is False
    shown = capsys.readouterr().out
    assert "ZeroDivisionError" in shown and "expected a function, got 7" in shown


def test_hints_go_on_and_the_last_one_stays(capsys):
    exercise = course.Exercise("99.2", "Anything.", doubled, ("first", "last"))
    for _ in range(3):
        exercise.hint()
    assert [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()] == ["first", "last", "last"]


def test_unknown_ids_list_the_known_ones():
    with pytest.raises(ValueError, match=r"00\.1.*'00\.99'"):
        course.exercise("00.99")
    with pytest.raises(ValueError, match=r"'77\.1'"):
        course.exercise("77.1")


def test_solutions_are_code_from_the_solutions_notebook():
    assert "def " in repr(course.exercise("05.1").solution())


def test_quiz_explains_every_choice_and_reads_without_a_kernel():
    quiz = course.quiz("05")
    for number, question in enumerate(quiz.questions, 1):
        for choice in range(1, len(question.options) + 1):
            said = quiz.answer(number, choice)
            assert said.startswith("Right" if choice - 1 == question.place else "No")
    bundle = quiz._repr_mimebundle_()
    assert all(html.escape(question.text) in bundle["text/html"] for question in quiz.questions)
    assert bundle["text/plain"] == f"Quiz({len(quiz.questions)} questions)"


def test_source_shows_the_function_with_or_without_its_docstring():
    def example():
        """Say nothing."""
        return 1

    assert "Say nothing" not in course.source(example).text
    assert "return 1" in course.source(example).text
    assert course.source(example, docstring=True).text == inspect.getsource(example)
    both = course.source(example, answers.require).text
    assert "return 1" in both and "def require(" in both and "Say nothing" not in both and "statement that" not in both
    with pytest.raises(TypeError, match="functions must be at least one"):
        course.source()


def test_figures_are_described_and_missing_ones_list_what_there_is():
    shown = course.figure("private_digits.png", 'accuracy "by" round')._repr_html_()
    assert 'alt="accuracy &quot;by&quot; round"' in shown and "data:image/png;base64," in shown
    with pytest.raises(FileNotFoundError, match=r"private_digits\.png.*'none\.png'"):
        course.figure("none.png", "nothing")


def test_progress_counts_what_was_solved_and_answered():
    assert "■" not in repr(course.progress()) and "solved: 0 of" in repr(course.progress())
    progress.write("exercises", "05.1", False)
    progress.write("exercises", "05.2", True)
    progress.write("exercises", "05.2", False)  # once solved, it stays solved
    quiz = course.quiz("05")
    quiz.answer(1, quiz.questions[0].place + 1)
    quiz.answer(2, quiz.questions[1].place + 1)
    quiz.answer(2, (quiz.questions[1].place + 1) % len(quiz.questions[1].options) + 1)  # changed to a wrong one
    _, solved, exercises, right, questions, _, _, rest = next(row for row in course.progress().rows if row[0] == "05")
    assert (solved, right, rest) == (1, 1, "05.1") and exercises >= 3 and questions >= 3
    assert "■" in repr(course.progress()) and "solved: 1 of" in repr(course.progress())


def test_a_check_is_kept_and_the_solutions_folder_is_not(tmp_path, monkeypatch):
    EXERCISE.check(lambda x: ...)  # not tried: nothing to keep
    assert not progress.FILE.exists()
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "solutions")
    EXERCISE.check(lambda x: 2 * x)
    assert not progress.FILE.exists()
    monkeypatch.chdir(tmp_path)
    EXERCISE.check(lambda x: 3 * x)
    assert progress.read()["exercises"] == {"99.1": False}
    EXERCISE.check(lambda x: 2 * x)
    assert progress.read()["exercises"] == {"99.1": True}


@pytest.mark.parametrize("broken", ["", "[1]", '{"exercises": 3, "quiz": {}}', "\x00"])
def test_a_broken_file_is_kept_beside_and_a_new_one_begun(broken):
    progress.FILE.write_text(broken)
    assert EXERCISE.check(lambda x: 2 * x) is True
    assert progress.read()["exercises"] == {"99.1": True}
    assert progress.FILE.with_suffix(".bak").read_text() == broken


def test_a_file_that_cannot_be_read_stops_no_check_is_said_once_and_stays(capsys, monkeypatch):
    progress.FILE.mkdir()  # a folder: no user may read it as a file, root included
    for _ in range(2):
        assert EXERCISE.check(lambda x: 2 * x) is True
        assert EXERCISE.check(lambda x: 3 * x) is False
    assert "solved: 0 of" in repr(course.progress())
    shown = capsys.readouterr().out
    assert shown.count("Progress is not kept") == 1 and "checked all the same.\n" in shown
    assert progress.FILE.is_dir() and list(progress.FILE.parent.iterdir()) == [progress.FILE]


def test_a_file_without_permission_is_not_overwritten(capsys, monkeypatch):
    progress.FILE.write_text('{"exercises": {"01.1": true}, "quiz": {}}')
    before = progress.FILE.read_text()

    def forbidden(self, **options):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(type(progress.FILE), "read_text", forbidden)
        assert EXERCISE.check(lambda x: 2 * x) is True
    assert progress.FILE.read_text() == before and list(progress.FILE.parent.iterdir()) == [progress.FILE]
    assert "Permission denied" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to_fails_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "FILE", tmp_path / "absent" / "file.json")
    assert EXERCISE.check(lambda x: 2 * x) is True
