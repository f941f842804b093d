"""Controls that stand at the picture itself: a slider on a panel's axis, whose handle is the point on the axis.

Its strip lies over the axis by shares of the picture's width, in both layouts of a chart, so that no script has to move it.
"""

import html
from dataclasses import dataclass, replace

import ipywidgets as widgets
import numpy as np

from .. import checks
from .parts import made
from .theme import ALONG, FIELD

POINTS, STEPS, HIGH = 65, 200, 28  # of a table of places; of a handle's way, where places are computed; pixels of a strip


THUMB = (  # of a slider in an exported page: 18 pixels in all
    "appearance:none;box-sizing:border-box;width:18px;height:18px;border-radius:50%;background:var(--fldp-t4);"
    "border:2px solid var(--fldp-paper);box-shadow:0 0 0 1px var(--fldp-t4)"
)


@dataclass(frozen=True)
class Along:
    """An axis on which a slider stands, its handle at the point that it chooses.

    Args:
        panel: of the chart, from 0.
        axis: "x" or "y".
        place: what gives the point of the axis for a value, increasing; None: the value itself.
    """

    panel: int = 0
    axis: str = "x"
    place: object = None

    def __post_init__(self):
        checks.whole("panel", self.panel, at_least=0), checks.one_of("axis", self.axis, ("x", "y"))
        if self.place is not None:
            checks.function("place", self.place)


@dataclass(frozen=True)
class Track:
    """The part of an axis that a slider covers: from its low to its high end.

    Args:
        low, high: the ends' points on the axis.
        words: what the slider is called.
        along: where it stands.
        log: whether the axis is logarithmic.
        table: values and their points, where points are computed; else None.
    """

    low: float
    high: float
    words: str
    along: Along
    log: bool = False
    table: object = None

    @property
    def name(self):
        """The class of its box on the page."""
        return f"{ALONG}-{id(self)}"

    def point(self, value):
        """Return the point of the axis for a value."""
        return value if self.table is None else float(np.clip(self.along.place(value), self.low, self.high))

    def value(self, point):
        """Return the value for a point of the axis."""
        return point if self.table is None else float(np.exp(np.interp(point, self.table[1], np.log(self.table[0]))))

    def stop(self, value):
        """Return the stop of the handle that is nearest to a value's point."""
        step = (self.high - self.low) / STEPS
        return self.low + round((self.point(value) - self.low) / step) * step

    def share(self, value):
        """Return how far along the track a value stands, from 0 to 1."""
        low, high, point = self.low, self.high, self.point(value)
        return float(np.log(point / low) / np.log(high / low)) if self.log else (point - low) / (high - low)

    def slider(self, number, shares, start):
        """Return the slider of an exported page: its number among the controls, its values' shares, where it starts."""
        stops = [round(1000 * share) for share in shares]
        return (
            f'<div class="{ALONG} {self.name} {self.along.axis}"><input type="range" data-control="{number}" min="0" '
            f'max="1000" value="{stops[start]}" data-stops="{stops}" aria-label="{html.escape(self.words)}"></div>'
        )

    def style(self, chart):
        """Return the style sheet that lays the box over the axis, in each layout of the chart; it stands in a FIELD."""
        wide, *narrow = (self._laid(one) for one in chart.layouts)
        return wide + "".join(f"@container (max-width:{chart.least - 1}px){{{rule}}}" for rule in narrow)

    def _laid(self, chart):
        panel = chart.panels[self.along.panel]
        corner = {"x": panel.x[0], "y": panel.y[0]}
        (x0, y0), (x1, y1) = (
            chart.point(self.along.panel, **corner | {self.along.axis: end}) for end in (self.low, self.high)
        )
        box = {"left": x0, "top": y1, "width": x1 - x0, "height": y0 - y1}
        thin = {"x": ("top", "height"), "y": ("left", "width")}[self.along.axis]
        rules = {side: f"calc({share:.5f}*var(--w))" for side, share in box.items()}
        rules["--long"] = rules[{"x": "width", "y": "height"}[self.along.axis]]
        rules |= {thin[0]: f"calc({box[thin[0]]:.5f}*var(--w) - {HIGH / 2:g}px)", thin[1]: f"{HIGH}px"}
        rules = {"--w": f"min(100cqw,{chart.widest:g}px)", **rules}  # of the picture
        return f".{self.name}{{{';'.join(f'{name}:{value}' for name, value in rules.items())}}}"


