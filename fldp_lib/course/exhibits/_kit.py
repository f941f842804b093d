"""What the exhibits share: words that can be translated, the sliders that stand in every notebook."""

from ...interactive.controls import Slider
from ..words import translated as _


def epsilon(value=1.0, low=0.1, high=20.0, label=None):
    """Return the slider for a total ε, logarithmic.

    Args:
        value, low, high: where it starts, and its range.
        label: what stands beside it; None says that it is the total.
    """
    return Slider("epsilon", label or _("ε, in total"), low, high, value, step=0.05, log=True)


def clients(value=10, low=2, high=400, label=None):
    """Return the slider for the number of clients, logarithmic and whole.

    Args:
        value, low, high: where it starts, and its range.
        label: what stands beside it, such as "hospitals".
    """
    return Slider("clients", label or _("clients"), low, high, value, step=0.05, log=True, whole=True)


def count(number, one, many):
    """Return a number with its noun: "1 hospital", "10 hospitals"."""
    return f"{number} {one if number == 1 else many}"
