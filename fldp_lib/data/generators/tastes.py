"""Users' ratings of items, with the tastes behind them."""

from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from ..federation import Dataset
from ..splits import federate


@dataclass(frozen=True, eq=False)
class Ratings:
    """Users' ratings of items, and the factors behind them.

    Attributes:
        dataset: a `data.Dataset`: one row a rating, the item as one of `items` indicators, the rating as the target.
        federation: one client a user.
        users: true factors (users × rank), float64.
        items: true factors (items × rank), float64.
        popularity: probability with which a user meets an item (items,), adding up to 1.
        seen: whether a user has rated an item (users × items), bool.
    """

    dataset: Dataset
    federation: object
    users: torch.Tensor
    items: torch.Tensor
    popularity: torch.Tensor
    seen: torch.Tensor


def ratings(users=1_000, items=80, rank=3, rated=(15, 40), noise=0.3, seed=0):
    """Draw ratings of low rank: a user's factors times an item's, plus noise, for the items that the user has met.

    Factors are normal, scaled so that a rating has variance 1 before the noise; ratings are cut off at -3 and 3 and mean
    "more or less than expected". Each user meets a uniform number of items in the range `rated`, drawn without
    replacement with Zipf-like probabilities, 1 over the item's place to the power 0.7.

    Realistic: few ratings a user, skewed popularity, tastes of low rank. Not realistic: whether a user meets an item does
    not depend on whether she will like it, tastes do not change, popularity says nothing about quality.

    Args:
        users: at least 1.
        items: at least 2.
        rank: at least 1.
        rated: least and largest number of ratings a user, within 1 … items.
        noise: standard deviation, at least 0.
        seed: of all draws.

    Returns:
        A `Ratings`.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 11.
    Source: the low-rank model of Koren, Bell & Volinsky 2009; the numbers are our own.
    """
    users, items = checks.whole("users", users, at_least=1), checks.whole("items", items, at_least=2)
    rank, noise = checks.whole("rank", rank, at_least=1), checks.real("noise", noise, at_least=0)
    if not isinstance(rated, (tuple, list)) or len(rated) != 2:
        raise ValueError(f"rated must be (least, largest), two whole numbers, got {checks.shown(rated)}")
    low = checks.whole("rated[0]", rated[0], at_least=1, at_most=items)
    high = checks.whole("rated[1]", rated[1], at_least=low, at_most=items)
    rng = np.random.default_rng(checks.whole("seed", seed, at_least=0))
    taste, quality = rng.normal(size=(users, rank)) / np.sqrt(rank), rng.normal(size=(items, rank))
    popularity = rng.permutation(np.arange(1, items + 1) ** -0.7)
    popularity /= popularity.sum()
    count = rng.integers(low, high + 1, users)
    keys = rng.exponential(size=(users, items)) / popularity  # the smallest keys: a draw without replacement
    place = keys.argsort(1).argsort(1)
    seen = place < count[:, None]
    owner, item = np.nonzero(seen)
    exact = (taste[owner] * quality[item]).sum(1)
    rating = np.clip(exact + noise * rng.normal(size=len(item)), -3, 3).astype(np.float32)
    x = torch.nn.functional.one_hot(torch.from_numpy(item), items).float()
    y = torch.from_numpy(rating)
    source = "synthetic: fldp_lib.data.generators.ratings"
    dataset = Dataset("ratings", x, y, x[:1], y[:1], "regression", source)  # the truth takes a test set's place
    federation = federate(x, y, owner, dataset, users)
    truth = (torch.from_numpy(part) for part in (taste, quality, popularity, seen))
    return Ratings(dataset, federation, *truth)
