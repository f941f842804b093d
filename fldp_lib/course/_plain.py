"""Values that cross from an answer's process to the grader: numbers, text, arrays, containers, as JSON and never as pickle.

What arrives is hostile until it is decoded: every tag, type, shape and length is looked at, nothing is looked up by name
outside the tables below, and no code of the sender runs.
"""

import base64
import json
import math

import numpy as np
import torch

from ..training import models
from ..training.plan import Plan

MOST = 64 * 2**20  # bytes of one message
BITS = 4096  # of one whole number
KINDS = "biufc"  # of NumPy's dtypes
TORCH = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip
MODELS = {"Linear": ("fc",), "MLP": ("fc1", "fc2")}


class Opaque:
    """What cannot be sent: a value of another kind, of which only the text arrives; no check takes it for an answer."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def encoded(value):
    """Return a value as bytes.

    Raises:
        ValueError: it is too large, or nested too deeply.
    """
    try:
        data = json.dumps(_out(value)).encode()
    except RecursionError as error:
        raise ValueError("a value that is nested too deeply, or in itself") from error
    if len(data) > MOST:
        raise ValueError(f"a value of {len(data):,} bytes; at most {MOST:,} are taken")
    return data


def decoded(data):
    """Return the value that `encoded` made bytes of.

    Raises:
        ValueError: these are no such bytes.
    """
    try:
        return _in(json.loads(data, parse_int=_small))
    except (RecursionError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"no message: {type(error).__name__}") from error


def _out(value):
    if value is None or value is True or value is False:
        return value
    if value is ...:
        return ["e"]
    if isinstance(value, torch.Tensor):
        return _tensor_out(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
        return ["a", value.dtype.str, list(value.shape), _text(np.ascontiguousarray(value).tobytes())]
    if isinstance(value, np.generic) and value.dtype.kind in KINDS:
        return ["n", value.dtype.str, _text(value.tobytes())]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        value = int(value)
        if value.bit_length() > BITS:
            raise ValueError(f"a whole number of {value.bit_length():,} bits; at most {BITS:,} are taken")
        return value if abs(value) < 2**53 else ["i", hex(value)]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return ["c", value.real, value.imag]
    if isinstance(value, (bytes, bytearray)):
        return ["b", _text(bytes(value))]
    for tag, kind in (("t", tuple), ("l", list), ("s", set), ("z", frozenset), ("l", range)):
        if isinstance(value, kind):
            return [tag, *map(_out, value)]
    if isinstance(value, dict):
        return ["d", *([_out(key), _out(entry)] for key, entry in value.items())]
    if type(value) is Plan:
        return ["P", value.to_json()]
    name = type(value).__name__
    if name in MODELS and type(value) is getattr(models, name):
        layers = [getattr(value, layer) for layer in MODELS[name]]
        sizes = [layers[0].weight.shape[1], *(layer.weight.shape[0] for layer in layers)]
        return ["m", name, sizes, [_tensor_out(p.detach()) for p in value.parameters()]]
    return ["o", f"<{name} object>"[:200]]


def _tensor_out(value):
    name = str(value.dtype).removeprefix("torch.")
    if value.layout is not torch.strided or name not in TORCH or value.device.type == "meta":
        return ["o", f"<tensor of {name}, {value.layout}>"]
    flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    raw = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return ["T", name, list(value.shape), _text(raw)]


def _in(found):
    if isinstance(found, list):
        tag, *rest = found
        return READ[tag](*rest)
    if found is None or isinstance(found, (bool, int, float, str)):
        return found
    raise ValueError("no message: an object")


def _array(dtype, shape, text):
    dtype = np.dtype(_kind(dtype, str))
    if dtype.kind not in KINDS or dtype.fields is not None:
        raise ValueError(f"no message: an array of {dtype}")
    return np.frombuffer(_raw(text, _numel(shape) * dtype.itemsize), dtype=dtype).reshape(shape).copy()


def _tensor(name, shape, text):
    if name not in TORCH:
        raise ValueError("no message: a tensor of another kind")
    dtype = getattr(torch, name)
    raw = bytearray(_raw(text, _numel(shape) * dtype.itemsize))
    return torch.frombuffer(raw, dtype=dtype).reshape(shape) if raw else torch.zeros(shape, dtype=dtype)


def _model(name, sizes, parameters):
    if name not in MODELS or len(sizes) != len(MODELS[name]) + 1 or _numel(sizes) > 10**8:
        raise ValueError("no message: a model of another kind")
    model = getattr(models, name)(*sizes)
    for mine, given in zip(model.parameters(), parameters, strict=True):
        mine.data.copy_(_in(given))
    return model


def _numel(shape):
    if not isinstance(shape, list) or len(shape) > 32 or not all(type(size) is int and 0 <= size <= MOST for size in shape):
        raise ValueError("no message: a shape of something else")
    return math.prod(shape)


def _raw(text, size=None):
    data = base64.b64decode(_kind(text, str), validate=True)
    if size is not None and len(data) != size:
        raise ValueError(f"no message: {len(data)} bytes of {size}")
    return data


def _text(data):
    return base64.b64encode(data).decode()


def _kind(value, kind):
    if type(value) is not kind:
        raise ValueError(f"no message: {type(value).__name__} in the place of {kind.__name__}")
    return value


def _small(text):
    if len(text) > 17:
        raise ValueError("no message: a long number")
    return int(text)


def _long(text):
    if len(_kind(text, str)) > BITS // 4 + 4:
        raise ValueError("no message: a long number")
    return int(text, 16)


READ = {
    "e": lambda: ...,
    "i": _long,
    "c": lambda real, imaginary: complex(real, imaginary),
    "b": _raw,
    "l": lambda *entries: [_in(entry) for entry in entries],
    "t": lambda *entries: tuple(_in(entry) for entry in entries),
    "s": lambda *entries: {_in(entry) for entry in entries},
    "z": lambda *entries: frozenset(_in(entry) for entry in entries),
    "d": lambda *pairs: {_in(key): _in(entry) for key, entry in pairs},
    "a": _array,
    "n": lambda dtype, text: _array(dtype, [], text)[()],
    "T": _tensor,
    "P": lambda text: Plan.from_json(_kind(text, str)),
    "m": _model,
    "o": lambda text: Opaque(_kind(text, str)[:200]),
}
