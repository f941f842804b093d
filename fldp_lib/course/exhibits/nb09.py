"""Notebook 09: who gains by the private model, how much noise is in it, what the settings do, whom the ε protects."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from . import _kit
from . import nb09_runs as made
from ._kit import _
from .nb09_clinics import as_one, at_own, clinics, constant, losses
from .nb09_more import levers, units
from .nb09_runs import dealt, runs

__all__ = ["as_one", "at_own", "clinics", "constant", "dealt", "hospitals", "levers", "losses", "noise", "runs", "units"]

HIGH = 1.3  # of the axis of log loss


def _sharing():
    options = {_("each hospital, its own"): "own", _("together, in shares"): "shares"}
    return explorers.Choice("sharing", _("who adds noise"), options, "own")


def _noises(sharing, clients):
    return clients if sharing == "own" else 1


def _by(sharing):
    return _("each adding its own noise") if sharing == "own" else _("the noise added in shares")


@lru_cache(maxsize=64)
def _at_home(clients):
    """Each hospital's place on the axis of sizes, and its loss alone and without privacy, the smallest first."""
    fed, mix = made.dealt(clients, 0), made.shares(clients, 0)
    sizes = fed.sizes.numpy()
    spread = np.array([np.sum(sizes[:k] == n) - (np.sum(sizes == n) - 1) / 2 for k, n in enumerate(sizes)])
    same = np.array([np.sum(sizes == n) for n in sizes])
    own = made.log_loss(made.alone(clients, 0), fed, mix).numpy()
    clean = made.log_loss(made.plain(clients, 0)[-1], fed, mix).numpy()
    return sizes, sizes * (1 + 0.25 * spread / same), own, clean


def hospitals():
    """Every hospital's loss on patients like its own, by its size: of its own model, and of the private one (30 draws)."""

    def compute(epsilon, clients, sharing):
        plan = made.protection(epsilon, _noises(sharing, clients))
        drawn = made.runs(made.dealt(clients, 0), plan, _noises(sharing, clients))[-1]
        home = made.log_loss(drawn.unsqueeze(1), made.dealt(clients, 0), made.shares(clients, 0))  # draws × hospitals
        about = dict(epsilon=epsilon, clients=clients, sharing=sharing, attacker=_attacker(epsilon))
        return about | dict(private=home.median(0).values.numpy(), spread=home.numpy())

    def draw(r):
        _sizes, x, own, clean = _at_home(r["clients"])
        order, size, joins = np.argsort(x, kind="stable"), 7 if len(x) <= 20 else 4, r["private"] < own
        seen = np.minimum(own, HIGH)
        marks = plots.cloud(x[order], r["spread"][:, order], "private", _("private"))
        marks.append(plots.line(x[order], clean[order], "no privacy", _("no privacy"), width=1.2))
        for inside, style, words, height in (
            (joins, "private", _("gains by joining"), 1.05),
            (~joins, "alone", _("better alone"), 0.82),
        ):
            marks.append(plots.text(40, height, words, style))
            if inside.any():
                marks.append(plots.places(x[inside], seen[inside], style, size=size))
        if beyond := int((own > HIGH).sum()):
            marks.append(plots.text(40, 0.64, _("{n} above the edge").format(n=beyond), 0))
        return marks

    def say(r):
        sizes, _x, own, clean = _at_home(r["clients"])
        words = _(
            "Total ε = {epsilon:.3g} a patient, {hospitals}, {by}: {gain} of {clients} gain by joining; with no privacy it "
            "would be {free}. Log loss on patients like its own at the largest ({most} patients): private {a:.2f}, alone "
            "{b:.2f}; at the smallest ({least}): private {c:.2f}, alone {d:.2f}."
        )
        ends = dict(a=r["private"][0], b=own[0], c=r["private"][-1], d=own[-1], most=sizes[0], least=sizes[-1])
        better = dict(
            gain=(r["private"] < own).sum(),
            free=(clean < own).sum(),
            hospitals=_hospitals(r),
        )
        return words.format(epsilon=r["epsilon"], clients=r["clients"], by=_by(r["sharing"]), **better, **ends)

    panel = plots.Panel(
        _("each hospital at the loss of its own model"), _("patients at the hospital"),
        _("log loss, nats"), x=(1.6, 450), y=(0.04, HIGH), xlog=True, ylog=True, right=0.16,
        xticks={n: str(n) for n in (2, 5, 10, 20, 50, 100, 300)}, yticks=_ticks(0.05, 0.1, 0.2, 0.5, 1),
    )  # fmt: skip
    controls = [_kit.epsilon(2.0, label=_("total ε, a patient")), _kit.clients(12, 2, 60, label=_("hospitals")), _sharing()]
    explorer = explorers.Explorer(
        _("Who gains by the private model?"), controls, compute, plots.Chart([panel], size=(6.4, 3.9)), draw, say,
        attacker=lambda r: r["attacker"], unit="patient",
    )  # fmt: skip
    return browser.live(explorer, "nb09.hospitals", made.shipped)


