"""What notebook 15 shows, second part: members of a model, clients that attack, sums that no server sees through."""

from functools import lru_cache

import numpy as np
import torch

from ... import data
from ...adversary import poisoning
from ...interactive import browser, explorers, plots
from ...training import aggregation
from ...training.plan import Plan
from . import _contest, _singles
from ._groups import Groups
from ._kit import _, clients, epsilon
from ._singles import _square

MODELS, RATES = 48, np.geomspace(1e-3, 1, 40)
LONG = Plan(rounds=40, lr=8.0, delta=1e-3)


@lru_cache(maxsize=8)
def pool(count):
    """The first so many clients, with one image each."""
    return _singles.Crowd(_singles.digits().select(torch.arange(count)))


@lru_cache(maxsize=8)
def coins(count):
    """Whether a record is in each model (48 × records)."""
    return torch.stack([torch.rand(count, generator=torch.Generator().manual_seed(s)) < 0.5 for s in range(MODELS)])


@lru_cache(maxsize=64)
def private(epsilon, rounds):
    """So many rounds with the noise for a total ε."""
    return LONG.changed(rounds=rounds).calibrated(epsilon, clip=4.0)


@lru_cache(maxsize=64)
def caught(count, rounds, epsilon=None):
    """Share of the members that the likelihood ratio finds at each rate of false alarms, over 48 retrained models.

    In each model a record is there by a coin; a model's shadows are the 47 others, as the notebook's `attack` has it.
    """
    crowd, there = pool(count), coins(count)
    if epsilon is None:
        theta = _singles.without(crowd, LONG, rounds, there, count)
    else:
        plan = private(epsilon, rounds)
        theta = _singles.together(crowd, plan, [plan.mechanism] * MODELS, range(MODELS), there, None, count)[1]
    out = crowd.outputs(_singles._stack(theta)).double().log_softmax(0)
    log_p = (out * crowd.hot).sum(0)  # models × records
    score = (log_p - torch.log(-torch.expm1(log_p.clamp(max=-1e-12)))).numpy()
    ratio, truth = np.zeros_like(score), there.numpy()
    for sign, group in ((1, truth), (-1, ~truth)):
        others = group.sum(0) - group  # each model's own score left out
        mean = ((score * group).sum(0) - score * group) / others
        off = (score**2 * group).sum(0) - score**2 * group - others * mean**2
        std = np.sqrt(off.sum(1, keepdims=True) / others.sum(1, keepdims=True))  # one for all records
        ratio -= sign * (((score - mean) / std) ** 2 / 2 + np.log(std))
    inside = np.sort(ratio[truth])
    return 1 - inside.searchsorted(np.quantile(ratio[~truth], 1 - RATES), "right") / len(inside)


def members():
    """Whose record was in the training: what the likelihood ratio finds at each rate of false alarms; what noise allows."""

    def compute(epsilon, clients, rounds):
        from scipy.special import ndtr, ndtri  # slow to load: not before it is needed

        can = private(epsilon, rounds).attacker()
        return dict(
            epsilon=epsilon,
            clients=clients,
            rounds=rounds,
            can=can,
            clean=caught(clients, rounds),
            found=caught(clients, rounds, epsilon),
            most=ndtr(ndtri(RATES.clip(max=1 - 1e-12)) + can.mu),
        )

    def marks(r):
        shown = lambda curve: np.where(curve >= 1e-3, curve, np.nan)  # noqa: E731
        return [
            plots.line(RATES, RATES, 5, _("a coin")),
            plots.line(RATES, shown(r["clean"]), "no privacy", _("no privacy")),
            plots.line(RATES, r["most"], "attacker", _("allowed")),
            plots.line(RATES, shown(r["found"]), "private", _("private")),
            plots.line((0.01, 0.01), (1e-3, 1), 5, width=1.0),
        ]

    def say(r):
        at = np.abs(RATES - 0.01).argmin()
        return _(
            "{clients} clients, {rounds} rounds, ε = {epsilon:.3g} (δ = 1e-3, a client comes or goes), 48 models "
            "retrained: at 1% false alarms the likelihood ratio finds {found:.1f} of 100 members of a private model, "
            "{clean:.1f} with no privacy; a coin 1, and who sees every round is allowed {most:.1f}."
        ).format(**r | {name: 100 * r[name][at] for name in ("found", "clean", "most")})

    ticks = {f: f"{f:g}" for f in (0.001, 0.01, 0.1, 1)}
    panel = plots.Panel(
        _("members found"),
        _("others falsely called members (log)"),
        _("share (log)"),
        x=(1e-3, 1),
        y=(1e-3, 1.2),
        xlog=True,
        ylog=True,
        xticks=ticks,
        yticks=ticks,
        right=0.25,
    )
    return explorers.Explorer(
        _("Whom the model remembers"),
        [
            epsilon(2.0, 0.5, 50.0),
            clients(200, 50, 300),
            explorers.Slider("rounds", _("rounds"), 5, 60, 40, step=5, whole=True),
        ],
        compute,
        plots.Chart([panel], size=(5.8, 3.4)),
        marks,
        say,
        attacker=lambda r: r["can"],
        predict=(
            "15.b",
            _("200 clients, 40 rounds, no privacy: how many of the members are found at 1% false alarms?"),
            [_("hardly more than a coin finds"), _("one in five"), _("nearly all")],
            1,
            lambda r: _("{0:.0f} of 100; a coin finds 1, and at ε = {2:.3g} the likelihood ratio {1:.0f}.").format(
                *(100 * r[name][np.abs(RATES - 0.01).argmin()] for name in ("clean", "found")), r["epsilon"]
            ),
        ),
    )


