#!/usr/bin/env python
"""How long the pages' own trainer takes in Chromium on this machine: 1,437 clients with a digit each, 20 private rounds.

    .venv/bin/python tests/benchmarks/trainer.py [--runs 41] [--json]

Prints the median and the 90% quantile in milliseconds, of the linear model (64 → 10) with a clip and noise at the server,
and of the same run with five local steps; of ε by the Gaussian's exact curve, and of 100 rounds of Laplace noise. Nothing
else should run on the machine.
"""

import argparse
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "browser"))
import live
from lab import chromium

from fldp_lib.course.exhibits._crowds import crowd
from fldp_lib.interactive import browser as pages

TIME = """([what, runs]) => {
  const fed = fldp.training.federation(fldp.data.digits), model = fldp.training.linear(64, 10)
  const plan = {rounds: 20, lr: 2, mechanism: {kind: 'gaussian', multiplier: 4, clip: 6}}
  const tasks = {
    'one local step': seed => fldp.training.train(model, fed, plan, {seed}),
    'five local steps': seed => fldp.training.train(model, fed, {...plan, localSteps: 5}, {seed}),
    'Gaussian, an ε': seed => fldp.accounting.gaussian.epsilon(1 + seed / 100, 1e-5),
    'Laplace, an ε': seed => fldp.accounting.laplace.epsilon(1 + seed / 100, 100, 1e-5),
  }
  const times = []
  for (let seed = 0; seed < runs + 3; seed++) {
    const begun = performance.now()
    tasks[what](seed)
    times.push(performance.now() - begun)
  }
  return times.slice(3)
}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=41)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    federation, found = crowd().federation, {}
    with chromium() as browser:
        page = browser.new_page()
        live.load(page, {})
        data = {"x": federation.x, "y": federation.y, "sizes": federation.sizes}
        page.evaluate("data => { fldp.data.digits = fldp.unpack(data) }", pages.packed(data))
        for what in ("one local step", "five local steps", "Gaussian, an ε", "Laplace, an ε"):
            times = page.evaluate(TIME, [what, chosen.runs])
            found[what] = [statistics.median(times), statistics.quantiles(times, n=10)[-1]]
    if chosen.json:
        print(json.dumps(found))
        return
    for what, (median, most) in found.items():
        print(f"{what:20} median {median:6.1f} ms, 90% quantile {most:6.1f} ms")


if __name__ == "__main__":
    main()
