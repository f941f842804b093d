"""What notebook 04 shows: noise as clouds, sensitivity, the scale it asks for, and what δ and many numbers cost."""

from functools import lru_cache

import numpy as np
import torch

from ... import mechanisms
from ...interactive import browser, explorers, plots
from ._kit import _, clients, epsilon
from ._prices import guesser
from .nb04_more import HIGH, LOW, _radii, mechanisms_compared, tails

__all__ = ["mechanisms_compared", "registers", "scales", "sensitivity", "tails"]
DRAWS = 150
BINS = np.linspace(LOW, HIGH, 9)


@lru_cache(maxsize=4)
def _unit(seed=0):
    """Laplace noise of scale 1 for two registers, and the heights at which its dots are drawn (2 × DRAWS each)."""
    generator = torch.Generator().manual_seed(seed)
    noise = mechanisms.laplace_noise((2, DRAWS), 1.0, generator).numpy()
    return noise, torch.rand((2, DRAWS), generator=generator).numpy() * 0.6


def _dots():
    """For pages: the noise of scale 1, in above out, and the dots' heights (300,) each."""
    return dict(noise=_unit()[0].ravel(), heights=_unit()[1].ravel())


def _clouds(places, noise, inside, panel=0):
    """Two registers' published numbers as dots, in above out, and where the truth is."""
    marks = []
    for row, (place, style) in enumerate(zip(places, ("private", 5), strict=True)):
        x, height = place + noise[row], 1.25 - row + _unit()[1][row]
        seen = (inside[0] <= x) & (x <= inside[1])
        marks += [plots.dots(x[seen], height[seen], style, panel=panel, size=1.8, opacity=0.55),
                  plots.people([place], [1.13 - row], style, panel=panel, size=7)]  # fmt: skip
    return marks


def registers():
    """Two registers that differ in one patient: 150 published counts of each, and how well one number tells them apart."""
    edges = (264.5, 304.5)

    def compute(epsilon, seen):
        noise = _unit()[0] / epsilon
        ratio = float(np.exp(epsilon * (abs(seen - 284) - abs(seen - 285))))
        outside = int(((np.array([[285], [284]]) + noise < edges[0]) | (np.array([[285], [284]]) + noise > edges[1])).sum())
        return dict(epsilon=epsilon, seen=seen, noise=noise, ratio=ratio, outside=outside,
                    attacker=guesser(mechanisms.Laplace(epsilon, 1.0)))  # fmt: skip

    def draw(r):
        marks = _clouds((285, 284), r["noise"], edges)
        marks += [plots.text(265, 2.02, _("in: 285 benign"), "private"), plots.text(265, 0.98, _("out: 284"), 5)]
        marks.append(plots.line([r["seen"]] * 2, [0, 2.2], 0, width=1.2))
        x = np.array([edges[0], 284, 285, edges[1]])  # straight in between
        marks.append(plots.line(x, np.exp(r["epsilon"] * (abs(x - 284) - abs(x - 285))), "private", panel=1))
        for sign, label in ((1, "e^ε"), (-1, "e^−ε")):
            marks.append(plots.line(edges, [np.exp(sign * r["epsilon"])] * 2, "bound", label, panel=1, width=1.4))
        return [*marks, plots.dots([r["seen"]], [r["ratio"]], 0, panel=1, size=4)]

    def say(r):
        likely = _("{x:,.2f} times as likely with the patient in").format(x=r["ratio"])
        if r["ratio"] < 1:
            likely = _("{x:,.2f} times as likely with the patient out").format(x=1 / r["ratio"])
        words = _("ε = {epsilon:.3g}, Laplace noise of scale {scale:.3g}: the published number {seen} is {likely}, and "
                  "no number at all is more than e^ε = {most:,.2f} times as likely. {outside} of 300 dots lie beyond the "
                  "edges.")  # fmt: skip
        return words.format(epsilon=r["epsilon"], scale=1 / r["epsilon"], seen=r["seen"], likely=likely,
                            most=np.exp(r["epsilon"]), outside=r["outside"] or _("None"))  # fmt: skip

    ticks = {10.0**k: words for k, words in ((-4, "1/10,000"), (-2, "1/100"), (0, "1"), (2, "100"), (4, "10,000"))}
    panels = [plots.Panel(_("150 counts of either register"), _("published count"), x=edges, y=(0, 2.2), yticks={}),
              plots.Panel(_("in : out, how likely"), _("published count"), x=edges, y=(2e-5, 5e4), ylog=True,
                          yticks=ticks, right=0.2)]  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("Was the patient in it?"),
        [epsilon(1.0, 0.2, 10.0, _("ε of the release")),
         explorers.Slider("seen", _("number published"), 265, 304, 287, whole=True)],
        compute, plots.Chart(panels, size=(6.2, 3.15)), draw, say, attacker=lambda r: r["attacker"], unit="patient",
    ), "nb04.registers", _dots
    )  # fmt: skip


