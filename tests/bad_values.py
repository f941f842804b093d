"""Bad values by kind, and the walker that gives them to a call: each has to be refused by name before anything is done.

A `Target` is one public function, class or method with one good call. `faults` replaces one argument of the good call at a
time by each bad value of its kind, and says what was not refused as the house does it: by a TypeError or ValueError that the
package itself raises, which names the argument, says what it must be and what it was; and with nothing done before: no input
changed, no file written, no global random state touched, no callback called.
"""

import contextlib
import dataclasses
import functools
import importlib
import inspect
import math
import pathlib
import random
import re
import warnings

import numpy as np
import torch
from conftest import dataset, federation
from torch import nn

import fldp_lib

PACKAGE = pathlib.Path(fldp_lib.__file__).parent
CALLED = []  # what `spy` was called with


def spy(*args):
    """A callback that must not be called before everything is checked."""
    CALLED.append(args)


class Broken:
    """An object of no use as anything."""

    def __repr__(self):
        return "<Broken>"


def tensors(good, whole=False):
    """Bad values in place of the tensor `good`: other kinds of things, other entries, other shapes."""
    flat = good.flatten().tolist()
    found = {
        "None": None,
        "text": "1, 2",
        "object": Broken(),
        "strings": ["a", "b"],
        "a dict": {"a": 1},
        "complex": good + 1j,
        "one more axis": good.unsqueeze(0).unsqueeze(0) if good.ndim else good.expand(2, 2, 2, 2),
        "ragged": [[1.0, 2.0], [1.0]],
        "objects": np.array([object(), None], dtype=object),
    }
    if flat and not whole:
        found |= {name: _spoilt(good, value) for name, value in (("NaN", math.nan), ("inf", math.inf))}
    if whole:
        found |= {"fractions": good.double() + 0.5, "NaN": good.double() * math.nan}
    return found


def _spoilt(good, value):
    spoilt = good.clone().to(good.dtype if good.is_floating_point() else torch.float32)
    spoilt.view(-1)[-1] = value
    return spoilt


class BatchNormed(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))


NO_NUMBER = {
    "None": None,
    "text": "1",
    "True": True,
    "array": np.ones(2),
    "complex": 1j,
    "object": Broken(),
    "list": [1],
    "tensor": torch.ones(2),
}
NO_REAL = NO_NUMBER | {"NaN": math.nan, "inf": math.inf, "-inf": -math.inf, "too large": 10**400}
NO_WHOLE = NO_NUMBER | {"1.5": 1.5, "NaN": math.nan, "inf": math.inf, "-huge": -(10**30)}
NO_OBJECT = {"None": None, "5": 5, "text": "mean", "object": Broken(), "dict": {}, "array": np.ones(2)}
KINDS = {
    "real": NO_REAL,
    "positive": NO_REAL | {"0": 0, "-1": -1, "np.float32(-1)": np.float32(-1)},
    "not negative": NO_REAL | {"-1": -1, "np.float64(-0.1)": np.float64(-0.1)},
    "share": NO_REAL | {"0": 0, "-1": -1, "1.5": 1.5},  # in (0, 1]
    "inside": NO_REAL | {"0": 0, "-1": -1, "1": 1, "1.5": 1.5},  # in (0, 1)
    "from 0 to 1": NO_REAL | {"-1": -1, "1.5": 1.5},
    "count": NO_WHOLE | {"0": 0, "-1": -1, "np.int8(-3)": np.int8(-3)},
    "two": NO_WHOLE | {"0": 0, "-1": -1, "1": 1},
    "whole": NO_WHOLE | {"-1": -1},
    "index": NO_WHOLE | {"-1": -1, "huge": 10**30, "1000": 1000},
    "flag": {"None": None, "1": 1, "text": "yes", "object": Broken(), "array": np.array([True, False])},
    "text": {"None": None, "5": 5, "bytes": b"a", "list": ["a"], "object": Broken(), "NaN": math.nan},
    "choice": {
        "unknown": "nobody",
        "empty": "",
        "None": None,
        "5": 5,
        "list": ["a"],
        "object": Broken(),
        "array": np.ones(2),
    },
    "function": NO_OBJECT | {"list": [1], "tensor": torch.ones(2)},
    "object": NO_OBJECT,
    "module": NO_OBJECT | {"a class": nn.Linear, "batch statistics": BatchNormed(), "no parameters": nn.ReLU()},
    "federation": NO_OBJECT | {"a data set": dataset(), "a tensor": torch.ones(3, 3, 3)},
    "data set": NO_OBJECT | {"a federation": federation([3, 3]), "a tensor": torch.ones(3, 3)},
    "either": NO_OBJECT | {"a tensor": torch.ones(3, 3)},
    "generator": {"None": None, "0": 0, "text": "0", "numpy's": np.random.default_rng(0), "object": Broken()},
    "names": {"None": None, "text": "a", "5": 5, "numbers": [1, 2], "twice": ["a", "a"], "object": Broken(), "bytes": b"ab"},
    "path": {"None": None, "5": 5, "object": Broken(), "list": ["a"], "a folder": "."},
    "device": {"5": 5, "unknown": "nobody", "object": Broken(), "none here": "xla:7", "list": ["cpu"]},
}


