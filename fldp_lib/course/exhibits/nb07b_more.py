"""Exhibits of notebook 07b, the end: cohorts that are shuffled and not sampled, and what a whole project spends."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import accounting, attacker, mechanisms
from ._kit import _, clients, count, epsilon
from ._prices import (
    DELTA,
    ORDERS,
    by_library,
    by_renyi,
    converted,
    exact,
    guesser,
    library_orders,
    multiplier,
    orders_for_pages,
    sampled,
)  # fmt: skip

__all__ = ["project", "run", "shuffled"]
SIGMAS = np.geomspace(0.7, 4, 40)


@lru_cache(maxsize=256)
def _below(sigma):
    """ln of the chance that a batch's sum lies below each threshold: for mean 0, 2 and 1 (3 × thresholds)."""
    from scipy.special import log_ndtr

    at = np.linspace(-2 * sigma, 2 + 9 * sigma, 1201)
    return log_ndtr((at - np.array([[0.0], [2.0], [1.0]])) / sigma)


@lru_cache(maxsize=4096)
def shuffled_bound(sigma, batches, delta=DELTA):
    """A lower bound on the ε of one shuffled epoch: the largest entry of the batches' sums, held against a threshold.

    The attacker knows all other clients, who are as unlucky as the clip allows; with the client its batch has mean 2,
    without its update 1, the other batches 0, in units of the clip. Source: Chua et al. 2024.
    """
    other, *own = _below(sigma)
    with_, without = (-np.expm1((batches - 1) * other + one) for one in own)
    told = (with_ > delta) & (without > 1e-13)
    return max(0.0, float(np.log((with_[told] - delta) / without[told]).max()))


@lru_cache(maxsize=64)
def _lines(batches):
    return np.array([[shuffled_bound(float(s), batches) for s in SIGMAS],
                     [exact(mechanisms.Gaussian(float(s), 1.0), 1) for s in SIGMAS]])  # fmt: skip


def shuffled():
    """One epoch over shuffled batches: the price by the formula for Poisson samples, and between what the true one lies."""

    def compute(sigma, clients, cohort):
        batches = max(2, round(clients / cohort))
        mechanism = mechanisms.Gaussian(sigma, 1.0)
        return dict(sigma=sigma, n=clients, cohort=cohort, batches=batches, lines=_lines(batches),
                    poisson=exact(mechanism, batches, min(1.0, cohort / clients)),
                    least=shuffled_bound(sigma, batches), most=exact(mechanism, 1))  # fmt: skip

    def marks(r):
        least, most = (np.where(line >= 0.03, line, np.nan) for line in r["lines"])
        drawn = [
            plots.line(SIGMAS, most, "bound", label=_("shuffled, at most")),
            plots.line(SIGMAS, least, "attacker", label=_("shuffled, at least")),
            plots.dots([r["sigma"]], [r["most"]], "bound", size=3),
            plots.dots([r["sigma"]], [r["poisson"]], "private", size=5),
            plots.text(0.75, 0.05, _("triangle: Poisson's price"), "private"),
        ]
        return drawn + [plots.dots([r["sigma"]], [r["least"]], "attacker", size=4)] * (r["least"] >= 0.03)

    def say(r):
        wrong = _("The price is too low.") if r["poisson"] < r["least"] else _("Here the price is not refuted.")
        return _(
            "{n:,} clients, shuffled and cut into {batches} batches of about {cohort}, each once, σ = {sigma:.3g}: "
            "Poisson's price is ε = {poisson:.3g}; the true ε is at least {least:.3g} and at most {most:.3g}. {wrong}"
        ).format(n=r["n"], batches=r["batches"], cohort=r["cohort"], sigma=r["sigma"], poisson=r["poisson"],
                 least=r["least"], most=r["most"], wrong=wrong)  # fmt: skip

    def because(result):
        r = compute(1.0, 100, 10)
        return _("at least {least:.3g}, where the formula for Poisson samples says {poisson:.3g}: batches that fill up "
                 "from a list depend on each other.").format(**r)  # fmt: skip

    panel = plots.Panel(
        _("ε of one epoch"), _("noise multiplier σ"), "ε", x=(0.7, 4), y=(0.03, 30), xlog=True, ylog=True,
        xticks={0.7: "0.7", 1: "1", 2: "2", 4: "4"}, right=0.32,
    )  # fmt: skip
    controls = [
        explorers.Slider("sigma", _("noise multiplier σ"), 0.7, 4, 1.0, step=0.02, log=True),
        clients(100, 40, 1000),
        explorers.Slider("cohort", _("clients in a batch"), 4, 20, 10, whole=True),
    ]
    question = _("100 clients are shuffled and cut into ten batches of ten, once, with σ = 1. The formula for Poisson "
                 "samples of a tenth says ε = 2.85 for ten rounds. The true ε is …")  # fmt: skip
    options = [_("a little lower: nobody comes twice"), _("the same"), _("more than 4")]
    return explorers.Explorer(
        _("Shuffled is not sampled"), controls, compute, plots.Chart([panel], size=(6.2, 3.0)), marks, say,
        predict=("07b.c", question, options, 2, because),
    )  # fmt: skip


