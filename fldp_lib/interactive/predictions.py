"""A prediction: a question asked before anything shows its answer, then what is right and why, with the number seen."""

import html
from dataclasses import dataclass

import ipywidgets as widgets

from .. import checks
from .parts import made
from .theme import ASK, FOCUS

LISTENERS = []  # called with a prediction's id and whether it was right, once it is committed


@dataclass(frozen=True)
class Prediction:
    """A question to answer before its answer is shown.

    Args:
        id: the notebook's number and a letter, such as "05.a", or "" for one that is not kept.
        question: the question.
        options: the answers to choose from, two at least, all different.
        right: the place of the right one, from 0; or a function of what was computed that returns it.
        because: why, in a sentence that names the number measured; or a function of what was computed that returns it.

    Raises:
        TypeError, ValueError: no question, fewer than two options, a place that none of them has, no reason.
    """

    id: str
    question: str
    options: tuple
    right: object
    because: object

    def __post_init__(self):
        checks.text("id", self.id), checks.text("question", self.question, some=True)
        options = self.options if isinstance(self.options, (tuple, list)) else ()
        if len(options) < 2 or not all(isinstance(option, str) for option in options) or len(set(options)) < len(options):
            raise TypeError(f"options must be two or more different texts, got {checks.shown(self.options)}")
        object.__setattr__(self, "options", tuple(options))
        if not callable(self.right):
            checks.whole("right", self.right, at_least=0, at_most=len(options) - 1)
        if not callable(self.because):
            checks.text("because", self.because, some=True)

    def reveal(self, choice, result=None):
        """Return the verdict on an option, and the reason.

        Args:
            choice: one of the options.
            result: what was computed, for a `right` and a `because` that depend on it.
        """
        checks.one_of("choice", choice, self.options)
        right, because = self._answer(result)
        return f"Right: {because}" if choice == right else f"Not so; it is “{right}”: {because}"

    def commit(self, choice, result=None):
        """Return what `reveal` returns, and tell whoever listens whether the choice was right; arguments as there."""
        told = self.reveal(choice, result)
        if self.id:
            for listener in LISTENERS:
                listener(self.id, choice == self._answer(result)[0])
        return told

    def about(self, result=None):
        """Return question, options, right answer and reason as a dict, for the metadata of a cell's output."""
        right, because = self._answer(result)
        return {"id": self.id, "question": self.question, "options": list(self.options), "right": right, "because": because}

    def page(self, result=None):
        """Return the question as HTML for where no kernel runs: the answer stands folded below it."""
        right, because = self._answer(result)
        options = html.escape(" · ".join(self.options))
        answer = f"<details><summary>answer</summary>{html.escape(right)}: {html.escape(because)}</details>"
        return f"<p><b>Predict first:</b> {html.escape(self.question)} <i>{options}</i></p>{answer}\n"

    def _answer(self, result):
        """The right option and the reason, for what was computed."""
        place, because = (part(result) if callable(part) else part for part in (self.right, self.because))
        return self.options[checks.whole("right", place, at_least=0, at_most=len(self.options) - 1)], because


def checked(asked):
    """Return what an explorer is given as a `Prediction`: itself, or made of ([id,] question, options, right, because).

    Raises:
        TypeError, ValueError: it is neither, or no prediction can be made of it.
    """
    if asked is None or isinstance(asked, Prediction):
        return asked
    if not isinstance(asked, (tuple, list)) or len(asked) not in (4, 5):
        form = '("05.a", "Which …?", ["…", "…"], place of the right one, because)'
        raise TypeError(f"predict must be None or {form}, got {checks.shown(asked)}")
    return Prediction(*([""] if len(asked) == 4 else []), *asked)


def ask(predict, panel, result):
    """Put a question in place of all that stands in a panel but its first part, until it is answered.

    Args:
        predict: the `Prediction`.
        panel: a box of widgets, whose first one is an HTML heading.
        result: called without arguments, when it is answered, for what was computed.
    """
    heading, *shown = panel.children
    menu = made(widgets.ToggleButtons, options=predict.options, value=None, style={"button_width": "auto"})
    question = made(widgets.HTML, f"<p><b>Predict first:</b> {html.escape(predict.question)}</p>")
    asked = made(widgets.VBox, [question, menu])
    asked.add_class(ASK)

    def commit(change):
        if change["new"] is not None and menu in asked.children:
            told = html.escape(predict.commit(change["new"], result()))
            verdict = f"Your prediction: <b>{html.escape(change['new'])}</b>. {told}"
            question.value = f'<p role="note" tabindex="-1">{verdict}</p>{FOCUS}'  # the keyboard goes on from here
            asked.children = (question,)
            panel.children = (heading, asked, *shown)
            heading.value += " "  # drawn again, so that its script names the controls that came only now

    menu.observe(commit, "value")
    panel.children = (heading, asked)
