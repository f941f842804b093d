"""Notebook 17's explorers of accountants: one run as each tool reports it, and one promise in four dialects."""

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq

from ... import data
from ...interactive import browser, explorers, plots
from ...privacy import accounting, attacker, gaussians, mechanisms
from ...training import models
from ...training.plan import Plan
from . import _dealing
from ._clouds import unit_noise
from ._kit import _, clients, epsilon
from ._networks import many
from .nb17_more import bounds, ledger

__all__ = ["bounds", "dialects", "ledger", "reported"]

DELTA = 1e-5
ORDERS = np.concatenate([np.arange(1.1, 11, 0.1), np.arange(11, 64), 2.0 ** np.arange(6, 11)])  # of Rényi divergences


def converted(sigma, rounds, delta, improved=True):
    """The ε of Gaussian rounds with everybody in all of them, from their Rényi curve by either conversion."""
    rdp = rounds * ORDERS / (2 * sigma**2)
    if improved:
        return float((rdp + np.log1p(-1 / ORDERS) - np.log(delta * ORDERS) / (ORDERS - 1)).min())
    return rounds / (2 * sigma**2) + math.sqrt(2 * rounds * math.log(1 / delta)) / sigma  # at the best real order


def _exact(sigma, rounds, delta=DELTA):
    return accounting.epsilon(mechanisms.Gaussian(sigma, clip=1.0), rounds, 1.0, delta)


# One run, as each tool reports it --------------------------------------------------------------------------------------


def reported():
    """What five ways of accounting say of one federation's run, with everybody in every round."""
    names = [_("exact"), _("RDP"), _("old RDP"), _("limit"), _("replace")]
    roles = ["private", 1, 2, "article", "bound"]

    def compute(sigma, rounds):
        mu = math.sqrt(rounds * math.expm1(1 / sigma**2))  # by the central limit theorem
        told = [_exact(sigma, rounds), converted(sigma, rounds, DELTA), converted(sigma, rounds, DELTA, improved=False),
                _exact(1 / mu, 1), _exact(sigma / 2, rounds)]  # fmt: skip
        can = attacker.of(mechanisms.Gaussian(sigma, clip=1.0), rounds, delta=DELTA)
        return dict(sigma=sigma, rounds=rounds, told=told, attacker=can)

    def marks(r):
        drawn = [plots.line([r["told"][0]] * 2, [-0.7, 4.7], "private", width=1.0)]
        for place, (e, name, role) in enumerate(zip(r["told"], names, roles, strict=True)):
            drawn.append(plots.dots([e], [4 - place], role, label=f"{name} {_short(e)}", size=4))
        return drawn

    def say(r):
        told = [_short(e) for e in r["told"]]
        return _(
            "One run (multiplier {sigma:.3g}, rounds: {rounds}, δ = 1e-5) has many ε: exact {0}, RDP {1}, old RDP, as "
            "before 2020, {2}; if a client's data are replaced {4}. The limit that one tool offers, in general no bound, "
            "says {3}."
        ).format(*told, **r)

    panel = plots.Panel("", _("ε that is reported"), "", x=(0.05, 1000), y=(-0.7, 4.7), xlog=True, yticks={}, right=0.2)
    shown = explorers.Explorer(
        _("One run, as each tool reports it"),
        [
            explorers.Slider("sigma", _("noise multiplier"), 1.0, 100, 20, step=0.05, log=True),
            explorers.Slider("rounds", _("rounds"), 1, 300, 100, step=0.05, log=True, whole=True),
        ],
        compute, plots.Chart([panel], size=(6.4, 3.3)), marks, say,
        attacker=lambda r: r["attacker"],
    )  # fmt: skip
    return browser.live(shown, "nb17.reported")


# One promise in four dialects -----------------------------------------------------------------------------------------

NAMES = ("exact", "RDP", "old RDP", "replace")
STYLES = ("private", 1, 2, "bound")


def multipliers(epsilon, delta, rounds):
    """The least noise that each of four accountants asks for: exact, RDP, RDP by the old conversion, replace-one."""
    least = accounting.calibrate("gaussian", epsilon=epsilon, delta=delta, rounds=rounds).noise_multiplier

    def excess(log_sigma):
        return converted(math.exp(log_sigma), rounds, delta) - epsilon

    improved = math.exp(brentq(excess, math.log(least / 2), math.log(least * 3), xtol=1e-6))
    rho = (math.sqrt(epsilon + math.log(1 / delta)) - math.sqrt(math.log(1 / delta))) ** 2  # the best real order
    return [least, improved, math.sqrt(rounds / (2 * rho)), 2 * least]


