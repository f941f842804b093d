"""SCAFFOLD: control variates that take each client's own pull out of its steps, and put everybody's in."""

from dataclasses import dataclass

from .. import models
from .fedavg import FedAvg


@dataclass(frozen=True)
class Scaffold(FedAvg):
    """FedAvg along g_k − c_k + c, where c_k estimates the gradient of client k and c that of all (option II).

    In K steps of size η from θ a client comes to y_k = θ − Kη(ḡ_k − c_k + c), with ḡ_k the mean of its gradients on the way,
    and its new control variate is c_k⁺ = c_k − c + (θ − y_k)/(Kη) = ḡ_k. The server takes the mean of y_k − θ over the
    cohort S, and c⁺ = c + |S|/N · mean of c_k⁺ − c_k.

    **One vector is enough.** The paper's client sends Δy_k = y_k − θ and Δc_k = c_k⁺ − c_k. But Δy_k = −Kη(Δc_k + c), and
    the server knows c. So a client sends m_k = −Kη·Δc_k alone, one vector (parameters,), and the server takes θ⁺ = θ +
    mean(m_k) − Kηc and c⁺ = c − |S|/N · mean(m_k)/(Kη): the paper's numbers for half its bytes up. Down go θ and c.

    **Sensitivity.** m_k is clipped to C; who is absent or has no records sends zero; all else follows from what was
    released. So the sum's sensitivity is C, and ε that of FedAvg. Two vectors, clipped to C each, would move the sum by
    √2·C: ε as with a noise multiplier √2 smaller; clipped together to C they share C, and twice the coordinates get noise.
    A client moves c_k by what went out for it, clipped and compressed; with its noise only where each report is released
    (`at="client"`), and c stays the mean of the c_k. The noise of a sum (`at="server"`, `at="shares"`) is in c and in no
    c_k, and the sum over the rounds keeps it: the error of c is a random walk with steps of σC/(N·Kη). In c_k a share would
    be taken out by the next message, and a client clipped in T rounds would stand T·C above one round's noise. Correlated
    noise shortens the walk, and under record-level DP c_k is made of noisy gradients.

    c_k depends on the client's records and stays with it; here the server's process holds all (clients × parameters). Who
    publishes them, or a run's state, publishes the records' gradients.

    Args:
        steps: gradient steps K of a client in a round, at least 1.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 21.
    Source: Karimireddy et al. 2020, algorithm 1, option II; Huang, Li & Li 2024 (one vector up); Noble, Bellet & Dieuleveut
        2022 (under DP at the record).
    """

    copies, remembers, summed = 2, True, True

    def start(self, model, clients):
        """Return c (parameters,) and all c_k (clients × parameters), zero."""
        theta = models.flatten(model)
        return {"c": theta.new_zeros(len(theta)), "c_k": theta.new_zeros(clients, len(theta))}

    def begin(self, theta, state, members):
        """Return θ, and c − c_k for each member; arguments as in `Local.begin`."""
        return theta.unsqueeze(0), state["c"] - state["c_k"][members]

    def correct(self, gradients, here, start, offset=None):
        """Return g_k − c_k + c; arguments as in `Local.correct`."""
        return gradients if offset is None else [g + o for g, o in zip(gradients, offset, strict=True)]

    def send(self, updates, state, members, lr, sizes=None):
        """Return m_k = Δy_k + Kηc, zero for a client without records; arguments as in `Local.send`."""
        sent = updates + self.steps * lr * state["c"]
        return sent if sizes is None else sent.where((sizes > 0).unsqueeze(1), 0.0)

    def keep(self, told, state, members, lr):
        """Move each member's c_k by what was told of its Δc_k."""
        state["c_k"][members] -= (told / (self.steps * lr)).to(state["c_k"])

    def receive(self, update, state, share, lr):
        """Return mean(m_k) − Kηc, and move c; nobody at all moves nothing. Arguments as in `Local.receive`."""
        c = state["c"]
        if share:
            state["c"] = (c - share * update / (self.steps * lr)).to(c)
            update = update - self.steps * lr * c
        return update
