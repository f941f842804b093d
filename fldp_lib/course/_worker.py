"""The process in which an answer runs: it defines the answer, and calls it when the examiner asks; it knows nothing else.

Messages on a socket, each one letter, a length and that many bytes. From the examiner come pickles, which it made; what goes
back is `_plain`'s. So nothing that an answer can do here is more than to return values: the verdict is made elsewhere.
"""

import ast
import builtins
import io
import os
import pickle
import struct
import sys

import numpy as np
import torch

from . import _plain, _sandbox

HEAD = struct.Struct("!cI")


def framed(letter, data):
    """A message as bytes."""
    return HEAD.pack(letter, len(data)) + data


def run(handle, code, answer, scratch, seconds, memory):
    """Shut the process, define the answer and serve calls; does not return.

    Args:
        handle: file descriptor of the socket to the examiner; every other one is closed.
        code: what defines the answer.
        answer: the expression that is handed to the check.
        scratch: an empty folder.
        seconds, memory: limits: processor seconds, bytes.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, handle), os.closerange(handle + 1, 4096)
    os.chdir(scratch)
    os.environ.clear()
    os.environ.update(HOME=scratch, TMPDIR=scratch, OMP_NUM_THREADS="1", TQDM_DISABLE="1", PATH="/nowhere", MPLBACKEND="agg")
    sys.path[:] = [path for path in sys.path if path in _sandbox.readable() or path.startswith(sys.base_prefix)]
    sys.dont_write_bytecode = True
    sys.stdin = sys.stdout = sys.stderr = open(os.devnull, "r+")  # noqa: SIM115
    line = _Line(handle)
    _sandbox.limit(seconds, memory)
    _sandbox.shut(scratch)
    _sandbox.watch(scratch, handle, HEAD.pack)
    for module in forbidden(code):  # to parse it may take as much as to run it
        line.send(b"F", f"imports {module}".encode())
        os._exit(77)
    own = {"__import__": _guarded(line), "input": _nothing, "display": _unseen}
    space = {"__name__": "__main__", "__builtins__": dict(vars(builtins), **own)}
    _serve(line, space, code, answer)
    os._exit(0)


def forbidden(code):
    """The modules that a code imports and an answer may not."""
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    named = [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    named += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom) and not n.level]
    return sorted({name for name in named if name.split(".")[0] in _sandbox.MODULES})


def _nothing(prompt=""):
    raise EOFError("nobody answers here")


def _unseen(*values, **options):
    """What a notebook's `display` is here, where nobody looks."""


def _guarded(line, usual=builtins.__import__, denied=_sandbox.MODULES, end=os._exit):
    def guarded(name, globals=None, locals=None, fromlist=(), level=0):
        if not level and str(name).split(".")[0] in denied:
            line.send(b"F", f"imports {name}".encode())
            end(77)
        return usual(name, globals, locals, fromlist, level)

    return guarded


def _serve(line, space, code, answer):
    try:
        exec(compile(code, "<answer>", "exec"), space)
        value = eval(compile(answer, "<answer>", "eval"), space)
        line.send(b"S", _plain.encoded([True, None] if callable(value) else [False, value]))
    except BaseException as error:
        return line.send(b"X", _plain.encoded(_told(error)))
    while True:
        letter, data = line.read()
        if letter == b"Q":
            line.send(b"Q", b"")
            continue
        try:
            args, kwargs = Unpickler(io.BytesIO(data), line).load()
            states = [arg.get_state() if isinstance(arg, torch.Generator) else None for arg in args]
            result = value(*args, **kwargs)
            changed = [_now(arg, state) for arg, state in zip(args, states, strict=True)]
            line.send(b"R", _plain.encoded([result, changed]))
        except BaseException as error:
            line.send(b"X", _plain.encoded(_told(error)))


def _now(arg, state):
    """What an argument is after the call, where it can have changed; of a generator, whether it moved."""
    if isinstance(arg, torch.Generator):
        return not torch.equal(arg.get_state(), state)
    return arg if isinstance(arg, (torch.Tensor, np.ndarray, list, dict)) else None


def _told(error):
    """(kind of the error, its words, whether memory was short)."""
    name, words = type(error).__name__, str(error)[:500]
    return [name[:80], words, isinstance(error, MemoryError) or "can't allocate memory" in words]


class _Line:
    """The socket to the examiner."""

    def __init__(self, handle):
        self.handle, self.generators = handle, {}

    def send(self, letter, data):
        data = memoryview(framed(letter, data))
        while data:
            data = data[os.write(self.handle, data) :]

    def read(self):
        letter, size = HEAD.unpack(self._exactly(HEAD.size))
        return letter, self._exactly(size)

    def _exactly(self, size):
        pieces = []
        while size:
            piece = os.read(self.handle, min(size, 2**20))
            if not piece:
                os._exit(0)
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


class Unpickler(pickle.Unpickler):
    """Reads the examiner's arguments: functions stay with it and are called there, generators go on from where they are."""

    def __init__(self, file, line):
        super().__init__(file)
        self.line = line

    def persistent_load(self, pid):
        kind, key, *rest = pid
        if kind == "generator":
            generator = self.line.generators.setdefault(key, torch.Generator())
            if rest[0] is not None:
                generator.set_state(torch.frombuffer(bytearray(rest[0]), dtype=torch.uint8))
            return generator
        line = self.line

        def asked(*args, **kwargs):
            line.send(b"C", _plain.encoded([key, list(args), kwargs]))
            letter, data = line.read()
            result = Unpickler(io.BytesIO(data), line).load()
            if letter == b"E":
                raise ValueError(result)
            return result

        asked.__name__ = asked.__qualname__ = rest[0]
        return asked
