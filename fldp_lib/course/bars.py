"""A bar for what a notebook does many times, and a way to stop it with what it has."""

import signal
import sys
import threading

from .. import checks
from ..training._bar import Bar
from .words import translated as _

__all__ = ["bar"]


def bar(values, unit="run"):
    """Go through values: a bar shows how far it is once two seconds have passed, and an interruption keeps what is done.

    Interrupted (Ctrl-C, or the square), the step in progress is finished, the loop ends, and a line says how many steps
    were done: a list that it filled holds so many. Interrupted again, it stops at once. Bars in one another end together.
    In a thread other than the main one Python brings no interruption, and there is the bar alone. TQDM_DISABLE hides it.

    Args:
        values: a list, a range, a dict's items: what has a length.
        unit: what a step is called in the bar.

    Yields:
        The values in order.

    Raises:
        TypeError: values has no length, unit is no text.

    Derived in: notebook 00, which runs forty federations with it.
    """
    if not (hasattr(values, "__len__") and hasattr(values, "__iter__")):
        raise TypeError(f"values must have a length, such as a list or a range, got {checks.shown(values)}")
    return _through(values, checks.text("unit", unit, some=True))


def _through(values, unit):
    shown, stop = Bar(len(values), unit=unit), _Stop()
    stop.begin()
    try:
        for done, value in enumerate(values):
            if stop.asked:
                print(_("interrupted: {} of {} done").format(done, len(values)), file=sys.stderr)
                return
            yield value
            shown.step()
    finally:
        shown.close()
        stop.end()


class _Stop:
    """Whether Ctrl-C was pressed since `begin`; pressed twice, it raises as always."""

    def __init__(self):
        self.asked, self.usual = False, None

    def __call__(self, number, frame):
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if isinstance(self.usual, _Stop):  # the bar around this one ends, too
            self.usual.asked = True

    def begin(self):
        here = threading.current_thread() is threading.main_thread()
        if here and callable(signal.getsignal(signal.SIGINT)):  # ignored in the background: it stays so
            self.usual = signal.signal(signal.SIGINT, self)

    def end(self):
        if self.usual is not None and signal.getsignal(signal.SIGINT) is self:
            signal.signal(signal.SIGINT, self.usual)
