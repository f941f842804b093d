"""What a notebook's first picture waits for, in a process of its own each time: imports, records, split, price, run, axes.

    python -m tests.benchmarks.start [repetitions]

Prints the median of each step in milliseconds. IPython and its kernel are imported first and not counted: a notebook has
them before *Run All*. scikit-learn must not be imported at all; its import takes as long as everything else but torch's.
"""

import json
import statistics
import subprocess
import sys

STEPS = """
import json, sys, time
import ipykernel.kernelapp, IPython
laps, then = {}, time.perf_counter()
def lap(name):
    global then
    now = time.perf_counter()
    laps[name], then = 1000 * (now - then), now
import torch
lap("import torch")
from fldp_lib import Plan, data, mechanisms, models, train
lap("import fldp_lib")
from fldp_lib.interactive import explorers, plots
lap("import explorers, plots")
patients = data.load("breast_cancer")
lap("data.load")
hospitals = data.split(patients, clients=10)
lap("data.split")
noise = mechanisms.Gaussian(noise_multiplier=1.0, clip=1.0)
plan = Plan(rounds=20, lr=2.0, mechanism=noise).calibrated(epsilon=2, delta=1e-2)
lap("Plan.calibrated")
train(models.Linear(30, 2), hospitals, plan)
lap("train, first")
train(models.Linear(30, 2), hospitals, plan)
lap("train, again")
plan.attacker()
lap("Plan.attacker")
plots.Chart([plots.Panel("loss", "round", "loss", x=(0, 20), y=(0, 1))]).backdrop()
lap("Chart.backdrop")
lap_sum = sum(laps.values()) - laps["train, again"]
laps["together"] = lap_sum
laps["scikit-learn imported"] = "sklearn" in sys.modules
print(json.dumps(laps))
"""


def measured():
    """Milliseconds of each step in a fresh process, and whether scikit-learn was imported."""
    ran = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def main(repetitions=5):
    """Print the medians over fresh processes."""
    found = [measured() for _ in range(repetitions)]
    for step in found[0]:
        if isinstance(found[0][step], bool):
            print(f"{step:24} {any(one[step] for one in found)}")
        else:
            print(f"{step:24} {statistics.median(one[step] for one in found):7.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
