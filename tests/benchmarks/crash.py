"""Kill runs at random times, damage their checkpoints, start them twice: what a checkpoint promises, tried.

    python tests/benchmarks/crash.py                                   # 100 kills, 500 flipped bits, 50 cuts: two minutes
    python tests/benchmarks/crash.py --kills 8 --flips 60 --cuts 20    # what the tests run

Every run is a process of its own, forked, and killed with SIGKILL after a random time, again and again until one gets to
the end. What had left is written down by the run itself, before it could be killed: each released model, and each round for
which clients were asked. Prints one JSON object; exit status 1 if any promise was broken. Only where processes can fork.
"""

import argparse
import contextlib
import hashlib
import json
import math
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fldp_lib import data, models, train  # noqa: E402
from fldp_lib.privacy.adaptive import AdaptiveGaussian  # noqa: E402
from fldp_lib.privacy.mechanisms import Gaussian, Laplace  # noqa: E402
from fldp_lib.training import checkpoint  # noqa: E402

CLIENTS, ROUNDS = 6, 25
RUNS = {
    "Gaussian at the server": {"mechanism": Gaussian(2.0, 0.3), "sampling_rate": 0.5},
    "Laplace at the client, workers": {"mechanism": Laplace(2.0, 0.3, "client")},
    "adaptive Gaussian": {"mechanism": AdaptiveGaussian(4.0, 0.3, count_noise=4.0)},
    "Gaussian at the record": {"mechanism": Gaussian(2.0, 0.3, "client", "record"), "batch_rate": 0.5},
}


def start():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(CLIENTS, 4, 3, generator=generator), torch.randint(0, 2, (CLIENTS, 4), generator=generator))
    mask = torch.ones(CLIENTS, 4, dtype=torch.bool)
    return models.MLP(3, 4, 2), data.Federation(x, y, mask, x[0], y[0], "classification")


def workers_of(log, lost=()):
    """Clients in other processes: what they send depends on the round alone; that they were asked is written down."""

    def workers(t, theta, members):
        write(log, f"{t} asked")
        time.sleep(0.003)  # so that kills meet rounds that have begun
        rows = torch.randn(len(members), len(theta), generator=torch.Generator().manual_seed(t))
        return torch.zeros_like(rows) if t in lost else rows

    return workers


def write(log, line):
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        file.write(line + "\n")


def sha(theta):
    return hashlib.sha256(theta.numpy().tobytes()).hexdigest()


def run(name, path, log, lost=()):
    """One run, from whatever its checkpoint says; every released model is written down."""
    model, fed = start()
    options = {"workers": workers_of(log, lost)} if "workers" in name else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(
            model, fed, rounds=ROUNDS, lr=0.3, delta=1e-3, seed=5, progress=False, checkpoint=path,
            callback=lambda t, theta, record: write(log, f"{t} {sha(theta)}"), **RUNS[name], **options,
        )  # fmt: skip


def forked(work):
    """Run work in a child; return its number."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def killed(child, seconds):
    """Kill a child after so many seconds; say whether it was still running."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0, f"a run failed with status {status}"
            return False
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def lines(log):
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def kills(name, wanted, folder, draw):
    """Kill runs of one kind; return the number of kills, of runs, and what was broken."""
    run(name, None, folder / "warm")  # what is imported late is there before anything is timed
    began = time.monotonic()
    child = forked(lambda: run(name, folder / "timed", folder / "timed.log"))
    assert os.waitpid(child, 0)[1] == 0
    duration, done, runs, lost_rounds, broken = time.monotonic() - began, 0, 0, 0, []
    while done < wanted:
        path, log, runs = folder / f"run-{runs}", folder / f"log-{runs}", runs + 1
        while killed(forked(lambda path=path, log=log: run(name, path, log)), draw.uniform(0, duration)):
            done += 1
            left = [int(t) for t, _ in lines(log)]
            if checkpoint.begun(path) < max(left, default=0):
                broken.append(f"{name}: round {max(left)} had left, and {checkpoint.begun(path)} are counted")
        seen = lines(log)  # before the log grows: reading the end asks and releases nothing
        found = run(name, path, log)
        lost = set((1 + np.flatnonzero(found.lost)).tolist())
        lost_rounds += len(lost)
        expected = run(name, None, folder / f"whole-{runs}", lost)
        whole = dict(lines(folder / f"whole-{runs}")) if "workers" not in name else {}
        if not torch.equal(found.theta, expected.theta) or (found.cohort != expected.cohort)[~found.lost].any():
            broken.append(f"{name}: another end")
        if found.rounds != ROUNDS or found.total_epsilon != expected.total_epsilon or not math.isfinite(found.total_epsilon):
            broken.append(f"{name}: another ε")
        if any(whole.get(t, told) != told for t, told in seen if told != "asked"):
            broken.append(f"{name}: another model was released on the way")
        if len(seen) != len(set(map(tuple, seen))) or len(lines(log)) != len(seen):
            broken.append(f"{name}: asked or released twice")
    return done, runs, lost_rounds, broken


