"""What notebook 16 shows: a threshold between two clouds, audits of an honest program, an auditor for many programs."""

from functools import lru_cache

import numpy as np

from ...adversary import auditing, faults
from ...interactive import browser, explorers, plots
from . import _audits, _priced
from ._audits import laplace, released
from ._kit import _, epsilon
from .nb16_more import canaries, crowd, through_mu

__all__ = ["attack", "audit", "canaries", "chance", "crowd", "priced", "through_mu"]
RUNS, THRESHOLDS, EDGES = 20_000, np.arange(-16, 20.5, 0.5), np.arange(-20, 24.5, 1.0)
MADE = {"honest": (faults.honest, 1), "half the noise": (faults.halved_noise, 2), "clip forgotten": (faults.wrong_scale, 4)}
AUDITS, GRID = 100, tuple(int(n) for n in np.geomspace(100, 1_000_000, 7).round(-1))
PROGRAMS = {"honest": faults.honest} | {f.__name__.replace("_", " ").replace("nan", "no number"): f for f in faults.FAULTS}
LOGS = {0.1: "0.1", 0.3: "0.3", 1: "1", 3: "3", 10: "10"}


@lru_cache(maxsize=64)
def _clouds(program, claimed):
    """Shares of the runs by bin (2 × bins), and how many lie above each threshold (2 × thresholds)."""
    scores = released(MADE[program][0], claimed, RUNS, round(1_000 * claimed))
    inside = [np.clip(s, EDGES[0], EDGES[-1]) for s in scores]
    shares = np.array([np.histogram(s, EDGES)[0] / RUNS for s in inside])
    return shares, np.array([(s[:, None] > THRESHOLDS).sum(0) for s in scores])


def attack():
    """A test that attacks a mechanism: outputs without and with one client, a threshold, and the ε that it proves."""

    def compute(threshold, epsilon, program):
        shares, above = _clouds(program, epsilon)
        false, true = above[:, np.abs(THRESHOLDS - threshold).argmin()]
        # two rates at each of 73 thresholds, 5% for all of them together: so one may look at all and take the best
        proved = float(_audits.bound(*_audits.rates(false, true, RUNS, 0.05 / (2 * len(THRESHOLDS)))))
        return dict(
            threshold=threshold, claimed=epsilon, program=program, shares=shares, false=int(false), true=int(true),
            proved=proved, can=laplace(epsilon * MADE[program][1]),
        )  # fmt: skip

    def marks(r):
        top, middle = r["shares"].max(), EDGES[:-1] + 0.5
        drawn = [plots.bars(middle, s / top, k, width=1.0, opacity=0.5) for s, k in zip(r["shares"], (1, 2), strict=True)]
        drawn += [plots.text(-19.5, 1.12, _("without the client"), 1), plots.text(9, 1.12, _("with the client"), 2)]
        drawn += [plots.line([r["threshold"]] * 2, (0, 1.05), 0)]
        for x, value, style in ((0, r["claimed"], 5), (1, r["proved"], "attacker")):
            drawn += [plots.bars([x], [max(0.0, value - 0.1)], style, panel=1, width=0.6, base=[0.1])]
            drawn += [plots.text(x - 0.2, 1.2 * max(value, 0.1), f"{value:.2f}", style, panel=1)]
        return drawn

    def say(r):
        verdict = _("the claim is refuted") if r["proved"] > r["claimed"] else _("the claim is not refuted here")
        return _(
            "{program}: above {threshold:g} lie {true:,} of 20,000 outputs with the client and {false:,} of 20,000 without. "
            "So ε is at least {proved:.2f} (95% confidence, for all 73 thresholds together); claimed is {claimed:.3g}: "
            "{verdict}."
        ).format(**r | dict(program=r["program"].capitalize()), verdict=verdict)

    panels = [
        plots.Panel(
            _("outputs, with noise"), _("released sum (one client sends 0 or 4)"), _("how frequent (of the highest)"),
            x=(-20, 24), y=(0, 1.25), yticks=[0, 0.5, 1],
            xticks={-20: "≤−20", -10: "−10", 0: "0", 4: "4", 12: "12", 24: "≥24"},
        ),
        plots.Panel("ε", y=(0.1, 16), ylog=True, x=(-0.6, 1.6), xticks={0: _("claimed"), 1: _("proved")}, yticks=LOGS),
    ]  # fmt: skip
    shown = explorers.Explorer(
        _("Does the program lie?"),
        [explorers.Slider("threshold", _("threshold: “in” above it"), -16, 20, 16, step=0.5),
         epsilon(1.0, 0.5, 2.0, label=_("claimed ε")),
         explorers.Choice("program", _("program"), {_(name): name for name in MADE}, "half the noise")],
        compute, plots.Chart(panels, size=(6.6, 3.3)), marks, say, attacker=lambda r: r["can"], along={"threshold": 0},
    )  # fmt: skip
    return browser.live(shown, "nb16.attack", lambda: {"runs": RUNS})


