"""Panels: one pair of axes each, with fixed limits and words."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from .. import checks
from . import drawing, theme
from . import marks as marks_


@dataclass(frozen=True)
class Panel:
    """One pair of axes: its words and its fixed limits.

    Args:
        title, xlabel, ylabel: what stands beside the axes; a unit belongs into the label.
        x, y: limits (low, high).
        xlog, ylog: whether an axis is logarithmic.
        xticks, yticks: positions, or a dict from position to label; None lets matplotlib choose; both empty: no frame.
        right: share of the panel's width kept free for direct labels, from 0 to 0.6.
        equal: whether a unit is as long upwards as across, as on a map.
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
    equal: bool = False

    def __post_init__(self):
        for name in ("title", "xlabel", "ylabel"):
            checks.text(name, getattr(self, name))
        for name in ("x", "y"):
            log, limits = checks.flag(f"{name}log", getattr(self, f"{name}log")), getattr(self, name)
            if not isinstance(limits, (tuple, list, np.ndarray)) or len(limits) != 2:
                raise ValueError(f"{name} must be limits (low, high), got {checks.shown(limits)}")
            low, high = (checks.real(name, limit) for limit in limits)
            if low == high or (log and min(low, high) <= 0):
                raise ValueError(f"{name} must be two different limits{', both positive' * log}, got {limits}")
            ticks = getattr(self, f"{name}ticks")
            if ticks is not None:
                marks_._array(f"{name}ticks", list(ticks) if isinstance(ticks, dict) else ticks)
        checks.real("right", self.right, at_least=0, at_most=0.6), checks.flag("equal", self.equal)


def style():
    """Return a context in which matplotlib draws in the house style: `with plots.style(): …`."""
    cycle = matplotlib.cycler(color=theme.COLOURS[:5], linestyle=[(0, dash) if dash else "-" for dash in theme.DASHES[:5]])
    return matplotlib.rc_context({**theme.RC, "axes.prop_cycle": cycle})


def empty(panels, columns, size):
    """Return a figure with the panels' empty axes, at places that stay, and the axes; arguments as those of a `Chart`."""
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    with style():
        figure = Figure(figsize=size, dpi=72, layout="constrained")
        axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax, panel in zip(axes, panels, strict=False):
            ax.set(title=panel.title, xlabel=panel.xlabel, ylabel=panel.ylabel)
            ax.set_xscale("log" if panel.xlog else "linear")
            ax.set_yscale("log" if panel.ylog else "linear")
            low, high = panel.x
            stretch = (high / low) ** (panel.right / (1 - panel.right)) if panel.xlog else None
            ax.set_xlim(low, high * stretch if panel.xlog else high + (high - low) * panel.right / (1 - panel.right))
            ax.set_ylim(*panel.y)
            ax.set_aspect("equal" if panel.equal else "auto")
            for axis, log, ticks in ((ax.xaxis, panel.xlog, panel.xticks), (ax.yaxis, panel.ylog, panel.yticks)):
                if ticks is not None:
                    axis.set_ticks(list(ticks), labels=list(ticks.values()) if isinstance(ticks, dict) else None)
                    axis.set_minor_locator(matplotlib.ticker.NullLocator())
                elif log:
                    axis.set_major_formatter(drawing.powers()), axis.set_minor_formatter(drawing.powers())
            if panel.xticks is not None and panel.yticks is not None and not len(panel.xticks) + len(panel.yticks):
                ax.spines[:].set_visible(False)  # a scene, not a pair of axes
            if panel.right and panel.xticks is None and not panel.xlog:
                ax.set_xticks([t for t in ax.get_xticks() if low <= t <= high])
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # the axes stay where they are whatever is drawn on them
    return figure, axes[: len(panels)]
