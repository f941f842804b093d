"""Some private runs of a two-layer network side by side: what `train` does with one local step and noise at the server.

`tests/course/test_networks.py` holds it to `train`, run by run.
"""

import numpy as np
import torch

from ...training import models
from ._clouds import unit_noise, with_one


def many(model, federation, plan, mechs):
    """Train one run for each mechanism.

    Args:
        model: a `models.MLP` for classes.
        federation: classes as labels.
        plan: a `Plan` of one local step a round, everybody in each; its mechanism does not count.
        mechs: Gaussian mechanisms at the server.

    Returns:
        Test accuracy by round (runs × rounds).
    """
    runs, clients, flat = len(mechs), federation.clients, models.flatten(model)
    shapes = [tuple(p.shape) for p in model.parameters()]
    lengths = [p.numel() for p in model.parameters()]
    hidden_, inputs = shapes[0]
    classes = shapes[3][0]
    theta = flat.repeat(runs, 1)
    x = with_one(federation.x)  # clients × records × d + 1
    across, x = x.view(-1, inputs + 1).T.contiguous().numpy(), x.numpy()
    share = (federation.mask / federation.sizes.clamp(min=1).unsqueeze(1)).flatten().numpy()
    hot = torch.nn.functional.one_hot(federation.y.flatten(), classes).float().T.contiguous().numpy() * share
    x_test, y_test = with_one(federation.x_test).T.contiguous().numpy(), federation.y_test.numpy()
    std = torch.tensor([mech.std for mech in mechs]).unsqueeze(1)
    clip = np.array([mech.clip for mech in mechs], np.float32)
    noise, found = unit_noise((plan.seed,), plan.rounds, len(flat)), []

    def parted(rows):
        """Rows (runs × rows × all records) as stacks of matrices, runs × clients × rows × records."""
        return rows.reshape(*rows.shape[:2], clients, -1).transpose(0, 2, 1, 3)

    first, second = _layers(theta, shapes, lengths)
    for t in range(plan.rounds):
        hidden = _hidden(first, across)
        odds = torch.from_numpy(second @ hidden).softmax(1).numpy()
        lack = odds * share - hot  # runs × classes × all records
        back = second[:, :, :-1].transpose(0, 2, 1) @ lack
        back *= hidden[:, :-1] > 0
        outer = parted(lack) @ parted(hidden).transpose(0, 1, 3, 2)  # runs × clients × classes × hidden + 1
        inner = back.reshape(runs * hidden_, clients, -1).transpose(1, 0, 2) @ x  # clients × runs · hidden × d + 1
        inner = inner.reshape(clients, runs, hidden_, -1).transpose(1, 0, 2, 3)
        squares = sum(np.einsum("rcij,rcij->rc", part, part) for part in (outer, inner))
        kept = (clip[:, None] / (plan.lr * np.sqrt(squares)).clip(min=1e-12)).clip(max=1)  # runs × clients
        sums = [torch.from_numpy(np.einsum("rc,rcij->rij", kept, part)) for part in (inner, outer)]
        total = torch.cat([piece.flatten(1) for part in sums for piece in (part[..., :-1], part[..., -1])], 1)
        theta = theta + plan.server.lr * (std * noise[t].T.float() - plan.lr * total) / clients
        first, second = _layers(theta, shapes, lengths)
        found.append(((second @ _hidden(first, x_test)).argmax(1) == y_test).mean(1))
    return np.array(found, np.float32).T


def _hidden(first, across):
    """What the hidden layer gives for records (d + 1 × n), beside a 1 (runs × hidden + 1 × n)."""
    found = np.empty((len(first), first.shape[1] + 1, across.shape[1]), np.float32)
    np.matmul(first, across, out=found[:, :-1])
    np.maximum(found[:, :-1], 0, out=found[:, :-1])
    found[:, -1] = 1
    return found


def _layers(theta, shapes, lengths):
    """Both layers of runs of parameters (runs × parameters), each with its bias as the last column."""
    parts = [part.view(-1, *shape) for part, shape in zip(theta.split(lengths, 1), shapes, strict=True)]
    return [torch.cat([weight, bias.unsqueeze(2)], 2).numpy() for weight, bias in (parts[:2], parts[2:])]
