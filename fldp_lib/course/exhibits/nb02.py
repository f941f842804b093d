"""Exhibits of notebook 02, core concepts: two worlds that differ in one patient, the slack δ, rules of an attacker."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import attacker, mechanisms
from ._kit import _, epsilon
from ._nb02 import (
    DELTA,
    IN,
    MIDDLE,
    OUT,
    WITH,
    WITHOUT,
    above,
    arrows_of,
    density,
    hits,
    laplace_attacker,
    most_hits,
    multiplier,
    posterior,
    smallest_delta,
)
from .nb02_more import leave_one_out, promises

__all__ = ["arrows_of", "leave_one_out", "promises", "rules", "slack", "two_worlds"]
AXIS = np.linspace(162, 178, 321)
FPR = np.r_[0.0, np.geomspace(1e-4, 0.02, 30), np.linspace(0.025, 1, 196)]
GRID = {"x": (162, 178), "xticks": [165, 170, 175]}
ROW = np.arange(100) % 10, 9 - np.arange(100) // 10  # a hundred people, from the upper left


def _of_100(number, digits):
    """A number between 0 and 100 in so many digits after the point; neither end is ever reached."""
    least = 10.0**-digits
    if number <= least / 2:
        return _("less than {least:g}").format(least=least)
    return f"{number:.{digits}f}" if number < 100 - least / 2 else _("more than {most:g}").format(most=100 - least)


def two_worlds():
    """A count with noise, from a register with one patient and from one without; what a published number tells of her."""

    def compute(epsilon, published, prior):
        before, ratio = prior / 100, float(np.clip(2 * epsilon * (published - MIDDLE), -epsilon, epsilon))
        return {
            "epsilon": epsilon, "published": published, "prior": prior, "ratio": ratio,
            "after": float(posterior(before, ratio)), "ends": [float(posterior(before, e)) for e in (-epsilon, epsilon)],
            "attacker": laplace_attacker(epsilon),
        }  # fmt: skip

    def marks(r):
        y, drawn = r["published"], []
        for style, count, words, x in ((OUT, WITHOUT, _("without her"), 162.6), (IN, WITH, _("with her"), 170.6)):
            scaled = np.exp(-r["epsilon"] * np.abs(AXIS - count))
            drawn += [plots.band(AXIS, 0 * AXIS, scaled, style, opacity=0.22), plots.line(AXIS, scaled, style, width=2.2)]
            drawn += [plots.people(x + np.arange(4) * 0.65, [1.32] * 4, OUT, size=5)]
            drawn += [plots.people([x + 2.7], [1.32], style, label=words, size=5)] if style == IN else []
            drawn += [plots.dots([x + 1.95], [1.32], OUT, label=words, size=0.1, opacity=0)] if style == OUT else []
            drawn += [plots.dots([y], [float(np.exp(-r["epsilon"] * abs(y - count)))], style, size=4.5)]
        drawn += [plots.line([y, y], [0, 1.12], 0, width=1.6)]
        inside = round(100 * r["after"])
        for style, part in ((IN, slice(0, inside)), (OUT, slice(inside, 100))):
            drawn.append(plots.people(ROW[0][part], ROW[1][part], style, panel=1, size=6))
        return drawn

    def say(r):
        factor = np.exp(abs(r["ratio"]))
        written = f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"
        likelier = _("{factor} times as likely with her as without her") if r["ratio"] >= 0 else _(
            "{factor} times as likely without her as with her")  # fmt: skip
        low, high = (100 * end for end in r["ends"])
        return _(
            "ε = {epsilon:.3g}: {published:g} is published, {likelier}. The belief that she is in goes from {before:.0f} in "
            "100 to {after}; whatever is published, ε allows {low} to {high}."
        ).format(
            epsilon=r["epsilon"], published=r["published"], likelier=likelier.format(factor=written),
            before=r["prior"], after=_of_100(100 * r["after"], 0), low=_of_100(low, 1), high=_of_100(high, 1),
        )  # fmt: skip

    chart = plots.Chart([
        plots.Panel(_("what the register may publish"), _("published number (true: 170 or 169)"),
                    _("how likely"), y=(0, 1.5), yticks={0: ""}, **GRID),
        plots.Panel(_("100 such numbers: how often she is in"), x=(-0.7, 9.7), y=(-0.8, 9.8), xticks=[], yticks=[]),
    ], size=(6.4, 3.3))  # fmt: skip
    controls = [
        explorers.Slider("published", _("published number"), 162.5, 177.5, 171.5, step=0.25),
        epsilon(1.0, 0.1, 10.0, _("ε, of one number")),
        explorers.Slider("prior", _("belief before, of 100"), 1, 99, 50, whole=True),
    ]
    title = _("With her, or without her?")
    return browser.live(
        explorers.Explorer(title, controls, compute, chart, marks, say, attacker=lambda r: r["attacker"], unit="patient",
                              along={"published": 0}), "nb02.two_worlds"
    )  # fmt: skip


@lru_cache(maxsize=64)
def _curves(scale):
    """The δ that each ε takes, for each kind of noise: where, and how much."""
    pure = (1 - np.geomspace(1, 1e-5, 61)) / scale  # up to where Laplace noise needs no slack
    along = {"uniform": np.array([0.0, 5.0]), "laplace": pure, "gaussian": np.linspace(0, 5, 51)}
    return {kind: (at, np.array([smallest_delta(kind, scale, e) for e in at])) for kind, at in along.items()}


def slack():
    """What e^ε times the one likelihood does not cover of the other: δ, for three kinds of noise."""
    kinds = {_("uniform, ±5 × scale"): "uniform", _("Laplace"): "laplace", _("Gaussian"): "gaussian"}
    names = {kind: label.split(",")[0] for label, kind in kinds.items()}
    question = _("The count is blurred by a uniform number between −5 and 5. Which ε gets along with a δ below 0.01?")
    options = [_("ε = 1 is enough"), _("it takes about ε = 5"), _("no ε does")]

    def compute(epsilon, kind, scale):
        here = smallest_delta(kind, scale, epsilon)
        return {"epsilon": epsilon, "kind": kind, "scale": scale, "curves": _curves(scale), "delta": here}

    def marks(r):
        p, q = (density(r["kind"], r["scale"], AXIS - count) for count in (WITH, WITHOUT))
        top = p.max()
        p, q, cover = p / top, q / top, np.exp(r["epsilon"]) * q / top
        drawn = [plots.band(AXIS, np.minimum(cover, p), p, "attacker", opacity=0.6)]
        drawn += [plots.line(AXIS, p, IN, width=2.2), plots.line(AXIS, q, OUT)]
        drawn += [plots.line(AXIS, np.where(cover < 1.35, cover, np.nan), "bound", width=1.4)]
        drawn += [plots.text(162.3, 1.62, _("with her"), IN), plots.text(166.5, 1.62, _("without her"), OUT)]
        drawn += [plots.text(162.3, 1.44, _("e^ε × without her: covered"), "bound")]
        for name, (along, curve) in r["curves"].items():
            mine = name == r["kind"]
            drawn.append(plots.line(along, np.where(curve >= 1e-6, curve, np.nan), "attacker" if mine else 5, names[name], 1,
                                    width=2.4 if mine else 1.4))  # fmt: skip
        if r["delta"] >= 1e-6:
            drawn.append(plots.dots([r["epsilon"]], [r["delta"]], "attacker", panel=1, size=5))
        return drawn

    def say(r):
        found = _("δ = {delta:.3g}").format(delta=r["delta"])
        if r["delta"] < 1e-12:  # of these three noises Laplace alone needs none
            found = _("δ = 0") if r["kind"] == "laplace" else _("δ less than 1e-12")
        return _(
            "With {name} noise of scale {scale:.3g}, at ε = {epsilon:.3g} it takes a slack of {found}: the shaded share of "
            "what is published with her that e^ε times the likelihood without her does not cover."
        ).format(name=names[r["kind"]], scale=r["scale"], epsilon=r["epsilon"], found=found)

    def because(r):
        return _("what only one register can publish is {delta:.0%} of its outputs, and e^ε times zero is zero. Move ε: "
                 "the level line does not fall.").format(delta=smallest_delta("uniform", 1.0, 5.0))  # fmt: skip

    chart = plots.Chart([
        plots.Panel(_("shaded: δ"), _("published number"), _("how likely"), y=(0, 1.75), yticks={0: ""}, **GRID),
        plots.Panel(_("the δ that each ε takes"), _("ε, of one number"), x=(0, 5), y=(1e-6, 1), ylog=True, right=0.3,
                    xticks=[0, 1, 2, 3, 4, 5], yticks={1: "1", 1e-2: "0.01", 1e-4: "1e-4", 1e-6: "1e-6"}),
    ], size=(6.4, 3.2))  # fmt: skip
    controls = [
        explorers.Slider("epsilon", _("ε, of one number"), 0.05, 5, 0.5, step=0.05),
        explorers.Choice("kind", _("noise"), kinds, "laplace"),
        explorers.Slider("scale", _("scale of the noise, patients"), 0.5, 10, 1.0, step=0.05, log=True),
    ]
    asked = ("02.a", question, options, 2, because)
    return browser.live(
        explorers.Explorer(_("What e^ε leaves over"), controls, compute, chart, marks, say, predict=asked), "nb02.slack"
    )


def rules():
    """An attacker says "in" above a cut: false alarms and hits, on the curve of the noise and under the roof of ε."""
    kinds = {_("Laplace"): "laplace", _("Gaussian, δ = 1e-5"): "gaussian", _("two-sided geometric"): "geometric"}
    names = {"laplace": _("Laplace"), "gaussian": _("Gaussian"), "geometric": _("geometric")}
    question = _("ε = 1 for one number. Against Laplace noise the best rule is right 70 times in 100. Gaussian noise with "
                 "the same ε = 1, at δ = 1e-5: how often is the best rule right?")  # fmt: skip
    options = [_("about 70, too: the ε is the same"), _("about 55"), _("about 90")]

    def compute(epsilon, kind, cut):
        scale = multiplier(epsilon) if kind == "gaussian" else 1 / epsilon
        delta = DELTA if kind == "gaussian" else 0.0
        alarms, found = (above(kind, scale, cut - count) for count in (WITHOUT, WITH))
        best = above(kind, scale, MIDDLE - WITH)  # half way between the counts: hits = 1 − false alarms
        return {
            "epsilon": epsilon, "kind": kind, "cut": cut, "scale": scale, "delta": delta, "alarms": alarms, "hits": found,
            "right": (1 + found - alarms) / 2, "best": best, "bound": (np.exp(epsilon) + delta) / (1 + np.exp(epsilon)),
        }  # fmt: skip

    def marks(r):
        p, q = (density(r["kind"], r["scale"], AXIS - count) for count in (WITH, WITHOUT))
        top, accused = p.max(), r["cut"] <= AXIS
        drawn = [
            plots.band(AXIS[accused], 0 * AXIS[accused], (c / top)[accused], s, opacity=0.3) for c, s in ((p, IN), (q, OUT))
        ]
        drawn += [plots.line(AXIS, c / top, s, width=2.0) for c, s in ((q, OUT), (p, IN))]
        drawn += [plots.line([r["cut"]] * 2, [0, 1.12], "attacker", width=1.8)]
        drawn += [plots.text(162.3, 1.36, _("without her"), OUT), plots.text(172.4, 1.36, _("with her"), IN)]
        drawn += [plots.text(162.3, 1.2, _("says “out”"), "attacker"), plots.text(172.4, 1.2, _("says “in” →"), "attacker")]
        roof = most_hits(FPR, r["epsilon"], r["delta"])
        drawn += [plots.band(FPR, FPR, roof, "bound", panel=1, opacity=0.12), plots.line(FPR, roof, "bound", panel=1)]
        drawn += [plots.line(FPR, hits(r["kind"], r["epsilon"], FPR), "attacker", panel=1, width=2.4)]
        drawn += [plots.dots([r["alarms"]], [r["hits"]], "attacker", panel=1, size=5)]
        drawn += [plots.text(0.42, 0.16, _("allowed by (ε, δ)"), "bound", 1)]
        return [*drawn, plots.text(0.42, 0.05, _("with this noise"), "attacker", 1)]

    def say(r):
        return _(
            "{name} noise, ε = {epsilon:.3g}{slack}: “in” above {cut:g} finds {hits:.1f} of 100 who are in and accuses "
            "{alarms:.1f} of 100 who are out; at even odds right {right:.1f} times in 100. The best rule with this noise: "
            "{best:.1f}; any mechanism with this ε: at most {bound:.1f}."
        ).format(
            name=names[r["kind"]], epsilon=r["epsilon"], cut=r["cut"], hits=100 * r["hits"], alarms=100 * r["alarms"],
            right=100 * r["right"], best=100 * r["best"], bound=100 * r["bound"],
            slack=_(" at δ = 1e-5") if r["delta"] else "",
        )  # fmt: skip

    def because(r):
        sigma = multiplier(1.0)
        return _("{best:.1f} times in 100: a deviation of {sigma:.2f} hides one patient better than its ε says. "
                 "That ε is the price of rare numbers far out.").format(
                     best=100 * above("gaussian", sigma, -0.5), sigma=sigma)  # fmt: skip

    chart = plots.Chart([
        plots.Panel(_("the rule: “in” above the cut"), _("published number"), _("how likely"), y=(0, 1.5), yticks={0: ""},
                    **GRID),
        plots.Panel(_("what a rule can reach"), _("false alarms"), _("hits"), y=(0, 1.02), xticks=[0, 0.5, 1],
                    yticks=[0, 0.5, 1]),
    ], size=(6.4, 3.3))  # fmt: skip
    controls = [
        explorers.Slider("cut", _("says “in” above"), 162.5, 177.5, 171.5),
        epsilon(1.0, 0.1, 10.0, _("ε, of one number")),
        explorers.Choice("kind", _("noise"), kinds, "laplace"),
    ]

    def guesser(r):
        if r["kind"] == "laplace":
            return laplace_attacker(r["epsilon"])
        if r["kind"] == "gaussian":
            return attacker.of(mechanisms.Gaussian(noise_multiplier=r["scale"], clip=1.0))
        return None

    asked = ("02.c", question, options, 1, because)
    return browser.live(
        explorers.Explorer(
        _("A rule, its hits and its false alarms"), controls, compute, chart, marks, say, predict=asked, attacker=guesser,
        unit="patient",
    ), "nb02.rules"
    )  # fmt: skip
