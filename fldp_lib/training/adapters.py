"""Adapters of low rank: a frozen body W, and beside it a product of two thin matrices that trains, W + (α/r)·B·A.

    small = adapters.add(body, rank=2)          # a copy; what trains, travels, is clipped and paid for: A and B
    history = train(small, federation, plan)
    whole = adapters.merge(history.trained())   # a plain model, the product folded in

**Sensitivity.** A client sends one vector, the update of all A and B side by side, clipped together to C: one client more or
fewer moves the sum by C, as ever. The product of two noisy factors is computed from what was released, and costs nothing:
but (B + N)(A + M) = BA + NA + BM + NM has the noise of each factor times the other, and noise times noise, and the mean of
the clients' products is not the product of their means. With `train_a=False` (FFA-LoRA) A stays as it was drawn: the change
of W is linear in B, in its noise and in its mean, and half as much travels.
"""

import collections
import copy
from dataclasses import dataclass

import torch
from torch import nn

from .. import checks
from . import models
from ._lowrank import KINDS, LowRank


@dataclass(frozen=True)
class Share:
    """How much of a model travels.

    Attributes:
        travels: numbers that train, which a client receives and sends: the length of theta.
        parameters: numbers of the model without adapters, of which the body is made.
        share: travels over parameters.
    """

    travels: int
    parameters: int

    @property
    def share(self):
        return self.travels / self.parameters


def add(model, rank, layers=None, alpha=None, seed=0, train=(), train_a=True):
    """Return a copy of a model that is frozen but for adapters of low rank, which change nothing yet: B is zero.

    Args:
        model: an `nn.Module`, left as it is.
        rank: r of every adapter, at least 1; more than a weight's rows or columns is refused.
        layers: names of the layers that get one, as in `model.named_modules()`; None takes every `nn.Linear`, `nn.Embedding`
            and recurrent layer of the package that `train` does not name.
        alpha: α > 0 of the scale α/r; None takes r, the scale 1.
        seed: of A, normal with variance 1/columns.
        train: names of layers or parameters that train in full besides, such as ("out",) or ("fc2.bias",).
        train_a: whether A trains; False is FFA-LoRA.

    Returns:
        A module; a layer `fc1` with an adapter is now a `LowRank` with the parts `fc1.body`, `fc1.weight_a`, `fc1.weight_b`.

    Raises:
        TypeError, ValueError: an argument out of range, a name that the model has not, a layer of another kind.

    Derived in: notebook 23.
    Source: Hu et al. 2022 (LoRA); Sun, Li, Li & Ding 2024 (FFA-LoRA).
    """
    checks.kind("model", model, nn.Module, "a torch.nn.Module")
    rank, train_a = checks.whole("rank", rank, at_least=1), checks.flag("train_a", train_a)
    alpha = float(rank) if alpha is None else checks.real("alpha", alpha, above=0)
    generator = torch.Generator().manual_seed(checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST))
    if any(isinstance(part, LowRank) for part in model.modules()):
        raise ValueError("model must be without adapters, got one that has some; merge it first")
    model = copy.deepcopy(model)
    full = _named(model, train)
    parts = dict(model.named_modules())
    if layers is None:
        own = {id(p) for p in full}
        layers = [
            name for name, part in parts.items() if type(part) in KINDS and not own.issuperset(map(id, _weights(part)))
        ]
    else:
        layers = _names("layers", layers)
    if not layers:
        raise ValueError(f"layers must be some of the model's layers, got none of {', '.join(filter(None, parts))}")
    places = collections.Counter(id(p) for part in parts.values() for p in part._parameters.values())
    for name in layers:
        _check_layer(parts, name, rank, places)
    for p in model.parameters():
        p.requires_grad_(False)
    for p in full:
        p.requires_grad_(True)
    done = {}  # a layer in two places stays one
    for name in layers:
        layer = parts[name]
        done[layer] = low = LowRank(layer, rank, alpha / rank, generator)
        for weight, _ in low.matrices():
            low.pair(weight)[0].requires_grad_(train_a)
    return _replaced(model, done)


def merge(model):
    """Return a copy of a model without adapters: each product folded into its weight, everything trainable.

    Args:
        model: a module from `add`.

    Raises:
        TypeError, ValueError: no module, or one without adapters.

    Derived in: notebook 23.
    """
    model = copy.deepcopy(_adapted(model))
    low = [part for part in model.modules() if isinstance(part, LowRank)]
    model = _replaced(model, {part: part.merged() for part in low})
    for p in model.parameters():
        p.requires_grad_(True)
    return model


def share(model):
    """Return how much of a model with adapters travels, as a `Share`.

    Raises:
        TypeError, ValueError: no module, or one without adapters.

    Derived in: notebook 23.
    """
    low = [part for part in _adapted(model).modules() if isinstance(part, LowRank)]
    added = sum(p.numel() for part in low for p in part.parameters(recurse=False))
    return Share(models.count(model), sum(p.numel() for p in model.parameters()) - added)


def _adapted(model):
    checks.kind("model", model, nn.Module, "a torch.nn.Module")
    if not any(isinstance(part, LowRank) for part in model.modules()):
        raise ValueError("model must have adapters, from adapters.add; got none")
    return model


def _named(model, names):
    """The parameters that are named, or lie in a layer that is."""
    found, parameters, parts = [], dict(model.named_parameters()), dict(model.named_modules())
    for name in _names("train", names):
        if name not in parameters and (name not in parts or not name):
            known = ", ".join([*filter(None, parts), *parameters])
            raise ValueError(f"train must name layers or parameters of the model, {known}; got {name!r}")
        found += [parameters[name]] if name in parameters else list(parts[name].parameters())
    return found


def _names(argument, names):
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{argument} must be names of layers, such as ('out',); got {names!r:.80}")
    return list(names)


def _weights(layer):
    return [p for p in layer.parameters(recurse=False) if p.ndim == 2]


def _check_layer(parts, name, rank, places):
    if name not in parts:
        raise ValueError(f"layers must be names of the model's layers, {', '.join(filter(None, parts))}; got {name!r}")
    layer = parts[name]
    if not isinstance(layer, KINDS):
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise ValueError(
            f"layers must be of {kinds} (recurrent.rewrite makes the last three); got {type(layer).__name__} at {name!r}"
        )
    if any(places[id(p)] > 1 for p in _weights(layer)):
        raise ValueError(f"layers must have weights of their own, got {name!r}, which shares its with another layer")
    most = min(min(p.shape) for p in _weights(layer))
    if rank > most:
        raise ValueError(f"rank must be at most {most}, the least side of {name!r}'s weights, got {rank}")


def _replaced(model, new):
    """The model with some parts replaced, wherever they stand; a new part's own insides are left alone."""
    if model in new:
        return new[model]
    for part in list(model.modules()):
        for name, child in part._modules.items():
            if child in new and part not in new.values():
                part._modules[name] = new[child]
    return model