def _above(x):
    return float((x > 14).sum())


QUERIES = {  # name → query, sensitivity under replace-one, under add-or-remove; n is the number of patients
    "count": (_above, lambda n: 1.0, lambda n: 1.0),
    "sum": (np.sum, lambda n: HIGH - LOW, lambda n: HIGH),
    "mean": (np.mean, lambda n: (HIGH - LOW) / n, lambda n: (HIGH - LOW) / 2),
    "histogram": (lambda x: np.histogram(x, [*BINS[:-1], HIGH + 1])[0], lambda n: 2.0, lambda n: 1.0),
}
ASKED = {"count above 14": "count", "sum of radii": "sum", "mean radius": "mean", "histogram, 8 bins": "histogram"}


def _moves(query, relation, x, values):
    """How far (L1) the answer moves if the first patient gets another radius, or if one with that radius is added."""
    ask, here = QUERIES[query][0], QUERIES[query][0](x)
    if relation == "replace":
        others = [np.concatenate([[v], x[1:]]) for v in values]
    else:
        others = [np.concatenate([x, [v]]) for v in values]
    return np.array([np.abs(ask(other) - here).sum() for other in others])


def _moved():
    """For pages: the patients' radii, and the heights at which they are drawn (455,) each."""
    return dict(radius=_radii()[0], places=_heights())


def sensitivity():
    """One patient's record is moved through the public bounds: how far the answer follows, and the most it ever could."""

    def compute(query, relation, clients, value):
        x, grid = _radii()[0][:clients], np.linspace(LOW, HIGH, 49)
        most = QUERIES[query][1 if relation == "replace" else 2](clients)
        return dict(query=query, relation=relation, x=x, grid=grid, curve=_moves(query, relation, x, grid) / most,
                    value=value, move=float(_moves(query, relation, x, [value])[0]), most=most)  # fmt: skip

    def draw(r):
        x, stay = r["x"], r["x"][1:] if r["relation"] == "replace" else r["x"]
        height = 0.15 + 0.6 * _heights()[: len(stay)]
        marks = [plots.dots(stay, height, 1, size=1.7, opacity=0.6), plots.people([r["value"]], [0.9], "private", size=9)]
        if r["relation"] == "replace":
            marks.append(plots.people([x[0]], [0.06], 5, size=7))
        marks.append(plots.line((LOW, HIGH), [1, 1], "bound", _("sensitivity"), panel=1, width=1.6))
        marks.append(plots.line(r["grid"], r["curve"], "private", _("this move"), panel=1))
        return [*marks, plots.dots([r["value"]], [r["move"] / r["most"]], "private", panel=1, size=5)]

    def say(r):
        name = next(name for name, query in ASKED.items() if query == r["query"])
        words = _(
            "{n} patients, {name}: a patient of radius {value:.3g} joins them, and this move of the answer is {move:.3g}."
        )
        if r["relation"] == "replace":
            words = _("{n} patients, {name}: the first has radius {value:.3g} instead of {was:.3g}, and this move of the "
                      "answer is {move:.3g}.")  # fmt: skip
        words = words.format(n=len(r["x"]), name=name, value=r["value"], was=r["x"][0], move=r["move"])
        return words + " " + _("Over all data sets within the bounds the most is the sensitivity, {most:.3g}.").format(
            most=r["most"])  # fmt: skip

    panels = [plots.Panel(_("the patients, and the one that moves"), _("radius"), x=(LOW, HIGH), y=(0, 1), yticks={}),
              plots.Panel(_("move of the answer, in sensitivities"), _("radius of the one that moves"), x=(LOW, HIGH),
                          y=(0, 1.15), right=0.32)]  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("How far can one patient move the answer?"),
        [explorers.Choice("query", _("query"), ASKED, "mean"),
         explorers.Choice("relation", _("neighbours"), {_("replace one"): "replace", _("add one"): "add"}, "replace"),
         explorers.Slider("value", _("radius of the one"), LOW, HIGH, 24.0, step=0.5), clients(455, 2, 455, _("patients"))],
        compute, plots.Chart(panels, size=(6.2, 3.15)), draw, say,
        predict=(
            "04.a",
            _("455 patients, radii within 6 … 30. One patient is replaced by another. The mean radius moves by at most"),
            [_("24"), _("0.05"), _("1")],
            1,
            _("the sum moves by at most 30 − 6 = 24, and 24/455 is 0.0527: the public n divides it. Now make them fewer, "
              "and try the other queries."),
        ),
    ), "nb04.sensitivity", _moved
    )  # fmt: skip