@lru_cache(maxsize=64)
def hospitals(count):
    """The patients' training records, dealt out to so many hospitals."""
    return data.split(data.load("breast_cancer"), clients=count)


@lru_cache(maxsize=128)
def accuracies(count, plan, sigmas):
    """The test accuracy after each round with each multiplier, at clip 0.5 (multipliers × rounds)."""
    mechs = [mechanisms.Gaussian(sigma, clip=0.5) for sigma in sigmas]
    return many(_network(), hospitals(count), plan, mechs)


def _network():
    return models.MLP(30, 16, 2)


def _shipped():
    """What a page needs of `dialects`: patients to be dealt out, the network's first parameters, unit noise."""
    start = models.flatten(_network())
    return _dealing.shipped() | {"start": start, "noise": unit_noise((Plan(1).seed,), 20, len(start))[..., 0]}


def dialects():
    """Four accountants are asked for the noise of one and the same promise, and with each the hospitals train again."""

    def compute(epsilon, clients, rounds, delta):
        sigmas, plan = multipliers(epsilon, delta, rounds), Plan(rounds=rounds, lr=2.0, delta=delta)
        curves = accuracies(clients, plan, tuple(sigmas))
        real = gaussians.gaussian_epsilon(np.sqrt(rounds / np.square(sigmas)), delta).tolist()
        can = attacker.of(mechanisms.Gaussian(sigmas[0], clip=0.5), rounds, delta=delta)
        settings = dict(epsilon=epsilon, clients=clients, rounds=rounds, delta=delta)
        return settings | dict(sigmas=sigmas, curves=curves, real=real, attacker=can)

    def marks(r):
        rounds = np.arange(1, r["rounds"] + 1)
        drawn = [plots.line([-0.6, 3.6], [r["epsilon"]] * 2, 0, label=_("asked"), panel=1)]
        for k, (curve, style) in enumerate(zip(r["curves"], STYLES, strict=True)):
            drawn += [
                plots.line(rounds, curve, style, label=NAMES[k]),
                plots.bars([k], [r["real"][k]], style, panel=1, width=0.6),
            ]
        return drawn

    def say(r):
        told = "; ".join(
            _("{name}: multiplier {s:.3g}, worth ε = {e:.3g}, accuracy {a:.2f}").format(name=name, s=s, e=e, a=curve[-1])
            for name, s, e, curve in zip(NAMES, r["sigmas"], r["real"], r["curves"], strict=True)
        )
        return _("Total ε = {epsilon:.3g} asked at δ = {delta:.2g}, {rounds} rounds, {clients} hospitals. {told}.").format(
            **r, told=told
        )

    def because(r):
        found = [sigmas[2] / sigmas[0] for sigmas in (multipliers(e, DELTA, 20) for e in (0.2, 1.0, 10.0))]
        return _("at ε = 0.2, 1 and 10 it is {:.2f}, {:.2f} and {:.2f}.").format(*found)

    left = plots.Panel(_("test accuracy"), _("round"), x=(1, 20), y=(0.2, 1), xticks=[1, 5, 10, 20], right=0.24)
    right = plots.Panel(_("ε that the noise is worth"), y=(0.03, 30), ylog=True, x=(-0.6, 3.6),
                        xticks={0: "exact", 1: "RDP", 2: "old\nRDP", 3: "replace"}, right=0.22)  # fmt: skip
    question = _("ε asked for goes from 0.2 to 10: the factor by which old RDP's noise exceeds the exact …")
    shown = explorers.Explorer(
        _("One promise in four dialects"),
        [
            epsilon(1.0, 0.1, 10, _("ε asked for")), clients(20, 10, 200, _("hospitals")),
            explorers.Slider("rounds", _("rounds"), 5, 20, 20, whole=True),
            explorers.Slider("delta", "δ", 1e-8, 1e-3, 1e-4, step=0.1, log=True),
        ],
        compute, plots.Chart([left, right], size=(6.8, 3.4)), marks, say,
        predict=("17.d", question, [_("falls"), _("stays"), _("rises")], 0, because),
        attacker=lambda r: r["attacker"], unit="hospital",
    )  # fmt: skip
    return browser.live(shown, "nb17.dialects", _shipped)


def _short(value):
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
