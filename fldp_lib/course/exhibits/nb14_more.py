"""What notebook 14 shows, second part: a small group, the attacker one fears, and the whole surface."""

from functools import lru_cache

import numpy as np
import torch

from ...interactive import browser, explorers, plots
from ...privacy import mechanisms
from ...privacy.adaptive import AdaptiveGaussian
from ...training.scoring import interval
from . import _singles
from ._kit import _, clients, count, epsilon, three
from ._singles import BUDGETS, CLIP, DRAWS, PARAMETERS, PLAN, ceiling, ends, gaussian, knee_of, lasting, spread

GROUP = tuple(range(8))


@lru_cache(maxsize=64)
def few_threes(share):
    """Who of the 1,437 clients is there: of those with a three each with this probability (8 draws × 1,437)."""
    threes = _singles.digits().y[:, 0] == 3
    return torch.stack([~threes | (torch.rand(1_437, generator=torch.Generator().manual_seed(s)) < share) for s in GROUP])


@lru_cache(maxsize=64)
def found(share, rounds, epsilon=None):
    """Recall in per cent of the threes and of the other digits (2 × 8 draws), at a total ε or without privacy."""
    crowd, there = _singles.crowd(), few_threes(share)
    if epsilon is None:
        theta = _singles.without(crowd, PLAN, rounds, there)
    else:
        plan = gaussian(epsilon, CLIP, lasting(rounds))
        theta = _singles.together(crowd, plan, [plan.mechanism] * len(GROUP), GROUP, there, None)[1]
    recalls = 100 * _singles.recalls(_singles.crowd(), theta)
    return np.stack([recalls[:, 3], np.delete(recalls, 3, 1).mean(1)])


def threes():
    """Who pays: a digit that few clients hold, and the nine others, with and without privacy, draw by draw."""

    def compute(share, epsilon, rounds):
        there = few_threes(share).sum(1).double().mean()
        holders = (few_threes(share) & (_singles.digits().y[:, 0] == 3)).sum(1).double().mean()
        return dict(
            share=share, epsilon=epsilon, rounds=rounds, clean=found(share, rounds), private=found(share, rounds, epsilon),
            there=round(float(there)), holders=round(float(holders)),
        )  # fmt: skip

    def marks(r):
        drawn = []
        for panel, (clean, private) in enumerate(zip(r["clean"], r["private"], strict=True)):
            pairs = np.stack([clean, private, np.full(len(clean), np.nan)], 1).ravel()  # one line, with gaps
            drawn.append(plots.line(np.tile([0, 1, np.nan], len(clean)), pairs, 5, panel=panel, width=1.0))
            drawn += [plots.dots([0] * len(clean), clean, "no privacy", panel=panel, size=4)]
            drawn += [plots.dots([1] * len(private), private, "private", panel=panel, size=4)]
        return drawn

    def say(r):
        lost, half = interval(r["clean"][0] - r["private"][0])
        means = [*r["clean"].mean(1), *r["private"].mean(1)]
        return _(
            "{holders} of {there:,} clients hold a three; total ε = {epsilon:.3g} over {rounds} rounds. Of 100 test "
            "threes {m[2]:.0f} are read right, {m[0]:.0f} without privacy: {lost:.0f} ± {half:.0f} lost, draw by draw (8 "
            "draws, 95%). Of the other digits {m[3]:.0f}, {m[1]:.0f} without privacy."
        ).format(**r, m=means, lost=round(lost) + 0.0, half=half)

    ticks = {0: _("no privacy"), 1: _("private")}
    panels = [plots.Panel(title, x=(-0.4, 1.4), y=(-3, 100), xticks=ticks)
              for title in (_("threes read right, of 100"), _("the other nine digits"))]  # fmt: skip
    return explorers.Explorer(
        _("A small group"),
        [explorers.Slider("share", _("share of those with a three who stay"), 0.05, 1, 0.4, step=0.05),
         epsilon(8.0, 0.25, 20.0), explorers.Slider("rounds", _("rounds"), 5, 60, 20, step=5, whole=True)],
        compute, plots.Chart(panels, size=(6.4, 3.0)), marks, say,
        attacker=lambda r: gaussian(r["epsilon"], CLIP, lasting(r["rounds"])).attacker(),
    )  # fmt: skip


