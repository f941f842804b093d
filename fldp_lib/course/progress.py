"""What a learner has done, kept in a file in the course's folder that no one else reads: `.fldp_progress.json`."""

import contextlib
import datetime
import importlib
import json
import os
import pathlib

from .. import checks
from ..interactive import predictions

# The course's folder; the current one where pip put the package alone.
HOME = pathlib.Path(__file__).resolve().parent.parent.parent
FILE = (HOME if (HOME / "notebooks").is_dir() else pathlib.Path.cwd()) / ".fldp_progress.json"
_told = []  # the files of which it was said that they cannot be read
EXERCISES = pathlib.Path(__file__).parent / "exercises"


def read():
    """Return what is on file: {"exercises": {id: solved}, "quiz": {notebook.question: right}, "predictions": {id:
    right}, "times": {id of an exercise: when it was first solved, UTC}}; empty without a file.

    A file that holds something else is kept beside, with the ending .bak, and a new one begun. One that cannot be read (a
    folder, a file without permission) stays as it is; that nothing is kept is said once.
    """
    return _found()[0]


def _found():
    """What is on file, and whether more can be written there."""
    empty = {"exercises": {}, "quiz": {}, "predictions": {}, "times": {}}
    try:
        found = {"predictions": {}, "times": {}} | json.loads(FILE.read_text(encoding="utf-8"))  # older files have neither
        if {kind: type(found[kind]) for kind in empty} != {kind: dict for kind in empty}:
            raise ValueError("not a record of progress")
    except FileNotFoundError:
        return empty, True
    except OSError as error:
        if FILE not in _told:
            _told.append(FILE)
            why = f"Progress is not kept, since {FILE.name} cannot be read ({error.strerror})"
            print(f"{why}; exercises are checked all the same.")
        return empty, False
    except (ValueError, KeyError, TypeError):
        with contextlib.suppress(OSError):
            FILE.replace(FILE.with_suffix(".bak"))
        return empty, True
    return found, True


def write(kind, name, right):
    """Write down a result; an exercise once solved stays solved, a prediction stays what it first was.

    In the folder of solutions nothing is written down.

    Args:
        kind: "exercises", "quiz" or "predictions".
        name: such as "05.2", a prediction's "05.a".
        right: whether the answer was right.
    """
    checks.one_of("kind", kind, ("exercises", "quiz", "predictions"))
    checks.text("name", name, some=True), checks.flag("right", right)
    if pathlib.Path.cwd().name == "solutions":
        return
    found, writable = _found()
    if not writable:
        return
    before = found[kind].get(name)
    if kind == "predictions" and before is not None:
        return
    found[kind][name] = bool(right or before) if kind == "exercises" else bool(right)
    if kind == "exercises" and right and not before:
        found["times"][name] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    beside = FILE.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):  # a folder that cannot be written to: nothing is kept, nothing fails
        beside.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
        beside.replace(FILE)
    with contextlib.suppress(OSError):
        beside.unlink(missing_ok=True)


def _predicted(id, right):
    write("predictions", id, right)


predictions.LISTENERS.append(_predicted)


class Progress:
    """A table of what is solved; made by `course.progress`."""

    def __init__(self):
        found = read()
        self.rows = []
        for path in sorted(EXERCISES.glob("nb[0-9][0-9]*.py")):
            number = path.stem[2:]
            module = importlib.import_module(f".exercises.{path.stem}", __package__)
            ids = [item.id for item in module.EXERCISES]
            solved = [id for id in ids if found["exercises"].get(id)]
            right = [k for k in range(1, len(module.QUIZ) + 1) if found["quiz"].get(f"{number}.{k}")]
            rest = next((id for id in ids if id not in solved), "")
            made = [hit for id, hit in found["predictions"].items() if id.startswith(f"{number}.")]
            self.rows.append((number, len(solved), len(ids), len(right), len(module.QUIZ), sum(made), len(made), rest))

    def __repr__(self):
        lines = [f"{'notebook':<10}{'exercises':<22}{'quiz':<10}{'predicted':<11}next"]
        for number, solved, exercises, right, questions, hits, made, rest in self.rows:
            bar = "■" * solved + "□" * (exercises - solved)
            done, quiz = f"{solved} of {exercises}", f"{right} of {questions}"
            predicted = f"{hits} of {made}" if made else "–"
            lines.append(f"{number:<10}{bar:<8}{done:<14}{quiz:<10}{predicted:<11}{rest}".rstrip())
        done = sum(row[1] for row in self.rows), sum(row[2] for row in self.rows)
        return "\n".join([*lines, f"solved: {done[0]} of {done[1]} exercises"])