def _hospitals(r):
    return _kit.count(r["clients"], _("hospital"), _("hospitals"))


def _ticks(*values):
    return {v: f"{v:g}" for v in values}


@lru_cache(maxsize=512)
def _attacker(epsilon):
    return made.protection(epsilon).attacker()


@lru_cache(maxsize=1)
def _gradient():
    """The first round's weighted mean of clipped gradients (31,), which no dealing changes."""
    fed = made.dealt(12, 0)
    x = made.with_one(fed.pooled()[0])
    error = 0.5 - fed.pooled()[1]
    return ((error * (0.5 / (error.abs() * x.norm(dim=1))).clamp(max=1)) @ x / len(x)).numpy()


def noise_in_mean(epsilon, noises):
    """Deviation of the noise in a coordinate of the weighted mean gradient: zC√K/n."""
    return made.protection(epsilon, noises).mechanism.std * noises**0.5 / made.SIZES.sum()


def noise():
    """The first round's mean gradient as the server sees it, in two of its coordinates, and the noise by hospitals."""
    exact = _gradient()
    first, second = np.argsort(-np.abs(exact))[:2]
    counts, drawn = np.geomspace(1, 400, 30), made.normal(1, 200, 7)[0].numpy()

    def compute(epsilon, clients, sharing):
        own, shared = noise_in_mean(epsilon, clients), noise_in_mean(epsilon, 1)
        return dict(epsilon=epsilon, clients=clients, sharing=sharing, own=own, shared=shared, attacker=_attacker(epsilon))

    def draw(r):
        std = r["own"] if r["sharing"] == "own" else r["shared"]
        seen = exact + std * drawn
        inside = (np.abs(seen[:, [first, second]]) < 0.5).all(1)
        own, shared = r["shared"] * counts**0.5, np.full(len(counts), r["shared"])
        return [
            plots.dots(seen[inside, first], seen[inside, second], "private", size=1.8, opacity=0.5),
            plots.dots([exact[first]], [exact[second]], "no privacy", size=5),
            plots.text(-0.47, 0.61, _("what the server sees, 200 draws"), "private"),
            plots.text(-0.47, 0.54, _("the exact gradient"), "no privacy"),
            *([plots.text(-0.47, -0.46, _("{n} of 200 beyond the edge").format(n=(~inside).sum()), "private")]
              * bool((~inside).any())),
            plots.line(counts, own, "private", _("own noise"), 1, opacity=1 if r["sharing"] == "own" else 0.35),
            plots.line(counts, shared, "private", _("in shares"), 1, opacity=0.35 if r["sharing"] == "own" else 1),
            plots.line(counts, np.full(len(counts), np.sqrt((exact**2).mean())), "no privacy", _("gradient"), 1),
            plots.dots([r["clients"]], [std], "private", panel=1, size=5),
        ]  # fmt: skip

    def say(r):
        return _(
            "Total ε = {epsilon:.3g} a patient, {n}, {by}: the noise in each of the 31 numbers of the weighted mean "
            "gradient has deviation {std:.3f}; the exact numbers are about {size:.3f}. With one hospital, or in shares, "
            "it is {shared:.3f}."
        ).format(
            epsilon=r["epsilon"], n=_hospitals(r), by=_by(r["sharing"]), shared=r["shared"],
            std=r["own"] if r["sharing"] == "own" else r["shared"], size=np.sqrt((exact**2).mean()),
        )  # fmt: skip

    square = dict(x=(-0.5, 0.5), y=(-0.5, 0.68), xticks=[-0.4, 0, 0.4], yticks=[-0.4, 0, 0.4])
    panels = [
        plots.Panel(_("first round, two of 31 numbers"), _("one number"), _("another"), **square),
        plots.Panel(
            _("noise in each number"), _("hospitals, 455 patients in all"), _("deviation"), x=(1, 400), y=(0.001, 5),
            xlog=True, ylog=True, xticks=_ticks(1, 10, 100), yticks=_ticks(0.001, 0.01, 0.1, 1), right=0.34,
        ),
    ]  # fmt: skip
    controls = [_kit.epsilon(2.0, label=_("total ε, a patient")), _kit.clients(12, 1, 400, label=_("hospitals")), _sharing()]
    explorer = explorers.Explorer(
        _("More hospitals, the same patients"), controls, compute, plots.Chart(panels, size=(6.4, 3.4)), draw, say,
        predict=(
            "09.a",
            _(
                "ε = 2 a patient, noise at each hospital. The same 455 patients at 48 hospitals in place of 12: the noise "
                "in the weighted mean gradient"
            ),
            [_("stays: the patients are the same"), _("doubles"), _("grows fourfold")],
            1,
            lambda r: _("each adds a noise of its own, and variances add: {a:.3f} with 12, {b:.3f} with 48.").format(
                a=noise_in_mean(2.0, 12), b=noise_in_mean(2.0, 48)
            ),
        ),
        attacker=lambda r: r["attacker"], unit="patient",
    )  # fmt: skip
    return browser.live(explorer, "nb09.noise", made.shipped)
