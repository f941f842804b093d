"""Sliders → a real computation → a redraw: one small abstraction for every interactive figure of the course.

An `Explorer` joins controls, a function that computes (it trains, for real, on every move), a chart, a function that turns
the result into marks, and one that says it in a sentence. Only the marks are redrawn. It works without a display
too: `explorer.set(epsilon=0.5)`, `explorer.state`, `explorer.sentence`.
"""

import functools
import html
import time

import ipywidgets as widgets
import numpy as np

from .. import checks
from . import plots, predictions, said, views
from .ahead import Ahead, later
from .along import Along, around, tracks
from .controls import LABEL, Choice, Slider
from .parts import made
from .playing import player
from .theme import ACROSS, BODY, PANEL, SHEET, STAGE

__all__ = ["Along", "Choice", "Explorer", "Slider"]
LOW = 2.0  # a picture so much wider than high takes the whole width, and its controls stand above it
SLOW = 0.3  # seconds after which the next computation is announced


class Explorer:
    """An interactive figure: controls, a computation, a picture, a sentence.

    Args:
        title: what it is, in a few words; also its fixed `repr`.
        controls: `Slider`s and `Choice`s.
        compute: called with the controls' values by name; returns a result. It must not change anything else.
        chart: a `plots.Chart`, whose axes stay as they are.
        marks: turns the result into a list of `plots` marks.
        say: turns the result into one or two sentences that state what is seen; the alternative text, too.
        predict: a question to answer before the first result is shown: ("05.a", "Which …?", ["…", "…"], 1, "…"), its id,
            the question, options, the place of the right one, the reason; functions are called with the result.
        attacker: turns the result into a `privacy.attacker.Attacker` (or None), drawn as a hundred people.
        unit: whose taking part such an attacker guesses, or what he guesses: "which of two patients was in".
        play: name of a whole-number `Slider`, such as the round shown, that a play button moves from end to end.
        along: name of a `Slider` → the panel on whose x axis it stands, its handle the point on the axis; or an `Along`.

    Raises:
        TypeError, ValueError: no controls, two of one name, what should be a function and is none, and the like.
        Whatever `compute` raises at the starting values; later, an error is shown in the panel, and `set` raises it.

    Show it by making it the last line of a cell. `set(**values)` moves controls from code.
    """

    def __init__(
        self, title, controls, compute, chart, marks, say, predict=None, attacker=None, unit="client", play=None, along=None
    ):
        controls = _checked(title, controls, compute, chart, marks, say)
        if attacker is not None:
            checks.function("attacker", attacker)
        checks.text("unit", unit, some=True)
        if play is not None:
            checks.one_of("play", play, tuple(c.name for c in controls if isinstance(c, Slider) and c.whole))
        self.attacker, self.unit = attacker, unit
        self.title, self.controls, self.chart = title, {control.name: control for control in controls}, chart
        self.compute, self.draw, self.say, self.predict = compute, marks, say, predictions.checked(predict)
        self.error, self.seconds, self._kept, self._quiet = None, 0.0, [], False
        self._pictures = [_wide() for _ in chart.layouts]  # in the order of the layouts
        self._status, self._crowd, self._back = made(widgets.HTML), _wide(), _wide(chart.backdrop(1))
        self.along = tracks(along, {c.name: c for c in controls if isinstance(c, Slider)}, chart)
        self._holders, rows, near = {}, [], []
        for control in controls:
            moved = functools.partial(self._moved, control.name)
            self._holders[control.name], *parts = control.build(moved, self.along.get(control.name))
            rows += [part for part in parts[:1] if part is not None]
            near += [part for part in parts[1:] if part is not None]
        self._start, self._ahead = self.state, Ahead(self)
        self._show(self._ahead(self.state))  # what a wide place shows; the rest when there is time
        later(self._complete)
        stage = made(widgets.Box, [self._back, *self._pictures])
        stage.add_class(STAGE)
        stage = around(stage, near, self.along, chart)
        played = [] if play is None else player(self.controls[play], self._holders[play])
        controls = made(widgets.VBox, [*rows, *played, self._buttons()])
        body = made(widgets.Box, [controls, stage, *[self._crowd] * (attacker is not None)])
        body.add_class(BODY)
        if chart.size[0] > LOW * chart.size[1]:
            body.add_class(ACROSS)
        heading = made(widgets.HTML, f'<p class="fldp-title">{html.escape(title)}</p>{SHEET}')
        self.panel = made(widgets.VBox, [heading, self._status, body, self._swept])
        self.panel.add_class(PANEL)
        if self.predict is not None:
            predictions.ask(self.predict, self.panel, lambda: self.result)

    @property
    def state(self):
        """The controls' present values, by name."""
        return {name: holder.value for name, holder in self._holders.items()}

    @property
    def marks(self):
        """The present picture's marks, without what is pinned."""
        return self.draw(self.result)

    @property
    def sentence(self):
        """What the explorer says of its present state."""
        return self.say(self.result)

    def set(self, **values):
        """Move controls and compute once.

        Args:
            values: new values by control name.

        Returns:
            The explorer.

        Raises:
            ValueError, TypeError: an unknown control or a value out of its range; nothing has moved then.
            Whatever the computation raises.
        """
        for name in values:
            checks.one_of("control", name, tuple(self.controls))
        values = {name: self.controls[name].check(value) for name, value in values.items()}
        self._quiet = True
        try:
            for name, value in values.items():
                self._holders[name].value = value
        finally:
            self._quiet = False
        self._update()
        if self.error is not None:
            raise self.error
        return self

    def _moved(self, name, change):
        if not self._quiet:
            self._update()
            self._ahead.prepare(name, change["old"], change["new"])

    def _update(self):
        start, state = time.perf_counter(), self.state
        if self.seconds > SLOW and not self._ahead.holds(state):  # what is seen stays, dimmed, until there is something new
            self._status.value = said.status("computing … " + self._said, busy=True)
        try:
            self._show(self._ahead(state)), self._show_narrow()
            self.error = None
        except Exception as error:  # a dead slider would hide it: show it where the learner looks
            self.error = error
            self._status.value = said.alert(error)
        self.seconds = time.perf_counter() - start

    def _show(self, answer):
        self._answer, self.result, self._said = answer, answer.result, answer.words
        self._pictures[0].value = answer.layer(0)
        self._status.value = said.status(self._said, answer.marks)
        if self.attacker is not None:
            found = self.attacker(self.result)
            self._crowd.value = "" if found is None else said.crowd(found, self.unit)

    def _show_narrow(self):
        for place, picture in enumerate(self._pictures[1:], start=1):
            picture.value = self._answer.layer(place)

    def _complete(self):
        self._back.value = self.chart.backdrop()
        self._show_narrow()

    def layers(self, answer):
        """Return an `ahead.Answer`'s picture, layout by layout: its marks over what is pinned."""
        kept = [m for m in self._kept if not any(m.panel == d.panel and np.array_equal(m.y, d.y) for d in answer.marks)]
        return self.chart.layers([*kept, *answer.marks], f"{self.title}. {answer.words}")  # kept: what has changed

    def _buttons(self):
        reset, pin = (made(widgets.Button, description=what) for what in ("Reset", "Pin"))
        reset.on_click(lambda _: self.reset())
        pin.on_click(lambda _: self.pin())
        names = [("–", ""), *((control.label, name) for name, control in self.controls.items())]
        self._sweep = made(
            widgets.Dropdown, options=names, value="", description="six values of", style={"description_width": LABEL}
        )
        self._swept = _wide()
        self._sweep.observe(lambda change: self._show_sweep(), "value")
        return made(widgets.HBox, [reset, pin, self._sweep], layout=dict(flex_flow="row wrap"))

    def _show_sweep(self):
        name = self._sweep.value
        if not name:
            self._swept.value = ""
            return
        self._swept.value = said.status("computing …", busy=True)
        try:
            chart, marks, told = self.sweep(name)
            self._swept.value = chart.page(marks, " ".join(told))
        except Exception as error:
            self._swept.value = said.alert(error)

    def sweep(self, name, points=6, panel=None):
        """Compute several values of one control, side by side; see `views.sweep`."""
        return views.sweep(self, name, points, panel)

    def reset(self):
        """Move all controls back to where they started and drop what is pinned."""
        self._keep([])
        return self.set(**self._start)

    def pin(self):
        """Keep the present curves, in grey, under what is drawn from now on."""
        self._keep(plots.pinned(self.marks))
        self._show(self._answer), self._show_narrow()
        return self

    def _keep(self, marks):
        self._kept = marks
        self._ahead.forget(), self._answer.renew(self)

    def export_html(self, path, points=None, together=None, **values):
        """Write the explorer as one self-contained page; see `views.export_html`."""
        return views.export_html(self, path, points, together, **values)

    def _repr_mimebundle_(self, include=None, exclude=None):
        view = {"version_major": 2, "version_minor": 0, "model_id": self.panel.model_id}
        data = {
            "application/vnd.jupyter.widget-view+json": view,
            "image/png": plots.encode(self.chart.png(self.marks)),
            "text/plain": repr(self),
        }
        about = {"explorer": self.title, "controls": {name: control.label for name, control in self.controls.items()}}
        if self.predict is not None:
            about["predict"] = self.predict.about(self.result)
        return data, {"image/png": {"alt": f"{self.title}. {self.sentence}"}, "fldp": about}

    def __repr__(self):
        return f"Explorer({self.title!r})"


def _wide(value=""):
    """A widget for HTML as wide as its place."""
    return made(widgets.HTML, value, layout=dict(width="100%"))


def _checked(title, controls, compute, chart, marks, say):
    """Refuse what cannot make an explorer, before anything is computed; return the controls as a list."""
    checks.text("title", title, some=True), checks.kind("chart", chart, plots.Chart, "a plots.Chart")
    if not isinstance(controls, (list, tuple)) or not all(isinstance(c, (Slider, Choice)) for c in controls) or not controls:
        raise TypeError(f"controls must be a list of Sliders and Choices, one at least, got {checks.shown(controls)}")
    if len({control.name for control in controls}) < len(controls):
        raise ValueError(f"controls must have different names, got {[control.name for control in controls]}")
    for name, value in (("compute", compute), ("marks", marks), ("say", say)):
        checks.function(name, value)
    return list(controls)
