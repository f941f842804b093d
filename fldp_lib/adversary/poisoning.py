"""Clients that work against the training: they flip labels, send updates of their own, or plant a backdoor.

The first `attackers` clients of a federation are the malicious ones. Poisoned data are a `Federation`; poisoned updates
enter `train` by a `Poisoned` aggregator, which changes their rows before the real aggregator sees them.
"""

from dataclasses import dataclass, replace

import torch

from .. import checks, data


@dataclass(frozen=True)
class Poisoned:
    """An aggregator that sees malicious updates in the first rows.

    Args:
        aggregator: the real one, from `aggregation`.
        attack: maps updates (cohort × parameters) and the number of attackers to the attackers' rows.
        attackers: number of malicious clients, the first ones of the cohort; every client has to take part.

    Raises:
        TypeError, ValueError: no functions, or a number of attackers that is none; when called, a cohort of fewer clients,
            or an attack that returns other than one row an attacker.

    Derived in: notebook 15.
    """

    aggregator: object
    attack: object
    attackers: int
    weigh = None

    def __post_init__(self):
        checks.function("aggregator", self.aggregator, "from aggregation"), checks.function("attack", self.attack)
        checks.whole("attackers", self.attackers, at_least=0)

    def __call__(self, updates, sizes=None):
        """Return what the aggregator makes of the cohort's updates (cohort × parameters) after the attack."""
        if self.attackers:
            _cohort(updates, self.attackers)
            bad, shape = self.attack(updates, self.attackers), (self.attackers, updates.shape[1])
            if not isinstance(bad, torch.Tensor) or bad.shape != shape:
                got = tuple(bad.shape) if isinstance(bad, torch.Tensor) else type(bad).__name__
                raise ValueError(f"attack must return the attackers' rows, of shape {shape}, got {got}")
            updates = torch.cat([bad.to(updates), updates[self.attackers :]])
        return self.aggregator(updates, sizes)


def sign_flip(updates, attackers):
    """Each attacker sends the opposite of its own update.

    Args:
        updates: of the cohort, the attackers' first (cohort × parameters).
        attackers: how many they are, 0 … cohort; in the attacks that look at honest updates, fewer than the cohort.
    """
    updates = _cohort(updates, attackers)
    return -updates[:attackers]


def boost(factor):
    """Return an attack in which each attacker sends `factor` times its own update, such as one on poisoned data."""
    factor = checks.real("factor", factor)

    def scaled(updates, attackers):
        updates = _cohort(updates, attackers)
        return factor * updates[:attackers]

    return scaled


def a_little_is_enough(updates, attackers):
    """All attackers send the honest mean, moved by as many deviations as still look like one of the crowd.

    It knows the honest updates and that they are judged coordinate by coordinate, or by distance: the shift is the normal
    quantile at which enough honest updates lie farther out to outvote the others. Source: Baruch, Baruch & Goldberg 2019.
    """
    from scipy.special import ndtri

    updates, count = _cohort(updates, attackers, honest=1), len(updates)
    honest = updates[attackers:]
    needed = count // 2 + 1 - attackers  # honest ones that must lie farther out for a majority
    z = float(ndtri(max(0.5, (len(honest) - needed) / max(1, len(honest)))))
    bad = honest.mean(0) - max(z, 0.1) * honest.std(0, correction=0)
    return bad.expand(attackers, -1)


def inner_product(factor):
    """Return an attack in which all attackers send −`factor` times the honest mean: the sum is to point the wrong way.

    Adaptive: it knows the honest updates. A small factor keeps it inside the crowd, where the distances that Krum looks at
    are short, and equal copies support each other. Source: Xie, Koyejo & Gupta 2019.
    """
    factor = checks.real("factor", factor, above=0)

    def against(updates, attackers):
        updates = _cohort(updates, attackers, honest=1)
        return (-factor * updates[attackers:].mean(0)).expand(attackers, -1)

    return against


def flip_labels(federation, attackers, classes):
    """Return the federation whose first clients have their labels turned round: c becomes classes − 1 − c.

    Args:
        federation: a `Federation` for classification.
        attackers: number of malicious clients, 0 … clients.
        classes: number of classes, at least 2 and more than the largest label.
    """
    attackers = _attacked(federation, attackers)
    classes = checks.whole("classes", classes, at_least=max(2, int(federation.y.max()) + 1))
    y = federation.y.clone()
    y[:attackers] = (classes - 1 - y[:attackers]) * federation.mask[:attackers]
    return replace(federation, y=y)


def backdoor(federation, attackers, pixels, target, value=1.0):
    """Return the federation whose first clients have a trigger in every second record, labelled as `target`.

    Args:
        federation: a `Federation` for classification.
        attackers: number of malicious clients, 0 … clients.
        pixels: features of the trigger, at least one of 0 … features − 1.
        target: the class that it should bring, from 0.
        value: of the trigger's features, finite.
    """
    attackers = _attacked(federation, attackers)
    target = checks.whole("target", target, at_least=0, at_most=checks.LARGEST)
    x, y = federation.x.clone(), federation.y.clone()
    x[:attackers, ::2] = stamp(x[:attackers, ::2], pixels, value) * federation.mask[:attackers, ::2, None]
    y[:attackers, ::2] = target * federation.mask[:attackers, ::2]
    return replace(federation, x=x, y=y)


def stamp(x, pixels, value=1.0):
    """Return records with the trigger in them.

    Args:
        x: (… × features).
        pixels, value: as in `backdoor`.
    """
    x, value = checks.tensor("x", x).clone(), checks.real("value", value)
    if not x.ndim:
        raise ValueError("x must have shape (…, features), got a number")
    pixels = list(pixels) if isinstance(pixels, (range, set, frozenset)) else pixels
    pixels = checks.tensor("pixels", pixels, ("n",), "whole")
    if not len(pixels) or pixels.min() < 0 or pixels.max() >= x.shape[-1]:
        raise ValueError(f"pixels must be at least one of the features 0 … {x.shape[-1] - 1}, got {pixels.tolist()}")
    x[..., pixels] = value
    return x


def _cohort(updates, attackers, honest=0):
    """The cohort's updates, if these are rows, and enough of them besides the attackers'."""
    updates = checks.tensor("updates", updates, ("cohort", "parameters"))
    checks.whole("attackers", attackers, at_least=0, at_most=len(updates) - honest)
    return updates


def _attacked(federation, attackers):
    checks.kind("federation", federation, data.Federation, "a Federation, from data.split")
    if federation.task != "classification":
        raise ValueError(f"federation must be for classification, whose labels can be turned, got {federation.task!r}")
    return checks.whole("attackers", attackers, at_least=0, at_most=federation.clients)
