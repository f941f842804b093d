"""Notebook 15: read a record, sure of a few, Krum, a client drops out."""

import numpy as np
import torch

from ..answers import Wrong, call, compare, number, require
from ..teacher import Exercise, Question


def _read_record(answer):
    rng = np.random.default_rng()
    for silent in (0, 1, 2):
        record = torch.from_numpy(rng.uniform(0, 1, 7))
        slope = torch.from_numpy(rng.normal(size=5))
        slope[torch.from_numpy(rng.permutation(5)[:silent])] = 0
        if silent == 2:
            slope[0] = 0  # the first unit is silent
        factor = float(rng.uniform(-3, -0.1))
        weight, bias = factor * slope[:, None] * record[None], factor * slope
        got = torch.as_tensor(call(answer, weight.clone(), bias.clone()))
        require(got.shape == record.shape, f"the record has shape (features,) = (7,), got {tuple(got.shape)}")
        for wrong, words in (
            (weight[int(bias.abs().argmax())], "divide by the same unit's entry of the bias: the factor cancels"),
            (weight.mean(0), "divide by the bias: a row of the weight is the record times that unit's entry"),
            (weight.sum(0), "divide by the bias: a row of the weight is the record times that unit's entry"),
            (1 / record, "the other way round: weight over bias"),
        ):
            require(not torch.allclose(got, wrong), words)
        require(bool(got.isfinite().all()), "that divides by an entry of the bias that is 0: choose another unit")
        require(
            torch.allclose(got, record, rtol=1e-6),
            "that is not the record: each row of the weight is the record times the same unit's entry of the bias",
        )


def _true_positives(answer):
    rng = np.random.default_rng()
    for n, fpr in ((200, 0.01), (150, 0.1), (40, 0.05)):
        outside, inside = rng.normal(size=n), rng.normal(1.0, 1.0, size=160)
        got = number(call(answer, inside.copy(), outside.copy(), fpr), "the share")
        ordered = np.sort(outside)[::-1]
        allowed = int(np.floor(fpr * n + 1e-9))
        right = float((inside > ordered[allowed]).mean())
        slips = (
            (float((outside > ordered[allowed]).mean()), "that is the share of false alarms; count `inside`"),
            (float((inside > np.quantile(inside, 1 - fpr)).mean()), "the threshold comes from `outside`"),
            (float((inside <= ordered[allowed]).mean()), "scores *above* the threshold mean 'in'"),
            (float((inside > np.sort(outside)[allowed]).mean()), "the threshold is at the high end of `outside`"),
            (float((inside > 0).mean()), "use the false-positive rate, not a fixed threshold"),
        )
        compare(got, right, slips, f"for fpr = {fpr:g} it should be {right:.4f}; you gave {got:.4f}")


def _krum(answer):
    rng = np.random.default_rng()
    for n, attackers in ((9, 2), (12, 3), (10, 0), (11, 4)):
        updates = torch.from_numpy(rng.normal(size=(n, 4)) * rng.uniform(0.3, 3, (n, 1)))
        updates[rng.permutation(n)[:attackers]] += 6.0
        squares = torch.cdist(updates, updates).square()
        ordered = squares.sort(1).values
        near = n - attackers - 2

        def chosen(scores):
            return int(scores.argmin())

        right = chosen(ordered[:, 1 : near + 1].sum(1))
        got = number(call(answer, updates.clone(), attackers), "the number")
        slips = (
            (
                chosen(ordered[:, 1:].sum(1)),
                "only the n − attackers − 2 nearest count: far ones are the attackers' to choose",
            ),
            (chosen(ordered[:, :near].sum(1)), "an update is not its own neighbour: its distance 0 does not count"),
            (chosen(ordered.sqrt()[:, 1 : near + 1].sum(1)), "squared distances"),
            (int(ordered[:, 1 : near + 1].sum(1).argmax()), "the smallest sum, not the largest"),
        )
        compare(
            got, right, slips, f"of {n} updates with {attackers} attackers it should be number {right}; you gave {got:g}"
        )


def _unmask(answer):
    rng = np.random.default_rng()
    for clients, gone in ((4, (2,)), (5, (0, 3)), (3, ())):
        modulus = 1009
        values = rng.integers(0, 300, clients).tolist()
        masks = {(a, b): int(rng.integers(0, modulus)) for a in range(clients) for b in range(a + 1, clients)}
        sent = {}
        for k in range(clients):
            if k not in gone:
                mask = sum(m for (a, _), m in masks.items() if a == k) - sum(m for (_, b), m in masks.items() if b == k)
                sent[k] = (values[k] + mask) % modulus
        right = sum(values[k] for k in sent) % modulus
        raw = sum(sent.values())
        left = sum((a in sent) * m - (b in sent) * m for (a, b), m in masks.items() if (a in sent) != (b in sent))
        if gone and left % modulus in (0, modulus // 2):
            continue
        got = number(call(answer, dict(sent), dict(masks), modulus), "the sum")
        slips = (
            (raw - left, "modulo the modulus: a residue from 0 to modulus − 1"),
            (raw % modulus, "masks shared with a client that dropped out are still in the sum"),
            ((raw + left) % modulus, "the wrong sign: a added the mask, so it is taken off; b subtracted it"),
            ((raw - abs(left)) % modulus, "mind the sign: a added, b subtracted"),
            (raw, "modulo the modulus, and without the masks of those who dropped out"),
        )
        compare(got, right, [slip for slip in slips if slip[0] != right], f"it should be {right}; you gave {got:g}")
        require(got == int(got), "a sum of whole numbers is whole")
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

QUIZ = (
    Question(
        "A client clips its update to a hundredth of its length before sending it, without noise. What can be read?",
        (
            ("A hundredth of the pixels.", "the clip scales every number alike."),
            ("The same as before.", "a common factor cancels when weight is divided by bias."),
            ("Nothing.", "without noise nothing is hidden; the scale was never the secret."),
        ),
        1,
    ),
    Question(
        "An attack on membership is right 52% of the time on average. What follows?",
        (
            ("The model leaks next to nothing.", "it may be certain about a few and guess about the rest."),
            (
                "Nothing about the few records it is surest of.",
                "look at the true-positive rate at a low false-positive rate.",
            ),
            ("ε is below 0.1.", "an attack bounds ε from below, never from above."),
        ),
        1,
    ),
    Question(
        "Multi-Krum holds against four attacks out of five. Which sentence is true?",
        (
            ("It holds against poisoning.", "the fifth, which knew it, made it worse than no defence."),
            ("It can be used behind secure aggregation.", "it needs single updates, which nobody has there."),
            ("It says something about attackers that do not know it.", "against others it has to be tried, adaptively."),
        ),
        2,
    ),
    Question(
        "A server runs secure aggregation honestly over 100 clients. What does it learn about client 7?",
        (
            ("Nothing at all.", "it learns the sum, and the sum depends on client 7."),
            ("What the sum of all updates says about client 7.", "and what that is, noise in shares bounds."),
            (
                "Her masked update, which it can unmask if she drops out.",
                "then only her key's shares are revealed, not both.",
            ),
        ),
        1,
    ),
)
