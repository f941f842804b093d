"""Notebook 19's explorers of numbers: the check digit of an ISBN, one release's ε, δ and σ, and what releases add up to."""

import math
from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import accounting, gaussians, mechanisms
from ._kit import _, chance, epsilon

BOOKS = {"Hastie et al., valid": "0387848576", "the article's first": "173334690X", "the article's second": "1789618796"}
AT = np.linspace(0.1, 6, 60)
ROUNDS = np.geomspace(1, 1000, 25)


def isbn(check=None):
    """One character of an ISBN changed: the ten products, their sum, and what is left over by 11.

    Args:
        check: called with the ten characters; returns the remainder. None takes the sum of the products modulo 11.
    """

    def compute(book, place, digit):
        text = book[: place - 1] + str(digit) + book[place:]
        products = np.arange(10, 0, -1) * np.array([10 if c == "X" else int(c) for c in text])
        left = check(text) if check else int(products.sum()) % 11
        return dict(book=book, text=text, place=place, products=products, left=left, same=text == book)

    def marks(r):
        k = np.arange(1, 11)
        here = k == r["place"]
        tops = [plots.text(a - 0.16, y + 4, c) for a, y, c in zip(k, r["products"], r["text"], strict=True)]
        drawn = [plots.bars(k[~here], r["products"][~here], 5), plots.bars(k[here], r["products"][here], 1)]
        words = _("sum {sum}, remainder {left}").format(sum=r["products"].sum(), left=r["left"])
        return [*drawn, *tops, plots.text(6.2, 94, words, 1)]

    def say(r):
        verdict = _("it passes.") if r["left"] == 0 else _("it fails: no book has this number.")
        what = _("as printed") if r["same"] else _("with another character in place {place}").format(**r)
        return _("{text}, {what}: the weighted digits add up to {sum} = {times} · 11 + {left}; {verdict}").format(
            text=r["text"], what=what, sum=r["products"].sum(), times=r["products"].sum() // 11, left=r["left"],
            verdict=verdict,
        )  # fmt: skip

    panel = plots.Panel("", "place of the character", "weight × digit", x=(0.4, 10.6), y=(0, 100), xticks=list(range(1, 11)))
    return explorers.Explorer(
        _("A digit that checks the others"),
        [
            explorers.Choice("book", _("number"), {_(name): number for name, number in BOOKS.items()}, "0387848576"),
            explorers.Slider("place", _("place of the character"), 1, 10, 5, whole=True),
            explorers.Slider("digit", _("digit put there"), 0, 9, 8, whole=True),
        ],
        compute, plots.Chart([panel], size=(6.6, 2.7)), marks, say,
    )  # fmt: skip


@lru_cache(maxsize=64)
def deltas(sigma):
    """δ of one Gaussian release at the ε of the axis (60,)."""
    return np.array([accounting.delta_of(mechanisms.Gaussian(sigma, clip=1.0), float(e)) for e in AT])


@lru_cache(maxsize=64)
def guesses(delta):
    """What (ε, δ) allows a guess at even odds at the ε of the axis: over all mechanisms, and with a Gaussian (2, 60)."""
    bound = [accounting.best_guess(float(e), delta) for e in AT]
    return np.array([bound, _gaussian(AT, delta)])


def _gaussian(epsilon, delta):
    """What a Gaussian with just this (ε, δ) allows a guess at even odds; for arrays of ε, all of them bisected at once."""
    low, high = np.full(np.shape(epsilon), math.log(1e-12)), np.full(np.shape(epsilon), math.log(1e12))  # of μ
    for _halved in range(60):
        middle = (low + high) / 2
        met = gaussians.log_gaussian_delta(np.exp(middle), epsilon) <= math.log(delta)
        low, high = np.where(met, middle, low), np.where(met, high, middle)
    from scipy.special import ndtr  # slow to load: not before it is needed

    return ndtr(np.exp(low) / 2)


