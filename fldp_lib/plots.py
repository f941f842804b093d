"""The house style, and charts that matplotlib draws once and SVG redraws in a millisecond.

A `Chart` is a row or grid of empty panels. What is drawn on it is a list of marks (`line`, `band`, `dots`, `bars`, `text`),
which become matplotlib artists for a picture (`png`, `show`) or SVG over the finished axes (`svg`, for explorers).
"""

import base64
import html
import io
from dataclasses import dataclass, field, replace
from itertools import pairwise

import matplotlib
import numpy as np
from matplotlib.figure import Figure

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#767676")  # 3:1 on white or better
DASHES = ((), (6, 3), (2, 2), (8, 3, 2, 3), (4, 2, 1, 2), (1, 2))
MARKERS = ("o", "s", "^", "D", "v", "x")
PINNED = 5  # the style of a pinned curve
RC = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "fldp",
}


def style():
    """Return a context in which matplotlib draws in the house style: `with plots.style(): …`."""
    cycle = matplotlib.cycler(color=COLOURS[:5], linestyle=[(0, dash) if dash else "-" for dash in DASHES[:5]])
    return matplotlib.rc_context({**RC, "axes.prop_cycle": cycle})


@dataclass(frozen=True)
class Panel:
    """One pair of axes: its words and its fixed limits.

    Args:
        title, xlabel, ylabel: what stands beside the axes; a unit belongs into the label.
        x, y: limits (low, high).
        xlog, ylog: whether an axis is logarithmic.
        xticks, yticks: positions, or a dict from position to label; None lets matplotlib choose.
        right: share of the panel's width kept free for direct labels, from 0 to 0.6.
    """

    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    x: tuple = (0, 1)
    y: tuple = (0, 1)
    xlog: bool = False
    ylog: bool = False
    xticks: object = None
    yticks: object = None
    right: float = 0.0


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
    """A curve through (x, y); `label` stands at its right end, `style` chooses colour and dashes together."""
    return Mark("line", _array(x), _array(y), None, style, label, panel, width, opacity)


def band(x, low, high, style=0, label="", panel=0, opacity=0.18):
    """The area between two curves."""
    return Mark("band", _array(x), _array(low), _array(high), style, label, panel, 0, opacity)


def dots(x, y, style=0, label="", panel=0, size=3.0, opacity=0.9):
    """Points, in the style's colour and marker; `size` is the radius in points."""
    return Mark("dots", _array(x), _array(y), None, style, label, panel, size, opacity)


def bars(x, height, style=0, label="", panel=0, width=0.8, base=None, opacity=0.9):
    """Bars centred on x, from `base` (0 if None) up by `height`; `width` in units of x."""
    base = np.zeros(len(_array(height))) if base is None else _array(base)
    return Mark("bars", _array(x), _array(height), base, style, label, panel, width, opacity)


def text(x, y, words, style=0, panel=0):
    """Words that start at the point (x, y)."""
    return Mark("text", _array([x]), _array([y]), None, style, words, panel)


