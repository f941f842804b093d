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


def short(value):
    """Return a positive number in two digits, as one writes it by hand."""
    return _("less than 0.001") if value < 0.001 else f"{float(f'{value:.2g}'):,g}"


def three(value):
    """Return a number in three digits, its thousands written out: "0.0123", "45.6", "7,890"."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def chance(value):
    """Return a positive chance in two digits; one too small for a computer's numbers as such, since it is not 0."""
    return f"{value:.2g}" if value >= 1e-300 else _("less than 1e-300")
