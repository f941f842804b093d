"""What notebook 14 shows: what an ε buys, what more clients do, where a clip's error comes from, who pays."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import mechanisms
from . import _singles
from ._kit import _, clients, epsilon
from ._singles import BUDGETS, CLIP, DRAWS, PARAMETERS, PLAN, ceiling, clip_errors, ends, gaussian, knee_of, spread
from .nb14_more import attackers, surface, threes

__all__ = ["attackers", "clip", "knee", "surface", "threes", "trade"]
LEVELS = {e: f"{e:g}" for e in (0.1, 0.3, 1, 3, 10, 20)}
CROWDS = {n: f"{n:,}" for n in (100, 200, 400, 800, 1_400)}
CLIPS, FINE = tuple(np.geomspace(0.2, 60, 7).round(3)), tuple(np.geomspace(0.2, 60, 40))


def knee():
    """What an ε buys: accuracy against the total ε for so many clients, and eight draws at the chosen one."""

    def compute(epsilon, clients):
        plan = gaussian(epsilon)
        return dict(
            epsilon=epsilon, clients=clients, plan=plan, curve=knee_of(clients),
            here=ends(clients, [plan.mechanism], DRAWS)[0], clean=ceiling(clients)[-1],
        )  # fmt: skip

    def marks(r):
        return [
            plots.line((0.1, 20), [r["clean"]] * 2, "no privacy", _("no privacy")),
            *plots.cloud(BUDGETS, r["curve"].T, "private", _("private")),
            plots.line([r["epsilon"]] * 2, (0, 100), 5, width=1.0),
            plots.dots([r["epsilon"]] * len(r["here"]), r["here"], "private", size=3),
        ]

    def say(r):
        return _(
            "{clients:,} clients, total ε = {epsilon:.3g} (δ = 1e-5, a client comes or goes): of 100 test digits the "
            "private model reads {here} right, {clean:.0f} with no privacy."
        ).format(clients=r["clients"], epsilon=r["epsilon"], here=spread(r["here"]), clean=r["clean"])

    panel = plots.Panel(
        _("right, of 100 test digits, after 20 rounds"), _("total ε of a client (log)"), x=(0.1, 20), y=(0, 100),
        xlog=True, xticks=LEVELS, right=0.3,
    )  # fmt: skip
    made = explorers.Explorer(
        _("What an ε buys"), [epsilon(1.0), clients(700, 100, 1_400)], compute, plots.Chart([panel], size=(6.4, 3.3)), marks,
        say, attacker=lambda r: r["plan"].attacker(),
    )  # fmt: skip
    return browser.live(made, "nb14.knee", _singles.shipped)


@lru_cache(maxsize=1)
def _exchange():
    """Noise multipliers of 20 rounds, and the total ε of each: a table to draw curves from."""
    z = np.geomspace(0.3, 400, 60)
    return z, np.array([PLAN.changed(mechanism=mechanisms.Gaussian(float(m), CLIP)).epsilon() for m in z])


def trade():
    """Half the clients: the ε at which they have the same noise in the mean, and what both learn."""

    def compute(clients, epsilon):
        plan, half = gaussian(epsilon), clients // 2
        z = plan.mechanism.noise_multiplier
        same = PLAN.changed(mechanism=mechanisms.Gaussian(z * half / clients, CLIP))
        runs = {}
        for count, plans in ((clients, [plan]), (half, [same, plan])):
            mechs = [p.mechanism for p in plans for _seed in DRAWS[:6]]
            found = _singles.together(_singles.crowd(count), PLAN, mechs, DRAWS[:6] * len(plans))[0]
            runs[count] = 100 * found.reshape(len(plans), 6, 20)
        others = np.geomspace(max(100, clients / 3), min(1_437, 3 * clients), 40)
        at, eps = _exchange()
        line = np.exp(np.interp(np.log(z * others / clients), np.log(at), np.log(eps)))
        return dict(
            clients=clients, half=half, epsilon=epsilon, other=same.epsilon(), others=others, line=line, runs=runs,
            noise=plan.mechanism.std * PARAMETERS**0.5 / clients,
        )  # fmt: skip

    def marks(r):
        rounds, n, half = np.arange(1, 21), r["clients"], r["half"]
        names = [f"{count:,}, ε {e:.3g}" for count, e in ((n, r["epsilon"]), (half, r["other"]), (half, r["epsilon"]))]
        return [
            plots.line(r["others"], r["line"], 0, _("same noise")),
            plots.dots([n], [r["epsilon"]], "private", size=6), plots.dots([half], [r["other"]], 1, size=6),
            plots.dots([half], [r["epsilon"]], 2, size=6),
            *plots.cloud(rounds, r["runs"][n][0], "private", names[0], panel=1),
            *plots.cloud(rounds, r["runs"][half][0], 1, names[1], panel=1),
            plots.line(rounds, np.median(r["runs"][half][1], 0), 2, names[2], panel=1),
        ]  # fmt: skip

    def say(r):
        right = [float(np.median(runs[:, -1])) for runs in (r["runs"][r["clients"]][0], *r["runs"][r["half"]])]
        return _(
            "At total ε = {epsilon:.3g} the noise in the mean of {clients:,} clients is {noise:.3g} long; {half:,} have "
            "the same noise at ε = {other:.3g}. Right of 100 after 20 rounds (medians of 6 draws): {right[0]:.0f} and "
            "{right[1]:.0f}; {half:,} clients that stay at ε = {epsilon:.3g} read {right[2]:.0f}."
        ).format(**r, right=right)

    names = plots.Panel(
        _("same noise in the mean"), _("clients (log)"), _("total ε (log)"), x=(80, 1_437), y=(0.1, 60), xlog=True,
        ylog=True, xticks=CROWDS, yticks={e: f"{e:g}" for e in (0.1, 1, 10, 50)}, right=0.28,
    )  # fmt: skip
    over = plots.Panel(_("right, of 100"), _("round"), x=(1, 20), y=(0, 100), xticks=[1, 5, 10, 15, 20], right=0.36)
    made = explorers.Explorer(
        _("More clients, or a larger ε"), [clients(700, 200, 1_400), epsilon(1.0, 0.25, 10.0)], compute,
        plots.Chart([names, over], size=(7.0, 3.2)), marks, say,
        predict=(
            "14.a", _("Half as many clients: which total ε has about the noise that all 700 have at ε = 1?"),
            [_("about 1.4"), _("about 2"), _("about 4")], 1,
            lambda r: _("the noise in the mean is zC/n, and z nearly proportional to 1/ε: it is {:.2f}.").format(r["other"]),
        ),
    )  # fmt: skip
    return browser.live(made, "nb14.trade", _singles.shipped)


@lru_cache(maxsize=64)
def by_clip(count, epsilon):
    """Right of 100 at each of seven clips, three draws each (9 × 3)."""
    return ends(count, [mechanisms.Gaussian(_singles.multiplier(epsilon), c) for c in CLIPS], DRAWS[:3])


def clip():
    """One clip's bias and noise, computed without a draw, and what the accuracy makes of it."""

    def compute(clip, epsilon, clients):
        per_clip = _singles.multiplier(epsilon) * PARAMETERS**0.5 / clients
        biases, mean = clip_errors(clients, FINE)
        return dict(
            clip=clip, epsilon=epsilon, clients=clients, mean=mean, biases=biases, per_clip=per_clip,
            bias=clip_errors(clients, (clip,))[0][0], curve=by_clip(clients, epsilon),
            here=ends(clients, [mechanisms.Gaussian(_singles.multiplier(epsilon), clip)], DRAWS)[0],
        )  # fmt: skip

    def marks(r):
        fine, noise = np.array(FINE), r["per_clip"] * np.array(FINE)
        here = np.array([r["bias"], r["clip"] * r["per_clip"], np.hypot(r["bias"], r["clip"] * r["per_clip"])])
        drawn = [
            plots.line(fine, np.where(r["biases"] > 1e-3, r["biases"], np.nan), 2, _("bias")),
            plots.line(fine, noise, "private", _("noise")), plots.line(fine, np.hypot(r["biases"], noise), 0, _("together")),
            *plots.cloud(CLIPS, r["curve"].T, "private", _("private"), panel=1),
            plots.dots([r["clip"]] * len(r["here"]), r["here"], "private", panel=1, size=3),
        ]  # fmt: skip
        drawn += [plots.dots([r["clip"]], [y], style, size=4) for y, style in zip(here, (2, 4, 0), strict=True) if y > 1e-3]
        return drawn + [
            plots.line([r["clip"]] * 2, ends_, 5, panel=k, width=1.0) for k, ends_ in enumerate(((1e-3, 1e3), (0, 100)))
        ]

    def say(r):
        noise, together = r["clip"] * r["per_clip"], np.hypot(r["biases"], r["per_clip"] * np.array(FINE))
        best = np.median(r["curve"], 1)
        return _(
            "Clip {clip:.3g}, total ε = {epsilon:.3g}, {clients:,} clients: the mean update is {mean:.2f} long, its bias "
            "{bias:.2f}, its noise {noise:.3g}, together {both:.3g}: least at a clip of {least:.2g}. After 20 rounds the "
            "private model reads {here} of 100 digits right; of seven clips {top:.2g} does best, {most:.0f}."
        ).format(
            **r | dict(here=spread(r["here"])), noise=noise, both=np.hypot(r["bias"], noise), least=FINE[together.argmin()],
            top=CLIPS[best.argmax()], most=best.max(),
        )  # fmt: skip

    ticks = {c: f"{c:g}" for c in (0.2, 1, 6, 60)}
    shared = dict(x=(0.2, 60), xlog=True, xticks=ticks)
    lengths = {10.0**k: f"{10.0**k:g}" for k in range(-3, 4)}
    panels = [
        plots.Panel(_("error of one mean update"), _("clip (log)"), _("length (log)"), y=(1e-3, 1e3), ylog=True,
                    yticks=lengths, right=0.28, **shared),
        plots.Panel(_("right, of 100, after 20 rounds"), _("clip (log)"), y=(0, 100), right=0.2, **shared),
    ]  # fmt: skip
    made = explorers.Explorer(
        _("The clip: bias against noise"),
        [explorers.Slider("clip", _("clip (longest update)"), 0.2, 60, 6.0, step=0.05, log=True), epsilon(1.0, 0.25, 10.0),
         clients(1_400, 200, 1_400)],
        compute, plots.Chart(panels, size=(7.0, 3.2)), marks, say,
        predict=(
            "14.b", _("1,400 clients, ε = 1: at which clip is the accuracy best?"),
            [_("where one mean update has the smallest error"), _("at a smaller clip"), _("at a larger clip")],
            lambda r: _larger(r), lambda r: _because(r),
        ),
    )  # fmt: skip
    return browser.live(made, "nb14.clip", _singles.shipped)


def _places(r):
    together = np.hypot(r["biases"], r["per_clip"] * np.array(FINE))
    return float(FINE[together.argmin()]), float(CLIPS[np.median(r["curve"], 1).argmax()])


def _larger(r):
    least, best = _places(r)
    return 2 if best > 1.5 * least else 1 if best < least / 1.5 else 0


def _because(r):
    return _("the error is smallest at a clip of {:.2g}, where hardly anything is sent; the accuracy at {:.2g}.").format(
        *_places(r)
    )
