"""What a learner keeps of a seat in a classroom, so that a kernel which died is followed by one that sits there again.

A seat's folder lies in the user's own state folder, under the fingerprint of the room's certificate, which is the first part
of its class code. It holds the node's private key, by which alone the server knows who comes back, beside what a node has on
disk anyway: the plan, the records and the count of its answers. A kernel that sits there holds a lock, which goes with it,
however it ends. Only its owner can enter the folder; who shares an account shares its seats.
"""

import contextlib
import errno
import json
import os
import pathlib
import secrets
import shutil
import time

from . import keys, processes

DAYS = 2  # after which a seat that nobody sits in is swept away, as long as a room's certificate holds
FILE, LOCK = "seat.json", "lock"


def home():
    """Return the folder of all kept seats: below XDG_STATE_HOME or ~/.local/state, on Windows below LOCALAPPDATA."""
    if os.name == "nt":
        return pathlib.Path(os.environ.get("LOCALAPPDATA") or pathlib.Path.home() / "AppData" / "Local") / "fldp" / "seats"
    state = pathlib.Path(os.environ.get("XDG_STATE_HOME") or "")
    return (state if state.is_absolute() else pathlib.Path.home() / ".local" / "state") / "fldp" / "seats"


class Kept:
    """A seat's folder, held by this process until `release`.

    Attributes:
        folder: its path; only its owner can enter it.
        said: what `write` wrote last, {} of a new one.
    """

    def __init__(self, folder):
        self.folder, self.said = folder, {}
        self._file = _locked(folder / LOCK)
        if self._file is None:
            raise BlockingIOError(f"{folder} is held by another kernel")
        self.said = _said(folder)

    def write(self, **said):
        """Write down what there is to know of the seat; from now on a later kernel can take it up."""
        self.said = {**said, "process": os.getpid()}
        part = self.folder / f"{FILE}.part"
        keys.secret(part, json.dumps(self.said).encode())
        os.replace(part, self.folder / FILE)

    def release(self, forget):
        """Let go of the folder; with `forget`, delete it and the key in it: nobody sits there again."""
        if forget and self._file is None and self.folder.exists():  # another kernel may have taken the seat up since
            self._file = _locked(self.folder / LOCK)
        if forget and self._file is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._file is not None:
            self._file.close()
            self._file = None


def take(room, name):
    """Return a `Kept`: the seat of this user in a room that no kernel sits in, else a new folder, without content.

    Seats that are too old are swept away.

    Args:
        room: its certificate's fingerprint.
        name: the learner's, None for whichever seat there is.

    Raises:
        ValueError: a kernel that runs sits there by that name, or this one and there is no name; several seats are kept, or
            one under another name.
        OSError: the state folder cannot be written to.
    """
    for folder in (home().parent, home(), home() / room):
        processes.private(folder)
    with _locked(home() / LOCK, wait=True):
        return _find(room, name) or Kept(processes.private(home() / room / secrets.token_hex(4)))


def _find(room, name):
    free = []
    for folder in sorted(path for path in home().glob("*/*") if path.is_dir()):
        here, seat = folder.parent.name == room, _said(folder)
        try:
            kept = Kept(folder)
        except BlockingIOError:
            mine = seat.get("process") == os.getpid()
            if here and seat and (mine if name is None else name in seat["names"]):
                _let_go(free)
                where = "this notebook" if mine else f"the kernel of process {seat['process']}"
                raise ValueError(
                    f"name must be of a learner who has no seat: {seat['names'][0]!r} sits in this room, from {where}; "
                    "seat.leave() there gives the seat up"
                ) from None
            continue
        if not kept.said or time.time() - (folder / FILE).stat().st_mtime > DAYS * 86_400:
            kept.release(True)
        elif here:
            free.append(kept)
        else:
            kept.release(False)
    fits = [kept for kept in free if name is None or name in kept.said["names"]]
    _let_go([kept for kept in free if kept not in fits or len(fits) > 1])
    if free and len(fits) != 1:
        names = " or ".join(sorted(repr(kept.said["names"][0]) for kept in free))
        raise ValueError(
            f"name must be {names}, got {name!r}: this user keeps a seat by that name in this room, where no kernel sits; "
            "`join` with that name takes it up again, and .leave() on what it returns gives it up"
        )
    return fits[0] if fits else None


def _let_go(several):
    for kept in several:
        kept.release(False)


def _said(folder):
    with contextlib.suppress(FileNotFoundError):
        return json.loads((folder / FILE).read_text(encoding="utf-8"))
    return {}


def _locked(path, wait=False):
    """Open a file and lock it; return it, None where somebody else has the lock and one does not `wait`."""
    how = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    file = open(os.open(path, how, 0o600), "rb+")  # noqa: SIM115
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if wait or error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise
        return None
    return file
