"""The forms that records come in, and what they become: labels, owners, names, bounds."""

import numpy as np
import torch

from .. import checks


def labels(name, y, task):
    """Return targets of any shape as int64 class numbers from 0, or as floats for a regression; refuse what is neither."""
    y = checks.tensor(name, y, numbers="whole" if task == "classification" else "real")
    if task == "classification" and y.numel() and y.min() < 0:
        raise ValueError(f"{name} must be class numbers from 0, got {int(y.min())}")
    return y


def owners(name, ids, n, x=None):
    """Return who owns each of n records: int64 numbers as a tensor, or other ids, such as strings, as an array (n,).

    Where the records `x` are given, the message shows their shape, too.
    """
    array = ids.detach().cpu().numpy() if isinstance(ids, torch.Tensor) else ids
    try:
        array = np.asarray(array)
    except ValueError:
        array = np.empty(())
    words = array.dtype.kind == "U" and (isinstance(ids, np.ndarray) or all(isinstance(one, str) for one in ids))
    if array.dtype.kind == "O" and array.ndim == 1 and all(isinstance(one, str) for one in array):
        array, words = array.astype(str), True
    if array.shape != (n,):
        beside = "" if x is None else f" for x of shape {tuple(x.shape)}"
        raise ValueError(
            f"{name} must be one id for each record, of shape ({n},), got {array.shape}{beside}: {checks.shown(ids)}"
        )
    if words:
        return array
    if array.dtype.kind not in "iufb":
        raise TypeError(f"{name} must be whole numbers or strings, one for each record, got {checks.shown(ids)}")
    return checks.tensor(name, array, numbers="whole")


def numbered(owner):
    """Return owners as client numbers without gaps: the ids in order (None where they are 0, 1, 2, …), numbers (n,), count.

    Args:
        owner: numbers as a tensor, or ids as an array (n,), from `owners`.
    """
    ids, number = np.unique(owner.numpy() if isinstance(owner, torch.Tensor) else owner, return_inverse=True)
    same = ids.dtype.kind == "i" and len(ids) and ids[0] == 0 and ids[-1] == len(ids) - 1
    return None if same else ids, torch.from_numpy(number.reshape(-1).astype(np.int64)), len(ids)


def names(name, words, some=False):
    """Return names as a tuple of strings, each there once; with `some`, one at least."""
    if isinstance(words, (str, bytes)) or not isinstance(words, (tuple, list, np.ndarray)):
        raise TypeError(f"{name} must be a list of names, got {checks.shown(words)} ({type(words).__name__})")
    words = tuple(str(word) if isinstance(word, np.str_) else checks.text(name, word) for word in words)
    if len(set(words)) < len(words) or (some and not words):
        raise ValueError(f"{name} must be different names{', one at least' if some else ''}, got {checks.shown(words)}")
    return words


def bounded(bounds, shape, scale):
    """Return public bounds as a float64 array (… × 2), low below high, both positive on a logarithmic scale."""
    words = "finite, each low below its high" + (", and positive for scale='log'" if scale == "log" else "")
    wanted = f"bounds must be (low, high) of shape {tuple(shape)}, {words}"
    try:
        array = np.asarray(bounds.detach().cpu() if isinstance(bounds, torch.Tensor) else bounds)
    except ValueError as error:
        raise ValueError(f"{wanted}; got {checks.shown(bounds)}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{wanted}; got {checks.shown(bounds)} ({array.dtype})")
    array = array.astype(float)
    good = array.shape == tuple(shape) and np.isfinite(array).all() and (array[..., 0] < array[..., 1]).all()
    if not good or (scale == "log" and (array <= 0).any()):
        raise ValueError(f"{wanted}; got {checks.shown(bounds) if array.shape != tuple(shape) else array.tolist()}")
    return array
