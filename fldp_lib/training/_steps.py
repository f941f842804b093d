"""One local step of all clients: by a backward pass that is written out where model and loss offer theirs, else by autograd.

Both give the same numbers to rounding. The written-out one makes each parameter tensor's gradient a product of two stacked
matrices (`models.MLP.factors`), so that a step is one `baddbmm` in place, θ ← θ − lr·left·right: no graph, no gradient
in memory, and what lies between is written where the last step's was.
"""

import torch

from . import models


class Bench:
    """What one run's local training uses again and again: how its gradients are computed, and tensors to work in.

    Args:
        model, loss: as in `clients.gradients`; neither changes as long as the bench is used.
    """

    def __init__(self, model, loss):
        self.model, self.loss = model, loss
        self.written = hasattr(loss, "slope") and models.offers(model, "factors")
        self.shapes = [p.shape for _, p in models.trained(model)]
        self.sizes = [shape.numel() for shape in self.shapes]
        self.kept, self.weighed = {}, (None, None)

    def room(self, name, shape, like):
        """Return a tensor of the shape, with dtype and device of `like`; it holds what was last written under the name."""
        kept = self.kept.get(name)
        if kept is None or kept.shape != shape or kept.dtype != like.dtype or kept.device != like.device:
            kept = self.kept[name] = like.new_empty(shape)
        return kept

    def weights(self, fed, find):
        """Return find(fed), found once as long as the federation is the same."""
        if self.weighed[0] is not fed:
            self.weighed = (fed, find(fed))
        return self.weighed[1]

    def unstack(self, thetas):
        """`models.unstack` for this model."""
        pieces, count = thetas.split_with_sizes(self.sizes, 1), thetas.shape[0]
        return [piece.view(count, *shape) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def backward(self, x, y):
        """Return what computes gradients and steps on x (clients × samples × features) and y (clients × samples)."""
        if self.written:
            return Written(self.model, self.loss, x, y, self.room)
        return Autograd(self.model, self.loss, x, y)


class Written:
    """By the model's own `factors` and the loss's own `slope`."""

    def __init__(self, model, loss, x, y, room):
        self.model, self.loss, self.x, self.y, self.room = model, loss, x, y, room

    def gradients(self, parameters, weights):
        """Return the gradients, one tensor (clients × shape) for each parameter tensor.

        Args:
            parameters: as `models.unstack` cuts them.
            weights: of the records' losses (clients × samples).
        """
        pairs = zip(self._factors(parameters, weights), parameters, strict=True)
        return [_product(left, right).view(p.shape) for (left, right), p in pairs]

    def step(self, parameters, weights, lr, shared):
        """Return the parameters after one step of size `lr`: new tensors if they are `shared`, else the same, moved."""
        moved = []
        for (left, right), p in zip(self._factors(parameters, weights), parameters, strict=True):
            matrix = p if p.ndim == 3 else p.unsqueeze(2)  # a bias is one column
            if shared:
                moved.append(torch.baddbmm(matrix, left, right, alpha=-lr).view(p.shape))
            else:
                matrix.baddbmm_(left, right, alpha=-lr)
                moved.append(p)
        return moved

    def _factors(self, parameters, weights):
        with torch.no_grad():
            return self.model.factors(
                parameters, self.x, lambda outputs: self.loss.slope(outputs, self.y, weights, self.room), self.room
            )


class Autograd:
    """By autograd, for any model and loss; methods as in `Written`."""

    def __init__(self, model, loss, x, y):
        self.model, self.loss, self.x, self.y = model, loss, x, y

    def gradients(self, parameters, weights):
        parameters = [p.detach().requires_grad_() for p in parameters]
        losses = self.loss(models.stacked_forward(self.model, parameters, self.x), self.y)  # clients × samples
        return torch.autograd.grad((losses * weights).sum(), parameters)  # `grad_outputs` would import a second of sympy

    def step(self, parameters, weights, lr, shared):
        return descend(parameters, self.gradients(parameters, weights), lr, shared)


def descend(parameters, directions, lr, shared):
    """Return the parameters moved by −lr·directions: new tensors if they are `shared`, else the same, moved."""
    pairs = zip(parameters, directions, strict=True)
    return [torch.sub(p, d, alpha=lr) if shared else p.sub_(d, alpha=lr) for p, d in pairs]


def _product(left, right):
    """Multiply stacked matrices (clients × rows × samples) and (clients × samples × columns)."""
    return left * right if left.shape[2] == 1 else torch.bmm(left, right)
