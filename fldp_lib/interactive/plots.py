"""Charts that matplotlib draws once and SVG redraws in a millisecond.

A `Chart` is a row or grid of empty panels. What is drawn on it is a list of marks (`line`, `band`, `dots`, `bars`, `text`),
which become matplotlib artists for a picture (`png`, `show`) or SVG over the finished axes (`svg`, for explorers).
"""

import html
import io
from dataclasses import dataclass, field, replace

import numpy as np

from .. import checks
from . import drawing, theme
from . import marks as marks_
from .marks import band, bars, cloud, dots, line, people, pinned, places, text
from .panels import Panel, empty, style
from .pictures import Picture, encode, picture, png_of
from .theme import COLOURS, DASHES, MARKERS, ROLES

__all__ = [
    "COLOURS", "DASHES", "MARKERS", "ROLES", "Chart", "Panel", "Picture",
    "band", "bars", "cloud", "dots", "encode", "line", "people", "picture", "pinned", "places", "style", "text",
]  # fmt: skip
NARROW = 3.9  # inches: the width of a chart whose panels are stacked, for phones and narrow columns
SMALLEST = 12 / theme.LABEL_SIZE  # pixels a point at which letters are still read
HIGH = (
    330  # pixels that a picture is high at most, if its letters can be read then: controls and words stand beside or above
)


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

    def __post_init__(self):
        if (
            not isinstance(self.panels, (list, tuple))
            or not all(isinstance(p, Panel) for p in self.panels)
            or not self.panels
        ):
            raise TypeError(f"panels must be a list of Panels, one at least, got {checks.shown(self.panels)}")
        if self.columns is not None:
            checks.whole("columns", self.columns, at_least=1)
        if not isinstance(self.size, (tuple, list, np.ndarray)) or len(self.size) != 2:
            raise ValueError(f"size must be (width, height) in inches, got {checks.shown(self.size)}")
        for side in self.size:
            checks.real("size", side, at_least=0.1, at_most=100)

    def png(self, marks, dpi=110):
        """Return the chart with its marks as PNG bytes, at `dpi` dots an inch (1 … 2400)."""
        marks = marks_.several(marks, len(self.panels))
        checks.real("dpi", dpi, at_least=1, at_most=2_400)
        figure, axes, rooms = self._drawn()
        before = [set(ax.get_children()) for ax in axes]
        try:
            with style():
                for mark in marks:
                    drawing.draw(axes[mark.panel], mark)
                for index, (ax, room) in enumerate(zip(axes, rooms, strict=True)):
                    for place in drawing.label_places([m for m in marks if m.panel == index], ax, room):
                        drawing.write(ax, *place)
                return png_of(figure, dpi)
        finally:  # the axes stay empty
            for ax, own in zip(axes, before, strict=True):
                for artist in set(ax.get_children()) - own:
                    artist.remove()

    def svg(self, marks, alt):
        """Return the chart with its marks as one SVG string.

        Args:
            marks: what to draw.
            alt: what the picture shows, in a sentence, for who does not see it.
        """
        return self._frame(self.axes() + self.overlay(marks), _described(alt))

    def page(self, marks, alt):
        """Return the chart with its marks as SVG for pages of any width; arguments as in `svg`."""
        return self._both(lambda chart: chart.svg(marks, alt))

    def backdrop(self, layouts=None):
        """Return the empty axes as SVG, to lie under `layers`: of all layouts, or of the first so many."""
        if layouts is not None:
            checks.whole("layouts", layouts, at_least=1)
        return self._both(lambda chart: chart._frame(chart.axes(), 'aria-hidden="true"'), layouts)

    def layers(self, marks, alt):
        """Return an iterator over the marks alone as SVG, as large as `backdrop` and over it: one for each of `layouts`.

        One at a time, since only one of them is seen: it can be shown while the next one is drawn. Which one is, is the
        backdrop's matter, whose style sheet stands on the page once: one that came with each picture would have the whole
        page's styles computed anew. Arguments as in `svg`.
        """
        marks, described = marks_.several(marks, len(self.panels)), _described(alt)
        return (
            f'<div class="{name}">{chart._frame(chart.overlay(marks), described)}</div>'
            for chart, name in zip(self.layouts, self._names(), strict=True)
        )

    @property
    def stacked(self):
        """The same panels above one another, for places too narrow for this chart; None if it is narrow itself."""
        if self.size[0] <= NARROW:
            return None
        if "stacked" not in self._cache:
            columns = min(self.columns or len(self.panels), len(self.panels))
            shape = self.size[1] / -(-len(self.panels) // columns) / (self.size[0] / columns)
            height = min(max(NARROW * shape, 2.2), 3.4) * len(self.panels)
            wider = self.size[0] / columns / NARROW  # a label is as long there as here
            panels = [replace(panel, right=min(0.6, panel.right * max(1.0, wider))) for panel in self.panels]
            self._cache["stacked"] = Chart(panels, columns=1, size=(NARROW, height))
        return self._cache["stacked"]

    @property
    def least(self):
        """The width in pixels from which on this chart is shown, not the stacked one."""
        return round(SMALLEST * 72 * self.size[0])

    @property
    def layouts(self):
        """This chart and the stacked one, where it has one."""
        return [self] if self.stacked is None else [self, self.stacked]

    @property
    def widest(self):
        """The width in pixels up to which the picture grows with its place: while it is not too high for a screen."""
        width, height = (72 * side for side in self.size)
        return min(1.5 * width, max(1.04 * SMALLEST * width, HIGH * width / height)) if width > height else 1.5 * width

    def point(self, panel, x, y):
        """Return where a panel's point lies in the picture, from its left and its top, as shares of its width."""
        x, y = self._drawn()[1][panel].transData.transform((x, y)) / (72 * self.size[0])
        return float(x), float(self.size[1] / self.size[0] - y)

    def empty(self):
        """Return the axes as SVG for pages of any width, each with an empty group of class fldp-marks for the marks."""
        return self._both(lambda chart: chart._frame(f'<g>{chart.axes()}</g><g class="fldp-marks"></g>', 'role="img"'))

    def _names(self):
        """A class for each layout, by which the page shows the one whose letters are large enough there."""
        return [f"fldp-{kind}{self.least}" for kind in "wn"][: len(self.layouts)]

    def _both(self, drawn, layouts=None):
        """SVG of this chart and of the stacked one, if there is one, and the style sheet that shows one of them."""
        least, names = self.least, self._names()
        pairs = list(zip(self.layouts, names, strict=True))[:layouts]
        shown = "".join(f'<div class="{name}">{drawn(chart)}</div>' for chart, name in pairs)
        if len(pairs) == 1:
            return shown
        return (
            f"<style>@container (max-width:{least - 1}px){{.{names[0]}{{display:none}}}}"
            f"@container (min-width:{least}px){{.{names[1]}{{display:none}}}}</style>{shown}"
        )

    def _frame(self, body, attributes):
        width, height = (72 * side for side in self.size)
        return (
            f'<svg viewBox="0 0 {width:g} {height:g}" style="display:block;width:100%;height:auto;'
            f'max-width:{self.widest:g}px" {attributes} font-family="DejaVu Sans, Verdana, sans-serif">{body}</svg>'
        )

    def _drawn(self):
        """The figure with its empty axes, the axes, and how far to the right words may reach on each; drawn once."""
        if "figure" not in self._cache:
            figure, axes = empty(self.panels, self.columns, self.size)
            with style():
                self._cache["figure"] = figure, axes, drawing.rooms(axes)
        return self._cache["figure"]

    def axes(self):
        """Return the empty axes as SVG elements; drawn by matplotlib the first time, kept after that."""
        if "body" not in self._cache:
            buffer = io.StringIO()
            with style():
                self._drawn()[0].savefig(buffer, format="svg", dpi=72, metadata={"Date": None, "Creator": None})
            drawn = buffer.getvalue()
            body = drawn[drawn.index(">", drawn.index("<svg")) + 1 : drawn.rindex("</svg>")]
            body = theme.axes(body)
            for before in ('id="', "url(#", '"#'):  # ids of this chart's own, since a page may show several
                body = body.replace(before, f"{before}c{id(self)}-")
            self._cache["body"] = body
        return self._cache["body"]

    def overlay(self, marks):
        """Return the marks as SVG elements that lie over `axes()`."""
        return "".join(self.pieces(marks))

    def pieces(self, marks):
        """Return `overlay` in pieces, mark by mark, so that what two pictures share can be kept once."""
        marks = marks_.several(marks, len(self.panels))
        _, axes, rooms = self._drawn()
        height, layers = 72 * self.size[1], []
        for index, ax in enumerate(axes):
            box, name = ax.get_window_extent(), f"c{id(self)}-clip{index}"
            layers.append(
                f'<clipPath id="{name}"><rect x="{box.x0:.1f}" y="{height - box.y1:.1f}" width="{box.width:.1f}" '
                f'height="{box.height:.1f}"/></clipPath><g clip-path="url(#{name})">'
            )
            mine = [mark for mark in marks if mark.panel == index]
            layers += [*(drawing.svg(ax, mark, height) for mark in mine), "</g>"]
            for x, y, mark in drawing.label_places(mine, ax, rooms[index]):
                layers.append(drawing.words(x, height - y, mark.label, mark.style))
        return layers

    def show(self, marks, alt):
        """Return a picture for a notebook cell: PNG, with the alternative text where HTML is shown.

        Args:
            marks: what to draw.
            alt: what the picture shows, in a sentence; it is also the cell's plain-text output.
        """
        return Picture(self.png(marks), alt)


def _described(alt):
    return f'role="img" aria-label="{html.escape(checks.text("alt", alt))}"'