@dataclass
class Chart:
    """A grid of panels of fixed size. Marks are drawn on it as often as one likes; the axes are drawn once.

    Args:
        panels: the `Panel`s, row by row.
        columns: panels in a row; None puts all in one row.
        size: (width, height) in inches.
    """

    panels: list
    columns: int | None = None
    size: tuple = (7.0, 3.2)
    _cache: dict = field(default_factory=dict, repr=False)

    def _draw(self):
        columns = self.columns or len(self.panels)
        rows = -(-len(self.panels) // columns)
        with style():
            figure = Figure(figsize=self.size, dpi=72, layout="constrained")
            axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
            for ax in axes[len(self.panels) :]:
                ax.set_axis_off()
            for ax, panel in zip(axes, self.panels, strict=False):
                ax.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel)
                ax.set_xscale("log" if panel.xlog else "linear")
                ax.set_yscale("log" if panel.ylog else "linear")
                low, high = panel.x
                stretch = (high / low) ** (panel.right / (1 - panel.right)) if panel.xlog else None
                ax.set_xlim(low, high * stretch if panel.xlog else high + (high - low) * panel.right / (1 - panel.right))
                ax.set_ylim(*panel.y)
                for axis, ticks in ((ax.xaxis, panel.xticks), (ax.yaxis, panel.yticks)):
                    if ticks is not None:
                        axis.set_ticks(list(ticks), labels=list(ticks.values()) if isinstance(ticks, dict) else None)
                        axis.set_minor_locator(matplotlib.ticker.NullLocator())
                if panel.right and panel.xticks is None and not panel.xlog:
                    ax.set_xticks([t for t in ax.get_xticks() if low <= t <= high])
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # the axes stay where they are whatever is drawn on them
        return figure, axes[: len(self.panels)]

    def png(self, marks, dpi=110):
        """Return the chart with its marks as PNG bytes."""
        figure, axes = self._draw()
        with style():
            for mark in marks:
                _matplotlib(axes[mark.panel], mark)
            for index, ax in enumerate(axes):
                ends = _ends([m for m in marks if m.panel == index], ax, 1.0)
                for x, y, mark in ends:
                    colour = COLOURS[mark.style]
                    ax.annotate(mark.label, (x, y), xycoords="figure points", color=colour, va="center", fontsize=9)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=dpi)
        return buffer.getvalue()

    def svg(self, marks, alt):
        """Return the chart with its marks as one SVG string.

        Args:
            marks: what to draw.
            alt: what the picture shows, in a sentence, for who does not see it.
        """
        if not self._cache:
            figure, axes = self._draw()
            with style():
                buffer = io.StringIO()
                figure.savefig(buffer, format="svg", dpi=72, metadata={"Date": None, "Creator": None})
            drawn = buffer.getvalue()
            body = drawn[drawn.index(">", drawn.index("<svg")) + 1 : drawn.rindex("</svg>")]
            body = (
                body.replace('id="', f'id="c{id(self)}-')
                .replace("url(#", f"url(#c{id(self)}-")
                .replace('"#', f'"#c{id(self)}-')
            )
            self._cache.update(body=body, axes=axes, figure=figure)
        width, height = (72 * side for side in self.size)
        layers = [
            f'<svg viewBox="0 0 {width:g} {height:g}" style="width:100%;max-width:{1.4 * width:g}px;height:auto" '
            f'role="img" aria-label="{html.escape(alt)}" font-family="DejaVu Sans, Verdana, sans-serif">',
            self._cache["body"],
        ]
        for index, ax in enumerate(self._cache["axes"]):
            box = ax.get_window_extent()
            name = f"c{id(self)}-clip{index}"
            layers.append(
                f'<clipPath id="{name}"><rect x="{box.x0:.1f}" y="{height - box.y1:.1f}" width="{box.width:.1f}" '
                f'height="{box.height:.1f}"/></clipPath><g clip-path="url(#{name})">'
            )
            mine = [mark for mark in marks if mark.panel == index]
            layers.extend(_svg(ax, mark, height) for mark in mine if mark.kind != "text")
            layers.append("</g>")
            layers.extend(_svg(ax, mark, height) for mark in mine if mark.kind == "text")
            for x, y, mark in _ends(mine, ax, 1.0):
                layers.append(_words(x, height - y, mark.label, mark.style))
        return "".join(layers) + "</svg>"

    def show(self, marks, alt):
        """Return a picture for a notebook cell: PNG, with the alternative text where HTML is shown.

        Args:
            marks: what to draw.
            alt: what the picture shows, in a sentence; it is also the cell's plain-text output.
        """
        return Picture(self.png(marks), alt)


class Picture:
    """A PNG with alternative text, for the last line of a notebook cell.

    Args:
        png: the picture's bytes.
        alt: what it shows, in a sentence.
        width: in CSS pixels; None takes the picture's own.
    """

    def __init__(self, png, alt, width=None):
        self.png, self.alt, self.width = png, alt, width

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = encode(self.png)
        width = f' width="{self.width}"' if self.width else ' style="max-width:100%"'
        page = f'<img alt="{html.escape(self.alt)}"{width} src="data:image/png;base64,{data}">'
        return {"text/html": page, "text/plain": f"[picture] {self.alt}"}

    def __repr__(self):
        return f"[picture] {self.alt}"


