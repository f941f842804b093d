"""How a client and how the server step: one algorithm, one file of at most a hundred lines, with its paper's names.

A local algorithm is a value with `steps`, the gradient steps of a round, and `correct`, which turns a step's gradients into
the direction that is taken. A server algorithm is a value with `start`, which makes its state (tensors by name), and `step`,
which moves the global parameters along the aggregated update. What the server does with a private update is post-processing:
it costs no ε. What a client does in its steps changes one clipped update and nothing else: it costs none either. An
algorithm that sends more than an update must say in its docstring what that adds to the sensitivity.
"""

from .fedavg import FedAvg, FedSGD
from .fedprox import FedProx
from .plain import ServerSGD

LOCAL = (FedSGD, FedAvg, FedProx)
SERVER = (ServerSGD,)

__all__ = ["LOCAL", "SERVER", "FedAvg", "FedProx", "FedSGD", "ServerSGD"]
