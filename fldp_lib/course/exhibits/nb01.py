"""What notebook 01 shows: one patient in two sums, repairs that do not hold, games, what the noise costs, the attackers."""

from statistics import NormalDist

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import mechanisms
from . import _kit
from ._kit import _
from ._sums import CLIP, DRAWS, LONGEST, TARGET, drawn_orders, normals, orders, plan_of, recognised, records, steps
from .nb01_more import attack, cost, few

__all__ = ["attack", "cost", "games", "patient", "repairs"]
SPREAD = {"subtracts": 2**0.5, "knows all others": 1.0, "in both sums": 0.5**0.5}  # noise, in that of one sum
STDS = tuple(float(f"{s:.3g}") for s in np.geomspace(0.01, 10, 10))
SIZES = (10, 30, 100, 455)


def _two_sums():
    """For pages: the records, the order in which the patients enter a sum, unit noise (30 × 2 × 31)."""
    return records() | dict(order=drawn_orders()[0], noise=normals(8, DRAWS, 2, 31).astype(np.float32))


def _noises():
    """For pages: the records, and the unit noise on all patients' steps (2 × 455 × 31)."""
    return records() | dict(noises=np.stack([normals(1000 + k, 455, 31) for k in range(2)]).astype(np.float32))


def patient():
    """Two noisy sums that differ in patient 8, and her record as it is read from their difference, in thirty draws."""
    numbers = {"x": (0, 32), "xticks": [1, 10, 20, 31]}
    panels = [
        plots.Panel(_("two sums"), _("number of the sum"), y=(-200, 230), **numbers),
        plots.Panel(
            _("their difference, divided by its last number"),
            _("measure (beyond ±1.2: at the edge)"),
            y=(-1.25, 1.65),
            yticks=(-1, 0, 1),
            **numbers,
        ),
    ]
    return browser.live(
        explorers.Explorer(
            _("Two sums that differ in one patient"),
            [
                _kit.epsilon(100_000.0, 0.1, 100_000.0, _("total ε of both sums")),
                _kit.clients(455, 2, 455, _("patients in the sum")),
            ],
            _read,
            plots.Chart(panels, size=(7.0, 3.5)),
            _draw_read,
            _say_read,
            attacker=lambda r: plan_of(r["epsilon"]).attacker(),
            unit="patient",
        ),
        "nb01.patient",
        _two_sums,
    )


def _read(epsilon, clients):
    std, (rows, x) = plan_of(epsilon).mechanism.std, steps()
    total, her = orders()[0, clients - 1], rows[TARGET]
    noise = std * normals(8, DRAWS, 2, 31)
    seen = her + noise[:, 0] - noise[:, 1]  # draws × 31: the others cancel
    gaps = ((rows - seen[:, None]) ** 2).sum(2)  # draws × 455
    return dict(
        epsilon=epsilon, clients=clients, first=total + noise[0, 0], second=total - her + noise[0, 1], truth=x[TARGET],
        records=seen[:, :30] / seen[:, 30:], places=1 + (gaps < gaps[:, TARGET : TARGET + 1]).sum(1),
    )  # fmt: skip


def _draw_read(r):
    numbers = np.arange(1, 31)
    low, middle, high = np.quantile(r["records"], (0.05, 0.5, 0.95), axis=0).clip(-1.2, 1.2)
    gap = np.full(30, np.nan)
    across = np.c_[numbers, numbers, gap]
    return [
        plots.dots(np.arange(1, 32), r["first"], "centralised", size=3.2),
        plots.dots(np.arange(1, 32), r["second"], "attacker", size=2.0),
        plots.text(1, 205, _("● all"), "centralised"), plots.text(10, 205, _("× all but patient 8"), "attacker"),
        plots.bars(numbers, r["truth"], "alone", panel=1, opacity=0.45),
        plots.line(across.ravel(), np.c_[low, high, gap].ravel(), "private", panel=1, width=3, opacity=0.5),
        plots.dots(numbers, middle, "attacker", panel=1, size=2.4),
        plots.text(1, 1.5, _("▌her record"), "alone", 1), plots.text(12, 1.5, _("× read"), "attacker", 1),
        plots.text(19, 1.5, _("│ nine in ten"), "private", 1),
    ]  # fmt: skip


def _say_read(r):
    close = np.median((abs(r["records"] - r["truth"]) < 0.1).sum(1))
    return _(
        "{clients} patients, and the same without patient 8; total ε = {epsilon} for both sums (δ = 1e-5, a patient comes "
        "or goes). Read from their difference: {close:.0f} of her 30 measures to within 0.1; among 455 candidate records "
        "she is at place {place:.0f} (medians of 30 draws)."
    ).format(clients=r["clients"], epsilon=few(r["epsilon"]), close=close, place=np.median(r["places"]))


def repairs():
    """A larger crowd, a clip, a little noise: how many patients are still recognised from two sums."""
    panels = [
        plots.Panel(_("recognised, of 100 patients"), _("noise on every number"), x=(0.01, 10), y=(0, 105), xlog=True,
                    xticks={0.01: "0.01", 0.1: "0.1", 1: "1", 10: "10"}),
        plots.Panel(_("recognised, of 100 patients"), _("people in the sums"), x=(10, 455), y=(0, 105), xlog=True,
                    xticks={n: str(n) for n in SIZES}),
    ]  # fmt: skip
    question = _(
        "Exact sums over 10, 100 and 455 people, each once with a patient and once without. In which crowd does the "
        "subtraction fail to recognise her?"
    )
    options = [_("in the crowd of 455 only"), _("in those of 100 and of 455"), _("in none of the three")]
    return browser.live(
        explorers.Explorer(
            _("Three repairs"),
            [
                _kit.clients(455, 10, 455, _("people in the sums")),
                explorers.Slider("clip", _("clip: longest step"), 0.1, 3, 3.0, step=0.05, log=True),
                explorers.Slider("std", _("noise on every number"), 0.01, 10, 0.01, step=0.05, log=True),
            ],
            _repair,
            plots.Chart(panels, size=(6.6, 2.8)),
            _draw_repair,
            _say_repair,
            predict=("01.a", question, options, 2, _because_repair),
        ),
        "nb01.repairs",
        _noises,
    )


