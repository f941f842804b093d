"""Notebook 08: two programs with an ε among their settings, what a clip is for, whom the noise costs, the right program."""

import math
from functools import lru_cache

import numpy as np

from ... import Plan
from ...interactive import explorers, plots
from ...privacy import attacker, mechanisms
from . import _kit
from . import nb08_made as made
from ._kit import _
from .nb08_made import PROGRAM, REPAIRS, few_nines, moved, nines, noise_data, run

__all__ = [
    "PROGRAM", "REPAIRS", "each_or_mean", "few_nines", "moved", "nines", "noise_data", "project", "rare", "run", "two_programs",
]  # fmt: skip
T = np.arange(1, 21)
CAUGHT = attacker.of(None)  # who sees an exact result and knows the rest


def _attack(kind, epsilon):
    return made.protection(kind, epsilon).attacker()


_attack = lru_cache(maxsize=512)(_attack)


@lru_cache(maxsize=64)
def _exact(clients, kind=None):
    """Test accuracy and loss by round (20,) without noise: the bare training, or under the clip of a mechanism."""
    fed = made.patients(clients)
    plan = made.STEP if kind is None else made.protection(kind, 1.0)
    accuracy, loss = made.scores(made.many(fed, plan, 1, noisy=False), fed)
    return accuracy[:, 0], loss[:, 0]


def _people(n):
    return _kit.count(n, _("patient"), _("patients"))


