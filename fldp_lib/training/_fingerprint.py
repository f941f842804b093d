"""What a setting is, as text that is the same in every process: how a checkpoint knows another loss, model or aggregator.

A class or a function of this package, torch or NumPy is its name. Whoever writes one can change it under the same name, and
in a notebook does: there the text holds a fingerprint of the compiled code as well, with its constants, defaults, closure
and the simple global values that it reads. It changes with Python's version, as compiled code does.
"""

import dataclasses
import dis
import enum
import functools
import hashlib
import pathlib
import types

import numpy as np
import torch

OF_ANY = set(vars(torch.nn.Module()))  # attributes of every torch module: how it is kept, not what it computes
LIBRARIES = {"fldp_lib", "torch", "numpy", "builtins", "math", "operator", "functools"}
SIMPLE = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), slice, range, torch.dtype, torch.device)


def text_of(value, name="value"):
    """Return a setting as text that is the same in every process and for every equal setting.

    Args:
        value: numbers, strings, tensors, functions (lambdas, closures and partials too), modules of torch, dataclasses,
            objects with such values as their public attributes, and lists, tuples, sets and dicts of all these.
        name: of the setting, for the message.

    Raises:
        ValueError: it has no such text: its class hides what it holds.
    """
    return _text(value, name, ())


def model_text(model):
    """Return what a model computes, apart from what trains: class, parts, names and shapes, activations, frozen values."""
    shapes = ", ".join(
        f"{name} {tuple(each.shape)}{'' if each.requires_grad else ' frozen'}" for name, each in model.named_parameters()
    )
    said = _module(model, "model", (id(model),))
    structure = _digest([said.encode(), digest(model.buffers()).encode()])
    return f"{_name(type(model))} with {shapes}; structure {structure}{body(model)}"


def body(model):
    """Return a fingerprint of the values that stay as they are, frozen parameters, as text; "" where all train."""
    held = [p for p in model.parameters() if not p.requires_grad]
    return f"; frozen {digest(held)}" if held else ""


def digest(tensors):
    """Return a short fingerprint of values and shapes."""
    parts = []
    for tensor in tensors:
        tensor = tensor.detach().cpu().contiguous()
        parts += [f"{tensor.dtype}{tuple(tensor.shape)}".encode(), memoryview(tensor.reshape(-1).view(torch.uint8).numpy())]
    return _digest(parts)


def apart(*texts, most=160):
    """Return two texts, cut to where they differ if they are long."""
    if max(len(str(text)) for text in texts) <= most:
        return texts
    pairs = enumerate(zip(*map(str, texts), strict=False))
    same = next((place for place, (a, b) in pairs if a != b), min(map(len, map(str, texts))))
    first = max(0, same - most // 4)
    return ["…" * (first > 0) + str(text)[first : first + most] + "…" * (len(str(text)) > first + most) for text in texts]


def _text(value, name, above):
    if id(value) in above:
        return "itself"
    above = (*above, id(value))

    def inner(other):
        return _text(other, name, above)

    if isinstance(value, enum.Enum) or type(value) in SIMPLE:
        return repr(value) if not isinstance(value, enum.Enum) else f"{_name(type(value))}.{value.name}"
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, (torch.Tensor, np.ndarray)):
        tensor = value if isinstance(value, torch.Tensor) else _tensor(value, name)
        return f"{type(value).__name__} {tuple(tensor.shape)} {digest([tensor])}"
    if type(value) in (list, tuple):
        return f"{'[('[type(value) is tuple]}{', '.join(map(inner, value))}{'])'[type(value) is tuple]}"
    if type(value) in (set, frozenset):
        return f"{{{', '.join(sorted(map(inner, value)))}}}"
    if type(value) is dict:
        return f"{{{', '.join(f'{inner(key)}: {inner(each)}' for key, each in value.items())}}}"
    if isinstance(value, functools.partial):
        return f"partial({', '.join([inner(value.func), *map(inner, value.args)])}, {inner(value.keywords)})"
    if isinstance(value, type):
        return _class(value, name, above)
    if isinstance(value, types.FunctionType):
        return _function(value, name, above)
    if isinstance(value, types.MethodType):
        return f"{inner(value.__func__)} of {inner(value.__self__)}"
    if isinstance(value, (types.BuiltinFunctionType, np.ufunc)) or type(value).__name__ == "builtin_function_or_method":
        owner = getattr(value, "__self__", None)  # a builtin's module, or the object whose method it is
        bound = "" if owner is None or isinstance(owner, (types.ModuleType, type)) else f" of {inner(owner)}"
        return f"{getattr(value, '__module__', None) or 'builtins'}.{getattr(value, '__qualname__', value.__name__)}{bound}"
    if isinstance(value, (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)):
        return f"{_name(value.__objclass__)}.{value.__name__}"
    if isinstance(value, torch.nn.Module):
        tensors = digest(value.state_dict().values())
        return f"{_module(value, name, above)} {tensors}"
    if isinstance(value, pathlib.PurePath):
        return f"{type(value).__name__}({str(value)!r})"
    return _object(value, name, above)