def noise():
    """One release: which δ a Gaussian of multiplier σ has at ε, and what (ε, δ) allows who guesses."""

    def compute(epsilon, delta, sigma):
        here = accounting.delta_of(mechanisms.Gaussian(sigma, clip=1.0), epsilon)
        return dict(
            epsilon=epsilon, delta=delta, sigma=sigma, here=max(here, 0.0), deltas=deltas(sigma), guesses=guesses(delta),
            bound=accounting.best_guess(epsilon, delta), exact=float(_gaussian(epsilon, delta)),
        )  # fmt: skip

    def marks(r):
        bound, exact = r["guesses"]
        return [
            plots.line(AT, np.where(r["deltas"] > 1e-12, r["deltas"], np.nan), "private", label=_("Gaussian")),
            plots.line([0, 6], [r["delta"]] * 2, 0, label=_("asked for")),
            *_mark(r["epsilon"], r["here"], "private", 0, 1e-12),
            plots.line(AT, 100 * bound, "bound", label=_("bound"), panel=1),
            plots.line(AT, 100 * exact, "attacker", label=_("attacker"), panel=1),
            plots.dots([r["epsilon"]] * 1, [100 * r["bound"]], "bound", panel=1, size=4),
            plots.dots([r["epsilon"]], [100 * r["exact"]], "attacker", panel=1, size=4),
        ]

    def say(r):
        kept = _("keeps") if r["here"] <= r["delta"] else _("misses")
        return _(
            "σ 噪声乘数 = {sigma:.3g}: the Gaussian's δ 失败概率 at ε 隐私参数 = {epsilon:.3g} is {told} and {kept} the "
            "{delta:.2g} asked for. Of 100 guesses at even odds (ε, δ) allows {b:.1f} right, the bound, whatever σ is; an "
            "attacker on a Gaussian with just this (ε, δ) has {g:.1f}. Laplace noise would have scale b 尺度 = {scale:.3g}."
        ).format(**r, kept=kept, told=chance(r["here"]), b=100 * r["bound"], g=100 * r["exact"], scale=1 / r["epsilon"])

    def because(r):
        return _("the bound is about (ε, δ) alone and stays at {b:.1f} of 100; δ at this ε is what falls.").format(
            b=100 * r["bound"]
        )

    panels = [
        plots.Panel(_("δ of one Gaussian release"), "ε", "δ", x=(0, 6), y=(1e-12, 1), ylog=True, right=0.32),
        plots.Panel(_("right guesses, of 100"), "ε", "", x=(0, 6), y=(48, 102), right=0.28),
    ]
    question = _("One Gaussian release, σ is doubled. What does the bound on a guess at the same (ε, δ) do?")
    return browser.live(
        explorers.Explorer(
        _("One release: ε, δ and σ"),
        [
            epsilon(1.0, 0.1, 6, _("ε of one release")),
            explorers.Slider("delta", "δ", 1e-8, 0.1, 1e-5, step=0.25, log=True),
            explorers.Slider("sigma", "σ", 0.3, 10, 1.0, step=0.05, log=True),
        ],
        compute, plots.Chart(panels, size=(7.0, 2.9)), marks, say,
        predict=("19.b", question, [_("falls"), _("stays"), _("rises")], 1, because),
    ), "nb19.noise"
    )  # fmt: skip


def totals():
    """Many releases of one ε each: added up, sampled and added up, and by advanced composition."""

    def each(epsilon, q):
        return accounting.epsilon(mechanisms.Laplace(epsilon, clip=1.0), 1, q, 0.0, "basic")

    def advanced(one, rounds):
        return np.sqrt(2 * rounds * np.log(1e5)) * one + rounds * one * np.expm1(one)

    def compute(epsilon, q, rounds):
        one = each(epsilon, q)
        curves = [ROUNDS * epsilon, ROUNDS * one, advanced(one, ROUNDS)]
        now = [rounds * epsilon, rounds * one, float(advanced(one, rounds))]
        return dict(epsilon=epsilon, q=q, rounds=rounds, one=one, curves=curves, now=now)

    def marks(r):
        drawn = []
        for role, words, curve, now in zip(
            ROLES, (_("added up"), _("sampled"), _("advanced")), r["curves"], r["now"], strict=True
        ):
            drawn += [plots.line(ROUNDS, curve, role, label=words), *_mark(r["rounds"], now, role, 0, 1e-3)]
        return drawn

    def say(r):
        a, b, c = (f"{value:,.0f}" if value >= 9999.5 else f"{value:.4g}" for value in r["now"])
        better = _("the smaller of the two") if r["now"][2] < r["now"][1] else _("worse than adding up")
        return _(
            "T 轮数 = {rounds} releases of ε = {epsilon:.3g} each: {a} added up 串行组合. Each on a hidden cohort, "
            "q 采样率 = {q:.3g}, costs {one:.3g}: sampled {b}; advanced 高级组合, at δ = 1e-5, {c}, {better}."
        ).format(**r, a=a, b=b, c=c, better=better)

    panel = plots.Panel(
        "", "T, number of releases", "ε in total", x=(1, 1000), y=(1e-3, 1e6), xlog=True, ylog=True, right=0.16
    )
    question = _("100 releases of ε = 4 each, everybody in all of them. Advanced composition then says …")
    because = _("it says 21,632 where adding up says 400: its second term grows with the square of ε, and faster.")
    return browser.live(
        explorers.Explorer(
        _("What releases add up to"),
        [
            epsilon(1.0, 0.1, 4, _("ε of one release")),
            explorers.Slider("q", _("q, share in a cohort"), 0.01, 1, 0.1, step=0.05, log=True),
            explorers.Slider("rounds", _("T, number of releases"), 1, 1000, 100, step=0.1, log=True, whole=True),
        ],
        compute, plots.Chart([panel], size=(6.6, 3.0)), marks, say,
        predict=("19.c", question, [_("less than 400"), _("400, as adding up does"), _("more than 400")], 2, because),
    ), "nb19.totals"
    )  # fmt: skip


ROLES = ("bound", "private", 1)


def _mark(x, y, role, panel, floor):
    """A dot, or where it lies below the axis an arrow with its number."""
    if y >= floor:
        return [plots.dots([x], [y], role, panel=panel, size=4)]
    return [plots.text(x, 2 * floor, f"↓ {y:.0e}" if y >= 1e-300 else "↓", role, panel=panel)]
