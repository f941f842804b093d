"""One model over columns that lie apart: bottoms at the parties, a cut, and a top where the labels are.

In each step every party sends its patients' activations; the holder of the labels joins them, and sends each patient's
gradient back. Nobody sends a column, a label or a weight; `adversary.vertical` shows what can be read all the same.
"""

import torch

from .. import checks
from ..privacy import mechanisms
from . import _actors
from .parties import Aligned
from .protection import Guard
from .run import Run

JOINS = ("concat", "sum")
FIXED = ("random", "mean")


def train(
    table, steps=30, lr=1.0, momentum=0.9, cut=2, join="concat", activation="tanh", fixed=False, features=None, labels=None,
    seed=0, record=True,
):  # fmt: skip
    """Train a split model on all patients of a table at once, with every message said and kept.

    Args:
        table: an `Aligned`.
        steps: of gradient descent, at least 1.
        lr, momentum: step size, positive, and momentum, in [0, 1).
        cut: activations a party sends for a patient, at least 1.
        join: "concat" (the top has a weight for each) or "sum".
        activation: of the bottoms, "tanh" or "linear".
        fixed: False, or which public weights the feature parties' bottoms have, never trained: "random", or "mean" (the mean
            of a party's columns, with `cut` 1). Then activations are sent once, and no gradient comes back.
        features: what the feature parties add: a `Guard`; with fixed weights also a `RandomisedResponse` of 2^cut categories
            (only the activations' signs are sent, one of the 2^cut patterns); one for all, or a dict from names; or None.
        labels: what protects the labels: a `RandomisedResponse` of two categories (labels are flipped once, before the
            training), a `Guard` (noise on gradients and on the holder's weights), or None.
        seed: of first weights, flips and noise; another table needs another seed, or both share their noise.
        record: whether the run keeps the activations and gradients.

    Returns:
        A `Run`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 24.
    Source: Vepakomma, Gupta, Swedish & Raskar 2018 (split learning); Ghazi et al. 2021 (randomised response for labels).
    """
    settings = _settings(table, steps, lr, momentum, cut, join, activation, fixed, features, labels, seed, record)
    guards, y = settings["features"], table.y
    if isinstance(labels, mechanisms.RandomisedResponse):
        y = labels.randomise(y, _actors.stream(seed, "labels"))
    bottoms, top = beginning(table, cut, join, seed)
    if fixed == "mean":
        bottoms = [weights if place == table.holder else _actors.average(len(weights[0]))
                   for place, weights in enumerate(bottoms)]  # fmt: skip
    people = []
    for place, (name, x, weights) in enumerate(zip(table.names, table.xs, bottoms, strict=True)):
        generator = _actors.stream(seed, name, "noise")
        if place == table.holder:
            guard = labels if isinstance(labels, Guard) else None
            descent = _actors.Descent([*weights, *top], lr, momentum)
            holder = _actors.Holder(x.double(), weights, activation, guard, generator, descent, y.double(), top, join, place)
        else:
            descent = None if fixed else _actors.Descent(weights, lr, momentum)
            people.append(_actors.Bottom(x.double(), weights, activation, guards.get(name), generator, descent))
    forth, back, losses, sent = [], [], [], None
    for _ in range(steps):
        if sent is None or not fixed:
            sent = [party.forward() for party in people]  # activations, to the holder
            forth.append(sent)
        returned, loss = holder.step(sent)
        losses.append(loss.mean())
        if not fixed:
            for party, gradient in zip(people, returned, strict=True):  # gradients, from the holder
                party.backward(gradient)
            back.append(returned)
    names = [name for place, name in enumerate(table.names) if place != table.holder]
    kept = [{name: torch.stack([one[i] for one in told]) for i, name in enumerate(names)} if record and told else {}
            for told in (forth, back)]  # fmt: skip
    frozen = tuple(tuple(weights) for weights in bottoms)
    return Run(table.names, table.holder, frozen, tuple(top), *kept, torch.stack(losses), settings)


