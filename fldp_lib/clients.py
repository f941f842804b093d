"""Local training of every client at once: from one theta and all clients' data to updates (clients × parameters)."""

import torch
from torch.nn import functional as F

from . import models


def record_loss(outputs, targets, task):
    """Return the loss of every record.

    Args:
        outputs: (… × out).
        targets: (…), class numbers or real targets.
        task: "classification" (cross-entropy; with one output, logistic loss) or "regression" (squared error).

    Returns:
        Losses (…), the shape of `targets`.

    Derived in: notebook 03.
    """
    if task == "regression":
        return (outputs.squeeze(-1) - targets).square()
    if outputs.shape[-1] == 1:
        return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets.to(outputs.dtype), reduction="none")
    flat = F.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1), reduction="none")
    return flat.reshape(targets.shape)


def gradients(model, thetas, x, y, weights, loss):
    """Return every client's gradient of its own weighted loss, with one backward pass for all.

    The clients' losses are summed; client k's loss depends on row k of `thetas` alone, so the gradient of the sum with
    respect to that row is client k's gradient.

    Args:
        model: an `nn.Module` as in `models.stacked_forward`.
        thetas: (clients × parameters).
        x: (clients × samples × features).
        y: (clients × samples).
        weights: weight of each record's loss (clients × samples); 0 for padding, 1/n_k for a mean.
        loss: maps outputs (clients × samples × out) and targets (clients × samples) to losses (clients × samples).

    Returns:
        Gradients (clients × parameters).

    Derived in: notebook 03.
    """
    thetas = thetas.detach().requires_grad_()
    losses = loss(models.stacked_forward(model, thetas, x), y)  # clients × samples
    total = (losses * weights).sum()
    return torch.autograd.grad(total, thetas)[0]


def example_gradients(model, thetas, x, y, loss):
    """Return the gradient of every single record: a record is a client with one record.

    Args:
        model, loss: as in `gradients`.
        thetas: (clients × parameters).
        x: (clients × samples × features).
        y: (clients × samples).

    Returns:
        Gradients (clients × samples × parameters), those of padding included.

    Derived in: notebook 05.
    """
    clients, samples = y.shape
    each = thetas.repeat_interleave(samples, 0)  # (clients · samples) × parameters
    ones = torch.ones(clients * samples, 1, dtype=x.dtype, device=x.device)
    grads = gradients(model, each, x.flatten(0, 1).unsqueeze(1), y.flatten().unsqueeze(1), ones, loss)
    return grads.unflatten(0, (clients, samples))


def local_updates(
    model, theta, fed, *, local_steps=1, lr=0.1, batch_rate=1.0, proximal=0.0, mechanism=None, loss=None, generator=None
):
    """Train every client from the same `theta` on its own data and return what each would send.

    Each local step moves along the mean gradient over the client's records: FedSGD with one step, FedAvg with several.
    A client without records, or whose mini-batch came out empty, does not move in that step.

    Args:
        model: an `nn.Module` as in `models.stacked_forward`.
        theta: the global parameters (parameters,).
        fed: a `Federation`; all its clients train.
        local_steps: gradient steps, at least 1.
        lr: step size, positive.
        batch_rate: each local step uses each record with this probability (Poisson mini-batches), in (0, 1].
        proximal: weight μ ≥ 0 of the term μ/2·‖theta_k − theta‖² that holds clients together.
        mechanism: a record-level mechanism (`unit="record"`): every record's gradient is clipped and every local step
            gets noise, DP-SGD inside each client. The divisor n_k·batch_rate is fixed, with n_k taken as public.
        loss: as in `gradients`; None takes `record_loss` for the federation's task.
        generator: draws mini-batches and record-level noise; needed where either is used.

    Returns:
        Updates theta_k − theta (clients × parameters).

    Derived in: notebook 03 (FedSGD, FedAvg), notebook 05 (record level).
    Source: McMahan et al. 2017 (FedAvg); Li et al. 2020 (proximal term); Abadi et al. 2016 (DP-SGD).
    """
    loss = loss or (lambda outputs, targets: record_loss(outputs, targets, fed.task))
    theta_of = theta.expand(fed.clients, -1)  # clients × parameters
    update = torch.zeros_like(theta_of)
    sizes = fed.sizes.clamp(min=1).to(theta.dtype)  # (clients,)
    masks = _batches(fed.mask, local_steps, batch_rate, generator).to(theta.dtype)  # steps × clients × samples
    if mechanism is not None:
        draws = mechanism.noise((fed.clients, local_steps, len(theta)), generator).to(theta)
    for step in range(local_steps):
        here, mask = theta_of + update, masks[step if len(masks) > 1 else 0]
        if mechanism is None:
            grad = gradients(model, here, fed.x, fed.y, mask / mask.sum(1, keepdim=True).clamp(min=1), loss)
        else:
            each, _ = mechanism.clip_rows(example_gradients(model, here, fed.x, fed.y, loss))
            total = (each * mask.unsqueeze(-1)).sum(1) + draws[:, step]  # clients × parameters
            grad = total / (sizes * batch_rate).unsqueeze(1)
        update = update - lr * (grad + proximal * update)
    return update


def _batches(mask, local_steps, batch_rate, generator):
    """Draw Poisson mini-batches: masks (steps × clients × samples), or (1 × clients × samples) for the full batch."""
    if batch_rate >= 1:
        return mask.unsqueeze(0)
    draws = torch.rand(len(mask), local_steps, mask.shape[1], generator=generator)  # client-major: chunks change nothing
    return mask.unsqueeze(0) & (draws < batch_rate).transpose(0, 1).to(mask.device)
