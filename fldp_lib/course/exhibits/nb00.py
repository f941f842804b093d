"""What notebook 00 shows: hospitals, alone and together, with noise and its levers; what attackers can do; the crowd."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots, scenes
from . import _kit
from ._clouds import chords, joined
from ._hospitals import CLIP, DRAWS, ROUNDS, alone, beside_plain, deal, first_plan, patients, private, shipped
from ._kit import _
from .nb00_more import crowd, levers, noise, patients_of, steps_of, together_or_alone

__all__ = ["attackers", "crowd", "hospitals", "levers", "noise", "private", "together_or_alone"]
TILES, UNITS = 6, ((200, 500, 1000, 2000), (0.08, 0.12, 0.18))  # hospitals drawn; ticks of the two features


def hospitals():
    """Hospitals with their patients, and the model that they train together, private in thirty draws of the noise."""
    places = plots.Panel(_("hospitals, each with a model of its own"), x=(0, 2.15), y=(-0.12, 3.62), xticks=[], yticks=[])
    words = _("area of the nuclei"), _("smoothness")
    maps = scenes.maps(patients(), [_("the server's model, on the test patients")], UNITS, 1, words)
    made = explorers.Explorer(
        _("Hospitals that train one model together"),
        [
            _kit.epsilon(1.0, 0.1, 30.0, _("total ε")),
            _kit.clients(10, 4, 455, _("hospitals")),
            explorers.Slider("local_steps", _("local steps in a round"), 1, 10, 1, whole=True),
            explorers.Slider("clip", _("clip: longest step that counts"), 0.1, 8, CLIP, step=0.05, log=True),
            explorers.Slider("round", _("rounds so far, of 20"), 1, ROUNDS, ROUNDS, whole=True),
        ],
        _federation,
        plots.Chart([places, *maps], size=(7.0, 3.7)),
        _scene,
        _say_scene,
        attacker=lambda r: r["attacker"],
        unit="hospital",
        play="round",
    )
    return browser.live(made, "nb00.hospitals", shipped)


def _federation(epsilon, clients, local_steps, clip, round):
    plan, path, right = beside_plain(epsilon, clients, clip, local_steps)
    right, plain_right = right[:, :-1], right[:, -1]
    return dict(
        fed=deal(clients), plan=plan, round=round, spent=plan.epsilon(round), attacker=plan.attacker(round),
        thetas=path[round, :-1], right=right[round], middle=int(right[-1].argsort(stable=True)[len(DRAWS) // 2]),
        plain=path[round, -1], plain_right=float(plain_right[round]), own=alone(clients),
    )  # fmt: skip


def _scene(r):
    marks = _tiles(r)
    more = r["fed"].clients - TILES
    if more > 0:
        marks.append(plots.text(0, -0.03, _("… and {more} more").format(more=more), "alone"))
    marks += [plots.line(*ends, "private", panel=1, width=3.5, opacity=0.17) for ends in chords(r["thetas"])]
    marks += scenes.records(r["fed"].x_test, r["fed"].y_test, 1, size=1.8)
    for theta, style in ((r["plain"], "no privacy"), (r["thetas"][r["middle"]], "private")):
        marks += [plots.line(x, y, style, panel=1, width=2.4) for x, y in chords(theta.unsqueeze(0))]
    words = (-0.97, 1.36, _("no privacy"), "no privacy"), (0.05, 1.36, _("private, 30 draws"), "private")
    words += (-0.97, 1.14, _("■ benign"), 1), (0.05, 1.14, _("▲ malignant"), 2)
    named = ("no privacy", _("no privacy")), ("private", _("private")), ("alone", _("alone"))
    marks += [plots.dots([np.nan], [np.nan], role, name, 1) for role, name in named]  # colours the sentence's words
    return marks + [plots.text(*place, 1) for place in words]


def _tiles(r):
    """The first hospitals, each in a square of side 1: its patients, and the line that its own model draws."""
    fed, (thetas, right) = r["fed"], r["own"]
    k = np.arange(min(TILES, fed.clients))
    left, bottom = 1.12 * (k % 2), 2.52 - 1.2 * (k // 2)
    marks = [
        plots.bars(left + 0.5, 0 * k + 0.95, "alone", width=1, base=bottom, opacity=0.09),
        plots.places(left + 0.93, bottom + 0.82, "alone", size=5, opacity=0.7),
    ]
    for one, n in zip(k, fed.sizes.tolist(), strict=False):
        words = _("{n} patient, {right:.0f} right") if n == 1 else _("{n} patients, {right:.0f} right")
        marks.append(plots.text(left[one], bottom[one] + 1.04, words.format(n=n, right=100 * float(right[one])), "alone"))
    mask = fed.mask[: len(k)].numpy()
    where, y = np.nonzero(mask)[0], fed.y[: len(k)].numpy()[mask]
    across, up = _in_tile(fed.x[: len(k)].numpy()[mask].T, left[where], bottom[where])
    marks += [plots.dots(across[y == c], up[y == c], 2 - c, size=1.5, opacity=1) for c in (1, 0)]
    ends = [_in_tile(end, left[one], bottom[one]) for one in k for end in chords(thetas[one : one + 1])]
    return [*marks, plots.line(*joined(ends), "alone", width=2)]


def _in_tile(place, left, bottom):
    """Where a place on the map, in [-1, 1]², lies in a hospital's square."""
    return left + (place[0] + 1) / 2, bottom + 0.95 * (place[1] + 1) / 2


