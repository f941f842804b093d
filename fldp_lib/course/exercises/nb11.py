"""Notebook 11: a user's own factor, reading a list off an update, recall, a nightly model."""

import math

import numpy as np
import torch

from ...privacy import accounting, mechanisms
from ..answers import Wrong, call, compare, number, parts, tensor, whole
from ..teacher import Exercise, Question


def _ridge(answer):
    rng = np.random.default_rng()
    for n, k in ((12, 3), (2, 4)):  # also fewer ratings than factors
        factors, ratings = torch.from_numpy(rng.normal(size=(n, k))), torch.from_numpy(rng.normal(size=n))
        lam = float(rng.choice([rng.uniform(0.3, 0.7), rng.uniform(1.5, 3)]))  # λ² is another number
        got = tensor(call(answer, factors.clone(), ratings.clone(), lam), (k,), "the factor")
        eye = torch.eye(k, dtype=torch.float64)

        def solve(weight, factors=factors, ratings=ratings, eye=eye):
            return torch.linalg.solve(factors.T @ factors + weight * eye, factors.T @ ratings)

        right = solve(lam)
        slips = (
            (torch.linalg.pinv(factors) @ ratings, "that is least squares without the penalty"),
            (solve(lam * n), "the penalty is added once, not once for each rating"),
            (solve(lam**2), "λ enters as it is, not squared"),
            (solve(lam / 2), "the squared error has no ½ here, so λ is not halved"),
            (solve(2 * lam), "the squared error has no ½ here, so λ is not doubled"),
            (solve(-lam), "the penalty is added, not subtracted: +λI"),
            (-right, "the sign is turned: Vᵀr stands on the right with a plus"),
            (factors.T @ ratings, "that is Vᵀr; the matrix VᵀV + λI is still to be divided out"),
        )
        compare(got, right, slips, f"for {n} ratings and {k} factors it should be {right.numpy().round(4)}")


