"""Exhibits of notebook 05, continued: twenty private rounds, and the three places where their noise can be added."""

import math
from functools import lru_cache

import numpy as np
import torch

from ... import data
from ...interactive import browser, explorers, plots
from ...privacy import mechanisms
from ...training.plan import Plan
from . import _dealing
from ._groups import Groups, noises, together
from ._kit import _, clients, epsilon, short
from ._singles import images

__all__ = ["places", "rounds"]
DELTA, ROUNDS, CLIENTS = 1e-5, 20, 300
PLAN = Plan(rounds=ROUNDS, lr=2.0, delta=DELTA)


@lru_cache(maxsize=32)
def dealt(n, seed=0):
    """The digits, dealt to n clients."""
    return data.split(images(), n, seed=seed)


@lru_cache(maxsize=64)
def _budget(epsilon):
    """The plan at clip 1 for this total, and the total ε after each round."""
    plan = PLAN.calibrated(epsilon, clip=1.0)
    return plan, plan.curve()


@lru_cache(maxsize=256)
def _attacker(epsilon, round):
    return _budget(epsilon)[0].attacker(round)


@lru_cache(maxsize=64)
def grouped(n):
    """The same, ready to be trained in many runs at once."""
    return Groups(dealt(n))


@lru_cache(maxsize=1)
def _normals():
    generator = torch.Generator().manual_seed(2)
    return torch.stack([torch.randn((650,), generator=generator, dtype=torch.float64) for _round in range(ROUNDS)])


@lru_cache(maxsize=1)
def shipped():
    """What a page needs to train on the digits by itself: images, who gets which, unit noise.

    Returns:
        Training images in the order in which they are dealt, in sixteenths, `owner` of them modulo the number of clients;
        test images; the noise of `rounds` (20 × 650) and of the three draws of `few` (20 × 3 × 650).
    """
    one = mechanisms.Gaussian(1.0, 1.0)
    few = torch.stack([noises(one, 1, ROUNDS, seed) for seed in range(3)], 1).float()
    return _dealing.digits() | {"noise": _normals().float(), "few": few}


@lru_cache(maxsize=64)
def _run(epsilon, clip):
    """Twenty rounds of 300 clients: accuracy, share clipped, direction kept and signal of each round; the noise."""
    noise = mechanisms.Gaussian(_budget(epsilon)[0].mechanism.noise_multiplier, clip)
    run = together(grouped(CLIENTS), PLAN, noise.std * _normals()[:, None], clip)
    return np.concatenate([run.accuracy, run.cut, run.cosine, run.signal]), noise.std * math.sqrt(650) / CLIENTS


@lru_cache(maxsize=1)
def _plain():
    return together(grouped(CLIENTS), PLAN).accuracy[0]


