"""What holds an answer's process: the operating system's limits, Linux's own sandbox where there is one, and an audit hook.

Three fences, each for what the others let through. The limits (processor time, memory, size of files, open files) are the
operating system's, on Linux and macOS. On Linux, Landlock shuts the file system but for Python's own folders to read and the
scratch folder, and a seccomp filter refuses new processes, programs, sockets and other processes' memory; both hold for
native code, too, and need no privilege. The audit hook does the same inside Python, everywhere, and ends the process at the
first attempt with its reason sent: an answer cannot catch that.

What they do not stop: reading what Python's and the package's own folders hold, the exercises' checks among them; where
there is neither Landlock nor seccomp, native code that is reached without ctypes; a fault of the kernel's. For a class of
which somebody might attack the machine, grade in a container or a virtual machine that is thrown away.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys
import sysconfig

MODULES = frozenset((
    "ctypes", "_ctypes", "cffi", "socket", "_socket", "ssl", "subprocess", "_posixsubprocess", "multiprocessing",
    "_multiprocessing", "signal", "gc", "pty", "resource", "mmap", "faulthandler", "inspect", "sqlite3", "_sqlite3",
    "dbm", "readline", "pickle", "_pickle", "marshal", "shelve", "code", "pdb", "webbrowser", "urllib", "http", "ftplib",
    "smtplib", "asyncio", "cloudpickle", "dill",
))  # fmt: skip
ENDED = ("socket.", "subprocess.", "ctypes.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.kill", "signal.",
         "gc.", "os.startfile", "os.chdir", "os.fchdir", "os.chroot", "pty.", "syslog.", "webbrowser.", "ftplib.", "http.",
         "urllib.", "sqlite3.", "resource.", "mmap.", "fcntl.", "code.__new__", "os.setxattr", "os.removexattr")  # fmt: skip
CHANGES = frozenset((
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "os.lockf", "os.chflags", "shutil.rmtree", "shutil.move", "shutil.copyfile", "shutil.copytree",
    "shutil.copymode", "shutil.copystat", "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.chown", "shutil.make_archive",
    "shutil.unpack_archive",
))  # fmt: skip
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
    """Shut Landlock's and seccomp's fences around this process where the kernel has them; return which are shut."""
    import resource

    if sys.platform != "linux":
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # no new process, and no thread either
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG: killed with the examiner
    if libc.prctl(38, 1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS
        return ()
    shut = []
    if _landlock(libc, scratch):
        shut.append("landlock")
    if _seccomp(libc):
        shut.append("seccomp")
    else:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return tuple(shut)


def _landlock(libc, scratch):
    abi = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    files = (1 << (13 + (abi >= 2) + (abi >= 3))) - 1
    handled = struct.pack("QQQ", files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)  # files, TCP, signals and sockets
    handled = handled[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    rules = libc.syscall(444, handled, ctypes.c_size_t(len(handled)), 0)
    if rules < 0:
        return False
    read = 4 | 8  # read a file, list a folder
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")  # what an extension module is linked with
    for path, rights in [(p, read) for p in (*readable(), *HARMLESS, *system)] + [
        (scratch, files & ~1),
        ("/dev/null", 2 | 4),
    ]:
        with contextlib.suppress(OSError):
            handle = os.open(path, getattr(os, "O_PATH", os.O_RDONLY))
            rights &= files if os.path.isdir(path) else 1 | 2 | 4
            libc.syscall(445, rules, 1, struct.pack("=Qi", rights, handle), 0)
            os.close(handle)
    done = libc.syscall(446, rules, 0) == 0
    os.close(rules)
    return done


def _seccomp(libc):
    """Refuse system calls by number: a filter in the kernel's own small language (BPF), for two kinds of processors."""
    if platform.machine() == "x86_64":
        arch, clone, absent, refused = 0xC000003E, 56, 435, (57, 58, 59, 322, 41, 53, 62, 101, 310, 311, 425, 321, 298, 323)
    elif platform.machine() == "aarch64":
        arch, clone, absent, refused = 0xC00000B7, 220, 435, (221, 281, 198, 199, 129, 117, 270, 271, 425, 280, 241, 282)
    else:
        return False
    code, deny = [], 0x00050000  # SECCOMP_RET_ERRNO
    code.append((0x20, 0, 0, 4))  # the processor's kind
    code.append((0x15, 1, 0, arch))
    code.append((0x06, 0, 0, 0x80000000))  # another one: end the process
    code.append((0x20, 0, 0, 0))  # the call's number
    if platform.machine() == "x86_64":
        code += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, deny | 38)]  # the x32 calls
    for number, answer in [(absent, 38), *((number, 1) for number in refused)]:
        code += [(0x15, 0, 1, number), (0x06, 0, 0, deny | answer)]
    code += [(0x15, 0, 3, clone), (0x20, 0, 0, 16), (0x45, 1, 0, 0x10000), (0x06, 0, 0, deny | 1)]  # a thread may begin
    code.append((0x06, 0, 0, 0x7FFF0000))
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(packed))
    return libc.prctl(22, 2, program, 0, 0) == 0


def watch(scratch, handle, frame):
    """Add the audit hook: from now on a refused act sends its reason and ends the process.

    Args:
        scratch: the one folder that may be written to.
        handle: file descriptor of the socket to the examiner.
        frame: maps a reason to the bytes to send.

    The hook refers to nothing that the answer could reach and replace: all it uses is bound here, paths are compared as
    text, and a path that is neither text nor a number is refused.
    """
    inside = (scratch + "/",)
    roots = tuple(folder + "/" for folder in (*readable(), *HARMLESS)) + inside
    whole = frozenset(folder[:-1] for folder in roots)
    ended, changes, lists = ENDED, CHANGES, LISTS
    send, end, kind, text, raw, number = os.write, os._exit, type, str, bytes, int
    nothing, writing = kind(None), os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def refuse(reason):
        try:
            send(handle, frame(reason))
        finally:
            end(77)

    def look(path, roots):
        """Whether a path, as text, lies in one of the folders."""
        if kind(path) is raw:
            path = path.decode("utf-8", "surrogateescape")
        if kind(path) is number or kind(path) is nothing:
            return True
        if kind(path) is not text or ".." in path.split("/"):
            return False
        if not path.startswith("/"):
            path = inside[0] + path
        path = path.replace("//", "/").rstrip("/").replace("/./", "/")
        return path in whole or path.startswith(roots) if roots is not inside else path.startswith(inside) or path == scratch

    def hook(event, args):
        if event == "open":
            path, mode, flags = args
            write = (kind(mode) is text and not {*mode} <= {*"rbtU"}) or (kind(flags) is number and flags & writing != 0)
            if kind(path) is text and path == "/dev/null":
                return
            if not look(path, inside if write else roots):
                refuse(f"{'writes' if write else 'reads'} {text(path)[:120] if kind(path) in (text, raw) else 'a file'}")
        elif event in changes:
            for path in args[:2] if event in ("os.rename", "os.link", "os.symlink") or event[:6] == "shutil" else args[:1]:
                if not look(path, inside):
                    refuse(f"{event} outside of its folder")
            if event == "os.symlink":
                refuse(event)
        elif event in lists:
            if args and kind(args[0]) in (text, raw) and not look(args[0], roots):
                refuse(f"lists {text(args[0])[:120]}")
        elif event == "os.system" or event.startswith(ended):
            refuse(event)

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
