"""Notebook 15: read a record, sure of a few, Krum, a client drops out; the quiz is in `quiz15`."""

import math

import numpy as np
import torch

from ..answers import Wrong, call, compare, number, require, same, tensor, whole
from ..teacher import Exercise
from .quiz15 import QUIZ as QUIZ


def _judge(got, right, slips, neutral):
    """Take answers to several inputs that are all right; else name the slip that gives every one of them, or none.

    Args:
        got, right: numbers, one an input.
        slips: pairs (numbers, one an input; what is wrong about them).
        neutral: called with the place of the first wrong answer; what to say where no slip gives them all.
    """
    wrong = [place for place, pair in enumerate(zip(got, right, strict=True)) if not same(*pair)]
    for values, words in slips if wrong else ():
        if all(same(*pair) for pair in zip(got, values, strict=True)):
            raise Wrong(words)
    require(not wrong, neutral(wrong[0]) if wrong else "")


def _read_record(answer):
    rng = np.random.default_rng()
    slopes = (
        rng.normal(size=5),
        rng.permutation([3.0, -2.0, -1.0, 2.0, -2.0]),  # they sum to 0, as a softmax's do
        np.r_[0, rng.normal(size=3), 0],
        np.r_[rng.uniform(0.5, 2, 2), 0, rng.uniform(0.5, 2, 2)],  # all that moved went one way, whichever the factor's sign
        -np.r_[0, rng.uniform(0.5, 2, 3), 0],
    )
    for slope in map(torch.from_numpy, slopes):
        record = torch.from_numpy(rng.normal(size=7) + rng.choice([-1.0, 1.0], 7))  # beyond 1
        record[:2] = record[:2].abs() * torch.tensor([1, -1])  # of both signs, or two slips are one
        factor = float(rng.choice([-0.25, -0.5, -2.0, -4.0]))
        weight, bias = factor * slope[:, None] * record[None], factor * slope
        got = tensor(call(answer, weight.clone(), bias.clone()), record.shape, "the record")
        unit = int(bias.abs().argmax())
        divide = "divide by the bias: a row of the weight is the record times that unit's entry"
        slips = (
            (weight[unit], divide),
            (weight.mean(0), divide),
            (weight.sum(0), divide),
            (weight[unit] * bias[unit], "divide by the unit's entry of the bias, do not multiply"),
            (1 / record, "the other way round: weight over bias"),
            (-record, "the sign: weight over bias of the same unit is the record itself, the common factor cancels"),
            (record.abs(), "the record has negative entries, too: keep the signs of both"),
            (record.clamp(0, 1), "the record's entries need not lie in 0 to 1: do not clamp them"),
            (record.clamp(min=0), "the record has negative entries, too: do not clamp them"),
            (record / record.norm(), "the length counts: divide by the unit's entry of the bias, not by the row's length"),
            (record.flip(0), "keep the features in their order"),
        )
        neutral = "that is not the record: each row of the weight is the record times the same unit's entry of the bias"
        compare(got, record, slips, neutral)


def _true_positives(answer):
    rng = np.random.default_rng()
    cases, got, right, slips = ((200, 0.01), (150, 0.1), (40, 0.05), (137, 0.1), (60, 0.01)), [], [], []
    for n, fpr in cases:
        outside = rng.normal(size=n)
        down, allowed = np.sort(outside)[::-1], math.floor(fpr * n + 1e-9)
        gaps = range(max(0, allowed - 2), allowed + 3)  # between neighbouring scores lie members, more in each next gap
        between = [
            down[k + 1] + (down[k] - down[k + 1]) * np.r_[0.003, rng.uniform(0.1, 0.9, 3 + k - gaps[0])] for k in gaps
        ]
        between += [down[allowed], *down[0] + rng.uniform(0.1, 1, 4)]
        inside = rng.permutation(np.concatenate([rng.normal(0.8, 1.0, 150), *map(np.atleast_1d, between)]))
        limit = down[allowed]
        got.append(number(call(answer, inside.copy(), outside.copy(), fpr), "the share"))
        right.append((inside > limit).mean())
        caught, alarms = (inside > limit).sum(), (outside > limit).sum()
        slips.append((
            (alarms / n, "that is the share of false alarms; count `inside`"),
            (caught, "a share, not a number of members"),
            (caught / n, "a share of `inside`: divide by how many those are"),
            (caught / max(caught + alarms, 1), "that is the share of members among those above: divide by all of `inside`"),
            (1 - right[-1], "scores *above* the threshold mean 'in'"),
            ((inside >= limit).mean(), "above the threshold, not on it"),
            ((inside > np.quantile(inside, 1 - fpr)).mean(), "the threshold comes from `outside`"),
            ((inside > down[n - 1 - allowed]).mean(), "the threshold is at the high end of `outside`"),
            ((inside > down[0]).mean(), "`outside` may exceed the threshold, in a share fpr"),
            ((inside > 0).mean(), "use the false-positive rate, not a fixed threshold"),
            ((inside > np.quantile(outside, 1 - fpr)).mean(), "the threshold is one of the scores of `outside`"),
            ((inside > down[max(allowed - 1, 0)]).mean(), "a smaller score of `outside` keeps to fpr, too"),
            ((inside > down[allowed + 1]).mean(), "more than a share fpr of `outside` exceeds that threshold"),
        ))  # fmt: skip
    named = [([row[k][0] for row in slips], slips[0][k][1]) for k in range(len(slips[0]))]
    _judge(got, right, named, lambda k: f"for fpr = {cases[k][1]:g} it should be {right[k]:.4f}; you gave {got[k]:.4f}")