def rounds():
    """Twenty rounds at one clip: accuracy, and the two things a clip trades, what it cuts and what noise it brings."""
    question = _("300 clients train at total ε = 2 with a clip of 6, which cuts nearly nobody. The clip becomes 0.06, which "
                 "cuts everybody to a hundredth. The accuracy after 20 rounds …")  # fmt: skip
    options = [_("falls to guessing: the updates are gone"), _("stays where it is"), _("rises")]

    def because(result):
        wide, narrow = (_run(2.0, clip)[0][0][-1] for clip in (6.0, 0.06))
        return _("from {wide:.2f} to {narrow:.2f}. The noise shrinks with the clip, a hundredth of each update still "
                 "points the same way, and this model's answers do not depend on the length of θ."
                 ).format(wide=wide, narrow=narrow)  # fmt: skip

    def compute(clip, epsilon, round):
        _plan, curve = _budget(epsilon)
        found, noise = _run(epsilon, clip)
        return {"clip": clip, "epsilon": epsilon, "round": round, "found": found, "noise": noise,
                "spent": float(curve[round - 1]), "attacker": _attacker(epsilon, round), "plain": _plain()}  # fmt: skip

    def marks(r):
        at, now = np.arange(1, r["round"] + 1), r["round"] - 1
        accuracy, _share, _cosine, signal = r["found"]
        everywhere = np.arange(1, ROUNDS + 1)
        return [
            plots.line(everywhere, r["plain"], "no privacy", _("without")),
            plots.line(at, accuracy[: now + 1], "private", _("private")),
            plots.dots(at[-1:], accuracy[now : now + 1], "private", size=4),
            plots.line(everywhere, np.full(ROUNDS, r["noise"]), "private", _("noise"), panel=1),
            plots.line(at, signal[: now + 1], 0, _("signal"), panel=1),
            plots.dots(at[-1:], signal[now : now + 1], 0, panel=1, size=4),
        ]

    def say(r):
        accuracy, share, cosine, signal = r["found"][:, r["round"] - 1]
        return _(
            "Round {round} of 20 at clip {clip:.3g}: {spent:.2f} of the total ε = {epsilon:.3g} (δ = 1e-5) is spent, "
            "accuracy {accuracy:.2f}, {plain:.2f} without privacy. {share:.0f} of 100 updates are cut, their sum keeps its "
            "direction by {cosine:.2f}; signal {signal:.2g} against noise {noise}."
        ).format(
            round=r["round"], clip=r["clip"], spent=r["spent"], epsilon=r["epsilon"], accuracy=accuracy,
            plain=r["plain"][r["round"] - 1], share=100 * share, cosine=cosine, signal=signal, noise=short(r["noise"]),
        )  # fmt: skip

    axes = dict(xlabel=_("round"), x=(1, 20), xticks=[1, 5, 10, 15, 20], right=0.2)
    chart = plots.Chart([
        plots.Panel(_("Test accuracy, 300 clients"), y=(0, 1), **axes),
        plots.Panel(_("Length of the mean update, of its noise"), y=(0.001, 1000), ylog=True, **axes),
    ], size=(7.0, 3.5))  # fmt: skip
    controls = [
        explorers.Slider("clip", _("clip C"), 0.06, 60, 6.0, step=0.05, log=True),
        epsilon(2.0, low=0.2, high=20.0, label=_("ε, over 20 rounds")),
        explorers.Slider("round", _("round"), 1, 20, 20, whole=True),
    ]
    made = explorers.Explorer(_("Twenty private rounds"), controls, compute, chart, marks, say,
                              attacker=lambda r: r["attacker"], play="round",
                              predict=("05.c", question, options, 2, because))  # fmt: skip
    return browser.live(made, "nb05.rounds", shipped)


@lru_cache(maxsize=256)
def _placed(epsilon, place):
    """The noise of a place in the sum for one client and its plan's attacker, at clip 6 and this total ε."""
    plan = PLAN.calibrated(epsilon, clip=6.0, at=place)
    return plan.mechanism, plan.attacker()


@lru_cache(maxsize=1)
def _dust():
    return np.random.default_rng(5).normal(size=(2, 60))


def noise_of_mean(mechanism, place, n):
    """Deviation on one coordinate of the mean: once in the sum, or once in each of n reports."""
    return mechanism.std / (np.sqrt(n) if place == "client" else n)