def page(on, chart):
    """Return the style sheet of an exported page whose sliders stand on axes; the tracks, and the chart's."""
    thumb, ring = f"{{{THUMB}}}", "{outline:2px solid var(--fldp-t1);outline-offset:2px}"
    line = "linear-gradient(var(--fldp-c5),var(--fldp-c5)) center"
    return (
        f".{FIELD}{{position:relative;container-type:inline-size}}.{ALONG}{{position:absolute}}"
        f".far b{{color:var(--fldp-t4)}}"
        f".{ALONG} input{{position:absolute;left:-9px;top:0;width:calc(100% + 18px);height:100%;margin:0;cursor:ew-resize;"
        f"appearance:none;background:none}}"
        f".{ALONG}.y input{{left:50%;top:calc(100% + 9px);width:calc(var(--long) + 18px);height:{HIGH}px;"
        f"margin-top:{-HIGH / 2:g}px;transform:rotate(-90deg);transform-origin:left center}}"
        f".{ALONG} input::-webkit-slider-thumb{thumb}.{ALONG} input::-moz-range-thumb{thumb}"
        f".{ALONG}.x{{background:{line}/100% 3px no-repeat}}.{ALONG}.y{{background:{line}/3px 100% no-repeat}}"
        f".{ALONG} input:focus-visible{{outline:none}}"
        f".{ALONG} input:focus-visible::-webkit-slider-thumb{ring}.{ALONG} input:focus-visible::-moz-range-thumb{ring}"
        + "".join(track.style(chart) for track in on)
    )


def tracks(along, sliders, chart):
    """Return the tracks of the sliders that are to stand on axes, by name.

    Args:
        along: name → panel, or an `Along`; None: none.
        sliders: the explorer's sliders by name.
        chart: whose axes they are.

    Raises:
        TypeError, ValueError: no such slider or panel, an axis that does not show all of it, or on another scale.
    """
    if along is not None and not isinstance(along, dict):
        raise TypeError(f'along must be a dict from a slider\'s name to a panel, such as {{"epsilon": 0}}, got {along!r}')
    found = {}
    for name, where in (along or {}).items():
        slider = sliders[checks.one_of("along", name, tuple(sliders))]
        where = where if isinstance(where, Along) else Along(checks.whole(f"along: the panel of {name}", where, at_least=0))
        checks.whole(f"along: the panel of {name}", where.panel, at_most=len(chart.panels) - 1)
        panel = chart.panels[where.panel]
        limits, log = (panel.x, panel.xlog) if where.axis == "x" else (panel.y, panel.ylog)
        found[name] = track = _track(slider, where, panel)
        if not min(limits) <= track.low < track.high <= max(limits) or limits[0] > limits[1]:
            raise ValueError(f"along: the axis must rise and show all of {name}, {track.low:g} to {track.high:g}: {limits}")
        if log != (slider.log and where.place is None):
            raise ValueError(f"along: {name} and its axis must both be logarithmic, or both not; else give a place")
    return found


def _track(slider, where, panel):
    if where.place is None:
        return Track(slider.low, slider.high, slider.label, where, slider.log)
    values = np.array(slider.spread(POINTS), dtype=float)
    points = np.array([float(where.place(value)) for value in values])
    if slider.low <= 0 or not (np.diff(points) > 0).all():
        raise ValueError(f"along: place must increase with {slider.name}, which must be positive")
    words = f"{slider.label}, by {(panel.xlabel if where.axis == 'x' else panel.ylabel) or where.axis}"
    return replace(Track(points[0], points[-1], words, where), table=(values, points))


def around(stage, near, on, chart):
    """Return a picture's widget with what stands at it: buttons above it, sliders on its axes.

    Args:
        stage: the picture's widget.
        near: the widgets that stand at it.
        on: the tracks of those that are sliders, by name.
        chart: the picture's.
    """
    sliders = [one for one in near if ALONG in one._dom_classes]
    if sliders:
        rules = "".join(track.style(chart) for track in on.values())
        stage = made(widgets.Box, [stage, *sliders, made(widgets.HTML, f"<style>{rules}</style>")])
        stage.add_class(FIELD)
    if len(near) > len(sliders):
        stage = made(widgets.Box, [*(one for one in near if one not in sliders), stage])
        stage.add_class(FIELD)
    return stage
