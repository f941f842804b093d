"""How long a round of secure aggregation takes: 100 clients, 30 of them dropping out, 2,410 parameters.

python tests/benchmarks/secure.py [--json]
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from fldp_lib.training.transport import primitives, secure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--dropped", type=int, default=30)
    parser.add_argument("--parameters", type=int, default=2_410)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    updates = np.random.default_rng(0).uniform(-1, 1, (options.clients, options.parameters))
    vectors = secure.to_field(updates, 1.0)
    threshold = 2 * options.clients // 3
    start = time.perf_counter()
    total, _ = secure.aggregate(vectors, threshold, range(options.dropped))
    whole = time.perf_counter() - start
    error = np.abs(secure.from_field(total, 1.0) - updates[options.dropped :].sum(0)).max()
    keys, start = [bytes([k]) * 16 for k in range(options.clients)], time.perf_counter()
    for _ in range(options.clients - options.dropped):  # masking: what is left once all keys are agreed on
        row = vectors[0]
        for key in keys:
            row = (row + primitives.expand(key, options.parameters)) % secure.PRIME
    masks = time.perf_counter() - start
    found = {
        "clients": options.clients, "dropped": options.dropped, "parameters": options.parameters, "threshold": threshold,
        "round_s": round(whole, 2), "masking_s": round(masks, 2), "largest_error": float(error),
        "half_steps": (options.clients - options.dropped) / 2**24,
    }  # fmt: skip
    print(json.dumps(found) if options.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