def _say_scene(r):
    plan, (low, middle, high) = r["plan"], np.quantile(r["right"], [0.05, 0.5, 0.95]) * 100
    return _(
        "{clients} hospitals of {each}, clip {clip:.2g}, {steps} a round; after {round} of {rounds} rounds ε = "
        "{spent:.2g} of {epsilon:.3g} is spent (δ = 1e-5). Right, of 100 test tumours: private {middle:.0f} (median of 30 "
        "draws; nine in ten {low:.0f} to {high:.0f}), no privacy {plain:.0f}, a hospital alone {own:.0f}."
    ).format(
        clients=r["fed"].clients, each=patients_of(r["fed"]), steps=steps_of(plan), clip=plan.mechanism.clip,
        round=r["round"], rounds=plan.rounds, spent=r["spent"], epsilon=plan.epsilon(), low=low, middle=middle, high=high,
        plain=100 * r["plain_right"], own=100 * float(r["own"][1].mean()),
    )  # fmt: skip


def attackers():
    """What ε lets somebody find out who has seen every model and asks whether one hospital took part."""
    ticks = {0.1: "0.1", 1: "1", 10: "10", 30: "30"}
    words = _("what tells whether hospital 1 was in"), _("noise, in deviations")
    seen = plots.Panel(*words, x=(-4, 7), y=(0, 0.62), yticks=[])
    words = _("right guesses, of 100"), _("total ε")
    right = plots.Panel(*words, x=(0.1, 30), y=(45, 103), xlog=True, xticks=ticks, right=0.32)
    question = _(
        "At a total ε of 10, (ε, δ) alone lets 100 of 100 guesses be right. Somebody has seen all models of this run and "
        "knows all other hospitals' data. Of 100 guesses whether hospital 1 took part, at even odds: how many are right?"
    )
    made = explorers.Explorer(
        _("A hundred guesses"),
        [_kit.epsilon(1.0, 0.1, 30.0, _("total ε"))],
        lambda epsilon: dict(epsilon=epsilon, can=first_plan(epsilon).attacker()),
        plots.Chart([seen, right], size=(6.6, 2.9)),
        _draw_guesses,
        _say_guesses,
        predict=("00.c", question, [_("about 60"), _("about 85"), _("all 100")], 1, _because_guesses),
        attacker=lambda r: r["can"],
        unit="hospital",
    )
    return browser.live(made, "nb00.attackers")


def _because_guesses(r):
    return _(
        "{ten} with the best rule against this run's noise; at ε = 1 it is {one}. ε is a promise about every mechanism, "
        "down to the rarest outputs."
    ).format(ten=first_plan(10.0).attacker().people, one=first_plan(1.0).attacker().people)


@lru_cache
def _curves():
    grid = np.geomspace(0.1, 30, 25)
    can = [first_plan(float(epsilon)).attacker() for epsilon in grid]
    return grid, [100 * one.even_odds for one in can], [100 * one.bound for one in can]


def _draw_guesses(r):
    x, (grid, exact, bound) = np.linspace(-4, 7, 111), _curves()
    marks = []
    for shift, role, height, words in (
        (0, "alone", 0.57, _("without hospital 1")),
        (r["can"].mu, "attacker", 0.5, _("with it")),
    ):
        bell = np.exp(-((x - shift) ** 2) / 2) / np.sqrt(2 * np.pi)
        marks += [plots.band(x, 0 * x, bell, role, opacity=0.3), plots.line(x, bell, role)]
        marks.append(plots.text(-3.8, height, words, role))
    for curve, here, role, words in (
        (bound, r["can"].bound, "bound", _("bound")),
        (exact, r["can"].even_odds, "attacker", _("this run")),
    ):
        marks += [plots.line(grid, curve, role, words, 1)]
        marks += [plots.dots([r["epsilon"]], [100 * here], role, panel=1, size=4.5)]
    return marks


def _say_guesses(r):
    can = r["can"]
    return _(
        "Total ε = {epsilon:.3g} at δ = 1e-5, a hospital added or removed. Hospital 1 moves what is seen by {mu:.2g} "
        "deviations of the noise at most, so a guess about this run is right at most {right:.1f} times of 100; the bound "
        "over all mechanisms is {bound:.1f}. A rule that falsely accuses 1 of 100 finds {found:.1f} of 100 who were in."
    ).format(epsilon=r["epsilon"], mu=can.mu, right=100 * can.even_odds, bound=100 * can.bound, found=100 * can.tpr)