@dataclasses.dataclass
class Target:
    """One public name.

    Args:
        name: from the package down, such as "data.splits.split" or "data.federation.Federation.select".
        good: returns the keywords of a good call, fresh ones each time.
        kinds: argument → its kind, or a dict of bad values of its own. A kind may be followed by "; fine: …", the labels of
            values that are documented as meaningful here.
        owner: for a method, returns the object that has it.
        also: errors that are documented here besides TypeError and ValueError.
        run: whether the good call is made, too.
        called: argument → the name by which the message calls it, a regular expression.
        via: how it is called, where not by its keywords alone.
    """

    name: str
    good: object
    kinds: dict
    owner: object = None
    also: tuple = ()
    run: bool = True
    called: dict = dataclasses.field(default_factory=dict)
    via: object = None

    def function(self):
        """What is called, of a fresh object."""
        if self.owner is not None:
            return getattr(self.owner(), self.name.rsplit(".", 1)[1])
        module, attribute = self.name.rsplit(".", 1)
        return getattr(importlib.import_module(f"fldp_lib.{module}"), attribute)

    def call(self, function, given):
        """Call it with these keywords."""
        return function(**given) if self.via is None else self.via(function, **given)

    def cases(self):
        """Every argument × its bad values: (argument, label, value)."""
        good = None
        for argument, kind in self.kinds.items():
            if kind is None:  # an argument without a wrong value, said in the table
                continue
            fine = ()
            if isinstance(kind, str):
                kind, _, listed = kind.partition("; fine: ")
                fine = tuple(listed.split(", ")) if listed else ()
            if kind in ("tensor", "labels", "theta"):
                good = good or self.good()
                values = tensors(torch.as_tensor(good[argument]), whole=kind == "labels")
            else:
                values = kind if isinstance(kind, dict) else KINDS[kind]
            assert set(fine) <= set(values), f"{self.name}: {argument} has no {set(fine) - set(values)}"
            for label, value in values.items():
                if label not in fine:
                    yield argument, label, value

    def faults(self, folder):
        """What is wrong with this target: one line for each bad value that is not refused in the house's form."""
        return [
            f"{self.name}({argument}={label}): {fault}"
            for argument, label, value in self.cases()
            if (fault := self.fault(argument, value, folder))
        ]

    def fault(self, argument, value, folder):
        """What happens for one bad value, or None where it is refused as it should be."""
        given = self.good()
        given[argument] = value
        before, state, files = prints(given), states(), sorted(folder.rglob("*"))
        CALLED.clear()
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(None):
                warnings.simplefilter("ignore")
                result = self.call(self.function(), given)
        except (TypeError, ValueError, *self.also) as error:
            fault = form(error, self.called.get(argument, argument))
        except Exception as error:
            fault = f"raw {type(error).__name__}: {error}"
        else:
            fault = f"silent: {str(result)[:80]!r}"
        if CALLED:
            return f"a callback was called before; {fault}"
        if prints(given) != before:
            return f"an input was changed; {fault}"
        if states() != state:
            return f"a global random state was touched; {fault}"
        if written := [path for path in sorted(folder.rglob("*"), reverse=True) if path not in files]:
            for path in written:
                path.rmdir() if path.is_dir() else path.unlink()
            return f"a file was written; {fault}"
        return fault