def _laws(claimed):
    return _audits.laplace_laws(claimed, np.linspace(-7, 7 + claimed, 31))


@lru_cache(maxsize=64)
def _many(claimed):
    """Proved and naive bounds of 20 audits at each of seven numbers of runs (2 × 20 × 7)."""
    rng = np.random.default_rng(round(1_000 * claimed))
    return np.stack([_audits.halves(_laws(claimed), n, 20, rng) for n in GRID], -1)


def chance():
    """An honest program, audited a hundred times: the bare ratio of frequencies, and a bound with confidence."""

    def compute(runs, epsilon):
        rng = np.random.default_rng((runs, round(1_000 * epsilon)))
        proved, bare = _audits.halves(_laws(epsilon), runs, AUDITS, rng)
        return dict(runs=runs, claimed=epsilon, proved=proved, bare=bare, many=_many(epsilon))

    def marks(r):
        n, proved, bare = r["claimed"], *r["many"] / r["claimed"]
        beside = np.geomspace(0.93, 1.07, AUDITS) * r["runs"]
        shown = r["bare"] / n <= 3
        more = [] if shown.all() else [plots.text(min(r["runs"], 3e5), 3.15, _("{} higher").format((~shown).sum()), 0)]
        return [
            *more,
            plots.line((100, 1e6), (1, 1), 5, _("claimed")),
            *plots.cloud(GRID, bare, 0, _("bare ratio")), *plots.cloud(GRID, proved, "attacker", _("proved")),
            plots.dots(beside[shown] * 0.9, r["bare"][shown] / n, 0, size=1.5),
            plots.dots(beside * 1.1, r["proved"] / n, "attacker", size=1.5),
        ]  # fmt: skip

    def say(r):
        above = [int((r[name] > r["claimed"]).sum()) for name in ("bare", "proved")]
        return _(
            "An honest program, ε = {claimed:.3g}, audited 100 times by {runs:,} runs each way. Bare ratio: {above[0]} of "
            "100 audits above the claim, median {bare:.2f}. Proved with 95% confidence: {above[1]} of 100 above it (5 "
            "would be allowed), median {proved:.2f}."
        ).format(claimed=r["claimed"], runs=r["runs"], above=above, bare=np.median(r["bare"]), proved=np.median(r["proved"]))

    panel = plots.Panel(
        _("ε found, as a multiple of the true one"), _("runs each way (log)"), x=(100, 1e6), y=(0, 3.3), xlog=True,
        xticks={10**k: f"{10**k:,}" for k in range(2, 7)}, right=0.25,
    )  # fmt: skip
    shown = explorers.Explorer(
        _("An honest program, audited"),
        [explorers.Slider("runs", _("runs each way"), 100, 1_000_000, 20_000, step=0.1, log=True, whole=True),
         epsilon(1.0, 0.25, 4.0, label=_("true ε"))],
        compute, plots.Chart([panel], size=(6.4, 3.2)), marks, say, attacker=lambda r: laplace(r["claimed"]),
        predict=(
            "16.a", _("An honest program, ε = 1, 20,000 runs. The ratio of frequencies, at its best threshold, is mostly …"),
            [_("below 1: an attack is only a lower bound"), _("1, to a hundredth"),
             _("above 1: an honest program is accused")],
            2, lambda r: _("in {} of 100 audits; at the median it is {:.2f}: the threshold is where chance is kind.").format(
                int((r["bare"] > r["claimed"]).sum()), np.median(r["bare"])
            ),
        ),
    )  # fmt: skip
    return browser.live(shown, "nb16.chance", lambda: {"audits": AUDITS, "grid": GRID})


def priced():
    """Every mechanism under every sampler: the accountants that price it, the tightest first, or the refusal."""
    return _priced.table()


