"""Exhibits of notebook 05, private federated learning: one round, and a client whom nobody clipped."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from ... import data
from ...interactive import browser, explorers, plots
from ...privacy import attacker, mechanisms
from ...training import models
from ...training.clients import local_updates
from ...training.plan import Plan
from ._kit import _, clients, epsilon
from .nb05_levers import digits, few, laws
from .nb05_more import places, rounds

__all__ = ["digits", "few", "laws", "one_round", "outlier", "places", "rounds"]
DELTA = 1e-5
CIRCLE = np.linspace(0, 2 * np.pi, 73)
DRAWS = 200  # of the noise of one round
TOP = 1.15  # above it there is room for words


@lru_cache(maxsize=64)
def _first_updates(n):
    """Two weights' updates from zero of n hospitals (n, 2), the last one's scanner showing three times too much."""
    patients = data.load("breast_cancer", features=["mean area", "mean texture"])
    model = models.Linear(2, 1)
    sent = local_updates(model, models.flatten(model), data.split(patients, n), lr=4.0)[:, :2].double()
    sent[-1] *= 3
    return sent, patients.x_test.double(), patients.y_test


@lru_cache(maxsize=1)
def _noise():
    return torch.randn(2, DRAWS, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


@lru_cache(maxsize=1)
def _shipped():
    """What a page needs of `one_round`: patients in the order in which they are dealt, who gets which, unit noise."""
    patients, rng = data.load("breast_cancer", features=["mean area", "mean texture"]), np.random.default_rng(0)
    owner, order = rng.permutation(len(patients.y_train)), rng.permutation(len(patients.y_train))  # as `data.split`
    return {
        "train": {"x": patients.x_train[order], "y": patients.y_train[order].to(torch.uint8), "owner": owner[order]},
        "test": {"x": patients.x_test, "y": patients.y_test.to(torch.uint8)},
        "noise": _noise(),
    }  # fmt: skip


def one_round():
    """One private round: each update is cut at a circle, the mean gets noise; with one hospital, and without it."""

    def compute(epsilon, clients, clip):
        sent, x, y = _first_updates(clients)
        mechanism = Plan(1).calibrated(epsilon, delta=DELTA, clip=clip).mechanism
        kept = mechanisms.clip_rows(sent, clip)[0]
        means = torch.stack([kept.sum(0), kept[:-1].sum(0)]) / clients  # with the last hospital, without it
        spread = mechanism.std / clients
        released = means[:, None] + spread * _noise()
        right = [float((((w @ x.T) > 0) == (y > 0)).double().mean(-1).median()) for w in (released[0], kept.mean(0))]
        return {
            "epsilon": epsilon, "clip": clip, "sent": sent.numpy(), "kept": kept.numpy(), "released": released.numpy(),
            "means": means.numpy(), "noise": spread, "right": right, "attacker": attacker.of(mechanism),
        }  # fmt: skip

    def marks(r):
        across, up = r["clip"] * np.cos(CIRCLE), r["clip"] * np.sin(CIRCLE)
        ring = plots.line(across, np.where(up < TOP, up, np.nan), "bound", width=1.4)
        drawn = [ring]
        for kept in r["kept"][:-1][:60]:
            drawn.append(plots.line((0, kept[0]), (0, kept[1]), 1, width=1.2, opacity=0.55))
        drawn.append(plots.dots(*r["kept"][:-1].T, 1, size=2.2))
        cut, long = r["kept"][-1], r["sent"][-1]
        drawn += [plots.line((cut[0], long[0]), (cut[1], long[1]), 5, width=1.6)]
        drawn += [plots.line((0, cut[0]), (0, cut[1]), 2, width=2.6), plots.dots(cut[:1], cut[1:], 2, size=4)]
        drawn += [plots.text(-1.95, 1.38, _("broken scanner, cut at the circle"), 2)]
        for style, world in ((1, 1), (2, 0)):
            seen = r["released"][world]
            drawn.append(plots.dots(*seen[seen[:, 1] < TOP].T, style, panel=1, size=2.0, opacity=0.45))
        mean = r["means"][0]
        drawn += [plots.line((0, mean[0]), (0, mean[1]), "no privacy", panel=1, width=2.4)]
        drawn += [plots.text(-1.95, 1.38, _("with it"), 2, 1), plots.text(-1.3, 1.4, _("without it"), 1, 1)]
        drawn += [plots.text(-0.4, 1.4, _("before noise"), "no privacy", 1)]
        return drawn

    def say(r):
        n, (private, plain) = len(r["sent"]), r["right"]
        out = int((np.abs(r["released"][0] - [-0.5, 0.0]) > [1.5, TOP]).any(1).sum())
        length = float(np.linalg.norm(r["sent"][-1]))
        fate = _("is cut to {clip:.3g}").format(clip=r["clip"]) if length > r["clip"] else _("is not cut")
        outside = _(" {out} of {draws} draws fall outside the picture.").format(out=out, draws=DRAWS) if out else ""
        return _(
            "ε = {epsilon:.3g} (δ = 1e-5) in one round, {n} hospitals, clip {clip:.3g}: the broken scanner's update, "
            "{long:.2f} long, {fate}; the noise on each weight of the mean is {noise:.2g}. Of 100 test patients the private "
            "model gets {private:.0f} right (median of {draws} draws), {plain:.0f} before noise.{outside}"
        ).format(
            epsilon=r["epsilon"], n=n, clip=r["clip"], long=length, fate=fate,
            noise=r["noise"], private=100 * private, plain=100 * plain,
            draws=DRAWS, outside=outside,
        )  # fmt: skip

    axes = dict(x=(-2, 1), y=(-1.15, 1.6), xticks=[-2, -1, 0, 1], yticks=[-1, 0, 1])
    chart = plots.Chart([
        plots.Panel(_("1 clip: one update a hospital"), _("weight of the area"), _("weight of the texture"), **axes),
        plots.Panel(_("2 mean, 3 noise: what is released"), _("weight of the area"), **axes),
    ], size=(7.0, 3.5))  # fmt: skip
    controls = [
        epsilon(1.0, label=_("ε, of this round")),
        clients(10, 4, 455, label=_("hospitals")),
        explorers.Slider("clip", _("clip C"), 0.05, 2.0, 0.5, step=0.05, log=True),
    ]
    title = _("One private round: clip, mean, noise")
    made = explorers.Explorer(title, controls, compute, chart, marks, say, attacker=lambda r: r["attacker"], unit="hospital")
    return browser.live(made, "nb05.one_round", _shipped)


@lru_cache(maxsize=1)
def _hundred():
    """A hundred clients' first gradients (100 × 650), client 7's noise-free direction, and 400 unit Laplace sums."""
    split, model = data.split(data.load("digits"), 100), models.Linear(64, 10)
    generator = torch.Generator().manual_seed(5)
    sums = torch.stack([mechanisms.laplace_noise((100, 650), 1.0, generator).sum(0) for _k in range(400)])
    return split, model, sums, mechanisms.laplace_noise((1_500, 650), 1.0, generator)


@lru_cache(maxsize=256)
def _gradient(factor):
    """Client 7's first gradient (650,), its pixels too large by the factor."""
    split, model, *_rest = _hundred()
    one = replace(split.select([7]), x=split.select([7]).x * factor)
    return -local_updates(model, models.flatten(model), one, lr=1.0)[0].double()


