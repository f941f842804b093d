"""A model of one's own beside the global one: fine-tuned, held near it, or with a part that stayed at home.

What is made here is made at each client, of the released parameters and its own records, and stays there. So the global
model's guarantee holds for everybody else, and a personal model costs nothing as long as nobody but its client sees it;
shown to others it has no guarantee for that client. This is joint differential privacy (Kearns et al. 2014), by the
billboard lemma (Hsu et al. 2014).
"""

from dataclasses import dataclass

import torch

from .. import checks, data
from . import _chunks, clients, models
from .algorithms import FedAvg
from .history import History


def fine_tune(model, theta, federation, steps, lr, loss=None):
    """Let every client take some more steps from `theta` on its own records.

    Args:
        model: an `nn.Module` that passes `models.check_stackable`.
        theta: where all begin (parameters,); the model's own first parameters make this training alone.
        federation: a `Federation`; of its training records, where some are held out (`Federation.held_out`).
        steps: gradient steps, at least 1.
        lr: step size, positive.
        loss: as in `train`.

    Returns:
        Each client's parameters (clients × parameters); a client without records keeps `theta`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 21.
    """
    return ditto(model, theta, federation, 0.0, steps, lr, theta, loss)


def ditto(model, theta, federation, strength, steps, lr, start=None, loss=None):
    """Let every client train a model of its own that is held near the global one: L_k(v) + λ/2·‖v − θ‖².

    λ = 0 is training alone, λ → ∞ the global model. The steps are gradient steps of size lr/(1 + lr·λ), which converge for
    every λ where those of size lr converge for λ = 0. In the paper the global model is trained meanwhile, by FedAvg, and
    does not depend on the personal ones. Trained after it, towards the last θ, they end at the same place where the
    objective has one minimiser and the steps go on until they rest there; after few steps they need not.

    Args:
        theta: global parameters θ (parameters,).
        strength: λ, at least 0.
        start: where the personal models begin (parameters,); None takes the model's own first parameters.
        model, federation, steps, lr, loss: as in `fine_tune`.

    Returns:
        Each client's parameters (clients × parameters).

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 21.
    Source: Li, Hu, Beirami & Smith 2021, algorithm 1.
    """
    models.check_stackable(model)
    checks.kind("federation", federation, data.Federation, "a Federation, from data.split")
    first = models.flatten(model)
    found = {"theta": theta, "start": first if start is None else start}
    for name, value in found.items():
        found[name] = checks.finite(name, checks.tensor(name, value, (len(first),))).to(federation.x.device, first.dtype)
    strength, lr = checks.real("strength", strength, at_least=0), checks.real("lr", lr, above=0)
    local, loss = _Near(steps, strength), None if loss is None else checks.function("loss", loss, "of outputs and targets")
    model = models.with_theta(model, first).to(federation.x.device)
    begin = found["start"].unsqueeze(0), found["theta"].unsqueeze(0)
    ends = [
        begin[0] + clients.local_updates(
            model, found["theta"], _chunks.part(federation, members), local=local, lr=lr / (1 + lr * strength), loss=loss,
            begin=begin if strength else (begin[0], None),
        )
        for members in torch.arange(federation.clients).split(_chunks.size(model, federation))
    ]  # fmt: skip
    return torch.cat(ends)  # clients × parameters


def thetas(history):
    """Return every client's parameters at the end of a run (clients × parameters): the global ones, each with its home part.

    Args:
        history: a `History`; of a run with `FedPer` the clients' home parts differ, of any other all rows are `theta`.

    Derived in: notebook 21.
    """
    checks.kind("history", history, History, "a History that train returned")
    state, everyone = history.state["local"], torch.arange(history.update_norms.shape[1])
    state = {name: each.cpu() for name, each in state.items()}
    return history.plan.local.begin(history.theta, state, everyone)[0].expand(len(everyone), -1)


@dataclass(frozen=True)
class _Near(FedAvg):
    """Steps on the client's loss plus λ/2·‖v − θ‖², with θ as the offset."""

    strength: float = 0.0

    def correct(self, gradients, here, start, offset=None):
        if offset is None:
            return gradients
        return [g + self.strength * (p - p0) for g, p, p0 in zip(gradients, here, offset, strict=True)]