def form(error, argument):
    """What an error's message lacks of the house's form: raised by the package, the argument, what is allowed, the value."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    where, words = pathlib.Path(trace.tb_frame.f_code.co_filename), str(error)
    if not where.is_relative_to(PACKAGE) and where != pathlib.Path(__file__).parent / "test_bad_input.py":
        return f"raw {type(error).__name__} from {where.name}: {words[:150]}"
    if not re.search(rf"\b({argument})\b", words):
        return f"not named: {words[:150]}"
    if not re.search(r"\b(must|known|no exercise)\b", words):
        return f"does not say what is allowed: {words[:150]}"
    if not re.search(r"\bgot\b|entries are|\bhas\b|is none", words):
        return f"does not give the value: {words[:150]}"
    return f"too long, {len(words)} characters" if len(words) > 900 else None


def states():
    """The global random generators' states, comparable."""
    name, keys, *rest = np.random.get_state()
    return random.getstate(), (name, keys.tobytes(), *rest), torch.get_rng_state().numpy().tobytes()


def prints(value, depth=0):
    """A value's fingerprint: equal before and after a call that has left it as it was."""
    if isinstance(value, torch.Tensor):
        return (
            value.dtype,
            tuple(value.shape),
            value.detach().cpu().resolve_conj().numpy().tobytes() if value.numel() < 10**6 else None,
        )
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes() if value.dtype.kind != "O" else str(value)
    if isinstance(value, nn.Module):
        return [prints(p) for p in (*value.parameters(), *value.buffers())]
    if isinstance(value, torch.Generator):
        return value.get_state().numpy().tobytes()
    if isinstance(value, np.random.Generator):
        return str(value.bit_generator.state)
    if isinstance(value, dict):
        return [(name, prints(one, depth + 1)) for name, one in value.items()] if depth < 5 else None
    if isinstance(value, (list, tuple)):
        return [prints(one, depth + 1) for one in value] if depth < 5 else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [prints(getattr(value, f.name, None), depth + 1) for f in dataclasses.fields(value)] if depth < 5 else None
    return value if isinstance(value, (str, bytes, int, float, type(None))) else id(value)


def public():
    """Every public name of the package that takes an argument: functions, classes, methods; as a dict name → callable."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if any(part.startswith("_") for part in parts) or "exercises" in parts:
            continue
        try:
            module = importlib.import_module(".".join(["fldp_lib", *parts]))
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != "flwr":  # Flower is optional
                raise
            continue
        for name, thing in vars(module).items():
            own = not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
            if own and inspect.isclass(thing):
                found |= {f"{'.'.join(parts)}.{key}": one for key, one in _methods(name, thing).items() if takes(one)}
            elif own and callable(thing) and hasattr(thing, "__qualname__") and takes(thing):
                found[f"{'.'.join(parts)}.{name}"] = thing
    return found


def _methods(name, cls):
    found = {} if issubclass(cls, BaseException) else {name: cls}
    for key in dir(cls):
        method = inspect.getattr_static(cls, key)
        method = getattr(method, "__func__", method)  # of a class method
        inside = inspect.isfunction(method) and method.__module__.startswith("fldp_lib")
        if inside and (key == "__call__" or not key.startswith("_")):
            found[f"{name}.{key}"] = functools.partial(method, None) if takes(method) else method
    return found


def takes(thing):
    """Whether a callable takes an argument."""
    try:
        return len(inspect.signature(thing).parameters) > 0
    except (TypeError, ValueError):
        return False


def parameters(thing):
    """The names of a callable's parameters."""
    return [name for name in inspect.signature(thing).parameters if not name.startswith("_")]
