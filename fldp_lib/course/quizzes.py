"""Quizzes: questions with an explanation for each choice, shown in an order of the question's own."""

import hashlib
import html
from dataclasses import dataclass

from .. import checks
from . import progress
from .words import translated as _


@dataclass(frozen=True)
class Question:
    """One quiz question.

    Args:
        text: the question.
        options: pairs (option, what is right or wrong about it), one at least; `shown` has them as they are shown.
        right: the number of the right option in `options`, from 0.
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

    @property
    def shown(self):
        """The pairs in the order shown: shuffled by a seed that is the question's text, so the same for everybody."""
        return tuple(tuple(map(_, self.options[place])) for place in self._order)

    @property
    def place(self):
        """The place of the right option as shown, from 0."""
        return self._order.index(self.right)

    @property
    def _order(self):
        def key(place):
            return hashlib.sha256(f"{self.text}|{self.options[place][0]}".encode()).digest()

        return sorted(range(len(self.options)), key=key)


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
            choice: option as shown, from 1.
        """
        question = self.questions[checks.whole("number", number, at_least=1, at_most=len(self.questions)) - 1]
        choice = checks.whole("choice", choice, at_least=1, at_most=len(question.options))
        right = choice - 1 == question.place
        if self.notebook is not None:
            progress.write("quiz", f"{self.notebook}.{number}", right)
        return f"{_('Right') if right else _('No')}: {question.shown[choice - 1][1]}"

    def _panel(self):
        import ipywidgets as widgets

        from ..interactive.theme import QUIZ, SHEET

        rows = [widgets.HTML(SHEET)]
        for number, question in enumerate(self.questions, 1):
            numbered = [(f"{n}. {option}", n) for n, (option, _why) in enumerate(question.shown, 1)]
            choices = widgets.RadioButtons(options=numbered, value=None, layout=widgets.Layout(width="auto"))
            feedback = widgets.HTML()

            def show(change, number=number, feedback=feedback):
                feedback.value = f'<p role="status">{html.escape(self.answer(number, change["new"]))}</p>'

            choices.observe(show, "value")
            rows += [widgets.HTML(f"<p><b>{number}. {html.escape(_(question.text))}</b></p>"), choices, feedback]
        panel = widgets.VBox(rows)
        panel.add_class(QUIZ)
        return panel

    def _repr_mimebundle_(self, include=None, exclude=None):
        parts = []
        for number, question in enumerate(self.questions, 1):
            options = "".join(f"<li>{html.escape(option)}</li>" for option, _why in question.shown)
            answer = html.escape(question.shown[question.place][1])
            parts.append(
                f"<p><b>{number}. {html.escape(_(question.text))}</b></p><ol>{options}</ol>"
                f"<details><summary>{_('answer')}</summary>{question.place + 1}. {answer}</details>"
            )
        view = {"version_major": 2, "version_minor": 0, "model_id": self._panel().model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": "".join(parts),
            "text/plain": repr(self),
        }

    def __repr__(self):
        return f"Quiz({len(self.questions)} questions)"


class Asked:
    """A question of the text, to answer before what follows shows the answer; made by `predict`."""

    def __init__(self, id, prediction):
        self.id, self.prediction = id, prediction

    def _panel(self):
        import ipywidgets as widgets

        from ..interactive.theme import ASKED, QUIZ, SHEET

        question = widgets.HTML(f"{SHEET}<p><b>Predict first:</b> {html.escape(self.prediction.question)}</p>")
        choices = widgets.RadioButtons(options=self.prediction.options, value=None, layout=widgets.Layout(width="auto"))
        told = widgets.HTML()

        def commit(change):
            told.value = f'<p role="status">{html.escape(self.prediction.commit(change["new"]))}</p>'

        choices.observe(commit, "value")
        panel = widgets.VBox([question, choices, told])
        panel.add_class(QUIZ), panel.add_class(ASKED)
        return panel

    def _repr_mimebundle_(self, include=None, exclude=None):
        view = {"version_major": 2, "version_minor": 0, "model_id": self._panel().model_id}
        shown = {"text/html": self.prediction.page(), "text/plain": repr(self)}
        return {"application/vnd.jupyter.widget-view+json": view, **shown}, {"fldp": {"predict": self.prediction.about()}}

    def __repr__(self):
        return f"Predict first: {self.prediction.question} {' · '.join(self.prediction.options)}"


def predict(id, question, options, right, because):
    """Return a question to answer before the cells below it show the answer; the verdict and the reason follow the choice.

    Args:
        id: the notebook's number and a letter, such as "05.a".
        question: the question.
        options: the answers to choose from, two at least.
        right: the place of the right one, from 0.
        because: why, in a sentence that names the number.

    Raises:
        TypeError, ValueError: as `interactive.predictions.Prediction`.
    """
    from ..interactive.predictions import Prediction

    return Asked(checks.text("id", id, some=True), Prediction(id, question, options, right, because))
