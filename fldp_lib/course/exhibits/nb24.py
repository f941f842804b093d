"""What notebook 24 shows first: three tables of columns and what goes over the cut; a matching without a list."""

from functools import lru_cache

import numpy as np
import torch

from ...adversary import vertical as attacks
from ...interactive import explorers, plots
from ...privacy import attacker, mechanisms
from ...vertical import matching, parties
from ._cut import FEW as DRAWS
from ._cut import flipped, known_of, right, table, three
from ._kit import _, clients, epsilon
from .nb24_more import columns, gradients, worth

__all__ = ["columns", "gradients", "matched", "tables", "worth"]
ROWS = 10  # patients drawn
SETS = (("hospital",), ("clinic", "hospital"), ("clinic", "hospital", "laboratory"))
WHERE = {"clinic": 0, "laboratory": 11, "hospital": 22}  # left edges of the drawn tables
DIAGNOSIS, READ = 37.5, 43.5


@lru_cache(maxsize=256)
def _read(epsilon, patients):
    """Each diagnosis as the clinic reads it off the first gradients' way (draws × n), true ones (n,), whom it knew."""
    few, run = table(patients)[0], flipped(epsilon, patients, draws=DRAWS)
    known = known_of(few)
    scores = [attacks.directions(run.gradients("clinic", draw)[:1], known, few.y[known]) for draw in range(DRAWS)]
    return (torch.stack(scores) > 0).long(), few.y, known


def _share(epsilon, patients):
    """Right readings of 100 unknown patients (draws,)."""
    said, true, known = _read(epsilon, patients)
    rest = np.setdiff1d(np.arange(len(true)), known)
    return 100 * (said[:, rest] == true[rest]).double().mean(1)


def tables():
    """Three tables of columns, the diagnoses that the clinic reads off its gradients, and how well the model diagnoses."""

    def compute(epsilon, clients):
        said, true, known = _read(epsilon, clients)
        shown = np.setdiff1d(np.arange(len(true)), known)[:ROWS]  # patients whose diagnosis the clinic did not know
        return dict(said=said[0], true=true, shown=shown, read=_share(epsilon, clients), epsilon=epsilon, patients=clients,
                    right=[right(None if len(names) == 1 else epsilon, clients, names, DRAWS) for names in SETS],
                    plain=[float(right(None, clients, names, DRAWS).mean()) for names in SETS])  # fmt: skip

    def draw(r):
        few, marks, y, shown = table(r["patients"])[0], [], np.arange(ROWS)[::-1], r["shown"]
        for style, name in enumerate(WHERE):
            x = few.xs[few.names.index(name)][shown].numpy()
            high = x > np.median(few.xs[few.names.index(name)].numpy(), axis=0)
            for held, size in ((high, 2.6), (~high, 1.0)):
                row, column = np.nonzero(held)
                marks.append(plots.dots(WHERE[name] + column, y[row], (9, 9, 3)[style], size=size, opacity=0.75))
        for style in (0, 1):
            ill = r["true"][shown].numpy() == style
            marks.append(plots.people(np.full(ill.sum(), DIAGNOSIS), y[ill], (1, 2)[style], size=5.5))
        agree = (r["said"] == r["true"])[shown].numpy()
        for good, style in ((True, "attacker"), (False, 5)):
            marks.append(plots.people(np.full((agree == good).sum(), READ), y[agree == good], style, size=5.5))
        marks += [plots.text(24.5, ROWS - 0.1, _("▌read right"), "attacker"), plots.text(36.8, ROWS - 0.1, _("▌wrong"), 5)]
        lies = _("flipped: {0:.2g} of 100").format(100 * (1 - mechanisms.RandomisedResponse(r["epsilon"]).keep))
        places = np.arange(len(SETS))
        marks.append(plots.text(0.62, 6, lies, "private", 1))
        marks.append(plots.bars(places, r["plain"], "no privacy", panel=1, width=0.62, opacity=0.3))
        for place, found in enumerate(r["right"]):
            style = "private" if place else "alone"
            marks.append(plots.dots(place + np.linspace(-0.2, 0.2, DRAWS), found, style, panel=1, size=2.6))
            marks.append(plots.text(place - 0.2, 101.5, f"{found.mean():.0f}", style, 1))
        return marks

    def say(r):
        words = _("{n} common patients; {lies:.2g} of 100 diagnoses flipped before the training, ε = {epsilon:.3g}. "
                  "From the "
                  "first gradients that come back the clinic reads {read:.0f} of 100 diagnoses right. Of 100 new "
                  "patients the model "
                  "diagnoses {three:.0f} right with all three, {two:.0f} without the laboratory, the hospital alone "
                  "{one:.0f}; "
                  "without flips {plain:.0f} with all three. Means of three runs.")  # fmt: skip
        lies = 100 * (1 - mechanisms.RandomisedResponse(r["epsilon"]).keep)
        return words.format(lies=lies, epsilon=r["epsilon"], n=r["patients"], read=r["read"].mean(),
                            three=r["right"][2].mean(), two=r["right"][1].mean(), one=r["right"][0].mean(),
                            plain=r["plain"][2])  # fmt: skip

    names = {4: _("clinic"), 15: _("laboratory"), 27.5: _("hospital"), DIAGNOSIS: _("ill?"), READ: _("read")}
    panels = [plots.Panel(_("columns of the same patients"), x=(-1.2, 45.5), y=(-0.9, ROWS + 0.7), xticks=names, yticks=[]),
              plots.Panel(_("right, of 100 new patients"), x=(-0.6, 2.6), y=(0, 106), yticks=[0, 50, 100],
                          xticks=dict(enumerate([_("alone"), _("+ clinic"), _("all three")])))]  # fmt: skip
    return explorers.Explorer(
        _("Three tables, one model"),
        [epsilon(10.0, 0.1, 10.0, _("ε of a diagnosis")), clients(311, 40, 311, _("common patients"))],
        compute, plots.Chart(panels, size=(7.0, 3.1)), draw, say,
        attacker=lambda r: attacker.of(mechanisms.RandomisedResponse(r["epsilon"])),
        unit="which diagnosis a patient has",
    )  # fmt: skip


