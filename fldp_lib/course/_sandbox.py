"""What holds an answer's process: the operating system's limits, Linux's own sandbox where there is one, and an audit hook.

Three fences, each for what the others let through. The limits (processor time, memory, size of files, open files) are the
operating system's, on Linux and macOS. On Linux, `_kernel` shuts the file system but for Python's own folders to read and
the scratch folder, and refuses new processes, programs, sockets, signals, and other processes' memory and priorities; that
holds for native code, too, and is the wall. The audit hook sees the same inside Python, everywhere: it ends the process at
the first attempt and says the reason. What is left in the scratch folder is counted ten times a second; too much ends it.

What they do not stop: reading what Python's and the package's own folders hold, the exercises' checks among them; asking
which files there are, how large and how old; filling the examiner's own memory up to `_examiner.MEMORY`; a fault of the
kernel's.
Without Landlock and seccomp (macOS, an old kernel) the hook stands alone against files, programs and sockets, and it is no
wall: native code that is reached without ctypes passes it, and so does, from Python 3.13 on, who catches it at work in a
frame (by a signal's handler, say). For a class of which somebody might attack the machine, grade on Linux, not as root, and
in a container or a virtual machine that is thrown away.
"""

import contextlib
import ctypes
import itertools
import os
import shutil
import subprocess
import sys
import sysconfig
import types

from . import _kernel

MODULES = frozenset((
    "ctypes", "_ctypes", "cffi", "socket", "_socket", "ssl", "subprocess", "_posixsubprocess", "multiprocessing",
    "_multiprocessing", "signal", "gc", "pty", "resource", "mmap", "faulthandler", "inspect", "sqlite3", "_sqlite3",
    "dbm", "readline", "pickle", "_pickle", "marshal", "shelve", "code", "pdb", "webbrowser", "urllib", "http", "ftplib",
    "smtplib", "asyncio", "cloudpickle", "dill",
))  # fmt: skip
ENDED = ("socket.", "subprocess.", "ctypes.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.kill", "signal.",
         "gc.", "os.startfile", "os.chdir", "os.fchdir", "os.chroot", "pty.", "syslog.", "webbrowser.", "ftplib.", "http.",
         "urllib.", "sqlite3.", "resource.", "mmap.", "fcntl.", "code.__new__", "os.setxattr", "os.removexattr",
         "sys._current_frames", "sys._current_exceptions")  # fmt: skip
CHANGES = frozenset((
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "os.lockf", "os.chflags", "shutil.rmtree", "shutil.move", "shutil.copyfile", "shutil.copytree",
    "shutil.copymode", "shutil.copystat", "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.chown", "shutil.make_archive",
    "shutil.unpack_archive",
))  # fmt: skip
TWO = frozenset(("os.rename", "os.link", "os.symlink"))  # changes that name two paths
LISTS = frozenset(("os.listdir", "os.scandir", "os.walk", "glob.glob", "pathlib.Path.glob", "pathlib.Path.rglob"))
HARMLESS = ("/dev/null", "/dev/urandom", "/proc/meminfo", "/proc/cpuinfo", "/etc/localtime", "/usr/share/zoneinfo",
            "/sys/devices/system/cpu", "/proc/self/maps")  # fmt: skip


def readable():
    """The folders that an answer may read: Python's own, the installed packages, and this one."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    dynamic = os.path.join(sys.base_prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    folders = {*(sysconfig.get_path(name) for name in names), here, dynamic}
    return sorted({name for folder in folders for name in (folder, os.path.realpath(folder))})


def beyond(memory):
    """So many bytes of address space beyond what this process has: torch's CUDA build alone takes several GiB of it."""
    with contextlib.suppress(OSError), open("/proc/self/statm") as pages:
        memory += int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return memory


def limit(seconds, memory):
    """Limit this process: processor seconds, bytes of memory beyond what it has, files, and no core dump."""
    import resource

    limits = {"CPU": seconds + 1, "AS": beyond(memory), "FSIZE": 16 * 2**20, "NOFILE": 64, "CORE": 0}
    for name, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # what a system does not know
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def shut(scratch):
    """Shut the kernel's fences around this process where it has them; return which are shut."""
    import resource

    held = ()
    if sys.platform == "linux":
        system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")  # what an extension module is linked with
        held = _kernel.shut(scratch, (*readable(), *HARMLESS, *system))
    if "seccomp" not in held:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # no new process, and no thread either
    return held