def outlier():
    """An attacker looks for client 7: the article's noise on raw gradients against one noise on the clipped sum."""
    question = _("Client 7's scanner shows pixels 100 times too large. The server adds noise of scale 1/ε, ε = 1, to every "
                 "client's raw gradient. Of 100 attackers, how many tell rightly whether client 7 is in?")  # fmt: skip
    options = [_("about 50, as by a coin"), _("at most 73, as ε = 1 promises"), _("all of them")]

    def because(result):
        found = compute(100, 1.0, "raw")
        return _("its gradient now moves the sum by {length:,.0f} and nobody bounded that: {right:.0f} of 100 are right. "
                 "Move the first slider to 100.").format(length=found["length"], right=100 * found["right"])  # fmt: skip

    def compute(factor, epsilon, how):
        _split, _model, sums, single = _hundred()
        shift = _gradient(factor)
        length = float(shift.norm(p=1))
        if how == "raw":  # noise on each of the hundred gradients; project the rest on what client 7 sent
            along = sums @ shift / shift.square().sum() / epsilon
            without, present = along, along + 1
            right = ((without < 0.5).double().mean() + (present > 0.5).double().mean()) / 2
        else:  # the likelihood ratio of one Laplace noise of scale clip/ε
            shift, noise = shift / length, single / epsilon
            base = noise.abs().sum(1)
            without = epsilon * (base - (noise - shift).abs().sum(1))
            present = epsilon * ((noise + shift).abs().sum(1) - base)
            right = ((without < 0).double().mean() + (present > 0).double().mean()) / 2
        bound = math.exp(epsilon) / (1 + math.exp(epsilon))
        return {"factor": factor, "epsilon": epsilon, "how": how, "length": length, "right": float(right), "bound": bound,
                "seen": (without.numpy(), present.numpy())}  # fmt: skip

    def marks(r):
        middle = 0.5 if r["how"] == "raw" else 0.0
        reach = max(np.quantile(np.abs(np.concatenate(r["seen"]) - middle), 0.995), 0.8 if r["how"] == "raw" else 1e-9)
        grid, drawn = np.linspace(-1, 1, 42), []
        at = (grid[1:] + grid[:-1]) / 2
        for style, label, seen in zip((1, 2), (_("client 7 is out"), _("client 7 is in")), r["seen"], strict=True):
            share = np.histogram(((seen - middle) / reach).clip(-1, 1), grid)[0] / len(seen)
            share = share / max(share.max(), 1e-9)
            drawn.append(plots.bars(at, share, style, width=0.049, opacity=0.45))
            drawn.append(plots.text(-0.98 if style == 1 else 0.42, 1.12, label, style))
        drawn.append(plots.line((0, 0), (0, 1), "attacker", width=2.2))
        height = np.array([r["right"], r["bound"]]) * 100
        drawn.append(plots.bars([0], height[:1], "attacker", panel=1, width=0.6))
        drawn.append(plots.text(-0.3, height[0] + 4, _("{right:.0f} right").format(right=height[0]), "attacker", 1))
        drawn.append(plots.line((-0.5, 0.5), height[[1, 1]], "bound", _("{b:.0f} allowed").format(b=height[1]), panel=1))
        return drawn

    def say(r):
        told = _("client 7's pixels {factor:,.4g} times too large: its gradient moves the sum by {length:,.0f} (L1).")
        told = told.format(factor=r["factor"], length=r["length"])
        how = _("Noise of scale 1/ε on each raw gradient") if r["how"] == "raw" else _("Clipped to 1, then noise 1/ε once")
        verdict = _("more than") if r["right"] > r["bound"] + 0.03 else _("within")
        return _("{how}, ε = {epsilon:.3g}, {told} The attacker is right {right:.0f} times of 100, {verdict} the "
                 "{bound:.0f} that ε allows.").format(how=how, epsilon=r["epsilon"], told=told, right=100 * r["right"],
                                          verdict=verdict, bound=100 * r["bound"])  # fmt: skip

    chart = plots.Chart([
        plots.Panel(_("What the attacker sees"), _("← rather out      rather in →"), _("how often"), x=(-1, 1), y=(0, 1.25),
                    xticks={0: ""}, yticks={0: ""}),
        plots.Panel(_("Right, of 100"), x=(-0.5, 0.5), y=(0, 110), xticks={0: ""}, yticks=[0, 50, 100], right=0.4),
    ], size=(6.6, 3.3))  # fmt: skip
    controls = [
        explorers.Slider("factor", _("pixels too large by"), 1, 1000, 1, step=0.05, log=True),
        epsilon(1.0, label=_("ε, of this round")),
        explorers.Choice("how", _("protection"), {_("noise on raw gradients"): "raw", _("clip, noise once"): "clip"}, "raw"),
    ]
    asked = ("05.a", question, options, 2, because)
    return explorers.Explorer(_("Looking for client 7"), controls, compute, chart, marks, say, predict=asked)
