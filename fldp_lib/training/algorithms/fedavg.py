"""FedSGD and FedAvg: a client moves along its own mean gradient, once or several times, and sends how far it came."""

from dataclasses import dataclass

from ... import checks
from .local import Local


@dataclass(frozen=True)
class FedAvg(Local):
    """Several local steps along the mean gradient of the client's own records.

    Sends one update (parameters,); under a mechanism it is clipped to C, which is its whole sensitivity.

    Args:
        steps: gradient steps of a client in a round, at least 1.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 03.
    Source: McMahan et al. 2017, algorithm 1.
    """

    steps: int = 1

    def __post_init__(self):
        object.__setattr__(self, "steps", checks.whole("steps", self.steps, at_least=1))


@dataclass(frozen=True)
class FedSGD(FedAvg):
    """One local step: every client sends its gradient, times the step size.

    Derived in: notebook 03.
    Source: McMahan et al. 2017.
    """

    steps: int = 1

    def __post_init__(self):
        super().__post_init__()
        checks.whole("steps", self.steps, at_least=1, at_most=1)
