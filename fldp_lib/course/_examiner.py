"""The process that examines one answer: it holds the check, calls the answer in another process, and says what came of it.

A nursery is a process that has imported the package and nothing of any learner's. For each answer it forks an examiner, and
that one forks the answer's process before it reads the check. The verdict goes through a pipe which the answer's process
does not have.
"""

import contextlib
import importlib
import importlib.util
import io
import json
import os
import select
import signal
import socket
import struct
import tempfile
import time

import torch

from . import _sandbox, _worker
from ._remote import Remote, Stopped
from .answers import NotTried, Wrong
from .teacher import exercise

READY = (
    *("fldp_lib.adversary", "fldp_lib.analytics", "fldp_lib.vertical", "fldp_lib.privacy.attacker"),
    *("scipy.special", "scipy.stats", "scipy.optimize", "scipy.linalg", "sklearn.datasets", "dp_accounting"),
    *(["matplotlib.pyplot"] if importlib.util.find_spec("matplotlib") else ()),  # else each looks for the system's fonts
)
WORDS = 400  # letters of a message at most
MEMORY = 3 * 2**30  # bytes that a check may take beyond what Python and the package take, beside its answer
DISK = 64 * 2**20  # bytes that an answer may leave in its folder, 4096 for each file among them
TICK = 0.1  # seconds between two looks at it
SIZE = struct.Struct("!I")


def nursery():
    """Serve requests from standard input until it closes: each a length and JSON, and so are the verdicts."""
    home = tempfile.mkdtemp(prefix="nursery-")
    torch.set_num_threads(1)
    for name in READY:  # what is imported here need not be imported by every answer
        importlib.import_module(name)
    out = os.dup(1)
    os.dup2(2, 1)
    while True:
        select.select([0], [], [])
        told, tell = os.pipe()
        child = os.fork()
        if not child:
            os.close(told)
            try:
                _examine(tell, home)
            finally:  # whatever happens in there, it is not this process
                os._exit(1)
        os.close(tell)
        verdict = _awaited(told, child, home)
        os.close(told)
        if verdict is None:
            return _sandbox.removed(home)
        for name in os.listdir(home):
            _sandbox.removed(os.path.join(home, name))
        data = json.dumps(verdict).encode()
        os.write(out, SIZE.pack(len(data)) + data)


def _awaited(told, child, home):
    """What an examiner says; past its time, or if it ends without a word, what is known then. None: no request was left."""
    data, until, worker, full = b"", time.monotonic() + 30, None, False
    while True:
        if not select.select([told], [], [], TICK)[0]:
            if time.monotonic() > until:
                break
            if worker and not full and _sandbox.taken(home) > DISK:
                full = True
                _end(worker)
            continue
        piece = os.read(told, 2**16)
        data += piece
        first = data.split(b"\n")[0]
        if worker is None and b"\n" in data and first:
            worker, seconds = json.loads(first)
            until = time.monotonic() + seconds + 5
        if not piece:
            break
    lines = data.split(b"\n")
    said = len(lines) == 3 and not lines[2]
    if worker and not said:  # else it has ended, and its number may be another process's
        _end(worker)
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if full:
        return {"verdict": "stopped", "message": f"disk: more than {DISK / 2**20:.0f} MiB in files"}
    if said:
        return json.loads(lines[1])
    return None if data == b"end\n" else {"verdict": "stopped", "message": "time: the check did not come to an end"}


def _end(worker):
    """Kill an answer's process, whichever group it has moved to, and its group."""
    for kill in (os.kill, os.killpg):
        with contextlib.suppress(OSError):
            kill(worker, signal.SIGKILL)


def _read(size):
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            return None
        data += piece
    return data


def _examine(tell, home):
    """One request, in a process of its own; does not return."""
    head = _read(SIZE.size)
    if head is None:
        os.write(tell, b"end\n")
        os._exit(0)
    request = json.loads(_read(SIZE.unpack(head)[0]))
    scratch = os.path.realpath(tempfile.mkdtemp(prefix="answer-", dir=home))
    mine, theirs = socket.socketpair()
    worker = os.fork()
    if not worker:
        try:
            os.setpgid(0, 0)
            given = request["code"], request["answer"]
            _worker.run(theirs.detach(), *given, scratch, int(request["seconds"]), int(request["memory"]))
        finally:
            os._exit(1)
    theirs.close()
    os.write(tell, json.dumps([worker, request["seconds"]]).encode() + b"\n")
    verdict, message = "stopped", ""
    try:
        try:
            verdict, message = _judged(request, mine)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Stopped as stop:
        message = str(stop)
    except MemoryError:
        message = "memory: the check of this answer"
    except BaseException as error:
        message = f"the check cannot take this answer: {type(error).__name__}"
    _end(worker)
    with contextlib.suppress(OSError):
        status = os.waitpid(worker, 0)[1]
        if message == "its process ended" and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            message = "time"
    said = {"verdict": verdict, "message": message.encode("utf-8", "replace").decode()[:WORDS]}
    os.write(tell, json.dumps(said).encode() + b"\n")
    os._exit(0)


def _judged(request, line):
    """(verdict, message) by the exercise's own test on an answer that runs elsewhere."""
    import resource

    def late(number, frame):
        raise Stopped("time")

    pages = resource.getrlimit(resource.RLIMIT_AS)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_sandbox.beyond(MEMORY), pages))
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    remote = Remote(line)
    item = exercise(request["id"])
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            item.test(remote.started())
        remote.quiet()
    except NotTried:
        return "not tried", ""
    except Wrong as wrong:
        return "wrong", str(wrong)
    return "right", ""
