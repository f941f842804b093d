"""Some private runs of a two-layer network side by side: what `train` does with one local step and noise at the server.

`tests/course/test_networks.py` holds it to `train`, run by run.
"""

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
    theta = flat.repeat(runs, 1)
    x = with_one(federation.x)  # clients × records × d + 1
    share = (federation.mask / federation.sizes.clamp(min=1).unsqueeze(1)).unsqueeze(-1)
    hot = torch.nn.functional.one_hot(federation.y, shapes[3][0]) * share
    x_test, std = with_one(federation.x_test), torch.tensor([mech.std for mech in mechs]).unsqueeze(1)
    clip = torch.tensor([mech.clip for mech in mechs]).unsqueeze(1)
    noise, found = unit_noise((plan.seed,), plan.rounds, len(flat)), []
    for t in range(plan.rounds):
        first, second = _layers(theta, shapes, lengths)
        hidden = (x @ first.unsqueeze(1).mT).relu_()  # runs × clients × records × hidden
        both = with_one(hidden)
        lack = (both @ second.unsqueeze(1).mT).softmax(3).mul(share).sub_(hot)
        back = (lack @ second[:, None, :, :-1]) * (hidden > 0)
        outer, inner = lack.mT @ both, back.mT @ x  # runs × clients × out × hidden + 1, … × hidden × d + 1
        norms = plan.lr * (outer.square().sum((2, 3)) + inner.square().sum((2, 3))).sqrt()  # runs × clients
        kept = (clip / norms.clamp(min=1e-12)).clamp(max=1)[..., None, None]
        sums = [(part * kept).sum(1) for part in (inner, outer)]  # runs × rows × columns + 1
        total = torch.cat([piece.flatten(1) for part in sums for piece in (part[..., :-1], part[..., -1])], 1)
        theta = theta + plan.server.lr * (std * noise[t].T.float() - plan.lr * total) / clients
        first, second = _layers(theta, shapes, lengths)
        found.append(((with_one((x_test @ first.mT).relu_()) @ second.mT).argmax(2) == federation.y_test).float().mean(1))
    return torch.stack(found, 1).numpy()


def _layers(theta, shapes, lengths):
    """Both layers of runs of parameters (runs × parameters), each with its bias as the last column."""
    parts = [part.view(-1, *shape) for part, shape in zip(theta.split(lengths, 1), shapes, strict=True)]
    return [torch.cat([weight, bias.unsqueeze(2)], 2) for weight, bias in (parts[:2], parts[2:])]
