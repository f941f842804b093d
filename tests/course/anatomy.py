"""What a notebook is made of, counted: words, lines, minutes, code that draws, explorers, predictions.

    python -m tests.course.anatomy [--all-words] [NN ...]

prints it, a line a notebook; with `--all-words` also the minutes of somebody who reads what is folded away in <details>,
too. `test_anatomy.py` holds every notebook to the limits.
"""

import ast
import json
import pathlib
import re
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DRAWING = {"plots", "explorers", "scenes", "plt", "matplotlib", "marks", "Panel", "Chart", "Explorer", "Slider", "Choice",
           "Figure", "chart", "ax", "axes"}  # fmt: skip
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass
class Anatomy:
    """What `of` counts in a notebook."""

    name: str
    words: int = 0
    all_words: int = 0  # with what is folded away
    lines: int = 0
    drawing: int = 0
    exercises: int = 0
    before: int = 0  # words before the first explorer
    explorers: list = field(default_factory=list)  # their metadata
    predictions: list = field(default_factory=list)  # (metadata, what was to be read above)

    @property
    def minutes(self):
        """The time that the notebook takes, by INTERACTION's rule."""
        return self.words / 200 + self.lines / 15 + 2 * self.exercises

    @property
    def all_minutes(self):
        """The time that it takes somebody who unfolds everything."""
        return self.minutes + (self.all_words - self.words) / 200


def source(cell):
    return "".join(cell["source"])


def code_lines(text):
    return [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def names(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} | {
        part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)
    }


def drawing_lines(text):
    """How many lines of a cell belong to statements that draw, and not only show an exhibit in one line."""
    text = "\n".join("pass" if line.lstrip().startswith(("!", "%")) else line for line in text.splitlines())
    lines, found = text.splitlines(), 0
    for statement in ast.parse(text).body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            imported = {alias.name.split(".")[0] for alias in statement.names}
            draws = imported & DRAWING
        else:
            draws = names(statement) & DRAWING
        if draws:
            found += len(code_lines("\n".join(lines[statement.lineno - 1 : statement.end_lineno])))
    return found


def words_of(markdown, folded=False):
    """Words of the prose: without links' targets, code blocks and badges; what is folded away counts only if asked for.

    Of a folded part its summary line counts in either case.
    """
    if not folded:
        markdown = re.sub(r"<details>\s*<summary>(.*?)</summary>.*?</details>", r"\1", markdown, flags=re.S)
    markdown = re.sub(r"```.*?```|\[?!\[[^\]]*\]\([^)]*\)(\]\([^)]*\))?|<[^>]+>", " ", markdown, flags=re.S)
    markdown = re.sub(r"\$\$.*?\$\$", " formula ", markdown, flags=re.S)
    markdown = re.sub(r"\$[^$]*\$|`[^`]*`", " x ", re.sub(r"\]\([^)]*\)", "]", markdown))
    return len(re.findall(r"\w[\w’'.,%-]*", markdown))


def read_text(cell):
    """All that is to be read in a cell before one acts: prose, or printed text and the descriptions of its pictures."""
    if cell["cell_type"] == "markdown":
        return source(cell)
    parts = []
    for output in cell.get("outputs", []):
        data, about = output.get("data", {}), output.get("metadata", {})
        if "predict" in about.get("fldp", {}):
            continue  # what stands there is hidden until the choice is made
        parts += ["".join(output.get("text", "")), "".join(data.get("text/plain", ""))]
        parts.append(re.sub(r"<img[^>]*alt=\"([^\"]*)\"[^>]*>", r"\1", "".join(data.get("text/html", ""))))
        parts.append(about.get("image/png", {}).get("alt", ""))
    return "\n".join(parts)


def of(path):
    """Count what a notebook is made of.

    Args:
        path: the notebook, executed.
    """
    found, above = Anatomy(path.stem), ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            found.words += words_of(source(cell))
            found.all_words += words_of(source(cell), folded=True)
        elif cell["cell_type"] == "code":
            if '"fldp_lib").is_dir()' not in source(cell):  # the bootstrap, the same everywhere and folded away
                found.lines += len(code_lines(source(cell)))
                found.drawing += drawing_lines(source(cell))
            found.exercises += ".check(" in source(cell)
            for output in cell["outputs"]:
                about = output.get("metadata", {}).get("fldp", {})
                if "explorer" in about:
                    found.before = found.before if found.explorers else found.words
                    found.explorers.append(about)
                if "predict" in about:
                    found.predictions.append((about["predict"], above))
        above += "\n" + read_text(cell)
    return found


def given_away(prediction, above):
    """What the text above a prediction tells of its answer: numbers with two digits or more that only the answer has."""
    told = {number for number in NUMBER.findall(above) if len(re.sub(r"\D", "", number).lstrip("0")) >= 2}
    wrong = " ".join(option for option in prediction["options"] if option != prediction["right"])
    asked = set(NUMBER.findall(prediction["question"] + " " + wrong))
    answer = set(NUMBER.findall(prediction["right"])) - asked
    verbatim = len(prediction["right"]) >= 25 and prediction["right"] in above
    return sorted(answer & told) + [prediction["right"]] * verbatim


def table(paths, folded=False):
    """A line a notebook; with `folded`, a column of the minutes that count what is folded away, too."""
    head = f"{'notebook':<32}{'words':>7}{'lines':>7}{'exerc.':>7}{'min':>5}" + (f"{'all':>5}" if folded else "")
    lines = [f"{head}{'draws':>7}{'expl.':>6}{'first':>7}{'pred.':>6}  controls"]
    for path in paths:
        a = of(path)
        minutes = f"{a.minutes:>5.0f}" + (f"{a.all_minutes:>5.0f}" if folded else "")
        controls = sorted({name for about in a.explorers for name in about["controls"]} & {"epsilon", "clients"})
        lines.append(
            f"{a.name:<32}{a.words:>7}{a.lines:>7}{a.exercises:>7}{minutes}{a.drawing / max(1, a.lines):>7.0%}"
            f"{len(a.explorers):>6}{a.before / max(1, a.words):>7.0%}{len(a.predictions):>6}  {' '.join(controls)}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    chosen = [word for word in sys.argv[1:] if word != "--all-words"]
    shown = [path for path in LESSONS if not chosen or path.stem.split("_")[0] in chosen]
    print(table(shown, folded="--all-words" in sys.argv))
