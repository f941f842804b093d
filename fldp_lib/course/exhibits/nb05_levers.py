"""Exhibits of notebook 05, the end: what few clients can pull, which noise a norm asks for, and everything at once."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from ...interactive import browser, explorers, plots
from ...privacy import mechanisms
from ...training.plan import Plan
from ._groups import noises, together
from ._kit import _, clients, count, epsilon
from .nb05_more import grouped, noise_of_mean, shipped

__all__ = ["digits", "few", "laws"]
DRAWS = 3


@lru_cache(maxsize=64)
def _baseline(n, rounds, steps):
    return together(grouped(n), Plan.of(rounds=rounds, lr=2.0, local_steps=steps)).accuracy[0]


@lru_cache(maxsize=64)
def _noise(unit, clients, rounds, draws):
    """Noise in the sum at clip 1 (rounds × draws × 650); it grows with the clip as it is."""
    return torch.stack([noises(unit, clients, rounds, seed) for seed in range(draws)], 1)


@lru_cache(maxsize=512)
def _plan(kind, epsilon, rounds, delta=1e-5):
    return Plan(rounds, delta=delta).calibrated(epsilon, mechanism=kind, clip=1.0)


@lru_cache(maxsize=256)
def _priced(kind, epsilon, rounds, delta=1e-5):
    """The mechanism at clip 1, the total ε after each round, the attacker."""
    plan = _plan(kind, epsilon, rounds, delta)
    return plan.mechanism, plan.curve(), plan.attacker()


def few():
    """Few clients at total ε = 2, and the levers with which they learn all the same: a smaller clip, more local steps."""
    question = _("Thirty clients, total ε = 2, clip 6, one local step in each of 20 rounds: the accuracy stays near "
                 "guessing, 0.1. What brings it above one half at the same ε?")  # fmt: skip
    options = [_("nothing: ε = 2 is too strict for thirty"), _("fewer rounds"), _("a smaller clip and more local steps")]

    def because(result):
        start, pulled = (np.median(compute(30, steps, clip)["draws"][:, -1]) for steps, clip in ((1, 6.0), (5, 1.0)))
        return _("clip 1 and five local steps go from {start:.2f} to {pulled:.2f}; a round then brings more, and its "
                 "noise is a sixth. Try to do better.").format(start=start, pulled=pulled)  # fmt: skip

    def compute(clients, steps, clip):
        unit, _curve, attacked = _priced("gaussian", 2.0, 20)
        plan = Plan.of(rounds=20, lr=2.0, local_steps=steps)
        draws = together(grouped(clients), plan, clip * _noise(unit, clients, 20, DRAWS), clip, compare=False).accuracy
        return {"clients": clients, "steps": steps, "clip": clip, "draws": draws, "attacker": attacked,
                "plain": _baseline(clients, 20, steps)}  # fmt: skip

    def marks(r):
        at = np.arange(1, 21)
        return [
            *plots.cloud(at, r["draws"], "private", _("private")),
            plots.line(at, r["plain"], "no privacy", _("without")),
            plots.line((1, 20), (0.1, 0.1), 5, _("guessing")),
        ]

    def say(r):
        steps = count(r["steps"], _("local step"), _("local steps"))
        return _(
            "{n} clients, {steps}, clip {clip:.3g}, total ε = 2 (δ = 1e-5): accuracy {private:.2f} (median of {draws} draws "
            "of the noise), {plain:.2f} without privacy."
        ).format(n=r["clients"], steps=steps, clip=r["clip"], private=np.median(r["draws"][:, -1]), draws=DRAWS,
                 plain=r["plain"][-1])  # fmt: skip

    chart = plots.Chart([plots.Panel(_("Test accuracy by round"), _("round"), x=(1, 20), y=(0, 1), right=0.18,
                                     xticks=[1, 5, 10, 15, 20])], size=(5.6, 2.8))  # fmt: skip
    controls = [
        clients(30, 10, 100),
        explorers.Slider("steps", _("local steps"), 1, 5, 1, whole=True),
        explorers.Slider("clip", _("clip C"), 0.06, 60, 6.0, step=0.05, log=True),
    ]
    made = explorers.Explorer(_("Few clients pull the levers"), controls, compute, chart, marks, say,
                              attacker=lambda r: r["attacker"], predict=("05.d", question, options, 2, because))  # fmt: skip
    return browser.live(made, "nb05.few", shipped)


@lru_cache(maxsize=1)
def _prices(delta=1e-5):
    """ε by zCDP of one release with Gaussian noise of deviation b·C, for many b: the most that Laplace scale b·C has."""
    scales, plan = np.geomspace(0.05, 400, 80), Plan(1, delta=delta)
    return scales, [plan.changed(mechanism=mechanisms.Gaussian(b, 1.0)).epsilon(method="rdp") for b in scales]


def _scale(epsilon):
    """The least b/C of one release that keeps within (ε, 1e-5), read between the prices; T releases need √T times that."""
    scales, prices = _prices()
    return float(np.exp(np.interp(-math.log(epsilon), -np.log(prices), np.log(scales))))


@lru_cache(maxsize=256)
def _deviations(epsilon, rounds):
    gaussian, laplace = (_plan(kind, epsilon, rounds) for kind in ("gaussian", "laplace"))
    return gaussian.mechanism.std, math.sqrt(2 * rounds) * _scale(epsilon), laplace.mechanism.std, gaussian.attacker()


def laws():
    """How much noise one coordinate needs for an L2 clip of 1: Gaussian, Laplace priced by zCDP, Laplace by the L1 norm."""
    question = _("20 rounds at total ε = 2, 10,000 parameters, each update cut to L2 norm 1: Gaussian noise of deviation "
                 "8.9 on each coordinate is enough. And Laplace noise?")  # fmt: skip
    options = [_("the same, 8.9"), _("13.6"), _("1,146: it grows with √d")]

    def because(result):
        _gaussian, zcdp, single, _attacked = _deviations(2.0, 20)
        return _("{zcdp:.3g} is enough for any d, priced by zCDP; {l1:,.0f} comes of pricing it by the L1 norm, as δ = 0 "
                 "must.").format(zcdp=zcdp, l1=100 * single)  # fmt: skip

    def compute(parameters, epsilon, rounds):
        gaussian, zcdp, single, attacked = _deviations(epsilon, rounds)
        return {"d": parameters, "epsilon": epsilon, "rounds": rounds, "gaussian": gaussian, "zcdp": zcdp, "one": single,
                "attacker": attacked}  # fmt: skip

    def marks(r):
        d = np.geomspace(1, 10_000, 2)
        rising = r["one"] * np.sqrt(d)
        drawn = [
            plots.line(d, np.full(2, r["gaussian"]), "private", _("Gaussian")),
            plots.line(d, np.full(2, r["zcdp"]), 1, _("Laplace, by zCDP")),
            plots.line(d, rising, 2, _("Laplace, by L1")),
        ]
        for style, y in (("private", r["gaussian"]), (1, r["zcdp"]), (2, r["one"] * math.sqrt(r["d"]))):
            drawn.append(plots.dots([r["d"]], [y], style, size=4))
        return drawn

    def say(r):
        name = _("1 parameter") if r["d"] == 1 else _("{d:,} parameters").format(d=r["d"])
        times = count(r["rounds"], _("round"), _("rounds"))
        return _(
            "{name}, {times}, total ε = {epsilon:.3g} (δ = 1e-5), L2 clip 1: each coordinate needs Gaussian noise of "
            "deviation {gaussian:.3g}, Laplace noise of {zcdp:.3g} priced by zCDP, of {l1:.4g} priced by its L1 norm."
        ).format(name=name, times=times, epsilon=r["epsilon"], gaussian=r["gaussian"], zcdp=r["zcdp"],
                 l1=r["one"] * math.sqrt(r["d"]))  # fmt: skip

    ticks = {10**k: f"{10**k:,}" for k in range(5)}
    chart = plots.Chart([plots.Panel(_("Noise on one coordinate, L2 clip 1"), _("parameters d"), x=(1, 10_000),
                                     y=(0.1, 30_000), xlog=True, ylog=True, xticks=ticks, right=0.25)],
                        size=(5.8, 2.9))  # fmt: skip
    controls = [
        explorers.Slider("parameters", _("parameters d"), 1, 10_000, 1_000, step=0.05, log=True, whole=True),
        epsilon(2.0, low=0.2, high=20.0, label=_("ε, in total")),
        explorers.Choice("rounds", _("releases"), {_("one"): 1, _("20 rounds"): 20}, 20),
    ]
    return explorers.Explorer(_("Laplace or Gaussian"), controls, compute, chart, marks, say,
                              attacker=lambda r: r["attacker"], predict=("05.e", question, options, 1, because))  # fmt: skip


def digits():
    """Everything at once: every move calibrates the noise to the total ε and trains again on the digits."""

    def compute(epsilon, clients, clip, kind, place, steps, rounds):
        unit, spent, attacked = _priced(kind, epsilon, rounds)
        unit = replace(unit, at=place)
        mechanism, plan = replace(unit, clip=clip), Plan.of(rounds=rounds, lr=2.0, local_steps=steps)
        run = together(grouped(clients), plan, clip * _noise(unit, clients, rounds, 1), clip, unit.norm, compare=False)
        noise = noise_of_mean(mechanism, place, clients) * math.sqrt(650)
        ratio = np.arange(1, rounds + 1), run.signal[0] / noise
        return {"clients": clients, "clip": clip, "steps": steps, "mechanism": mechanism, "kind": kind, "spent": spent,
                "accuracy": run.accuracy[0], "plain": _baseline(clients, rounds, steps), "ratio": ratio,
                "epsilon": epsilon, "attacker": attacked}  # fmt: skip

    def marks(r):
        at, (ends, ratio) = np.arange(1, len(r["accuracy"]) + 1), r["ratio"]
        return [
            plots.line(at, r["plain"], "no privacy", _("without")), plots.line(at, r["accuracy"], "private", _("private")),
            plots.line(at, r["spent"], "private", _("spent"), 1), plots.dots(at[-1:], r["spent"][-1:], "private", panel=1),
            plots.line((1, at[-1]), (r["spent"][0],) * 2, "article", _("if free"), 1),
            plots.line(ends, ratio, "private", _("signal"), 2), plots.dots(ends[-1:], ratio[-1:], "private", panel=2),
            plots.line((1, 20), (1, 1), 5, _("equal"), 2),
        ]  # fmt: skip

    def say(r):
        names = {"gaussian": _("Gaussian, L2 clip"), "laplace": _("Laplace, L1 clip")}
        mechanism, rounds = r["mechanism"], len(r["accuracy"])
        return _(
            "Total ε = {epsilon:.3g} at δ = 1e-5 over {rounds}, {name} {clip:.3g}, {steps}; neighbours: {adjacency}, of "
            "{n}; {trust}. Accuracy {private:.2f}, without privacy {plain:.2f}. Noise in round 1: {noise:.2g} times the "
            "signal."
        ).format(
            epsilon=r["epsilon"], rounds=count(rounds, _("round"), _("rounds")),
            name=names[r["kind"]], clip=r["clip"], adjacency=mechanism.adjacency, n=r["clients"], trust=mechanism.trust,
            steps=count(r["steps"], _("local step"), _("local steps")),
            private=r["accuracy"][-1], plain=r["plain"][-1], noise=1 / r["ratio"][1][0],
        )  # fmt: skip

    axes = dict(xlabel=_("round"), x=(1, 20), xticks=[1, 10, 20], right=0.3)
    chart = plots.Chart([
        plots.Panel(_("Test accuracy"), y=(0, 1), **axes),
        plots.Panel(_("Total ε so far"), y=(0.005, 200), ylog=True, **axes),
        plots.Panel(_("Signal / noise"), y=(1e-5, 10), ylog=True, **axes),
    ], size=(7.0, 2.4))  # fmt: skip
    places = {_("the server"): "server", _("the clients"): "client", _("shares"): "shares"}
    controls = [
        epsilon(2.0, low=0.2, high=200.0, label=_("total ε")), clients(300, 10, 1437, label=_("clients N")),
        explorers.Slider("clip", _("clip C"), 0.06, 60, 6.0, step=0.05, log=True),
        explorers.Choice("kind", _("mechanism"), {_("Gaussian, L2 clip"): "gaussian", _("Laplace, L1 clip"): "laplace"},
                         "gaussian"),
        explorers.Choice("place", _("noise at"), places, "server"),
        explorers.Slider("steps", _("local steps"), 1, 5, 1, whole=True),
        explorers.Slider("rounds", _("rounds"), 1, 20, 20, whole=True),
    ]  # fmt: skip
    title = _("Private federated learning on the digits")
    return explorers.Explorer(title, controls, compute, chart, marks, say, attacker=lambda r: r["attacker"])
