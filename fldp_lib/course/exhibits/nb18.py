"""Notebook 18's explorers that train: what one may choose between, the levers, and a decision."""

from functools import lru_cache

import numpy as np
import torch

from ... import data
from ...interactive import explorers, plots
from ...privacy import accounting, attacker
from ...training.plan import Plan
from ._groups import Groups, noises, together
from ._kit import _, clients, epsilon
from ._singles import images
from .nb18_more import correlated, meaning
from .nb18_published import deployments, published

__all__ = ["correlated", "decision", "deployments", "levers", "meaning", "options", "published"]

DELTA, DRAWS = 1e-5, 3
ONCE = Plan(rounds=20, lr=2.0, delta=DELTA)
FEW = Plan.of(rounds=8, local_steps=10, lr=1.0, delta=DELTA)
CLIP = 2.0
RIGHT = 86  # of 100: from here on the private model's name stands on its left


@lru_cache(maxsize=64)
def crowd(count):
    """The digits dealt out to so many clients, and the mean accuracy of up to 60 who train on their own images only."""
    fed = data.split(images(), count, seed=0)
    return Groups(fed), float(Groups(fed.select(torch.arange(min(60, count)))).alone(0.5, 30).mean())


@lru_cache(maxsize=1024)
def curves(count, plan, draws=1):
    """Accuracy after each round, for so many draws of the noise (draws × rounds)."""
    mechanism, groups = plan.mechanism, crowd(count)[0]
    if mechanism is None:
        return together(groups, plan).accuracy
    drawn = torch.stack([noises(mechanism, count, plan.rounds, seed) for seed in range(draws)], 1)
    return together(groups, plan, drawn, mechanism.clip, compare=False).accuracy


# What one may choose between ------------------------------------------------------------------------------------------

FIELD = plots.Panel(
    "", "an attacker is right, of 100 clients", "test images right, of 100",
    x=(48, 102), y=(0, 108), xticks=[50, 60, 70, 80, 90, 100], yticks=[0, 20, 40, 60, 80, 100], right=0.16,
)  # fmt: skip


def _compared(count, plan, private, draws):
    _fed, own = crowd(count)
    can, scores = private.attacker(), 100 * curves(count, private, draws)[:, -1]
    plain = 100 * float(curves(count, plan)[0, -1])
    return dict(attacker=can, own=100 * own, plain=plain, scores=scores, mean=float(scores.mean()), count=count)


@lru_cache(maxsize=1024)
def _found(epsilon):
    """Of how many of 100 clients the best attacker is right at this total ε, Gaussian noise, whatever the rounds."""
    return 100 * attacker.of(accounting.calibrate("gaussian", epsilon=epsilon, delta=DELTA), delta=DELTA).even_odds


def _points(r):
    x = 100 * r["attacker"].even_odds
    return [
        plots.dots([50], [r["own"]], "alone", label=_("alone"), size=4),
        plots.dots([100], [r["plain"]], "no privacy", label=_("no privacy"), size=4),
        plots.dots(np.full(len(r["scores"]), x), r["scores"], "private", size=2.5, opacity=0.5),
        plots.dots([x], [r["mean"]], "private", label="" if x > RIGHT else _("private"), size=4),
        *([plots.text(x - 8, r["mean"] - 6, _("private"), "private")] if x > RIGHT else []),
    ]


def options():
    """What may be chosen between at so many clients: alone, private or no privacy, each retrained, with its attacker."""

    def compute(epsilon, clients):
        return _compared(clients, ONCE, ONCE.calibrated(epsilon, clip=CLIP), DRAWS) | dict(epsilon=epsilon)

    def say(r):
        return _(
            "Of 100 test images the private model gets {mean:.0f} right (mean of {draws} draws; total ε = {epsilon:.3g}, "
            "{count} clients with about {each:.0f} images each); with no privacy it is {plain:.0f}, and everybody is found; "
            "alone {own:.0f}, and nothing is released."
        ).format(**r, draws=DRAWS, each=1437 / r["count"])

    return explorers.Explorer(
        _("What one may choose between"),
        [epsilon(2.0), clients(100, 20, 479)],
        compute, plots.Chart([FIELD], size=(6.6, 3.4)), _points, say,
        attacker=lambda r: r["attacker"], along={"epsilon": explorers.Along(place=_found)},
    )  # fmt: skip


# Levers ---------------------------------------------------------------------------------------------------------------


def _kept(rounds, curve, role, words):
    """A curve up to its last round, and a thin line from there: the model that is released."""
    kept = plots.line([rounds[-1], 30], [curve[-1]] * 2, role, label=words, width=0.8, opacity=0.6)
    return plots.line(rounds, curve, role), kept


