"""Processes of a deployment: how they are started, found again and ended, and who may start them. Linux and macOS."""

import contextlib
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from . import keys

PACKAGE = pathlib.Path(__file__).resolve().parents[2]  # where every process finds fldp_lib
GUARDED = str(pathlib.Path(__file__).with_name("guarded.py"))
INSTALL = 'pip install "flwr[simulation]>=1.42,<1.43"'
MARK = "FLDP_DEPLOYMENT"  # in the environment of every process, so that none is left behind
START = 120.0  # seconds within which a process must be up


class Lock:
    """A folder's lock: one deployment at a time. It goes with its holder, however that ends.

    Args:
        folder: what `prepare` wrote.

    Raises:
        RuntimeError: another process holds it.
    """

    def __init__(self, folder):
        import fcntl

        self.file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self.file, 100).decode("ascii", "replace").strip() or "unknown"
            os.close(self.file)
            raise RuntimeError(
                f"folder {str(folder)!r} is one run, and process {holder} is deploying it; end that one first"
            ) from None
        os.ftruncate(self.file, 0)
        os.write(self.file, str(os.getpid()).encode())

    def release(self):
        os.close(self.file)


class Lines:
    """The lines that a file gets from now on."""

    def __init__(self, path, tell):
        self.path, self.tell = path, tell
        self.place = path.stat().st_size if path.exists() else 0

    def read(self):
        if self.tell is None or not self.path.exists():
            return
        with open(self.path, encoding="utf-8") as file:
            file.seek(self.place)
            for line in iter(file.readline, ""):
                self.tell(line.rstrip("\n"))
            self.place = file.tell()


def need_flower():
    """Raise a RuntimeError that says what to install where Flower is missing."""
    if importlib.util.find_spec("flwr") is None:
        raise RuntimeError(f"this needs Flower, which is not installed: {INSTALL}")


def start(role, folder, arguments, home, log, mark, **others):
    """Start one of `guarded`'s roles; its standard input is a pipe, and it ends when that is closed.

    Args:
        role: "superlink", "supernode" or "superexec".
        folder: the server's or the node's.
        arguments: Flower's, numbers and paths too.
        home: Flower's own folder for this process.
        log: path of the file that its output is added to.
        mark: value of MARK in the environment of the process and its offspring.
        others: more of the environment.

    Returns:
        The `subprocess.Popen`.
    """
    command = [sys.executable, "-P", GUARDED, role, str(folder), *map(str, arguments)]
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        return subprocess.Popen(
            command, cwd=home, env=_environment(home) | others | {MARK: mark}, stdin=subprocess.PIPE, stdout=output,
            stderr=subprocess.STDOUT, umask=0o077,
        )  # fmt: skip


def end(processes, mark, how):
    """End processes and all that came of them: SuperExec and the apps outlive a SuperLink or SuperNode that is killed."""
    if how == signal.SIGTERM:
        for process in processes:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
    while found := offspring(mark):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in processes:
            process.poll()
        time.sleep(0.05)
    for process in processes:
        process.wait(5)
        process.stdin.close()


def offspring(mark):
    """Numbers of the running processes that carry this mark, children of children too."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def until(ready, what, process, log):
    """Wait until something is ready; raise a RuntimeError with the log's end if its process ends, or does not get there."""
    limit = time.monotonic() + START
    while True:
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"{what} has not started; {tail(log)}")
        if ready():
            return
        time.sleep(0.1)


def alive(path):
    """Whether the process whose number is in the file runs; one that has ended and waits to be asked how does not."""
    import psutil

    try:
        return psutil.Process(int(path.read_text(encoding="utf-8"))).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except ValueError:  # being written
        return True


def tail(log):
    """Return the end of a log, as part of a sentence."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return f"the end of {log.name}:\n{text[-2000:]}"


def free_port(host=keys.HOST):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def listens(port, host=keys.HOST):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def private(path, empty=False):
    """Make a folder that only its owner can enter, whatever the umask; `empty` one of what an earlier process left."""
    if empty:
        shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def _environment(home):
    """What the processes inherit: no telemetry, no look-up of newer versions, one thread, UTF-8, the package's place."""
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
    packages = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH", "")]))
    return os.environ | {
        "PATH": path,
        "PYTHONPATH": packages,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": str(home / "tmp"),
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
    }
