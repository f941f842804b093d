"""Exhibits of notebook 07b: a hidden cohort, and the bargain that sampling is."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import accounting, mechanisms
from ._kit import _, clients, count, epsilon, three
from ._prices import guesser, multiplier, multipliers, orders_for_pages
from .nb07b_more import project, run, shuffled

__all__ = ["bargain", "cohort", "project", "run", "shuffled"]
RATES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
PER_CENT = {0.01: "1%", 0.1: "10%", 1: "all"}


@lru_cache(maxsize=256)
def _hidden(each, rate):
    """The attacker on one round, from the one without sampling: q of it is told, and the rest is a coin."""
    whole = guesser(mechanisms.Laplace(each, clip=1.0))
    even = 0.5 + rate * (whole.even_odds - 0.5)
    found = whole.fpr + rate * (whole.tpr - whole.fpr)
    bound = accounting.best_guess(math.log1p(rate * math.expm1(each)))
    return replace(whole, even_odds=even, tpr=found, bound=bound, people=round(100 * even))


@lru_cache(maxsize=1)
def _coins():
    return np.random.default_rng(3).random(400)


def cohort():
    """One round's coins, and what the round costs a client while nobody sees how they fell."""
    at = np.geomspace(0.01, 1, 60)

    def compute(clients, rate, epsilon):
        drawn = _coins()[:clients] < rate
        amplified = math.log1p(rate * math.expm1(epsilon))
        return dict(n=clients, rate=rate, each=epsilon, drawn=drawn, amplified=amplified,
                    attacker=_hidden(epsilon, rate))  # fmt: skip

    def marks(r):
        wide = max(4, math.ceil(math.sqrt(1.6 * r["n"])))
        x, y = np.arange(r["n"]) % wide, np.arange(r["n"]) // wide
        x, y = (x + 0.5) / wide, 1 - (y + 0.5) / max(3, math.ceil(r["n"] / wide))
        size, come = 5.5 if r["n"] <= 60 else 3.2, r["drawn"]
        shown = [plots.people(x[~come], y[~come], 5, size=size)] if not come.all() else []
        shown += [plots.people(x[come], y[come], "private", size=size)] if come.any() else []
        return [
            *shown,
            plots.line([0.01, 1], [r["each"]] * 2, 2, label=_("seen"), panel=1),
            plots.line(at, np.log1p(at * math.expm1(r["each"])), "private", label=_("hidden"), panel=1),
            plots.dots([r["rate"]], [r["amplified"]], "private", panel=1, size=5),
        ]

    def say(r):
        return _(
            "{n} clients toss a coin each, heads with probability {rate:.3g}%: {come} came this time. A round of "
            "ε = {each:.3g} costs a client {amplified:.3g} while the coins stay hidden, and {each:.3g} where it is seen "
            "who came."
        ).format(n=r["n"], rate=100 * r["rate"], come=int(r["drawn"].sum()), each=r["each"], amplified=r["amplified"])

    panels = [
        plots.Panel(_("This round's cohort"), xticks=[], yticks=[], x=(0, 1), y=(0, 1.02)),
        plots.Panel(_("ε of the round"), _("sampling rate q"), "ε", x=(0.01, 1), y=(0, 3.2), xlog=True, xticks=PER_CENT,
                    right=0.25),
    ]  # fmt: skip
    controls = [
        explorers.Slider("rate", _("sampling rate q"), 0.01, 1, 0.1, step=0.05, log=True),
        epsilon(1.0, 0.1, 3.0, _("ε of one round")),
        clients(50, 4, 400),
    ]
    explorer = explorers.Explorer(
        _("Who came is a secret"), controls, compute, plots.Chart(panels, size=(5.9, 2.98)), marks, say,
        attacker=lambda r: r["attacker"],
    )  # fmt: skip
    return browser.live(explorer, "nb07b.cohort", lambda: {"coins": _coins()})


def bargain():
    """The noise that a promise leaves in the average, for every sampling rate, and the messages that it takes."""

    def compute(epsilon, rounds, rate, clients):
        whole = multiplier(epsilon, rounds, "rdp")
        curve = np.append(multipliers(epsilon, rounds, RATES), whole)
        here = whole if rate == 1 else float(multipliers(epsilon, rounds, (rate,))[0])
        return dict(epsilon=epsilon, rounds=rounds, rate=rate, clients=clients, whole=whole, here=here, curve=curve)

    def marks(r):
        at, n = np.append(RATES, 1.0), r["clients"]
        return [
            plots.line([0.005, 1], [r["whole"] / n] * 2, 5, label=_("everybody"), width=1.2),
            plots.line(at, r["curve"] / at / n, "private", label=_("a sample")),
            plots.dots([r["rate"]], [r["here"] / r["rate"] / n], "private", size=5),
        ]

    def say(r):
        n, q, rounds = r["clients"], r["rate"], r["rounds"]
        many = q * n * rounds
        sent = f"{many:,.0f}" if many >= 10 else f"{many:.2g}"
        return _(
            "Total ε = {e:.3g} by RDP over {rounds}, {n:,} clients, {q:.3g}% a round: σ = {here}, and the average carries "
            "noise of {mean:.3g} clips; with everybody σ = {whole} and {other:.3g} clips. Updates sent: {sent} of "
            "{all:,}{expected}."
        ).format(e=r["epsilon"], rounds=count(rounds, _("round"), _("rounds")), n=n, q=100 * q, here=three(r["here"]),
                 mean=r["here"] / q / n, whole=three(r["whole"]), other=r["whole"] / n, sent=sent,
                 all=n * rounds, expected="" if many >= 10 else _(" on average"))  # fmt: skip

    def because(result):
        r = compute(1.0, 100, 0.1, 1000)
        return _("{mean:.3g} against {other:.3g} clips: the multiplier falls to {here:.3g} of {whole:.3g}, and so does the "
                 "number that it is divided by.").format(mean=r["here"] / 100, other=r["whole"] / 1000, here=r["here"],
                                                         whole=r["whole"])  # fmt: skip

    panel = plots.Panel(
        _("Noise in the average"), _("sampling rate q"), _("deviation, in clips"), x=(0.005, 1), y=(1e-4, 30), xlog=True,
        ylog=True, xticks=PER_CENT, right=0.22,
    )  # fmt: skip
    controls = [
        explorers.Slider("rate", _("sampling rate q"), 0.005, 1, 0.1, step=0.05, log=True),
        epsilon(1.0, 0.1, 10.0),
        explorers.Slider("rounds", _("rounds"), 1, 1000, 100, step=0.05, log=True, whole=True),
        clients(1000, 100, 10_000),
    ]
    question = _("1,000 clients, (1, 1e-5) over 100 rounds. A hidden tenth of them is asked in each round, at the same "
                 "total ε. The noise in the average …")  # fmt: skip
    options = [_("falls to about a tenth"), _("stays about as it is"), _("grows about tenfold")]
    explorer = explorers.Explorer(
        _("What does a sample save?"), controls, compute, plots.Chart([panel], size=(5.8, 3.0)), marks, say,
        predict=("07b.b", question, options, 1, because),
    )  # fmt: skip
    return browser.live(explorer, "nb07b.bargain", orders_for_pages)
