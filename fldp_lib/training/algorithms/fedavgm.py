"""Momentum at the server, along the aggregated update as minus a gradient."""

from dataclasses import dataclass

import torch

from ... import checks


@dataclass(frozen=True)
class FedAvgM:
    """v ← βv + Δ, θ ← θ + lr·v: momentum at the server. Post-processing of Δ: no ε.

    Args:
        lr: step size of the server, positive.
        momentum: β in [0, 1); 0 is `ServerSGD`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 21.
    Source: Hsu, Qi & Brown 2019.
    """

    lr: float = 1.0
    momentum: float = 0.9

    def __post_init__(self):
        object.__setattr__(self, "lr", checks.real("lr", self.lr, above=0))
        object.__setattr__(self, "momentum", checks.real("momentum", self.momentum, at_least=0, below=1))

    def start(self, theta):
        """Return v = 0 (parameters,), float64."""
        return {"v": torch.zeros_like(theta, dtype=torch.float64)}

    def step(self, theta, update, state):
        """Return the new parameters and the new state; arguments as in `ServerSGD.step`."""
        v = self.momentum * state["v"] + update
        return theta + (self.lr * v).to(theta.dtype), {"v": v}
