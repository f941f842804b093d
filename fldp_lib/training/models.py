"""Small torch models, and what of them trains as one flat vector `theta` (parameters,).

A federation trains every client's copy at once, so a model is also a function of stacked parameters: `unstack`
cuts thetas (clients × parameters) into stacked weights, and `stacked_forward` maps those and x (clients × samples ×
features) to outputs (clients × samples × out). `Linear` and `MLP` have their backward pass written out, too: `factors`.

A parameter with `requires_grad=False` is frozen: the same for all clients, part of the model and not of theta. What is not
in theta is not sent, not clipped, gets no noise and costs nothing.
"""

import copy
import math

import torch
from torch import nn

from .. import checks
from ._offers import made_of, offers
from ._vmapped import vmapped
from .stackable import check_stackable

__all__ = [
    "MLP", "Linear", "check_stackable", "check_theta", "count", "flatten", "frozen", "made_of", "offers", "predict",
    "stacked_forward", "trained", "unstack", "with_theta",
]  # fmt: skip


class Linear(nn.Module):
    """One affine map: softmax regression for `out` > 1 classes, logistic or linear regression for `out` = 1.

    Args:
        features: number of inputs d, at least 1.
        out: number of outputs, at least 1.
        seed: seed of the initial weights; None starts at zero, which a convex model may.

    Derived in: notebook 03.
    """

    def __init__(self, features, out, seed=None):
        super().__init__()
        self.fc = _affine(features, out, seed)

    def whole(self):
        """Whether the layers are those that `stacked` and `factors` are about."""
        return made_of(self, (nn.Linear, 2))

    def forward(self, x):
        return self.fc(x)

    def stacked(self, parameters, x):
        weight, bias = parameters
        out = torch.baddbmm(bias.unsqueeze(2), weight, x.transpose(1, 2))  # clients × out × samples
        return out.transpose(1, 2)  # clients × samples × out

    def factors(self, parameters, x, slope, room):
        """Return each parameter tensor's gradient as the two factors of a matrix product.

        With outputs Z = W·Xᵀ + b (out × samples) and D = ∂loss/∂Z, the gradients are D·X for W and D·1 for b.

        Args:
            parameters: weight (clients × out × features) and bias (clients × out).
            x: X (clients × samples × features).
            slope: maps outputs Z (clients × out × samples), which it may overwrite, to D, of the same shape.
            room: maps a name, a shape and a tensor whose kind it takes to one that may be overwritten: `_steps.Bench.room`.

        Returns:
            A pair (left, right) for each parameter tensor: (clients × rows × samples) and (clients × samples × columns),
            whose product has the parameter's shape, a bias being one column.

        Derived in: notebook 03.
        """
        weight, bias = parameters
        clients, samples, _ = x.shape
        z = room("z", (clients, bias.shape[1], samples), x)
        torch.baddbmm(bias.unsqueeze(2), weight, x.transpose(1, 2), out=z)
        d = slope(z)  # clients × out × samples
        ones = room("ones", (clients, samples, 1), x).fill_(1)
        return [(d, x), (d, ones)]


class MLP(nn.Module):
    """The article's two-layer network: affine, ReLU, affine.

    Args:
        features: number of inputs d, at least 1.
        hidden: width of the hidden layer, at least 1.
        out: number of outputs, at least 1.
        seed: seed of the initial weights.

    Derived in: notebook 03.
    """

    def __init__(self, features, hidden, out, seed=0):
        super().__init__()
        checks.whole("hidden", hidden, at_least=1), checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST - 1)
        self.fc1 = _affine(features, hidden, seed)
        self.fc2 = _affine(hidden, out, seed + 1)

    def whole(self):
        """Whether the layers are those that `stacked` and `factors` are about."""
        return made_of(self, (nn.Linear, 2), (nn.Linear, 2))

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))

    def stacked(self, parameters, x):
        w1, b1, w2, b2 = parameters
        hidden = torch.baddbmm(b1.unsqueeze(2), w1, x.transpose(1, 2)).relu()  # clients × hidden × samples
        return torch.baddbmm(b2.unsqueeze(2), w2, hidden).transpose(1, 2)  # clients × samples × out

    def factors(self, parameters, x, slope, room):
        """Return each parameter tensor's gradient as the two factors of a matrix product; arguments as in `Linear.factors`.

        The chain rule through H = relu(X·W₁ᵀ + b₁) (samples × hidden) and Z = W₂·Hᵀ + b₂ (out × samples): with D = ∂loss/∂Z
        the gradients are D·H for W₂ and D·1 for b₂; with E = ∂loss/∂(X·W₁ᵀ + b₁) = (Dᵀ·W₂) ⊙ [H > 0] (samples × hidden)
        they are Eᵀ·X for W₁ and Eᵀ·1 for b₁.

        Derived in: notebook 03.
        """
        w1, b1, w2, b2 = parameters
        clients, samples, _ = x.shape
        wide, narrow = (clients, samples, b1.shape[1]), (clients, b2.shape[1], samples)
        h = torch.baddbmm(b1.unsqueeze(1), x, w1.transpose(1, 2), out=room("h", wide, x)).relu_()
        z = torch.baddbmm(b2.unsqueeze(2), w2, h.transpose(1, 2), out=room("z", narrow, x))
        d = slope(z)  # clients × out × samples
        e = torch.bmm(d.transpose(1, 2), w2, out=room("e", wide, x))
        e = torch.ops.aten.threshold_backward.grad_input(e, h, 0, grad_input=e).transpose(1, 2)  # clients × hidden × samples
        ones = room("ones", (clients, samples, 1), x).fill_(1)
        return [(e, x), (e, ones), (d, h), (d, ones)]


