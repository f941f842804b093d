"""Audit forty plans through `train`: 20,000 runs where one run gives many scores, else 2,000. Prints a table; minutes.

OMP_NUM_THREADS=1 python tests/benchmarks/audits.py [runs where they are cheap] [runs where not] [part of a name]
"""

import pathlib
import sys
import time
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/adversary")]

from audited_plans import MORE, PLANS  # noqa: E402

from fldp_lib.adversary import auditing  # noqa: E402


def main(cheap=20_000, dear=2_000, part=""):
    warnings.simplefilter("ignore")
    refuted = done = 0
    print(f"{'plan':<40}{'neighbour':<11}{'runs':>7}{'ε told':>8}{'at least':>9}{'s':>7}", flush=True)
    for name, (plan, neighbour, runs, trainer) in (PLANS | MORE).items():
        if part not in name:
            continue
        runs, begun = cheap if runs >= 1_000 else dear, time.perf_counter()
        found = auditing.audit(plan, runs, neighbour, trainer=trainer).lower
        refuted, done = refuted + (found > plan.epsilon()), done + 1
        seconds = time.perf_counter() - begun
        print(f"{name:<40}{neighbour:<11}{runs:>7}{plan.epsilon():>8.2f}{found:>9.2f}{seconds:>7.0f}", flush=True)
    print(f"refuted: {refuted} of {done}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*map(int, given[:2]), *given[2:])