def attackers():
    """State the attacker you fear: the ε that follows for 20 Gaussian rounds, and what this ε buys."""
    from scipy.special import expit, ndtr, ndtri  # slow to load: not before it is needed

    people = np.linspace(50.5, 97, 60)
    mu = 2 * ndtri(people / 100)

    @lru_cache(maxsize=1)
    def curve():
        return np.array([against(100 * float(ndtr(m / 2)))[1] for m in mu])

    @lru_cache(maxsize=256)
    def against(right):
        plan = PLAN.changed(mechanism=mechanisms.Gaussian(PLAN.rounds**0.5 / (2 * float(ndtri(right / 100))), CLIP))
        return plan, plan.epsilon()

    def compute(people, clients):
        plan, epsilon = against(float(people))
        return dict(
            people=people, clients=clients, epsilon=epsilon, can=plan.attacker(), curve=knee_of(clients),
            here=ends(clients, [plan.mechanism], DRAWS)[0], clean=ceiling(clients)[-1],
        )  # fmt: skip

    def marks(r):
        grid = np.geomspace(0.1, 30, 60)
        return [
            plots.line(grid, 100 * expit(grid), "bound", _("bound")), plots.line(curve(), people, "attacker", _("exact")),
            plots.dots([r["epsilon"]], [r["people"]], "attacker", size=5),
            plots.dots([r["epsilon"]], [100 * r["can"].bound], "bound", size=5),
            plots.line((0.1, 30), [r["clean"]] * 2, "no privacy", _("no privacy"), panel=1),
            *plots.cloud(BUDGETS, r["curve"].T, "private", _("private"), panel=1),
            plots.dots([r["epsilon"]] * len(r["here"]), r["here"], "private", panel=1, size=3.5),
        ]  # fmt: skip

    def say(r):
        return _(
            "Let {people} of 100 who guess whether a client was in be right, and 20 Gaussian rounds may spend a total ε = "
            "{epsilon:.3g} (δ = 1e-5); the bound over all mechanisms with that ε says {bound:.0f}. The test that raises "
            "1% false alarms finds {tpr:.1f} of 100 members. {clients:,} clients: the private model reads {here} of 100 "
            "digits right."
        ).format(**r | dict(here=spread(r["here"])), bound=100 * r["can"].bound, tpr=100 * r["can"].tpr)

    ticks = {e: f"{e:g}" for e in (0.1, 0.3, 1, 3, 10, 30)}
    shared = dict(x=(0.1, 30), xlog=True, xticks=ticks)
    panels = [
        plots.Panel(_("attackers right, of 100"), _("total ε (log)"), y=(50, 100), right=0.2, **shared),
        plots.Panel(_("digits right, of 100"), _("total ε (log)"), y=(0, 100), right=0.3, **shared),
    ]
    made = explorers.Explorer(
        _("State the attacker, get the ε"),
        [explorers.Slider("people", _("attackers right, of 100"), 51, 95, 53, whole=True), clients(1_400, 100, 1_400)],
        compute, plots.Chart(panels, size=(7.0, 3.2)), marks, say,
        predict=(
            "14.e", _("Let 60 of 100 attackers be right, a coin 50: which total ε may 20 rounds spend?"),
            [_("about 0.4, as the bound over all mechanisms says"), _("about 1"), _("about 2")], 2,
            lambda r: _("computed for this noise it is {:.2f}: at ε = 0.4 only {:.0f} of 100 would be right.").format(
                against(60.0)[1], 100 * gaussian(0.4).attacker().even_odds),
        ),
    )  # fmt: skip
    return browser.live(made, "nb14.attackers", _singles.shipped)


@lru_cache(maxsize=1)
def _longer():
    """What 40 rounds in place of 20 change for 700 clients at ε = 1, over ten draws, in digits of 100."""
    crowd, seeds, right = _singles.crowd(700), tuple(range(10)), []
    for rounds in (20, 40):
        plan = gaussian(1.0, CLIP, lasting(rounds))
        right.append(100 * _singles.together(crowd, plan, [plan.mechanism] * 10, seeds, every=False)[0][:, -1].mean())
    return right[1] - right[0]


