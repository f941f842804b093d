"""Every exercise takes its solution in every natural form, fifty times, and refuses every planted slip with a true hint.

`FLDP_EXERCISES=full` feeds each form fifty times and each slip fifty times, in place of fifty in all and ten. A check
draws fresh inputs on every call, so what passes once by luck is found by repeating; here they are seeded, there they are
not. The planted slips stand in `tests/course/wrong`, each with a pattern of the words that are true of it: a hint that names
another slip fails here.
"""

import ast
import contextlib
import functools
import importlib
import io
import itertools
import json
import math
import os
import pathlib
import random
import re
import secrets

import numpy as np
import pytest
import torch

from fldp_lib import course
from fldp_lib.course import answers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NUMBERS = [path.stem.split("_")[0] for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
FULL = os.environ.get("FLDP_EXERCISES") == "full"
TIMES, AGAIN, LEAST = 50, 50 if FULL else 10, 4


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    module = importlib.import_module("fldp_lib.course.progress")
    monkeypatch.setattr(module, "FILE", tmp_path / "progress.json")


@pytest.fixture(autouse=True)
def repeatable(monkeypatch):
    """The checks' fresh inputs, the same in every run of this suite; `FLDP_EXERCISES=full` has them as learners do."""
    if not FULL:
        seeds, unseeded, bits = itertools.count(), np.random.default_rng, random.Random(0)
        monkeypatch.setattr(np.random, "default_rng", lambda seed=None: unseeded(next(seeds) if seed is None else seed))
        monkeypatch.setattr(secrets, "randbits", bits.getrandbits)


# Forms -----------------------------------------------------------------------------------------------------------------


def _leaf(scalar, row):
    """A converter: `scalar` turns a Python bool, int or float into a form, `row` a nested list of one kind of number."""

    def convert(value):
        if isinstance(value, (np.generic, np.ndarray, torch.Tensor)):
            value = value.tolist()
        if isinstance(value, (bool, int, float)):
            return scalar(value)
        if isinstance(value, (list, tuple)):
            if _even(value):
                return row(value)
            return type(value)(map(convert, value)) if type(value) in (list, tuple) else value
        if isinstance(value, dict):
            return {key: convert(entry) for key, entry in value.items()}
        return value  # a word, a plan, a mechanism: has one form

    return convert


def _even(value):
    """Whether nested lists make one array of numbers."""
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except ValueError:
        return False


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


def _array(dtype):
    def convert(value):
        made = np.asarray(value)
        return made.astype(dtype) if made.dtype.kind == "f" else made

    return convert


def _tensor(dtype):
    return lambda value: torch.as_tensor(_array(dtype)(value))


def _bare(value):
    return [_bare(entry) if isinstance(entry, (list, tuple)) else entry for entry in value]


FORMS = {
    "as it is": lambda value: value,
    "lists and Python numbers": _leaf(lambda v: v, _bare),
    "tuples": _leaf(lambda v: v, _tuples),
    "NumPy": _leaf(lambda v: np.asarray(v)[()], _array(np.float64)),
    "NumPy, float32": _leaf(lambda v: _array(np.float32)(v)[()], _array(np.float32)),
    "NumPy without dimensions": _leaf(np.asarray, _array(np.float64)),
    "torch": _leaf(_tensor(np.float64), _tensor(np.float64)),
    "torch, float32": _leaf(_tensor(np.float32), _tensor(np.float32)),
}


def in_form(answer, form):
    """The answer, or a function that returns what the answer returns, in a form."""
    if isinstance(answer, type) or not callable(answer):
        return FORMS[form](answer)
    return functools.wraps(answer)(lambda *args, **kwargs: FORMS[form](answer(*args, **kwargs)))


def spoiled(value):
    """A value with NaN in the place of every float."""
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
        return value * math.nan if str(value.dtype).removeprefix("torch.").startswith("float") else value
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(map(spoiled, value))
    if isinstance(value, dict):
        return {key: spoiled(entry) for key, entry in value.items()}
    return math.nan if type(value) is float else value


# Solutions -------------------------------------------------------------------------------------------------------------


@functools.cache
def solutions(number):
    """The solved answers of a notebook, by exercise: what the cells of the solutions notebook hand to the checks."""
    (path,) = (ROOT / "notebooks" / "solutions").glob(f"{number}_*.ipynb")
    space, found = {"__name__": "solutions"}, {}
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells[1:]:
            for statement in ast.parse("".join(cell["source"])).body:
                checked = [call for call in ast.walk(statement) if _is_check(call)]
                if not checked:
                    exec(compile(ast.Module([statement], []), path.name, "exec"), space)
                for call in checked:
                    id = call.func.value.args[0].value
                    found[id] = eval(compile(ast.Expression(call.args[0]), path.name, "eval"), space)
    return found


def _is_check(node):
    """Whether a piece of syntax is `course.exercise(id).check(answer)`."""
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "check" and isinstance(called.value, ast.Call)


def planted(number):
    """The module of a notebook's planted wrong answers."""
    return importlib.import_module(f"tests.course.wrong.nb{number}")


def told(id, answer):
    """(verdict, what was printed) of one check."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        verdict = course.exercise(id).check(answer)
    return verdict, out.getvalue()


class Checked:
    """What is tested of one notebook's exercises; subclasses name it, so that notebooks are spread over the workers."""

    number = None

    def test_solutions_are_taken_in_every_form_every_time(self):
        assert set(solutions(self.number)) == {item.id for item in exercises(self.number)}
        for id, answer in solutions(self.number).items():
            forms = getattr(planted(self.number), "FORMS", {}).get(id, tuple(FORMS))
            times = getattr(planted(self.number), "SLOW", {}).get(id, TIMES)
            for turn in range(times * len(forms) if FULL else max(times, len(forms))):
                form = forms[turn % len(forms)]
                verdict, words = told(id, in_form(answer, form))
                assert verdict is True, f"{id} in the form {form!r}: {words}"

    def test_slips_are_refused_every_time_with_a_hint_that_is_true_of_them(self):
        wrong = planted(self.number).WRONG
        assert set(wrong) == {item.id for item in exercises(self.number)}
        for id, slips in wrong.items():
            assert len(slips) >= LEAST, f"{id}: {len(slips)} planted slips"
            for place, (answer, pattern) in enumerate(slips):
                for _ in range(min(AGAIN, getattr(planted(self.number), "SLOW", {}).get(id, AGAIN))):
                    verdict, words = told(id, answer)
                    assert verdict is False, f"{id}: slip {place} passes, or counts as not tried: {words}"
                    assert re.search(pattern, words), f"{id}: slip {place}, {pattern!r}, is told: {words}"

    def test_nan_is_right_for_none(self):
        for id, answer in solutions(self.number).items():
            given, changed = answer, []
            if isinstance(answer, type) or not callable(answer):
                given = spoiled(answer)
                changed.append(repr(given) != repr(answer))
            else:

                def given(*args, answer=answer, changed=changed, **kwargs):
                    right = answer(*args, **kwargs)
                    changed.append(repr(spoiled(right)) != repr(right))
                    return spoiled(right)

            verdict, words = told(id, given)
            assert verdict is False or not any(changed), f"{id}: {words}"


def exercises(number):
    return importlib.import_module(f"fldp_lib.course.exercises.nb{number}").EXERCISES


for _number in NUMBERS:
    globals()[f"Test{_number}"] = type(f"Test{_number}", (Checked,), {"number": _number})


def test_at_least_320_slips_are_planted():
    assert sum(len(slips) for number in NUMBERS for slips in planted(number).WRONG.values()) >= 320


# Each of these tests can fail -----------------------------------------------------------------------------------------


def test_a_check_that_takes_one_form_only_is_found(monkeypatch):
    item = course.Exercise("99.1", "", lambda answer: answers.require(type(answer()) is float, "no float"), ("",))
    monkeypatch.setattr(course, "exercise", lambda id: item)
    taken = [form for form in FORMS if told("99.1", in_form(lambda: 0.5, form))[0]]
    assert taken == ["as it is", "lists and Python numbers", "tuples"]


def test_the_forms_are_what_they_are_called():
    got = {form: in_form(lambda: (torch.ones(2, 2, dtype=torch.float64), 0.5, True, 3), form)() for form in FORMS}
    assert isinstance(got["lists and Python numbers"][0], list) and isinstance(got["tuples"][0][1], tuple)
    assert isinstance(got["NumPy"][0], np.ndarray) and isinstance(got["NumPy"][1], np.float64)
    assert isinstance(got["NumPy"][2], np.bool_) and isinstance(got["NumPy"][3], np.int64)
    assert got["NumPy, float32"][0].dtype == np.float32 and isinstance(got["NumPy, float32"][1], np.float32)
    assert got["NumPy without dimensions"][1].shape == () and isinstance(got["NumPy without dimensions"][1], np.ndarray)
    assert got["torch"][1].dtype == torch.float64 and got["torch, float32"][0].dtype == torch.float32
    assert got["torch, float32"][1].ndim == 0 and got["torch"][2].dtype == torch.bool
