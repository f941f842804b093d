"""Grading: every hand-in of a folder is run again, each answer in a fresh process that can do little more than answer.

    python -m fldp_lib.course.grade FOLDER [--json OUT] [--csv OUT] [--seconds 60] [--memory 1024] [--jobs 2]

What a hand-in says of itself counts for nothing here. The code of an answer runs in one process, shut in by `_sandbox`; the
exercise's test runs in another and calls it by messages of plain values. So an answer that prints "correct", leaves, or
replaces the check does so where nobody looks. A test's own functions are called back the same way; a `History`, a plan or
a federation goes to the answer as a copy. An answer can still do what a learner can: read the package, the checks included,
and return what they want to hear. What the fences do not stop stands in `_sandbox`; where learners might attack the machine,
grade in a container. It runs on Linux and macOS, and was tried against hostile answers on Linux with Python 3.11 and 3.13.
"""

import argparse
import concurrent.futures
import contextlib
import csv
import json
import os
import pathlib
import queue
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

from .. import checks
from ..training._bar import Bar
from . import _sandbox
from ._files import clean, taken
from .hand_in import known

__all__ = ["Grades", "grade"]
MARKS = {"right": "■", "wrong": "×", "stopped": "!", "not tried": "□", "not checked": "?"}
SIZE = struct.Struct("!I")
START = "import sys; sys.path.insert(0, sys.argv[1]); from fldp_lib.course._examiner import nursery; nursery()"


def grade(folder, seconds=60, memory=1024, jobs=None, progress=True):
    """Check every hand-in of a folder, and of the folders in it, again.

    Args:
        folder: where the files lie that `course.report` wrote, one a learner.
        seconds: time for one answer, at least 1.
        memory: MiB for one answer beyond what Python and the package take, at least 64.
        jobs: answers at a time; None for one a processor.
        progress: whether a bar shows how far it is.

    Returns:
        `Grades`. Interrupted (Ctrl-C), it returns what was checked so far; the rest is "not checked".

    Raises:
        TypeError, ValueError: no folder, no such numbers.
        OSError: the system cannot fork.
    """
    checks.kind("folder", folder, (str, os.PathLike), "a folder"), checks.flag("progress", progress)
    checks.whole("seconds", seconds, at_least=1), checks.whole("memory", memory, at_least=64)
    jobs = checks.whole("jobs", jobs, at_least=1) if jobs is not None else os.cpu_count() or 1
    if not pathlib.Path(folder).is_dir():
        raise ValueError(f"folder must be a folder of hand-ins, got {str(folder)!r}, which is none")
    if not hasattr(os, "fork"):
        raise OSError("grading needs fork: use Linux or macOS, or WSL on Windows")
    ids, rows, work = known(), [], []
    for path in sorted(pathlib.Path(folder).rglob("*.json")):
        learner, answers, problem = taken(path, ids)
        row = {"learner": learner, "file": clean(path.relative_to(folder)), "problem": problem, "exercises": {}}
        rows.append(row)
        for id in ids if not problem else ():
            code, answer = answers.get(id, ("", ""))
            row["exercises"][id] = {"verdict": "not checked" if answer else "not tried", "message": ""}
            if answer:
                request = {"id": id, "code": code, "answer": answer, "seconds": seconds, "memory": memory * 2**20}
                work.append((row["exercises"][id], request))
    _run(work, min(jobs, max(len(work), 1)), progress)
    return Grades(ids, rows)


class Grades:
    """What grading found; made by `grade`, shows itself as a table.

    Attributes:
        ids: the exercises, in the order of the course.
        rows: a dict for each file: learner, file, problem (why it is no hand-in, or ""), exercises: id → {"verdict":
            "right", "wrong", "stopped", "not tried" or "not checked", "message"}.
    """

    def __init__(self, ids, rows):
        self.ids, self.rows = ids, rows

    def __repr__(self):
        taken = {id for row in self.rows for id, found in row["exercises"].items() if found["verdict"] != "not tried"}
        numbers = sorted({id.split(".")[0] for id in taken})
        columns = {number: [id for id in self.ids if id.split(".")[0] == number] for number in numbers}
        every = [row["learner"] for row in self.rows]  # of two of one name each is told by its file
        names = [n if every.count(n) == 1 else f"{n} ({row['file']})" for n, row in zip(every, self.rows, strict=True)]
        wide = max([*map(len, names), 7])
        lines = [f"{'learner':<{wide}}  right  " + " ".join(f"{n:<{max(len(columns[n]), 3)}}" for n in numbers)]
        details = []
        for name, row in zip(names, self.rows, strict=True):
            if row["problem"]:
                lines.append(f"{name:<{wide}}  {row['file']}: {row['problem']}")
                continue
            found = row["exercises"]
            marks = ("".join(MARKS[found[id]["verdict"]] for id in ids).ljust(3) for ids in columns.values())
            right = sum(one["verdict"] == "right" for one in found.values())
            lines.append(f"{name:<{wide}}  {right:>5}  " + " ".join(marks))
            details += [
                f"{name}, {id}: {one['verdict']}{': ' if one['message'] else ''}{one['message']}"
                for id, one in found.items()
                if one["verdict"] in ("wrong", "stopped", "not checked")
            ]
        key = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
        return "\n".join([*lines, key, *([""] if details else []), *details])

    def to_json(self):
        """Return the rows as JSON."""
        return json.dumps({"exercises": self.ids, "hand_ins": self.rows}, indent=1, ensure_ascii=False)

    def to_csv(self, file):
        """Write a line for each learner and exercise: learner, file, exercise, verdict, message.

        Args:
            file: an open text file.
        """
        (written := csv.writer(file)).writerow(["learner", "file", "exercise", "verdict", "message"])
        for row in self.rows:
            for id, one in (row["exercises"] or {"": {"verdict": "no hand-in", "message": row["problem"]}}).items():
                cells = (row["learner"], row["file"], id, one["verdict"], one["message"])
                # a spreadsheet would run what begins like a formula
                written.writerow([f"'{cell}" if cell[:1] in "=+-@" and cell else cell for cell in cells])


