"""What notebook 24 shows first: three tables of columns and what goes over the cut; a matching without a list."""

from functools import lru_cache

import numpy as np
import torch

from ...adversary import vertical as attacks
from ...interactive import explorers, plots
from ...privacy import attacker, mechanisms
from ...vertical import matching, parties
from ._cut import CALLED, DRAWS, flipped, right, table
from ._kit import _, clients, epsilon
from .nb24_more import columns, gradients, known_of, worth

__all__ = ["columns", "gradients", "matched", "tables", "worth"]
ROWS = 14  # patients drawn
SETS = (("hospital",), ("clinic", "hospital"), ("hospital", "laboratory"), ("clinic", "hospital", "laboratory"))
WHERE = {"clinic": 0, "laboratory": 11, "hospital": 22}  # left edges of the drawn tables
DIAGNOSIS, READ = 37.5, 43.5


@lru_cache(maxsize=256)
def _read(epsilon, patients):
    """What the clinic reads: of each patient, the diagnosis by the gradients' directions (draws × n), true ones (n,)."""
    few, run = table(patients)[0], flipped(epsilon, patients)
    known = known_of(few)
    scores = [attacks.directions(run.gradients("clinic", draw), known, few.y[known]) for draw in range(DRAWS)]
    return (torch.stack(scores) > 0).long(), few.y, known


def _share(epsilon, patients):
    """Right readings of 100 unknown patients (draws,)."""
    said, true, known = _read(epsilon, patients)
    rest = np.setdiff1d(np.arange(len(true)), known)
    return 100 * (said[:, rest] == true[rest]).double().mean(1)


def tables():
    """Three tables of columns, the diagnoses that the clinic reads off its gradients, and how well the model diagnoses."""

    def compute(flip, epsilon, clients):
        at = epsilon if flip else None
        said, true, _known = _read(at, clients)
        return dict(said=said[0], true=true, read=_share(at, clients), epsilon=epsilon, flip=flip, patients=clients,
                    right=[right(at, clients, names) for names in SETS],
                    plain=[float(right(None, clients, names).mean()) for names in SETS])  # fmt: skip

    def draw(r):
        few, marks, y = table(r["patients"])[0], [], np.arange(ROWS)[::-1]
        for style, name in enumerate(WHERE):
            x = few.xs[few.names.index(name)][:ROWS].numpy()
            high = x > np.median(few.xs[few.names.index(name)].numpy(), axis=0)
            for held, size in ((high, 2.6), (~high, 1.0)):
                row, column = np.nonzero(held)
                marks.append(plots.dots(WHERE[name] + column, y[row], (9, 9, 3)[style], size=size, opacity=0.75))
        for style in (0, 1):
            ill = r["true"][:ROWS].numpy() == style
            marks.append(plots.people(np.full(ill.sum(), DIAGNOSIS), y[ill], (1, 2)[style], size=5.5))
        agree = (r["said"] == r["true"])[:ROWS].numpy()
        for good, style in ((True, "attacker"), (False, 5)):
            here = agree == good
            marks += [plots.people(np.full(here.sum(), READ), y[here], style, size=5.5)]
        places = np.arange(len(SETS))
        marks.append(plots.bars(places, r["plain"], "no privacy", panel=1, width=0.62, opacity=0.3))
        for place, found in enumerate(r["right"]):
            style = "private" if r["flip"] else "no privacy"
            marks.append(plots.dots(place + np.linspace(-0.2, 0.2, DRAWS), found, style, panel=1, size=2.6))
            marks.append(plots.text(place - 0.2, 101.5, f"{found.mean():.0f}", style, 1))
        return marks

    def say(r):
        how = (
            _("Diagnoses flipped once, with ε = {0:.3g}").format(r["epsilon"]) if r["flip"] else _("Diagnoses as they are")
        )
        words = _("{how}, {n} common patients. From the gradients that come back the clinic reads {read:.0f} of 100 "
                  "diagnoses right. Of 100 new patients the model diagnoses {three:.0f} right with all three, {two:.0f} "
                  "without the laboratory, {one:.0f} with the hospital's columns alone; without flips {plain:.0f} with all "
                  "three. Means of five runs.")  # fmt: skip
        return words.format(how=how, n=r["patients"], read=r["read"].mean(), three=r["right"][3].mean(),
                            two=r["right"][1].mean(), one=r["right"][0].mean(), plain=r["plain"][3])  # fmt: skip

    names = {WHERE["clinic"] + 4: _("clinic"), WHERE["laboratory"] + 4: _("laboratory"), WHERE["hospital"] + 5.5: _("hospital"),
             DIAGNOSIS: _("ill?"), READ: _("read")}  # fmt: skip
    panels = [plots.Panel(_("columns of the same patients"), x=(-1.2, 45.5), y=(-0.9, ROWS - 0.1), xticks=names, yticks=[]),
              plots.Panel(_("right, of 100 new patients"), x=(-0.6, 3.6), y=(50, 106), yticks=[50, 75, 100],
                          xticks=dict(enumerate([_("alone"), _("+ clinic"), _("+ lab"), _("all")])))]  # fmt: skip
    return explorers.Explorer(
        _("Three tables, one model"),
        [explorers.Choice("flip", _("diagnoses train"), {_("as they are"): False, _("flipped once"): True}, False,
                          buttons=True),
         epsilon(1.0, 0.1, 10.0, _("ε of a diagnosis")), clients(311, 40, 311, _("common patients"))],
        compute, plots.Chart(panels, size=(7.0, 3.1)), draw, say,
        attacker=lambda r: attacker.of(mechanisms.RandomisedResponse(r["epsilon"])) if r["flip"] else None,
        unit="which diagnosis a patient has",
    )  # fmt: skip


# A matching without a list -----------------------------------------------------------------------------------------------

HASHED, ONE, BOTH = "hashed", "one key", "both keys"
MOST = 60


@lru_cache(maxsize=1)
def _lists():
    """Identifiers of the clinic's and of the hospital's patients, so that any first ones overlap in part."""
    clinic, hospital = (next(p for p in parties.deal_ids(2 * MOST) if p) for _k in range(2))
    return clinic, hospital


@lru_cache(maxsize=1)
def _guesses():
    """Every identifier there is in a random order, and where each stands in it."""
    everybody = np.array(parties.every_id())[np.random.default_rng(0).permutation(len(parties.every_id()))]
    return {name: place for place, name in enumerate(everybody.tolist())}
