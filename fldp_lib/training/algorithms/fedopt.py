"""Adaptive server optimisers: steps along the aggregated update, as minus a gradient, each coordinate at its own scale.

All are post-processing: they see the aggregated update, which under a mechanism is released, and their own state. So they
cost no ε, and no client sends a byte more. They divide by the size of past updates, in which the noise counts too.
"""

from dataclasses import dataclass

import torch

from ... import checks


@dataclass(frozen=True)
class FedAdam:
    """m ← β₁m + (1 − β₁)Δ, v ← β₂v + (1 − β₂)Δ², θ ← θ + lr·m/(√v + τ), all by coordinate. Post-processing of Δ: no ε.

    As in the paper m starts at 0, v at τ², and neither is corrected for its start. (Flower's FedAdam starts v at 0 and
    multiplies lr by √(1 − β₂ᵗ⁺¹)/(1 − β₁ᵗ⁺¹) in round t.)

    Args:
        lr: step size of the server, positive: about how far a coordinate moves in a round.
        beta1: β₁ in [0, 1).
        beta2: β₂ in [0, 1).
        tau: τ, positive: updates smaller than this are not blown up.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 21.
    Source: Reddi et al. 2021, algorithm 2.
    """

    lr: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.99
    tau: float = 1e-3

    def __post_init__(self):
        for name in ("lr", "tau"):
            object.__setattr__(self, name, checks.real(name, getattr(self, name), above=0))
        for name in ("beta1", "beta2"):
            object.__setattr__(self, name, checks.real(name, getattr(self, name), at_least=0, below=1))

    def start(self, theta):
        """Return m = 0 and v = τ² (parameters,), float64."""
        zero = torch.zeros_like(theta, dtype=torch.float64)
        return {"m": zero, "v": zero + self.tau**2}

    def step(self, theta, update, state):
        """Return the new parameters and the new state; arguments as in `ServerSGD.step`."""
        m = self.beta1 * state["m"] + (1 - self.beta1) * update
        v = self.second(state["v"], update.square())
        return theta + (self.lr * m / (v.sqrt() + self.tau)).to(theta.dtype), {"m": m, "v": v}

    def second(self, v, square):
        """Return the new v (parameters,) from the old one and Δ²."""
        return self.beta2 * v + (1 - self.beta2) * square


@dataclass(frozen=True)
class FedYogi(FedAdam):
    """FedAdam with v ← v − (1 − β₂)Δ²·sign(v − Δ²): v falls by no more than it would rise. Arguments as in `FedAdam`."""

    def second(self, v, square):
        """Return the new v; arguments as in `FedAdam.second`."""
        return v - (1 - self.beta2) * square * torch.sign(v - square)


@dataclass(frozen=True)
class FedAdagrad(FedAdam):
    """FedAdam with v ← v + Δ², so that steps only get shorter; `beta2` is not used. Arguments as in `FedAdam`."""

    def second(self, v, square):
        """Return the new v; arguments as in `FedAdam.second`."""
        return v + square
