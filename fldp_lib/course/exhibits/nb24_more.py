"""What notebook 24 shows of attacks on a cut model and of their price: gradients, columns read back, what to send."""

from functools import lru_cache

import numpy as np
import torch

from ...adversary import vertical as attacks
from ...interactive import explorers, plots
from ...privacy import mechanisms
from ...vertical import protection, split
from ._cut import DELTA, DRAWS, STEPS, answered, by_one, flipped, known_of, once, right, table
from ._kit import _, clients, epsilon

# Gradients by diagnosis --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _told(epsilon, patients, step):
    """Of a step's gradient rows: lengths and way (draws × n), true diagnoses, and both attacks' AUC (draws,) each."""
    few, run = table(patients)[0], flipped(epsilon, patients)
    known, lengths, ways, scores = known_of(few), [], [], []
    rest = torch.ones(len(few), dtype=torch.bool)
    rest[known] = False
    for draw in range(DRAWS):
        rows = run.gradients("clinic", draw)[step - 1 : step]
        way, long = attacks.directions(rows, known, few.y[known]), rows[0].norm(dim=1)
        lengths.append(long), ways.append(way * long / long.mean().clamp(min=1e-12))
        scores.append([attacks.auc(found[rest], few.y[rest]) for found in (attacks.norms(rows), way)])
    return torch.stack(lengths).numpy(), torch.stack(ways).numpy(), few.y.numpy(), np.array(scores).T


def gradients():
    """The gradient rows that the clinic gets back, by the patient's diagnosis: how long they are, and where they point."""

    def compute(epsilon, step, clients):
        length, way, true, scores = _told(epsilon, clients, step)
        return dict(length=length[0], way=way[0], true=true, scores=scores, epsilon=epsilon, step=step, patients=clients)

    def draw(r):
        lies = 100 * (1 - mechanisms.RandomisedResponse(r["epsilon"]).keep)
        marks = [plots.text(0.03, 53, _("flipped: {0:.2g} of 100").format(lies), "private")]
        for panel, values, low, high in ((0, r["length"] / max(r["length"].max(), 1e-12), 0, 1), (1, r["way"], -3, 3)):
            edges = np.linspace(low, high, 25)
            middle, wide = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
            for label, style in ((0, 1), (1, 2)):
                mine = values[r["true"] == label].clip(low, high - 1e-9)
                share = 100 * np.histogram(mine, edges)[0] / max(len(mine), 1)
                marks.append(plots.bars(middle, share.clip(max=60), style, panel=panel, width=wide, opacity=0.55))
            marks += [plots.text(low + 0.03 * (high - low), 62, _("▌benign"), 1, panel),
                      plots.text(low + 0.36 * (high - low), 62, _("▌malignant"), 2, panel)]  # fmt: skip
        return marks

    def say(r):
        norm, way = 100 * r["scores"]
        words = _("Step {step} of {steps}, {n} patients, diagnoses flipped once with ε = {epsilon:.3g}. A malignant "
                  "patient's row is longer than a benign "
                  "one's in {norm:.0f} of 100 pairs ({a:.0f} to {b:.0f} in five runs), and points more the way of malignant "
                  "ones in {way:.0f} ({c:.0f} to {d:.0f}); a coin says 50.")  # fmt: skip
        return words.format(step=r["step"], steps=STEPS, n=r["patients"], epsilon=r["epsilon"], norm=norm.mean(),
                            a=norm.min(), b=norm.max(), way=way.mean(), c=way.min(), d=way.max())  # fmt: skip

    panels = [plots.Panel(_("length, in the longest one's"), _("of 100 patients of either kind"), x=(0, 1), y=(0, 68),
                          yticks=[0, 20, 40, 60]),
              plots.Panel(_("way (left: benign, right: malignant)"), _("beyond the edges: at the edge"), x=(-3, 3),
                          y=(0, 68), yticks=[0, 20, 40, 60])]  # fmt: skip
    return explorers.Explorer(
        _("What comes back"),
        [epsilon(10.0, 0.1, 10.0, _("ε of a diagnosis")), clients(311, 40, 311, _("common patients")),
         explorers.Slider("step", _("step of the training"), 1, STEPS, 1, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.0)), draw, say, play="step",
        predict=(
            "24.b",
            _("Above the clinic knew twenty diagnoses and read all others from one step's rows, two numbers a patient. "
              "How many must it know for that, if none is flipped?"),
            [_("about twenty"), _("several of either kind"), _("one")],
            lambda r: 2 if by_one() == 1 else 1,
            lambda r: _("the row is (p − y) times one vector that is the same for all, and p lies between 0 and 1: every "
                        "row points as the known patient's or the opposite way. By the first patient alone the clinic "
                        "reads {0:.0f} of 100 right.").format(100 * by_one()),
        ),
    )  # fmt: skip


# Columns read back -------------------------------------------------------------------------------------------------------

SHOWN = ("mean radius", "area error", "worst perimeter")


