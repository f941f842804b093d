"""Explorers that a page computes by itself, at any setting, without a kernel: what they are called there, and their data.

An explorer's counterpart in JavaScript stands in `assets/trainer/explorers/` here, in `nbNN.js` or `nbNN_….js`, which the
pages of that notebook load by themselves: `fldp.explorers["nbNN.name"] = { compute(state, data), marks(result, data),
say(result, data) }`, with `attacker(result, data)` where the explorer has one, each returning what its namesake in Python
does. It computes by `fldp.training` and `fldp.accounting` and draws by `fldp.plots`; noise that the notebook shows is
shipped in `data`, or drawn from the notebook's own stream by `fldp.numpy(seed)` or `fldp.torch(seed)`.
`tests/browser/test_live.py` holds marks and sentence to the explorer's own at settings drawn at random.
"""

import base64
import re

import numpy as np
import torch

from .. import checks

KINDS = {"float32": "f4", "float64": "f8", "int32": "i4", "uint8": "u1"}  # arrays as they are packed


def live(explorer, name, data=None):
    """Say under which name pages without a kernel compute an explorer, and from which data.

    Args:
        explorer: an `explorers.Explorer`.
        name: its counterpart's, such as "nb00.hospitals".
        data: called without arguments when a page is written: numbers, texts, arrays and tensors by name, lists and dicts
            of them; None: it needs none.

    Returns:
        The explorer, whose `browser` is (name, data) now.

    Raises:
        TypeError, ValueError: no explorer, a name of another form, data that is no function.
    """
    if not hasattr(explorer, "browser") or not hasattr(explorer, "compute"):
        raise TypeError(f"explorer must be an Explorer, got {checks.shown(explorer)}")
    if not re.fullmatch(r"nb\d\db?\.[a-z_0-9]+", checks.text("name", name)):
        raise ValueError(f'name must be such as "nb00.hospitals", got {name!r}')
    if data is not None:
        checks.function("data", data)
    explorer.browser = (name, data)
    return explorer


def packed(value):
    """Return what JSON can hold of data for a page: arrays and tensors become text with their kind and shape.

    Args:
        value: a number, a text, None, an array or a tensor (float, whole numbers or bytes), or lists and dicts of them.
            Whole numbers of an array must be in the range of 32 bits.

    Raises:
        TypeError, ValueError: anything else, arrays of another kind, whole numbers out of that range.
    """
    if isinstance(value, dict):
        return {str(name): packed(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [packed(part) for part in value]
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"value must be numbers, texts, arrays and tensors, or lists and dicts of them, got {checks.shown(value)}"
        )
    if value.dtype.kind in "iub" and value.dtype.name not in KINDS:
        if value.dtype.kind != "b" and value.size and max(abs(int(value.min())), int(value.max())) >= 2**31:
            raise ValueError(f"value must be whole numbers in the range of 32 bits, got up to {value.max()}")
        value = value.astype("uint8" if value.dtype.kind == "b" else "int32")
    if value.dtype.name not in KINDS:
        raise TypeError(f"value must be an array of {', '.join(KINDS)} or whole numbers, got {value.dtype}")
    bytes_ = np.ascontiguousarray(value).tobytes()
    return {"packed": base64.b64encode(bytes_).decode(), "kind": KINDS[value.dtype.name], "shape": list(value.shape)}
