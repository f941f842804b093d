"""Notebook 12's phones: reports under local privacy, drawn as sums, what they estimate, and the explorer of both."""

from functools import lru_cache

import numpy as np

from ... import mechanisms
from ...interactive import explorers, plots
from ...privacy import attacker
from ._kit import _, clients, epsilon
from ._nb12 import MAP, town

DISTRICTS = 16
WAYS = ("randomised response", "unary encoding", "Laplace", "trusted office")
NAMES = dict(zip(WAYS, (_("randomised response"), _("unary encoding"), _("Laplace"), _("trusted office")), strict=True))
LOOKS = dict(zip(WAYS, (1, 2, 9, 0), strict=True))


def shares():
    """The true shares of the districts (16,), as the city draws phones from them."""
    return town(10)[0].share.double().numpy()


def asked(way, epsilon, phones, draws, seed=0):
    """Unbiased estimates of the districts' shares (draws × 16), from so many phones that stand as the city's shares say.

    The sums of all reports are drawn at once, from the law that they have: nobody looks at a single one.
    """
    rng, true = np.random.default_rng(seed), shares()
    count = np.random.default_rng(1).multinomial(phones, true)
    if way == "randomised response":
        q = 1 / (np.exp(epsilon) + DISTRICTS - 1)
        p = q * np.exp(epsilon)
        law = np.where(np.eye(DISTRICTS, dtype=bool), p, q)
        said = sum(rng.multinomial(count[j], law[j], draws) for j in range(DISTRICTS))
        found = (said / phones - q) / (p - q)
    elif way == "unary encoding":
        q = 1 / (np.exp(epsilon) + 1)
        ones = rng.binomial(count, 0.5, (draws, DISTRICTS)) + rng.binomial(phones - count, q, (draws, DISTRICTS))
        found = (ones / phones - q) / (0.5 - q)
    else:
        many = 1 if way == "trusted office" else phones  # a sum of n Laplace draws is a difference of two Gamma(n) draws
        noise = rng.gamma(many, size=(draws, DISTRICTS)) - rng.gamma(many, size=(draws, DISTRICTS))
        found = (count + 2 / epsilon * noise) / phones
    return found, count / phones


def predicted(way, epsilon, phones):
    """The predicted error of a district's share, a root mean square over districts, of the unbiased estimate."""
    k, e = DISTRICTS, np.exp(epsilon)
    if way == "randomised response":
        q = 1 / (e + k - 1)
        p = e * q
        return np.sqrt((p * (1 - p) + (k - 1) * q * (1 - q)) / k / phones) / (p - q)
    if way == "unary encoding":
        q = 1 / (e + 1)
        return np.sqrt((0.25 + (k - 1) * q * (1 - q)) / k / phones) / (0.5 - q)
    return np.sqrt(8) / epsilon / (phones if way == "trusted office" else np.sqrt(phones))


def projected(share):
    """The nearest shares (… × 16) that are not negative and add up to 1."""
    ordered = -np.sort(-share, axis=-1)
    over = (ordered.cumsum(-1) - 1) / np.arange(1, share.shape[-1] + 1)
    last = (ordered > over).sum(-1, keepdims=True) - 1
    return np.maximum(share - np.take_along_axis(over, last, -1), 0)


@lru_cache(maxsize=64)
def _counted(epsilon):
    """What somebody can do against two numbers with Laplace noise, of which each moves by 1."""
    return attacker.of(mechanisms.Laplace(epsilon / 2, clip=1.0), rounds=2, delta=0.0)


def told(way, epsilon):
    """What somebody can do who knows that a phone is in one of two districts, from its report or the office's counts.

    Of a randomised report, only three outcomes differ: what is e^ε times as probable for the one district, for the other,
    or for neither. Of bits, these are the two of the districts: (1, 0), (0, 1), or two that are equal.
    """
    if way not in WAYS[:2]:
        return _counted(epsilon)
    e, rate = np.exp(epsilon), attacker.FALSE_RATE
    q = 1 / (e + DISTRICTS - 1) if way == WAYS[0] else 1 / (2 * (e + 1))
    even = 0.5 + q * (e - 1) / 2
    found = min(rate * e, q * e + max(rate - q, 0))
    return attacker.Attacker(even, found, rate, None, e / (1 + e), round(100 * even))