def places():
    """Who adds the noise and who reads what: at the server, at the clients, in shares; drawn to scale."""
    reads = {
        "server": (_("reads bare updates"), _("add or remove one client")),
        "client": (_("reads noisy updates"), _("replace one client's data")),
        "shares": (_("reads only the sum"), _("add or remove one client")),
    }

    def compute(clients, place, epsilon):
        mechanism, attacked = _placed(epsilon, place)
        server = noise_of_mean(_placed(epsilon, "server")[0], "server", clients)
        noise = noise_of_mean(mechanism, place, clients)
        return {"clients": clients, "place": place, "epsilon": epsilon, "attacker": attacked, "noise": float(noise),
                "times": float(noise / server)}  # fmt: skip

    def marks(r):
        at, n, place = np.linspace(0.1, 0.9, 6), r["clients"], r["place"]
        drawn = [plots.line((x, 0.5), (0.24, 0.68), 5, width=1.0) for x in at]
        scale = {"server": 0.0, "client": 2.0, "shares": 1 / math.sqrt(n)}[place]  # of one client's noise, server's: 1
        across, up = _dust()
        if place == "server":
            drawn.append(plots.dots(0.5 + 0.035 * across, 0.78 + 0.045 * up, "private", size=1.3, opacity=0.6))
        for k, x in enumerate(at):
            if scale:
                here = slice(10 * k, 10 * k + 10)
                drawn.append(plots.dots(x + 0.035 * scale * across[here], 0.2 + 0.045 * scale * up[here], "private",
                                        size=1.3, opacity=0.6))  # fmt: skip
        drawn += [plots.people(at, np.full(6, 0.2), 0, size=7), plots.places([0.5], [0.78], 0, size=11)]
        if place == "shares":
            drawn.append(plots.line((0.38, 0.62, 0.62, 0.38, 0.38), (0.5, 0.5, 0.6, 0.6, 0.5), 0))
            drawn.append(plots.text(0.64, 0.55, _("secure sum")))
        drawn.append(plots.text(0.02, 1.0, _("the server {reads}").format(reads=reads[place][0])))
        drawn.append(plots.text(0.02, -0.01, _("6 of {n} clients; dots: noise, to scale").format(n=n)))
        grid = np.geomspace(10, 1437, 25)
        kinds = {"client": (2, _("clients")), "server": ("private", _("server, shares"))}
        for kind, (style, label) in kinds.items():
            values = noise_of_mean(_placed(r["epsilon"], kind)[0], kind, grid)
            drawn.append(plots.line(grid, values, style, label, panel=1))
        style = 2 if place == "client" else "private"
        return [*drawn, plots.dots([n], [r["noise"]], style, panel=1, size=5)]

    def say(r):
        same = _("as much as at the server")
        times = same if r["place"] != "client" else _("{k:.3g} times the server's").format(k=r["times"])
        names = {"server": _("At the server"), "client": _("At the clients"), "shares": _("In shares")}
        return _(
            "{place}, {n} clients, total ε = {epsilon:.3g} (δ = 1e-5) in 20 rounds: noise {noise:.3g} on each coordinate of "
            "the mean, {times}. The server {reads}; neighbours: {neighbours}."
        ).format(place=names[r["place"]], n=r["clients"], epsilon=r["epsilon"], noise=r["noise"], times=times,
                 reads=reads[r["place"]][0], neighbours=reads[r["place"]][1])  # fmt: skip

    ticks = {n: f"{n}" for n in (10, 30, 100, 300, 1437)}
    chart = plots.Chart([
        plots.Panel(_("Where the noise is added"), x=(0, 1), y=(-0.1, 1.1), xticks={0: ""}, yticks={0: ""}),
        plots.Panel(_("Noise on a coordinate of the mean"), _("clients"), x=(9, 1500), y=(1e-3, 1e3), xlog=True, ylog=True,
                    xticks=ticks, right=0.36),
    ], size=(7.0, 3.5))  # fmt: skip
    controls = [
        clients(300, 10, 1437),
        explorers.Choice("place", _("noise at"), {_("the server"): "server", _("the clients"): "client",
                                                  _("shares"): "shares"}, "server"),
        epsilon(2.0, low=0.2, high=20.0, label=_("ε, over 20 rounds")),
    ]  # fmt: skip
    made = explorers.Explorer(_("Three places for the noise"), controls, compute, chart, marks, say,
                              attacker=lambda r: r["attacker"])  # fmt: skip
    return browser.live(made, "nb05.places", lambda: {"dust": _dust()})
