"""Attacks on a federation: an image from one update, membership from the model, poisoned updates. On bundled public data.

Each says how to tell that a defence has worked, and what that does not show.
"""

import contextlib
import math

import torch

from .. import checks
from ..training import clients, models
from ..training._bar import Bar


def read_first_layer(model, update):
    """Rebuild a client's only record from its update, in closed form.

    For an affine first layer z = Wx + b the gradient of one record is ∂W = ∂z·xᵀ and ∂b = ∂z: any row of ∂W over the same
    entry of ∂b is the record. Scaling the update (a learning rate, a clip) cancels.

    A defence works if the result is no nearer to the record than a public average of all records is; that says nothing about
    attacks that know more.

    Args:
        model: an `nn.Module` whose first parameters are the weight (units × features) and bias of an affine layer.
        update: one client's update (parameters,), of one record and one local step.

    Returns:
        The record (features,); zeros if no bias moved.

    Raises:
        TypeError, ValueError: no such model, or an update that is not one finite vector as long as its parameters.

    Derived in: notebook 15.
    Source: Phong, Aono, Hayashi, Wang & Moriai 2017.
    """
    update = _vector(model, "update", update)
    first = [tuple(p.shape) for _, p in models.trained(model)][:2]
    if len(first) < 2 or len(first[0]) != 2 or first[1] != first[0][:1]:
        raise ValueError(
            f"model must begin with an affine layer, a weight (units, features) and a bias (units,), got {first}"
        )
    weight, bias, *_ = models.unstack(model, update.unsqueeze(0))
    unit = int(bias[0].abs().argmax())
    if bias[0, unit] == 0:
        return torch.zeros_like(weight[0, unit])
    return weight[0, unit] / bias[0, unit]


def label_of(model, update):
    """Return the class of a client's only record: the output bias that went up is the true class's.

    Args:
        model: an `nn.Module` whose last parameter is the output layer's bias.
        update: one client's update (parameters,), finite.

    Derived in: notebook 15. Source: Zhao, Mopuri & Bilen 2020.
    """
    update = _vector(model, "update", update)
    *_, (_, last) = models.trained(model)
    if last.ndim != 1:
        raise ValueError(f"model must end with a bias (classes,), got a parameter of shape {tuple(last.shape)}")
    *_, bias = models.unstack(model, update.unsqueeze(0))
    return int(bias[0].argmax())


def match_gradients(model, theta, update, *, steps=100, restarts=4, low=0.0, high=1.0, seed=0):
    """Rebuild a client's only record by looking for one whose gradient points the same way.

    The distance is one minus the cosine of the two gradients, so that the step size and the clip cancel; the search is
    L-BFGS from several random starts, on values squeezed into [low, high].

    Args:
        model: an `nn.Module`, as in `train`; its last parameter is the output layer's bias.
        theta: the parameters that the client started from (parameters,).
        update: its update (parameters,).
        steps: iterations of L-BFGS, at least 1.
        restarts: random starts, at least 1.
        low, high: bounds of a feature, finite, low below high.
        seed: of the starts.

    Returns:
        The best record found (features,), and its distance (0 is a perfect match).

    Derived in: notebook 15.
    Source: Zhu, Liu & Han 2019; Geiping, Bauermeister, Dröge & Moeller 2020 (cosine).
    """
    steps, restarts = checks.whole("steps", steps, at_least=1), checks.whole("restarts", restarts, at_least=1)
    low, high = checks.real("low", low), checks.real("high", high)
    if low >= high:
        raise ValueError(f"low must be below high, {high:g}; got {low:g}")
    theta, update = _vector(model, "theta", theta), _vector(model, "update", update)
    generator = torch.Generator().manual_seed(checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST))
    first = models.trained(model)[0][1]
    if first.ndim != 2:
        raise ValueError(f"model must begin with a weight (units, features), got a parameter of shape {tuple(first.shape)}")
    features = first.shape[1]
    label = torch.tensor([[label_of(model, update)]], device=theta.device)
    wanted = -update / update.norm().clamp(min=1e-30)
    parameters = [p.clone().requires_grad_() for p in models.unstack(model, theta.unsqueeze(0))]

    def distance(raw):
        x = low + (high - low) * torch.sigmoid(raw)  # 1 × 1 × features
        loss = clients.record_loss(models.stacked_forward(model, parameters, x), label, "classification")
        grads = torch.autograd.grad(loss.sum(), parameters, create_graph=True)
        flat = torch.cat([grad.flatten() for grad in grads])
        return 1 - torch.cosine_similarity(flat, wanted, dim=0), x[0, 0].detach()

    def searched(raw):
        search = torch.optim.LBFGS(
            [raw],
            max_iter=steps,
            history_size=50,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-9,
            tolerance_change=1e-12,
        )

        def closure():
            search.zero_grad()
            value, _ = distance(raw)
            value.backward(inputs=[raw])
            return value.detach()

        search.step(closure)
        return distance(raw)

    best, least = None, math.inf
    with contextlib.closing(Bar(restarts, unit="start")) as bar:
        for _ in range(restarts):
            raw = torch.randn(1, 1, features, generator=generator, dtype=torch.float32, device="cpu")
            value, x = searched(raw.to(theta.device).requires_grad_())
            if best is None or value < least:
                best, least = x, float(value.detach())
            bar.step()
    return best, least


def _vector(model, name, vector):
    """A vector as long as the model's parameters and finite, or an error that names it."""
    models.check_stackable(model)
    return checks.finite(name, checks.tensor(name, vector, (models.count(model),)))