AGGREGATORS = {
    "mean": aggregation.mean,
    "median": aggregation.median,
    "trimmed mean": aggregation.TrimmedMean(0.2),
    "multi-Krum": aggregation.multi_krum,
    "norm bound": aggregation.NormBound(1.0),
}
CORNERS = (0, 7, 56, 63)
ATTACKS = {
    "label flip": ("flip", poisoning.boost(1.0)),
    "sign flip": (None, poisoning.sign_flip),
    "scaled": ("flip", poisoning.boost(10.0)),
    "backdoor": ("corners", poisoning.boost(3.0)),
    "inner product": (None, poisoning.inner_product(0.5)),
    "a little is enough": (None, poisoning.a_little_is_enough),
}
ROUNDS, STEPS, LR = 10, 5, 0.5


@lru_cache(maxsize=64)
def _shared(count, how):
    return data.split(_singles.images(), count, how=how, alpha=1.0, seed=0)


@lru_cache(maxsize=64)
def _poisoned(kind, attackers, count, how):
    """The clients' data, those of the first so many with labels turned round, or a trigger in every second image."""
    fed = _shared(count, how)
    if kind and attackers:
        flip = kind == "flip"
        fed = poisoning.flip_labels(fed, attackers, 10) if flip else poisoning.backdoor(fed, attackers, CORNERS, target=0)
    return Groups(fed)


@lru_cache(maxsize=1)
def _tests():
    """The test images, and those of other digits than 0 with the stamp, with a 1 beside them; the digits of the first."""
    x, y = _singles.images().x_test, _singles.images().y_test
    return *(torch.nn.functional.pad(z, (0, 1), value=1.0) for z in (x, poisoning.stamp(x[y != 0], CORNERS))), y


@lru_cache(maxsize=128)
def trained(attack, aggregator, attackers, count, how):
    """Accuracy by round in per cent, and the share of stamped images called 0, when so many clients attack."""
    (kind, sends), (x, stamped, y) = ATTACKS[attack], _tests()
    rule, groups = poisoning.Poisoned(AGGREGATORS[aggregator], sends, attackers), _poisoned(kind, attackers, count, how)
    theta, right = torch.zeros(650), []
    for _t in range(ROUNDS):
        theta = theta + rule(groups.updates(theta, LR, STEPS), groups.federation.sizes)
        right.append(100 * float(((x @ _square(theta).T).argmax(1) == y).double().mean()))
    return np.array(right), 100 * float(((stamped @ _square(theta).T).argmax(1) == 0).double().mean())


def contest():
    """A share of the clients attacks: who they are, what the training comes to, and whether a backdoor is in."""

    def compute(attackers, attack, aggregator, clients, split):
        bad = round(attackers / 100 * clients)
        under, hit = trained(attack, aggregator, bad, clients, split)
        clean, _hit = trained("label flip", aggregator, 0, clients, split)
        terms = dict(clients=clients, attack=attack, aggregator=aggregator, split=split)
        return terms | dict(bad=bad, under=under, clean=clean, hit=hit)

    def marks(r):
        row, column = np.divmod(np.arange(r["clients"]), 10)
        bad, rounds = np.arange(r["clients"]) < r["bad"], np.arange(1, 11)
        return [
            plots.people(column[~bad], 9.0 - row[~bad], 5, size=6),
            plots.people(column[bad], 9.0 - row[bad], "attacker", size=6),
            plots.line(rounds, r["clean"], "no privacy", _("no attack"), panel=1),
            plots.line(rounds, r["under"], "attacker", _("under attack"), panel=1, width=2.4),
            plots.dots([10], [r["hit"]], 0, _("stamped called 0"), panel=1, size=5),
        ]

    def say(r):
        attack = _(
            "{bad} of {clients} clients, which are {how}, attack ({attack}); the server takes {rule}. Of 100 test digits "
            "{under:.0f} are read right under attack, {clean:.0f} with no attack; of 100 stamped images {hit:.0f} are "
            "called 0."
        )
        rule = r["aggregator"] if r["aggregator"] == "multi-Krum" else _("the {}").format(r["aggregator"])
        how = _("alike") if r["split"] == "iid" else _("unlike")
        return attack.format(**r | dict(under=r["under"][-1], clean=r["clean"][-1]), how=how, rule=rule)

    panels = [
        plots.Panel(_("clients, attackers in front"), x=(-0.6, 9.6), y=(-0.6, 9.8), xticks=[], yticks=[]),
        plots.Panel(_("right, of 100 test digits"), _("round"), x=(1, 10), y=(0, 100), xticks=[1, 5, 10], right=0.45),
    ]
    made = explorers.Explorer(
        _("Attackers and aggregators"),
        [
            explorers.Slider("attackers", _("attackers, of 100 clients"), 0, 50, 20, step=5, whole=True),
            explorers.Choice("attack", _("attack"), {_(a): a for a in ATTACKS}, "scaled"),
            explorers.Choice("aggregator", _("aggregator"), {_(a): a for a in AGGREGATORS}, "mean"),
            clients(40, 20, 100),
            explorers.Choice("split", _("clients are"), {_("alike"): "iid", _("unlike"): "dirichlet"}, "iid"),
        ],
        compute,
        plots.Chart(panels, size=(7.0, 3.0)),
        marks,
        say,
        predict=(
            "15.c",
            _("The mean, scaled updates, 40 clients: at which share of attackers is the accuracy halved?"),
            [_("one in twenty"), _("one in ten"), _("one in three")],
            1,
            lambda r: _("{:.0f} of 100 are right at 5%, {:.0f} at 10%, {:.0f} without an attack.").format(
                *(trained("scaled", "mean", bad, 40, "iid")[0][-1] for bad in (2, 4, 0))
            ),
        ),
    )
    return browser.live(made, "nb15.contest", lambda: _contest.shipped(_shared))
