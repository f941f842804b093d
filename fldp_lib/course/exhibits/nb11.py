"""Notebook 11's exhibits: tastes found together, a list read off an update, the price by rounds."""

import numpy as np
import torch

from ...interactive import explorers, plots
from . import _nb11 as more
from ._kit import _, clients, count, epsilon
from .nb11_more import rare, recommendations

__all__ = ["learning", "plain", "rare", "recommendations", "tastes"]
SHOWN = 12  # users whose favourites are drawn


def tastes():
    """The hero: which of their ten favourites a few users are shown, and how many all users are, in four systems."""

    def compute(epsilon, clients):
        shown = more.ended(clients, epsilon)
        means = {name: 10 * mean for name, mean in more.others(clients).items()}
        hits = 10 * more.recall(shown).mean(1)
        attacker = more.guarded(epsilon).attacker()
        return dict(epsilon=epsilon, users=clients, each=shown[0, :SHOWN], hits=hits, attacker=attacker) | means

    def marks(r):
        found = np.sort(r["each"])[:, ::-1]  # users × ten, what is found first
        row, place = np.nonzero(found)
        lost_row, lost = np.nonzero(~found)
        drawn = [
            plots.people(np.full(SHOWN, 0), np.arange(SHOWN), 0, size=6),
            plots.dots(place + 1, row, "private", size=5),
            plots.dots(lost + 1, lost_row, 5, size=3, opacity=0.5),
        ]
        middle = float(np.median(r["hits"]))
        for height, (value, style, words) in enumerate([
            (r["popular"], 0, _("what is popular")), (r["alone"], "alone", _("alone")),
            (middle, "private", _("private")), (r["clean"], "no privacy", _("no privacy")),
        ]):  # fmt: skip
            at = 3 - height
            drawn.append(plots.band([0, value], [at - 0.3] * 2, [at + 0.3] * 2, style, words, panel=1, opacity=0.85))
        return [*drawn, plots.dots(r["hits"], np.full(len(r["hits"]), 0.6), "private", panel=1, size=1.8)]

    def say(r):
        return _(
            "{n} users learn tastes together, ε = {e:.3g} in total for each. Of a user's ten favourites private finds "
            "{p:.1f} (median of twelve draws of the noise), no privacy {c:.1f}, what is popular {b:.1f}, and alone {a:.1f}."
        ).format(n=r["users"], e=r["epsilon"], p=np.median(r["hits"]), c=r["clean"], b=r["popular"], a=r["alone"])

    left = plots.Panel(_("twelve users' ten favourites: found, or not"), "", "", x=(-0.8, 10.8), y=(-0.8, SHOWN - 0.2),
                       xticks=(), yticks=())  # fmt: skip
    right = plots.Panel(_("favourites found, all users"), _("of ten"), "", x=(0, 10), y=(-0.6, 3.6), yticks=(), right=0.33)
    return explorers.Explorer(
        _("Tastes that stay at home"),
        [epsilon(2.0), clients(160, 50, 400, label=_("users"))],
        compute,
        plots.Chart([left, right], size=(7, 3.5)),
        marks,
        say,
        attacker=lambda r: r["attacker"],
        unit=_("user"),
    )


