"""What the notebooks need around the mathematics: exercises, quizzes, progress, a function's source, a picture."""

import html
import importlib
import inspect
import json
import pathlib
import re
from dataclasses import dataclass, field

from .. import checks
from . import progress as progress_
from .answers import NotTried, Wrong
from .contents import folder
from .quizzes import Question, Quiz, predict
from .words import translated as _

__all__ = ["Code", "Exercise", "Figure", "Question", "Quiz", "exercise", "figure", "predict", "progress", "quiz", "source"]


@dataclass(frozen=True)
class Exercise:
    """One exercise: a task, a check of behaviour on fresh inputs, hints, and a solution kept in the solutions notebook.

    Args:
        id: such as "05.2": notebook and number.
        task: the task in one sentence.
        test: called with the learner's answer; raises `Wrong` or returns.
        hints: from a nudge to nearly the answer; one at least.
    """

    id: str
    task: str
    test: object
    hints: tuple
    _shown: list = field(default_factory=lambda: [0], repr=False)

    def __post_init__(self):
        checks.text("id", self.id, some=True), checks.text("task", self.task), checks.function("test", self.test)
        if not isinstance(self.hints, (tuple, list)) or not self.hints or not all(isinstance(h, str) for h in self.hints):
            raise TypeError(f"hints must be a list of hints, one at least, got {checks.shown(self.hints)}")

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
            print(f"{self.id}: {_('not tried yet.')} {_(self.task)}")
            return None
        except Wrong as wrong:
            print(f"{self.id}: {_('not yet:')} {_(str(wrong))}")
            progress_.write("exercises", self.id, False)
            return False
        print(f"{self.id}: {_('correct')}")
        progress_.write("exercises", self.id, True)
        return True

    def hint(self):
        """Print the next hint; the last one stays."""
        number = min(self._shown[0], len(self.hints) - 1)
        self._shown[0] = number + 1
        place = _("hint {number} of {all}").format(number=number + 1, all=len(self.hints))
        print(f"{self.id}, {place}: {_(self.hints[number])}")

    def solution(self):
        """Return the solution, as code; it comes from the solutions notebook, where it is checked."""
        tag = f"solution-{self.id}"
        for path in sorted((folder("notebooks") / "solutions").glob(f"{self.id.split('.')[0]}_*.ipynb")):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if tag in cell["metadata"].get("tags", []):
                    return Code("".join(cell["source"]))
        raise LookupError(f"no cell of notebooks/solutions/ is tagged {tag!r}")


class Code:
    """Python source that shows itself highlighted.

    Args:
        text: the source.
    """

    def __init__(self, text):
        self.text = checks.text("text", text)

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

    Raises:
        TypeError, ValueError: no number of a notebook with a quiz.
    """
    return Quiz(_module(notebook, "notebook").QUIZ, notebook)


def progress():
    """Return a table of the exercises solved and the questions answered, from a file beside the notebooks."""
    return progress_.Progress()


def source(*functions, docstring=False):
    """Return the source of functions or classes of the package, highlighted.

    Args:
        functions: the functions or classes, one at least; several are shown one below the other.
        docstring: whether their docstrings are shown, too.

    Raises:
        TypeError: one is neither a function, a class nor a module, or one that Python keeps no source of.
    """
    checks.flag("docstring", docstring)
    if not functions:
        raise TypeError("functions must be at least one function or class, got none")
    texts = []
    for function in functions:
        try:
            text = inspect.getsource(inspect.unwrap(function))
        except (TypeError, OSError) as error:
            raise TypeError(
                f"functions must be functions or classes written in Python, got {checks.shown(function)}"
            ) from error
        text = re.sub(r"^(@_.*\n)+", "", text)  # a decorator of the package's own is not what is to be read
        texts.append(text if docstring else re.sub(r'\n\s+"""(?:.|\n)*?"""', "", text, count=1))
    return Code("\n\n".join(texts))


def figure(name, alt, width=None):
    """Return a picture from `figures/`, with its alternative text; in the cell's output, so that it shows everywhere.

    Args:
        name: file name, .svg or .png.
        alt: what the picture shows, in a sentence.
        width: in CSS pixels; None takes the picture's own.

    Raises:
        TypeError, ValueError: a name that is no text, no alternative text, a width that is no positive number.
        FileNotFoundError: no such file, and the message lists the files there are; or no figures at all.
    """
    checks.text("name", name, some=True), checks.text("alt", alt, some=True)
    if width is not None:
        checks.real("width", width, above=0)
    path = folder("figures") / name
    if pathlib.PurePath(name).name != name or path.suffix not in (".svg", ".png") or not path.is_file():
        there = ", ".join(sorted(p.name for p in folder("figures").glob("*.*")))
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


def _module(id, name="id"):
    """The module of a notebook's exercises; `name` is what the caller calls the id."""
    number = checks.text(name, id)
    number = number if name == "notebook" else number.split(".")[0]
    try:
        if not re.fullmatch("[0-9]{2}[a-z]?", number):
            raise ModuleNotFoundError
        return importlib.import_module(f".exercises.nb{number}", __package__)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{name} must begin with the number of a notebook that has exercises, such as '05'; got {id!r}"
        ) from error
