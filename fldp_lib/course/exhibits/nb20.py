"""What notebook 20 shows first: the same digits under two noises of one ε, and one round's noise undoing the last one's."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import strategies
from ._cohorts import curves
from ._kit import _, clients, epsilon
from ._strategies import dealt, shipped
from .nb20_more import early, returns, widths
from .nb20_runs import federation

__all__ = ["early", "federation", "returns", "two_noises", "undone", "widths"]
NAMES = {_("independent"): "independent", _("tree"): "tree", _("square root"): "sqrt", _("band"): "banded",
         _("best band"): "optimised"}  # fmt: skip
ROUNDS, GROUPS, CLIP = 200, 20, 0.5
DRAWS = 40


def two_noises():
    """The digits learned with independent and with correlated noise of the same ε, retrained at every move."""

    def compute(epsilon, clients):
        found = [curves(kind, epsilon, clients, CLIP, GROUPS) for kind in ("independent", "optimised")]
        (rounds, alone, plan), (_rounds, together, _plan) = found
        return dict(epsilon=epsilon, clients=clients, rounds=rounds, independent=100 * alone, correlated=100 * together,
                    attacker=plan.attacker())  # fmt: skip

    def marks(r):
        shown = []
        for name, role, words in (("independent", 1, _("independent")), ("correlated", "private", _("correlated"))):
            shown += [plots.line(r["rounds"], draw, role, width=1.0, opacity=0.5) for draw in r[name]]
            shown.append(plots.line(r["rounds"], np.median(r[name], 0), role, label=words, width=2.4))
        return shown

    def say(r):
        return _(
            "{clients:,} clients in {groups} groups that take turns, {each:.0f} a round; total ε = {epsilon:.3g} over "
            "{all} rounds. Right of 100 test images, median of 3 draws: {a:.0f} with independent noise, {b:.0f} with "
            "correlated noise."
        ).format(**r, groups=GROUPS, each=r["clients"] / GROUPS, all=ROUNDS, a=np.median(r["independent"][:, -1]),
                 b=np.median(r["correlated"][:, -1]))  # fmt: skip

    panel = plots.Panel("", _("round"), _("test images right, of 100"), x=(0, 200), y=(0, 100), right=0.2,
                        xticks=[0, 50, 100, 150, 200])  # fmt: skip
    made = explorers.Explorer(
        _("One promise, two noises"), [epsilon(1.0, 0.25, 10.0), clients(1437, 200, 1437)],
        compute, plots.Chart([panel], size=(6.2, 3.0)), marks, say, attacker=lambda r: r["attacker"],
    )  # fmt: skip
    return browser.live(made, "nb20.two_noises", lambda: shipped() | dealt())


# One round's noise undoes the last -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _fresh():
    return np.random.default_rng(0).normal(size=(ROUNDS, DRAWS))


@lru_cache(maxsize=128)
def noise(name, band):
    """Of a strategy: s·C⁻¹ (rounds × rounds), the noise in the sums for some draws (draws × rounds), its deviation there."""
    fitted = strategies.strategy(name, ROUNDS, band)
    rows = fitted.sensitivity(GROUPS) * fitted.inverse()
    return rows, np.cumsum(rows @ _fresh(), 0).T, np.sqrt(fitted.errors(GROUPS))


def banded(name, band):
    """The band where the strategy has one, else None."""
    return band if name in ("banded", "optimised") else None


def undone():
    """What one round's noise is made of, and what is left of it in the sums, in units of noise multiplier and clip."""

    def compute(strategy, band, round):
        rows, sums, deviations = noise(strategy, banded(strategy, band))
        back = np.arange(16)
        parts = np.array([rows[round - 1, round - 1 - k] if k < round else 0.0 for k in back])
        return dict(strategy=strategy, band=band, round=round, back=back, parts=parts, sums=sums,
                    here=np.linalg.norm(rows[round - 1]), left=deviations[round - 1],
                    plain=np.sqrt(ROUNDS / GROUPS * round), flat=np.sqrt(ROUNDS / GROUPS))  # fmt: skip

    def marks(r):
        at = np.unique(np.linspace(0, ROUNDS - 1, 60).round().astype(int))
        role = 1 if r["strategy"] == "independent" else "private"
        limit = np.sqrt(ROUNDS / GROUPS * (at + 1))
        edges = [plots.line(at + 1, sign * 1.645 * limit, 1, width=1.2, panel=1) for sign in (1, -1)]
        return [
            plots.bars(r["back"], r["parts"], role),
            *plots.cloud(at + 1, r["sums"][:, at], role, panel=1),
            *edges, plots.text(4, 66, _("independent: 90%"), 1, panel=1),
            plots.dots([r["round"]] * 2, [r["left"], -r["left"]], role, panel=1, size=4),
        ]  # fmt: skip

    def say(r):
        return _(
            "Noise of typical size {here:.2f} is added in round {round}; with independent noise of the same ε it is "
            "{flat:.2f}. In the sum of all rounds so far {left:.1f} is left, with independent noise {plain:.1f}. (In units "
            "of noise multiplier times clip; {rounds} rounds, each client in every {groups}th.)"
        ).format(**r, rounds=ROUNDS, groups=GROUPS)

    def because(_result):
        rows, _sums, left = noise("optimised", GROUPS)
        return _("round 100 adds {here:.2f} where independent noise adds {flat:.2f}; only the sums gain, {a:.1f} in place "
                 "of {b:.1f}.").format(here=np.linalg.norm(rows[99]), flat=np.sqrt(ROUNDS / GROUPS), a=left[99],
                                    b=np.sqrt(ROUNDS / GROUPS * 100))  # fmt: skip

    panels = [
        plots.Panel(_("Noise of this round, in parts"), _("drawn so many rounds ago"), _("share"), x=(-0.7, 15.7),
                    y=(-12, 12), xticks=[0, 5, 10, 15]),
        plots.Panel(_("Noise in the sum of all rounds"), _("round"), x=(0, 200), y=(-80, 80), xticks=[0, 100, 200]),
    ]  # fmt: skip
    question = _("Each round's noise takes back a part of what the rounds before have added, at the same ε. "
                 "The noise of a single round is then …")  # fmt: skip
    options = [_("smaller than independent noise"), _("as large"), _("larger")]
    made = explorers.Explorer(
        _("One round undoes the last"),
        [explorers.Choice("strategy", _("noise"), NAMES, "optimised", buttons=True),
         explorers.Slider("band", _("band, in rounds"), 1, 60, 20, whole=True),
         explorers.Slider("round", _("round"), 1, ROUNDS, 100, whole=True)],
        compute, plots.Chart(panels, size=(6.6, 3.1)), marks, say, predict=("20.a", question, options, 2, because),
        play="round",
    )  # fmt: skip
    return browser.live(made, "nb20.undone", lambda: {**shipped(), "fresh": _fresh().astype("float32")})
