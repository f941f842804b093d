"""Notebook 10, the synthetic applicants: what privacy costs a small group where everybody's true risk is known."""

from functools import lru_cache

import numpy as np
import torch

from ... import Plan, aggregation
from ...data.generators.lending import _people
from ...interactive import explorers, plots
from . import _kit
from . import nb10_runs as made
from ._kit import _

TRUE = Plan(rounds=40, lr=3.0, delta=1e-5, aggregator=aggregation.weighted_mean)  # for the synthetic applicants
WORLDS, TOP, WAYS = 3, 0.6, ("no privacy", 5, "private")


@lru_cache(maxsize=32)
def _worlds(thin_share):
    """Three populations of 4,000 training applicants: x, y, then 4,000 for the test, true risks, who has a thin file."""
    found = [_people(4_000, 20, thin_share, 4_000, seed) for seed in range(WORLDS)]
    x, default, risk, thin = (torch.from_numpy(np.stack(part)) for part in list(zip(*found, strict=True))[1:])
    x = made.with_one(x)
    return x[:, :4_000].contiguous(), default[:, :4_000].float(), x[:, 4_000:], risk[:, 4_000:].float(), thin[:, 4_000:]


def regrets(thetas, tests, risk, thin):
    """Cost over the best decision's, less 1: for everybody, full and thin files (3 × draws), mean over the populations."""
    denied = (thetas @ tests.mT) >= -float(np.log(made.LOSS))  # worlds × draws × n
    cost = torch.where(denied, 1 - risk.unsqueeze(1), 5 * risk.unsqueeze(1))
    best, found = torch.minimum(1 - risk, 5 * risk), []
    for member in (torch.ones_like(thin), ~thin, thin):
        inside = member.unsqueeze(1).float()
        found.append(((cost * inside).sum(-1) / (best * member).sum(-1, keepdim=True)).mean(0) - 1)
    return torch.stack(found).numpy()


@lru_cache(maxsize=256)
def _known(thin_share, epsilon, banks, clip):
    """Regrets without privacy (3 × 1), with the clip alone (3 × 1), and with noise at the banks (3 × 8)."""
    x, y, *rest = _worlds(thin_share)
    steps = 8 * [min(TRUE.lr, epsilon * (20 / banks) ** 0.5)] + 2 * [TRUE.lr]
    thetas = made.runs(x, y, _known_plan(epsilon, clip), banks, 8, lr=steps, exact=1, bare=1)[-1]
    found = regrets(thetas, *rest)
    return found[:, 9:], found[:, 8:9], found[:, :8]


@lru_cache(maxsize=512)
def _known_plan(epsilon, clip):
    return TRUE.calibrated(epsilon, clip=clip, at="client", unit="record")


def groups():
    """The price for a small group where the truth is known: without privacy, with the clip alone, private (8 draws)."""

    def compute(epsilon, clients, thin_share, clip):
        parts = _known(thin_share, epsilon, clients, clip)
        about = dict(epsilon=epsilon, banks=clients, thin=thin_share, clip=clip, parts=parts)
        return about | dict(attacker=_known_plan(epsilon, clip).attacker())

    def draw(r):
        marks = []
        for k, (part, style, words) in enumerate(
            zip(r["parts"], WAYS, (_("no privacy"), _("clip alone"), _("private")), strict=True)
        ):
            x, middle = np.arange(3) + 0.28 * (k - 1), np.median(part, 1)
            marks += [plots.bars(x, np.minimum(middle, TOP), style, width=0.26), plots.text(k - 0.42, 0.725, words, style)]
            marks += [plots.text(a - 0.12, TOP + 0.01, f"{m:.2f}", style) for a, m in zip(x, middle, strict=True) if m > TOP]
            if k == 2:
                low, high = np.minimum(np.quantile(part, [0, 1], axis=1), TOP)
                marks += [plots.line([a, a], [b, c], 0, width=1.2) for a, b, c in zip(x, low, high, strict=True)]
        return marks

    def say(r):
        (clean, clipped, noisy) = (np.median(part, 1) for part in r["parts"])
        return _(
            "{t:.0f}% thin files, ε = {e:.3g} in total, {n}, clip {c:.3g}. Above the best decision a full file costs "
            "{a:.3f}, a thin one {b:.3f}, private (8 draws of the noise); clip alone {p:.3f} and {q:.3f}, no privacy "
            "{f:.3f} and {g:.3f}."
        ).format(
            t=100 * r["thin"], e=r["epsilon"], n=_kit.count(r["banks"], _("noise"), _("noises")), c=r["clip"], a=noisy[1],
            b=noisy[2], p=clipped[1], q=clipped[2], f=clean[1], g=clean[2],
        )  # fmt: skip

    panel = plots.Panel(_("cost above the best decision's"), "", _("regret"), x=(-0.5, 2.5), y=(0, 0.8),
                        xticks={0: _("everybody"), 1: _("full file"), 2: _("thin file")},
                        yticks=(0, 0.2, 0.4, 0.6))  # fmt: skip
    controls = [
        _kit.epsilon(1.0, label=_("total ε, an applicant")),
        _kit.clients(1, 1, 80, label=_("banks with their own noise")),
        explorers.Slider("thin_share", _("share of thin files"), 0.02, 0.5, 0.08, step=0.02),
        explorers.Slider("clip", _("clip: longest gradient"), 0.3, 5, 2.0, step=0.05, log=True),
    ]
    return explorers.Explorer(
        _("A small group, and a known truth"), controls, compute, plots.Chart([panel], size=(7, 3)), draw, say,
        attacker=lambda r: r["attacker"], unit="applicant",
    )  # fmt: skip
