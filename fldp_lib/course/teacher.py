"""What the notebooks need around the mathematics: exercises, quizzes, progress, a function's source, a picture."""

import html
import importlib
import inspect
import json
import re
from dataclasses import dataclass, field

from . import progress as progress_
from .answers import NotTried, Wrong
from .contents import folder


@dataclass(frozen=True)
class Exercise:
    """One exercise: a task, a check of behaviour on fresh inputs, hints, and a solution kept in the solutions notebook.

    Args:
        id: such as "05.2": notebook and number.
        task: the task in one sentence.
        test: called with the learner's answer; raises `Wrong` or returns.
        hints: from a nudge to nearly the answer.
    """

    id: str
    task: str
    test: object
    hints: tuple
    _shown: list = field(default_factory=lambda: [0], repr=False)

    def check(self, answer=None):
        """Check an answer and print what is right or wrong about it.

        Args:
            answer: a function or a value, as the task asks.

        Returns:
            True if it is right, False if it is wrong, None if it was not tried.
        """
        try:
            if isinstance(answer, (type(None), type(...))):
                raise NotTried
            self.test(answer)
        except NotTried:
            print(f"{self.id}: not tried yet. {self.task}")
            return None
        except Wrong as wrong:
            print(f"{self.id}: not yet: {wrong}")
            progress_.write("exercises", self.id, False)
            return False
        print(f"{self.id}: correct")
        progress_.write("exercises", self.id, True)
        return True

    def hint(self):
        """Print the next hint; the last one stays."""
        number = min(self._shown[0], len(self.hints) - 1)
        self._shown[0] = number + 1
        print(f"{self.id}, hint {number + 1} of {len(self.hints)}: {self.hints[number]}")

    def solution(self):
        """Return the solution, as code; it comes from the solutions notebook, where it is checked."""
        tag = f"solution-{self.id}"
        for path in sorted((folder("notebooks") / "solutions").glob(f"{self.id[:2]}_*.ipynb")):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if tag in cell["metadata"].get("tags", []):
                    return Code("".join(cell["source"]))
        raise LookupError(f"no cell of notebooks/solutions/ is tagged {tag!r}")


@dataclass(frozen=True)
class Question:
    """One quiz question.

    Args:
        text: the question.
        options: pairs (option, what is right or wrong about it), in the order shown.
        right: the number of the right option, from 0.
    """

    text: str
    options: tuple
    right: int


class Quiz:
    """Questions with an explanation for each choice; shown as menus, and without a kernel as text.

    Args:
        questions: `Question`s.
        notebook: number of the notebook, under which the learner's progress is kept; None keeps nothing.
    """

    def __init__(self, questions, notebook=None):
        self.questions, self.notebook = tuple(questions), notebook

    def answer(self, number, choice):
        """Return the explanation of a choice.

        Args:
            number: question, from 1.
            choice: option, from 1.
        """
        question = self.questions[number - 1]
        if self.notebook is not None:
            progress_.write("quiz", f"{self.notebook}.{number}", choice - 1 == question.right)
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


class Code:
    """Python source that shows itself highlighted.

    Args:
        text: the source.
    """

    def __init__(self, text):
        self.text = text

    def _repr_html_(self):
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        return highlight(self.text, PythonLexer(), HtmlFormatter(noclasses=True))

    def __repr__(self):
        return self.text


def exercise(id):
    """Return an exercise by its id.

    Args:
        id: such as "05.2".

    Raises:
        ValueError: no such exercise; the message lists the notebook's.
    """
    known = _module(id).EXERCISES
    for item in known:
        if item.id == id:
            return item
    raise ValueError(f"id must be one of {', '.join(item.id for item in known)}; got {id!r}")


def quiz(notebook):
    """Return a notebook's quiz.

    Args:
        notebook: its number, such as "05".
    """
    return Quiz(_module(notebook).QUIZ, notebook)


def progress():
    """Return a table of the exercises solved and the questions answered, from a file beside the notebooks."""
    return progress_.Progress()


def source(function, docstring=False):
    """Return the source of a function or class of the package, highlighted.

    Args:
        function: the function or class.
        docstring: whether its docstring is shown, too.
    """
    text = inspect.getsource(inspect.unwrap(function))
    if not docstring:
        text = re.sub(r'\n\s+"""(?:.|\n)*?"""', "", text, count=1)
    return Code(text)


def figure(name, alt, width=None):
    """Return a picture from `figures/`, with its alternative text; in the cell's output, so that it shows everywhere.

    Args:
        name: file name, .svg or .png.
        alt: what the picture shows, in a sentence.
        width: in CSS pixels; None takes the picture's own.

    Raises:
        FileNotFoundError: no such file, and the message lists the files there are; or no figures at all.
    """
    path = folder("figures") / name
    if not path.is_file():
        there = ", ".join(sorted(p.name for p in path.parent.glob("*.*")))
        raise FileNotFoundError(f"name must be a file of figures/: {there}; got {name!r}")
    return Figure(path, alt, width)


class Figure:
    """A picture file with alternative text; made by `figure`."""

    def __init__(self, path, alt, width):
        self.path, self.alt, self.width = path, alt, width

    def _repr_html_(self):
        import base64

        kind = {".svg": "image/svg+xml", ".png": "image/png"}[self.path.suffix]
        data = base64.b64encode(self.path.read_bytes()).decode()
        size = f' width="{self.width}"' if self.width else ' style="max-width:100%"'
        return f'<img alt="{html.escape(self.alt)}"{size} src="data:{kind};base64,{data}">'

    def __repr__(self):
        return f"[picture] {self.alt}"


def _module(id):
    number = str(id)[:2]
    try:
        return importlib.import_module(f".exercises.nb{number}", __package__)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"id must begin with the number of a notebook that has exercises, such as '05'; got {id!r}"
        ) from error
