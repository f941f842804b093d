"""What `train` tries out before a private run: that one client's data touch nobody else's update, nor its weight."""

import torch
from torch import nn

from . import clients, models

CLIENTS, RECORDS = 3, 4


def check_loss_is_separate(model, federation, loss):
    """Refuse a model or loss that mixes clients: noise is calibrated to what a client moves through its own update.

    Three clients with made-up records take one step. Then the first one's records become others, huge, or NaN, or it is left
    out: the gradients of the other two have to stay what they were. No client's record is looked at: those that stand for
    them are made up, or public where they are codes.

    Args:
        model: an `nn.Module` that passes `models.check_stackable`.
        federation: a `Federation`, for the number of features, the task and its public test set.
        loss: maps outputs (clients × samples × out) and targets (clients × samples) to losses (clients × samples).

    Raises:
        ValueError: losses of another shape, or a client that moves another's gradient.
    """
    theta, random = models.flatten(model).detach(), torch.Generator().manual_seed(0)
    theta = theta + 0.1 * torch.randn(theta.shape, generator=random, dtype=torch.float32, device="cpu").to(
        theta
    )  # zero could hide what is mixed
    coded = any(isinstance(part, nn.Embedding) for part in model.modules())  # codes: others than those in use are none
    x = _records(federation, random, coded).to(theta)
    y = _targets(federation, (CLIENTS, RECORDS), random).to(theta.device)
    base = _gradients(model, theta, x, y, loss)
    scale = base.abs().amax(1, keepdim=True) + 1e-30

    def others_stay(what, x, y, first=1):
        moved = (_gradients(model, theta, x, y, loss)[first:] - base[1:]).abs()
        if not (moved <= 1e-3 * scale[1:]).all():  # NaN is not; half precision rounds by less
            raise ValueError(
                f"loss must be each client's own under a mechanism: where one client {what}, others' gradients change, and "
                "no clip bounds that; do not normalise or average over the first axis (clients × samples)"
            )

    other_rows = _records(federation, random, coded)[0].to(theta)
    tried = {"has other records": other_rows if coded else -3 * x[0]}
    if not coded:
        tried |= {"has huge records": 1e4 * x[0], "has NaN in its records": torch.nan * x[0]}
    for what, rows in tried.items():
        other, targets = x.clone(), y.clone()
        other[0] = rows
        targets[0] = y[0].flip(0)
        others_stay(what, other, targets)
    others_stay("is left out", x[1:], y[1:], first=0)


def check_weights_are_separate(aggregator):
    """Refuse an aggregator of bounded weights that weighs a client by other clients' sizes, or by more than 1.

    Raises:
        ValueError: weights beyond [0, 1], or other ones where another client is left out.
    """
    sizes = torch.tensor([0, 1, 3, 50, 10_000], device="cpu")
    together = aggregator.weigh(sizes).double()
    alone = torch.cat([aggregator.weigh(sizes[k : k + 1]).double() for k in range(len(sizes))])
    if together.shape != sizes.shape or not ((together >= 0) & (together <= 1) & ((together - alone).abs() < 1e-6)).all():
        raise ValueError(
            "aggregator must weigh each client by its own size under a mechanism, in [0, 1]: "
            f"{aggregator!r} gives {together.tolist()} to sizes {sizes.tolist()}, and {alone.tolist()} to each alone"
        )


def _gradients(model, theta, x, y, loss):
    weights = torch.full(y.shape, 1 / RECORDS, dtype=x.dtype, device=x.device)
    return clients.gradients(model, theta.expand(len(x), -1), x, y, weights, loss).double()


def _records(federation, random, coded):
    """Records (clients × records × features): made up, or public ones where they are codes."""
    if coded:
        rows = torch.randint(len(federation.x_test), (CLIENTS, RECORDS), generator=random, device="cpu")
        return federation.x_test[rows.to(federation.x_test.device)]
    return torch.randn(CLIENTS, RECORDS, federation.x.shape[-1], generator=random, device="cpu")


def _targets(federation, shape, random):
    """Targets as the public test set has them, or made-up ones where it is empty."""
    y = federation.y_test
    if len(y):
        return y[torch.randint(len(y), shape, generator=random, device="cpu").to(y.device)]
    return federation.y.new_zeros(shape)