def _object(value, name, above):
    """An object by its class and what it holds: a dataclass's fields, or its attributes (private ones if simple)."""
    if dataclasses.is_dataclass(value):
        held = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    else:
        slots = [slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ())]
        held = {slot: getattr(value, slot) for slot in slots if hasattr(value, slot)} | getattr(value, "__dict__", {})
        hidden = not hasattr(value, "__dict__") and not slots
        if hidden or isinstance(value, (types.ModuleType, types.GeneratorType)):
            raise ValueError(
                f"{name} must have a text that is the same in every process, for a checkpoint to compare: functions, "
                f"dataclasses and objects with simple public attributes have one; got a {_name(type(value))}"
            )
        held = {key: each for key, each in sorted(held.items()) if not key.startswith("__") or key == "__wrapped__"}
    said = []
    for key, each in held.items():
        try:
            said.append(f"{key}={_text(each, f'{name}.{key}', above)}")
        except ValueError:
            if not key.startswith("_"):  # its own affair: a cache, a handle
                raise
    return f"{_class(type(value), name, above)}({', '.join(said)})"


def _module(module, name, above):
    """A torch module: its parts, each with its class and the settings among its attributes."""
    said = []
    for part, each in module.named_modules():
        held = []
        for key, value in sorted(vars(each).items()):
            if key not in OF_ANY:
                try:
                    held.append(f"{key}={_text(value, name, (*above, id(each)))}")
                except ValueError:  # a cache, a handle: not what the module computes
                    held.append(key)
        names = [key for key in (*each._parameters, *each._buffers)]
        said.append(f"{part}: {_class(type(each), name, above)}({', '.join([*held, *names])}; {each.extra_repr()})")
    return "; ".join(said)


def _class(kind, name, above):
    """A class by its name; one that is not of a library also by its own and its bases' code."""
    if _known(kind):
        return kind.__qualname__ if kind.__module__.startswith("fldp_lib.") else _name(kind)
    functions = []
    for each in kind.__mro__:
        if not _known(each):
            for key, value in sorted(vars(each).items()):
                value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                written = isinstance(value, types.FunctionType) and not value.__code__.co_filename.startswith("<string>")
                if written and key != "__repr__":  # a dataclass's own methods follow from its fields
                    functions.append(f"{key} {_code(value, name, (*above, id(each)))}")
                elif isinstance(value, SIMPLE) and not key.startswith("_"):
                    functions.append(f"{key} {value!r}")
    return f"{_name(kind)} {_digest([line.encode() for line in functions])}"


def _function(function, name, above):
    if _known(function) and function.__closure__ is None and "<lambda>" not in function.__qualname__:
        return _name(function)
    return f"{_name(function)} {_digest([_code(function, name, above).encode()])}"


def _code(function, name, above):
    """What a function does: its code, and the values that the code finds outside its arguments."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    said = [_compiled(function.__code__)]
    said += [_text(each, name, above) for each in (function.__defaults__, function.__kwdefaults__, *cells)]
    for key in sorted(_globals_read(function.__code__)):
        value = function.__globals__.get(key)
        if isinstance(value, (*SIMPLE, torch.Tensor, types.FunctionType)) and key in function.__globals__:
            said.append(f"{key}={_text(value, name, above)}")
        elif isinstance(value, types.ModuleType):
            said.append(f"{key}={value.__name__}")
    return "; ".join(said)


def _compiled(code):
    """Compiled code without its file and lines."""
    consts = [_compiled(each) if isinstance(each, types.CodeType) else _text(each, "code", ()) for each in code.co_consts]
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return f"{code.co_code.hex()} {consts} {code.co_names} {code.co_varnames} {code.co_freevars} {counts}"


def _globals_read(code):
    names = {each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL"}
    return names.union(*(_globals_read(each) for each in code.co_consts if isinstance(each, types.CodeType)))


def _filled(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _known(thing):
    return (getattr(thing, "__module__", None) or "").split(".")[0] in LIBRARIES


def _name(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def _tensor(array, name):
    try:
        return torch.as_tensor(np.ascontiguousarray(array))
    except TypeError:
        raise ValueError(f"{name} must be of numbers, to be compared by a checkpoint; got {array.dtype} entries") from None


def _digest(parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()[:16]
