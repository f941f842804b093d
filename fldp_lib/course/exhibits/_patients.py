"""The breast-cancer patients of two features on a map: what notebook 03's explorers share."""

from functools import lru_cache

import numpy as np
import torch

from ... import data, models
from ...interactive import plots, scenes
from ._kit import _

PATIENTS = lru_cache(maxsize=1)(lambda: data.load("breast_cancer", features=["worst smoothness", "worst area"]))
LOGISTIC, LR = models.Linear(2, 1), 4.0
SMOOTH, AREA = (0.08, 0.12, 0.18), (200, 500, 1000, 2000)  # where the map has ticks


@lru_cache(maxsize=256)
def _dealt(count, how, alpha=0.3):
    return data.split(PATIENTS(), count, how=how, alpha=alpha, seed=0)


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


def _right(theta, of):
    """How many of a data set's test records a model of two features gets right."""
    outputs = models.predict(LOGISTIC, torch.as_tensor(theta, dtype=torch.float32), of.x_test)
    return int(((outputs[:, 0] > 0) == of.y_test.bool()).sum())


def _line(theta):
    """x and heights of one model's line, where it is on the map."""
    x, heights = _heights(theta, 121)
    return x, np.where(abs(heights[0]) <= 1, heights[0], np.nan)
