"""An answer in another process, as the examiner sees it: called like a function, read as plain values, stopped by name."""

import contextlib
import functools
import io
import pickle
import types

import numpy as np
import torch

from . import _plain, _worker
from .answers import NotTried, Wrong


class Stopped(BaseException):
    """The answer was stopped: it took too long or too much, did what is forbidden, or its process ended."""


class Remote:
    """An answer in another process.

    Args:
        line: the socket to it.
    """

    def __init__(self, line):
        self.line, self.functions, self.generators = line, [], []

    def started(self):
        """The answer: a function that calls it, or its value.

        Raises:
            Wrong: the code that defines it fails.
        """
        try:
            callable_, value = self._reply()
        except Stopped:
            raise
        except Exception as error:
            raise Wrong(f"the code that defines the answer raised {type(error).__name__}: {error}") from None
        if value is None and callable_ is not True:
            raise NotTried
        return functools.partial(self.call) if callable_ is True else value

    def call(self, *args, **kwargs):
        """Call it; what it changes in its arguments is changed here, too."""
        self._send(b"A", self._pickled((args, kwargs)))
        result, changed = self._reply()
        for mine, theirs in zip(args, changed, strict=False):
            if isinstance(mine, torch.Generator) and theirs is True:  # by a draw here; the one there goes on by itself
                torch.rand(1, generator=mine)
                key = next(k for k, (known, _) in enumerate(self.generators) if known is mine)
                self.generators[key] = mine, mine.get_state().numpy().tobytes()
            _carried(mine, theirs)
        return result

    def quiet(self):
        """Wait until everything that was sent has been read: a refusal may be the last of it."""
        self._send(b"Q", b"")
        self._reply()

    def _reply(self):
        while True:
            letter, size = _worker.HEAD.unpack(self._exactly(_worker.HEAD.size))
            if size > _plain.MOST:
                raise Stopped(f"memory: a message of {size:,} bytes")
            data = self._exactly(size)
            if letter == b"F":
                raise Stopped(f"forbidden: {data.decode('utf-8', 'replace')}")
            try:
                found = _plain.decoded(data) if letter in b"SRXC" else None
                if letter == b"C":
                    key, args, kwargs = found
                    self._asked(self.functions[key], args, kwargs)
                    continue
                if letter == b"X":
                    name, words, memory = map(str, found)
                    if memory == "True":
                        raise Stopped(f"memory: {words}")
            except (ValueError, TypeError, LookupError) as error:
                raise Stopped(f"forbidden: it spoke to the grader by itself ({error})") from None
            if letter == b"X":
                raise type(name if name.isidentifier() else "Error", (Exception,), {})(words)
            if letter not in b"SRQ":
                raise Stopped("forbidden: it spoke to the grader by itself")
            return found

    def _asked(self, function, args, kwargs):
        try:
            letter, result = b"V", function(*args, **kwargs)
        except Exception as error:
            letter, result = b"E", f"{type(error).__name__}: {error}"
        self._send(letter, self._pickled(result))

    def _pickled(self, value):
        file = io.BytesIO()
        Pickler(file, self).dump(value)
        return file.getvalue()

    def _send(self, letter, data):
        try:
            self.line.sendall(_worker.framed(letter, data))
        except OSError:
            self._exactly(2**30)  # a last word may be left to read
            raise Stopped("its process ended") from None

    def _exactly(self, size):
        pieces = []
        while size:
            try:
                piece = self.line.recv(min(size, 2**20))
            except OSError:
                piece = b""
            if not piece:
                self._last(b"".join(pieces))
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _last(self, data):
        if data[:1] == b"F":
            raise Stopped(f"forbidden: {data[_worker.HEAD.size :].decode('utf-8', 'replace')}")
        raise Stopped("its process ended")


def _carried(mine, theirs):
    """Make one argument what the answer's process made of it."""
    with contextlib.suppress(TypeError, ValueError, RuntimeError):
        if isinstance(mine, torch.Tensor) and isinstance(theirs, torch.Tensor) and mine.shape == theirs.shape:
            mine.data.copy_(theirs)
        elif isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray) and mine.shape == theirs.shape:
            mine[...] = theirs
        elif isinstance(mine, list) and isinstance(theirs, list) and all(type(e) in (int, float, str, bool) for e in theirs):
            mine[:] = theirs
        elif isinstance(mine, dict) and isinstance(theirs, dict) and set(mine) != set(theirs):
            mine.clear(), mine.update(theirs)


class Pickler(pickle.Pickler):
    """Writes arguments for the answer's process: functions by number, generators once and then only if they moved here."""

    def __init__(self, file, remote):
        super().__init__(file, protocol=5)
        self.remote = remote

    def persistent_id(self, value):
        if isinstance(value, torch.Generator):
            key = next((k for k, (known, _) in enumerate(self.remote.generators) if known is value), None)
            state = value.get_state().numpy().tobytes()
            if key is None:
                self.remote.generators.append((value, state))
                return "generator", len(self.remote.generators) - 1, state
            moved = self.remote.generators[key][1] != state
            self.remote.generators[key] = value, state
            return "generator", key, state if moved else None
        if isinstance(value, types.FunctionType) and ("<" in value.__qualname__ or ".exercises." in value.__module__):
            self.remote.functions.append(value)
            return "function", len(self.remote.functions) - 1, value.__name__
        return None

    def reducer_override(self, value):
        if type(value) is torch.Tensor and not value.requires_grad and value.numel() and value.dtype is not torch.bfloat16:
            return torch.from_numpy, (value.detach().cpu().contiguous().numpy(),)
        return NotImplemented