@lru_cache(maxsize=1024)
def winner(rho, mean, delta=DELTA):
    """ε by RDP where a geometric number of runs is made, `mean` on average, and only the best is ever seen.

    Source: Papernot & Steinke 2022, theorem 2; dp_accounting has the same.
    """
    if mean == 1:
        return float(converted(ORDERS * rho, delta).min())
    orders = library_orders()
    more = 2 * ((1 - 1 / orders) * orders * rho + math.log(mean) / orders).min()
    curve = orders * rho + math.log(mean) / (orders - 1) + more
    return by_library(np.minimum.accumulate(curve[::-1])[::-1], delta)  # the divergence grows with its order


def project():
    """What a project spends whose runs cost ε each: all of them seen, or only the winner of a random number."""
    few, many = (1, 2, 4, 8, 16, 32), np.arange(1, 33)

    def compute(epsilon, runs):
        rho = 0.5 / multiplier(epsilon, 1, "rdp") ** 2
        every = np.maximum(converted(np.multiply.outer(many * rho, ORDERS)).min(-1), 0)
        lucky = np.array([winner(rho, k) for k in few])
        whole = mechanisms.Gaussian((2 * rho * runs) ** -0.5, 1.0)
        return dict(epsilon=epsilon, runs=runs, every=every, lucky=lucky, here=winner(rho, runs),
                    attacker=attacker.of(whole, 1, delta=DELTA))  # fmt: skip

    def marks(r):
        k, all_ = r["runs"], r["every"][r["runs"] - 1]
        return [
            plots.line(many, [r["epsilon"]] * 32, 2, label=_("reported")),
            plots.line(many, r["every"], "private", label=_("all seen")),
            plots.line(few, r["lucky"], 3, label=_("winner only")),
            plots.dots([k], [all_], "private", size=5),
            plots.dots([k], [r["here"]], 3, size=4),
        ]

    def say(r):
        return _(
            "{runs} of ε = {e:.3g} each, the best one published. The paper reports {e:.3g}. If all runs are seen they cost "
            "{every:.3g}; if their number is drawn at random, {k} on average, and the winner only is ever seen, {here:.3g}."
        ).format(runs=count(r["runs"], _("run"), _("runs")), e=r["epsilon"], every=r["every"][r["runs"] - 1], k=r["runs"],
                 here=r["here"])  # fmt: skip

    panel = plots.Panel(_("Total ε at δ = 1e-5, by RDP"), _("runs"), "ε", x=(1, 32), y=(0.1, 100), xlog=True, ylog=True,
                        xticks={k: str(k) for k in few}, right=0.25)  # fmt: skip
    controls = [
        explorers.Slider("runs", _("runs"), 1, 32, 10, whole=True),
        epsilon(1.0, 0.2, 8.0, _("ε of one run")),
    ]
    explorer = explorers.Explorer(
        _("What a project spends"), controls, compute, plots.Chart([panel], size=(5.8, 3.0)), marks, say,
        attacker=lambda r: r["attacker"],
    )  # fmt: skip
    return browser.live(explorer, "nb07b.project", orders_for_pages)


