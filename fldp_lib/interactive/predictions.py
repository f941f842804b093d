"""A prediction: a question asked before anything shows its answer, then what is right and why, with the number seen."""

import html
from dataclasses import dataclass

from .. import checks


@dataclass(frozen=True)
class Prediction:
    """A question to answer before its answer is shown.

    Args:
        question: the question.
        options: the answers to choose from, two at least, all different.
        right: the place of the right one, from 0; or a function of what was computed that returns it.
        because: why, in a sentence that names the number measured; or a function of what was computed that returns it.

    Raises:
        TypeError, ValueError: no question, fewer than two options, a place that none of them has, no reason.
    """

    question: str
    options: tuple
    right: object
    because: object

    def __post_init__(self):
        checks.text("question", self.question, some=True)
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
    """Return what an explorer is given as a `Prediction`: itself, or made of (question, options, right, because).

    Raises:
        TypeError, ValueError: it is neither, or no prediction can be made of it.
    """
    if asked is None or isinstance(asked, Prediction):
        return asked
    if not isinstance(asked, (tuple, list)) or len(asked) != 4:
        raise TypeError(
            f'predict must be None or ("Which …?", ["…", "…"], place of the right one, because), got {checks.shown(asked)}'
        )
    return Prediction(*asked)
