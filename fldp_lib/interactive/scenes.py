"""Scenes: panels and marks that show a federation itself, for linear classifiers of two features.

The *federation view* draws each client's records and its own model in a small panel, and the merged models on the test
records. *Leave one out* draws two ensembles of private models over each other, trained with and without one client:
what lies between the two is what ε bounds.
"""

import math

import numpy as np
import torch

from .. import checks
from . import plots
from .marks import COLOURS, PINNED

TOP = 1.55  # of a map's y axis: above 1 there is room for words
LINES = (1.4, 1.17)  # heights of the two lines of words


def ticks(dataset, column, values):
    """Return positions and labels for an axis that shows a feature in its own units.

    Args:
        dataset: a `data.Dataset` that was scaled into [-1, 1] by public bounds.
        column: number of the feature.
        values: values in the feature's units, inside its bounds.
    """
    if getattr(dataset, "bounds", None) is None:
        raise TypeError(f"dataset must be a Dataset with bounds, got {checks.shown(dataset)} ({type(dataset).__name__})")
    low, high = dataset.bounds[checks.whole("column", column, at_least=0, at_most=len(dataset.bounds) - 1)]
    values = checks.tensor("values", list(values) if isinstance(values, range) else values, ("n",), "double").tolist()
    if not all(low <= v <= high for v in values):
        raise ValueError(f"values must lie within the feature's bounds, {low:g} … {high:g}; got {values}")
    if dataset.scale == "log":
        return {2 * np.log(v / low) / np.log(high / low) - 1: f"{v:g}" for v in values}
    return {2 * (v - low) / (high - low) - 1: f"{v:g}" for v in values}


def maps(dataset, titles, values, columns, words=("", "")):
    """Return one panel a title, for records with two features; numbers stand only at the outer axes.

    Args:
        dataset: a `data.Dataset` with two features.
        titles: the panels' titles, row by row.
        values: for each of the two features, the values at its ticks, in its own units.
        columns: panels in a row, as in the `plots.Chart` that gets them.
        words: labels of the two axes.
    """
    if not hasattr(dataset, "features"):
        raise TypeError(f"dataset must be a Dataset, got {checks.shown(dataset)} ({type(dataset).__name__})")
    columns = checks.whole("columns", columns, at_least=1)
    for name, given in (("values", values), ("words", words)):
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise ValueError(f"{name} must be a pair, one for each feature, got {checks.shown(given)}")
    _texts("titles", titles), _texts("words", words)
    if len(dataset.features) != 2:
        raise ValueError(f"dataset must have two features, got {len(dataset.features)}: {', '.join(dataset.features)}")
    across, up = (ticks(dataset, column, values[column]) for column in (0, 1))
    panels = []
    for number, title in enumerate(titles):
        left, bottom = number % columns == 0, number + columns >= len(titles)
        panels.append(
            plots.Panel(
                title, words[0] if bottom else "", words[1] if left else "", x=(-1, 1), y=(-1, TOP),
                xticks=across if bottom else dict.fromkeys(across, ""),
                yticks=up if left else dict.fromkeys(up, ""),
            )
        )  # fmt: skip
    return panels


def boundary(theta, style=0, panel=0, shade=False, width=2.2, opacity=1.0):
    """Return marks for the line on which a linear model of two features is undecided.

    Args:
        theta: two weights and a bias (3,). A model that has diverged, with NaN or infinity in it, has no line.
        style, panel, width, opacity: of the line.
        shade: whether the side of class 0 is shaded.
    """
    a, b, c = checks.tensor("theta", theta, (3,), "double").tolist()
    shade = checks.flag("shade", shade) and math.isfinite(a + b + c)
    t, square = np.linspace(-4, 4, 241), a * a + b * b or math.nan  # without weights there is no such line
    x, y = -a * c / square - b * t / square**0.5, -b * c / square + a * t / square**0.5
    inside = (abs(x) <= 1) & (abs(y) <= 1)
    marks = [plots.line(x, np.where(inside, y, np.nan), style, panel=panel, width=width, opacity=opacity)]
    if shade:
        grid, b = np.linspace(-1, 1, 81), b or 1e-12
        edge = np.clip(-(a * grid + c) / b, -1, 1)
        low, high = (np.full(81, -1.0), edge) if b > 0 else (edge, np.ones(81))
        marks.insert(0, plots.band(grid, low, high, style=2, panel=panel, opacity=0.13))
    return marks


def records(x, y, panel=0, size=2.0):
    """Return marks for records of two features: class 1 as blue squares, class 0 as orange triangles.

    Args:
        x: features (records, 2), in [-1, 1].
        y: classes (records,), 0 or 1.
        panel, size: of the dots.
    """
    x = checks.finite("x", checks.tensor("x", x, ("records", 2))).cpu().numpy()
    y = checks.tensor("y", y, ("records",), "whole").cpu().numpy()
    if len(x) != len(y) or not np.isin(y, (0, 1)).all():
        raise ValueError(f"y must be one class, 0 or 1, for each of {len(x)} records, got {checks.shown(y)}")
    return [plots.dots(*x[y == kind].T, 2 - kind, panel=panel, size=size, opacity=1) for kind in (1, 0)]


