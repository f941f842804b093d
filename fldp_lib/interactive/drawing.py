"""Marks on axes: as matplotlib artists for a picture, or as SVG over finished axes."""

import functools
import html
import math
from dataclasses import replace

import numpy as np

from .theme import COLOURS, DASHES, LABEL_SIZE, MARKERS

LINE = 1.1 * LABEL_SIZE  # from one label to the next
HALO = 'style="paint-order:stroke;stroke:var(--fldp-paper,#ffffff);stroke-width:3px;stroke-linejoin:round"'
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ROUND = [(0.34 * np.sin(t), -0.64 - 0.34 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 13)]
SHOULDERS = [(0.5 * np.sin(t), 0.24 - 0.46 * np.cos(t)) for t in np.linspace(-np.pi / 2, np.pi / 2, 9)]
ICONS = {  # polygons in a square from -1 to 1, y downwards
    "person": [ROUND, [(-0.5, 1), *SHOULDERS, (0.5, 1)]],
    "place": [
        [(-0.85, 1), (-0.85, -0.15), (0, -1), (0.85, -0.15), (0.85, 1), (0.25, 1), (0.25, 0.4), (-0.25, 0.4), (-0.25, 1)]
    ],
}


def draw(ax, mark):
    """Draw a mark, without its words, by matplotlib."""
    colour, opacity = COLOURS[mark.style], mark.opacity
    if mark.kind == "line":
        dash = (0, DASHES[mark.style]) if DASHES[mark.style] else "-"
        ax.plot(mark.x, mark.y, color=colour, linestyle=dash, linewidth=mark.size, alpha=opacity)
    elif mark.kind == "band":
        ax.fill_between(mark.x, mark.y, mark.y2, color=colour, alpha=opacity, linewidth=0)
    elif mark.kind == "dots" and mark.icon:
        ax.plot(mark.x, mark.y, linestyle="", marker=_icon(mark.icon), color=colour, ms=2 * mark.size, alpha=opacity, mew=0)
    elif mark.kind == "dots":
        ax.plot(mark.x, mark.y, MARKERS[mark.style], color=colour, markersize=2 * mark.size, alpha=opacity, mew=0.8)
    elif mark.kind == "bars":
        ax.bar(mark.x, mark.y, width=mark.size, bottom=mark.y2, color=colour, alpha=opacity, linewidth=0)


def svg(ax, mark, height):
    """Return a mark, without its words, as SVG on a picture of that height."""
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
    if mark.kind == "dots" and mark.icon:
        stand = points[np.isfinite(points).all(1)]
        parts = [stand[:, None] + mark.size * np.array(part) for part in ICONS[mark.icon]]
        shapes = "".join(f'<polygon points="{_path(part[k])}"/>' for k in range(len(stand)) for part in parts)
        return f'<g class="f{mark.style}" fill="{colour}" opacity="{opacity}">{shapes}</g>'
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
    return ""


def _path(points):
    numbers = np.asarray(points).ravel().tolist()
    return " ".join(["%.1f,%.1f"] * (len(numbers) // 2)) % tuple(numbers)


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


def _icon(name):
    """An icon as matplotlib's marker, y upwards."""
    from matplotlib.path import Path

    return Path.make_compound_path(*(Path(np.array([*part, part[0]]) * [1, -1], closed=True) for part in ICONS[name]))


def words(x, y, words, style_):
    """Return words as SVG that begin at (x, y), y downwards, and can be read over a curve."""
    place = f'x="{x:.1f}" y="{y:.1f}" dy="0.35em" font-size="{LABEL_SIZE}"'
    return f'<text class="t{style_}" {place} fill="{COLOURS[style_]}" {HALO}>{html.escape(words)}</text>'


def write(ax, x, y, mark):
    """Write a mark's words by matplotlib, as `words` does."""
    from matplotlib.patheffects import withStroke

    ax.annotate(mark.label, (x, y), xycoords="figure points", color=COLOURS[mark.style], va="center", fontsize=LABEL_SIZE,
                path_effects=[withStroke(linewidth=3, foreground="white")])  # fmt: skip


def powers():
    """Return what names the ticks of a logarithmic axis: 0.01, 1, 1,000, 10⁻⁶, in letters of one size."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Powers(LogFormatterSciNotation):
        def __call__(self, x, pos=None):
            return power(x) if super().__call__(x, pos) else ""

    return Powers()


def power(x):
    """Return a tick's number as it is written: in full from 0.001 to 10,000, else as a power of ten."""
    if 0.00095 < abs(x) < 10_500:
        return f"{x:,.3g}" if abs(x) < 1000 else f"{x:,.0f}"
    exponent = math.floor(math.log10(abs(x)) + 1e-9)
    times = "" if math.isclose(x, 10.0**exponent) else f"{x / 10.0**exponent:.2g}×"
    return f"{times}10{str(exponent).translate(RAISED)}"


@functools.lru_cache(4096)
def width(words):
    """How wide words in a picture are, in points."""
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(words, _font(), False)[0]


@functools.cache
def _font():
    from matplotlib.font_manager import FontProperties

    return FontProperties(family="DejaVu Sans", size=LABEL_SIZE)


def rooms(axes):
    """How far to the right words may reach on each of a figure's axes: up to the next one's words, or to the edge."""
    outer, inner = [ax.get_tightbbox() for ax in axes], [ax.get_window_extent() for ax in axes]
    return [
        min((o.x0 for o in outer if o.x0 > box.x0 + 1 and o.y0 < box.y1 and box.y0 < o.y1), default=ax.figure.bbox.x1) - 3
        for ax, box in zip(axes, inner, strict=True)
    ]


def label_places(marks, ax, room):
    """Where words go: labels right of a curve's last finite point, texts where they were put; none cut, none over another.

    Args:
        marks: of one panel.
        ax: its axes.
        room: how far to the right words may reach, from `rooms`.

    Returns:
        A list of (x, y, mark): the left end of the words and their middle, in points, y upwards.
    """
    box, ends = ax.get_window_extent(), []
    for mark in marks:
        good = np.isfinite(mark.y) & np.isfinite(mark.x)
        if not mark.label or not good.any() or mark.kind == "bars":
            continue
        last, free = np.flatnonzero(good)[-1], mark.kind == "text"
        high = mark.y[last] if mark.y2 is None else (mark.y[last] + mark.y2[last]) / 2
        x, y = ax.transData.transform((mark.x[last], high))
        if not free and mark.y2 is None and not box.y0 - 1 <= y <= box.y1 + 1:  # beyond the axis: say where
            mark = replace(mark, label=f"{mark.label} {'↑' if y > box.y1 else '↓'} {high:.3g}")
        x, over = (x if free else min(max(x, box.x0), box.x1) + 5), width(mark.label)
        low, top = (8, ax.figure.bbox.y1 - 8) if free else (box.y0 + 5, box.y1 - 5)
        if x + over > room:  # back over its curve, and so a little above it
            x, y = max(room - over, 3), y if free else y + LINE * 0.8
        ends.append([x, min(max(y, low), top), mark, x + over, top])
    ends.sort(key=lambda end: end[1])
    for number, above in enumerate(ends):
        for below in ends[:number]:
            if _beside(above, below):
                above[1] = max(above[1], below[1] + LINE)
    for number, below in reversed(list(enumerate(ends))):
        below[1] = min([below[1], below[4], *(above[1] - LINE for above in ends[number + 1 :] if _beside(above, below))])
    return [tuple(end[:3]) for end in ends]


def _beside(a, b):
    """Whether two labels would overlap if they stood on one line."""
    return a[0] < b[3] + 3 and b[0] < a[3] + 3
