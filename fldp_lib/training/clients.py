"""Local training of every client at once: from one theta and all clients' data to updates (clients × parameters)."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from . import _steps
from ._streams import coins
from .algorithms import FedAvg, FedPer, FedProx, FedSGD, Scaffold

__all__ = [
    "FedAvg", "FedPer", "FedProx", "FedSGD", "Scaffold", "TaskLoss", "example_gradients", "gradients", "local_updates",
    "record_loss",
]  # fmt: skip


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


@dataclass(frozen=True)
class TaskLoss:
    """`record_loss` for one task, with its derivative: what `train` takes where no loss is given.

    Args:
        task: as in `record_loss`.

    Derived in: notebook 03.
    """

    task: str

    def __call__(self, outputs, targets):
        """Return the loss of every record; arguments as in `record_loss`."""
        return record_loss(outputs, targets, self.task)

    def slope(self, outputs, targets, weights, room):
        """Return the derivative of Σ weights·losses with respect to the outputs.

        Of one record with outputs z and weight w: w·(softmax(z) − e_y) for the cross-entropy, w·(1/(1+e^(−z)) − y) for the
        logistic loss, 2w·(z − y) for the squared error.

        Args:
            outputs: clients × out × samples; may be overwritten.
            targets, weights: clients × samples.
            room: as in `models.Linear.factors`.

        Returns:
            The derivative (clients × out × samples).

        Raises:
            ValueError: a regression with several outputs.
        """
        y, w = targets.unsqueeze(1), weights.unsqueeze(1)  # clients × 1 × samples
        several = outputs.shape[1] > 1
        if self.task == "regression":
            if several:
                raise ValueError(f"model must have one output for a regression, got {outputs.shape[1]}")
            return outputs.sub_(y).mul_(w).mul_(2)
        if not several:
            return outputs.sigmoid_().sub_(y).mul_(w)
        p = torch.softmax(outputs, 1, out=room("p", outputs.shape, outputs))
        minus = room("minus", y.shape, outputs).fill_(-1)
        return p.scatter_add_(1, y, minus).mul_(w)


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
        loss: maps outputs (clients × samples × out) and targets (clients × samples) to losses (clients × samples); for a
            `TaskLoss`, `models.Linear` and `models.MLP` have their backward pass written out.

    Returns:
        Gradients (clients × parameters).

    Derived in: notebook 03.
    """
    bench = _steps.Bench(model, loss)
    grads = bench.backward(x, y).gradients(bench.unstack(thetas), weights)
    return torch.cat([grad.flatten(1) for grad in grads], 1)  # clients × parameters


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
    begin=None,
    bench=None,
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
        begin: where the clients begin, (1 × parameters) or (clients × parameters), and an offset (clients × parameters) for
            `local.correct` or None, as `local.begin` gives them; None begins at `theta`.
        bench: a `_steps.Bench` of this model and loss, for whoever calls again and again; None makes one.

    Returns:
        Updates, how far each client came from where it began (clients × parameters).

    Derived in: notebook 03 (FedSGD, FedAvg), notebook 05 (record level).
    Source: McMahan et al. 2017 (FedAvg); Li et al. 2020 (proximal term); Abadi et al. 2016 (DP-SGD).
    """
    local = local or (FedProx(local_steps, proximal) if proximal else FedAvg(local_steps))
    local_steps = local.steps
    bench = bench or _steps.Bench(model, loss or TaskLoss(fed.task))
    noise = noise or generator
    if (batch_rate < 1 and generator is None) or (mechanism is not None and noise is None):
        raise ValueError("generator must be given where mini-batches or noise are drawn, got None")
    x = fed.x.to(theta.dtype)

    def weigh(fed):
        return _weights(fed, local_steps, batch_rate, mechanism is not None, generator, theta.dtype)

    weights = bench.weights(fed, weigh) if batch_rate == 1 else weigh(fed)
    draws = mechanism and mechanism.noise_rows(fed.clients, (local_steps, len(theta)), noise).to(theta.device)
    first, offset = (theta.unsqueeze(0), None) if begin is None else begin
    start = bench.unstack(first)  # 1 or clients × shape, for each parameter tensor of the model
    offset = None if offset is None else bench.unstack(offset)
    here = [p.expand(fed.clients, *p.shape[1:]) for p in start]  # clients × shape
    backward = bench.backward(x, fed.y)
    plain = type(local).correct is FedAvg.correct  # nothing to correct: a step can go without a gradient in memory
    for step in range(local_steps):
        weight = weights[step if len(weights) > 1 else 0]  # clients × samples
        if mechanism is None and local_steps > 1 and (plain or (step == 0 and offset is None)):
            here = backward.step(here, weight, lr, shared=step == 0)
            continue
        if mechanism is None:
            grads = backward.gradients(here, weight)
        else:
            thetas = torch.cat([p.flatten(1) for p in here], 1)  # clients × parameters
            each, _ = mechanism.clip_rows(example_gradients(model, thetas, x, fed.y, bench.loss))
            divisor = (fed.sizes.clamp(min=1) * batch_rate).unsqueeze(1)
            total = (each * (weight > 0).unsqueeze(-1)).sum(1, dtype=torch.float64) + draws[:, step]  # then rounded
            grads = bench.unstack((total / divisor).to(theta.dtype))
        if step or offset is not None:  # the first begins where the round does: without an offset nothing is to correct
            grads = local.correct(grads, here, start, offset)
        if local_steps == 1:  # FedSGD: the update is the step itself
            return torch.cat([g.flatten(1) for g in grads], 1).mul_(-lr)  # clients × parameters
        here = _steps.descend(here, grads, lr, shared=step == 0)
    return torch.cat([p.flatten(1) for p in here], 1).sub_(first)  # clients × parameters


def _weights(fed, local_steps, batch_rate, fixed, generator, dtype):
    """Weights of the records' losses: (1 × clients × samples) for the full batch, else (steps × clients × samples).

    Each client's weights are 1 over the number of its records in the batch, or, if `fixed`, 1 over the expected number.
    """
    batch = fed.mask.unsqueeze(0)
    if batch_rate < 1:  # drawn client by client, so that chunks of clients change nothing
        drawn = coins((fed.clients, local_steps, fed.mask.shape[1]), batch_rate, generator)
        batch = batch & drawn.transpose(0, 1).to(batch.device)
    count = fed.sizes.clamp(min=1).unsqueeze(1) * batch_rate if fixed else batch.sum(2, keepdim=True).clamp(min=1)
    return batch.to(dtype) / count
