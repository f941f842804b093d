"""Notebook 17's explorers of a release and of a ledger: the bound that has to be stated, and a budget for many runs."""

import math
from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import accounting, mechanisms
from ._kit import _, epsilon

DELTA = 1e-5


def _exact(sigma, rounds):
    return accounting.epsilon(mechanisms.Gaussian(sigma, clip=1.0), rounds, 1.0, DELTA)


# The bounds a tool asks for -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def radii():
    """The mean radius of 569 tumours, as it is bundled (569,)."""
    from sklearn import datasets

    return datasets.load_breast_cancer().data[:, 0]


def bounds():
    """The upper bound that a tool asks for: what is cut off against the noise, in a mean with Laplace noise."""
    low, highs = 5.0, np.geomspace(8, 100, 60)

    def errors(epsilon, high):
        radius = radii()
        cut = abs(radius.clip(low, high).mean() - radius.mean())
        return cut, 2**0.5 * (high - low) / len(radius) / epsilon

    def compute(epsilon, high):
        curves = np.array([errors(epsilon, h) for h in highs]).T
        cut, noise = errors(epsilon, high)
        over = int((radii() > high).sum())
        return dict(epsilon=epsilon, high=high, curves=curves, cut=cut, noise=noise, all=math.hypot(cut, noise), over=over)

    def marks(r):
        cut, noise = r["curves"]
        return [
            plots.line(highs, np.where(cut > 0, cut, np.nan), 2, label=_("cut off")),
            plots.line(highs, noise, "private", label=_("noise")),
            plots.line(highs, np.hypot(cut, noise), 0, label=_("both"), width=1.0),
            plots.dots([r["high"]], [r["all"]], 0, size=4),
        ]

    def say(r):
        return _(
            "Upper bound {high:.3g}: {over} of 569 radii are cut off there, which moves the mean by {cut:.2g}; a record can "
            "move it by {move:.2g}, so the noise for ε = {epsilon:.3g} has deviation {noise:.2g}. Both: {all:.2g}."
        ).format(**r, move=(r["high"] - low) / 569)

    panel = plots.Panel(
        "", _("upper bound that is stated"), _("error of the mean"), x=(8, 100), y=(1e-3, 10), xlog=True, ylog=True,
        xticks={10: "10", 20: "20", 50: "50", 100: "100"}, right=0.14,
    )  # fmt: skip
    question = _(
        "The largest radius is 28.1. Stated is an upper bound of 60 in place of 30. The noise in the mean is then …"
    )
    because = _("it is 55/25 = 2.2 times as large: the tool has to believe the bound, not the data.")
    shown = explorers.Explorer(
        _("A bound that has to be stated"),
        [
            epsilon(1.0, 0.05, 5, _("ε of the release")),
            explorers.Slider("high", _("upper bound"), 8, 100, 30, step=0.02, log=True),
        ],
        compute, plots.Chart([panel], size=(6.6, 2.9)), marks, say,
        predict=("17.b", question, [_("the same"), _("about √2 times as large"), _("more than twice as large")], 2, because),
    )  # fmt: skip
    return browser.live(shown, "nb17.bounds", lambda: {"radii": radii()})


# A ledger -------------------------------------------------------------------------------------------------------------


def ledger():
    """Runs on the same people, one after the other: what they cost together, against a budget, and added up."""

    def compute(budget, rounds, sigma):
        runs = np.arange(1, 13)
        total = np.array([_exact(sigma, int(rounds * k)) for k in runs])
        return dict(budget=budget, rounds=rounds, sigma=sigma, runs=runs, total=total, added=runs * total[0])

    def marks(r):
        return [
            plots.line(r["runs"], r["total"], "private", label=_("composed")),
            plots.line(r["runs"], r["added"], 2, label=_("added up")),
            plots.line([1, 12], [r["budget"]] * 2, "bound", label=_("budget")),
            plots.dots(r["runs"], r["total"], "private", size=2.5),
        ]

    def say(r):
        fit, some = (int((curve <= r["budget"]).sum()) for curve in (r["total"], r["added"]))
        more = _(" or more") if fit == 12 else ""
        return _(
            "Each run has {rounds} rounds at multiplier {sigma:.3g} and costs {one:.3g} alone. A budget of {budget:.3g} "
            "grants {fit}{more} of them composed, {some} if their ε are added up; twelve cost {all:.3g} and {sum:.3g}."
        ).format(**r, one=r["total"][0], fit=fit, more=more, some=some, all=r["total"][-1], sum=r["added"][-1])

    panel = plots.Panel("", _("runs on the same people"), _("total ε"), x=(1, 12), y=(0.01, 1000), ylog=True, right=0.18)
    shown = explorers.Explorer(
        _("A budget that the data holder keeps"),
        [
            explorers.Slider("budget", _("budget, total ε"), 0.5, 10, 1.5, step=0.05, log=True),
            explorers.Slider("rounds", _("rounds of each run"), 10, 400, 100, step=0.05, log=True, whole=True),
            explorers.Slider("sigma", _("noise multiplier"), 5, 100, 40, step=0.05, log=True),
        ],
        compute, plots.Chart([panel], size=(6.6, 2.9)), marks, say,
    )  # fmt: skip
    return browser.live(shown, "nb17.ledger")
