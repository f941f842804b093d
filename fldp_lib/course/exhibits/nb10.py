"""Notebook 10: banks and their customers, and from which probability on to deny."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from . import _kit
from . import nb10_runs as made
from ._kit import _
from .nb10_more import levers, sums, who
from .nb10_runs import dealt, german, paper
from .nb10_thin import groups

__all__ = ["banks", "dealt", "decision", "german", "groups", "levers", "paper", "sums", "who"]

DENY = 0.7  # what denying everybody costs: seven in ten are good
OWN = _("each adding its own noise"), _("the noise added in shares")


def _ticks(*values):
    return {v: f"{v:g}" for v in values}


@lru_cache(maxsize=64)
def _town(banks):
    """The banks as circles that do not overlap: centres (banks × 2) in the unit circle, radii, sizes; customers' places."""
    fed = made.dealt(banks)
    sizes = fed.sizes.numpy()
    radius = np.sqrt(sizes / 800) + 0.012
    turn, centre = np.arange(6_000) * np.pi * (3 - 5**0.5), []
    spiral = 0.024 * np.sqrt(np.arange(6_000))[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    across, up = spiral.T
    room = np.full(6_000, np.inf)  # of a circle around each place
    for own in radius:  # the largest in the middle, the next as near as there is room
        centre.append(spiral[np.argmax(room - own >= 0)])
        np.minimum(room, np.hypot(across - centre[-1][0], up - centre[-1][1]) - own, out=room)
    centre = np.array(centre) - np.mean([np.array(centre).min(0), np.array(centre).max(0)], 0)
    scale = (np.hypot(*centre.T) + radius).max()
    at, bad = [], []
    for k, n in enumerate(sizes):
        order, turn = np.sqrt((np.arange(n) + 0.5) / n), np.arange(n) * np.pi * (3 - 5**0.5)
        circle = order[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
        at.append((centre[k] + 0.94 * (radius[k] - 0.012) * circle) / scale)
        bad.append(fed.client(k)[1].numpy() == 1)
    return centre / scale, sizes, np.concatenate(at), np.concatenate(bad)


@lru_cache(maxsize=64)
def _own(banks):
    """What each bank's own decisions cost (banks,); one that does worse than denying everybody denies everybody."""
    thetas = made.alone(banks)[None]
    return np.minimum(made.costs(thetas, *made.records((0,))[2:])[0].numpy(), DENY)


@lru_cache(maxsize=1)
def _clean():
    return float(made.costs(made.plain((0,))[-1], *made.records((0,))[2:]))


def banks():
    """The hero: banks, their customers, and what a decision costs alone and with the shared private model (30 draws)."""

    def compute(epsilon, clients, sharing):
        x, y, tests, truths = made.records((0,))
        noises = clients if sharing == "own" else 1
        plan = made.protection(epsilon, noises)
        drawn = made.costs(made.runs(x, y, plan, noises)[-1], tests, truths)[0].numpy()
        about = dict(epsilon=epsilon, banks=clients, sharing=sharing, attacker=_attacker(epsilon))
        return about | dict(drawn=drawn, joins=np.median(drawn) < _own(clients))

    def draw(r):
        centre, sizes, at, bad = _town(r["banks"])
        own, joins, few = _own(r["banks"]), r["joins"], r["banks"] <= 15
        marks = [plots.dots(*at[~bad].T, 1, size=1.1, opacity=0.6), plots.dots(*at[bad].T, 2, size=1.3, opacity=0.8)]
        marks += plots.cloud([2, 800], np.repeat(r["drawn"][:, None], 2, 1), "private", _("private"), 1)
        marks.append(plots.line([2, 800], [_clean()] * 2, "no privacy", _("no privacy"), 1))
        marks.append(plots.line([2, 800], [DENY] * 2, 0, _("deny all"), 1, width=1.2))
        for inside, style in ((joins, "private"), (~joins, "alone")):
            if inside.any():
                marks.append(plots.places(*centre[inside].T, style, size=8 if few else 5))
                marks.append(plots.places(sizes[inside], own[inside], style, panel=1, size=7 if few else 4))
        marks += [plots.text(-1.05, 1.22, _("good risk"), 1), plots.text(0.05, 1.22, _("bad risk"), 2)]
        marks += [
            plots.text(-1.05, 1.08, _("gains by joining"), "private"),
            plots.text(0.05, 1.08, _("better alone"), "alone"),
        ]
        return marks

    def say(r):
        sizes, own = made.dealt(r["banks"]).sizes, _own(r["banks"])
        low, middle, high = np.quantile(r["drawn"], [0.05, 0.5, 0.95])
        return _(
            "ε = {e:.3g} in total an applicant, {n} banks, {by}: a decision costs {p:.2f} good customers, private (nine "
            "draws of ten: {l:.2f} to {h:.2f}); no privacy {c:.2f}, to deny all {d:.2f}. Alone the largest bank ({a} "
            "customers) pays {o:.2f}, the smallest ({b}) {q:.2f}: {g} of {n} gain by joining."
        ).format(
            e=r["epsilon"], n=r["banks"], by=OWN[r["sharing"] != "own"], p=middle, l=low, h=high, c=_clean(), d=DENY,
            a=int(sizes[0]), b=int(sizes[-1]), o=own[0], q=own[-1], g=int(r["joins"].sum()),
        )  # fmt: skip

    left = plots.Panel(_("banks and their customers"), x=(-1.08, 1.08), y=(-1.05, 1.32), xticks=(), yticks=(), equal=True)
    right = plots.Panel(
        _("what a decision costs"), _("customers of the bank"), _("good customers lost"), x=(2, 800), y=(0.4, 1.5),
        xlog=True, ylog=True, xticks=_ticks(2, 10, 50, 200, 800), yticks=_ticks(0.4, 0.5, 0.7, 1, 1.5), right=0.3,
    )  # fmt: skip
    explorer = explorers.Explorer(
        _("Banks that share a score"),
        [_kit.epsilon(1.0, label=_("total ε, an applicant")), _kit.clients(10, 2, 40, label=_("banks")), _sharing()],
        compute, plots.Chart([left, right], size=(7, 3.6)), draw, say, attacker=lambda r: r["attacker"], unit="applicant",
    )  # fmt: skip
    return browser.live(explorer, "nb10.banks", made.shipped)


def _sharing():
    options = {_("each bank, its own"): "own", _("together, in shares"): "shares"}
    return explorers.Choice("sharing", _("who adds noise"), options, "own")


@lru_cache(maxsize=512)
def _attacker(epsilon):
    return made.protection(epsilon).attacker()


LIMITS = np.linspace(0.02, 0.8, 40)


@lru_cache(maxsize=256)
def _risks(epsilon):
    """What six choices' test applicants get by five private models in shares each, or by one without privacy (None).

    Returns:
        Their probabilities (6 × draws × 200); by limit, shares of good ones denied, of bad ones approved (6·draws × limits).
    """
    x, y, tests, truths = made.records()
    theta = made.plain()[-1] if epsilon is None else made.runs(x, y, made.protection(epsilon, 1), 1, 5)[-1]
    risks = (theta @ tests.mT).sigmoid().numpy()
    above = np.searchsorted(LIMITS, risks, side="right")  # so many limits are at most the risk
    above = above.reshape(-1, 200) + (len(LIMITS) + 1) * np.arange(above[..., 0].size)[:, None]
    bad = np.repeat(truths.numpy() == 1, risks.shape[1], 0)
    counts = [
        np.bincount(above[kind], minlength=above.shape[0] * (len(LIMITS) + 1)).reshape(-1, len(LIMITS) + 1).cumsum(1)
        for kind in (~bad, bad)
    ]
    good, poor = (c[:, :-1] / c[:, -1:] for c in counts)  # approved, by limit
    return risks, 1 - good, poor


def _paid(risks, loss, limit=None):
    """What decisions cost at each of the limits (6·draws × limits), or the mean cost at one."""
    if limit is None:
        return 0.7 * risks[1] + 0.3 * loss * risks[2]
    bad = made.records()[3].numpy()[:, None] == 1
    return float(np.where(risks[0] >= limit, ~bad, loss * bad).mean())


def decision():
    """Two hundred real applicants' scores, the limit from which on to deny, and what every limit would cost."""

    def compute(epsilon, loss):
        private, clean, blind = _risks(epsilon), _risks(None), min(0.7, 0.3 * loss)
        found = dict(curves=_paid(private, loss) / blind, clean=_paid(clean, loss).mean(0) / blind)
        at = [_paid(risks, loss, 1 / (1 + loss)) for risks in (private, clean)]
        return dict(epsilon=epsilon, loss=loss, at=at, scores=private[0][0, 0], attacker=_attacker(epsilon)) | found

    def draw(r):
        bad = made.records()[3][0].numpy() == 1
        up, seen, limit = np.arange(200) * 0.618 % 1, r["scores"], 1 / (1 + r["loss"])
        marks = [plots.dots(seen[~bad], 0.04 + 0.36 * up[~bad], 1, size=2.2), plots.text(0.02, 0.44, _("good risks"), 1)]
        marks += [plots.dots(seen[bad], 0.58 + 0.34 * up[bad], 2, size=2.6), plots.text(0.02, 0.94, _("bad risks"), 2)]
        marks += [plots.line([limit] * 2, [0, 1], 0, width=2), plots.text(limit + 0.02, 1.01, _("deny from here on"), 0)]
        marks += plots.cloud(LIMITS, r["curves"], "private", _("private"), 1)
        marks.append(plots.line(LIMITS, r["clean"], "no privacy", _("no privacy"), 1))
        return [*marks, plots.line([limit] * 2, [0.4, 8], 0, panel=1), plots.line([0.02, 0.8], [1, 1], 5, _("blind"), 1)]

    def say(r):
        denied, bad = r["scores"] >= 1 / (1 + r["loss"]), made.records()[3][0].numpy() == 1
        return _(
            "An approved bad risk costs {k:.3g} times a denied good one: deny from {t:.2f} on. A decision then costs, "
            "private (ε = {e:.3g} in shares) {p:.2f}, with no privacy {c:.2f}, blind {b:.2f}. Of these 140 good risks {g} "
            "are denied, of the 60 bad ones {a} approved."
        ).format(
            k=r["loss"], t=1 / (1 + r["loss"]), e=r["epsilon"], p=r["at"][0], c=r["at"][1], b=min(0.7, 0.3 * r["loss"]),
            g=int((denied & ~bad).sum()), a=int((~denied & bad).sum()),
        )  # fmt: skip

    panels = [
        plots.Panel(_("the scores of 200 real applicants"), _("probability of a bad risk"), x=(0, 1), y=(0, 1.1),
                    yticks=()),
        plots.Panel(
            _("cost by the limit"), _("deny from this probability on"), _("of the best blind decision's"), x=(0.02, 0.8),
            y=(0.5, 8), ylog=True, yticks=_ticks(0.5, 1, 2, 4, 8), xticks=(0.2, 0.4, 0.6, 0.8), right=0.32,
        ),
    ]  # fmt: skip
    controls = [
        explorers.Slider("loss", _("an approved bad risk costs"), 1, 20, 5, step=0.05, log=True),
        _kit.epsilon(1.0, label=_("total ε, an applicant")),
    ]
    explorer = explorers.Explorer(
        _("From which probability on?"), controls, compute, plots.Chart(panels, size=(7, 3.4)), draw, say,
        predict=(
            "10.a",
            _("A bad risk that is approved costs 5 good customers, a good one that is denied costs 1. Deny from which "
              "probability of a bad risk on?"),
            ["1/2", "1/5", "1/6"], 2,
            _("approving costs 5p and denying 1 − p, and the two are equal at 1/6."),
        ),
        attacker=lambda r: r["attacker"], unit="applicant",
    )  # fmt: skip
    return browser.live(explorer, "nb10.decision", made.shipped)
