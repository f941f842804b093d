"""The plain server step: the global model moves by the aggregated update, times a factor."""

from dataclasses import dataclass

from ... import checks


@dataclass(frozen=True)
class ServerSGD:
    """θ ← θ + lr·Δ: gradient descent at the server, with the aggregated update Δ as minus the gradient.

    Post-processing of Δ: under a mechanism it costs no ε.

    Args:
        lr: factor on the aggregated update, positive; 1 takes the update as it is.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 03.
    Source: McMahan et al. 2017 (lr = 1); Reddi et al. 2021 (as a step of the server's).
    """

    lr: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "lr", checks.real("lr", self.lr, above=0))

    def start(self, theta):
        """Return the state before the first round, tensors by name; this algorithm has none."""
        return {}

    def step(self, theta, update, state):
        """Return the new parameters and the new state.

        Args:
            theta: global parameters (parameters,).
            update: the aggregated update (parameters,), float64.
            state: what `start` or the last `step` returned.
        """
        return theta + (self.lr * update).to(theta.dtype), state