def trained(model):
    """Return (name, parameter) of what trains, in the order of `model.named_parameters()`: theta's parts.

    A parameter that two layers share is one, under the first of its names.
    """
    checks.kind("model", model, nn.Module, "a torch.nn.Module")
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def frozen(model):
    """Return (name, parameter) of what does not train, in the order of `model.named_parameters()`."""
    checks.kind("model", model, nn.Module, "a torch.nn.Module")
    return [(name, p) for name, p in model.named_parameters() if not p.requires_grad]


def count(model):
    """Return how many numbers train: the length of theta."""
    return sum(p.numel() for _, p in trained(model))


def flatten(model):
    """Return what trains of a model as one detached vector (parameters,), in the order of `model.parameters()`."""
    pieces = [p.detach().reshape(-1) for _, p in trained(model)]
    if not pieces:
        raise ValueError("model must have parameters that train, got none: those with requires_grad=False are frozen")
    return torch.cat(pieces)


def with_theta(model, theta):
    """Return a copy of the model that holds the parameters `theta`, beside what is frozen; the given one is left as it is.

    Args:
        model: any `nn.Module`.
        theta: parameters (parameters,), as `flatten` gives them.

    Returns:
        A new module of the same class.

    Raises:
        ValueError: `theta` has another length than what trains of the model.
    """
    check_theta(model, theta)
    model = copy.deepcopy(model)
    nn.utils.vector_to_parameters(theta.detach().clone(), [p for _, p in trained(model)])
    return model


def unstack(model, thetas):
    """Cut thetas (clients × parameters) into one view (clients × shape) for each parameter tensor that trains."""
    shapes = [p.shape for _, p in trained(model)]
    pieces = thetas.split([shape.numel() for shape in shapes], dim=1)
    return [piece.unflatten(1, shape) for piece, shape in zip(pieces, shapes, strict=True)]


def stacked_forward(model, parameters, x):
    """Run one model under many parameter vectors at once: client k's data through client k's parameters.

    Args:
        model: any `nn.Module` that passes `check_stackable`. `Linear` and `MLP` use one batched matrix product a layer;
            any other goes through `torch.func.vmap`.
        parameters: one tensor (clients × shape) for each parameter that trains, from `unstack`.
        x: (clients × samples × features).

    Returns:
        Outputs (clients × samples × out).

    Derived in: notebook 03.
    """
    if offers(model, "stacked"):
        own = iter(parameters)
        every = [next(own) if p.requires_grad else p.expand(len(x), *p.shape) for p in model.parameters()]
        return model.stacked(every, x)
    return vmapped(model, [name for name, _ in trained(model)], parameters, x)


def predict(model, theta, x):
    """Return the outputs (samples × out) of the model with parameters `theta` (parameters,) on x (samples × features)."""
    check_theta(model, theta), checks.floats("x", x, ("samples", "features"))
    with torch.no_grad():
        return stacked_forward(model, unstack(model, theta.unsqueeze(0)), x.unsqueeze(0)).squeeze(0)


def check_theta(model, theta):
    """Raise an error unless `theta` is one vector of floats as long as what trains of the model."""
    checks.kind("model", model, nn.Module, "a torch.nn.Module")
    checks.floats("theta", theta, (count(model),))


def _affine(features, out, seed):
    features = checks.whole("features", features, at_least=1)
    out = checks.whole("out", out, at_least=1)
    layer = nn.Linear(features, out, device="meta")  # draws nothing, allocates nothing
    layer.weight, layer.bias = (nn.Parameter(torch.zeros(shape, device="cpu")) for shape in ((out, features), (out,)))
    if seed is not None:
        with torch.no_grad():
            generator = torch.Generator().manual_seed(checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST))
            bound = 1 / math.sqrt(features)  # torch's own default for nn.Linear
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