def two_programs():
    """A program that computes noise and drops it, and one that uses it: both are told an ε, one of them keeps it."""

    def compute(epsilon, clients):
        fed = made.patients(clients)
        right, _loss = made.scores(made.many(fed, made.protection("laplace", epsilon)), fed)
        return dict(epsilon=epsilon, clients=clients, right=right.T, attacker=_attack("laplace", epsilon))

    def draw(r):
        flat, found = _exact(r["clients"])[0], (CAUGHT, r["attacker"])
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
            "Both are told: total ε = {epsilon:.3g}, {clients} clients. After 20 rounds of 100 test patients are right: noise "
            "dropped {flat:.0f}, whatever ε; noise used {used:.0f} (nine draws of ten: {low:.0f} to {high:.0f}). Who sees all "
            "models and guesses whether one client was in is right for 100 of 100, and for {caught} of 100."
        ).format(
            epsilon=r["epsilon"], clients=r["clients"], flat=100 * _exact(r["clients"])[0][-1], used=np.median(last),
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
    return explorers.Explorer(
        _("Two programs, one ε"), controls, compute, plots.Chart(panels, size=(7.0, 3.6)), draw, say,
        attacker=lambda r: r["attacker"], unit="client",
    )  # fmt: skip


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
            plots.line(grid, np.full(60, 2 / r["clients"]), "bound", _("2/n")),
            plots.dots([r["wild"]] * 2, [r["whole"], r["each"]], 0, size=4),
        ]  # fmt: skip

    def say(r):
        return _(
            "One of {n:,} records becomes one that is {wild:.3g} in every feature. Clip the mean: the released mean moves by "
            "{whole:.2g}. Clip each record: it moves by {each:.2g}, and nothing that a record can be moves it by more than "
            "2/n = {most:.2g}."
        ).format(n=r["clients"], wild=r["wild"], whole=r["whole"], each=r["each"], most=2 / r["clients"])

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
    return explorers.Explorer(
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


@lru_cache(maxsize=256)
def _without(rounds, clip=None):
    """Right shares by round without noise, under a clip or without (2 × rounds)."""
    mechanism = None if clip is None else mechanisms.Gaussian(0.0, clip=clip)
    return 100 * nines(Plan(rounds=rounds, lr=2.0, mechanism=mechanism), 1)[:, 0]


def rare():
    """What clip and noise cost the rare nines and the other digits, round by round."""

    def compute(epsilon, rounds, clip):
        plan = Plan(rounds=rounds, lr=2.0).calibrated(epsilon, delta=1e-5, clip=clip)
        return dict(epsilon=epsilon, plan=plan, right=100 * nines(plan, 5), attacker=plan.attacker())

    def draw(r):
        plan, t, marks = r["plan"], np.arange(1, r["plan"].rounds + 1), []
        for panel in (0, 1):
            marks += plots.cloud(t, r["right"][panel], "private", _("private"), panel)
            marks.append(plots.line(t, _without(plan.rounds)[panel], "no privacy", _("no privacy"), panel))
            marks.append(plots.line(t, _without(plan.rounds, plan.mechanism.clip)[panel], 0, _("clip alone"), panel, 1.4))
        return marks

    def say(r):
        plan = r["plan"]
        ends = (
            np.median(r["right"][:, :, -1], 1),
            _without(plan.rounds)[:, -1],
            _without(plan.rounds, plan.mechanism.clip)[:, -1],
        )
        return _(
            "Total ε = {epsilon:.3g}, {rounds}, clip {clip:.3g}; 46 nines among 1,339 clients. Of 100 nines are right: private "
            "{a:.0f} (median of 5 draws), clip alone {c:.0f}, no privacy {b:.0f}; of 100 others: private {d:.0f}, clip alone "
            "{f:.0f}, no privacy {e:.0f}."
        ).format(
            epsilon=r["epsilon"], rounds=_kit.count(plan.rounds, _("round"), _("rounds")), clip=plan.mechanism.clip,
            a=ends[0][0], b=ends[1][0], c=ends[2][0], d=ends[0][1], e=ends[1][1], f=ends[2][1],
        )  # fmt: skip

    axes = dict(xlabel=_("round"), x=(1, 60), xticks=[1, 20, 40, 60], y=(0, 100), right=0.36)
    panels = [plots.Panel(_("right, of 100 nines (rare)"), **axes), plots.Panel(_("right, of 100 other digits"), **axes)]
    controls = [
        _kit.epsilon(2.0),
        explorers.Slider("rounds", _("rounds"), 2, 60, 20, step=1, whole=True),
        explorers.Slider("clip", _("clip: longest update"), 0.5, 20, 6.0, step=0.05, log=True),
    ]
    return explorers.Explorer(
        _("Whom it costs, and what"), controls, compute, plots.Chart(panels, size=(7.0, 3.6)), draw, say,
        predict=(
            "08.c",
            _("20 rounds at total ε = 2: far fewer of the rare nines are right than without privacy. What takes them?"),
            [_("the noise"), _("the clip, which protects nobody"), _("both in equal parts")],
            1,
            lambda r: _("of 100 nines {a:.0f} are right without privacy, {b:.0f} under the clip alone, {c:.0f} with both.").format(
                a=_without(20)[0, -1], b=_without(20, 6.0)[0, -1], c=np.median(r["right"][0, :, -1])
            ),
        ),
        attacker=lambda r: r["attacker"], unit="client",
    )  # fmt: skip


def project():
    """The right program on the breast-cancer data: accuracy and loss by round, and what the attacker can do."""

    def compute(epsilon, clients, kind):
        fed = made.patients(clients)
        right, loss = made.scores(made.many(fed, made.protection(kind, epsilon)), fed)
        about = dict(epsilon=epsilon, clients=clients, kind=kind, attacker=_attack(kind, epsilon))
        return about | dict(right=100 * right.T, loss=loss.T)

    def draw(r):
        clean, clipped, marks = _exact(r["clients"]), _exact(r["clients"], r["kind"]), []
        for panel, values in enumerate((r["right"], r["loss"])):
            size = (100, 1)[panel]
            marks += plots.cloud(T, values, "private", _("private"), panel)
            marks.append(plots.line(T, size * clean[panel], "no privacy", _("no privacy"), panel, 2.2))
            marks.append(plots.line(T, size * clipped[panel], 0, _("clip alone"), panel, 1.4))
        if (end := np.median(r["loss"][:, -1])) > 3:
            marks.append(plots.text(1.3, 2.5, _("↑ private ends at {x:.1f}").format(x=end), "private", 1))
        return marks

    def say(r):
        noise, clean = made.protection(r["kind"], r["epsilon"]).mechanism, _exact(r["clients"])
        return _(
            "Total ε = {epsilon:.3g} at δ = 1e-5 over 20 rounds, one of {n} clients more or less ({each}): noise of deviation "
            "{std:.2g} in each number of the mean update. Of 100 test patients are right: private {a:.0f} (median of 15 "
            "draws), no privacy {b:.0f}; log loss {c:.2f}, no privacy {d:.2f}."
        ).format(
            epsilon=r["epsilon"], n=r["clients"], each=_each(r["clients"]), std=noise.std / r["clients"],
            a=np.median(r["right"][:, -1]), b=100 * clean[0][-1], c=np.median(r["loss"][:, -1]), d=clean[1][-1],
        )  # fmt: skip

    def median(clients):
        return np.median(compute(1.0, clients, "laplace")["right"][:, -1])

    axes = dict(xlabel=_("round"), x=(1, 20), xticks=[1, 5, 10, 15, 20], right=0.36)
    panels = [
        plots.Panel(_("right, of 100 test patients"), y=(0, 100), **axes),
        plots.Panel(_("log loss, nats"), y=(0.1, 3), ylog=True, yticks={v: f"{v:g}" for v in (0.1, 0.2, 0.5, 1, 2)}, **axes),
    ]
    names = {_("Gaussian, L2 clip 1"): "gaussian", _("Laplace, L1 clip 2"): "laplace"}
    controls = [
        _kit.epsilon(1.0, 0.01, 50.0),
        _kit.clients(455, 5, 455),
        explorers.Choice("kind", _("mechanism"), names, "laplace"),
    ]
    return explorers.Explorer(
        _("The right program on the breast-cancer data"), controls, compute, plots.Chart(panels, size=(7.0, 3.6)), draw, say,
        predict=(
            "08.d",
            _("At total ε = 1, with 455 patients merged into 20 clients: what happens to the accuracy?"),
            [_("it stays within 5 of 100"), _("it falls by more than 5 of 100"), _("it rises, with less noise")],
            lambda r: 1 if median(20) < median(455) - 5 else 2 if median(20) > median(455) + 5 else 0,
            lambda r: _("noise grows as one over the clients: {a:.0f} of 100 with 20, {b:.0f} with 455.").format(
                a=median(20), b=median(455)
            ),
        ),
        attacker=lambda r: r["attacker"], unit="client",
    )  # fmt: skip


def _each(clients):
    return _("one patient each") if clients == 455 else _("{n} patients or so each").format(n=math.ceil(455 / clients))
