"""Attacks on a split model: labels from the gradients that come back, columns from the activations that are sent.

Scores are higher where label 1 is likelier; `auc` judges them. What an attacker could have said without the messages is the
baseline: its own columns predict labels, and the other's columns, too.
"""

from dataclasses import replace

import torch

from .. import checks
from ..vertical.parties import Aligned
from ._patients import known_places, messages, scaled
from .columns import explained, infer, solve

__all__ = ["auc", "completion", "directions", "explained", "infer", "norms", "plant", "solve"]


def auc(scores, labels):
    """Return how often a random patient of label 1 has a higher score than one of label 0, ties counting half.

    Args:
        scores: (n,), finite.
        labels: (n,), 0 or 1, both among them.

    Returns:
        The area under the ROC curve, in [0, 1]; ½ is chance.

    Raises:
        TypeError, ValueError: shapes that do not fit, labels of one class.

    Derived in: notebook 14. Source: Hanley & McNeil 1982.
    """
    scores = checks.finite("scores", checks.tensor("scores", scores, ("n",), "double"))
    labels = _labels("labels", labels, len(scores))
    positive, negative = scores[labels == 1], scores[labels == 0].sort().values
    below = torch.searchsorted(negative, positive) + torch.searchsorted(negative, positive, right=True)
    return float(below.double().mean() / (2 * len(negative)))


def norms(gradients, minority=1):
    """Return each patient's mean gradient norm over the steps (n,): the rarer label's are longer while little is learnt.

    A patient's gradient is (p − y)·v, and p begins near the share of label 1: |p − 1| of the rarer label is the larger one.

    Args:
        gradients: what a feature party got back (steps × n × cut).
        minority: the rarer label, 0 or 1, which the attacker knows.

    Derived in: notebook 24.
    Source: Li et al. 2022, "Label leakage and protection in two-party split learning" (norm attack).
    """
    gradients = messages("gradients", gradients)
    minority = checks.whole("minority", minority, at_least=0, at_most=1)
    return gradients.norm(dim=2).mean(0) * (2 * minority - 1)


def directions(gradients, known=None, known_labels=None, measure="cosine", way=None):
    """Return how far each patient's gradient points the way of the known patients of label 1 (n,), over the steps.

    The sign of p − y is the label's: gradients of label 1 and of label 0 point opposite ways along v. The way of a step is
    the difference of the known patients' mean gradients; one known patient of each label is enough without noise.

    Args:
        gradients: what a feature party got back (steps × n × cut).
        known: indices of patients whose label the attacker knows (m,), of both labels; None where it knows the way.
        known_labels: (m,), 0 or 1; None with `known`.
        measure: "cosine" (gradients of length 1, so that how hard a patient is does not count) or "matched" (as they are:
            a matched filter, for gradients under noise).
        way: minus the top's weights (cut,), for the strongest attacker, who knows them; None takes the known patients'.

    Raises:
        TypeError, ValueError: shapes that do not fit, an index out of range, known labels of one class.

    Derived in: notebook 24.
    Source: Li et al. 2022 (direction attack, by the cosine with one known patient).
    """
    gradients = messages("gradients", gradients)
    checks.one_of("measure", measure, ("cosine", "matched"))
    if measure == "cosine":
        gradients = torch.nn.functional.normalize(gradients, dim=2)
    if way is not None:
        way = checks.finite("way", checks.tensor("way", way, (gradients.shape[2],), "double")).expand(len(gradients), -1)
    else:
        known = known_places(known, gradients.shape[1])
        known_labels = _labels("known_labels", known_labels, len(known))
        mine = gradients[:, known]  # steps × m × cut
        way = mine[:, known_labels == 1].mean(1) - mine[:, known_labels == 0].mean(1)  # steps × cut
    return torch.einsum("tnk,tk->n", gradients, way) / len(gradients)


def plant(table, count, seed=0):
    """Return a table in which some patients' labels are coins, and who they are: what is said of them, messages gave away.

    Columns say much about a true label and nothing about a coin. An attack on the coins is right half the time by guessing,
    and what it does better the messages let out; a label's ε bounds that, while no ε bounds what columns say.

    Args:
        table: an `Aligned`.
        count: of coins, from 2 to all patients; half of them are 1.
        seed: of who, and of the coins.

    Returns:
        The table with the new labels, and the indices of the coins (count,).

    Raises:
        TypeError, ValueError: no table, a count out of range.

    Derived in: notebook 24. Source: canaries, Carlini et al. 2019; coins for one label each, Steinke, Nasr & Jagielski 2023.
    """
    checks.kind("table", table, Aligned, "an Aligned, such as from parties.align")
    count = checks.whole("count", count, at_least=2, at_most=len(table))
    generator = torch.Generator().manual_seed(checks.whole("seed", seed, at_least=0, at_most=checks.LARGEST))
    places = torch.randperm(len(table), generator=generator)[:count]
    y = table.y.clone()
    y[places] = torch.arange(count) % 2
    return replace(table, y=y), places


def completion(columns, known, known_labels, ridge=0.01):
    """Return each patient's score (n,) by a logistic top fitted to the few known labels on what the attacker has anyway.

    On its own columns it is the baseline: what they say about the label without any message. On its own activations, which
    the labels have trained, it is model completion.

    Args:
        columns: the attacker's columns or activations (n × d).
        known: indices of patients whose label it knows (m,), of both labels.
        known_labels: (m,), 0 or 1.
        ridge: penalty on the squared weights, positive.

    Derived in: notebook 24.
    Source: Fu et al. 2022, "Label inference attacks against vertical federated learning" (model completion; theirs is
        semi-supervised, this one is not).
    """
    columns = checks.finite("columns", checks.tensor("columns", columns, ("n", "d"), "double"))
    known, ridge = known_places(known, len(columns)), checks.real("ridge", ridge, above=0)
    y = _labels("known_labels", known_labels, len(known)).double()
    x = torch.cat([scaled(columns, known), torch.ones(len(columns), 1, dtype=torch.float64)], 1)
    mine, weight = x[known], torch.zeros(x.shape[1], dtype=torch.float64)
    penalty = ridge * torch.eye(x.shape[1], dtype=torch.float64)
    for _ in range(30):  # Newton's steps, shortened: convex, and strongly so
        p = torch.sigmoid(mine @ weight)
        slope = mine.T @ (p - y) / len(y) + penalty @ weight
        bend = (mine.T * (p * (1 - p))) @ mine / len(y) + penalty
        step = torch.linalg.solve(bend, slope)
        weight = weight - step / max(1.0, float(step.norm()) / 2)
    return x @ weight


def _labels(name, labels, count):
    labels = checks.tensor(name, labels, (count,), "whole")
    if not count or labels.min() != 0 or labels.max() != 1:
        got = f"{int(labels.min())} … {int(labels.max())}" if count else "none"
        raise ValueError(f"{name} must be 0 and 1, both among them; got {got}")
    return labels