# A matching without a list -----------------------------------------------------------------------------------------------

HASHED, ONE, BOTH = "hashed", "one", "both"
MOST = 60


@lru_cache(maxsize=1)
def _lists():
    """Identifiers of the clinic's and of the hospital's patients, every second one of both."""
    clinic, hospital, _laboratory = (set(party.ids) for party in three())
    common, own, other = sorted(clinic & hospital), sorted(clinic - hospital), sorted(hospital - clinic)
    return [[(common if k % 2 == 0 else alone)[k // 2] for k in range(MOST)] for alone in (own, other)]


@lru_cache(maxsize=1)
def _ranks():
    """When an attacker comes to an identifier who tries all there are, in a random order."""
    everybody = np.array(parties.every_id())
    order = np.random.default_rng(0).permutation(len(everybody))
    return dict(zip(everybody[order].tolist(), range(1, len(order) + 1), strict=True))


@lru_cache(maxsize=256)
def _points(state, mine, theirs):
    """Both parties' points as they lie on the line (bytes), in the order of their identifiers."""
    lists = [names[:many] for names, many in zip(_lists(), (mine, theirs), strict=True)]
    if state == HASHED:
        return [[bytes.fromhex(each) for each in matching.hashed(names)] for names in lists]
    sides = [matching.Side(name, names, seed=0) for name, names in zip(("clinic", "hospital"), lists, strict=True)]
    once = [side.blind([matching.point(each) for each in side.ids]) for side in sides]
    return once if state == ONE else [sides[1].blind(once[0]), sides[0].blind(once[1])]


def matched():
    """Two lists of identifiers as points: hashed, under each owner's key, under both keys; what a patient attacker reads."""

    def compute(state, clients, hospital, guesses):
        points, names = (
            _points(state, clients, hospital),
            [n[:m] for n, m in zip(_lists(), (clients, hospital), strict=True)],
        )
        ranks = np.array([_ranks()[each] for each in (*names[0], *names[1])])
        plain = {bytes.fromhex(each) for each in matching.hashed(sorted({*names[0], *names[1]}))}
        plain |= {matching.point(each) for each in (*names[0], *names[1])}
        guessable = np.array([each in plain for each in (*points[0], *points[1])])  # with the best dictionary there can be
        return dict(points=points, both=set(points[0]) & set(points[1]), common=len(set(names[0]) & set(names[1])),
                    when=np.sort(ranks[guessable]), state=state, guesses=guesses, sizes=(clients, hospital))  # fmt: skip

    def draw(r):
        marks = []
        for points, style, size in zip(r["points"], ("alone", "no privacy"), (3.0, 3.0), strict=True):
            x, y = _places([each for each in points if each not in r["both"]])
            marks.append(plots.dots(x, y, style, size=size))
        x, y = _places(sorted(r["both"]))
        marks += [plots.dots(x, y, "centralised", size=4.5), plots.text(0.0, 1.06, _("◆ clinic"), "alone"),
                  plots.text(0.34, 1.06, _("◆ hospital"), "no privacy"),
                  plots.text(0.75, 1.06, _("● equal"), "centralised")]  # fmt: skip
        all_, when = sum(r["sizes"]), r["when"]
        x = np.geomspace(1, len(_ranks()), 60)
        marks.append(plots.line(x, 100 * np.searchsorted(when, x, side="right") / all_, "attacker", panel=1, width=2.4))
        now = 100 * np.searchsorted(when, r["guesses"], side="right") / all_
        return [*marks, plots.dots([r["guesses"]], [now], "attacker", panel=1, size=5)]

    def say(r):
        state = {HASHED: _("Hashed"), ONE: _("Each under its owner's key"), BOTH: _("Under both keys")}[r["state"]]
        words = _("{state}: {a} points of the clinic, {b} of the hospital; {same} are equal, and {common} patients are in "
                  "common. Whoever sees the points and tries {tried:,} of the {all:,} identifiers that there are reads "
                  "{read} "
                  "of the {sum} points.")  # fmt: skip
        read = int(np.searchsorted(r["when"], r["guesses"], side="right"))
        return words.format(state=state, a=r["sizes"][0], b=r["sizes"][1], same=len(r["both"]), common=r["common"],
                            tried=round(r["guesses"]), all=len(_ranks()), read=read, sum=sum(r["sizes"]))  # fmt: skip

    most = len(_ranks())
    panels = [plots.Panel(_("identifiers as points"), x=(-0.03, 1.03), y=(-0.05, 1.16), xticks=[], yticks=[]),
              plots.Panel(_("identifiers read, of 100"), _("identifiers tried (log)"), x=(1, most), y=(-3, 103), xlog=True,
                          xticks={1: "1", 100: "100", 10_000: "10,000"})]  # fmt: skip
    states = {_("hashed"): HASHED, _("own key"): ONE, _("both keys"): BOTH}
    return explorers.Explorer(
        _("Matching without a list"),
        [explorers.Choice("state", _("identifiers are sent"), states, ONE, buttons=True),
         clients(30, 4, MOST, _("clinic's patients")),
         explorers.Slider("hospital", _("hospital's patients"), 4, MOST, 40, step=0.05, log=True, whole=True),
         explorers.Slider("guesses", _("identifiers tried"), 1, most, 1, step=0.5, log=True, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.1)), draw, say,
        predict=(
            "24.a",
            _("A clinic sends the SHA-256 of its patients' birth date, sex and a number. The hash cannot be inverted. "
              "Somebody "
              "who sees the list can read"),
            [_("none of them"), _("a few, by luck"), _("all of them, by hashing every identifier there is")],
            2,
            lambda r: _("there are {0:,} such identifiers, a fraction of a second's work; choose *hashed* and move the "
                        "last slider to its end.").format(most),
        ),
    )  # fmt: skip


def _places(points):
    """Points of 32 bytes in the unit square (count,), (count,)."""
    read = [[int.from_bytes(each[k : k + 6], "little") / 2**48 for each in points] for k in (2, 12)]
    return np.array(read[0], float), np.array(read[1], float)
