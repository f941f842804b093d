"""One file to hand in: what was solved and how, read from the saved notebooks and the record of progress."""

import datetime
import importlib
import json
import os
import pathlib

from .. import __version__, checks
from . import contents
from . import progress as progress_
from .slices import answers, broken

__all__ = ["FORMAT", "HandIn", "report"]
FORMAT = 1


def report(name="hand_in.json", folder=None, notebooks=None, learner=""):
    """Write a file with what was solved and how: each answer's code, quiz, predictions, times; save the notebooks first.

    The code comes from the notebooks as they are **saved**: the cells that an answer needs, up to the last check of its
    exercise. `python -m fldp_lib.course.grade FOLDER` runs it again; what the record of progress says is kept beside it and
    proves nothing.

    Args:
        name: the file's name; an older one is written over.
        folder: where it goes; None for the current folder.
        notebooks: the folder of your notebooks; None takes the current one if notebooks lie there, else the course's own.
        learner: your name or number, as your instructor wants it; it may be left empty.

    Returns:
        A `HandIn`, which shows what is in the file and what is missing.

    Raises:
        TypeError, ValueError: no name of a file, no folder, no text.
        OSError: the file cannot be written.
    """
    checks.text("name", name, some=True), checks.text("learner", learner)
    if pathlib.PurePath(name).name != name or name in (".", ".."):
        raise ValueError(f"name must be the name of a file without its folder, such as 'hand_in.json'; got {name!r}")
    for word, value in (("folder", folder), ("notebooks", notebooks)):
        if value is not None:
            checks.kind(word, value, (str, os.PathLike), "a folder")
            if not pathlib.Path(value).is_dir():
                raise ValueError(f"{word} must be a folder, got {str(value)!r}, which is none")
    home, done = _home(notebooks), progress_.read()
    cut, warnings = _read(home)
    exercises = {id: _entry(cut.get(id), done, id) for id in known()}
    warnings += _doubts(exercises, cut)
    if not learner:
        warnings.append("no learner's name in it: give one with report(learner=NAME), or hand in under a name of your own")
    found = {
        "format": FORMAT,
        "course": __version__,
        "learner": learner,
        "written": _time(datetime.datetime.now(datetime.UTC).timestamp()),
        "exercises": exercises,
        **{kind: done[kind] for kind in ("quiz", "predictions")},
        "warnings": warnings,
    }
    path = pathlib.Path(folder or ".") / name
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    return HandIn(path, found, home)


class HandIn:
    """What was written to a file; made by `course.report`.

    Attributes:
        path: the file.
        found: its contents.
        home: the folder of the notebooks that were read.
    """

    def __init__(self, path, found, home):
        self.path, self.found, self.home = path, found, home

    def __repr__(self):
        tried = {id: entry["notebook"] for id, entry in self.found["exercises"].items() if entry["code"]}
        right = sum(map(bool, self.found["quiz"].values()))
        lines = [
            f"{self.path}: {len(tried)} of {len(self.found['exercises'])} exercises with an answer, "
            f"{right} questions right, {len(self.found['predictions'])} predictions; notebooks of {self.home}"
        ]
        for name in dict.fromkeys(tried.values()):
            lines.append(f"  {name}: {', '.join(id for id, notebook in tried.items() if notebook == name)}")
        return "\n".join(lines + [f"- {warning}" for warning in self.found["warnings"]])


def _doubts(exercises, cut):
    """What a learner should look at before handing in."""
    noted = [id for id, entry in exercises.items() if entry["noted"]]
    absent = [id for id in noted if not exercises[id]["code"]]
    older = [id for id in noted if exercises[id]["code"] and (exercises[id]["solved"] or "") > exercises[id]["saved"]]
    found = []
    if absent:
        found.append(
            f"noted as solved, but not answered in the saved notebooks: {', '.join(absent)}. Save them, and run this again "
            "where they lie, or with report(notebooks=FOLDER); each needs a line course.exercise(ID).check(…) of its own"
        )
    if older:
        found.append(f"solved after the notebook was saved for the last time: {', '.join(older)}. Save, and run this again")
    for id, entry in exercises.items():
        if entry["code"] and cut[id][0].missing:
            found.append(
                f"{id} refers to {', '.join(cut[id][0].missing)}, which no cell of {entry['notebook']} defines or imports: "
                "a fresh kernel, and the one that grades it, will not know it"
            )
    return found


def known():
    """Return the ids of all exercises, in the order of the course."""
    numbers = sorted(path.stem for path in progress_.EXERCISES.glob("nb[0-9][0-9]*.py"))
    modules = [importlib.import_module(f".exercises.{number}", __package__) for number in numbers]
    return [item.id for module in modules for item in module.EXERCISES]


def _home(notebooks):
    if notebooks is not None:
        return pathlib.Path(notebooks)
    here = pathlib.Path.cwd()
    return here if any(here.glob("*.ipynb")) else contents.HOME / "notebooks"


def _read(home):
    """(exercise id → (slice, file's name, time of saving), what could not be read)."""
    found, warnings = {}, []
    paths = sorted(home.glob("*.ipynb"), key=lambda path: (path.stat().st_mtime, path.name))
    if not paths:
        return found, [f"no notebooks in {home}: say where they are, with report(notebooks=FOLDER)"]
    for path in paths:  # of two copies the one saved last counts, unless it was not tried there
        try:
            cells = [text for kind, text in contents.cells(path) if kind == "code"]
        except (OSError, ValueError) as error:
            warnings.append(f"{path.name} cannot be read: {error}")
            continue
        here = answers(cells)
        for id, why in broken(cells).items():
            if id not in here or here[id].stub:
                warnings.append(f"{id}: its cell in {path.name} is no Python ({why}), and is left out")
        for id, piece in here.items():
            if id not in found or not piece.stub or found[id][0].stub:
                found[id] = piece, path.name, _time(path.stat().st_mtime)
    return found, warnings


def _entry(cut, done, id):
    noted, when = done["exercises"].get(id), done["times"].get(id)
    if cut is None:
        return {"notebook": None, "saved": None, "code": "", "answer": "", "noted": noted, "solved": when}
    piece, name, saved = cut
    code, answer = ("", "") if piece.stub else (piece.code, piece.answer)
    return {"notebook": name, "saved": saved, "code": code, "answer": answer, "noted": noted, "solved": when}


def _time(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
