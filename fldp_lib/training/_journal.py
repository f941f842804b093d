"""A checkpoint's two files: a head that is replaced whole, and the rounds' journal, which only grows.

`path` is the head: the state (parameters, streams, counts), the newest entry, and the length and chained digest of the
journal up to there. `path.rounds` is the journal: one frame an entry, each with a SHA-256 over its content and the frame
before. A commit replaces the head, and then appends the head's entry to the journal; so what is in the head has happened,
and nothing else has. A crash between the two leaves a journal that lacks the newest frame, or has a torn one: the head has
it. Any other difference is refused: a shorter journal, a longer one (the head is an older one), one of the two alone.

A round costs what it adds, however many were before it. Nothing in either file is run when it is read: JSON, and the bytes
of tensors.
"""

import hashlib
import json
import math
import os

import numpy as np
import torch

from . import _lock

MAGIC = b"fldp_lib checkpoint, format 2\n"
BAD = (ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError, OverflowError)  # what garbage can raise


class Journal:
    """The two files of one run, locked from here to `close`.

    Args:
        path: of the head, from `_lock.place`; its folder is made, for its owner alone, if it does not exist.

    Raises:
        ValueError: the place cannot be used, or another run holds it.
    """

    def __init__(self, path):
        self.path, self.rounds = path, beside(path, "rounds")
        _lock.make_folder(path)
        self.lock, self.file = _lock.Lock(beside(path, "lock"), str(path)), None

    def load(self):
        """Return (state, entries) as they were committed last, or None where nothing was; a torn end is mended."""
        head = read_head(self.path)
        descriptor = _lock.opened(self.rounds, os.O_RDWR | (os.O_CREAT if head is None else 0))
        if descriptor is None:
            raise ValueError(f"checkpoint must be whole: {str(self.path)!r} is there and {str(self.rounds)!r} is not")
        self.file = open(descriptor, "r+b", buffering=0)  # noqa: SIM115  (it stays open)
        if head is None:
            if self.file.seek(0, os.SEEK_END):
                raise ValueError(f"checkpoint must be whole: {str(self.rounds)!r} is there and {str(self.path)!r} is not")
            self.length, self.digest, self.newest = 0, b"", None
            return None
        self.length, self.digest = head["length"], bytes.fromhex(head["digest"])
        entries = self._entries(head["entry"])
        self.newest = frame(head["entry"], self.digest)
        self._append()
        return head["state"], [*entries, head["entry"]]

    def commit(self, entry, state):
        """Write an entry and the state after it: both are there when this returns, or neither if it did not get so far.

        Args:
            entry, state: of dicts, lists, strings, numbers, tensors and arrays.

        Raises:
            OSError: no space, or the like: what was committed before is still there.
            RuntimeError: this process does not hold the lock: it was forked from the one that does.
        """
        if not self.lock.held or self.file is None:
            raise RuntimeError(
                f"checkpoint {str(self.path)!r} is not held by process {os.getpid()}: it was forked, or closed it"
            )
        os.fsync(self.file.fileno())  # the head vouches for what is in the journal
        head = {"length": self.length, "digest": self.digest.hex(), "entry": entry, "state": state}
        replace(self.path, head)
        self.newest = frame(entry, self.digest)
        self._append()

    def close(self):
        """Give the lock back."""
        if self.file is not None and self.lock.held:
            self.file.close()
        self.lock.close()

    def _append(self):
        """Put the newest frame where it belongs, over whatever a crash left there."""
        self.file.seek(self.length)
        for part in self.newest:
            _all(self.file, part)
        self.length, self.digest = self.file.tell(), self.newest[-1]
        self.file.truncate()

    def _entries(self, newest):
        """The journal's entries before the newest, checked."""
        name, self.file_end = str(self.rounds), self.file.seek(0, os.SEEK_END)
        longest = self.length + sum(map(len, frame(newest, b"")))
        if not self.length <= self.file_end <= longest:
            how = "shorter" if self.file_end < self.length else "longer"
            raise ValueError(f"checkpoint must be whole, and {name!r} is {how} than {str(self.path)!r} says: it was cut, or "
                             "one of the two is older than the other")  # fmt: skip
        self.file.seek(0)
        entries, digest, at = [], b"", 0
        while at < self.length:
            size = int.from_bytes(self.file.read(8), "little")
            body = self.file.read(size) if size <= self.length - at - 40 else b""
            digest, told = _chained(digest, size, [body]), self.file.read(32)
            if digest != told:
                raise ValueError(f"checkpoint must be as train wrote it, and {name!r} was changed or damaged at byte {at}")
            entries.append(_understood(body, self.rounds))
            at += size + 40
        if at != self.length or digest != self.digest:
            raise ValueError(f"checkpoint must be whole, and {name!r} does not belong to {str(self.path)!r}")
        return entries