@lru_cache(maxsize=256)
def _messages(cut, epsilon, patients, seed=1):
    """The clinic's activations of fixed bottoms as the hospital gets them (1 × n × cut)."""
    guard = None if epsilon is None else protection.guard(epsilon, DELTA, fixed=True, clip=0.5)
    return split.train(table(patients)[0], steps=1, cut=cut, fixed="random", features=guard, seed=seed).activations["clinic"]


@lru_cache(maxsize=512)
def _inferred(cut, epsilon, patients, known, seed=1):
    """The clinic's columns as the hospital infers them (n × 9), and how much of each that explains, with and without."""
    few = table(patients)[0]
    mine, own = few.xs[few.names.index("clinic")], few.xs[few.holder]
    places = torch.arange(known)
    found = attacks.infer(_messages(cut, epsilon, patients, seed), places, mine[places], own=own)
    base = attacks.infer(None, places, mine[places], own=own)
    return found, *(attacks.explained(mine, each, places).numpy() for each in (found, base))


@lru_cache(maxsize=2)
def _ten(cut=2):
    """What ten draws of weights explain of the nine columns, on average, and what the hospital's own columns do."""
    found = [_inferred(cut, None, 311, 30, seed)[1:] for seed in range(10)]
    return tuple(float(np.mean(each)) for each in zip(*found, strict=True))


def columns():
    """A column of the clinic as the hospital infers it from the activations, beside what its own columns tell anyway."""

    def compute(column, epsilon, cut, known, clients):
        found, share, base = _inferred(cut, epsilon, clients, known)
        few = table(clients)[0]
        place = few.features[few.names.index("clinic")].index(column)
        return dict(true=few.xs[few.names.index("clinic")][:, place].numpy(), found=found[:, place].numpy(), share=share,
                    base=base, place=place, column=column, epsilon=epsilon, cut=cut, known=known)  # fmt: skip

    def draw(r):
        places = np.arange(len(r["share"]))
        return [
            plots.line([-1, 1], [-1, 1], 5, width=1.0),
            plots.dots(r["true"][r["known"] :], r["found"][r["known"] :].clip(-1.2, 1.2), "attacker", size=1.8, opacity=0.7),
            plots.bars(places, 100 * r["share"].clip(min=-0.1), "attacker", panel=1, width=0.62, opacity=0.6),
            plots.dots(places, 100 * r["base"].clip(min=-0.1), "alone", panel=1, size=3.5),
            plots.text(-0.5, 111, _("▌with what is sent"), "attacker", 1), plots.text(4.6, 111, _("◆ without"), "alone", 1),
        ]  # fmt: skip

    def say(r):
        sent = _("one number") if r["cut"] == 1 else _("{0} numbers").format(r["cut"])
        words = _("The clinic sends {sent} a patient, with noise for ε = {epsilon}. The hospital knows the clinic's "
                  "columns of {known} patients; of the others' variance it explains on average over nine columns {share} "
                  "({column}: {one}), from its own columns alone {base}. One draw of weights.")  # fmt: skip
        return words.format(sent=sent, epsilon=_few(r["epsilon"]), known=r["known"], share=_part(r["share"].mean()),
                            column=r["column"], one=_part(r["share"][r["place"]]), base=_part(r["base"].mean()))  # fmt: skip

    panels = [plots.Panel(_("true column, and inferred (upwards)"), x=(-1, 1), y=(-1.25, 1.25), xticks=[-1, 0, 1],
                          yticks=[-1, 0, 1]),
              plots.Panel(_("explained, of 100, by column"), x=(-0.6, 8.6), y=(-12, 122), yticks=[0, 50, 100],
                          xticks={1: _("mean"), 4: _("error"), 7: _("worst")})]  # fmt: skip
    return explorers.Explorer(
        _("What is sent across"),
        [explorers.Choice("column", _("column shown"), list(SHOWN), SHOWN[0]),
         epsilon(10_000.0, 1.0, 10_000.0, _("ε of a patient's columns")),
         explorers.Slider("cut", _("numbers sent a patient"), 1, 9, 2, whole=True),
         explorers.Slider("known", _("patients known"), 5, 100, 30, step=0.05, log=True, whole=True),
         clients(311, 120, 311, _("common patients"))],
        compute, plots.Chart(panels, size=(6.6, 3.1)), draw, say,
        attacker=lambda r: _guard(r["epsilon"]), unit="which of two rows a patient has",
        predict=(
            "24.c",
            _("The clinic holds nine columns and sends two numbers a patient, a tanh of random mixtures. Knowing 30 "
              "patients' columns, how much of the nine's variance can the hospital get back? (Mean of ten draws.)"),
            [_("less than a third: two numbers for nine columns"), _("from a third to two thirds"),
             _("more than two thirds")],
            lambda r: min(int(3 * max(_ten()[0], 0)), 2),
            lambda r: _("columns of one patient hang together: {0}% of the variance, where the hospital's own columns "
                        "tell {1}%.").format(*map(_hundred, _ten())),
        ),
    )  # fmt: skip