def words(lines, panel=0, styles=(0, 0)):
    """Return marks for up to two lines of words above a map's records.

    Args:
        lines: one or two strings.
        panel: the panel.
        styles: the lines' styles.
    """
    _texts("lines", lines), _styles(styles)
    placed = zip(LINES, lines, styles, strict=False)
    return [plots.text(-0.97, height, line, style, panel) for height, line, style in placed]


def client(federation, k, theta, panel, before=None, lines=(), shade=False):
    """Return marks for one client: its records, its own model, and the model it started from.

    Args:
        federation: a `data.Federation` of two features.
        k: the client.
        theta: its own model (3,).
        panel: where to draw.
        before: the model it started from (3,), in grey; None leaves it out.
        lines: words above, at most two lines.
        shade: whether its own model's side of class 0 is shaded.
    """
    _federation(federation, "client"), _texts("lines", lines)
    if before is not None:
        before = checks.tensor("before", before, (3,), "double")
    own = boundary(theta, 0, panel, shade=shade)
    start = [] if before is None else boundary(before, PINNED, panel, width=1.6)
    return [*own[:-1], *records(*federation.client(k), panel), *start, own[-1], *words(lines, panel)]


def merged(federation, thetas, panel, lines=(), styles=(3, 4), shade=None):
    """Return marks for merged models on the test records.

    Args:
        federation: a `data.Federation` of two features.
        thetas: up to two models (3,), drawn in `styles`.
        panel: where to draw.
        lines: words above, one line a model, in its style.
        styles: the models' styles.
        shade: number of the model whose side of class 0 is shaded; None shades nothing.
    """
    _federation(federation, "x_test"), _texts("lines", lines), _styles(styles)
    thetas = _models("thetas", thetas)
    if shade is not None:
        checks.whole("shade", shade, at_least=0, at_most=len(thetas) - 1)
    drawn = [boundary(theta, style, panel, k == shade) for k, (theta, style) in enumerate(zip(thetas, styles, strict=False))]
    return [
        *(mark for one in drawn[::-1] for mark in one),
        *records(federation.x_test, federation.y_test, panel, size=1.7),
        *words(lines, panel, styles),
    ]


def leave_one_out(fit, federation, k, runs, seed=0):
    """Train an ensemble of models on a federation, and one on the same federation without one client's data.

    The two ensembles draw different noise. The client stays in the count, as an empty one: the neighbour under which
    clients are added or removed while their number is public.

    Args:
        fit: called with a federation and a seed; returns θ (parameters,).
        federation: a `data.Federation`.
        k: the client that is left out.
        runs: models in each ensemble, at least 1.
        seed: the first ensemble uses seeds from `seed` on, the second the ones after those.

    Returns:
        θ with the client and θ without it, each (runs, parameters).

    Derived in: notebook 02.
    """
    checks.function("fit", fit, "of a federation and a seed")
    _federation(federation, "without")
    runs, seed = checks.whole("runs", runs, at_least=1, at_most=10**6), checks.whole("seed", seed, at_least=0)
    k = checks.whole("k", k, at_least=0, at_most=federation.clients - 1)
    without = federation.without(k)
    seeds = range(seed, seed + runs)
    return (
        torch.stack([fit(federation, number) for number in seeds]),
        torch.stack([fit(without, number + runs) for number in seeds]),
    )


def ensembles(first, second, panel=0, styles=(1, 2)):
    """Return marks for two ensembles of linear models, drawn over each other.

    Args:
        first, second: θ of each ensemble's models (runs, 3).
        panel: where to draw.
        styles: colour and dashes of each ensemble.
    """
    first, second = _models("first", first), _models("second", second)
    _styles(styles)
    pairs = zip(first, second, strict=True)
    return [m for pair in pairs for theta, style in zip(pair, styles, strict=True)
            for m in boundary(theta, style, panel, width=1.3, opacity=0.75)]  # fmt: skip


def _texts(name, lines):
    """Refuse what is no list of strings."""
    checks.kind(name, lines, (list, tuple), "a list of strings")
    for line in lines:
        checks.text(name, line)


def _styles(styles):
    checks.kind("styles", styles, (list, tuple), "a list of styles, numbers from 0")
    for style in styles:
        checks.whole("styles", style, at_least=0, at_most=len(COLOURS) - 1)


def _models(name, thetas):
    """Linear models of two features (models × 3)."""
    if isinstance(thetas, (list, tuple)) and all(
        isinstance(theta, torch.Tensor) and theta.shape == (3,) for theta in thetas
    ):
        thetas = torch.stack(list(thetas)) if thetas else torch.zeros(0, 3)
    return checks.tensor(name, thetas, ("models", 3), "double")


def _federation(federation, attribute):
    """Refuse what is no federation, by what is asked of it: this wing does not know the subject."""
    if not hasattr(federation, attribute) or not hasattr(federation, "mask"):
        raise TypeError(f"federation must be a Federation, from data.split; got {checks.shown(federation)}")
