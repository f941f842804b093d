"""Marks: what is drawn on a chart's panel.

A mark is data with a style; the style's number chooses colour, dashes and marker together, so that no meaning hangs on
colour alone. `drawing` turns them into matplotlib artists or SVG; `plots.Chart` puts them on its axes.
"""

from dataclasses import dataclass, replace

import numpy as np

from .. import checks
from .theme import COLOURS, PINNED, ROLES


@dataclass(frozen=True)
class Mark:
    """One thing drawn on a panel; made by `line`, `band`, `dots`, `bars` and `text`."""

    kind: str
    x: np.ndarray
    y: np.ndarray
    y2: np.ndarray = None
    style: int = 0
    label: str = ""
    panel: int = 0
    size: float = 1.8
    opacity: float = 1.0
    icon: str = ""


def line(x, y, style=0, label="", panel=0, width=1.8, opacity=1.0):
    """A curve through (x, y); `label` stands at its right end, `style` chooses colour and dashes together.

    Args:
        x, y: numbers, as many of the one as of the other (points,); NaN leaves a gap. So for the other marks.
        style: 0 … 9, in the order of `COLOURS`, or a role in `ROLES`, such as "private".
        label: text; empty for none.
        panel: of the chart, from 0.
        width: of the curve, in points.
        opacity: in [0, 1].
    """
    return _mark("line", x, y, None, style, label, panel, width, opacity, "width")


def band(x, low, high, style=0, label="", panel=0, opacity=0.18):
    """The area between two curves, `low` and `high` (points,); see `line`."""
    return _mark("band", x, low, high, style, label, panel, 0, opacity, names=("low", "high"))


def dots(x, y, style=0, label="", panel=0, size=3.0, opacity=0.9):
    """Points, in the style's colour and marker; `size` is the radius in points. See `line`."""
    return _mark("dots", x, y, None, style, label, panel, size, opacity, "size")


def bars(x, height, style=0, label="", panel=0, width=0.8, base=None, opacity=0.9):
    """Bars centred on x, from `base` (0 if None) up by `height`; `width` in units of x. See `line`."""
    height = _array("height", height)
    base = np.zeros(len(height)) if base is None else base
    return _mark("bars", x, height, base, style, label, panel, width, opacity, "width", ("height", "base"))


def text(x, y, words, style=0, panel=0):
    """Words that start at the point (x, y), two finite numbers."""
    x, y = checks.real("x", x), checks.real("y", y)
    return _mark("text", [x], [y], None, style, checks.text("words", words), panel, 1.8, 1.0)


def cloud(x, draws, style="private", label="", panel=0):
    """What many draws look like: the bands that hold the inner 90, 70 and 50% of them at each x, and their median's line.

    Args:
        x: (points,).
        draws: a curve a row (draws, points), two at least.
        style, label, panel: as in `line`.

    Returns:
        A list of marks.
    """
    draws = checks.tensor("draws", draws, ("draws", "points"), "double").detach().cpu().numpy()
    if len(draws) < 2:
        raise ValueError(f"draws must be two curves at least, got {len(draws)}")
    quantile = np.nanquantile if np.isnan(draws).any() else np.quantile  # the other takes twenty times as long
    low, middle, high = np.split(quantile(draws, [0.05, 0.15, 0.25, 0.5, 0.95, 0.85, 0.75], axis=0), (3, 4))
    bands = [band(x, a, b, style, panel=panel, opacity=0.13) for a, b in zip(low, high, strict=True)]
    return [*bands, line(x, middle[0], style, label, panel, width=2.2)]


def people(x, y, style=0, label="", panel=0, size=6.0, opacity=1.0):
    """Persons that stand at (x, y), `size` their half height in points. See `line`."""
    return replace(dots(x, y, style, label, panel, size, opacity), icon="person")


def places(x, y, style=0, label="", panel=0, size=8.0, opacity=1.0):
    """Places, such as hospitals, at (x, y), `size` their half height in points. See `line`."""
    return replace(dots(x, y, style, label, panel, size, opacity), icon="place")


def pinned(marks):
    """Return the marks, a list of them, in the pinned style: grey, thin, behind what is live."""
    marks = several(marks)
    return [
        replace(m, style=PINNED, label="pinned" if m.label else "", opacity=0.6 * m.opacity)
        for m in marks
        if m.kind != "text"
    ]


def several(marks, panels=None):
    """Return the marks if they are a list of marks, on panels that there are, or raise an error."""
    listed = list(marks) if isinstance(marks, (list, tuple)) or hasattr(marks, "__next__") else None
    if listed is None or not all(isinstance(mark, Mark) for mark in listed):
        raise TypeError(f"marks must be a list of marks, such as plots.line(x, y), got {checks.shown(marks)}")
    if panels is not None and (beyond := [mark.panel for mark in listed if mark.panel >= panels]):
        raise ValueError(f"marks must lie on the panels 0 … {panels - 1}, got one on {beyond[0]}")
    return listed


def _mark(kind, x, y, y2, style, label, panel, size, opacity, sized="", names=("y", "")):
    x, y = _array("x", x), _array(names[0], y)
    y2 = _array(names[1], y2) if names[1] else None
    for name, values in zip(names, (y, y2), strict=True):
        if values is not None and values.shape != x.shape:
            raise ValueError(f"{name} must have as many numbers as x, {len(x)}, got {len(values)}")
    if isinstance(style, str):
        style = ROLES[checks.one_of("style", style, tuple(ROLES))]
    style = checks.whole("style", style, at_least=0, at_most=len(COLOURS) - 1)
    panel = checks.whole("panel", panel, at_least=0)
    opacity = checks.real("opacity", opacity, at_least=0, at_most=1)
    size = checks.real(sized, size, at_least=0) if sized else size
    return Mark(kind, x, y, y2, style, checks.text("label", label), panel, size, opacity)


def _array(name, values):
    values = list(values) if isinstance(values, range) else values
    try:
        array = np.atleast_1d(checks.tensor(name, values, numbers="double").detach().cpu().numpy())
    except TypeError:
        if not isinstance(values, (list, tuple)) or any(isinstance(v, (str, bytes, complex)) for v in values):
            raise
        array = None
    if array is None or array.ndim != 1:
        raise ValueError(f"{name} must be a row of numbers, got {checks.shown(values)}")
    return array
