"""The buttons that move a control from end to end, where it is time."""

import math

import ipywidgets as widgets

from .parts import made
from .theme import NEXT

FRAMES, INTERVAL = 40, 200  # pictures that a play button shows at most, and milliseconds between them


def player(control, holder):
    """Return the buttons that move a control from end to end: play, and a step further where motion is unwelcome.

    Args:
        control: a whole-number `Slider`.
        holder: the widget that holds its value.
    """
    step = max(int(control.step), math.ceil((control.high - control.low) / FRAMES))
    ends = dict(min=control.low, max=control.high, step=step, interval=INTERVAL)
    play = made(widgets.Play, value=control.value, show_repeat=False, **ends)
    further = made(widgets.Button, description="Next")
    further.add_class(NEXT)

    def go_on(_):
        holder.value = control.low if holder.value >= control.high else min(holder.value + step, control.high)

    further.on_click(go_on)
    play.observe(lambda change: setattr(holder, "value", change["new"]), "value")
    holder.observe(lambda change: setattr(play, "value", change["new"]), "value")
    return [play, further]
