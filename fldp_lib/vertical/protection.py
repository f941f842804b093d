"""What a party of a split model adds to what it sends, and which promise follows, to whom.

A party's messages are one row a patient and step: activations, or gradients on their way back. To clip a row and to add
noise to it protects that row; but a patient also moves the weights, and the weights make everybody else's rows. So whoever
trains on what it protects has to add noise twice: to each row, and to the sum of clipped gradients that moves its weights.
Given the weights (released or not, they count as if they were) a patient moves one row alone, by 2C at most; the steps
compose. With fixed weights, or with noisy labels from the beginning, one release is all there is.

Unit: one patient's columns at this party (or its label), replace-one, who is in the table being known from the matching.
"""

import math
from dataclasses import dataclass

from .. import checks
from ..privacy import accounting, mechanisms
from ..privacy.ledger import Ledger


@dataclass(frozen=True)
class Guard:
    """Noise on a party's messages and on the training of the weights that make them.

    Args:
        messages: a `Gaussian` with `at="client"` (replace-one, sensitivity 2C), on each patient's row in each step; one
            without noise only clips.
        weights: the same on the sum over patients of clipped gradients of the party's own weights, once a step; None trains
            on exact gradients, which leaves no promise unless the weights are fixed.

    Raises:
        TypeError, ValueError: no such mechanisms.

    Derived in: notebook 24.
    Source: Abadi et al. 2016 (clipped gradients and noise); the composition is adaptive, Dwork & Roth 2014.
    """

    messages: mechanisms.Gaussian
    weights: mechanisms.Gaussian | None = None

    def __post_init__(self):
        for name in ("messages", "weights"):
            noise = getattr(self, name)
            if noise is None and name == "weights":
                continue
            checks.kind(name, noise, mechanisms.Gaussian, "a mechanisms.Gaussian, at='client'")
            if noise.at != "client" or noise.unit != "client":
                raise ValueError(
                    f"{name} must be a Gaussian with at='client' and unit='client' (replace-one), got {noise!r}"
                )

    def ledger(self, steps, delta=1e-5, fixed=False):
        """Return the ledger of a training run: its `epsilon`, its `attacker()`, its entries.

        Args:
            steps: of the training, at least 1.
            delta: δ, in (0, 1).
            fixed: whether the party's weights are public and never trained, so that its rows are sent once.
        """
        steps, fixed = checks.whole("steps", steps, at_least=1), checks.flag("fixed", fixed)
        ledger = Ledger(delta).spend(self.messages, 1 if fixed else steps, note="messages")
        if not fixed:
            ledger.spend(self.weights, steps, note="weights")
        return ledger


def guard(epsilon, delta=1e-5, steps=1, fixed=False, clip=1.0, weight_clip=0.1, weight_share=0.2):
    """Return the guard whose whole training run costs ε at δ.

    Args:
        epsilon: total ε, positive; infinity gives a guard that only clips.
        delta: δ, in (0, 1).
        steps: of the training, at least 1.
        fixed: whether the weights are public and never trained: then all of ε goes into one release.
        clip: L2 bound C of a patient's row.
        weight_clip: L2 bound of one patient's gradient.
        weight_share: share of the run's μ² that the weights' noise has, in (0, 1); the messages have the rest.

    Returns:
        A `Guard`; the ε of its `ledger(steps, delta, fixed)` is at most the target.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 24.
    """
    steps, fixed = checks.whole("steps", steps, at_least=1), checks.flag("fixed", fixed)
    share = checks.real("weight_share", weight_share, above=0, below=1)
    one = accounting.calibrate("gaussian", epsilon, delta, 1 if fixed else steps, clip=clip, at="client")
    if fixed:
        return Guard(one)
    z = one.noise_multiplier  # T/z² = T/z₁² + T/z₂²: μ² is what composes
    rows = mechanisms.Gaussian(z / math.sqrt(1 - share), clip, "client")
    return Guard(rows, mechanisms.Gaussian(z / math.sqrt(share), weight_clip, "client"))


@dataclass(frozen=True)
class Promise:
    """One line of the table: what of whom is protected against whom, by what.

    Args:
        whose: the party whose data it is.
        what: one patient's columns, or one patient's label.
        against: who sees the messages.
        by: what protects it, in words.
        epsilon, delta: of the whole training; ε is infinite where there is no promise, 0 where nothing is sent.
        why: the reason, where ε is infinite or 0; else what is counted.
    """

    whose: str
    what: str
    against: str
    by: str
    epsilon: float
    delta: float
    why: str


def table(promises):
    """Return the promises as a table of text, one a line.

    Args:
        promises: `Promise`s, such as `Run.promises` gives.
    """
    checks.kind("promises", promises, (list, tuple), "a list of Promise")
    for promise in promises:
        checks.kind("promises", promise, Promise, "a list of Promise")
    head = ("whose", "what", "against", "by", "ε", "δ", "why")
    rows = [head, *((p.whose, p.what, p.against, p.by, _said(p.epsilon), f"{p.delta:g}", p.why) for p in promises)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _said(epsilon):
    return "none" if math.isinf(epsilon) else f"{epsilon:.2f}"