class _Nursery:
    """A process that forks one examiner for each request; begun again when it ends, unless it was stopped."""

    def __init__(self, scratch):
        self.scratch, self.process, self.stopped = scratch, None, False

    def verdict(self, request):
        if self.stopped:
            return {"verdict": "not checked", "message": ""}
        if self.process is None or self.process.poll() is not None:
            self._kill()  # an examiner may have outlived it
            home = str(pathlib.Path(__file__).resolve().parent.parent.parent)
            threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "VECLIB_MAXIMUM")}
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", START, home],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                env={"PATH": os.defpath, "TMPDIR": self.scratch, "TQDM_DISABLE": "1", "MPLBACKEND": "agg"} | threads,
                start_new_session=True,
            )  # fmt: skip
            if self.stopped:  # meanwhile
                self._kill()
        data = json.dumps(request).encode()
        try:
            self.process.stdin.write(SIZE.pack(len(data)) + data)
            (size,) = SIZE.unpack(self._exactly(SIZE.size, request["seconds"] + 120))
            return json.loads(self._exactly(size, 10))
        except (OSError, ValueError, struct.error):
            self.close()
            return {"verdict": "stopped", "message": "the process that examines ended"}

    def _exactly(self, size, seconds):
        data, until, handle = b"", time.monotonic() + seconds, self.process.stdout.fileno()
        while len(data) < size:
            ready = select.select([handle], [], [], max(until - time.monotonic(), 0))[0]
            piece = os.read(handle, size - len(data)) if ready else b""
            if not piece:
                raise OSError("no answer")
            data += piece
        return data

    def stop(self):
        """End what another thread may wait for; that thread closes it."""
        self.stopped = True
        self._kill()

    def _kill(self):
        """Kill it and its examiner, which is of its group; the answer's process ends with that one."""
        process = self.process
        if process is not None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()

    def close(self):
        self._kill()
        process, self.process = self.process, None
        if process is not None:
            process.wait(), process.stdin.close(), process.stdout.close()


def _run(work, jobs, progress):
    """Fill in the verdicts, several at a time; an interruption leaves those that are not done."""
    scratch = tempfile.mkdtemp(prefix="answers-")
    nurseries, free = [_Nursery(scratch) for _ in range(jobs)], queue.SimpleQueue()
    for nursery in nurseries:
        free.put(nursery)

    def one(request):
        nursery = free.get()
        try:
            return nursery.verdict(request)
        finally:
            free.put(nursery)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        begun = {pool.submit(one, request): found for found, request in work}
        bar = Bar(len(begun), progress, "answer")
        try:
            for done in concurrent.futures.as_completed(begun):
                begun[done].update({key: clean(done.result()[key], 400) for key in ("verdict", "message")})
                bar.step()
        except KeyboardInterrupt:
            pass
        finally:
            bar.close()
            pool.shutdown(wait=False, cancel_futures=True)
            for nursery in nurseries:
                nursery.stop()
    for nursery in nurseries:  # no thread reads of it any more
        nursery.close()
    _sandbox.removed(scratch)


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m fldp_lib.course.grade", description="Check hand-ins again.")
    parser.add_argument("folder", help="where the files lie that course.report() wrote")
    parser.add_argument("--json", help="write the verdicts to this file, too"), parser.add_argument("--csv", help="the same")
    parser.add_argument("--seconds", type=int, default=60, help="time for an answer (60)")
    parser.add_argument("--memory", type=int, default=1024, help="MiB for an answer (1024)")
    parser.add_argument("--jobs", type=int, help="answers at a time (one a processor)")
    given = parser.parse_args(arguments)
    try:
        grades = grade(given.folder, given.seconds, given.memory, given.jobs)
    except (TypeError, ValueError, OSError) as error:
        parser.error(str(error))
    print(grades)
    if given.json:
        pathlib.Path(given.json).write_text(grades.to_json(), encoding="utf-8")
    if given.csv:
        with open(given.csv, "w", newline="", encoding="utf-8") as file:
            grades.to_csv(file)


if __name__ == "__main__":
    main()
