"""Planted wrong answers of notebook 08."""

import math

import numpy as np
import torch


def audit(*lines, log=math.log, sign=-1, floor=0.0):
    """The largest of some lines a ≤ e^ε·b + δ solved for ε."""

    def answer(tpr, fpr, delta):
        best = floor
        pairs = dict(hit=(tpr, fpr), out=(1 - fpr, 1 - tpr), missed=(fpr, tpr), in_=(1 - tpr, 1 - fpr))
        for line in lines:
            a, b = pairs[line]
            if a + sign * delta > 0:
                best = max(best, math.inf if b == 0 else log((a + sign * delta) / b))
        return best

    return answer


ALL = ("hit", "out", "missed", "in_")
right_of = audit(*ALL)


WRONG = {
    "08.1": [
        (lambda program: True, r"said True about a program that drops"),
        (lambda program: False, r"said False about a program that adds"),
        (lambda program: torch.equal(program(1.0, 0), program(1e-6, 0)), r"said False about a program that adds"),
        (lambda program: not torch.equal(program(1.0, 0), program(1e-6, 1)), r"keep the seed, and change ε"),
        (lambda program: not torch.equal(program(1.0, 0), program(1.0, 1)), r"keep the seed, and change ε"),
        (lambda program: not torch.equal(program(1.0, 0), program(1.0, 0)), r"said False about a program that adds"),
        (lambda program: bool(program(1.0, 0)[0] != program(1e-6, 0)[0]), r"last parameter only"),
        (lambda program: not torch.isclose(program(1.0, 0).mean(), program(1e-6, 0).mean()).item(), r"compare one by one"),
        (lambda program: not torch.allclose(program(1.0, 0), program(1e-6, 0)), r"compare exactly"),
        (lambda program: float((program(1.0, 0) - program(1e-6, 0)).norm()) > 1e-3, r"compare exactly"),
        (lambda program: bool((program(1.0, 0) != program(1e-6, 0)).all()), r"last parameter only"),
        (lambda program: "yes", r"should be True or False"),
    ],
    "08.2": [
        (lambda history, budget: int((history.epsilon < budget).sum()), r"meets the budget exactly"),
        (lambda history, budget: int((history.epsilon <= budget).sum()) - 1, r"numbering starts at 1"),
        (lambda history, budget: int((history.epsilon <= budget).sum()) + 1, r"the last within it is"),
        (lambda history, budget: max(0, int((history.epsilon <= budget).sum()) - 1), r"numbering starts at 1"),
        (lambda history, budget: history.rounds, r"the last within it is"),
        (lambda history, budget: 0, r"is within it"),
        (lambda history, budget: int(np.floor(budget / history.epsilon[0])), r"and not .* times the first"),
        (lambda history, budget: int(np.sum(np.cumsum(history.epsilon) <= budget)), r"is within it"),
        (lambda history, budget: int((history.epsilon > budget).sum()), r"within it"),
        (lambda history, budget: int(np.argmax(history.epsilon > budget)), r"is within it|numbering starts"),
        (lambda history, budget: history.rounds if history.epsilon[0] <= budget else 0, r"the last within it is"),
        (lambda history, budget: float(history.epsilon[0]), r"whole number"),
    ],
    "08.3": [
        (audit("hit"), r"from 1 − fpr ≤ e\^ε·\(1 − tpr\)"),
        (audit("hit", "out"), r"from fpr ≤ e\^ε·tpr"),
        (audit("hit", "missed"), r"from 1 − fpr ≤ e\^ε·\(1 − tpr\)"),
        (audit("hit", "out", "missed"), r"from 1 − tpr ≤ e\^ε·\(1 − fpr\)"),
        (audit("out", "in_"), r"from tpr ≤ e\^ε·fpr"),
        (audit(*ALL, floor=-math.inf), r"rules out nothing"),
        (audit(*ALL, sign=0), r"δ is missing"),
        (audit(*ALL, sign=1), r"was added"),
        (audit(*ALL, log=math.log10), r"natural logarithm"),
        (audit(*ALL, log=math.log2), r"natural logarithm"),
        (audit(*ALL, log=lambda ratio: ratio), r"that is e\^ε"),
        (lambda tpr, fpr, delta: 0.0, r"it is .*, from tpr"),
        (lambda tpr, fpr, delta: math.inf, r"it is .*, from tpr"),
        (lambda tpr, fpr, delta: abs(tpr - fpr), r"it is .*, from tpr"),
        (lambda t, f, d: math.inf if 0 in (t, f, 1 - t, 1 - f) else right_of(t, f, d), r"nothing is ruled out"),
        (lambda t, f, d: 0.0 if 0 in (t, f, 1 - t, 1 - f) else right_of(t, f, d), r"it is inf, from"),
        (lambda t, f, d: min(right_of(t, f, d), 20.0), r"it is inf, from"),
        (lambda t, f, d: audit(*ALL, sign=0)(t, f, d) - d, r"it is|below 0"),
        (lambda t, f, d: (1 if t > f else -1) * right_of(t, f, d), r"below 0"),
    ],
}
