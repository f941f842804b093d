"""More of what notebook 01 shows: what the noise costs, and three attackers on one patient."""

from functools import lru_cache

import numpy as np
import torch

from ...interactive import browser, explorers, plots
from . import _kit
from ._kit import _
from ._sums import CLIP, SEED, TARGET, accuracy, drawn_orders, normals, orders, patients, plan_of, records, steps

EPSILONS = tuple(float(f"{e:.3g}") for e in np.geomspace(0.1, 1000, 13))
SIZES = (2, 5, 10, 20, 50, 100, 200, 455)
TICKS = {"xlog": True, "xticks": {n: str(n) for n in (2, 10, 50, 455)}}
SAID = ("clients", "draw", "place", "here", "right", "plain")
WORDS = {
    "subtracts": _("subtracts two sums"),
    "knows all others": _("knows all the others"),
    "stranger": _("sees one sum and knows nobody in it"),
}


def few(value):
    """A positive number in two digits, as one writes it by hand."""
    return f"{float(f'{value:.2g}'):,g}"


def _groups():
    """For pages: the records, the test patients', the hundred orders (low bytes, high bytes), unit noise (100 × 31)."""
    held = drawn_orders()
    return records() | dict(
        tests=patients().x_test, classes=patients().y_test.to(torch.uint8), noise=normals(SEED, 100, 31).astype(np.float32),
        orders=np.stack([held % 256, held // 256]).astype("uint8"),
    )  # fmt: skip


def cost():
    """What the noise costs: the model that the two noisy sums give, with more and more patients."""
    panel = plots.Panel(
        _("right, of 100 test patients"), _("patients in the sums"), x=(2, 455), y=(0, 105), right=0.24, **TICKS
    )
    question = _(
        "The model is one step along the two noisy sums, total ε = 1. From how many patients on does the noise cost "
        "hardly anything?"
    )
    return browser.live(
        explorers.Explorer(
            _("What the noise costs"),
            [_kit.epsilon(1.0, 0.1, 100.0, _("total ε of both sums")), _kit.clients(10, 2, 455, _("patients in the sums"))],
            _priced,
            plots.Chart([panel], size=(6.2, 3.0)),
            _draw_priced,
            _say_priced,
            predict=("01.c", question, [_("about five"), _("about fifty"), _("more than all of them")], 1, _because_priced),
            attacker=lambda r: plan_of(r["epsilon"]).attacker(),
            unit="patient",
        ),
        "nb01.cost",
        _groups,
    )


def _priced(epsilon, clients):
    std = plan_of(epsilon).mechanism.std
    return dict(
        epsilon=epsilon, clients=clients, here=100 * accuracy(clients, std), plain=100 * np.median(accuracy(clients, 0.0)),
        private=[100 * accuracy(n, std) for n in SIZES], clear=[100 * np.median(accuracy(n, 0.0)) for n in SIZES],
    )  # fmt: skip


def _because_priced(r):
    gaps = [r["clear"][SIZES.index(n)] - np.median(r["private"][SIZES.index(n)]) for n in (10, 50)]
    return _("with 10 patients it costs {few:.0f} of 100, with 50 {many:.0f}: the sum grows with every patient, the "
             "noise does not.").format(few=gaps[0], many=gaps[1])  # fmt: skip


def _draw_priced(r):
    return [
        plots.line(SIZES, r["clear"], "no privacy", _("no noise")),
        *plots.cloud(SIZES, np.array(r["private"]).T, "private", _("private")),
        plots.dots([r["clients"]], [r["plain"]], "no privacy", size=5),
        plots.dots([r["clients"]], [np.median(r["here"])], "private", size=5),
    ]


def _say_priced(r):
    low, middle, high = np.quantile(r["here"], (0.05, 0.5, 0.95))
    return _(
        "{clients} patients, total ε = {epsilon:.3g} for both sums. Right, of 100 test patients, after one step along the "
        "sums: private {middle:.0f} (median of 100 groups and draws; nine in ten {low:.0f} to {high:.0f}), no noise "
        "{plain:.0f}."
    ).format(clients=r["clients"], epsilon=r["epsilon"], low=low, middle=middle, high=high, plain=r["plain"])


@lru_cache
def _public():
    """What a stranger takes for the law of a step: mean (31,) and scatter (31 × 31) of the public test patients'."""
    rows = steps(CLIP, public=True)[0]
    return rows.mean(0), np.cov(rows.T)


@lru_cache(maxsize=64)
def _crowds(size):
    """2,000 sums over others drawn with replacement, less what the stranger expects of them (2,000 × 31)."""
    others = np.delete(steps()[0], TARGET, axis=0)
    often = np.random.default_rng(size).multinomial(size, np.full(454, 1 / 454), 2_000)
    return often @ others - size * _public()[0]


@lru_cache(maxsize=512)
def _test(epsilon, clients, attacker):
    """The attacker's weights on what it sees (31,), the noise in that, and how it measures distance (31 × 31)."""
    std, her = plan_of(epsilon).mechanism.std * (2**0.5 if attacker == "subtracts" else 1), steps()[0][TARGET]
    if attacker != "stranger":
        return her, std, np.eye(31)
    spread = (clients - 1) * _public()[1] + std**2 * np.eye(31)  # what is unknown in the sum
    return np.linalg.solve(spread, her), std, np.linalg.inv(spread)


@lru_cache(maxsize=512)
def _won(epsilon, clients, attacker, draw):
    """Share of 20,000 games that the attacker wins; a projection of Gaussian noise is one number."""
    (weights, std, _metric), her, coin = _test(epsilon, clients, attacker), steps()[0][TARGET], np.arange(20_000) % 2
    seen = coin * (her @ weights) + std * np.linalg.norm(weights) * normals(100 + draw, 20_000)
    if attacker == "stranger":
        seen = seen + np.repeat(_crowds(clients - 1) @ weights, 10)  # each crowd in ten games
    return float(((seen > her @ weights / 2) == coin).mean())


def attack():
    """One patient, two noisy sums, three attackers: her record, whether she took part, and the model that the sums give."""
    panels = [
        plots.Panel(_("patient 8's record"), _("measure (edge: beyond)"), x=(0, 31), y=(-1.25, 1.65), xticks=[1, 10, 20, 30],
                    yticks=[-1, 0, 1]),
        plots.Panel(_("did she take part?"), _("total ε"), x=(0.1, 1000), y=(40, 104), xlog=True,
                    xticks={0.1: "0.1", 10: "10", 1000: "1000"}),
        plots.Panel(_("right, of 100 tests"), _("patients"), x=(2, 455), y=(0, 104), **TICKS),
    ]  # fmt: skip
    names = {
        _("subtracts two sums"): "subtracts",
        _("knows all others"): "knows all others",
        _("one sum, knows nobody"): "stranger",
    }
    question = _(
        "At a total ε of 100 the attacker who subtracts the sums wins nearly every game about whether she took part. How "
        "many of her 30 measures does it read to within 0.1?"
    )
    return explorers.Explorer(
        _("One patient, three attackers"),
        [
            _kit.epsilon(1.0, 0.1, 1000.0, _("total ε of both sums")),
            _kit.clients(100, 2, 455, _("patients in the sum")),
            explorers.Choice("attacker", _("attacker"), names, "subtracts"),
            explorers.Slider("draw", _("draw of the noise"), 1, 20, 1, whole=True),
        ],
        _attacked,
        plots.Chart(panels, size=(7.0, 2.8)),
        _draw_attacked,
        _say_attacked,
        predict=("01.d", question, [_("all of them"), _("about two thirds"), _("a third at most")], 2, _because_attacked),
        attacker=lambda r: plan_of(r["epsilon"]).attacker(),
        unit="patient",
    )


def _attacked(epsilon, clients, attacker, draw):
    (rows, x), std = steps(), plan_of(epsilon).mechanism.std
    total, noise = orders()[0, clients - 1], std * normals(draw, 2, 31)
    first, second = total + noise[0], total - rows[TARGET] + noise[1]
    known = {"subtracts": second, "knows all others": total - rows[TARGET], "stranger": (clients - 1) * _public()[0]}[
        attacker
    ]
    seen = first - known
    gaps = np.einsum("ij,jk,ik->i", seen - rows, _test(epsilon, clients, attacker)[2], seen - rows)
    return dict(
        epsilon=epsilon, clients=clients, attacker=attacker, draw=draw, truth=x[TARGET], record=seen[:30] / seen[30],
        place=1 + int((gaps < gaps[TARGET]).sum()), here=100 * _won(epsilon, clients, attacker, draw),
        won=[100 * _won(e, clients, attacker, draw) for e in EPSILONS],
        private=[100 * np.median(accuracy(n, std)) for n in SIZES], clear=[100 * np.median(accuracy(n, 0.0)) for n in SIZES],
        right=100 * np.median(accuracy(clients, std)), plain=100 * np.median(accuracy(clients, 0.0)),
    )  # fmt: skip


def _close(r):
    return int((abs(r["record"] - r["truth"]) < 0.1).sum())


def _because_attacked(r):
    close = [_close(_attacked(100.0, 100, "subtracts", draw)) for draw in range(1, 11)]
    return _("{low} to {high} of 30 in ten draws: one bit about her is told by far less than 30 numbers are.").format(
        low=min(close), high=max(close)
    )


def _draw_attacked(r):
    numbers, bound = np.arange(1, 31), [100 * plan_of(e).attacker().bound for e in EPSILONS]
    return [
        plots.bars(numbers, r["truth"], "alone", opacity=0.45), plots.text(1, 1.5, _("▌true"), "alone"),
        plots.dots(numbers, r["record"].clip(-1.2, 1.2), "attacker", size=2.4), plots.text(16, 1.5, _("× read"), "attacker"),
        plots.line(EPSILONS, bound, "bound", panel=1), plots.text(0.12, 98, _("bound"), "bound", 1),
        plots.line(EPSILONS, r["won"], "attacker", panel=1),
        plots.dots([r["epsilon"]], [r["here"]], "attacker", panel=1, size=5),
        plots.line(SIZES, r["clear"], "no privacy", panel=2), plots.line(SIZES, r["private"], "private", panel=2),
        plots.dots([r["clients"]], [r["plain"]], "no privacy", panel=2, size=5),
        plots.dots([r["clients"]], [r["right"]], "private", panel=2, size=5),
        plots.text(3, 16, _("no noise"), "no privacy", 2), plots.text(3, 6, _("private"), "private", 2),
    ]  # fmt: skip


def _say_attacked(r):
    return _(
        "An attacker who {who}, {clients} patients in the sum, total ε = {total}, draw {draw}: {close} of her 30 "
        "measures are read to within 0.1, she is at place {place} of 455, and of 100 games about whether she took part "
        "{here:.1f} are won. The model from the sums gets {right:.0f} of 100 right, {plain:.0f} without noise."
    ).format(who=WORDS[r["attacker"]], total=few(r["epsilon"]), close=_close(r), **{k: r[k] for k in SAID})
