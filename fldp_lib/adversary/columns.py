"""Columns from the activations that a party of a split model sends; `vertical` has the rest, and the map of both."""

import torch

from .. import checks
from ._patients import known_places, messages, scaled

RIDGES = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)  # penalties tried, in units of a column's variance


def infer(seen, known, known_x, own=None):
    """Return estimates of all patients' columns (n × d) by ridge regression on those that the attacker knows.

    Args:
        seen: a party's activations as they were sent (steps × n × cut); None for the baseline, from `own` alone.
        known: indices of patients whose columns at that party the attacker knows (m,), three at least.
        known_x: those columns (m × d).
        own: the attacker's own columns and labels (n × d_own), or None.

    Of three readings of the messages (the last step's, the mean over all steps, which averages noise away, and all steps')
    and seven penalties, and of its own columns alone, it takes what predicts the known patients best, each left out in turn.

    Raises:
        TypeError, ValueError: shapes that do not fit, nothing to infer from.

    Derived in: notebook 24.
    Source: the regression is Hoerl & Kennard 1970's; inversion with known pairs as in He, Zhang & Lee 2019.
    """
    readings = [None]
    if seen is not None:
        seen = messages("seen", seen)
        whole = seen.permute(1, 0, 2).flatten(1)  # n × (steps · cut)
        readings = [seen[-1], seen.mean(0), whole] if len(seen) > 1 else [whole]
    count = len(readings[0]) if seen is not None else None
    if own is not None:
        own = checks.finite("own", checks.tensor("own", own, (count or "n", "d"), "double"))
        readings = [own, *(torch.cat([one, own], 1) for one in readings if one is not None)]
    elif seen is None:
        raise ValueError("own must be the attacker's columns where seen is None, got None for both: nothing to infer from")
    known = known_places(known, len(readings[0]))
    if len(known) < 3:
        raise ValueError(f"known must be three patients at least, got {len(known)}")
    known_x = checks.finite("known_x", checks.tensor("known_x", known_x, (len(known), "d"), "double"))
    found = [_ridge(one, known, known_x, ridge) for one in readings for ridge in RIDGES]
    errors = torch.stack([error for _, error in found])  # tried × d
    best = errors.argmin(0)
    return torch.stack([found[choice][0][:, column] for column, choice in enumerate(best.tolist())], 1)


def explained(x, estimate, leave_out):
    """Return the share of each column's variance that the estimates explain (d,), over patients the attacker did not know.

    Args:
        x: the true columns (n × d).
        estimate: the attacker's (n × d).
        leave_out: indices of the patients that it knew (m,); their mean is what 0 stands for.

    Returns:
        1 − Σ(x − estimate)²/Σ(x − mean of the known)²; 1 is exact, 0 no better than that mean, below 0 worse.

    Derived in: notebook 24.
    """
    x = checks.finite("x", checks.tensor("x", x, ("n", "d"), "double"))
    estimate = checks.finite("estimate", checks.tensor("estimate", estimate, tuple(x.shape), "double"))
    known = known_places(leave_out, len(x), "leave_out")
    rest = torch.ones(len(x), dtype=torch.bool)
    rest[known] = False
    if not rest.any():
        raise ValueError(f"leave_out must leave a patient to judge by, got all {len(x)}")
    wrong = (x - estimate)[rest].square().sum(0)
    return 1 - wrong / (x[rest] - x[known].mean(0)).square().sum(0).clamp(min=1e-30)


def solve(weight, bias, activations, activation="tanh"):
    """Return the columns (n × d) of shortest length that give these activations under known weights.

    With as many independent activations as columns the answer is exact; with fewer it is the part of the columns that the
    weights look at.

    Args:
        weight, bias: of the bottom (d × cut) and (cut,): of a published model, or of a public one.
        activations: as they were sent (n × cut); under tanh, what lies outside (−1, 1) for noise is set just inside.
        activation: of the bottom, "tanh" or "linear".

    Raises:
        TypeError, ValueError: shapes that do not fit.

    Derived in: notebook 24.
    Source: Luo, Wu, Xiao & Ooi 2021, "Feature inference attack on model predictions in vertical federated learning"
        (equality solving, there for the outputs of a logistic model).
    """
    weight = checks.finite("weight", checks.tensor("weight", weight, ("d", "cut"), "double"))
    bias = checks.finite("bias", checks.tensor("bias", bias, (weight.shape[1],), "double"))
    h = checks.finite("activations", checks.tensor("activations", activations, ("n", weight.shape[1]), "double"))
    checks.one_of("activation", activation, ("tanh", "linear"))
    z = torch.atanh(h.clamp(-1 + 1e-12, 1 - 1e-12)) if activation == "tanh" else h
    return (z - bias) @ torch.linalg.pinv(weight)


def _ridge(features, known, known_x, ridge):
    """Estimates (n × d), and squared errors on known patients, each left out in turn (d,)."""
    z = torch.cat([scaled(features, known), torch.ones(len(features), 1, dtype=torch.float64)], 1)
    mine, m = z[known], len(known)
    penalty = ridge * torch.eye(z.shape[1], dtype=torch.float64)
    penalty[-1, -1] = 1e-9
    kernel = torch.linalg.solve(mine.T @ mine / m + penalty, mine.T / m)  # features × m
    weight = kernel @ known_x
    leverage = (mine * kernel.T).sum(1).clamp(max=1 - 1e-9)  # each one's pull on its own estimate
    return z @ weight, ((known_x - mine @ weight) / (1 - leverage).unsqueeze(1)).square().mean(0)
