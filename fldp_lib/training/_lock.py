"""One run, one holder: private files that no symlink stands for, and a lock that lives as long as its process."""

import errno
import os
import pathlib
import platform
import stat
import time
import weakref

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

_HELD = weakref.WeakSet()
FAR = 2**30  # the byte that Windows locks: what lies before it can be read by who is refused


def place(path):
    """Return the absolute path of a checkpoint, with ~ expanded.

    Raises:
        TypeError, ValueError: it is no path, or none of a file.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"checkpoint must be a path, or None; got {path!r:.80} ({type(path).__name__})")
    try:
        found = pathlib.Path(path).expanduser().absolute()
        os.fsencode(found)
    except (TypeError, RuntimeError, ValueError) as error:
        raise ValueError(f"checkpoint must be a path, or None; got {path!r:.80}: {error}") from error
    if not str(path) or not found.name or "\0" in str(found):
        raise ValueError(f"checkpoint must be the path of a file, got {path!r:.80}")
    return found


def make_folder(path):
    """Make the folder of a file, and those above it, for their owner alone, where there is none."""
    try:
        for folder in reversed([each for each in path.parents if not each.exists()]):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ValueError(f"checkpoint must be in a folder that can be made, and {str(path)!r} is not: {error}") from error


def opened(path, flags):
    """Open a file that is the owner's alone; return its descriptor, or None where there is none and none is made.

    Args:
        path: a `pathlib.Path`.
        flags: of `os.open`.

    Raises:
        ValueError: a symlink, a directory or anything else that is no plain file, or a place that cannot be used.
    """
    if os.path.islink(path):
        raise ValueError(f"checkpoint must be a plain file, and {str(path)!r} is a symlink, which is not followed")
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        if flags & os.O_CREAT:
            raise ValueError(f"checkpoint must be in a folder that exists, and {str(path)!r} is not") from None
        return None
    except OSError as error:
        raise ValueError(f"checkpoint must be a file that can be written, and {str(path)!r} is not: {error}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"checkpoint must be a plain file, and {str(path)!r} is none")
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)  # whatever the umask, and whoever made it
    except OSError as error:
        os.close(descriptor)
        raise ValueError(f"checkpoint must be a file of one's own, and {str(path)!r} is not: {error}") from error
    except ValueError:
        os.close(descriptor)
        raise
    return descriptor


class Lock:
    """An exclusive lock on a file, until it is closed or its process ends, however it ends.

    A child that is forked has no part in it: the lock neither outlives the parent in the child, nor does the child hold it.

    Args:
        path: of the lock's own file, a `pathlib.Path`; it names the holder and goes when the lock is closed.
        what: of what the lock is, for the message.

    Raises:
        ValueError: another run holds it, in another process or in this one.
    """

    def __init__(self, path, what):
        self.path = path
        while True:
            self.file = open(opened(path, os.O_RDWR | os.O_CREAT), "r+b", buffering=0)  # noqa: SIM115  (it stays open)
            try:
                _take(self.file)
            except OSError as error:
                holder = self._holder()
                self.file.close()
                if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                    raise ValueError(
                        f"checkpoint must be where files can be locked, and {what!r} is not: {error}"
                    ) from error
                raise ValueError(f"checkpoint must be of one run at a time, and {what!r} is held by {holder}") from None
            if self._still_there():
                break
            self.file.close()  # its last holder took it away between our opening and our locking
        self.file.truncate()
        since = time.strftime("%Y-%m-%d %H:%M:%S %Z")
        self.file.write(f"process {os.getpid()} on {platform.node() or 'this host'} since {since}\n".encode())
        _HELD.add(self)

    @property
    def held(self):
        """Whether this process holds the lock; not so in a forked child."""
        return not self.file.closed

    def close(self):
        """Give the lock back."""
        if not self.file.closed:
            if fcntl is not None and self._still_there():  # Windows does not remove what is open
                os.unlink(self.path)
            self.file.close()

    def _still_there(self):
        try:
            return fcntl is None or os.path.samestat(os.fstat(self.file.fileno()), os.lstat(self.path))
        except FileNotFoundError:
            return False

    def _holder(self):
        try:
            told = self.file.read(300).decode(errors="replace").strip()
        except OSError:
            told = ""
        return told if told.startswith("process ") else "a process that has just begun"


def _take(file):
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of this opening, so that two threads exclude each other, too
        return
    file.seek(FAR)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    finally:
        file.seek(0)


def _leave():
    for lock in list(_HELD):
        lock.file.close()  # the child's copy of the descriptor; the parent's keeps the lock


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)