def _squares(share):
    """A square outline a district and draw, its area as the share (draws × 16), 25% a full tile; x and y with gaps."""
    half = 2.4 * np.sqrt(np.clip(share, 0, 0.25) / 0.25)
    row, column = np.divmod(np.arange(16), 4)
    middle = np.stack([-7.5 + 5 * column, 7.5 - 5 * row], -1)  # km, from the north-west
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1], [np.nan, np.nan]])
    return (middle[:, None] + half[..., None, None] * corners).reshape(-1, 2).T


def _short(number):
    """Two digits that count, and no exponent."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def phones():
    """Where phones are, from one randomised report each: twelve draws over the true shares, and the error by ε."""
    grid = np.geomspace(0.1, 10, 40)

    def compute(way, epsilon, clients):
        found, true = asked(way, epsilon, clients, 30)
        mended = projected(found)
        off = [100 * float(np.sqrt(np.square(f - true).mean())) for f in (found, mended)]
        curves = {name: 100 * predicted(name, grid, clients) for name in WAYS}
        settings = dict(way=way, epsilon=epsilon, phones=clients, true=true, mended=mended)
        guess, trusted = (100 * predicted(each, epsilon, clients) for each in (way, "trusted office"))
        offs = dict(raw=off[0], m=off[1], p=guess, t=trusted)
        return settings | dict(curves=curves, offs=offs, attacker=told(way, epsilon))

    def marks(r):
        x, y = np.outer([-2.4, 2.4], np.sqrt(r["true"] / 0.25)), np.divmod(np.arange(16), 4)
        drawn = [
            plots.band(
                -7.5 + 5 * y[1][k] + x[:, k], *(np.full(2, 7.5 - 5 * y[0][k] + side) for side in x[:, k]), 1, opacity=0.75
            )
            for k in range(16)
        ]
        drawn.append(plots.line(*_squares(r["mended"][:12]), "private", width=1, opacity=0.6))
        for name, curve in r["curves"].items():
            drawn.append(plots.line(grid, curve, LOOKS[name], NAMES[name], panel=1))
        return [*drawn, plots.dots([r["epsilon"]], [r["offs"]["raw"]], LOOKS[r["way"]], panel=1, size=5)]

    def say(r):
        return _(
            "{n:,} phones, {way}, ε = {e:.3g} a report: a district's share is off by {raw} percentage points (predicted "
            "{p}), projected by {m}; with a trusted office by {t}. A district holds 6.25 on average."
        ).format(n=r["phones"], way=NAMES[r["way"]], e=r["epsilon"], **{k: _short(v) for k, v in r["offs"].items()})

    def because(r):
        a, c, b = (100 * predicted(way, 4.0, 4_000) for way in WAYS[:3])
        return _(
            "its shares are off by {a:.1f} percentage points, against {b:.1f} with Laplace noise and {c:.1f} with "
            "randomised bits."
        ).format(a=a, b=b, c=c)

    return explorers.Explorer(
        _("Where phones are"),
        [
            explorers.Choice("way", _("how it is asked"), {NAMES[way]: way for way in WAYS}, "unary encoding"),
            epsilon(1.0, 0.1, 10.0, label=_("ε of a report")),
            clients(4_000, 100, 100_000, label=_("phones")),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(_("true, 12 draws; full tile: 25% or more"), **MAP),
                plots.Panel(
                    _("error of a share"),
                    _("ε of one report"),
                    _("percentage points"),
                    x=(0.1, 10),
                    y=(1e-4, 1e3),
                    xlog=True,
                    ylog=True,
                    xticks={0.1: "0.1", 1: "1", 10: "10"},
                    yticks={0.001: "0.001", 0.1: "0.1", 10: "10", 1000: "1,000"},
                    right=0.6,
                ),
            ],
            size=(7, 3.5),
        ),
        marks,
        say,
        predict=(
            "12.d",
            _("4,000 phones report a district once each, at ε = 4, to an office that they do not trust. What do they send?"),
            [_("a district, randomised"), _("16 indicators with Laplace noise"), _("16 randomised bits")],
            0,
            because,
        ),
        attacker=lambda r: r["attacker"],
        unit=_("phone"),
    )