def damage(flips, cuts, folder, draw):
    """Flip single bits, and cut files, of a run in its middle; return counts of what came of it."""
    name = "Gaussian at the server"
    expected, outcome = run(name, None, folder / "x"), {"refused": 0, "harmless": 0, "broken": []}
    halfway = folder / "half"

    class Stop(Exception):
        pass

    def stop(t, theta, record):
        if t == ROUNDS - 5:
            raise Stop

    model, fed = start()
    with contextlib.suppress(Stop):
        train(model, fed, rounds=ROUNDS, lr=0.3, delta=1e-3, seed=5, progress=False, checkpoint=halfway, callback=stop,
              **RUNS[name])  # fmt: skip
    for number in range(flips + cuts):
        case = folder / f"case-{number}"
        case.mkdir()
        for each in ("half", "half.rounds"):
            shutil.copy(folder / each, case / each)
        target = case / draw.choice(("half", "half.rounds"))
        content = bytearray(target.read_bytes())
        place = draw.randrange(len(content))
        if number < flips:
            content[place] ^= 1 << draw.randrange(8)
        else:
            del content[place:]
        target.write_bytes(content)
        try:
            found = run(name, case / "half", case / "log")
        except Exception as error:
            if isinstance(error, ValueError) and str(error).startswith("checkpoint must"):
                outcome["refused"] += 1
            else:
                outcome["broken"].append(f"{target.name} at {place}: {error!r:.200}")
        else:
            names = ("cohort", "clip", "update_norms", "fraction_clipped", "dropped", "lost", "noise_std", "loss", "score")
            equal = (np.array_equal(getattr(found, each), getattr(expected, each), equal_nan=True) for each in names)
            if torch.equal(found.theta, expected.theta) and found.rounds == ROUNDS and all(equal):
                outcome["harmless"] += 1
            else:
                outcome["broken"].append(f"{target.name} at {place}: resumed to another end")
        shutil.rmtree(case)
    return outcome


SECOND = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
import crash, pathlib
crash.run({name!r}, pathlib.Path({path!r}), pathlib.Path({log!r}))
"""


def second(folder):
    """Start a run while another process holds its checkpoint; return what the second said and how far it got."""
    name, path, seen = "Gaussian at the server", folder / "both", []
    code = SECOND.format(root=str(ROOT), here=str(pathlib.Path(__file__).parent), name=name, path=str(path),
                         log=str(folder / "second"))  # fmt: skip

    def during(t, theta, record):
        if t == 3:
            seen.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300))

    model, fed = start()
    train(model, fed, rounds=5, lr=0.3, delta=1e-3, seed=5, progress=False, checkpoint=path, callback=during, **RUNS[name])
    said = seen[0].stderr.strip().splitlines()[-1]
    refused = seen[0].returncode == 1 and f"is held by process {os.getpid()} on " in said
    return {"refused": refused, "said": said, "released": len(lines(folder / "second"))}


def main():
    parser = argparse.ArgumentParser(description="Kill runs, damage their checkpoints, start them twice.")
    for name, count in (("kills", 100), ("flips", 500), ("cuts", 50), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=count)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    draw, began, found = random.Random(wanted.seed), time.monotonic(), {}
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(RUNS):
            there = pathlib.Path(folder) / str(number)
            there.mkdir()
            done, runs, lost, broken = kills(name, math.ceil(wanted.kills / len(RUNS)), there, draw)
            found[name] = {"kills": done, "runs": runs, "lost": lost, "broken": broken}
        found["damage"] = damage(wanted.flips, wanted.cuts, pathlib.Path(folder), draw)
        found["second"] = second(pathlib.Path(folder))
    found["seconds"] = round(time.monotonic() - began, 1)
    found["whole"] = found["second"]["refused"] and not any(
        part.get("broken") for part in found.values() if type(part) is dict
    )
    print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0 if found["whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
