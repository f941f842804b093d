"""What a GPU brings: parity with the CPU, and times as ratios to pooled training by autograd on the same card.

    .venv/bin/python tests/benchmarks/gpu.py [--json] [--clients 100000] [--rounds-of 10000000] [--device cuda]

The work is that of simulation.py: a 64–32–10 network, 20 random samples a client, 5 local steps, 10 rounds, every client.
Of each the best of several runs counts, after one that is not counted except where the first run is the question. A jitted
JAX program runs beside where JAX is installed and sees the same device. Without a GPU it says so and runs tiny sizes on
the CPU, which shows that the script works and nothing else.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import simulation
from simulation import CLASSES, FEATURES, HIDDEN, LR, ROUNDS, STEPS, pooled, random_federation

from fldp_lib import mechanisms, models, train

BILLION = 2**30


def timed(work, device):
    """Seconds until the device is done, the peak of its memory in GiB (0 on the CPU), and the result."""
    if device.type == "cuda":
        torch.cuda.synchronize(device), torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    result = work()
    if device.type != "cuda":
        return time.perf_counter() - start, 0.0, result
    torch.cuda.synchronize(device)
    return time.perf_counter() - start, torch.cuda.max_memory_allocated(device) / BILLION, result


def best(work, device, repeats=5):
    """The shortest of several runs, and the largest memory."""
    runs = [timed(work, device)[:2] for _ in range(repeats)]
    return min(seconds for seconds, _ in runs), max(memory for _, memory in runs)


def ours(model, fed, **options):
    return train(model, fed, rounds=ROUNDS, local_steps=STEPS, lr=LR, progress=False, **options).theta


def parity(device, clients):
    """Largest difference of the parameters between CPU and device: plain, private and sampled, by autograd, per record."""
    written, fed = models.MLP(FEATURES, HIDDEN, CLASSES), random_federation(clients)
    plain = torch.nn.Sequential(torch.nn.Linear(FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES))
    torch.nn.utils.vector_to_parameters(models.flatten(written), plain.parameters())
    cases = {
        "plain": (written, {}),
        "autograd": (plain, {}),
        "server": (written, {"mechanism": mechanisms.Gaussian(0.1, 0.5), "sampling_rate": 0.5, "delta": 1e-3}),
        "shares": (written, {"mechanism": mechanisms.Gaussian(0.1, 0.5, "shares"), "delta": 1e-3}),
        "record": (written, {"mechanism": mechanisms.Gaussian(0.1, 0.5, "client", "record"), "batch_rate": 0.5}),
    }
    found = {}
    for name, (model, options) in cases.items():
        here, there = ours(model, fed, **options), ours(model, fed.to(device), **options)
        found[name] = float((here - there).abs().max())
    return found


def against_pooled(device, clients):
    """Seconds of train and of pooled training on the same samples, their ratio, and train's peak memory in GiB."""
    model, fed = models.MLP(FEATURES, HIDDEN, CLASSES), random_federation(clients).to(device)
    here = models.with_theta(model, models.flatten(model)).to(device)
    first, _, _ = timed(lambda: ours(model, fed), device)
    pooled(here, fed)
    (seconds, memory), (other, _) = best(lambda: ours(model, fed), device), best(lambda: pooled(here, fed), device)
    row = {"train": seconds, "pooled": other, "times_pooled": seconds / other, "peak_gib": memory, "first_run": first}
    if importlib.util.find_spec("jax"):
        program = simulation.jax_program(model, random_federation(clients))
        row["jax_first_run"] = timed(program, device)[0]  # its result comes back to the CPU: it has ended
        row["jax"] = min(timed(program, device)[0] for _ in range(3))
        row |= {"times_jax": seconds / row["jax"], "jax_first_times_ours": row["jax_first_run"] / first}
    return row


def one_round(device, clients):
    """Seconds and peak memory in GiB, data included, of one private round over one-sample clients."""
    mechanism, model = mechanisms.Gaussian(1.0, 1.0), models.Linear(FEATURES, CLASSES)

    def work(fed):
        return train(model, fed, rounds=1, mechanism=mechanism, delta=1e-9, progress=False).theta

    work(random_federation(16, samples=1).to(device))
    fed = random_federation(clients, samples=1).to(device)
    seconds, memory = best(lambda: work(fed), device, repeats=3)
    return {"clients": clients, "seconds": seconds, "peak_gib": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--rounds-of", type=int, default=10**7, help="one-sample clients of the single private round")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # or JAX takes most of the card's memory
    device, sizes, many = torch.device(options.device), [1000, options.clients], options.rounds_of
    there = device.type != "cuda" or torch.cuda.is_available()
    if not there:
        print("no GPU here: tiny sizes on the CPU, whose times say nothing about one", file=sys.stderr)
        device, sizes, many = torch.device("cpu"), [32], 1000
        torch.set_num_threads(1)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    report = {"device": name, "torch": torch.__version__, "gpu": device.type == "cuda"}
    report["parity"] = parity(device, 100 if there else 8)
    report["pooled"] = {clients: against_pooled(device, clients) for clients in sizes}
    report["one_round"] = one_round(device, many)
    if options.json:
        return print(json.dumps(report))
    print(f"{name}, torch {torch.__version__}")
    print("largest difference from the CPU:", ", ".join(f"{k} {v:.1e}" for k, v in report["parity"].items()))
    for clients, row in report["pooled"].items():
        print(f"{clients} clients:", ", ".join(f"{k} {v:.4g}" for k, v in row.items()))
    print("one private round: {clients} clients, {seconds:.3f} s, {peak_gib:.2f} GiB at most".format(**report["one_round"]))


if __name__ == "__main__":
    main()
