"""Notebook 11: a user's own factor, reading a list off an update, recall, a nightly model."""

import numpy as np
import torch

from ...privacy import accounting, mechanisms
from ..answers import Wrong, call, compare, number, require
from ..teacher import Exercise, Question


def _ridge(answer):
    rng = np.random.default_rng()
    for n, k in ((12, 3), (2, 4)):  # also fewer ratings than factors
        factors, ratings = torch.from_numpy(rng.normal(size=(n, k))), torch.from_numpy(rng.normal(size=n))
        lam = float(rng.uniform(0.3, 3))
        got = call(answer, factors.clone(), ratings.clone(), lam)
        require(isinstance(got, torch.Tensor), f"return a tensor, got {type(got).__name__}")
        require(tuple(got.shape) == (k,), f"the factor should have shape ({k},), got {tuple(got.shape)}")
        eye = torch.eye(k, dtype=torch.float64)

        def solve(weight, factors=factors, ratings=ratings, eye=eye):
            return torch.linalg.solve(factors.T @ factors + weight * eye, factors.T @ ratings)

        got = got.double()
        if torch.allclose(got, solve(lam), atol=1e-6):
            continue
        for wrong, words in (
            (solve(1e-12), "that is least squares without the penalty"),
            (solve(lam * n), "the penalty is added once, not once for each rating"),
            (solve(lam**2), "λ enters as it is, not squared"),
            (solve(lam / 2), "the squared error has no ½ here, so λ is not halved"),
        ):
            if torch.allclose(got, wrong, atol=1e-6):
                raise Wrong(words)
        raise Wrong(f"for {n} ratings and {k} factors it should be {solve(lam).numpy().round(4)}")


def _rated_items(answer):
    rng = np.random.default_rng()
    for items, k in ((20, 3), (33, 2)):
        rated = np.sort(rng.choice(items, 6, replace=False))
        update = np.zeros((k, items))
        update[:, rated] = rng.normal(size=(k, 6))
        update[0, rated[0]] = 0.0  # one factor may stand still
        got = call(answer, torch.from_numpy(update.ravel()).float(), items)
        try:
            got = [int(item) for item in got]
        except (TypeError, ValueError):
            raise Wrong(f"return a list of whole numbers, got {got!r}") from None
        if got == rated.tolist():
            continue
        if got == sorted(set((np.flatnonzero(update.ravel()) // k).tolist())):
            raise Wrong("the update is ordered factor by factor, each over all items: view(-1, items)")
        if got == np.flatnonzero(update[0]).tolist():
            raise Wrong("look at all factors: the first one may stand still for a rated item")
        if sorted(got) == rated.tolist():
            raise Wrong("in ascending order")
        raise Wrong(f"the items are {rated.tolist()}; you gave {got}")


def _mean_recall(answer):
    rng = np.random.default_rng()
    for users, k in ((7, 4), (5, 10)):
        chosen, liked = (np.stack([rng.choice(16, k, replace=False) for _ in range(users)]) for _ in range(2))
        got = number(call(answer, torch.from_numpy(chosen.copy()), torch.from_numpy(liked.copy())), "the recall")
        right = float(np.mean([len(set(a) & set(b)) / k for a, b in zip(chosen, liked, strict=True)]))
        slips = (
            (float((chosen == liked).mean()), "that asks for the same place, too; the order does not matter"),
            (right * k, "that is the number of hits; divide by the number of liked items"),
        )
        compare(got, right, slips, f"for {users} users it should be {right:.4f}; you gave {got:.4f}", rel=1e-5)


def _total_epsilon(answer):
    rng = np.random.default_rng()
    for _ in range(2):
        multiplier, rounds, nights = float(rng.uniform(15, 40)), int(rng.integers(5, 20)), int(rng.integers(3, 15))
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
        )
        where = f"for {nights} nights of {rounds} rounds at multiplier {multiplier:.3g}"
        compare(got, right, slips, f"{where} it is {right:.4g}; you gave {got:.4g}", rel=1e-4)


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
            ("Another ε, since they use the ratings.", "they use the user's own ratings, and are shown to her only."),
            ("None: item factors are released already, and her own data are hers.", "the billboard model."),
            ("None, because devices are safe.", "a device that sends the recommendations on has released them."),
        ),
        1,
    ),
    Question(
        "To save traffic, clients send the rows of rated items only, each with enough noise for ε = 1. The guarantee is",
        (
            ("ε = 1.", "which rows are sent is released without any noise."),
            (
                "none: the list of rows depends on the user and is exact.",
                "every output counts, also which numbers are there.",
            ),
            ("better than ε = 1, since fewer numbers are sent.", "the choice of the numbers tells the list itself."),
        ),
        1,
    ),
    Question(
        "Why do rare items lose more than popular ones under the same noise?",
        (
            ("They get more noise.", "every number of the sum gets the same."),
            ("Fewer users contribute to their factors, and the noise is the same.", "signal over noise is smaller there."),
            ("They are clipped more.", "the clip shortens whole updates, all items of a user alike."),
        ),
        1,
    ),
)