def taken(folder):
    """Bytes that a folder takes, 4096 for each entry among them; no more than 16,384 entries are looked at."""
    size, count, folders = 0, 0, [folder]
    while folders and count < 2**14:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in itertools.islice(entries, 2**14 - count):
                count += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not entry.is_symlink():
                    with contextlib.suppress(OSError):
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
    return size + 4096 * count


def removed(folder):
    """Remove a folder with what an answer left in it, nested too deeply for Python or closed to whoever lists it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, folder], stderr=subprocess.DEVNULL, check=False)


def watch(scratch, handle, pack):
    """Add the audit hook: from now on a refused act sends its reason and ends the process.

    Args:
        scratch: the one folder that may be written to.
        handle: file descriptor of the socket to the examiner.
        pack: maps a letter and a length to the head of a message.

    The hook is one function which calls none of Python's, and all it uses is bound as its own default: who sees its frame,
    in the traceback of an event that he made up, gets at nothing that he could replace. Paths are compared as text; one that
    is neither text nor an open file's number is refused, and so is a number where a file would be changed.
    """
    inside = (scratch + "/",)
    roots = tuple(folder + "/" for folder in (*readable(), *HARMLESS)) + inside
    whole = frozenset(folder[:-1] for folder in roots)

    def hook(
        event, args, inside=inside, roots=roots, whole=whole, ended=ENDED, changes=CHANGES, lists=LISTS, two=TWO,
        send=os.write, end=os._exit, stat=os.stat, handle=handle, pack=pack, kind=type, text=str, raw=bytes, number=int,
        count=len, nothing=types.NoneType, failure=Exception, error=OSError, short=(MemoryError, RecursionError),
        letters=frozenset("rbtU"), writing=os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND,
    ):  # fmt: skip
        reason, paths, allowed, write = None, (), roots, False
        try:
            if event == "open":
                path, mode, flags = args
                write = (kind(mode) is text and not {*mode} <= letters) or (kind(flags) is number and flags & writing != 0)
                if not (kind(path) is text and path == "/dev/null"):
                    paths, allowed = (path,), inside if write else roots
            elif event in changes:
                paths, allowed = args[:2] if event in two or event[:6] == "shutil" else args[:1], inside
                if event == "os.symlink":
                    reason = event
            elif event in lists:
                paths = args[:1] if kind(args[0]) is text or kind(args[0]) is raw else ()
            elif event == "os.system" or event.startswith(ended):
                reason = event
            for path in paths:
                if kind(path) is raw:
                    path = path.decode("utf-8", "surrogateescape")
                if kind(path) is nothing or (kind(path) is number and (event not in changes or event == "os.truncate")):
                    continue
                held = kind(path) is text and ".." not in path.split("/")
                if held:
                    asked = path if path.startswith("/") else inside[0] + path
                    asked = asked.replace("//", "/").rstrip("/").replace("/./", "/")
                    own = asked.startswith(inside) or asked + "/" == inside[0]
                    held = own or (allowed is roots and (asked in whole or asked.startswith(roots)))
                    if held and event == "open" and kind(mode) is nothing and not own:
                        try:  # noqa: SIM105 - a folder's number would lead past this hook
                            held = stat(asked).st_mode & 0o170000 != 0o040000
                        except error:
                            pass
                if not held and event == "open":
                    reason = f"{'writes' if write else 'reads'} {path[:120] if kind(path) is text else 'a file'}"
                elif not held:
                    reason = f"lists {path[:120]}" if event in lists else f"{event} outside of its folder"
        except short:  # refused, too: what a hook raises is raised in the place of the act
            raise
        except failure:
            reason = "makes up an audit event"
        if reason is not None:
            try:
                reason = reason.encode("utf-8", "replace")
                send(handle, pack(b"F", count(reason)) + reason)
            finally:
                end(77)

    # what no event tells of: pointers into memory, and the call beneath `subprocess`
    for name in (
        "memmove",
        "memset",
        "string_at",
        "wstring_at",
        "cast",
        "pythonapi",
        "CDLL",
        "PyDLL",
        "CFUNCTYPE",
        "_string_at",
    ):
        ctypes.__dict__.pop(name, None)
    for name in ("_posixsubprocess", "subprocess", "multiprocessing.util"):
        module = sys.modules.get(name)
        for word in ("fork_exec", "_fork_exec", "_posixsubprocess"):
            if module is not None and hasattr(module, word):
                setattr(module, word, None)
    sys.addaudithook(hook)
