"""Exhibits of notebook 07, the end: four prices of one run, and what a better accountant is worth in clients."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import mechanisms
from ._kit import _, clients, count, epsilon, three
from ._prices import DELTA, attacked, bill, by_renyi, exact, multiplier, noise, orders_for_pages, summed

__all__ = ["prices", "promise"]
ROUNDS = np.unique(np.geomspace(1, 1000, 25).round()).astype(int)
DOTS = (1, 4, 15, 60, 250, 1000)
STYLES = {"basic": 0, "advanced": 2, "RDP": 3, "exact": "private"}
METHODS = {"basic": "basic", "advanced": "advanced", "RDP": "rdp", "exact": "pld"}


@lru_cache(maxsize=128)
def _bills(kind, each, delta):
    """Basic, advanced and RDP prices at ROUNDS, exact ones at DOTS."""
    mechanism = noise(kind, each)
    found = {name: summed(mechanism, ROUNDS, name, delta) for name in ("basic", "advanced")}
    found["RDP"] = by_renyi(mechanism, ROUNDS, delta)
    return found | {"exact": np.array([exact(mechanism, t, 1.0, delta, 2**11) for t in DOTS])}


def prices():
    """One run, four prices, over the number of rounds."""

    def compute(mechanism, epsilon, rounds, delta):
        return dict(kind=mechanism, each=epsilon, rounds=rounds, delta=delta, curves=_bills(mechanism, epsilon, delta),
                    here=bill(mechanism, epsilon, rounds, delta),
                    attacker=attacked(noise(mechanism, epsilon), rounds, 1.0, delta))  # fmt: skip

    def marks(r):
        drawn = [plots.line([r["rounds"]] * 2, [1e-2, 1e4], 5, width=0.8)]
        for name, y in r["curves"].items():
            x = DOTS if name == "exact" else ROUNDS
            y = np.where((y >= 1e-2) & (y <= 1e4), y, np.nan)
            drawn.append(plots.line(x, y, STYLES[name], label=_(name)))
            if 1e-2 <= r["here"][name] <= 1e4:
                drawn.append(plots.dots([r["rounds"]], [r["here"][name]], STYLES[name], size=4))
        return drawn

    def say(r):
        kind = {"laplace": _("Laplace"), "gaussian": _("Gaussian")}[r["kind"]]
        here = {name: three(value) for name, value in r["here"].items()}
        what = _("each") if r["kind"] == "laplace" else _("each at δ = 1e-5; all of them")
        return _(
            "{rounds} of {kind} noise, ε = {each:.3g} {what}, at δ = {delta:.2g}: basic {basic}, advanced {advanced}, RDP "
            "{RDP}, exact {exact}. The noise is the same in all four."
        ).format(
            rounds=count(r["rounds"], _("round"), _("rounds")),
            kind=kind,
            each=r["each"],
            delta=r["delta"],
            what=what,
            **here,
        )

    panel = plots.Panel(
        _("Total ε"), _("rounds"), "ε", x=(1, 1000), y=(1e-2, 1e4), xlog=True, ylog=True, right=0.22,
        xticks={1: "1", 10: "10", 100: "100", 1000: "1,000"},
    )  # fmt: skip
    controls = [
        explorers.Choice("mechanism", _("noise"), {_("Laplace"): "laplace", _("Gaussian"): "gaussian"}, "laplace"),
        epsilon(1.0, 0.05, 2.0, _("ε of one round")),
        explorers.Slider("rounds", _("rounds"), 1, 1000, 100, step=0.05, log=True, whole=True),
        explorers.Slider("delta", "δ", 1e-9, 1e-3, DELTA, step=0.25, log=True),
    ]
    explorer = explorers.Explorer(
        _("One run, four prices"), controls, compute, plots.Chart([panel], size=(5.8, 3.2)), marks, say,
        attacker=lambda r: r["attacker"],
    )  # fmt: skip
    return browser.live(explorer, "nb07.prices")


def promise():
    """The noise that one promise leaves in the average, by four accountants: what imprecision costs in clients."""
    at = np.array([10, 10_000])

    def compute(epsilon, rounds, clients):
        sigma = {name: multiplier(epsilon, rounds, method) for name, method in METHODS.items()}
        run = mechanisms.Gaussian(sigma["exact"], clip=1.0)
        return dict(epsilon=epsilon, rounds=rounds, clients=clients, sigma=sigma, attacker=attacked(run, rounds))

    def marks(r):
        drawn = [plots.line([10, 10_000], [1, 1], 5, width=1, label=_("the clip"))]
        for name, sigma in r["sigma"].items():
            drawn.append(plots.line(at, sigma / at, STYLES[name], label=_(name)))
            drawn.append(plots.dots([r["clients"]], [sigma / r["clients"]], STYLES[name], size=4))
        return drawn

    def say(r):
        left = {name: three(sigma / r["clients"]) for name, sigma in r["sigma"].items()}
        times = min(r["sigma"]["basic"], r["sigma"]["advanced"]) / r["sigma"]["exact"]
        return _(
            "Total ε = {e:.3g} over {rounds}, {n:,} clients: the average of their updates carries noise of {exact} clips if "
            "the run is priced exactly, {RDP} by RDP, {advanced} by advanced, {basic} by basic composition. Without an "
            "accountant of losses one needs {times:.3g} times the clients for the same average."
        ).format(e=r["epsilon"], rounds=count(r["rounds"], _("round"), _("rounds")), n=r["clients"], times=times, **left)

    def because(r):
        sigma = compute(1.0, 100, 1000)["sigma"]
        return _("{times:.2g} times: adding up asks for σ = {basic:.3g} where {exact:.3g} keeps the promise.").format(
            times=sigma["basic"] / sigma["exact"], **sigma
        )

    panel = plots.Panel(
        _("Noise in the average"), _("clients"), _("deviation, in clips"), x=(10, 10_000), y=(1e-5, 1e4), xlog=True,
        ylog=True, right=0.22, xticks={10: "10", 100: "100", 1000: "1,000", 10_000: "10,000"},
    )  # fmt: skip
    controls = [
        epsilon(1.0, 0.1, 20.0),
        explorers.Slider("rounds", _("rounds"), 1, 1000, 100, step=0.05, log=True, whole=True),
        clients(1000, 10, 10_000),
    ]
    question = _("(1, 1e-5) over 100 Gaussian rounds. Who adds up the rounds' ε has to draw more noise than who prices "
                 "exactly. How many times the clients bring the average's noise down again?")  # fmt: skip
    options = [_("about as many: prices do not change noise"), _("two or three times"), _("nine or ten times")]
    explorer = explorers.Explorer(
        _("What a better accountant is worth"), controls, compute, plots.Chart([panel], size=(5.8, 3.0)), marks, say,
        attacker=lambda r: r["attacker"], predict=("07.d", question, options, 2, because),
    )  # fmt: skip
    return browser.live(explorer, "nb07.promise", orders_for_pages)