def levers():
    """Few clients and a total ε: every lever that the text has, retrained at each move."""

    def compute(epsilon, clients, rounds, steps, clip, lr):
        plan = Plan.of(rounds=rounds, local_steps=steps, lr=lr, delta=DELTA)
        private = plan.calibrated(epsilon, clip=clip)
        settings = dict(epsilon=epsilon, count=clients, rounds=rounds, steps=steps, clip=clip, lr=lr)
        return settings | dict(
            attacker=private.attacker(), own=100 * crowd(clients)[1], sigma=private.mechanism.std / clients,
            plain=100 * curves(clients, plan)[0], private=100 * curves(clients, private, DRAWS),
        )  # fmt: skip

    def marks(r):
        rounds = np.arange(1, r["rounds"] + 1)
        return [
            plots.line([0.5, 30], [r["own"]] * 2, "alone", label=_("alone")),
            *_kept(rounds, r["plain"], "no privacy", _("no privacy")),
            *(plots.line(rounds, draw, "private", width=1.0, opacity=0.5) for draw in r["private"]),
            *_kept(rounds, r["private"].mean(0), "private", _("private")),
        ]

    def say(r):
        return _(
            "{count} clients, total ε = {epsilon:.3g}; rounds: {rounds}, local steps in each: {steps}, of size {lr:.3g}; "
            "clip {clip:.3g}, so noise of {sigma:.3g} in each number of the mean. Right of 100 images: private {mean:.0f} "
            "(mean of {draws} draws), alone {own:.0f}, no privacy {end:.0f}."
        ).format(**r, mean=r["private"][:, -1].mean(), end=r["plain"][-1], draws=DRAWS)

    panel = plots.Panel(
        "", "round", "test images right, of 100", x=(0.5, 30), y=(0, 100), xticks=[1, 10, 20, 30], right=0.18
    )
    controls = [
        epsilon(2.0), clients(20, 20, 720),
        explorers.Slider("rounds", _("rounds"), 1, 30, 8, whole=True),
        explorers.Slider("steps", _("local steps a round"), 1, 10, 10, whole=True),
        explorers.Slider("clip", _("clip: longest update"), 0.25, 16, 2.0, step=0.05, log=True),
        explorers.Slider("lr", _("step size"), 0.1, 8, 1.0, step=0.05, log=True),
    ]  # fmt: skip
    return explorers.Explorer(
        _("Can twenty clients be private?"), controls, compute, plots.Chart([panel], size=(7.0, 2.6)), marks, say,
        attacker=lambda r: r["attacker"],
    )  # fmt: skip


# The decision ---------------------------------------------------------------------------------------------------------


def decision():
    """Everything in one: who is trusted, the plan, ε, the clients, and two demands that an option has to meet."""
    plans = {_("20 rounds of one step"): "once", _("8 rounds of ten steps"): "few"}
    places = {_("the server: it adds the noise"): "server", _("nobody alone: noise in shares"): "shares",
              _("nobody: noise at each client"): "client"}  # fmt: skip

    def compute(epsilon, clients, place, plan, needed, limit):
        base = {"once": ONCE, "few": FEW}[plan]
        found = _compared(clients, base, base.calibrated(epsilon, clip=CLIP, at=place), 1)
        exact = 100 * found["attacker"].even_odds
        tried = (_("alone"), 50, found["own"]), (_("private"), exact, found["mean"]), (_("no privacy"), 100, found["plain"])
        good = [name for name, x, y in tried if x <= limit and y >= needed]
        trust = base.calibrated(epsilon, clip=CLIP, at=place).mechanism.trust
        return found | dict(epsilon=epsilon, needed=needed, limit=limit, good=good, trust=trust, rounds=base.rounds)

    def marks(r):
        return [
            plots.band([48, r["limit"]], [r["needed"]] * 2, [100, 100], "no privacy", opacity=0.15),
            plots.text(48.5, 104, _("↓ both demands met"), "no privacy"),
            *_points(r),
        ]

    def say(r):
        return _(
            "{count} clients, total ε = {epsilon:.3g} over {rounds} rounds; {trust}. Right of 100 images: private "
            "{mean:.0f} (one run), alone {own:.0f}, no privacy {plain:.0f}; an attacker on private for {right} of 100 "
            "clients (the bound: {most:.0f}). At least {needed:.0f} and an attacker at most {limit:.0f}: {met}."
        ).format(
            **r,
            right=r["attacker"].people,
            most=100 * r["attacker"].bound,
            met=", ".join(r["good"]) or _("nothing meets both"),
        )

    def because(r):
        found = [curves(200, ONCE.calibrated(e, clip=CLIP))[0, -1] for e in (0.5, 1.5, 5.0)]
        return _("one run at each of 0.5, 1.5 and 5 reached {:.2f}, {:.2f} and {:.2f}.").format(*found)

    question = _("200 clients, 20 rounds, 85 images of 100 needed: which total ε is the first that has it?")
    return explorers.Explorer(
        _("Your decision"),
        [
            epsilon(1.0), clients(200, 20, 720),
            explorers.Choice("place", _("whom to trust"), places, "server"),
            explorers.Choice("plan", _("plan"), plans, "once"),
            explorers.Slider("needed", _("images right, at least"), 30, 95, 85, whole=True),
            explorers.Slider("limit", _("attacker right, at most"), 50, 100, 70, whole=True),
        ],
        compute, plots.Chart([FIELD], size=(7.0, 2.8)), marks, say,
        predict=("18.e", question, [_("about 0.5"), _("about 1.5"), _("about 5")], 1, because),
        along={"limit": 0, "needed": explorers.Along(axis="y")},
    )  # fmt: skip
