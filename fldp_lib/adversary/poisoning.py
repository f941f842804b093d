"""Clients that work against the training: they flip labels, send updates of their own, or plant a backdoor.

The first `attackers` clients of a federation are the malicious ones. Poisoned data are a `Federation`; poisoned updates
enter `train` by a `Poisoned` aggregator, which changes their rows before the real aggregator sees them.
"""

from dataclasses import dataclass, replace

import torch
from scipy import stats

from .. import checks


@dataclass(frozen=True)
class Poisoned:
    """An aggregator that sees malicious updates in the first rows.

    Args:
        aggregator: the real one, from `aggregation`.
        attack: maps updates (cohort × parameters) and the number of attackers to the attackers' rows.
        attackers: number of malicious clients, the first ones of the cohort; every client has to take part.

    Derived in: notebook 15.
    """

    aggregator: object
    attack: object
    attackers: int
    weigh = None

    def __post_init__(self):
        checks.whole("attackers", self.attackers, at_least=0)

    def __call__(self, updates, sizes=None):
        """Return what the aggregator makes of the cohort's updates (cohort × parameters) after the attack."""
        if self.attackers:
            bad = self.attack(updates, self.attackers)
            updates = torch.cat([bad.to(updates), updates[self.attackers :]])
        return self.aggregator(updates, sizes)


def sign_flip(updates, attackers):
    """Each attacker sends the opposite of its own update."""
    return -updates[:attackers]


def boost(factor):
    """Return an attack in which each attacker sends `factor` times its own update, such as one on poisoned data."""
    checks.real("factor", factor)

    def scaled(updates, attackers):
        return factor * updates[:attackers]

    return scaled


def a_little_is_enough(updates, attackers):
    """All attackers send the honest mean, moved by as many deviations as still look like one of the crowd.

    It knows the honest updates and that they are judged coordinate by coordinate, or by distance: the shift is the normal
    quantile at which enough honest updates lie farther out to outvote the others. Source: Baruch, Baruch & Goldberg 2019.
    """
    count = len(updates)
    honest = updates[attackers:]
    needed = count // 2 + 1 - attackers  # honest ones that must lie farther out for a majority
    z = float(stats.norm.ppf(max(0.5, (len(honest) - needed) / max(1, len(honest)))))
    bad = honest.mean(0) - max(z, 0.1) * honest.std(0, correction=0)
    return bad.expand(attackers, -1)


def inner_product(factor):
    """Return an attack in which all attackers send −`factor` times the honest mean: the sum is to point the wrong way.

    Adaptive: it knows the honest updates. A small factor keeps it inside the crowd, where the distances that Krum looks at
    are short, and equal copies support each other. Source: Xie, Koyejo & Gupta 2019.
    """
    checks.real("factor", factor, above=0)

    def against(updates, attackers):
        return (-factor * updates[attackers:].mean(0)).expand(attackers, -1)

    return against


def flip_labels(federation, attackers, classes):
    """Return the federation whose first clients have their labels turned round: c becomes classes − 1 − c."""
    y = federation.y.clone()
    y[:attackers] = (classes - 1 - y[:attackers]) * federation.mask[:attackers]
    return replace(federation, y=y)


def backdoor(federation, attackers, pixels, target, value=1.0):
    """Return the federation whose first clients have a trigger in every second record, labelled as `target`.

    Args:
        federation: a `Federation` for classification.
        attackers: number of malicious clients.
        pixels: features of the trigger.
        target: the class that it should bring.
        value: of the trigger's features.
    """
    x, y = federation.x.clone(), federation.y.clone()
    x[:attackers, ::2] = stamp(x[:attackers, ::2], pixels, value) * federation.mask[:attackers, ::2, None]
    y[:attackers, ::2] = target * federation.mask[:attackers, ::2]
    return replace(federation, x=x, y=y)


def stamp(x, pixels, value=1.0):
    """Return records (… × features) with the trigger in them."""
    x = x.clone()
    x[..., list(pixels)] = value
    return x