@lru_cache(maxsize=1)
def _heights():
    return torch.rand(455, generator=torch.Generator().manual_seed(1)).numpy()


def scales():
    """Noise of scale 1/ε for every query, or scaled to the sensitivity: the two worst neighbours' releases as clouds."""

    def compute(query, rule, epsilon):
        most = QUERIES[query][1](455)
        b = (1.0 if rule == "naive" else most) / epsilon
        noise = _unit()[0] * b / most
        places = noise + np.array([[1], [0]])
        outside = int(((places < -6) | (places > 7)).sum())
        return dict(query=query, rule=rule, epsilon=epsilon, most=most, b=b, noise=noise, outside=outside,
                    true=most / b, attacker=guesser(mechanisms.Laplace(min(most / b, 700.0), 1.0)))  # fmt: skip

    def draw(r):
        marks = _clouds((1, 0), r["noise"], (-6, 7))
        words = (_("the one at one bound"), _("the one at the other"))
        return marks + [plots.text(-5.8, 2.02 - row, words[row], ("private", 5)[row]) for row in (0, 1)]

    def say(r):
        name = next(name for name, query in ASKED.items() if query == r["query"])
        words = _("{name} of 455 patients, which one patient moves by up to {most:.3g} (replace-one): Laplace noise of "
                  "scale {b:.3g} at a promised ε of {epsilon:.3g}. The true ε is {true:.3g}: who has to tell the two "
                  "registers apart is right for {people} of 100.")  # fmt: skip
        words = words.format(name=name[0].upper() + name[1:], most=r["most"], b=r["b"], epsilon=r["epsilon"], true=r["true"],
                             people=r["attacker"].people)  # fmt: skip
        return words + (" " + _("{n} of 300 dots lie beyond the edges.").format(n=r["outside"]) if r["outside"] else "")

    asked = {name: query for name, query in ASKED.items() if query != "histogram"}
    panel = plots.Panel(_("150 releases of either register"), _("distance, in sensitivities"),
                        x=(-6, 7), y=(0, 2.2), yticks={})  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("Which scale?"),
        [explorers.Choice("query", _("query"), asked, "sum"),
         explorers.Choice("rule", _("scale of the noise"), {"1/ε": "naive", "Δ₁/ε": "right"}, "naive"),
         epsilon(1.0, 0.2, 10.0, _("ε promised"))],
        compute, plots.Chart([panel], size=(5.8, 3.1)), draw, say,
        attacker=lambda r: r["attacker"], unit=_("which of two patients was in"),
        predict=(
            "04.b",
            _("Lap(0, 1/ε) is quoted everywhere. Put on the sum of 455 radii at ε = 1: of 100 attackers who know "
              "everything but which of two radii the last patient has, how many are right?"),
            [_("70, what Laplace noise at ε = 1 allows"), _("73, the bound at ε = 1"), _("all 100")],
            2,
            _("one patient moves the sum by up to 24, and the noise is about 1: the true ε is 24. Now choose Δ₁/ε."),
        ),
    ), "nb04.scales", _dots
    )  # fmt: skip
