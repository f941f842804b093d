"""Exhibits of notebook 07: the random walk that a run's price is the tail of, and δ as a share of that tail."""

import math
from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import accounting, mechanisms
from ._kit import _, chance, count, epsilon
from ._prices import DELTA, ORDERS, attacked, converted, exact, noise, renyi
from .nb07_more import prices, promise

__all__ = ["orders", "prices", "promise", "tail", "walk"]
RUNS, LAST = 200, 100


@lru_cache(maxsize=1)
def _laplace():
    return np.random.default_rng(7).laplace(0, 1, (RUNS, LAST))


def _unit():
    """For pages without a kernel: the walks' Laplace variables of scale 1, drawn with a fixed seed (runs × rounds)."""
    return {"laplace": _laplace().astype("float32")}


@lru_cache(maxsize=64)
def _walks(each):
    """Losses so far of runs with the client in, in units of one round's ε (runs, rounds + 1)."""
    z = _laplace()
    walked = ((abs(each + z) - abs(z)) / each).cumsum(1)
    return np.pad(walked, ((0, 0), (1, 0)))


def walk():
    """The privacy loss of two hundred runs as it adds up, round by round, and what the run is charged."""

    def compute(epsilon, round):
        mechanism = noise("laplace", epsilon)
        return dict(each=epsilon, t=round, walks=_walks(epsilon)[:, : round + 1], price=exact(mechanism, round),
                    attacker=attacked(mechanism, round))  # fmt: skip

    def marks(r):
        t, each = np.arange(r["t"] + 1), r["each"]
        return [
            plots.line([0, LAST], [0, LAST], 5, label=_("worst case")),
            *plots.cloud(t, r["walks"], "private", _("200 runs")),
            plots.line([r["t"]] * 2, [-12, r["price"] / each], 5, width=0.8),
            plots.dots([r["t"]], [r["price"] / each], "bound", label=_("price"), size=5),
        ]

    def say(r):
        losses = r["walks"][:, -1] * r["each"]
        return _(
            "{rounds} of ε = {each:.3g}: in the worst case the loss is {worst:.3g}; of 200 runs half lost less than "
            "{middle:.3g}, the unluckiest {most:.3g}. The price of the run at δ = 1e-5 is ε = {price:.4g}."
        ).format(rounds=count(r["t"], _("round"), _("rounds")), each=r["each"], worst=r["t"] * r["each"],
                 middle=np.median(losses), most=losses.max(), price=r["price"])  # fmt: skip

    panel = plots.Panel(
        _("Privacy loss so far"), _("round"), _("in ε of one round"), x=(0, LAST), y=(-12, LAST + 4), right=0.2
    )
    controls = [
        epsilon(1.0, 0.1, 2.0, _("ε of one round")),
        explorers.Slider("round", _("rounds so far"), 1, LAST, LAST, whole=True),
    ]
    explorer = explorers.Explorer(
        _("Every round keeps its promise; what do they cost together?"), controls, compute,
        plots.Chart([panel], size=(5.8, 3.2)), marks, say, attacker=lambda r: r["attacker"], play="round",
    )  # fmt: skip
    return browser.live(explorer, "nb07.walk", _unit)


def orders():
    """Every order α prices the run, by two conversions; the least is what counts, and lies a little above the exact one."""

    def compute(epsilon, rounds, delta):
        mechanism = noise("laplace", epsilon)
        curve = rounds * renyi(mechanism)
        old, new = curve - math.log(delta) / (ORDERS - 1), converted(curve, delta)
        return dict(each=epsilon, rounds=rounds, delta=delta, old=old, new=new, exact=exact(mechanism, rounds, 1.0, delta))

    def marks(r):
        shown = []
        for name, style, label in (("old", 2, _("classical")), ("new", "private", _("improved"))):
            y = r[name] / r["exact"]
            best = int(y.argmin())
            shown.append(plots.line(ORDERS - 1, np.where((y < 1.62) & (y > 0), y, np.nan), style))
            shown.append(plots.dots([ORDERS[best] - 1], [y[best]], style, label=label, size=4))
        return [*shown, plots.line([0.02, 1000], [1, 1], 5, label=_("exact"))]

    def say(r):
        at = r["new"].argmin()  # at the end of the orders the best one may lie beyond
        largest = _("{order:,.0f}, the largest tried").format(order=ORDERS[-1])
        best = f"{ORDERS[at]:.3g}" if at < len(ORDERS) - 1 else largest
        return _(
            "{rounds} of Laplace noise at ε = {each:.3g}, δ = {delta:.2g}: the best order is α = {best}. There the "
            "improved conversion charges {new:.4g}, the classical one at its own best order {old:.4g}; exact is {exact:.4g}."
        ).format(rounds=count(r["rounds"], _("round"), _("rounds")), each=r["each"], delta=r["delta"], best=best,
                 new=r["new"].min(), old=r["old"].min(), exact=r["exact"])  # fmt: skip

    panel = plots.Panel(
        _("Price by each order"), "α − 1", _("times the exact ε"), x=(0.02, 1000), xlog=True, y=(0.9, 1.6), right=0.2
    )
    controls = [
        epsilon(1.0, 0.1, 2.0, _("ε of one round")),
        explorers.Slider("rounds", _("rounds"), 10, 1000, 100, step=0.05, log=True, whole=True),
        explorers.Slider("delta", "δ", 1e-9, 1e-3, DELTA, step=0.25, log=True),
    ]
    explorer = explorers.Explorer(
        _("Which order α?"), controls, compute, plots.Chart([panel], size=(5.6, 2.8)), marks, say
    )  # fmt: skip
    return browser.live(explorer, "nb07.orders")


