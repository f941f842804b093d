"""Notebook 11's exhibits, the rest: who pays for privacy, and the explorer that joins everything."""

import numpy as np

from ...interactive import explorers, plots
from . import _nb11 as more
from ._kit import _, clients, count, epsilon


def rare():
    """Who pays: recall of favourites by the popularity of the item, without privacy, with the clip alone, and private."""

    def compute(epsilon, clients, clip):
        runs = dict(clean=more.ended(clients, np.inf), clipped=more.clip_alone(clients, clip))
        runs["private"] = more.ended(clients, epsilon, clip)
        quarter = more.quarters(clients)
        by = {name: [found[:, quarter == k].mean() for k in range(4)] for name, found in runs.items()}
        return dict(epsilon=epsilon, users=clients, clip=clip, by=by, attacker=more.guarded(epsilon, clip).attacker())

    def marks(r):
        looks = (
            ("clean", "no privacy", _("no privacy")),
            ("clipped", 5, _("clip alone")),
            ("private", "private", _("private")),
        )
        drawn = []
        for shift, (name, style, words) in enumerate(looks):
            x = np.arange(4) + 0.26 * (shift - 1)
            drawn += [
                plots.bars(x, np.array(r["by"][name]), style, width=0.24),
                plots.text(shift - 0.35, 1.08, words, style),
            ]
        return drawn

    def say(r):
        gap = {name: values[0] - values[3] for name, values in r["by"].items()}
        low = r["by"]["private"]
        return _(
            "{n} users, ε = {e:.3g} in total, clip {c:.2g}. Favourites among the most popular quarter of the items are "
            "found with {p:.2f}, among the rarest with {q:.2f}: a gap of {g:.2f}; clip alone {h:.2f}, no privacy {i:.2f}."
        ).format(
            n=r["users"], e=r["epsilon"], c=r["clip"], p=low[0], q=low[3], g=gap["private"], h=gap["clipped"], i=gap["clean"]
        )

    def because(r):
        gap = {name: values[0] - values[3] for name, values in compute(8.0, 160, 3.0)["by"].items()}
        return _(
            "with 160 users at ε = 8 the most popular quarter is ahead of the rarest by {p:.2f}, with the clip alone by "
            "{c:.2f}, and by {n:.2f} with neither."
        ).format(p=gap["private"], c=gap["clipped"], n=gap["clean"])

    quarters = {0: _("most popular"), 1: _("second"), 2: _("third"), 3: _("rarest")}
    panel = plots.Panel("", _("quarter of the items, by popularity"), _("share found"), x=(-0.5, 3.5), y=(0, 1.15),
                        xticks=quarters, yticks=(0, 0.25, 0.5, 0.75, 1))  # fmt: skip
    return explorers.Explorer(
        _("Who pays"),
        [
            epsilon(8.0),
            clients(160, 50, 400, label=_("users")),
            explorers.Slider("clip", _("clip"), 0.3, 30.0, 3.0, step=0.05, log=True),
        ],
        compute,
        plots.Chart([panel], size=(7, 2.9)),
        marks,
        say,
        predict=(
            "11.c",
            _("At ε = 8 favourites among rare items are found less often than among popular ones. What makes the gap?"),
            [_("the noise"), _("the clip"), _("there is as much without privacy")],
            1,
            because,
        ),
        attacker=lambda r: r["attacker"],
        unit=_("user"),
    )


def recommendations():
    """Everything at once: users by recall, and one user's true and predicted tastes."""

    def compute(epsilon, clients, clip, rounds, user):
        people, setting = more.world(clients)[0], (clip, rounds)
        clean = more.recall(more.clean_after(clients, rounds))[0]
        hits = more.recall(more.ended(clients, epsilon, *setting))  # draws × users
        i, new = user - 1, ~people.seen[user - 1]
        factors, own = (part[-1][0] for part in more.trained(clients, epsilon, *setting))
        tastes = (people.items[new] @ people.users[i]).numpy(), (factors[new] @ own[i]).numpy()
        settings = dict(epsilon=epsilon, users=clients, clip=clip, rounds=rounds, user=user)
        return settings | dict(
            hits=hits, clean=clean, tastes=tastes, attacker=more.guarded(epsilon, *setting).attacker()
        )  # fmt: skip

    def marks(r):
        places, drawn = np.arange(11), []
        share = np.stack([np.bincount((10 * h).round().astype(int), minlength=11) for h in r["hits"]]) * 100 / r["users"]
        none = np.bincount((10 * r["clean"]).round().astype(int), minlength=11) * 100 / r["users"]
        drawn += [
            plots.bars(places - 0.2, none, "no privacy", width=0.38),
            plots.text(-0.3, 66, _("no privacy"), "no privacy"),
        ]
        drawn += [plots.bars(places + 0.2, np.median(share, 0), "private", width=0.38)]
        low, high = np.quantile(share, [0.05, 0.95], axis=0)
        drawn += [plots.line([k + 0.2] * 2, [low[k], high[k]], 0, width=1.2) for k in places]
        drawn += [plots.text(-0.3, 60, _("private"), "private")]
        true, said = r["tastes"]
        scale = max(float(np.abs(said).max()), 1e-9) / 2.5
        return [*drawn, plots.line([-3, 3], [-3, 3], 5, panel=1), plots.dots(true, said / scale, "private", panel=1)]

    def say(r):
        true, said = r["tastes"]
        return _(
            "{n} users, ε = {e:.3g} in total, clip {c:.2g}, {k}: mean recall private {p:.2f}, no privacy {q:.2f}. "
            "User {u} is shown {h:.0f} of her ten favourites; true and predicted tastes correlate with {r:.2f}."
        ).format(
            n=r["users"], e=r["epsilon"], c=r["clip"], k=count(r["rounds"], _("round"), _("rounds")),
            p=np.median(r["hits"].mean(1)),
            q=r["clean"].mean(), u=r["user"], h=10 * r["hits"][0, r["user"] - 1], r=np.corrcoef(true, said)[0, 1],
        )  # fmt: skip

    def because(r):
        few, some, many = (
            float(np.median(more.recalls(n, 2.0)[:, -1])) for n in (60, 120, 400)
        )  # fmt: skip
        return _("60 users have a recall of {a:.2f}, 120 of {b:.2f}, 400 of {c:.2f}: the noise is shared by more.").format(
            a=few, b=some, c=many
        )

    left = plots.Panel(_("users by what they are shown"), _("of their ten favourites"), _("users of 100"), x=(-0.6, 10.6),
                       y=(0, 70), xticks=range(0, 11, 2))  # fmt: skip
    right = plots.Panel(_("one user's unrated items"), _("true taste"), _("predicted (rescaled)"), x=(-3, 3), y=(-3, 3))
    return explorers.Explorer(
        _("Recommendations"),
        [
            epsilon(2.0),
            clients(160, 50, 400, label=_("users")),
            explorers.Slider("clip", _("clip"), 0.3, 10.0, 3.0, step=0.05, log=True),
            explorers.Slider("rounds", _("rounds"), 1, 30, 12, whole=True),
            explorers.Slider("user", _("user shown"), 1, 50, 8, whole=True),
        ],
        compute,
        plots.Chart([left, right], size=(7, 3.5)),
        marks,
        say,
        predict=(
            "11.e",
            _("ε = 2 in total: from how many users on is the mean recall above one half?"),
            [_("some thirty"), _("some hundred"), _("some seven hundred")],
            1,
            because,
        ),
        attacker=lambda r: r["attacker"],
        unit=_("user"),
    )
