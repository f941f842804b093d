"""The controls of an explorer: a slider with a number box, a menu. They check, show and spread their values."""

import math
import time
from dataclasses import dataclass

import ipywidgets as widgets
import traitlets

from .. import checks
from .along import STEPS
from .parts import made
from .theme import ALONG, FAR, LOG, PICK, ROW, TURNED

LABEL = "10em"  # width of a control's label


def _same(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _equal(a, b):
    """Whether two values are the same and of one kind: 1 is not True, and an array is equal to no number."""
    if isinstance(a, (bool, str)) or isinstance(b, (bool, str)):
        return type(a) is type(b) and a == b
    same = a == b
    return same if isinstance(same, bool) else False


def _named(control):
    """Refuse a control whose name cannot be a keyword, or whose label is no text."""
    if not checks.text("name", control.name).isidentifier():
        raise ValueError(f"name must be a Python name, under which the computation gets the value, got {control.name!r}")
    checks.text("label", control.label)


class Holder(traitlets.HasTraits):
    """Holds a control's value; the slider, the number box and the program all set it."""

    value = traitlets.Any()

    def __init__(self, value):
        super().__init__(value=value)


@dataclass(frozen=True)
class Slider:
    """A number with a slider and a labelled box beside it.

    Args:
        name: the keyword under which the computation gets the value.
        label: what stands beside the slider, unit included.
        low, high: range, low below high; on a logarithmic slider both positive.
        value: where it starts, in the range.
        step: step, positive; on a logarithmic slider, of the exponent to base 10.
        log: whether the slider is logarithmic.
        whole: whether the value is a whole number.

    Raises:
        TypeError, ValueError: a name that is no keyword, or numbers that are none, or out of range.
    """

    name: str
    label: str
    low: float
    high: float
    value: float
    step: float = 1
    log: bool = False
    whole: bool = False

    def __post_init__(self):
        _named(self), checks.flag("log", self.log), checks.flag("whole", self.whole)
        check = checks.whole if self.whole else checks.real
        low, high = check("low", self.low), check("high", self.high)
        if low >= high:
            raise ValueError(f"low must be below high, {high:g}; got {low:g}")
        if self.log and low <= 0:
            raise ValueError(f"low must be above 0 on a logarithmic slider, got {low:g}")
        check("value", self.value, at_least=low, at_most=high), checks.real("step", self.step, above=0)

    def check(self, value):
        """Return the value, or raise an error that names the control and its range."""
        check = checks.whole if self.whole else checks.real
        return check(self.name, value, at_least=self.low, at_most=self.high)

    def tidy(self, value):
        """Return a value as it is shown and computed with: whole if it is to be, three digits on a logarithmic slider."""
        value = round(value) if self.whole else float(f"{value:.{3 if self.log else 9}g}")  # no residue of steps added up
        return min(max(value, self.low), self.high)

    def on_grid(self, value):
        """Return the value's nearest place on the slider: the page puts it there by itself and says so, which is no move."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        place = high if value >= high - 1e-9 else min(low + round((value - low) / self.step) * self.step, high)
        return 10**place if self.log else place

    def spread(self, points):
        """Return `points` values from end to end, evenly on the slider's scale; whole numbers once each.

        Args:
            points: at least 2.
        """
        points = checks.whole("points", points, at_least=2, at_most=10_000)
        steps = [k / (points - 1) for k in range(points)]
        if self.log:
            values = [self.low * (self.high / self.low) ** t for t in steps]
        else:
            values = [self.low + (self.high - self.low) * t for t in steps]
        values = [min(max(float(f"{v:.3g}"), self.low), self.high) for v in values]
        return sorted({round(v) for v in values}) if self.whole else values

    def words(self, value):
        """Return the value as it is shown."""
        return f"{value:g}"

    def build(self, moved, track=None):
        """Return the widgets: the one that holds the value, the row that shows it, and what stands at the picture, or None.

        Args:
            moved: called with the change when the value has changed; the number box follows after it, so that the
                picture does not wait for the box.
            track: the `along.Track` on which the slider stands, outside its row; None: in the row.
        """
        words = dict(continuous_update=True, readout=False, layout=dict(width="100%", max_width="20em"))
        turned = track is not None and track.table is not None
        if track is not None:
            whole = dict(width="100%", height="100%", margin="0")
            upright = "horizontal" if track.along.axis == "x" else "vertical"
            words |= dict(layout=whole, description=track.words, orientation=upright)
        if turned:  # its value is the point on the axis
            step = (track.high - track.low) / STEPS
            slider = made(
                widgets.FloatSlider, value=track.stop(self.value), min=track.low, max=track.high, step=step, **words
            )
        elif self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            slider = made(widgets.FloatLogSlider, value=self.value, base=10, min=low, max=high, step=self.step, **words)
        elif self.whole:
            slider = made(widgets.IntSlider, value=self.value, min=self.low, max=self.high, step=self.step, **words)
        else:
            slider = made(widgets.FloatSlider, value=self.value, min=self.low, max=self.high, step=self.step, **words)
        kind = widgets.BoundedIntText if self.whole else widgets.BoundedFloatText
        words = dict(value=self.value, min=self.low, max=self.high, step=self.step if not self.log else 0.01)
        style, layout = {"description_width": LABEL}, {"width": "18em"}
        box = made(kind, description=self.label, style=style, layout=layout, **words)
        holder = Holder(self.value)

        stop = track.stop if turned else self.on_grid
        placed = []  # where the program has put the slider of late, and when
        sliding = []  # whether it is the slider that moves

        def slid(change):
            reported, now = change["new"], time.monotonic()
            if _same(reported, stop(holder.value)):
                return
            placed[:] = [(value, then) for value, then in placed if now - then < 2]
            for entry in placed:
                if _same(reported, entry[0]):  # the page saying where it was put; the program has moved on since
                    placed.remove(entry)
                    slider.value = stop(holder.value)  # and so the handle goes on to where the box is
                    return
            exact = track.value(reported) if turned else reported
            value = self.tidy(exact)
            if self.whole and value == holder.value:  # a step too short for a whole number on a logarithmic slider
                value = self.tidy(value + (1 if exact > value else -1))
            sliding.append(True)
            try:
                holder.value = value
            finally:
                sliding.pop()

        def follow(change):
            place, box.value = stop(change["new"]), change["new"]
            if not _same(slider.value, place):
                if not sliding:  # who slides may well come back to where a whole number put the handle a moment ago
                    placed.append((place, time.monotonic()))
                slider.value = place

        slider.value = stop(self.value)
        slider.observe(slid, "value")
        box.observe(lambda change: setattr(holder, "value", change["new"]), "value")
        holder.observe(moved, "value")
        holder.observe(follow, "value")
        row = made(widgets.HBox, [box, slider] if track is None else [slider], layout=dict(flex_flow="row wrap"))
        for name in [ROW] if track is None else [ALONG, track.name]:
            row.add_class(name)
        if self.log or turned:
            row.add_class(TURNED if turned else LOG)
        return (holder, row, None) if track is None else (holder, box.add_class(FAR), row)


@dataclass(frozen=True)
class Choice:
    """One of a few named options.

    Args:
        name: the keyword under which the computation gets the value.
        label: what stands beside the menu.
        options: the values, one at least, or a dict from shown name to value.
        value: where it starts, one of them.
        buttons: whether it stands above the picture, a button an option, in place of a menu.
    """

    name: str
    label: str
    options: object
    value: object
    buttons: bool = False

    def __post_init__(self):
        _named(self), checks.flag("buttons", self.buttons)
        if not isinstance(self.options, (dict, list, tuple, range)) or not len(self.options):
            raise TypeError(f"options must be a list of values or a dict, one at least, got {checks.shown(self.options)}")
        if not any(self.value is v or _equal(v, self.value) for v in self.values):
            raise ValueError(f"value must be one of {self.values}, got {checks.shown(self.value)}")

    @property
    def values(self):
        """The values that may be chosen."""
        return list(self.options.values()) if isinstance(self.options, dict) else list(self.options)

    def check(self, value):
        """Return the value, or raise an error that lists what is allowed."""
        self.place(value)
        return value

    def place(self, value):
        """Return the place of a value among the options, from 0, or raise an error that lists what is allowed."""
        for place, one in enumerate(self.values):
            if one is value or _equal(one, value):
                return place
        raise ValueError(f"{self.name} must be one of {self.values}, got {checks.shown(value)}")

    def words(self, value):
        """Return the value as it is shown: its name, where the options have names."""
        return str(list(self.options)[self.place(value)])

    def build(self, moved, track=None):
        """Return the widgets as a `Slider` does; there is no track for a choice."""
        holder = Holder(self.value)
        options = [(str(name), place) for place, name in enumerate(self.options)]  # None would be no choice at all
        words = dict(options=options, value=self.place(self.value), description=self.label)
        look = dict(button_width="auto") if self.buttons else {}
        kind, width = (widgets.ToggleButtons, "100%") if self.buttons else (widgets.Dropdown, "24em")
        menu = made(kind, style=dict(description_width=LABEL, **look), layout=dict(width=width), **words)
        menu.observe(lambda change: setattr(holder, "value", self.values[change["new"]]), "value")
        holder.observe(moved, "value")
        holder.observe(lambda change: setattr(menu, "value", self.place(change["new"])), "value")
        return (holder, None, menu.add_class(PICK)) if self.buttons else (holder, menu, None)