def picture(figure, alt, dpi=110):
    """Return a matplotlib figure as a `Picture` with alternative text.

    Args:
        figure: a `matplotlib.figure.Figure`; draw it inside `with plots.style():`.
        alt: what it shows, in a sentence.
        dpi: resolution.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    return Picture(buffer.getvalue(), alt)


def encode(png):
    """Return PNG bytes as a notebook stores them: base64 text."""
    return base64.b64encode(png).decode()


def pinned(marks):
    """Return the marks in the pinned style: grey, thin, behind what is live."""
    return [
        replace(m, style=PINNED, label="pinned" if m.label else "", opacity=0.6 * m.opacity)
        for m in marks
        if m.kind != "text"
    ]


def _array(values):
    return np.atleast_1d(np.asarray(values, dtype=float))


def _matplotlib(ax, mark):
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


def _svg(ax, mark, height):
    points = ax.transData.transform(np.column_stack([mark.x, np.nan_to_num(mark.y, nan=np.nan)]))
    points = np.column_stack([points[:, 0], height - points[:, 1]]).clip(-1e4, 1e4)
    colour, opacity = COLOURS[mark.style], f"{mark.opacity:g}"
    if mark.kind == "line":
        dash = f' stroke-dasharray="{" ".join(map(str, DASHES[mark.style]))}"' if DASHES[mark.style] else ""
        runs = np.split(points, np.flatnonzero(np.isnan(points).any(1)))
        paths = (_path(run[~np.isnan(run).any(1)]) for run in runs)
        return "".join(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{mark.size}" opacity="{opacity}"{dash}/>'
            for path in paths
            if path
        )
    if mark.kind == "band":
        top = ax.transData.transform(np.column_stack([mark.x, mark.y2]))[::-1]
        ring = np.vstack([points, np.column_stack([top[:, 0], height - top[:, 1]]).clip(-1e4, 1e4)])
        return f'<polygon points="{_path(ring)}" fill="{colour}" opacity="{opacity}"/>'
    if mark.kind == "dots":
        return f'<g fill="{colour}" stroke="{colour}" opacity="{opacity}">' + "".join(
            _dot(MARKERS[mark.style], x, y, mark.size) for x, y in points if np.isfinite([x, y]).all()
        ) + "</g>"  # fmt: skip
    if mark.kind == "bars":
        corners = [
            ax.transData.transform(np.column_stack([mark.x + side * mark.size / 2, mark.y2 + up * mark.y]))
            for side, up in ((-1, 0), (1, 1))
        ]
        return "".join(
            f'<rect x="{a:.1f}" y="{height - max(b, d):.1f}" width="{c - a:.1f}" height="{abs(d - b):.1f}" '
            f'fill="{colour}" opacity="{opacity}"/>'
            for (a, b), (c, d) in zip(*corners, strict=True)
        )
    return _words(*points[0], mark.label, mark.style)


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


def _words(x, y, words, style_):
    return f'<text x="{x:.1f}" y="{y:.1f}" dy="0.35em" font-size="9" fill="{COLOURS[style_]}">{html.escape(words)}</text>'


def _ends(marks, ax, scale):
    """Where the direct labels go: right of each labelled curve's last finite point, pushed apart where they would overlap."""
    box, ends = ax.get_window_extent(), []
    for mark in marks:
        good = np.isfinite(mark.y) & np.isfinite(mark.x)
        if mark.label and mark.kind in ("line", "band", "dots") and good.any():
            last = np.flatnonzero(good)[-1]
            high = mark.y[last] if mark.y2 is None else (mark.y[last] + mark.y2[last]) / 2
            x, y = ax.transData.transform((mark.x[last], high))
            ends.append([x + 5 * scale, min(max(y, box.y0 + 5), box.y1 - 5), mark])
    ends.sort(key=lambda end: end[1])
    for below, above in pairwise(ends):
        above[1] = max(above[1], below[1] + 11 * scale)
    for above, below in pairwise(ends[::-1]):
        above[1] = min(above[1], box.y1 - 2)
        below[1] = min(below[1], above[1] - 11 * scale)
    return ends