def surface():
    """The whole choice: ε, clients, clip, rounds and server step, and the lengths of a round's signal, bias and noise."""

    def compute(epsilon, clients, clip, follows, rounds, server):
        crowd, plan = _singles.crowd(clients), gaussian(epsilon, clip, lasting(rounds, server))
        if follows:
            count_noise = max(clients / 20, plan.mechanism.noise_multiplier)
            z = plan.mechanism.noise_multiplier
            moving = AdaptiveGaussian(z, clip, quantile=0.5, clip_lr=0.5, count_noise=count_noise)
        runs, _theta, clips = _singles.together(crowd, plan, [moving if follows else plan.mechanism] * len(DRAWS), DRAWS)
        bias, mean = _singles.clip_errors(clients, (clip,), 0)
        return dict(
            epsilon=epsilon, clients=clients, clip=clip, follows=follows, rounds=rounds, server=server, runs=100 * runs,
            plan=plan, clean=ceiling(clients, 40, server)[:rounds], bias=bias[0], mean=mean, last=np.median(clips[:, -1]),
            noise=plan.mechanism.std * PARAMETERS**0.5 / clients,
        )  # fmt: skip

    def marks(r):
        rounds = np.arange(1, r["rounds"] + 1)
        drawn = [plots.line(rounds, r["clean"], "no privacy", _("no privacy")),
                 *plots.cloud(rounds, r["runs"], "private", _("private")),
                 plots.dots(rounds[-1:], r["clean"][-1:], "no privacy"),
                 plots.dots(rounds[-1:], [np.median(r["runs"][:, -1])], "private")]  # fmt: skip
        for height, (name, style) in enumerate((("noise", "private"), ("bias", 2), ("mean", "no privacy"))):
            beyond = r[name] < 1e-3
            words = f"< 0.001: {r[name]:.2g}" if beyond else three(r[name])
            ends_ = (1e-3, max(r[name], 1e-3))
            drawn += [plots.band(ends_, [height - 0.2] * 2, [height + 0.2] * 2, style, panel=1, opacity=0.8)]
            drawn += [plots.text(1.6e-3 if beyond else r[name] * 1.6, height, words, style, panel=1)]
        return drawn

    def say(r):
        how = _("a clip of {clip:.3g}") if not r["follows"] else _("a clip that starts at {clip:.3g} and ends at {last:.2g}")
        return _(
            "Total ε = {epsilon:.3g} (δ = 1e-5, a client comes or goes), {clients:,} clients, {how}, {rounds}, "
            "server step {server:.3g}: the private model reads {here} of 100 digits right, {clean:.0f} with no privacy. "
            "In the first round the mean update is {mean:.2g} long, its bias {bias:.2g}, its noise {noise}."
        ).format(
            **r | dict(clean=r["clean"][-1], noise=three(r["noise"]), rounds=count(r["rounds"], _("round"), _("rounds"))),
            here=spread(r["runs"][:, -1]), how=how.format(**r),
        )  # fmt: skip

    ticks = {10.0**k: f"{10.0**k:g}" for k in (-3, -1, 1, 3)}
    panels = [
        plots.Panel(_("right, of 100 test digits"), _("round"), x=(1, 40), y=(0, 100), xticks=[1, 10, 20, 30, 40],
                    right=0.3),
        plots.Panel(_("in the first round"), _("length (log)"), x=(1e-3, 1e4), y=(-0.6, 2.6), xlog=True, xticks=ticks,
                    yticks={0: _("noise"), 1: _("bias"), 2: _("mean update")}, right=0.2),
    ]  # fmt: skip
    return explorers.Explorer(
        _("The trade-off"),
        [epsilon(1.0), clients(700, 100, 1_400),
         explorers.Slider("clip", _("clip (longest update)"), 0.2, 60, 6.0, step=0.05, log=True),
         explorers.Choice("follows", _("the clip"), {_("stays"): False, _("follows the median"): True}, False),
         explorers.Slider("rounds", _("rounds"), 1, 40, 20, whole=True),
         explorers.Slider("server", _("server step"), 0.1, 3, 1.0, step=0.05, log=True)],
        compute, plots.Chart(panels, size=(7.0, 3.1)), marks, say, attacker=lambda r: r["plan"].attacker(),
        predict=(
            "14.f", _("700 clients, ε = 1, clip 6: 40 rounds in place of 20, what happens to the digits read right?"),
            [_("5 more of 100, or better"), _("within 5 of 100"), _("5 fewer of 100, or worse")],
            lambda r: 0 if _longer() >= 5 else 2 if _longer() <= -5 else 1,
            lambda r: _("over ten draws {:+.0f} of 100: twice the rounds, √2 times the noise in each.").format(_longer()),
        ),
    )  # fmt: skip
