"""Notebook 10, the rest on real applicants: one noise or one a bank, your own settings, who is decided wrongly."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from . import _kit
from . import nb10_runs as made
from ._kit import _

EPSILON, DENY, COUNTS = _("total ε, an applicant"), 0.7, (1, 3, 10, 30, 80)


@lru_cache(maxsize=512)
def _by_count(epsilon, banks):
    """Costs at each of some numbers of banks that add their own noise (24 runs × counts)."""
    x, y, tests, truths = made.records()
    noises = np.repeat(banks, 4)
    thetas = made.runs(x, y, made.protection(epsilon), noises, 4, lr=[made.step(epsilon, n) for n in noises])[-1]
    return made.costs(thetas, tests, truths).numpy().reshape(6, -1, 4).transpose(0, 2, 1).reshape(24, -1)


def sums():
    """The same 800 customers at more and more banks: what a decision costs with a noise each, and with one in shares."""

    def compute(epsilon, clients):
        curve, here = _by_count(epsilon, COUNTS), _by_count(epsilon, (clients,))[:, 0]
        return dict(
            epsilon=epsilon, banks=clients, curve=curve, here=np.median(here), attacker=made.protection(epsilon).attacker()
        )

    def draw(r):
        shared = np.median(r["curve"][:, 0])
        return [
            plots.line([1, 80], [DENY] * 2, 0, _("deny all"), width=1.2),
            *plots.cloud(COUNTS, r["curve"], "private", _("private, own noise")),
            plots.line([1, 80], [shared] * 2, "private", _("in shares"), opacity=0.5),
            plots.places([r["banks"]], [r["here"]], "private", size=8),
        ]

    def say(r):
        noise = made.protection(r["epsilon"]).mechanism.std / 800
        return _(
            "ε = {e:.3g} in total an applicant: with {n}, each with its own noise, a decision costs {p:.2f} (median of 24 "
            "runs), in shares {s:.2f}, to deny all {d:.2f}. The noise in each of the 64 numbers of the mean gradient has "
            "deviation {a:.3f}, in shares {b:.3f}."
        ).format(
            e=r["epsilon"], n=_kit.count(r["banks"], _("bank"), _("banks")), p=r["here"], s=np.median(r["curve"][:, 0]),
            d=DENY, a=noise * r["banks"] ** 0.5, b=noise,
        )  # fmt: skip

    def median(banks):
        return float(np.median(_by_count(1.0, (banks,))))

    panel = plots.Panel(
        _("what a decision costs"), _("banks, 800 customers in all"), _("good customers lost"), x=(1, 80), y=(0.4, 1.3),
        xlog=True, xticks={n: str(n) for n in COUNTS}, yticks=(0.4, 0.6, 0.8, 1, 1.2), right=0.3,
    )  # fmt: skip
    explorer = explorers.Explorer(
        _("One noise, or one for each bank"),
        [_kit.epsilon(1.0, label=_("total ε, an applicant")), _kit.clients(10, 1, 60, label=_("banks"))],
        compute, plots.Chart([panel], size=(7, 3.2)), draw, say,
        predict=(
            "10.b",
            _("ε = 1, each bank adds its own noise, and the step is set for it. The same 800 customers at 40 banks in place "
              "of 10: what is left of the gain over denying everybody?"),
            [_("all of it: the same customers"), _("half or more"), _("less than half")],
            lambda r: 0 if median(40) < median(10) + 0.01 else 1 if DENY - median(40) >= (DENY - median(10)) / 2 else 2,
            lambda r: _("a decision costs {a:.2f} at 10 banks, {b:.2f} at 40, to deny all 0.70: the variances of the noises "
                        "add up.").format(a=median(10), b=median(40)),
        ),
        attacker=lambda r: r["attacker"], unit="applicant",
    )  # fmt: skip
    return browser.live(explorer, "nb10.sums", made.shipped)


@lru_cache(maxsize=1)
def _clean():
    """Costs without privacy, a choice of the test applicants each (rounds × 6)."""
    _x, _y, tests, truths = made.records()
    return made.costs(made.plain(), tests, truths)[:, :, 0].numpy()


def levers():
    """What rounds, clip and step make of a total ε, with as many noises in the sum as there are banks that add their own."""

    def compute(epsilon, clients, rounds, clip, lr):
        x, y, tests, truths = made.records()
        plan = made.PLAN.changed(rounds=rounds, lr=lr).calibrated(epsilon, clip=clip, at="client", unit="record")
        cost = made.costs(made.runs(x, y, plan, clients, 5), tests, truths).numpy().reshape(rounds, 30).T
        return dict(epsilon=epsilon, banks=clients, plan=plan, cost=cost, attacker=plan.attacker())

    def draw(r):
        rounds, clean = r["plan"].rounds, _clean().mean(1)
        end = np.median(r["cost"][:, -1])
        marks = [plots.line([rounds, 80], [end, end], "private", _("private"), width=1.2, opacity=0.5)]
        marks += plots.cloud(np.arange(rounds) + 1 if rounds > 1 else [1, 1.06], np.repeat(r["cost"], 1 + (rounds == 1), 1))
        marks += [plots.line(np.arange(20) + 1, clean, "no privacy"), plots.line([1, 80], [0.7] * 2, 0, _("deny all"))]
        return [*marks, plots.line([20, 80], [clean[-1]] * 2, "no privacy", _("no privacy"), width=1.2, opacity=0.5)]

    def say(r):
        plan, (low, middle, high) = r["plan"], np.quantile(r["cost"][:, -1], [0.05, 0.5, 0.95])
        return _(
            "ε = {e:.3g} in total in {t}, clip {c:.3g}, step {s:.3g}, {n} in the sum of deviation {z:.3f} in its mean: a "
            "decision costs, private, {p:.3f} at the end (6 choices of the test applicants, 5 draws each; nine of ten: "
            "{l:.2f} to {h:.2f}), no privacy {f:.3f}, to deny all 0.700."
        ).format(
            e=r["epsilon"], t=_kit.count(plan.rounds, _("round"), _("rounds")), c=plan.mechanism.clip, s=plan.lr,
            n=_kit.count(r["banks"], _("noise"), _("noises")), z=plan.mechanism.std * r["banks"] ** 0.5 / 800, p=middle,
            l=low, h=high, f=_clean()[-1].mean(),
        )  # fmt: skip

    panel = plots.Panel(
        _("what a decision costs"), _("round"), _("good customers lost"), x=(1, 80), y=(0.4, 1.6), xlog=True, right=0.22,
        xticks={t: str(t) for t in (1, 2, 5, 10, 20, 40, 80)}, yticks=(0.4, 0.6, 0.8, 1, 1.2, 1.4),
    )  # fmt: skip
    controls = [
        _kit.epsilon(1.0, label=EPSILON),
        _kit.clients(10, 1, 80, label=_("banks with their own noise")),
        explorers.Slider("rounds", _("rounds"), 1, 80, 20, step=1, whole=True),
        explorers.Slider("clip", _("clip: longest gradient"), 0.1, 8, 2.0, step=0.05, log=True),
        explorers.Slider("lr", _("step size"), 0.03, 4, 0.16, step=0.05, log=True),
    ]
    return explorers.Explorer(
        _("Real applicants, your settings"), controls, compute, plots.Chart([panel], size=(7, 3.3)), draw, say,
        attacker=lambda r: r["attacker"], unit="applicant",
    )  # fmt: skip


@lru_cache(maxsize=8)
def _members(group):
    """Which of the test applicants belong to a group (6 × 200)."""
    places, tests = made.places(), made.records()[2]
    if group == "young":
        return tests[..., places["age"]] <= 2 * (25 - 18) / (80 - 18) - 1 + 1e-6
    return tests[..., places[group]].sum(-1) > 0


def wrong(thetas, member):
    """Share of the good risks denied and of the bad ones approved, in a group and outside (2 × 2), all choices together."""
    _x, _y, tests, truths = made.records()
    denied = ((thetas @ tests.mT) >= -float(np.log(made.LOSS))).float()  # 6 × draws × 200
    found = []
    for inside in (member, ~member):
        for error, kind in ((denied, truths == 0), (1 - denied, truths == 1)):
            chosen = (inside & kind).unsqueeze(1).float()
            found.append(float((error * chosen).sum() / chosen.sum() / error.shape[1]))
    return np.array(found).reshape(2, 2)


@lru_cache(maxsize=256)
def _private(epsilon, banks):
    x, y = made.records()[:2]
    return made.runs(x, y, made.protection(epsilon, banks), banks, 5)[-1]


def who():
    """Who among the real applicants is decided wrongly: good risks denied, bad risks approved, in a group and outside."""

    def compute(epsilon, clients, group):
        runs = made.plain()[-1], _private(epsilon, clients)
        errors = [wrong(thetas, _members(group)) for thetas in runs]
        return dict(epsilon=epsilon, banks=clients, group=group, errors=errors, attacker=made.protection(epsilon).attacker())

    def draw(r):
        marks = []
        for k, (style, words) in enumerate((("no privacy", _("no privacy")), ("private", _("private")))):
            marks += [plots.bars(np.arange(4) + 0.4 * k - 0.2, 100 * r["errors"][k].T.ravel(), style, width=0.36)]
            marks += [plots.text(k - 0.4, 106, words, style)]
        return marks

    def say(r):
        clean, noisy = (100 * e for e in r["errors"])
        return _(
            "ε = {e:.3g} in total an applicant, {n} in the sum; the group: {g}. Of its 100 good risks {a:.0f} are denied, "
            "private, of the others' {b:.0f}; with no privacy {c:.0f} and {d:.0f}. Of its 100 bad risks {p:.0f} are "
            "approved, of the others' {q:.0f}; with no privacy {s:.0f} and {t:.0f}."
        ).format(
            e=r["epsilon"], n=_kit.count(r["banks"], _("noise"), _("noises")), g=names[r["group"]], a=noisy[0, 0],
            b=noisy[1, 0], c=clean[0, 0], d=clean[1, 0], p=noisy[0, 1], q=noisy[1, 1], s=clean[0, 1], t=clean[1, 1],
        )  # fmt: skip

    names = {"young": _("25 or younger"), "women": _("women"), "rent": _("who rent")}
    ticks = {0: _("good, group"), 1: _("good, others"), 2: _("bad, group"), 3: _("bad, others")}
    panel = plots.Panel("", _("good risks denied; bad risks approved"), _("wrong of 100"), x=(-0.5, 3.5), y=(0, 118),
                        xticks=ticks, yticks=(0, 25, 50, 75, 100))  # fmt: skip
    controls = [
        _kit.epsilon(1.0, label=EPSILON),
        _kit.clients(10, 1, 80, label=_("banks with their own noise")),
        explorers.Choice("group", _("group"), {v: k for k, v in names.items()}, "young"),
    ]
    explorer = explorers.Explorer(
        _("Who is decided wrongly?"), controls, compute, plots.Chart([panel], size=(7, 3)), draw, say,
        attacker=lambda r: r["attacker"], unit="applicant",
    )  # fmt: skip
    return browser.live(explorer, "nb10.who", made.shipped)