@lru_cache(maxsize=512)
def _guess(sigma, rounds, rate, total):
    found = guesser(mechanisms.Gaussian(sigma, 1.0), rounds, rate)
    return replace(found, bound=accounting.best_guess(total, DELTA))


def run():
    """A run of Gaussian rounds with a sample: total ε at every number of rounds, coins hidden or seen."""
    at = np.unique(np.geomspace(1, 1000, 40).round())

    def compute(sigma, rate, rounds, clients):
        whole = mechanisms.Gaussian(sigma, 1.0)
        times, seen = np.append(at, rounds), by_renyi(whole, np.append(at, rounds))
        hidden = seen
        if rate < 1:
            orders, curve = sampled(sigma, rate)
            hidden = np.maximum(converted(np.multiply.outer(times, curve), DELTA, orders).min(-1), 0)
        return dict(sigma=sigma, rate=rate, rounds=rounds, clients=clients, hidden=hidden, seen=seen,
                    mean=sigma / rate / clients, attacker=_guess(sigma, rounds, rate, float(hidden[-1])))  # fmt: skip

    def marks(r):
        drawn = [plots.line([r["rounds"]] * 2, [1e-3, 1e4], 5, width=0.8)]
        for name, style, label in (("seen", 2, _("seen")), ("hidden", "private", _("hidden"))):
            y = np.where((r[name] >= 1e-3) & (r[name] <= 1e4), r[name], np.nan)
            drawn += [plots.line(at, y[:-1], style, label=label), plots.dots([r["rounds"]], y[-1:], style, size=4)]
        n = np.array([50.0, 5000.0])
        left = plots.line(n, r["sigma"] / r["rate"] / n, "private", panel=1)
        return [*drawn, left, plots.dots([r["clients"]], [r["mean"]], "private", panel=1, size=5)]

    def say(r):
        return _(
            "σ = {sigma:.3g}, {rounds}, {q:.3g}% of {n:,} clients in each: total ε = {hidden:.3g} with coins hidden, "
            "{seen:.3g} with coins seen (δ = 1e-5, by RDP). The average carries noise of {mean:.3g} clips; {sent:,.0f} "
            "updates are sent."
        ).format(sigma=r["sigma"], rounds=count(r["rounds"], _("round"), _("rounds")), q=100 * r["rate"], n=r["clients"],
                 hidden=r["hidden"][-1], seen=r["seen"][-1], mean=r["mean"],
                 sent=r["rate"] * r["clients"] * r["rounds"])  # fmt: skip

    panels = [
        plots.Panel(_("Total ε"), _("rounds"), "ε", x=(1, 1000), y=(1e-3, 1e4), xlog=True, ylog=True, right=0.3,
                    xticks={1: "1", 10: "10", 100: "100", 1000: "1,000"}),
        plots.Panel(_("Noise in the average"), _("clients"), _("deviation, in clips"), x=(50, 5000), y=(1e-4, 100),
                    xlog=True, ylog=True, xticks={50: "50", 500: "500", 5000: "5,000"}),
    ]  # fmt: skip
    controls = [
        explorers.Slider("sigma", _("noise multiplier σ"), 0.5, 50, 4.3, step=0.05, log=True),
        explorers.Slider("rate", _("sampling rate q"), 0.01, 1, 0.1, step=0.05, log=True),
        explorers.Slider("rounds", _("rounds"), 1, 1000, 100, step=0.05, log=True, whole=True),
        clients(400, 50, 5000),
    ]
    return explorers.Explorer(
        _("A run with hidden coins, or with seen ones"), controls, compute,
        plots.Chart(panels, size=(7.0, 2.9)), marks, say, attacker=lambda r: r["attacker"],
    )  # fmt: skip
