"""FedPer: some of the model's layers are trained at home and never sent."""

from dataclasses import dataclass

import torch

from ... import checks
from .. import models
from .fedavg import FedAvg


@dataclass(frozen=True)
class FedPer(FedAvg):
    """FedAvg of a model whose parameters named `home` are each client's own: kept from round to round, and not sent.

    A client begins at the global parameters with its own home part in their place, takes its steps on all of them, keeps
    the home part, and sends how far the rest came: one vector, shorter by the home part, which is clipped to C. Under a
    mechanism with the client as unit C is its whole sensitivity, and noise is on what travels alone; ε is that of FedAvg.
    The home part depends on the client's records and on what was released: shown to nobody but its client it costs nothing,
    and shown to others it has no guarantee. With the record as unit each step is clipped and noised in all coordinates, the
    home part's too, and ε covers both parts. A client that never takes part keeps the home part that the model began with.

    `History.theta` holds the shared part, and the first home part where nobody's is; `personal.thetas` gives each client's
    whole model.

    Args:
        steps: gradient steps of a client in a round, at least 1.
        home: names of the model's parameters that stay, as in `model.named_parameters()`: some of those that train, not all.

    Raises:
        TypeError, ValueError: an argument out of range; in `train`, a name that the model has not.

    Derived in: notebook 21.
    Source: Arivazhagan, Aggarwal, Singh & Choudhary 2019.
    """

    home: tuple = ()
    remembers = True

    def __post_init__(self):
        super().__post_init__()
        names = [self.home] if isinstance(self.home, str) else self.home
        if not isinstance(names, (tuple, list)) or not names:
            raise TypeError(f"home must be names of parameters, such as ('output.weight', 'output.bias'); got {self.home!r}")
        object.__setattr__(self, "home", tuple(checks.text("home", name, some=True) for name in names))

    def start(self, model, clients):
        """Return which parameters stay, booleans (parameters,), and all clients' home parts (clients × home)."""
        known = [name for name, _ in models.trained(model)]
        if not set(self.home) < set(known):
            raise ValueError(
                f"home must be some of the model's parameters that train, {', '.join(known)}, and not all; got {self.home}"
            )
        stays = [torch.full((p.numel(),), name in self.home, device=p.device) for name, p in models.trained(model)]
        stays = torch.cat(stays)
        return {"stays": stays, "home": models.flatten(model)[stays].expand(clients, -1).clone()}

    def travels(self, theta, state):
        """Return the shared part of the global parameters."""
        return theta[~state["stays"]]

    def begin(self, theta, state, members):
        """Return the global parameters with each member's own home part; arguments as in `Local.begin`."""
        starts = theta.expand(len(members), -1).clone()
        starts[:, state["stays"]] = state["home"][members]
        return starts, None

    def send(self, updates, state, members, lr, sizes=None):
        """Return the shared part's updates, and keep the home part's; arguments as in `Local.send`."""
        moved = updates[:, state["stays"]]
        finite = updates.isfinite().all(1, keepdim=True)  # what the server drops is not kept either
        state["home"][members] += moved.where(finite, 0.0)
        return updates[:, ~state["stays"]]

    def receive(self, update, state, share, lr):
        """Return the update of all parameters, zero where they stay at home."""
        whole = update.new_zeros(len(state["stays"]))
        whole[~state["stays"]] = update
        return whole
