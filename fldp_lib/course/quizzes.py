"""Quizzes: questions with an explanation for each choice."""

import html
from dataclasses import dataclass

from .. import checks
from . import progress


@dataclass(frozen=True)
class Question:
    """One quiz question.

    Args:
        text: the question.
        options: pairs (option, what is right or wrong about it), in the order shown; one at least.
        right: the number of the right option, from 0.
    """

    text: str
    options: tuple
    right: int

    def __post_init__(self):
        checks.text("text", self.text, some=True)
        pairs = self.options if isinstance(self.options, (tuple, list)) else ()
        if not pairs or not all(
            isinstance(p, (tuple, list)) and len(p) == 2 and all(isinstance(w, str) for w in p) for p in pairs
        ):
            raise TypeError(f"options must be pairs (option, explanation), one at least, got {checks.shown(self.options)}")
        checks.whole("right", self.right, at_least=0, at_most=len(pairs) - 1)


class Quiz:
    """Questions with an explanation for each choice; shown as menus, and without a kernel as text.

    Args:
        questions: `Question`s.
        notebook: number of the notebook, under which the learner's progress is kept; None keeps nothing.
    """

    def __init__(self, questions, notebook=None):
        if not isinstance(questions, (tuple, list)) or not all(isinstance(question, Question) for question in questions):
            raise TypeError(f"questions must be a list of Questions, got {checks.shown(questions)}")
        self.questions = tuple(questions)
        self.notebook = None if notebook is None else checks.text("notebook", notebook, some=True)

    def answer(self, number, choice):
        """Return the explanation of a choice.

        Args:
            number: question, from 1.
            choice: option, from 1.
        """
        question = self.questions[checks.whole("number", number, at_least=1, at_most=len(self.questions)) - 1]
        choice = checks.whole("choice", choice, at_least=1, at_most=len(question.options))
        if self.notebook is not None:
            progress.write("quiz", f"{self.notebook}.{number}", choice - 1 == question.right)
        verdict = "Right" if choice - 1 == question.right else "No"
        return f"{verdict}: {question.options[choice - 1][1]}"

    def _panel(self):
        import ipywidgets as widgets

        from ..interactive.controls import QUIZ, SHEET

        rows = [widgets.HTML(SHEET)]
        for number, question in enumerate(self.questions, 1):
            numbered = [(f"{n}. {option}", n) for n, (option, _) in enumerate(question.options, 1)]
            choices = widgets.RadioButtons(options=numbered, value=None, layout=widgets.Layout(width="auto"))
            feedback = widgets.HTML()

            def show(change, number=number, feedback=feedback):
                feedback.value = f'<p role="status">{html.escape(self.answer(number, change["new"]))}</p>'

            choices.observe(show, "value")
            rows += [widgets.HTML(f"<p><b>{number}. {html.escape(question.text)}</b></p>"), choices, feedback]
        panel = widgets.VBox(rows)
        panel.add_class(QUIZ)
        return panel

    def _repr_mimebundle_(self, include=None, exclude=None):
        parts = []
        for number, question in enumerate(self.questions, 1):
            options = "".join(f"<li>{html.escape(option)}</li>" for option, _ in question.options)
            answer = html.escape(question.options[question.right][1])
            parts.append(
                f"<p><b>{number}. {html.escape(question.text)}</b></p><ol>{options}</ol>"
                f"<details><summary>answer</summary>{question.right + 1}. {answer}</details>"
            )
        view = {"version_major": 2, "version_minor": 0, "model_id": self._panel().model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": "".join(parts),
            "text/plain": repr(self),
        }

    def __repr__(self):
        return f"Quiz({len(self.questions)} questions)"
