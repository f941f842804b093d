"""Marks: what is drawn on a chart's panel, as matplotlib artists for a picture or as SVG over finished axes.

A mark is data with a style; the style's number chooses colour, dashes and marker together, so that no meaning hangs on
colour alone. `plots.Chart` draws them.
"""

import html
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .. import checks

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#767676")  # 3:1 on white or better
DASHES = ((), (6, 3), (2, 2), (8, 3, 2, 3), (4, 2, 1, 2), (1, 2))
MARKERS = ("o", "s", "^", "D", "v", "x")
PINNED = 5  # the style of a pinned curve


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


def line(x, y, style=0, label="", panel=0, width=1.8, opacity=1.0):
    """A curve through (x, y); `label` stands at its right end, `style` chooses colour and dashes together.

    Args:
        x, y: numbers, as many of the one as of the other (points,); NaN leaves a gap. So for the other marks.
        style: 0 … 5, in the order of `COLOURS`.
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


def draw(ax, mark):
    colour, opacity = COLOURS[mark.style], mark.opacity
    if mark.kind == "line":
        dash = (0, DASHES[mark.style]) if DASHES[mark.style] else "-"
        ax.plot(mark.x, mark.y, color=colour, linestyle=dash, linewidth=mark.size, alpha=opacity)
    elif mark.kind == "band":
        ax.fill_between(mark.x, mark.y, mark.y2, color=colour, alpha=opacity, linewidth=0)
    elif mark.kind == "dots":
        ax.plot(mark.x, mark.y, MARKERS[mark.style], color=colour, markersize=2 * mark.size, alpha=opacity, mew=0.8)
    elif mark.kind == "bars":
        ax.bar(mark.x, mark.y, width=mark.size, bottom=mark.y2, color=colour, alpha=opacity, linewidth=0)
    else:
        ax.text(mark.x[0], mark.y[0], mark.label, color=colour, fontsize=9, va="center")


def svg(ax, mark, height):
    points = ax.transData.transform(np.column_stack([mark.x, mark.y]))
    points = np.column_stack([points[:, 0], height - points[:, 1]]).clip(-1e4, 1e4)
    colour, opacity = COLOURS[mark.style], f"{mark.opacity:g}"
    if mark.kind == "line":
        dash = f' stroke-dasharray="{" ".join(map(str, DASHES[mark.style]))}"' if DASHES[mark.style] else ""
        runs = np.split(points, np.flatnonzero(np.isnan(points).any(1)))
        paths = (_path(run[~np.isnan(run).any(1)]) for run in runs)
        return "".join(
            f'<polyline points="{path}" class="s{mark.style}" fill="none" stroke="{colour}" stroke-width="{mark.size}" '
            f'opacity="{opacity}"{dash}/>'
            for path in paths
            if path
        )
    if mark.kind == "band":
        top = ax.transData.transform(np.column_stack([mark.x, mark.y2]))[::-1]
        ring = np.vstack([points, np.column_stack([top[:, 0], height - top[:, 1]]).clip(-1e4, 1e4)])
        return f'<polygon points="{_path(ring)}" class="f{mark.style}" fill="{colour}" opacity="{opacity}"/>'
    if mark.kind == "dots":
        return f'<g class="f{mark.style} s{mark.style}" fill="{colour}" stroke="{colour}" opacity="{opacity}">' + "".join(
            _dot(MARKERS[mark.style], x, y, mark.size) for x, y in points if np.isfinite([x, y]).all()
        ) + "</g>"  # fmt: skip
    if mark.kind == "bars":
        corners = [
            ax.transData.transform(np.column_stack([mark.x + side * mark.size / 2, mark.y2 + up * mark.y]))
            for side, up in ((-1, 0), (1, 1))
        ]
        return "".join(
            f'<rect x="{a:.1f}" y="{height - max(b, d):.1f}" width="{c - a:.1f}" height="{abs(d - b):.1f}" '
            f'class="f{mark.style}" fill="{colour}" opacity="{opacity}"/>'
            for (a, b), (c, d) in zip(*corners, strict=True)
        )
    return words(*points[0], mark.label, mark.style)


def _path(points):
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _dot(marker, x, y, r):
    if marker == "s":
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:.1f}" height="{2 * r:.1f}"/>'
    if marker in "^vD":
        corners = {
            "^": ((-1, 1), (1, 1), (0, -1)),
            "v": ((-1, -1), (1, -1), (0, 1)),
            "D": ((0, -1), (1, 0), (0, 1), (-1, 0)),
        }
        return f'<polygon points="{_path([(x + r * a, y + r * b) for a, b in corners[marker]])}"/>'
    if marker == "x":
        return f'<path d="M{x - r:.1f} {y - r:.1f}l{2 * r:g} {2 * r:g}m0 {-2 * r:g}l{-2 * r:g} {2 * r:g}" fill="none"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>'


def words(x, y, words, style_):
    place = f'x="{x:.1f}" y="{y:.1f}" dy="0.35em" font-size="9"'
    return f'<text class="t{style_}" {place} fill="{COLOURS[style_]}">{html.escape(words)}</text>'


def label_places(marks, ax):
    """Where the labels go: right of each labelled curve's last finite point, pushed apart where they would overlap."""
    box, ends = ax.get_window_extent(), []
    for mark in marks:
        good = np.isfinite(mark.y) & np.isfinite(mark.x)
        if mark.label and mark.kind in ("line", "band", "dots") and good.any():
            last = np.flatnonzero(good)[-1]
            high = mark.y[last] if mark.y2 is None else (mark.y[last] + mark.y2[last]) / 2
            x, y = ax.transData.transform((mark.x[last], high))
            ends.append([x + 5, min(max(y, box.y0 + 5), box.y1 - 5), mark])
    ends.sort(key=lambda end: end[1])
    for below, above in pairwise(ends):
        above[1] = max(above[1], below[1] + 11)
    for above, below in pairwise(ends[::-1]):
        above[1] = min(above[1], box.y1 - 2)
        below[1] = min(below[1], above[1] - 11)
    return ends