@lru_cache(maxsize=256)
def _caught(program, claimed, runs, draw):
    """The scores, the audit of them all, and the bounds of its first runs, a third, a ninth … of them."""
    scores = released(PROGRAMS[program], claimed, runs, draw)
    parts = [n for n in (runs // 27, runs // 9, runs // 3) if n >= 40]
    bounds = [auditing.repeated(*(s[:n] for s in scores)).lower for n in parts]
    return scores, auditing.repeated(*scores), np.array(parts), np.array(bounds)


def audit():
    """A program, its claim and an auditor: the scores of both worlds, and what more and more of its runs prove."""

    def compute(program, epsilon, runs, draw):
        scores, found, parts, bounds = _caught(program, epsilon, runs, draw)
        return dict(program=program, claimed=epsilon, runs=runs, draw=draw, scores=scores, found=found, parts=parts,
                    bounds=bounds)  # fmt: skip

    def marks(r):
        span = max(1.0, *(float(np.abs(s).max()) for s in r["scores"]))
        edges = np.linspace(-1, 1, 61)
        shares = np.array([np.histogram(s / span, edges)[0] for s in r["scores"]]) / r["runs"]
        top = shares.max()
        drawn = [plots.bars(edges[:-1] + 1 / 60, s / top, k, width=1 / 30, opacity=0.5)
                 for s, k in zip(shares, (1, 2), strict=True)]  # fmt: skip
        drawn += [plots.line([r["found"].threshold / span] * 2, (0, 1.05), 0)]
        drawn += [plots.text(-0.98, 1.12, _("without"), 1), plots.text(0.4, 1.12, _("with"), 2)]
        x, y = np.append(r["parts"], r["runs"]), np.append(r["bounds"], r["found"].lower) / r["claimed"]
        drawn += [plots.line((40, 50_000), (1, 1), 5, _("claimed"), panel=1)]
        name = _("proved") if y[-1] <= 2.2 else _("proved ↑ {:.3g}").format(y[-1])
        y = np.minimum(y, 2.2)  # what is higher is told by its label
        drawn += [plots.line(x, y, "attacker", name, panel=1)] if len(x) > 1 else []
        return [*drawn, plots.dots(x, y, "attacker", "" if len(x) > 1 else name, panel=1, size=3)]

    def say(r):
        found = r["found"]
        verdict = _("refuted") if found.lower > r["claimed"] else _("not refuted")
        return _(
            "{program}, claimed ε = {claimed:.3g} (δ = 0, a client comes or goes): {verdict}. Draw {draw}, {runs:,} runs "
            "each way, half of them judged: FPR at most {fpr:.4f}, TPR at least {tpr:.4f}, so ε at least {lower:.2f} with "
            "95% confidence."
        ).format(**r | dict(program=r["program"].capitalize()), verdict=verdict, fpr=found.fpr, tpr=found.tpr,
                 lower=found.lower)  # fmt: skip

    panels = [
        plots.Panel(_("scores, and the threshold chosen"), _("score (of the largest)"), _("how frequent (of the highest)"),
                    x=(-1, 1), y=(0, 1.25), yticks=[0, 0.5, 1]),
        plots.Panel(_("ε proved, as a multiple of the claim"), _("runs each way (log)"), x=(40, 50_000), y=(0, 2.3),
                    xlog=True, xticks={100: "100", 1_000: "1,000", 10_000: "10,000"}, yticks=[0, 0.5, 1, 1.5, 2], right=0.3),
    ]  # fmt: skip
    controls = [
        explorers.Choice("program", _("program"), {_(name): name for name in PROGRAMS}, "halved noise"),
        epsilon(1.0, 0.1, 6.0, label=_("claimed ε")),
        explorers.Slider("runs", _("runs each way"), 100, 50_000, 5_000, step=0.1, log=True, whole=True),
        explorers.Slider("draw", _("draw of the noise"), 1, 200, 1, whole=True),
    ]
    return explorers.Explorer(
        _("An audit"), controls, compute, plots.Chart(panels, size=(6.6, 3.3)), marks, say,
        predict=(
            "16.e", _("Half the noise at a claimed ε of 1: how many runs until nine audits in ten refute the claim?"),
            [_("about a hundred"), _("about a thousand"), _("about ten thousand")], 1,
            lambda r: _("of 40 audits by 100, 1,000 and 10,000 runs each way {}, {} and {} refute it.").format(*_refuting()),
        ),
    )  # fmt: skip


def _refuting():
    """How many of 40 audits of half the noise refute ε = 1, by 100, 1,000 and 10,000 runs."""
    some = [
        [released(faults.halved_noise, 1.0, runs, seed) for seed in range(1_000, 1_040)] for runs in (100, 1_000, 10_000)
    ]
    return [sum(auditing.repeated(*scores).lower > 1 for scores in row) for row in some]
