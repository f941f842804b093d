"""How a client and how the server step: one algorithm, one file of at most a hundred lines, with its paper's names.

A local algorithm is a `local.Local`: `steps`, the gradient steps of a round, `correct`, which turns a step's gradients into
the direction that is taken, and, where clients remember something, what they begin with, send and keep. A server algorithm
is a value with `start`, which makes its state (tensors by name), and `step`, which moves the global parameters along the
aggregated update. What the server does with a private update is post-processing: it costs no ε. What a client does in its
steps changes one clipped message and nothing else: it costs none either. An algorithm whose clients send something else
than an update says in its docstring why the clip is its whole sensitivity.

To add one: a frozen dataclass in a file here (`fedprox` and `fedavgm` are short ones); its class in `LOCAL` or `SERVER`
below, by which plans are written and read, and its name in `__all__`; its rule against an oracle in
tests/training/test_algorithms.py; its arguments in tests/test_bad_input.py.
"""

from .fedavg import FedAvg, FedSGD
from .fedavgm import FedAvgM
from .fedopt import FedAdagrad, FedAdam, FedYogi
from .fedper import FedPer
from .fedprox import FedProx
from .plain import ServerSGD
from .scaffold import Scaffold

LOCAL = (FedSGD, FedAvg, FedProx, Scaffold, FedPer)
SERVER = (ServerSGD, FedAvgM, FedAdagrad, FedAdam, FedYogi)

__all__ = [
    "LOCAL", "SERVER", "FedAdagrad", "FedAdam", "FedAvg", "FedAvgM", "FedPer", "FedProx", "FedSGD", "FedYogi", "Scaffold",
    "ServerSGD",
]  # fmt: skip
