"""Notebook 08, the large explorers: what clip and noise cost the rare nines, and the right program."""

import math
from functools import lru_cache

import numpy as np

from ... import Plan
from ...interactive import browser, explorers, plots
from . import _kit
from . import nb08_made as made
from ._dealing import pictures
from ._kit import _
from .nb08_made import nines


@lru_cache(maxsize=1)
def _clean():
    """Right shares after each of 60 rounds without clip and noise (2 × 60)."""
    return 100 * nines(Plan(rounds=60, lr=2.0), 1)[:, 0]


def _digits():
    """What a page needs of `rare`: pixels in sixteenths and digits, of the clients with few nines and of the test set."""
    x, y, x_test, y_test = made.few_nines()
    return {"train": pictures(x[:, :-1], y), "test": pictures(x_test[:, :-1], y_test)}


def rare():
    """What clip and noise cost the rare nines and the other digits, round by round."""

    def compute(epsilon, rounds, clip):
        plan = Plan(rounds=rounds, lr=2.0).calibrated(epsilon, delta=1e-5, clip=clip)
        right = 100 * nines(plan, 5, exact=1)
        return dict(epsilon=epsilon, plan=plan, right=right[:, :5], clipped=right[:, 5], attacker=plan.attacker())

    def draw(r):
        plan, t, marks = r["plan"], np.arange(1, r["plan"].rounds + 1), []
        for panel in (0, 1):
            marks += plots.cloud(t, r["right"][panel], "private", _("private"), panel)
            marks.append(plots.line(t, _clean()[panel, : plan.rounds], "no privacy", _("no privacy"), panel))
            marks.append(plots.line(t, r["clipped"][panel], 0, _("clip alone"), panel, 1.4))
        return marks

    def say(r):
        plan = r["plan"]
        ends = np.median(r["right"][:, :, -1], 1), _clean()[:, plan.rounds - 1], r["clipped"][:, -1]
        return _(
            "Total ε = {epsilon:.3g}, {rounds}, clip {clip:.3g}; 46 nines among 1,339 clients. Of 100 nines are right: "
            "private {a:.0f} (median of 5 draws), clip alone {c:.0f}, no privacy {b:.0f}; of 100 others: private {d:.0f}, "
            "clip alone {f:.0f}, no privacy {e:.0f}."
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
    shown = explorers.Explorer(
        _("Whom it costs, and what"), controls, compute, plots.Chart(panels, size=(6.4, 3.4)), draw, say,
        predict=(
            "08.c",
            _("20 rounds at total ε = 2: far fewer of the rare nines are right than without privacy. What takes them?"),
            [_("the noise"), _("the clip, which protects nobody"), _("both in equal parts")],
            1,
            lambda r: _("right are, of 100 nines: no privacy {a:.0f}, clip alone {b:.0f}, both {c:.0f}.").format(
                a=_clean()[0, 19], b=r["clipped"][0, -1], c=np.median(r["right"][0, :, -1])
            ),
        ),
        attacker=lambda r: r["attacker"], unit="client",
    )  # fmt: skip
    return browser.live(shown, "nb08.rare", _digits)


def project():
    """The right program on the breast-cancer data: accuracy and loss by round, and what the attacker can do."""

    def compute(epsilon, clients, clip, rounds):
        fed, plan = made.patients(clients), made.protection(epsilon, clip, rounds)
        right, loss = made.scores(made.many(fed, plan, exact=1), fed)
        about = dict(epsilon=epsilon, clients=clients, plan=plan, attacker=made.attack(epsilon))
        return about | dict(right=100 * right[:, :-1].T, loss=loss[:, :-1].T, clipped=(right[:, -1], loss[:, -1]))

    def draw(r):
        rounds, marks = r["plan"].rounds, []
        t = np.arange(1, rounds + 1)
        clean, clipped = made.exact(r["clients"]), r["clipped"]
        for panel, values in enumerate((r["right"], r["loss"])):
            size = (100, 1)[panel]
            marks += plots.cloud(t, values, "private", _("private"), panel)
            marks.append(plots.line(t, size * clean[panel][:rounds], "no privacy", _("no privacy"), panel, 2.2))
            marks.append(plots.line(t, size * clipped[panel], 0, _("clip alone"), panel, 1.4))
        return marks

    def say(r):
        noise, rounds = r["plan"].mechanism, r["plan"].rounds
        right, loss = (values[rounds - 1] for values in made.exact(r["clients"]))
        return _(
            "Total ε = {epsilon:.3g} at δ = 1e-5 over {rounds} rounds, one of {n} clients more or less ({each}), clip "
            "{clip:.3g}: noise of deviation {std} in each number of the mean update. Right are, of 100 test patients: "
            "private {a:.0f} (median of 15 draws), no privacy {b:.0f}; log loss private {c:.2f}, no privacy {d:.2f}."
        ).format(
            epsilon=r["epsilon"], rounds=rounds, n=r["clients"], each=_each(r["clients"]), clip=noise.clip,
            std=f"{noise.std / r['clients']:.4f}", a=np.median(r["right"][:, -1]), b=100 * right,
            c=np.median(r["loss"][:, -1]), d=loss,
        )  # fmt: skip

    def median(clients):
        return np.median(compute(1.0, clients, 1.0, 20)["right"][:, -1])

    axes = dict(xlabel=_("round"), x=(1, 40), xticks=[1, 10, 20, 30, 40], right=0.36)
    panels = [
        plots.Panel(_("right, of 100 test patients"), y=(0, 100), **axes),
        plots.Panel(_("log loss, nats"), y=(0.1, 3), ylog=True, yticks={v: f"{v:g}" for v in (0.1, 0.2, 0.5, 1, 2)}, **axes),
    ]
    controls = [
        _kit.epsilon(1.0, 0.01, 50.0),
        _kit.clients(455, 5, 455),
        explorers.Slider("clip", _("clip: longest update"), 0.05, 10, 1.0, step=0.05, log=True),
        explorers.Slider("rounds", _("rounds"), 2, 40, 20, step=1, whole=True),
    ]
    shown = explorers.Explorer(
        _("The right program on the breast-cancer data"), controls, compute, plots.Chart(panels, size=(6.4, 3.4)), draw, say,
        predict=(
            "08.d",
            _("At total ε = 1, with 455 patients merged into 20 clients: what happens to the accuracy?"),
            [_("it stays within 5 of 100"), _("it falls by more than 5 of 100"), _("it rises, with less noise")],
            lambda r: 1 if median(20) < median(455) - 5 else 2 if median(20) > median(455) + 5 else 0,
            lambda r: _("noise grows as one over the clients: right are {a:.0f} of 100 with 20, {b:.0f} with 455.").format(
                a=median(20), b=median(455)
            ),
        ),
        attacker=lambda r: r["attacker"], unit="client",
    )  # fmt: skip
    return browser.live(shown, "nb08.project", lambda: made.shipped(40, several=True))


def _each(clients):
    return _("one patient each") if clients == 455 else _("{n} patients or so each").format(n=math.ceil(455 / clients))