def beside(path, what):
    """Return the path of a checkpoint's other file."""
    return path.with_name(f"{path.name}.{what}")


def read_head(path):
    """Return what the head at a path holds, or None where there is none; refuse what `replace` did not write."""
    descriptor = _lock.opened(path, os.O_RDONLY)
    if descriptor is None:
        return None
    with open(descriptor, "rb") as file:
        content = file.read()
    body = content[len(MAGIC) + 32 :]
    if not content.startswith(MAGIC):
        raise ValueError(f"checkpoint must be a file that train wrote in this version, and {str(path)!r} is not")
    if hashlib.sha256(MAGIC + body).digest() != content[len(MAGIC) :][:32]:
        raise ValueError(f"checkpoint must be as train wrote it, and {str(path)!r} was changed, cut or damaged")
    head = _understood(body, path)
    known = isinstance(head, dict) and {name: type(value) for name, value in head.items()}
    if known != {"length": int, "digest": str, "entry": dict, "state": dict}:
        raise ValueError(f"checkpoint must be a file that train wrote, and {str(path)!r} is not")
    return head


def replace(path, head):
    """Write to a second file, only its owner's to read, and put it in the first one's place."""
    parts, total = pack(head), hashlib.sha256(MAGIC)
    for part in parts:
        total.update(part)
    aside = beside(path, "part")
    if os.path.islink(aside) or os.path.isfile(aside):  # a crash left it
        aside.unlink()
    with open(_lock.opened(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb", buffering=0) as file:
        for part in (MAGIC, total.digest(), *parts):
            _all(file, part)
        os.fsync(file.fileno())
    os.replace(aside, path)
    if os.name == "posix":  # the name, too, must survive
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def copy(path, target):
    """Copy the two files as they were at the last commit; return the target. Nothing is locked, and a run may go on."""
    head = read_head(path)
    if head is None:
        raise ValueError(f"checkpoint must be there, to be copied, and {str(path)!r} is not")
    with open(_lock.opened(beside(path, "rounds"), os.O_RDONLY), "rb") as file:
        before = file.read(head["length"])  # what the head vouches for never changes
    with open(_lock.opened(beside(target, "rounds"), os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(before)
    replace(target, head)
    return target


def frame(entry, digest):
    """Return an entry's frame: its length in 8 bytes, its parts, and their SHA-256 chained to the digest before."""
    parts = pack(entry)
    size = sum(map(len, parts))
    return [size.to_bytes(8, "little"), *parts, _chained(digest, size, parts)]


def pack(value):
    """Return a value as parts of bytes: the length of a JSON text in 8 bytes, the text, and the tensors' bytes."""
    parts = []

    def plain(value):
        if isinstance(value, (torch.Tensor, np.ndarray)):
            tensor = torch.as_tensor(value).detach().cpu().contiguous()
            parts.append(memoryview(tensor.reshape(-1).view(torch.uint8).numpy()))
            kind = "tensor" if isinstance(value, torch.Tensor) else "array"
            return {kind: str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
        if isinstance(value, dict):
            return {"items": {str(name): plain(each) for name, each in value.items()}}
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        return value.item() if isinstance(value, np.generic) else value

    text = json.dumps(plain(value)).encode()
    return [len(text).to_bytes(8, "little"), text, *parts]


def unpack(content):
    """Return the value that `pack` made parts of; any of `BAD` is raised for anything else."""
    start = 8 + int.from_bytes(content[:8], "little")

    def value(told):
        nonlocal start
        if isinstance(told, list):
            return [value(each) for each in told]
        if not isinstance(told, dict):
            return told
        if "items" in told:
            return {name: value(each) for name, each in told["items"].items()}
        kind, shape = getattr(torch, told.get("tensor") or told["array"]), told["shape"]
        size = math.prod(shape) * kind.itemsize
        if not isinstance(kind, torch.dtype) or min(shape, default=0) < 0 or size > len(content) - start:
            raise ValueError("no such tensor")
        raw = bytearray(content[start : start + size])
        tensor = (torch.frombuffer(raw, dtype=kind) if size else torch.empty(0, dtype=kind)).reshape(shape)
        start += size
        return tensor if "tensor" in told else tensor.numpy()

    found = value(json.loads(content[8:start]))
    if start != len(content):
        raise ValueError("left over")
    return found


def _understood(body, path):
    try:
        return unpack(body)
    except BAD as error:
        raise ValueError(f"checkpoint must be a file that train wrote, and {str(path)!r} is not") from error


def _chained(digest, size, parts):
    total = hashlib.sha256(digest + size.to_bytes(8, "little"))
    for part in parts:
        total.update(part)
    return total.digest()


def _all(file, part):
    """Write a part whole: an unbuffered file may take less at a time."""
    part = memoryview(part)
    while len(part):
        part = part[file.write(part) :]