def tail():
    """The law of a Gaussian run's loss, the part of its tail that δ counts, and δ at every ε."""
    at = np.linspace(0, 12, 97)

    def compute(epsilon, rounds, sigma):
        mu = math.sqrt(rounds) / sigma
        run = mechanisms.Gaussian(1 / mu, clip=1.0)  # as hard as all rounds together
        x = mu**2 / 2 + mu * np.linspace(-4, 4, 241)
        height = np.exp(-(np.linspace(-4, 4, 241) ** 2) / 2)
        curve = np.array([accounting.delta_of(run, float(e)) for e in at])
        over = 0.5 * math.erfc((epsilon - mu**2 / 2) / mu / math.sqrt(2))
        return dict(epsilon=epsilon, rounds=rounds, sigma=sigma, x=x, height=height, curve=curve, over=over,
                    delta=accounting.delta_of(run, epsilon), attacker=attacked(run, 1))  # fmt: skip

    def marks(r):
        x, e = r["x"], r["epsilon"]
        counted = r["height"] * np.maximum(0, -np.expm1(e - np.maximum(x, e)))
        kept = np.where(r["curve"] >= 1e-10, r["curve"], np.nan)
        drawn = [
            plots.band(x, 0 * x, r["height"], "private", opacity=0.15), plots.line(x, r["height"], "private"),
            plots.band(x, 0 * x, counted, "bound", opacity=0.7), plots.line([e, e], [0, 1.03], 5, width=1.2),
            plots.text(4.4, 0.9, _("filled: what δ counts"), "bound"), plots.line(at, kept, "bound", panel=1),
        ]  # fmt: skip
        if r["delta"] >= 1e-10:
            return [*drawn, plots.dots([e], [r["delta"]], "bound", panel=1, size=5)]
        return [*drawn, plots.text(e * 0.8, 2e-10, "↓", "bound", panel=1)]

    def say(r):
        return _(
            "{rounds} of Gaussian noise, σ = {sigma:.3g}: the loss exceeds ε = {e:.3g} with probability {over}, and δ "
            "is {delta}, since a loss just above ε counts for little."
        ).format(rounds=count(r["rounds"], _("round"), _("rounds")), sigma=r["sigma"], e=r["epsilon"],
                 over=chance(r["over"]), delta=chance(r["delta"]))  # fmt: skip

    def because(r):
        start = compute(1.0, 16, 4.0)
        return _("δ is {delta:.3f} and the probability {over:.3f}: only what lies far beyond ε counts in full.").format(
            **start
        )

    panels = [
        plots.Panel(_("Privacy loss of the run"), _("loss"), _("density, highest = 1"), x=(-5, 12), y=(0, 1.1)),
        plots.Panel(_("δ at every ε"), "ε", "δ", x=(0, 12), y=(1e-10, 1), ylog=True),
    ]
    controls = [
        epsilon(1.0, 0.1, 11.0, _("ε")),
        explorers.Slider("rounds", _("rounds"), 1, 100, 16, whole=True),
        explorers.Slider("sigma", _("noise multiplier σ"), 4, 40, 4, step=0.05, log=True),
    ]
    question = _("16 Gaussian rounds with σ = 4: the run's loss exceeds ε = 1 with some probability. δ at ε = 1 is …")
    options = [_("that probability: it is what δ means"), _("less than half of it"), _("more, to be on the safe side")]
    explorer = explorers.Explorer(
        _("δ is a part of the tail"), controls, compute, plots.Chart(panels, size=(7.0, 2.8)), marks, say,
        attacker=lambda r: r["attacker"], predict=("07.c", question, options, 1, because),
    )  # fmt: skip
    return browser.live(explorer, "nb07.tail")