def plain():
    """What a user's plain update tells, and what is left of it in the noised sum."""

    def compute(user, epsilon, clients):
        people, _best = more.world(clients)
        rated, told = more.table(people.federation)
        own = more.own_factors(more.start().unsqueeze(0), rated, told)[0]
        off = (own @ more.start().T) * rated - told
        scale = more.PLAN.lr / rated.sum(1)
        norm = scale * off.norm(dim=1) * own.norm(dim=1)
        rows = (scale.view(-1, 1, 1) * off.unsqueeze(2)) * own.unsqueeze(1)  # users × items × 3
        plan, k = more.guarded(epsilon), user - 1
        noise = plan.mechanism.noise(rows[0].shape, torch.Generator().manual_seed(0)).float()
        total = (rows / (norm / more.CLIP).clamp(min=1).view(-1, 1, 1)).sum(0) + noise
        settings = dict(user=user, epsilon=epsilon, users=clients, std=plan.mechanism.std, attacker=plan.attacker())
        seen = [part.norm(dim=1).numpy() for part in (rows[k], total)]
        return settings | dict(rated=people.seen[k].numpy(), sizes=seen, mine=float(norm[k].clamp(max=more.CLIP)))

    def marks(r):
        items, drawn = np.arange(80), []
        for panel, size in enumerate(r["sizes"]):
            for which, style in ((r["rated"], 2), (~r["rated"], 1)):
                drawn.append(plots.bars(items[which], size[which] / size.max(), style, width=0.7, panel=panel))
                drawn.append(plots.dots(items[which], np.full(which.sum(), -0.09), style, size=2, panel=panel))
        return [*drawn, plots.text(2, 1.17, _("rated by her"), 2), plots.text(22, 1.17, _("not rated by her"), 1)]

    def say(r):
        return _(
            "User {k} has rated {many}, and her plain update is other than 0 at just those. Of the noised sum of {n} users "
            "it is a part of length {m:.1f}, under noise of {s:.1f} on each of 240 numbers (ε = {e:.3g} in total)."
        ).format(
            k=r["user"], many=count(int(r["rated"].sum()), _("item"), _("items")), n=r["users"], m=r["mine"], s=r["std"],
            e=r["epsilon"],
        )  # fmt: skip

    axes = dict(ylabel=_("of the longest"), x=(-1, 80), y=(-0.2, 1.35), yticks=(0, 1))
    return explorers.Explorer(
        _("What an update says"),
        [explorers.Slider("user", _("user"), 1, 50, 7, whole=True), epsilon(2.0), clients(160, 50, 400, label=_("users"))],
        compute,
        plots.Chart(
            [plots.Panel(_("her plain update"), **axes), plots.Panel(_("the noised sum of all"), _("items"), **axes)],
            columns=1,
            size=(7, 3.6),
        ),
        marks,
        say,
        predict=(
            "11.a",
            _("A user's update is 240 numbers, three for each of 80 items. What does it tell about what she has rated?"),
            [_("how many items, at most"), _("which items"), _("nothing without her own factor")],
            1,
            _("only the factors of the items that she has rated move, so that her list can be read off."),
        ),
        attacker=lambda r: r["attacker"],
        unit=_("user"),
    )


def learning():
    """Recall round by round: twelve draws of the noise, and what an attacker can do so far."""

    def compute(epsilon, clients, round):
        plan, past = more.guarded(epsilon), more.recalls(clients, epsilon)
        others = dict(popular=more.others(clients)["popular"], clean=more.recalls(clients, np.inf)[0])
        spent = dict(spent=plan.epsilon(round), attacker=plan.attacker(round), std=plan.mechanism.std / clients)
        return dict(epsilon=epsilon, users=clients, round=round, draws=past) | others | spent

    def marks(r):
        x, at = np.arange(13), r["round"]
        return [
            plots.line([at] * 2, [0, 1], 5, width=1),
            plots.line([0, 12], [r["popular"]] * 2, 0, _("what is popular")),
            plots.line(x, r["clean"], "no privacy", _("no privacy")),
            *plots.cloud(x, r["draws"], "private", _("private")),
            plots.dots([at], [np.median(r["draws"][:, at])], "private", size=4),
        ]

    def say(r):
        low, middle, high = np.quantile(r["draws"][:, r["round"]], [0.05, 0.5, 0.95])
        return _(
            "{n} users, round {k} of 12, ε = {s:.2g} of {e:.3g} spent, noise of {z:.3f} in each number of the mean update. "
            "Recall: private {m:.2f} ({l:.2f} to {h:.2f} in nine draws of ten), no privacy {c:.2f}, what is popular {b:.2f}."
        ).format(
            n=r["users"], k=r["round"], s=r["spent"], e=r["epsilon"], z=r["std"], m=middle, l=low, h=high, b=r["popular"],
            c=r["clean"][r["round"]],
        )  # fmt: skip

    panel = plots.Panel("", _("round"), _("recall at ten"), x=(0, 12.2), y=(0, 1), xticks=range(0, 13, 2), right=0.24)
    return explorers.Explorer(
        _("Learning tastes, privately"),
        [
            epsilon(2.0),
            clients(160, 50, 400, label=_("users")),
            explorers.Slider("round", _("round"), 0, 12, 12, whole=True),
        ],
        compute,
        plots.Chart([panel], size=(7, 3)),
        marks,
        say,
        attacker=lambda r: r["attacker"],
        unit=_("user"),
        play="round",
    )
