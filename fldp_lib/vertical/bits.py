"""A model over columns that lie apart, in two messages: labels go out once, flipped; a bit comes back once, flipped.

The holder of the labels sends each patient's label by randomised response. Every other party makes a direction of it, from the
noisy sums of its clipped columns under either report, and answers with one bit a patient: on which side of the middle it lies,
by randomised response. The holder fits a logistic model to its own columns and these bits. Nothing is sent twice, so that
nothing composes but the two halves of a party's answer.
"""

import math
from dataclasses import dataclass

import torch

from .. import checks
from ..privacy import accounting, clipping, mechanisms
from .actors import stream
from .parties import Aligned

STEPS, RIDGE = 12, 0.1  # Newton's, for the holder's logistic model, whose loss has RIDGE/2n times the weights' squares


@dataclass(frozen=True)
class Answer:
    """What protects a party's columns: noise on the sums that its direction is made of, and the flip of each bit.

    Args:
        sums: a `Gaussian` with `at="client"` (replace-one, sensitivity 2C) for the pair of sums; its clip bounds a row.
        bit: a `RandomisedResponse` of two categories.

    Unit: one patient's columns at this party, replace-one; who is in the table and what was reported of whom stay the same.

    Raises:
        TypeError, ValueError: no such mechanisms.

    Derived in: notebook 24.
    Source: Warner 1965 (the bit); basic composition, Dwork & Roth 2014.
    """

    sums: mechanisms.Gaussian
    bit: mechanisms.RandomisedResponse

    def __post_init__(self):
        checks.kind("sums", self.sums, mechanisms.Gaussian, "a mechanisms.Gaussian, at='client'")
        checks.kind("bit", self.bit, mechanisms.RandomisedResponse, "a RandomisedResponse")
        if self.sums.at != "client" or self.bit.categories != 2:
            raise ValueError(f"sums must be a Gaussian at='client' and bit of two categories, got {self!r}")

    def epsilon(self, delta=1e-5):
        """Return the total ε of a patient's columns at δ: that of the sums and that of the bit, added."""
        return accounting.epsilon(self.sums, 1, 1.0, delta) + self.bit.epsilon


def answer(epsilon, delta=1e-5, clip=1.0, share=0.25):
    """Return the `Answer` that costs ε in total at δ.

    Args:
        epsilon: total ε of one patient's columns, positive.
        delta: δ, in (0, 1).
        clip: L2 bound C of a row.
        share: of ε, that the sums have, in (0, 1); the bit has the rest.

    Raises:
        TypeError, ValueError: an argument out of range.
    """
    epsilon, share = checks.real("epsilon", epsilon, above=0), checks.real("share", share, above=0, below=1)
    sums = accounting.calibrate("gaussian", share * epsilon, delta, 1, clip=clip, at="client")
    return Answer(sums, mechanisms.RandomisedResponse((1 - share) * epsilon))


@dataclass(frozen=True, eq=False)
class Asked:
    """A trained model, and what each party sent.

    Args:
        names, holder: of the parties; index of the one with the labels.
        reports: the labels as they were sent to all others (n,).
        sent: by feature party, its bits as they were sent (n,).
        directions: by feature party, (direction, middle), each (d,).
        top: the holder's weights (its columns + a bit a party + 1,), double.
        labels, features: what protects them; see `train`.
    """

    names: tuple
    holder: int
    reports: torch.Tensor
    sent: dict
    directions: dict
    top: torch.Tensor
    labels: object
    features: object

    def predict(self, table, seed=0):
        """Return the probability of label 1 (n,) for new patients, for each of whom every party sends one bit.

        Args:
            table: an `Aligned` with the same columns.
            seed: of the flips.
        """
        _table("table", table), checks.whole("seed", seed, at_least=0)
        bits = {}
        for name, x in _others(table):
            generator = stream(seed, name, "new patients' bits")
            bits[name] = _flipped(_side(x, *self.directions[name], self.features), self.features, generator)
        return torch.sigmoid(_inputs(table, bits) @ self.top)

    def accuracy(self, table, seed=0):
        """Return the share of new patients whose label is the likelier one; arguments as in `predict`."""
        return float(((self.predict(table, seed) > 0.5) == (table.y == 1)).double().mean())

    def epsilon_labels(self):
        """Return the ε of one patient's label against the feature parties; pure, replace-one; infinite where none is flipped."""
        return math.inf if self.labels is None else self.labels.epsilon

    def epsilon_features(self, delta=1e-5):
        """Return the total ε of one patient's columns at a feature party against the holder, at δ; replace-one."""
        return math.inf if self.features is None else self.features.epsilon(delta)