def _near(distances, count):
    """The sum of each row's `count` smallest distances to others."""
    return distances.sort(1).values[:, 1 : count + 1].sum(1)


def _chosen(updates, attackers):
    """What Krum chooses, and what typical mistakes do, by the words that are true of them."""
    squares = torch.cdist(updates, updates).square()
    ordered, n = squares.sort(1).values, len(updates)
    count = n - attackers - 2
    unit = torch.nn.functional.normalize(updates)
    scores = {
        "": _near(squares, count),
        "only the n − attackers − 2 nearest count: far ones are the attackers' to choose": squares.sum(1),
        "an update is not its own neighbour: its distance 0 does not count": _near(squares, count - 1),
        "squared distances": _near(squares.sqrt(), count),
        "the distances squared once, not twice": _near(squares.square(), count),
        "the smallest sum, not the largest": -_near(squares, count),
        "that is one neighbour too many: n − attackers − 2 of them": _near(squares, count + 1),
        "two neighbours too many: n − attackers − 2 of them": _near(squares, count + 2),
        "the number of neighbours is n − attackers − 2, the attackers once": _near(squares, max(count - attackers, 1)),
        "the nearest others, not the farthest": ordered[:, -count:].sum(1),
        "the nearest others: sort the distances first": squares[:, 1 : count + 1].sum(1),
        "all n − attackers − 2 nearest count, not the nearest alone": ordered[:, 1],
        "add the squared distances up; that takes the largest of them": ordered[:, count],
        "Euclidean distances, squared: not sums of absolute differences": _near(torch.cdist(updates, updates, p=1), count),
        "distances of the updates as they are, not of their directions": _near(torch.cdist(unit, unit).square(), count),
        "distances between updates; the shortest update is another thing": updates.norm(dim=1),
        "distances between updates, not from their median": (updates - updates.median(0).values).norm(dim=1),
    }
    return {words: int(score.argmin()) for words, score in scores.items()}


def _drawn(rng, honest):
    """Updates and how many attack, of a few draws the one on which most mistakes show, and what `_chosen` says of it."""
    draws = []
    for _ in range(6):
        attackers = 0 if honest else int(rng.integers(1, 4))
        n = int(rng.integers(2 * attackers + 5, 2 * attackers + 9))
        updates = torch.from_numpy(rng.normal(size=(n, 4)) * rng.uniform(0.7, 1.4, (n, 1)))
        updates[rng.permutation(n)[:attackers]] += float(rng.choice([1.0, 4.0]))
        picks = _chosen(updates, attackers)
        draws.append((sum(pick != picks[""] for pick in picks.values()), len(draws), updates, attackers, picks))
    return max(draws)[2:]


def _krum(answer):
    rng, got, picks = np.random.default_rng(), [], []
    while len(picks) < 20 or len({tuple(row[words] for row in picks) for words in picks[0]}) < len(picks[0]):
        updates, attackers, row = _drawn(rng, honest=not picks)
        picks.append(row | {"numbers from 0, as Python counts": row[""] + 1})
        got.append(whole(call(answer, updates.clone(), attackers), "the number"))
    right = [row[""] for row in picks]
    named = [([row[words] for row in picks], words) for words in picks[0] if words]
    _judge(got, right, named, lambda k: f"it should be number {right[k]} of the updates; you gave {got[k]}")


