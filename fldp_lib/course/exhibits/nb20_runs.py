"""Notebook 20's last explorer: the digits trained in every way that the notebook has, side by side."""

import numpy as np

from ...interactive import browser, explorers, plots
from ._cohorts import DELTA, ROUNDS, curves
from ._kit import _, clients, epsilon
from ._prices import orders_for_pages
from ._strategies import dealt, shipped

WAYS = {"independent": (1, _("independent")), "optimised": ("private", _("correlated")), "poisson": (2, _("secret coins")),
        "all": (5, _("everybody"))}  # fmt: skip


BOUND = 0.908  # the exact ε of secret coins, 1 in 20, that the explorer's bound gives 1


def _lead(groups):
    """By how much correlated noise leads at ε = 1, with a band as wide as there are groups (draws,)."""
    together, alone = (curves(kind, 1.0, 1437, 0.5, groups, band)[1][:, -1]
                       for kind, band in (("optimised", groups), ("independent", None)))  # fmt: skip
    return together - alone


def federation():
    """The digits at one ε and one number of visits: independent, correlated, with a secret cohort, with everybody."""
    beside = {_("a secret cohort"): "poisson", _("everybody, fewer rounds"): "all", _("nothing"): ""}

    def compute(epsilon, clients, groups, band, clip, other):
        ways = {"independent": None, "optimised": band} | ({other: None} if other else {})
        found = {kind: curves(kind, epsilon, clients, clip, groups, wide) for kind, wide in ways.items()}
        plan = found["optimised"][2]
        return dict(epsilon=epsilon, clients=clients, groups=groups, band=band, clip=clip, other=other, found=found,
                    attacker=plan.attacker(), visits=-(-ROUNDS // groups))  # fmt: skip

    def marks(r):
        shown = []
        for kind, (rounds, accuracy, _plan) in r["found"].items():
            role, words = WAYS[kind]
            share = rounds / rounds[-1]
            shown += [plots.line(share, 100 * draw, role, width=0.9, opacity=0.45) for draw in accuracy]
            shown.append(plots.line(share, 100 * np.median(accuracy, 0), role, label=words, width=2.2))
        return shown

    def say(r):
        coins = ""
        if r["other"] == "poisson":
            coins = _(
                " Secret coins: {mean:.3g} times on average; their noise is set by a bound (of 20 groups at ε = 1, the "
                "exact ε is {bound:.3g})."
            ).format(mean=ROUNDS / r["groups"], bound=BOUND)
        ends = [f"{WAYS[kind][1]} {100 * np.median(accuracy[:, -1]):.0f}" for kind, (_t, accuracy, _p) in r["found"].items()]
        return _(
            "{clients:,} clients, each at most {visits} times, total ε = {epsilon:.3g} at δ = {delta:g}; clip {clip:.3g}, "
            "band {band} of {groups}. Right of 100 test images, median of 3 draws: {ends}.{coins}"
        ).format(**r, delta=DELTA, ends=", ".join(ends), coins=coins)

    def because(_result):
        leads = np.array([_lead(groups) for groups in (5, 20, 50)])
        return _(
            "on the test images the leads are {0:.2f}, {1:.2f} and {2:.2f} (medians), in this order in {count} of 3 draws."
        ).format(*np.median(leads, 1), count=int((np.diff(leads, axis=0) > 0).all(0).sum()))

    panel = plots.Panel("", _("share of the rounds"), _("test images right, of 100"), x=(0, 1), y=(0, 100), right=0.2,
                        xticks=[0, 0.25, 0.5, 0.75, 1])  # fmt: skip
    question = _(
        "1,437 clients, 200 rounds, total ε = 1, clip and step 0.5, a band as wide as there are groups. "
        "Where does correlated noise lead by most?"
    )
    options = [_("5 groups: forty visits each"), _("20 groups: ten visits each"), _("50 groups: four visits each")]
    made = explorers.Explorer(
        _("Who needs which noise?"),
        [epsilon(1.0, 0.25, 10.0), clients(1437, 200, 1437),
         explorers.Slider("groups", _("groups that take turns"), 5, 50, 20, whole=True),
         explorers.Slider("band", _("band, in rounds"), 1, 50, 20, whole=True),
         explorers.Slider("clip", _("clip: longest update"), 0.05, 4, 0.5, step=0.05, log=True),
         explorers.Choice("other", _("beside them"), beside, "poisson")],
        compute, plots.Chart([panel], size=(6.4, 3.0)), marks, say, attacker=lambda r: r["attacker"],
        predict=("20.e", question, options, 2, because),
    )  # fmt: skip
    return browser.live(made, "nb20.federation", lambda: shipped() | dealt() | orders_for_pages())