def train(table, labels=None, features=None, seed=0):
    """Ask every feature party for one bit a patient, and fit the holder's model to its own columns and the bits.

    Args:
        table: an `Aligned`.
        labels: a `RandomisedResponse` of two categories, or None: labels are sent as they are.
        features: an `Answer`, or None: rows are clipped to length 1, and bits sent as they are.
        seed: of flips and noise.

    Returns:
        An `Asked`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 24.
    Source: randomised response for labels, Ghazi et al. 2021; for bits, Warner 1965.
    """
    _table("table", table), checks.whole("seed", seed, at_least=0)
    if labels is not None:
        checks.kind("labels", labels, mechanisms.RandomisedResponse, "a RandomisedResponse, or None")
        if labels.categories != 2:
            raise ValueError(f"labels must have the two categories of a label, got {labels.categories}")
    if features is not None:
        checks.kind("features", features, Answer, "an Answer, or None")
    reports = table.y if labels is None else labels.randomise(table.y, stream(seed, "labels"))
    directions, sent = {}, {}
    for name, x in _others(table):
        generator = stream(seed, name, "answer")
        directions[name] = _direction(x, reports, features, generator)
        sent[name] = _flipped(_side(x, *directions[name], features), features, generator)
    top = _logistic(_inputs(table, sent), table.y.double())
    return Asked(table.names, table.holder, reports, sent, directions, top, labels, features)


def _direction(x, reports, features, generator):
    """From one to the other of two noisy means of clipped columns, those reported 0 and 1, and the middle between them."""
    rows = _rows(x, features)
    sums = torch.stack([rows[reports == label].sum(0) for label in (0, 1)])  # a patient is in one of them: it moves by 2C
    if features is not None and features.sums.private:
        sums = sums + features.sums.noise(sums.shape, generator)
    counts = torch.stack([(reports == label).sum() for label in (0, 1)]).clamp(min=1)
    low, high = sums / counts[:, None]
    return high - low, (high + low) / 2


def _side(x, direction, middle, features):
    return ((_rows(x, features) - middle) @ direction > 0).long()


def _flipped(bits, features, generator):
    return bits if features is None else features.bit.randomise(bits, generator)


def _rows(x, features):
    return clipping.clip_rows(x.double(), 1.0 if features is None else features.sums.clip)[0]


def _logistic(inputs, y):
    """Weights (inputs,) of the logistic model with the least loss: convex, and strongly so."""
    weight, penalty = torch.zeros(inputs.shape[1], dtype=torch.float64), RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64)
    for _ in range(STEPS):
        p = torch.sigmoid(inputs @ weight)
        slope = inputs.T @ (p - y) + RIDGE * weight
        step = torch.linalg.solve((inputs.T * (p * (1 - p))) @ inputs + penalty, slope)
        weight = weight - step / max(1.0, float(step.norm()) / 4)
    return weight


def _inputs(table, bits):
    """The holder's columns, each party's bit as ±1, and a one (n × inputs)."""
    told = [2.0 * bits[name][:, None].double() - 1 for name, _ in _others(table)]
    return torch.cat([table.xs[table.holder].double(), *told, torch.ones(len(table), 1, dtype=torch.float64)], 1)


def _others(table):
    return [(name, x) for place, (name, x) in enumerate(zip(table.names, table.xs, strict=True)) if place != table.holder]


def _table(name, table):
    return checks.kind(name, table, Aligned, "an Aligned, such as from parties.align")
