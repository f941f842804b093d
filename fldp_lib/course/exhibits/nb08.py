"""Notebook 08: two programs with an ε among their settings, what a clip is for, whom the noise costs, the right program."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import attacker
from . import _kit
from . import nb08_made as made
from ._kit import _
from .nb08_made import few_nines, moved, nines, patients_file
from .nb08_more import project, rare
from .program08 import PROGRAM, REPAIRS, noise_data, run

__all__ = [
    "PROGRAM", "REPAIRS", "each_or_mean", "few_nines", "moved", "nines", "noise_data", "patients_file", "project", "rare",
    "run", "two_programs",
]  # fmt: skip
T = np.arange(1, 21)
CAUGHT = attacker.of(None)  # who sees an exact result and knows the rest


def two_programs():
    """A program that computes noise and drops it, and one that uses it: both are told an ε, one of them keeps it."""

    def compute(epsilon, clients):
        fed = made.patients(clients)
        right, _loss = made.scores(made.many(fed, made.protection(epsilon)), fed)
        return dict(epsilon=epsilon, clients=clients, right=right.T, attacker=made.attack(epsilon))

    def draw(r):
        flat, found = made.exact(r["clients"])[0][:20], (CAUGHT, r["attacker"])
        marks = plots.cloud(T, 100 * r["right"], "private", _("noise used"))
        marks.append(plots.line(T, 100 * flat, "article", _("noise dropped"), width=2.2))
        for place, (one, style) in enumerate(zip(found, ("article", "private"), strict=True)):
            right = 100 * one.even_odds
            marks.append(plots.bars([place], [right - 50], style, panel=1, width=0.6, base=[50]))
            marks.append(plots.text(place - 0.15, min(right + 3, 104), f"{right:.0f}", style, 1))
        return marks

    def say(r):
        last = 100 * r["right"][:, -1]
        return _(
            "Both are told: total ε = {epsilon:.3g}, {clients} clients, 20 rounds. Right are, of 100 test patients: noise "
            "dropped {flat:.0f}, whatever ε; noise used {used:.0f} (nine draws of ten: {low:.0f} to {high:.0f}). Who sees "
            "all models and guesses whether one client was in is right for 100 of 100, and for {caught} of 100."
        ).format(
            epsilon=r["epsilon"], clients=r["clients"], flat=100 * made.exact(r["clients"])[0][19], used=np.median(last),
            low=np.quantile(last, 0.05), high=np.quantile(last, 0.95), caught=r["attacker"].people,
        )  # fmt: skip

    panels = [
        plots.Panel(
            _("right, of 100 test patients"), _("round"), x=(1, 20), y=(0, 100), xticks=[1, 5, 10, 15, 20], right=0.36
        ),
        plots.Panel(
            _("attackers who are right"), "", _("of 100, a coin has 50"), x=(-0.6, 1.6), y=(50, 108), yticks=[50, 75, 100],
            xticks={0: _("noise\ndropped"), 1: _("noise\nused")},
        ),
    ]  # fmt: skip
    controls = [_kit.epsilon(1.0, 0.01, 30.0), _kit.clients(455, 5, 455)]
    shown = explorers.Explorer(
        _("Two programs, one ε"), controls, compute, plots.Chart(panels, size=(6.4, 3.4)), draw, say,
        attacker=lambda r: r["attacker"], unit="client",
    )  # fmt: skip
    return browser.live(shown, "nb08.two_programs", lambda: made.shipped(20))


def _stream():
    """Where the random numbers of `noise_data` begin: 128 bits each of the generator's state and of its step."""
    state = np.random.default_rng(0).bit_generator.state["state"]
    return {"stream": [[state[name] >> bits & 0xFFFFFFFF for bits in (96, 64, 32, 0)] for name in ("state", "inc")]}


def _small(value):
    """A small number with two digits that count, without an exponent."""
    return f"{value:.{max(2, 1 - int(np.floor(np.log10(value))))}f}"


def each_or_mean():
    """How far one wild record moves what is released, clipped after averaging or record by record."""
    grid = np.geomspace(0.1, 1e5, 60)

    @lru_cache(maxsize=64)
    def curves(clients):
        return np.array([made.moved(clients, wild) for wild in grid]).T

    def compute(clients, wild):
        whole, each = made.moved(clients, wild)
        return dict(clients=clients, wild=wild, whole=whole, each=each)

    def draw(r):
        whole, each = curves(r["clients"])
        return [
            plots.line(grid, whole, "article", _("clip the mean"), width=2.2),
            plots.line(grid, each, "private", _("clip each"), width=2.2),
            plots.line(grid, np.full(60, 2 / r["clients"]), "bound", "2/n"),
            plots.dots([r["wild"]] * 2, [r["whole"], r["each"]], 0, size=4),
        ]  # fmt: skip

    def say(r):
        return _(
            "One of {n:,} records becomes one that is {wild} in every feature. With clip the mean, the released mean moves "
            "by {whole:.2f}; with clip each, by {each}, and nothing that a record can be moves it by more than 2/n = {most}."
        ).format(n=r["clients"], wild=f"{r['wild']:,.1f}", whole=r["whole"],
            each=_small(r["each"]), most=_small(2 / r["clients"]),
        )  # fmt: skip

    def far(result):
        return _("the clipped mean moves by {a:.2f}; clipped one by one, by {b:.5f}.").format(
            a=made.moved(10_000, 1e5)[0], b=made.moved(10_000, 1e5)[1]
        )

    panel = plots.Panel(
        _("the clipped mean moves by"), _("the new record's size, in each feature"), _("distance (clip = 1)"), x=(0.1, 1e5),
        y=(1e-5, 3), xlog=True, ylog=True, xticks={10.0**k: f"{10**k:,}" for k in (0, 1, 2, 3, 4, 5)},
        yticks={10.0**k: f"{10.0**k:.{max(0, -k)}f}" for k in range(-5, 1)}, right=0.25,
    )  # fmt: skip
    controls = [
        _kit.clients(100, 10, 30_000, label=_("records")),
        explorers.Slider("wild", _("size of the new record"), 0.1, 1e5, 100.0, step=0.05, log=True),
    ]
    shown = explorers.Explorer(
        _("One wild record"), controls, compute, plots.Chart([panel], size=(6.4, 3.6)), draw, say,
        predict=(
            "08.b",
            _(
                "The mean of 10,000 gradients is scaled to length 1 at most. One record is replaced by the wildest you can "
                "think of. The scaled mean moves by"
            ),
            [_("less than a thousandth"), _("about a hundredth"), _("about as much as the clip allows")],
            2,
            far,
        ),
    )  # fmt: skip
    return browser.live(shown, "nb08.each_or_mean", _stream)