def _few(epsilon):
    """An ε in three digits, without an exponent."""
    return f"{epsilon:.3g}" if epsilon < 1000 else f"{epsilon:,.0f}"


def _part(share):
    """A share of the variance as text: whole per cents, or that it is worse than the known patients' mean."""
    return _("nothing, worse than their mean ({0}%)").format(_hundred(share)) if share < -0.005 else f"{_hundred(share)}%"


def _hundred(share):
    """A share as a whole percentage, without a minus before zero."""
    return round(100 * float(share)) + 0


@lru_cache(maxsize=64)
def _guard(epsilon):
    from ...privacy import attacker

    return attacker.of(protection.guard(epsilon, DELTA, fixed=True).messages, delta=DELTA)


# Three ways to send ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _level(epsilon):
    """The ε of flips against which the best guess is right as often as against a number's noise for an ε."""
    odds = _guard(epsilon).even_odds
    return 20.0 if odds > 1 - 1e-8 else float(np.log(odds / (1 - odds)))


def worth():
    """How well the hospital diagnoses new patients, alone, with noisy numbers, with one flipped bit, without privacy."""

    def compute(equal, epsilon, cut, clients):
        bit, alone = (_level(epsilon) if equal else epsilon), right(None, clients, ("hospital",))
        ways = [alone, once(epsilon, clients, cut), answered(bit, clients), right(None, clients)]
        guesses = [100 * _guard(epsilon).even_odds, 100 * mechanisms.RandomisedResponse(bit).keep]
        return dict(ways=[way.numpy() for way in ways], epsilon=epsilon, bit=bit, cut=cut, patients=clients, guesses=guesses)

    def draw(r):
        marks = []
        for place, (way, style) in enumerate(zip(r["ways"], ("alone", "private", 8, "no privacy"), strict=True)):
            marks += [plots.bars([place], [way.mean()], style, width=0.62, opacity=0.45),
                      plots.dots(place + np.linspace(-0.2, 0.2, len(way)), way, style, size=2.6),
                      plots.text(place - 0.14, 101.5, f"{way.mean():.0f}", style)]  # fmt: skip
        return marks + [
            plots.text(k + 0.62, 8, _("guessed: {0:.1f}").format(g), "attacker") for k, g in enumerate(r["guesses"])
        ]

    def say(r):
        sent = _("one noisy number") if r["cut"] == 1 else _("{0} noisy numbers").format(r["cut"])
        words = _("{n} patients. Of 100 new ones the hospital diagnoses {0:.1f} right alone; {1:.1f} with {sent} from each "
                  "party, ε = {epsilon:.3g}, of which the best guess which of two rows it was is right for {a:.1f}; {2:.1f} "
                  "with one flipped bit from each, ε = {bit:.3g}, guessed right for {b:.1f}; {3:.1f} without privacy. Means "
                  "of five runs.")  # fmt: skip
        return words.format(*(way.mean() for way in r["ways"]), n=r["patients"], epsilon=r["epsilon"], bit=r["bit"],
                            sent=sent, a=r["guesses"][0], b=r["guesses"][1])  # fmt: skip

    names = [_("alone"), _("noisy numbers"), _("one bit"), _("no privacy")]
    same = {_("ε"): False, _("attacker at even odds"): True}
    panel = plots.Panel(_("right, of 100 new patients; guessed rows, of 100"), x=(-0.6, 3.6), y=(0, 110),
                        yticks=[0, 50, 100], xticks=dict(enumerate(names)))  # fmt: skip
    return explorers.Explorer(
        _("What to send for an ε"),
        [explorers.Choice("equal", _("number and bit have the same"), same, False, buttons=True),
         epsilon(4.0, 0.5, 100.0, _("ε of a patient's columns at one party, numbers")),
         explorers.Slider("cut", _("noisy numbers a patient"), 1, 6, 2, whole=True),
         clients(311, 40, 311, _("common patients"))],
        compute, plots.Chart([panel], size=(5.6, 3.1)), draw, say,
        predict=(
            "24.d",
            _("The same ε = 4 at each party for a patient's columns. With what does the hospital diagnose better: two "
              "numbers from each party with Gaussian noise, or one bit from each, flipped now and then?"),
            [_("two numbers: a bit throws nearly all away"), _("both alike: the ε is the same"), _("one bit")],
            lambda r: 2 if answered(4.0, 311).mean() > once(4.0, 311, 2).mean() + 2 else 1,
            lambda r: _("{0:.0f} of 100 with a bit, {1:.0f} with two noisy numbers, {2:.0f} alone. Now give both the same "
                        "attacker at even odds.").format(answered(4.0, 311).mean(), once(4.0, 311, 2).mean(),
                                            right(None, 311, ("hospital",)).mean()),
        ),
    )  # fmt: skip
