"""Notebook 18's deployments: what has been published, by unit, model and ε, as a public registry has it."""

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...interactive import explorers, plots
from ...privacy import accounting, mechanisms
from ._kit import _

FILE = Path(__file__).parent / "deployments.csv"  # its source and licence: deployments.txt
KINDS = ("other", "event", "period", "person")  # from the bottom of the picture
MODELS = {"Central": 0, "Local": 1, "Varies": 2}  # styles
NUMBERS = ("epsilon", "delta", "rho", "persons_rho")
DELTA = 1e-5  # at which a ρ is told as an ε


def deployments():
    """Return the registry's entries, a dict each: its fields as text, those of `NUMBERS` as numbers or None."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row | {name: float(row[name]) if row[name] else None for name in NUMBERS} for row in rows]


@lru_cache(maxsize=1)
def told():
    """The entries that give a unit and an ε or a ρ, by ε: tuples of (entry, ε, its δ or None, height in the picture)."""
    found = []
    for entry in deployments():
        epsilon, delta = entry["epsilon"], 0.0 if entry["variant"] == "Pure DP" else entry["delta"]
        if epsilon is None and entry["rho"] is not None:
            epsilon, delta = of_rho(entry["persons_rho"] or entry["rho"]), DELTA  # a sum over units is of neither
        if epsilon is not None and entry["kind"]:
            found.append((entry, epsilon, delta))
    found.sort(key=lambda one: one[1])
    seen, placed = dict.fromkeys(KINDS, 0), []
    for entry, epsilon, delta in found:  # neighbours in a row stand above one another
        kind = entry["kind"]
        placed.append((entry, epsilon, delta, KINDS.index(kind) + (seen[kind] % 4 - 1.5) * 0.17))
        seen[kind] += 1
    return placed


def of_rho(rho, delta=DELTA):
    """Return an ε at δ that holds for every mechanism with ρ-zCDP: a Gaussian's Rényi divergences are ρ·α, and no larger."""
    return accounting.epsilon(mechanisms.Gaussian((2 * rho) ** -0.5, clip=1.0), delta=delta, method="rdp")


def published():
    """Published deployments by unit and ε; one of them named, with what its ε alone allows an attacker."""
    everything = _("all")
    units = {
        everything: "all",
        _("an event"): "event",
        _("a person's day, month"): "period",
        _("a person, all data"): "person",
    }
    models = {everything: "all", _("central"): "Central", _("local"): "Local"}

    def compute(kind, model, number):
        shown = [kind in ("all", one[0]["kind"]) and model in ("all", one[0]["model"]) for one in told()]
        return dict(shown=np.array(shown), one=told()[number - 1], number=number)

    def marks(r):
        found = []
        for model, style in MODELS.items():
            for shown, opacity in ((False, 0.12), (True, 0.9)):
                some = [one for one, is_shown in zip(told(), r["shown"], strict=True)
                        if one[0]["model"] == model and is_shown == shown]  # fmt: skip
                if some:
                    found.append(plots.dots([one[1] for one in some], [one[3] for one in some], style, opacity=opacity))
        entry, epsilon, _delta, height = r["one"]
        found.append(plots.line([epsilon, epsilon], [-0.6, 3.5], "bound", width=1.0))
        found.append(plots.dots([epsilon], [height], MODELS[entry["model"]], size=6))
        for place, (words, style) in enumerate(((_("central"), 0), (_("local"), 1), (_("varies"), 2))):
            found.append(plots.text(0.007 * 10 ** (0.8 * place), 3.75, words, style))
        return found

    def say(r):
        epsilons = [one[1] for one, shown in zip(told(), r["shown"], strict=True) if shown]
        entry, epsilon, delta, _height = r["one"]
        source = _("as told")
        if entry["persons_rho"]:
            source = _("from ρ = {rho:g} of the tables of persons, at δ = 1e-5").format(rho=entry["persons_rho"])
        elif entry["epsilon"] is None:
            source = _("from ρ = {rho:g}, at δ = 1e-5").format(rho=entry["rho"])
        guess = "" if delta is None else _(
            " By ε and δ alone a guess at even odds about one such unit may be right for {right:.0f} of 100."
        ).format(right=100 * accounting.best_guess(epsilon, delta))  # fmt: skip
        shown = _("None of {all} is like that.")
        if epsilons:
            shown = _("{count} of {all} are lit, ε from {low} to {high}.")
        low, high = (accounting.rounded_up(some(epsilons, default=0)) for some in (min, max))
        shown = shown.format(count=len(epsilons), all=len(r["shown"]), low=low, high=high)
        if not r["shown"][r["number"] - 1]:
            shown += " " + _("The one that is named is not among them.")
        return shown + " " + _(
            "Number {number}: {name} ({curator}, {year}): ε = {epsilon} ({source}); unit: {unit}; {model}.{guess}"
        ).format(
            number=r["number"], name=entry["name"], curator=entry["curator"], year=entry["year"], source=source,
            epsilon=accounting.rounded_up(epsilon), unit=entry["unit"], model=entry["model"],
            guess=guess,
        )  # fmt: skip

    def because(r):
        whole = sum(one[0]["kind"] == "person" for one in told())
        return _("{whole} of {all}; the others cover a day or a month, one event, or a business.").format(
            whole=whole, all=len(told())
        )

    panel = plots.Panel(
        "", _("ε, smaller is safer for the same unit"), "", x=(0.005, 200), y=(-0.6, 4.1), xlog=True,
        xticks={0.01: "0.01", 0.1: "0.1", 1: "1", 10: "10", 100: "100"},
        yticks=dict(enumerate((_("a business"), _("an event"), _("a day,\na month"), _("a person")))),
    )  # fmt: skip
    question = _("Published deployments that tell a unit and an ε: how many of them cover all of a person's data?")
    return explorers.Explorer(
        _("What has been published"),
        [
            explorers.Choice("kind", _("unit"), units, "all"),
            explorers.Choice("model", _("model"), models, "all"),
            explorers.Slider("number", _("deployment, by ε"), 1, len(told()), 20, whole=True),
        ],
        compute, plots.Chart([panel], size=(7.0, 3.2)), marks, say,
        predict=("18.f", question, [_("about one in ten"), _("about four in ten"), _("nearly all")], 1, because),
    )  # fmt: skip
