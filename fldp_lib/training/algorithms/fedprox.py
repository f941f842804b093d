"""FedProx: FedAvg with a term that holds the clients near the global model."""

from dataclasses import dataclass

from ... import checks
from .fedavg import FedAvg


@dataclass(frozen=True)
class FedProx(FedAvg):
    """FedAvg on the client's loss plus μ/2·‖θ_k − θ‖², whose gradient is μ(θ_k − θ).

    Sends one update (parameters,); its sensitivity is the clip, as in FedAvg.

    Args:
        steps: as in `FedAvg`.
        mu: weight μ of the term, at least 0; 0 is FedAvg.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 03.
    Source: Li, Sahu, Zaheer, Sanjabi, Talwalkar & Smith 2020.
    """

    mu: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "mu", checks.real("mu", self.mu, at_least=0))

    def correct(self, gradients, here, start, offset=None):
        """Return the gradients of the loss with its term; arguments as in `Local.correct`."""
        if not self.mu:
            return gradients
        return [g + self.mu * (p - p0) for g, p, p0 in zip(gradients, here, start, strict=True)]