def _repair(clients, clip, std):
    return dict(
        clients=clients, clip=clip, std=std, here=100 * recognised(clip, std, clients),
        by_noise=[100 * recognised(clip, s, clients) for s in STDS], by_size=[100 * recognised(clip, std, n) for n in SIZES],
    )  # fmt: skip


def _because_repair(r):
    shares = [100 * recognised(3.0, 0.0, n) for n in (10, 100, 455)]
    return _("all others cancel, however many they are: {a:.0f}, {b:.0f} and {c:.0f} of 100 are recognised.").format(
        a=shares[0], b=shares[1], c=shares[2]
    )


def _draw_repair(r):
    return [
        plots.text(0.012, 6, _("clip {0:.3g}").format(r["clip"])),
        plots.line(STDS, r["by_noise"], "attacker"), plots.dots([r["std"]], [r["here"]], "attacker", size=5),
        plots.line(SIZES, r["by_size"], "attacker", panel=1),
        plots.dots([r["clients"]], [r["here"]], "attacker", panel=1, size=5),
    ]  # fmt: skip


def _say_repair(r):
    from ...privacy import accounting

    cut = (np.linalg.norm(steps(10.0)[0], axis=1) > r["clip"]).sum()
    clip = min(r["clip"], LONGEST)
    worth = accounting.epsilon(mechanisms.Gaussian(r["std"] / clip, clip=clip), rounds=2, delta=1e-5)
    return _(
        "{clients} people, clip {clip:.2g} ({cut} of 455 steps are shortened), noise of {std:.2g} on every number: the "
        "subtraction recognises {here:.0f} of 100 patients. As a promise about both sums that noise is worth ε = {worth}."
    ).format(clients=r["clients"], clip=r["clip"], cut=cut, std=r["std"], here=r["here"], worth=few(worth))


def won(epsilon, attacker):
    """Share of games that an attacker wins, by the formula for Gaussian noise."""
    return NormalDist().cdf(CLIP / (2 * SPREAD[attacker] * plan_of(epsilon).mechanism.std))


def games():
    """Did patient 8 take part? How often three attackers are right, against ε, and the bound."""
    ticks = {e: f"{e:g}" for e in (0.1, 1, 10, 100, 1000)}
    words = _("right, of 100 games"), _("total ε of both sums")
    panel = plots.Panel(*words, x=(0.1, 1000), y=(45, 103), xlog=True, xticks=ticks, right=0.28)
    names = {_("subtracts the two sums"): "subtracts", _("knows all others"): "knows all others",
             _("knows all others, she is in both"): "in both sums"}  # fmt: skip
    question = _(
        "Total ε = 1. An attacker knows all other records and hers, sees both sums, and must say whether patient 8 was in "
        "them; a coin decided. The bound over all mechanisms is 73 of 100. How many of 100 games are won against this "
        "noise?"
    )
    return browser.live(
        explorers.Explorer(
            _("Did she take part?"),
            [
                _kit.epsilon(1.0, 0.1, 1000.0, _("total ε of both sums")),
                explorers.Choice("attacker", _("attacker"), names, "in both sums"),
            ],
            lambda epsilon, attacker: dict(epsilon=epsilon, attacker=attacker),
            plots.Chart([panel], size=(6.2, 3.0)),
            _draw_games,
            _say_games,
            predict=("01.b", question, [_("about 55"), _("about 73"), _("about 95")], 0, _because_games),
            attacker=lambda r: plan_of(r["epsilon"]).attacker(),
            unit="patient",
        ),
        "nb01.games",
    )


def _because_games(r):
    return _("{won:.1f}: Gaussian noise must be so wide to keep δ at 1e-5 that at even odds it gives away far less.").format(
        won=100 * won(1.0, "in both sums")
    )


def _draw_games(r):
    grid = [float(f"{e:.3g}") for e in np.geomspace(0.1, 1000, 25)]
    bound = [100 * plan_of(e).attacker().bound for e in grid]
    marks = [plots.line(grid, bound, "bound", _("bound"))]
    for name in SPREAD:
        mine = name == r["attacker"]
        curve = [100 * won(e, name) for e in grid]
        marks.append(plots.line(grid, curve, "attacker", _("this attacker") if mine else "", width=2.4 if mine else 1.0,
                                opacity=1.0 if mine else 0.4))  # fmt: skip
    return [*marks, plots.dots([r["epsilon"]], [100 * won(r["epsilon"], r["attacker"])], "attacker", size=5)]


def _say_games(r):
    who = {
        "subtracts": _("subtracts the two sums"),
        "knows all others": _("knows all others, and she is in one sum at most"),
        "in both sums": _("knows all others, and she is in both sums or in none"),
    }[r["attacker"]]
    return _(
        "Total ε = {epsilon}: this attacker {who}, and is right in {won:.1f} of 100 games; the bound is {bound:.1f}."
    ).format(
        epsilon=few(r["epsilon"]),
        who=who,
        won=100 * won(r["epsilon"], r["attacker"]),
        bound=100 * plan_of(r["epsilon"]).attacker().bound,
    )