def _rated_items(answer):
    rng = np.random.default_rng()
    for items, k in ((20, 3), (33, 2)):
        rated = np.sort(rng.choice(np.arange(1, items - 1), 6, replace=False))
        update = np.zeros((k, items))
        update[:, rated] = rng.uniform(0.5, 1.5, (k, 6)) * rng.choice([-1, 1], (k, 6))
        update[0, rated[0]] = update[-1, rated[1]] = 0.0  # one factor may stand still
        update[:, rated[2]] = 0.0
        update[:2, rated[2]] = 1.0, -1.0  # and two may cancel
        update[:, rated[3]], update[:, rated[4]] = -0.7, 0.001  # or all move down, or very little
        given = call(answer, torch.from_numpy(update.ravel()).float(), items)
        got, right = (
            [whole(item, "each number of an item") for item in parts(given, None, "the numbers of the items")],
            rated.tolist(),
        )
        if got == right:
            continue
        flat = np.flatnonzero(update.ravel())
        for wrong, words in (
            (
                sorted(set((flat // k).tolist())),
                "the update is ordered factor by factor, each over all items: view(-1, items)",
            ),
            (np.flatnonzero(update[0]).tolist(), "look at all factors: the first one may stand still for a rated item"),
            (np.flatnonzero(update[-1]).tolist(), "look at all factors: the last one may stand still for a rated item"),
            (np.flatnonzero(update.sum(0)).tolist(), "factors of both signs may cancel: look at magnitudes"),
            (np.flatnonzero(update.max(0) > 0).tolist(), "an item's factors may all move down: look at magnitudes"),
            (np.flatnonzero(update.all(0)).tolist(), "an item is rated if any of its factors moves; not all need to"),
            ([item + 1 for item in right], "items are counted from 0"),
            (
                (np.abs(update).max(0) > 0).astype(int).tolist(),
                "that says of each item whether it is rated; its number is asked for",
            ),
        ):
            if got == wrong:
                raise Wrong(words)
        if sorted(got) == right:
            raise Wrong("in ascending order")
        if len(set(got)) < len(got) and sorted(set(got)) == right:
            raise Wrong("each item once, however many of its factors move")
        raise Wrong(f"the items are {right}; you gave {got}")


def _mean_recall(answer):
    rng = np.random.default_rng()
    for users, k in ((7, 4), (5, 10)):
        right, wrong = 0.0, {0.0: ""}
        while right in wrong or len(wrong) < 8:  # draws in which each slip gives a number of its own
            chosen, liked = (np.stack([rng.choice(16, k, replace=False) for _ in range(users)]) for _ in range(2))
            hits = np.array([len(set(a) & set(b)) for a, b in zip(chosen, liked, strict=True)])
            right = float(hits.mean() / k)
            wrong = {
                float((chosen == liked).mean()): "that asks for the same place, too; the order does not matter",
                float(hits.mean()): "that is the number of hits; divide by the number of liked items",
                float(np.median(hits) / k): "that is the median user; the mean over users is asked for",
                float((hits > 0).mean()): "that is the share of users with any hit at all",
                float((hits / (2 * k - hits)).mean()): "divide by the liked items, not by all that are liked or chosen",
                float(1 - right): "that is the share that was missed",
                float(
                    hits.mean() / k**2
                ): "there are k liked items, not k² pairs: an item is found if any chosen one equals it",
                float(hits.sum()): "that is the sum over users; the mean of the shares is asked for",
            }
        got = number(call(answer, torch.from_numpy(chosen.copy()), torch.from_numpy(liked.copy())), "the recall")
        compare(got, right, wrong.items(), f"for {users} users it should be {right:.4f}; you gave {got:.4f}")


def _total_epsilon(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        multiplier, nights = float(rng.uniform(15, 40)), int(rng.integers(3, 15))
        rounds = int(
            rng.choice([count for count in range(5, 20) if count not in (nights, nights**2)])
        )  # else two slips are one
        delta = float(10 ** rng.uniform(-6, -4))
        noise = mechanisms.Gaussian(multiplier, clip=1.0)
        right = accounting.epsilon(noise, rounds=rounds * nights, delta=delta)
        got = number(call(answer, multiplier, rounds, nights, delta), "the ε")
        night = accounting.epsilon(noise, rounds=rounds, delta=delta)
        slips = (
            (night, "that is one night; all nights concern the same users"),
            (
                nights * night,
                "adding the nights' ε is valid neither for δ (it adds up, too) nor tight: compose all rounds at once",
            ),
            (accounting.epsilon(noise, rounds=nights, delta=delta), "each night has several rounds"),
            (
                accounting.epsilon(noise, rounds=rounds * nights, delta=delta, method="rdp"),
                "by RDP; the default, PLD, is tighter",
            ),
            (
                nights * accounting.epsilon(noise, rounds=rounds, delta=delta / nights),
                "valid, but not as tight as it can be: compose all rounds at once",
            ),
            (math.sqrt(nights) * night, "ε does not grow with the root of the nights exactly: compose all rounds"),
            (accounting.epsilon(noise, rounds=rounds + nights, delta=delta), "rounds in every night: multiply them"),
            (accounting.epsilon(noise, rounds=rounds * nights, delta=delta * nights), "δ is that of all nights together"),
        )
        where = f"for {nights} nights of {rounds} rounds at multiplier {multiplier:.3g}"
        compare(got, right, slips, f"{where} it is {right:.4g}; you gave {got:.4g}")


EXERCISES = (
    Exercise(
        "11.1",
        "Write ridge(factors, ratings, lam): the user factor that fits her ratings under a penalty.",
        _ridge,
        (
            "Set the gradient to zero: (VᵀV + λI)u = Vᵀr.",
            "torch.eye(k) has to have the factors' type.",
            "torch.linalg.solve(V.T @ V + lam * torch.eye(k).to(V), V.T @ r).",
        ),
    ),
    Exercise(
        "11.2",
        "Write rated_items(update, items): the items a user has rated, from her plain update.",
        _rated_items,
        (
            "Bring the update into the shape (factors × items) first.",
            "An item was rated if any of its factors moved.",
            "update.view(-1, items).abs().amax(0).nonzero().flatten().tolist().",
        ),
    ),
    Exercise(
        "11.3",
        "Write mean_recall(chosen, liked): the mean share of liked items that were chosen.",
        _mean_recall,
        (
            "Compare every chosen with every liked item of the same user.",
            "(chosen.unsqueeze(2) == liked.unsqueeze(1)) is users × k × k.",
            "Its .any(1).double().mean().",
        ),
    ),
    Exercise(
        "11.4",
        "Write total_epsilon(multiplier, rounds, nights, delta): the bill of a model that is retrained every night.",
        _total_epsilon,
        (
            "How many releases are there about the same users?",
            "rounds · nights, composed at once by accounting.epsilon.",
            "accounting.epsilon(mechanisms.Gaussian(multiplier, clip=1.0), rounds=rounds * nights, delta=delta).",
        ),
    ),
)

QUIZ = (
    Question(
        "The user factors are computed on the devices from the released item factors. What ε do the recommendations cost?",
        (
            ("A further ε for each list that is shown.", "they use the user's own ratings, and are shown to her only."),
            (
                "None, as long as only she herself sees them.",
                "item factors are released already, her own data are hers: billboard.",
            ),
            ("None, since nothing on a device can leak.", "a device that sends the recommendations on has released them."),
        ),
        1,
    ),
    Question(
        "To save traffic, clients send the rows of rated items only, each with enough noise for ε = 1. The guarantee is",
        (
            ("ε = 1 for everything that is sent, as always.", "which rows are sent is released without any noise."),
            ("none: which rows are sent tells the list.", "every output counts, also which numbers are there."),
            ("better than ε = 1: fewer numbers are released.", "the choice of the numbers tells the list itself."),
        ),
        1,
    ),
    Question(
        "At ε = 8 rare items fall behind popular ones by more than without privacy. What shows that the clip does it?",
        (
            (
                "The gap is larger still at ε = 1, with more noise.",
                "that shows what more noise adds, not what made this gap.",
            ),
            (
                "The same clip without noise has nearly the same gap.",
                "a cause is shown by what is left when the other one goes.",
            ),
            (
                "Rare items occur in fewer updates than popular ones do.",
                "true, and a reason for either cause: noise or clip.",
            ),
        ),
        1,
    ),
)
