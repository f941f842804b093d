"""Marks on axes: as matplotlib artists for a picture, or as SVG over finished axes."""

import html
from dataclasses import replace
from itertools import pairwise

import numpy as np

from .theme import COLOURS, DASHES, LABEL_SIZE, MARKERS

ROUND = [(0.34 * np.sin(t), -0.64 - 0.34 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 13)]
SHOULDERS = [(0.5 * np.sin(t), 0.24 - 0.46 * np.cos(t)) for t in np.linspace(-np.pi / 2, np.pi / 2, 9)]
ICONS = {  # polygons in a square from -1 to 1, y downwards
    "person": [ROUND, [(-0.5, 1), *SHOULDERS, (0.5, 1)]],
    "place": [
        [(-0.85, 1), (-0.85, -0.15), (0, -1), (0.85, -0.15), (0.85, 1), (0.25, 1), (0.25, 0.4), (-0.25, 0.4), (-0.25, 1)]
    ],
}


def draw(ax, mark):
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
    else:
        ax.text(mark.x[0], mark.y[0], mark.label, color=colour, fontsize=LABEL_SIZE, va="center")


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
    if mark.kind == "dots" and mark.icon:
        shapes = "".join(
            f'<polygon points="{_path(mark.size * np.array(part) + [x, y])}"/>'
            for x, y in points
            if np.isfinite([x, y]).all()
            for part in ICONS[mark.icon]
        )
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


def _icon(name):
    """An icon as matplotlib's marker, y upwards."""
    from matplotlib.path import Path

    return Path.make_compound_path(*(Path(np.array([*part, part[0]]) * [1, -1], closed=True) for part in ICONS[name]))


def words(x, y, words, style_):
    place = f'x="{x:.1f}" y="{y:.1f}" dy="0.35em" font-size="{LABEL_SIZE}"'
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
            if not box.y0 - 1 <= y <= box.y1 + 1 and mark.y2 is None:  # beyond the axis: say where
                mark = replace(mark, label=f"{mark.label} {'↑' if y > box.y1 else '↓'} {high:.3g}")
            ends.append([x + 5, min(max(y, box.y0 + 5), box.y1 - 5), mark])
    ends.sort(key=lambda end: end[1])
    for below, above in pairwise(ends):
        above[1] = max(above[1], below[1] + 11)
    for above, below in pairwise(ends[::-1]):
        above[1] = min(above[1], box.y1 - 2)
        below[1] = min(below[1], above[1] - 11)
    return ends