def _unmask(answer):
    rng, got, right, slips = np.random.default_rng(), [], [], []
    for count, gone, modulus in ((4, 1, 1009), (5, 2, 101), (3, 0, 1009), (6, 3, 499), (5, 1, 307), (6, 2, 1009)):
        left = {}
        while not left or (gone and len({v % modulus for v in left.values()}) < len(left)):  # no two slips fall together
            names = sorted(rng.choice(50, count, replace=False).tolist())
            values = dict(zip(names, rng.integers(modulus // 2, modulus, count).tolist(), strict=True))
            masks = {(a, b): int(rng.integers(1, modulus)) for a in names for b in names if a < b}
            alive = set(rng.permutation(names)[gone:].tolist())
            signed = {k: sum(m for (a, _), m in masks.items() if a == k) - sum(m for (_, b), m in masks.items() if b == k)
                      for k in names}  # fmt: skip
            sent = {k: (values[k] + signed[k]) % modulus for k in names if k in alive}
            one = {pair: m for pair, m in masks.items() if (pair[0] in alive) != (pair[1] in alive)}
            plus = sum(m for (a, _), m in one.items() if a in alive)
            minus = sum(m for (a, _), m in one.items() if a not in alive)
            none = sum(m for (a, b), m in masks.items() if a not in alive and b not in alive)
            left = {"": -plus + minus, "raw": 0, "sign": plus - minus, "plus": -plus, "minus": minus, "all": -plus - minus,
                    "more": plus + minus, "every": -sum(masks.values()) + 0}  # fmt: skip
            if none:
                left |= {"none": -plus + minus - none}
        raw, total = sum(sent.values()), sum(values[k] for k in alive)
        got.append(number(call(answer, dict(sent), dict(masks), modulus), "the sum"))
        right.append(total % modulus)
        slips.append((
            (raw + left[""], "modulo the modulus: a residue from 0 to modulus − 1"),
            (total, "modulo the modulus: a residue from 0 to modulus − 1"),
            (raw % modulus, "masks shared with a client that dropped out are still in the sum"),
            (raw, "modulo the modulus, and without the masks of those who dropped out"),
            ((raw + left["sign"]) % modulus, "the wrong sign: a added the mask, so it is taken off; b subtracted it"),
            ((raw + left["plus"]) % modulus, "a survivor may be the second of a pair, too: b subtracted the mask"),
            ((raw + left["minus"]) % modulus, "a survivor may be the first of a pair, too: a added the mask"),
            ((raw + left["all"]) % modulus, "mind the sign: a added, b subtracted"),
            ((raw + left["more"]) % modulus, "mind the sign: a added, b subtracted"),
            ((raw + left["every"]) % modulus, "masks between two survivors have cancelled: they are not in the sum"),
            ((raw - plus + minus - none) % modulus, "masks between two who dropped out were never sent"),
            ((total / len(sent)) % modulus, "the sum, not the mean"),
            (total % 101, "modulo `modulus`, whatever it is"),
        ))  # fmt: skip
    named = [([row[k][0] for row in slips], slips[0][k][1]) for k in range(len(slips[0]))]
    _judge(got, right, named, lambda k: f"it should be {right[k]}; you gave {got[k]:g}")
    if number(call(answer, {1: 5}, {}, 7), "the sum") != 5:
        raise Wrong("with no masks at all the sum is that of the values")


EXERCISES = (
    Exercise(
        "15.1",
        "Write read_record(weight, bias): the record in the update of an affine layer.",
        _read_record,
        (
            "Row i of the weight is the record times entry i of the bias.",
            "Choose a unit whose bias has moved: the largest in absolute value.",
            "weight[unit] / bias[unit].",
        ),
    ),
    Exercise(
        "15.2",
        "Write true_positives(inside, outside, fpr): the share of members found at a false-positive rate.",
        _true_positives,
        (
            "How many false alarms does fpr allow among so many outside?",
            "The threshold is the largest score of `outside` that may not be exceeded more often than that.",
            "Sort `outside` downwards and take entry floor(fpr · n); count `inside` above it.",
        ),
    ),
    Exercise(
        "15.3",
        "Write krum(updates, attackers): the number of the update that Krum chooses.",
        _krum,
        (
            "torch.cdist gives all distances; square them.",
            "Sort each row; the first entry is the update itself.",
            "Sum entries 1 to n − attackers − 2 of each row, and take the argmin.",
        ),
    ),
    Exercise(
        "15.4",
        "Write unmask(sent, masks, modulus): the survivors' sum although some clients dropped out.",
        _unmask,
        (
            "Masks between two survivors cancel; those between two who dropped out were never sent.",
            "For a pair with one survivor its mask is still in the sum, with the survivor's sign.",
            "Subtract m where a survived and b did not, add m where b survived and a did not; then modulo.",
        ),
    ),
)
