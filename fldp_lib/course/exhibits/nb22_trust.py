"""Notebook 22's trust: local randomisers as the list grows; local, shuffled and central at one promise."""

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import randomisers
from ._kit import _, clients, count, epsilon
from ._mixed import error, table
from ._names import PEOPLE, counted, small
from .nb12_phones import projected

WAYS = {_("one name (k-RR)"): "k-RR", _("bits (OUE)"): "OUE", _("a subset"): "subset selection", _("a point"): "projection"}
LOOKS = {"k-RR": 1, "OUE": 2, "subset selection": 9, "projection": 8}
LISTS = tuple(int(k) for k in np.unique(np.geomspace(2, 2_000, 24).round()))


def _error(way, epsilon, listed, people):
    """The typical error of a share of 1/k, in percentage points."""
    return 100 * float(randomisers.ALL[way](epsilon, listed).variance(people, 1 / listed)) ** 0.5


def _drawn(way, epsilon, listed, people):
    """Shares of the first names of the list, and what the reports of so many people say of them (draws × names).

    Where a report holds one name, as they are; else name by name, as if a report's names were independent.
    """
    rng, true = np.random.default_rng(2), counted(PEOPLE)[:listed]
    held = rng.multinomial(people, true / true.sum())
    kind = randomisers.ALL[way](epsilon, listed)
    p, q = float(kind.kept), float(kind.other)
    draws = max(4, 400 // listed)
    one = way == "k-RR" or (way == "subset selection" and kind.size == 1)
    if one:  # the truth with the chance p − q, else any name
        told = rng.binomial(held, p - q, (draws, listed))
        said = told + np.stack([rng.multinomial(people - int(row.sum()), np.full(listed, 1 / listed)) for row in told])
    else:  # how many reports support a name; name by name
        said = rng.binomial(held, p, (draws, listed)) + rng.binomial(people - held, q, (draws, listed))
    return held / people, (said / people - q) / (p - q)


def domains():
    """The error of a share as the list of names grows, for four ways to randomise one's own answer."""

    def compute(way, listed, epsilon, clients):
        true, found = _drawn(way, epsilon, listed, clients)
        off = [100 * float(np.sqrt(np.square(f - true).mean())) for f in (found, projected(found))]
        curves = {each: [_error(each, epsilon, k, clients) for k in LISTS] for each in LOOKS}
        kind = randomisers.ALL[way](epsilon, listed)
        return dict(way=way, listed=listed, epsilon=epsilon, people=clients, curves=curves, raw=off[0], mended=off[1],
                    wanted=_error(way, epsilon, listed, clients), zero=100 / listed,
                    bits=count(int(kind.bits), _("bit"), _("bits")))  # fmt: skip

    def marks(r):
        names = {value: word for word, value in WAYS.items()}
        lines = [plots.line(LISTS, curve, LOOKS[way], names[way]) for way, curve in r["curves"].items()]
        return [
            plots.line(LISTS, [100 / k for k in LISTS], 0, _("share itself"), width=1.0),
            *lines,
            plots.dots([r["listed"]], [r["raw"]], LOOKS[r["way"]], size=5),
            plots.dots([r["listed"]], [r["mended"]], "private", size=5),
        ]

    def say(r):
        return _(
            "{people:,} people, {listed:,} names on the list; each sends {what}, {bits}, at ε = {epsilon:.3g}. A share is "
            "off by {raw} percentage points (formula {wanted}), as the nearest shares that could be by {mended}; the mean "
            "share is {zero}."
        ).format(**r | {k: small(r[k]) for k in ("raw", "wanted", "mended", "zero")},
                 what={value: word for word, value in WAYS.items()}[r["way"]])  # fmt: skip

    def because(_result):
        errors = {way: _error(way, 1.0, 500, PEOPLE) for way in ("k-RR", "OUE", "subset selection")}
        words = _("{0:.1f}, {1:.2f} and {2:.2f} percentage points: with 500 names a true answer is too seldom to tell.")
        return words.format(*errors.values())

    panel = plots.Panel(_("Error of a share"), _("names on the list"), _("percentage points"), x=(2, 2_000), y=(3e-4, 1_000),
                        xlog=True, ylog=True, xticks={2: "2", 10: "10", 100: "100", 1000: "1,000"},
                        yticks={0.001: "0.001", 0.01: "0.01", 1: "1", 10: "10", 100: "100"}, right=.3)  # fmt: skip
    question = _("Each phone reports one of 500 names, randomised at home at ε = 1. What comes nearest to the shares?")
    return explorers.Explorer(
        _("A longer list, a louder lie"),
        [explorers.Choice("way", _("what a phone sends"), WAYS, "OUE", buttons=True),
         explorers.Slider("listed", _("names on the list"), 2, 2_000, 100, step=0.05, log=True, whole=True),
         epsilon(1.0, 0.2, 8.0, _("ε of a report")), clients(PEOPLE, 500, 10_000_000, _("people"))],
        compute, plots.Chart([panel], size=(6.2, 3.4)), marks, say,
        predict=("22.d", question, [_("a name: the true one as often as ε allows"), _("500 bits, each randomised"),
                                    _("both alike: ε is the same")], 1, because),
    )  # fmt: skip


# Local, shuffled, central -------------------------------------------------------------------------------------------------

CROWDS = tuple(int(n) for n in np.geomspace(1_000, 10_000_000, 9).round())
ARMS = {"local": (9, _("local")), "shuffled": (2, _("shuffled")), "central": (0, _("central"))}


def _mixed():
    """For pages: the table of ε₀ and its axes, as logarithms; it depends on no slider, and the page reads between."""
    axes, values = table()
    return dict(axes=[list(map(float, axis)) for axis in axes], values=values.ravel())


def three():
    """One promise, three parties to trust: the error of a share by the number of people."""

    def compute(epsilon, clients, listed):
        curves = {name: [error(name, epsilon, n, listed)[0] for n in CROWDS] for name in ARMS}
        return dict(epsilon=epsilon, people=clients, listed=listed, curves=curves,
                    here={name: error(name, epsilon, clients, listed) for name in ARMS})  # fmt: skip

    def marks(r):
        drawn = [plots.line([CROWDS[0], CROWDS[-1]], [100 / r["listed"]] * 2, 5, _("share itself"), width=1.0)]
        for name, (style, words) in ARMS.items():
            drawn += [plots.line(CROWDS, r["curves"][name], style, words),
                      plots.dots([r["people"]], [r["here"][name][0]], style, size=5)]  # fmt: skip
        return drawn

    def say(r):
        here = r["here"]
        return _(
            "{people:,} people, {listed:,} names, ε = {epsilon:.3g} at δ = 1e-6 for all three: a share is off by {local} "
            "percentage points where each phone randomises, by {shuffled} where a shuffler mixes reports of ε = {inner:.2g} "
            "each, by {central} where a server is trusted; the mean share is {zero}."
        ).format(**r, zero=small(100 / r["listed"]), inner=here["shuffled"][1], **{k: small(v[0]) for k, v in here.items()})

    panel = plots.Panel(_("Error of a share, at one promise"), _("people"), _("percentage points"),
                        x=(1_000, 10_000_000), y=(1e-6, 100), xlog=True, ylog=True,
                        xticks={1e3: "1,000", 1e5: "100,000", 1e7: "10 million"},
                        yticks={1e-5: "0.00001", 1e-3: "0.001", 0.1: "0.1", 10: "10"}, right=0.2)  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("One promise, three to trust"),
        [epsilon(1.0, 0.2, 8.0), clients(PEOPLE, 1_000, 10_000_000, _("people")),
         explorers.Slider("listed", _("names on the list"), 2, 1_000, 100, step=0.05, log=True, whole=True)],
        compute, plots.Chart([panel], size=(6.2, 3.4)), marks, say,
    ), "nb22.three", _mixed
    )  # fmt: skip
