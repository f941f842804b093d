"""Panels: one pair of axes each, with fixed limits and words."""

from dataclasses import dataclass

import numpy as np

from .. import checks
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
