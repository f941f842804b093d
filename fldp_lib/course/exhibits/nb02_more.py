"""More exhibits of notebook 02: one ε, two units; and models that are trained with a hospital and without it."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch

from ... import data
from ...interactive import browser, explorers, plots, scenes
from ...privacy import mechanisms
from ...training.plan import Plan
from . import _kit
from ._clouds import accuracy, chords, cloud, updates
from ._hospitals import patients
from ._kit import _, count, epsilon, three
from ._nb02 import IN, OUT, WITH, density, laplace_attacker

ROUNDS, LR, CLIP, DELTA, RUNS = 5, 8.0, 4.0, 1e-5, 50
# For 3 … 30 hospitals the first deal, from 2 on, in which none is left without patients.
DEALS = (2, 2, 2, 2, 2, 3, 3, 6, 2, 4, 3, 4, 6, 6, 3, 4, 14, 15, 15, 17, 57, 61, 15, 47, 19, 43, 73, 64)
GROUPS = np.unique(np.geomspace(1, 228, 120).round())


def promises():
    """The same ε for a patient and for a hospital: whom it hides, and what the noise leaves of the count."""
    units = {_("a patient"): "patient", _("a hospital, with all its patients"): "hospital"}
    question = _("The count gets noise for ε = 1, the unit is a patient. Somebody asks whether a whole hospital of "
                 "91 patients with malignant tumours was counted. How often is the guess right, at even odds?")  # fmt: skip
    options = [
        _("as often as about a patient, about 70 times in 100"),
        _("practically always"),
        _("hardly more than by a coin"),
    ]

    def compute(epsilon, unit, clients):
        cap = -(-455 // clients)
        scale = (cap if unit == "hospital" else 1) / epsilon
        return {"epsilon": epsilon, "unit": unit, "clients": clients, "cap": cap, "scale": scale}

    def right(r, size):
        return 100 * (1 - np.exp(-np.asarray(size) / r["scale"] / 2) / 2)

    def marks(r):
        cap, most = r["cap"], 100 * laplace_attacker(r["epsilon"]).bound
        drawn = [plots.line(GROUPS, right(r, GROUPS), "attacker", width=2.2)]
        drawn += [plots.line([1, 228], [most, most], "bound", _("ε allows"), width=1.4)]
        one, all_ = float(right(r, 1)), float(right(r, cap))
        drawn += [plots.people([1], [one], "attacker", size=7), plots.places([cap], [all_], "attacker", size=7)]
        drawn += [plots.text(1.15, one - 7, _("a patient"), "attacker")]
        drawn += [plots.text(cap * 0.8, all_ - 9, _("a hospital"), "attacker")]
        axis = np.linspace(-250, 590, 421)
        curve = density("laplace", r["scale"], axis - WITH)
        drawn += [plots.line([WITH, WITH], [0, 1.05], "no privacy", _("true: 170"), 1, width=1.8)]
        drawn += [plots.band(axis, 0 * axis, curve / curve.max(), "private", panel=1, opacity=0.3)]
        return [*drawn, plots.line(axis, curve / curve.max(), "private", panel=1)]

    def say(r):
        unit = _("a patient") if r["unit"] == "patient" else _("a hospital")
        return _(
            "ε = {epsilon:.3g} for {unit}; {clients} of at most {patients}, noise of scale {scale}. A guess at even "
            "odds is right {one:.1f} times in 100 about a patient, {all:.1f} times about a hospital whose patients are all "
            "malignant; ε allows {most:.1f} for its own unit. One count in ten is off by more than {off}."
        ).format(
            epsilon=r["epsilon"], unit=unit, clients=count(r["clients"], _("hospital"), _("hospitals")),
            scale=three(r["scale"]), patients=count(r["cap"], _("patient"), _("patients")),
            one=right(r, 1), all=right(r, r["cap"]),
            most=100 * laplace_attacker(r["epsilon"]).bound, off=three(r["scale"] * np.log(10)),
        )  # fmt: skip

    def because(r):
        return _("the noise of scale 1 hides one patient; 91 of them move the count by 91, and the guess is right "
                 "{right:.1f} times in 100. A promise binds for its unit only.").format(
                     right=float(right({"scale": 1.0}, 91)))  # fmt: skip

    chart = plots.Chart([
        plots.Panel(_("right, of 100 guesses at even odds"), _("patients who come or go together"), x=(0.9, 228), xlog=True,
                    y=(38, 106), xticks={n: str(n) for n in (1, 10, 100)}, yticks=[50, 75, 100],
                    right=0.25),
        plots.Panel(_("what may be published"), _("count"), x=(-250, 590), y=(0, 1.2), yticks={0: ""},
                    xticks=[-200, 0, 200, 400]),
    ], size=(6.4, 3.2))  # fmt: skip
    controls = [
        epsilon(1.0, 0.1, 10.0, _("ε, of the count")),
        explorers.Choice("unit", _("ε is promised to"), units, "patient"),
        _kit.clients(5, 2, 60, _("hospitals")),
    ]
    return browser.live(
        explorers.Explorer(_("One ε, two units"), controls, compute, chart, marks, say,
                              predict=("02.d", question, options, 1, because)), "nb02.promises"
    )  # fmt: skip


@lru_cache(maxsize=64)
def _deal(clients):
    """The hospitals, and which of them is one of a kind, which like the rest."""
    fed = data.split(patients(), clients=clients, how="dirichlet", alpha=0.3, seed=DEALS[clients - 3])
    classes = [fed.client(k)[1] for k in range(clients)]
    share, size = np.array([float((y == 0).double().mean()) for y in classes]), fed.sizes.numpy()
    overall = float((patients().y_train == 0).double().mean())
    return fed, {"odd": int(np.lexsort((size, share))[-1]), "usual": int(np.abs(share - overall).argmin())}


@lru_cache(maxsize=64)
def _noiseless(clients, which):
    """The last models with and without the hospital, clipped but without noise (2, 3)."""
    fed, found = _deal(clients)
    plain = Plan(rounds=ROUNDS, lr=LR, mechanism=mechanisms.Gaussian(noise_multiplier=0.0, clip=CLIP))
    return torch.stack([cloud(side, plain, (0,))[-1, 0] for side in (fed, fed.without(found[which]))])


def _log_ratios(fed, k, path, plan):
    """Of all models of each run (rounds + 1 × runs × 3): how much likelier with hospital k than without it (runs,)."""
    total = 0.0
    for before, after in pairwise(path):
        sent = updates(fed, before.T, plan)  # parameters × clients × runs
        kept = sent * (CLIP / sent.norm(dim=0).clamp(min=1e-30)).clamp(max=1)
        z = fed.clients * (after - before).T - kept.sum(1)
        total = total + ((z + kept[:, k] / 2) * kept[:, k]).sum(0) / plan.mechanism.std**2
    return total


@lru_cache(maxsize=64)
def _ensembles(epsilon, clients, which):
    """Fifty private runs with the hospital and fifty without: places of the last models, and who is right about them."""
    fed, found = _deal(clients)
    k, plan = found[which], Plan(rounds=ROUNDS, lr=LR, delta=DELTA).calibrated(epsilon, clip=CLIP)
    paths = [cloud(fed, plan, tuple(range(RUNS))), cloud(fed.without(k), plan, tuple(range(RUNS, 2 * RUNS)))]
    first, second = _noiseless(clients, which)
    line = (first - second) / (first - second).square().sum()
    places = [((path[-1] - (first + second) / 2) @ line).numpy() for path in paths]
    ratios = [_log_ratios(fed, k, path, plan).numpy() for path in paths]
    last, every = ((a > 0).sum() + (b <= 0).sum() for a, b in (places, ratios))
    return {
        "plan": plan, "k": k, "fed": fed, "ends": [path[-1] for path in paths], "places": places, "last": int(last),
        "all": int(every), "scores": [100 * float(accuracy(fed, path[-1]).median()) for path in paths],
        "plain": 100 * float(accuracy(fed, first)),
    }  # fmt: skip


def leave_one_out():
    """Private models with a hospital and without it, drawn over one another, and two attackers who tell them apart."""
    kinds = {_("one of a kind: only malignant tumours"): "odd", _("the one most like all together"): "usual"}
    question = _("Five hospitals become thirty, at the same total ε = 10. How often does the attacker who saw all models "
                 "tell whether the one of a kind was in?")  # fmt: skip
    options = [_("much less often: it is one among thirty"), _("about as often"), _("much more often")]

    def compute(epsilon, clients, which):
        return _ensembles(epsilon, clients, which) | {"epsilon": epsilon, "clients": clients, "which": which}

    def marks(r):
        x, _y = r["fed"].client(r["k"])
        drawn = [plots.dots(*x.T, 5, size=2.0, opacity=0.7), plots.text(0.3, 1.4, _("its patients"), 5)]
        for style, ends in ((OUT, r["ends"][1]), (IN, r["ends"][0])):
            drawn += [plots.line(*chord, style, width=1.3, opacity=0.7) for chord in chords(ends[:12])]
        drawn += [
            plots.text(-0.97, 1.4, _("12 models with it"), IN),
            plots.text(-0.97, 1.17, _("12 models without it"), OUT),
        ]
        for row, style, places in ((1, IN, r["places"][0]), (0, OUT, r["places"][1])):
            x = np.arcsinh(2 * places)
            shown = np.abs(x) < 6.4
            drawn.append(
                plots.dots(x[shown], (row + np.linspace(-0.27, 0.27, RUNS))[shown], style, panel=1, size=3, opacity=0.6)
            )
        drawn += [plots.line([0, 0], [-0.5, 1.5], "attacker", panel=1, width=1.6)]
        return [
            *drawn,
            plots.text(-5.2, 1.7, _("says “out”"), "attacker", 1),
            plots.text(0.4, 1.7, _("says “in”"), "attacker", 1),
        ]

    def say(r):
        size, outside = int(r["fed"].sizes[r["k"]]), int((np.abs(np.arcsinh(2 * np.concatenate(r["places"]))) >= 6.4).sum())
        beyond = _(" ({n} beyond the picture)").format(n=outside) if outside else ""
        return _(
            "Total ε = {epsilon:.3g} (δ = 1e-5), {clients} hospitals, with and without number {k} ({patients}): the "
            "attacker is right about {last} of 100 runs from the last model{beyond}, {all} from all five. Of 100 test "
            "patients the model gets {inside:.0f} right with it, {outside:.0f} without (medians; before noise {plain:.0f})."
        ).format(
            epsilon=r["epsilon"], clients=r["clients"], k=r["k"] + 1, patients=count(size, _("patient"), _("patients")),
            last=r["last"], all=r["all"], beyond=beyond, inside=r["scores"][0], outside=r["scores"][1], plain=r["plain"],
        )  # fmt: skip

    def because(r):
        few, many = (_ensembles(10.0, n, "odd") for n in (5, 30))
        return _("the attacker gets {few} of 100 runs right with five hospitals, {many} with thirty: the noise on the "
                 "sum depends on ε and the clip alone. What the thirty win is the model, {before:.0f} right of 100 "
                 "patients become {after:.0f}.").format(few=few["all"], many=many["all"], before=few["scores"][0],
                                       after=many["scores"][0])  # fmt: skip

    ticks = {float(np.arcsinh(2 * v)): words for v, words in (
        (-50, "−50"), (-5, "−5"), (-0.5, "−½"), (0.5, "½"), (5, "5"), (50, "50"))}  # fmt: skip
    values = (200, 500, 1000, 2000), (0.08, 0.12, 0.18)
    maps = scenes.maps(patients(), [_("where the last model draws its line")], values, 1,
                       words=(_("worst area"), _("worst smoothness")))  # fmt: skip
    panel = plots.Panel(_("100 last models, to the attacker"), _("½: as if with it; −½: as if without"),
                        x=(-6.5, 6.5), y=(-0.6, 1.95), xticks=ticks, yticks={1: _("with"), 0: _("without")})  # fmt: skip
    controls = [
        epsilon(10.0, 0.1, 100.0),
        _kit.clients(5, 3, 30, _("hospitals")),
        explorers.Choice("which", _("hospital left out"), kinds, "odd"),
    ]
    return explorers.Explorer(
        _("Leave one hospital out"), controls, compute, plots.Chart([*maps, panel], size=(6.6, 3.4)), marks, say,
        predict=("02.f", question, options, 1, because), attacker=lambda r: r["plan"].attacker(), unit="hospital",
    )  # fmt: skip
