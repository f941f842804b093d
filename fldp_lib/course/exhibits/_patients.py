"""The breast-cancer patients of two features on a map: what notebook 03's explorers share."""

from functools import lru_cache

import numpy as np
import torch

from ... import data, models
from ...interactive import plots, scenes
from ...privacy import mechanisms
from ._clouds import chords, joined
from ._kit import _

PATIENTS = lru_cache(maxsize=1)(lambda: data.load("breast_cancer", features=["worst smoothness", "worst area"]))
LOGISTIC, LR = models.Linear(2, 1), 4.0
SMOOTH, AREA = (0.08, 0.12, 0.18), (200, 500, 1000, 2000)  # where the map has ticks


@lru_cache(maxsize=256)
def _dealt(count, how, alpha=0.3):
    return data.split(PATIENTS(), count, how=how, alpha=alpha, seed=0)


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to train notebook 03's clients by itself: patients, how they are dealt, unit noise.

    Returns:
        Training and test patients. `dealt` and `owner`: the patients in the order in which `data.split` deals them evenly,
        and who gets which, modulo the number of clients. `order` (59 × 455) and `sizes` (59 × 60): the uneven deals to
        2 … 60 clients, which are draws; patients client by client, and how many each has. `noise`: of `leaving` (60 × 3).
    """
    some, rng = PATIENTS(), np.random.default_rng(0)
    n = len(some.y_train)
    owner, even = rng.permutation(n), rng.permutation(n)  # as `data.split` draws them
    where = {tuple(row): k for k, row in enumerate(some.x_train.tolist())}
    deals = [_dealt(count, "dirichlet") for count in range(2, 61)]
    return dict(
        train=dict(x=some.x_train, y=some.y_train.to(torch.uint8)),
        test=dict(x=some.x_test, y=some.y_test.to(torch.uint8)),
        dealt=dict(x=some.x_train[even], y=some.y_train[even].to(torch.uint8)), owner=owner[even],
        order=np.array([[where[tuple(row)] for row in fed.pooled()[0].tolist()] for fed in deals]),
        sizes=np.array([np.pad(fed.sizes.numpy(), (0, 60 - fed.clients)) for fed in deals]),
        noise=mechanisms.Gaussian(1.0, 1.0).noise((60, 3), torch.Generator().manual_seed(0)),
    )  # fmt: skip


def _map(title, right=0.0):
    """An empty map of the patients: smoothness across, area up, in their own units."""
    across, up = (scenes.ticks(PATIENTS(), column, values) for column, values in ((0, SMOOTH), (1, AREA)))
    words = (title, _("worst smoothness (log)"), _("worst area, px² (log)"))
    return plots.Panel(*words, x=(-1, 1), y=(-1, 1), xticks=across, yticks=up, right=right)


def _heights(thetas, points=25):
    """Where linear models are undecided: x (points,) and the heights there (models × points)."""
    x, thetas = np.linspace(-1, 1, points), np.atleast_2d(np.asarray(thetas, dtype=float))
    weight = np.where(abs(thetas[:, 1:2]) < 1e-9, np.nan, thetas[:, 1:2])
    return x, -(thetas[:, 0:1] * x + thetas[:, 2:3]) / weight


def _right(thetas, of):
    """How many of a data set's test records models of two features (… × 3) get right: a number, or a list of them."""
    thetas = torch.as_tensor(thetas, dtype=torch.float32)
    outputs = thetas[..., :2] @ of.x_test.T + thetas[..., 2:]
    return ((outputs > 0) == of.y_test.bool()).sum(-1).tolist()


def _lines(thetas):
    """x and heights of some models' lines (models × 3) on the map, from edge to edge, left to right, with gaps between."""
    return joined([(x[x.argsort()], y[x.argsort()]) for x, y in chords(torch.as_tensor(thetas))])
