"""What an explorer shows, and the next step of a control computed while the last one is looked at.

A move that goes on in the same direction then finds its answer ready: it was trained in the meantime, as it would be now.
"""

import asyncio
import contextlib
import math

from . import threads
from .along import STEPS
from .controls import Choice

KEPT = 12  # answers that are kept
REST = 0.06  # seconds without a move before the next step is computed
LONGEST = 0.3  # seconds: what takes longer is not computed ahead, since a move in between would have to wait for it


class Answer:
    """What an explorer says and shows for one state of its controls.

    Args:
        explorer: an `explorers.Explorer`.
        state: its controls' values by name.

    Attributes:
        result, words, marks: what was computed, the sentence, the picture's marks.

    Raises:
        Whatever the computation raises.
    """

    def __init__(self, explorer, state):
        with threads.one():
            self.result = explorer.compute(**state)
        self.words, self.marks = explorer.say(self.result), explorer.draw(self.result)
        self.renew(explorer)

    def renew(self, explorer):
        """Have the picture drawn anew, since what is pinned under it has changed."""
        self._layers, self._drawn = explorer.layers(self), []

    def layer(self, place):
        """Return the picture in the chart's layout at that place, from 0, drawn the first time."""
        while len(self._drawn) <= place:
            self._drawn.append(next(self._layers))
        return self._drawn[place]


class Ahead:
    """The answers that an explorer showed last, and the one that is likely next. Where no event loop runs, nothing is kept.

    Args:
        explorer: an `explorers.Explorer`.
    """

    def __init__(self, explorer):
        self._explorer, self._answers, self._turn = explorer, {}, 0

    def __call__(self, state):
        """Return the `Answer` for a state, kept or made now; what was to be made next is not made any more."""
        self._turn += 1
        return self._answer(state)

    def holds(self, state):
        """Whether the answer for a state is there."""
        return tuple(state.values()) in self._answers

    def forget(self):
        """Drop all answers, since what is shown with them has changed."""
        self._answers.clear()

    def prepare(self, name, before, now):
        """Make the next answer once nothing has moved for a moment.

        Args:
            name: of the control that has just moved.
            before, now: its values.
        """
        loop, explorer = _loop(), self._explorer
        if loop is None or explorer.seconds > LONGEST:
            return
        value = further(explorer.controls[name], before, now, explorer.along.get(name))
        state = {**explorer.state, name: value}
        if value != now and not self.holds(state):
            loop.call_later(REST, self._make, self._turn, state)

    def _make(self, turn, state):
        if turn == self._turn:
            with contextlib.suppress(Exception):  # an error is told where a move meets it
                answer = self._answer(state)
                for place in range(len(self._explorer.chart.layouts)):
                    answer.layer(place)

    def _answer(self, state):
        key = tuple(state.values())
        answer = self._answers.pop(key, None) or Answer(self._explorer, state)
        if _loop() is not None:
            self._answers[key] = answer  # the newest last
            while len(self._answers) > KEPT:
                self._answers.pop(next(iter(self._answers)), None)
        return answer


def later(what):
    """Call a function without arguments once the event loop has nothing else to do; at once where none runs."""
    loop = _loop()
    what() if loop is None else loop.call_later(REST, what)


def _loop():
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # no notebook
        return None


def further(control, before, now, track=None):
    """Return the value to which one more step of a control in the same direction leads; at its end, the value itself.

    Args:
        control: a `Slider` or a `Choice`.
        before, now: its last two values.
        track: the `along.Track` on which a slider stands; None: a row of its own.
    """
    if isinstance(control, Choice):
        place = control.place(now)
        place += 1 if place > control.place(before) else -1
        return control.values[place] if 0 <= place < len(control.values) else now
    sign = 1 if now > before else -1
    if track is not None and track.table is not None:
        place = track.stop(now) + sign * (track.high - track.low) / STEPS
        value = control.tidy(track.value(min(max(place, track.low), track.high)))
    elif control.log:
        place = math.log10(control.on_grid(now)) + sign * control.step
        value = control.tidy(10 ** min(max(place, math.log10(control.low)), math.log10(control.high)))
    else:
        value = control.tidy(
            control.on_grid(now) + sign * max(control.step, abs(now - before))
        )  # so far the play button goes
    return control.tidy(now + sign) if control.whole and value == now else value