def beginning(table, cut=2, join="concat", seed=0):
    """Return the first weights: (W, b) of each party and (v, c) of the top, double; arguments as in `train`."""
    bottoms = [_actors.start(x.shape[1], cut, _actors.stream(seed, name, "weights"))
               for name, x in zip(table.names, table.xs, strict=True)]  # fmt: skip
    inputs = cut * len(table.xs) if join == "concat" else cut
    weight, bias = _actors.start(inputs, 1, _actors.stream(seed, "top"))
    return bottoms, [weight.squeeze(1), bias]


def whole(table, steps=30, lr=1.0, momentum=0.9, cut=2, join="concat", activation="tanh", seed=0):
    """Train the same network in one piece, by automatic differentiation and torch's own optimiser: what `train` must equal.

    Args:
        table, steps, lr, momentum, cut, join, activation, seed: as in `train`.

    Returns:
        (W, b) of each party, and (v, c).

    Derived in: notebook 24.
    """
    _settings(table, steps, lr, momentum, cut, join, activation, False, None, None, seed, True)
    bottoms, top = beginning(table, cut, join, seed)
    weights = [weight.requires_grad_() for part in (*bottoms, top) for weight in part]
    optimiser = torch.optim.SGD(weights, lr=lr, momentum=momentum)
    act = _actors.ACTIVATIONS[activation]
    for _ in range(steps):
        parts = [act(x.double() @ weight + bias) for x, (weight, bias) in zip(table.xs, bottoms, strict=True)]
        joined = torch.cat(parts, 1) if join == "concat" else sum(parts)
        loss = _actors.logits(table.y.double(), joined @ top[0] + top[1]).mean()
        optimiser.zero_grad()
        loss.backward(inputs=weights)
        optimiser.step()
    return [[weight.detach() for weight in part] for part in bottoms], [weight.detach() for weight in top]


def _settings(table, steps, lr, momentum, cut, join, activation, fixed, features, labels, seed, record):
    checks.kind("table", table, Aligned, "an Aligned, such as from parties.align")
    checks.whole("steps", steps, at_least=1), checks.real("lr", lr, above=0)
    checks.real("momentum", momentum, at_least=0, below=1), checks.whole("cut", cut, at_least=1)
    checks.one_of("join", join, JOINS), checks.one_of("activation", activation, tuple(_actors.ACTIVATIONS))
    checks.whole("seed", seed, at_least=0), checks.flag("record", record)
    if fixed is not False:
        checks.one_of("fixed", fixed, FIXED)
        if fixed == "mean" and cut != 1:
            raise ValueError(f"cut must be 1 where fixed='mean', which is one number a patient; got {cut}")
    others = [name for place, name in enumerate(table.names) if place != table.holder]
    guards = features if isinstance(features, dict) else dict.fromkeys(others, features) if features is not None else {}
    for name, guard in guards.items():
        checks.one_of("features", name, others)
        checks.kind(
            "features", guard, (Guard, mechanisms.RandomisedResponse), "a Guard or RandomisedResponse, a dict, or None"
        )
        if isinstance(guard, mechanisms.RandomisedResponse) and (fixed is False or guard.categories != 2**cut):
            raise ValueError(
                f"features must be a RandomisedResponse of 2^cut = {2**cut} categories and with fixed weights, or a Guard; "
                f"got {guard!r} with fixed={fixed!r}"
            )
    if labels is not None:
        checks.kind("labels", labels, (mechanisms.RandomisedResponse, Guard), "a RandomisedResponse, a Guard, or None")
        if isinstance(labels, mechanisms.RandomisedResponse) and labels.categories != 2:
            raise ValueError(f"labels must have the two categories of a label, got {labels.categories}")
    return dict(steps=steps, lr=lr, momentum=momentum, cut=cut, join=join, activation=activation, fixed=fixed,
                features=guards, labels=labels, seed=seed, patients=len(table))  # fmt: skip
