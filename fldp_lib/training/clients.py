"""Local training of every client at once: from one theta and all clients' data to updates (clients × parameters)."""

import torch
from torch.nn import functional as F

from . import models
from .algorithms import FedAvg, FedProx, FedSGD

__all__ = ["FedAvg", "FedProx", "FedSGD", "example_gradients", "gradients", "local_updates", "record_loss"]


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
        model: an `nn.Module` that passes `models.check_stackable`.
        thetas: (clients × parameters).
        x: (clients × samples × features).
        y: (clients × samples).
        weights: weight of each record's loss (clients × samples); 0 for padding, 1/n_k for a mean.
        loss: maps outputs (clients × samples × out) and targets (clients × samples) to losses (clients × samples).

    Returns:
        Gradients (clients × parameters).

    Derived in: notebook 03.
    """
    grads = _stacked_gradients(model, models.unstack(model, thetas), x, y, weights, loss)
    return torch.cat([grad.flatten(1) for grad in grads], 1)  # clients × parameters


def _stacked_gradients(model, parameters, x, y, weights, loss):
    """`gradients` for parameters as `models.unstack` cuts them; one tensor (clients × shape) for each."""
    parameters = [p.detach().requires_grad_() for p in parameters]
    losses = loss(models.stacked_forward(model, parameters, x), y)  # clients × samples
    return torch.autograd.grad(losses, parameters, grad_outputs=weights)  # of the sum of losses · weights


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
    model,
    theta,
    fed,
    *,
    local_steps=1,
    lr=0.1,
    batch_rate=1.0,
    proximal=0.0,
    mechanism=None,
    loss=None,
    generator=None,
    noise=None,
    local=None,
):
    """Train every client from the same `theta` on its own data and return what each would send.

    Each local step moves along the mean gradient over the client's records: FedSGD with one step, FedAvg with several.
    A client without records, or whose mini-batch came out empty, does not move in that step.

    Args:
        model: an `nn.Module` that passes `models.check_stackable`.
        theta: the global parameters (parameters,).
        fed: a `Federation`; all its clients train.
        local_steps: gradient steps, at least 1.
        lr: step size, positive.
        batch_rate: each local step uses each record with this probability (Poisson mini-batches), in (0, 1].
        proximal: weight μ ≥ 0 of the term μ/2·‖theta_k − theta‖² that holds clients together.
        mechanism: a record-level mechanism (`unit="record"`): every record's gradient is clipped and every local step
            gets noise, DP-SGD inside each client. The divisor n_k·batch_rate is fixed, with n_k taken as public.
        loss: as in `gradients`; None takes `record_loss` for the federation's task.
        generator: draws mini-batches; needed where `batch_rate` < 1.
        noise: a generator that draws record-level noise; None takes `generator`.
        local: a local algorithm, such as `FedAvg(steps=5)`; None makes one of `local_steps` and `proximal`.

    Returns:
        Updates theta_k − theta (clients × parameters).

    Derived in: notebook 03 (FedSGD, FedAvg), notebook 05 (record level).
    Source: McMahan et al. 2017 (FedAvg); Li et al. 2020 (proximal term); Abadi et al. 2016 (DP-SGD).
    """
    local = local or (FedProx(local_steps, proximal) if proximal else FedAvg(local_steps))
    local_steps = local.steps
    loss = loss or (lambda outputs, targets: record_loss(outputs, targets, fed.task))
    noise = noise or generator
    if (batch_rate < 1 and generator is None) or (mechanism is not None and noise is None):
        raise ValueError("generator must be given where mini-batches or noise are drawn, got None")
    x = fed.x.to(theta.dtype)
    weights = _weights(fed, local_steps, batch_rate, mechanism is not None, generator, theta.dtype)
    draws = mechanism and mechanism.noise_rows(fed.clients, (local_steps, len(theta)), noise).to(theta.device)
    start = models.unstack(model, theta.unsqueeze(0))  # 1 × shape, for each parameter tensor of the model
    here = [p.expand(fed.clients, *p.shape[1:]) for p in start]  # clients × shape
    for step in range(local_steps):
        weight = weights[step if len(weights) > 1 else 0]  # clients × samples
        if mechanism is None:
            grads = _stacked_gradients(model, here, x, fed.y, weight, loss)
        else:
            thetas = torch.cat([p.flatten(1) for p in here], 1)  # clients × parameters
            each, _ = mechanism.clip_rows(example_gradients(model, thetas, x, fed.y, loss))
            divisor = (fed.sizes.clamp(min=1) * batch_rate).unsqueeze(1)
            total = (each * (weight > 0).unsqueeze(-1)).sum(1, dtype=torch.float64) + draws[:, step]  # then rounded
            grads = models.unstack(model, (total / divisor).to(theta.dtype))
        if local_steps == 1:  # FedSGD: the update is the step itself
            return torch.cat([g.flatten(1) for g in grads], 1).mul_(-lr)  # clients × parameters
        if step:  # the first begins at the global parameters, where nothing is to correct
            grads = local.correct(grads, here, start)
        if step == 0:
            here = [torch.sub(p, g, alpha=lr) for p, g in zip(here, grads, strict=True)]
        else:
            for p, g in zip(here, grads, strict=True):
                p.sub_(g, alpha=lr)  # in place: the federation's parameters are the largest thing in memory
    return torch.cat([(p - p0).flatten(1) for p, p0 in zip(here, start, strict=True)], 1)  # clients × parameters


def _weights(fed, local_steps, batch_rate, fixed, generator, dtype):
    """Weights of the records' losses: (1 × clients × samples) for the full batch, else (steps × clients × samples).

    Each client's weights are 1 over the number of its records in the batch, or, if `fixed`, 1 over the expected number.
    """
    batch = fed.mask.unsqueeze(0)
    if batch_rate < 1:  # drawn client by client, so that chunks of clients change nothing
        draws = torch.rand(fed.clients, local_steps, fed.mask.shape[1], generator=generator)
        batch = batch & (draws < batch_rate).transpose(0, 1).to(batch.device)
    count = fed.sizes.clamp(min=1).unsqueeze(1) * batch_rate if fixed else batch.sum(2, keepdim=True).clamp(min=1)
    return batch.to(dtype) / count
