"""Notebook 20's explorers of matrices: the price of coming back, of coming back too early, and how wide a band should be."""

from functools import lru_cache

import numpy as np

from ...interactive import browser, explorers, plots
from ...privacy import accounting, attacker, mechanisms, strategies
from ._kit import _, count, epsilon
from ._strategies import shipped

ROUNDS, GROUPS, TURNS, DELTA = 200, 20, 10, 1e-5
APART = tuple(int(b) for b in np.unique(np.geomspace(2, 100, 24).round()))
BANDS = (1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 60)
NAMES = {_("independent"): "independent", _("tree"): "tree", _("square root"): "sqrt", _("best band of 20"): "optimised"}


@lru_cache(maxsize=256)
def fitted(name, band=20):
    """A strategy of all rounds, and the variance of its noise in the sums, their mean, before its sensitivity counts."""
    strategy = strategies.strategy(name, ROUNDS, band if name in ("banded", "optimised") else None)
    return strategy, float(strategy.errors(GROUPS).mean() / strategy.sensitivity(GROUPS) ** 2)


@lru_cache(maxsize=4096)
def moved(name, visits, apart, band=20):
    """What a client moves in each row who takes part so often, so far apart: at the worst of all starts (rounds,)."""
    last = (visits - 1) * apart
    at = np.arange(ROUNDS)[:, None] - np.arange(ROUNDS - last)  # rounds × starts
    rows = fitted(name, band)[0].times(((at >= 0) & (at <= last) & (at % apart == 0)).astype(float))
    return rows[:, (rows**2).sum(0).argmax()]


def price(name, visits, apart, band=20):
    """The sensitivity to a client that takes part so often, so far apart."""
    return float(np.linalg.norm(moved(name, visits, apart, band)))


def returns():
    """What a client moves who comes ten times, and how that depends on the rounds between."""

    def compute(strategy, apart, visits):
        visits = min(visits, 1 + (ROUNDS - 1) // apart)
        rows = moved(strategy, visits, apart)
        grid = [b for b in APART if (visits - 1) * b < ROUNDS]
        return dict(strategy=strategy, apart=apart, visits=visits, rows=rows, grid=grid, here=float(np.linalg.norm(rows)),
                    curve=[price(strategy, visits, b) for b in grid], one=price(strategy, 1, 1))  # fmt: skip

    def marks(r):
        role = 1 if r["strategy"] == "independent" else "private"
        even = r["one"] * r["visits"] ** 0.5
        return [
            plots.bars(np.arange(1, ROUNDS + 1), r["rows"], role, width=1.0),
            plots.line([2, 100], [even] * 2, 5, label=_("no overlap"), panel=1, width=1.2),
            plots.line(r["grid"], r["curve"], role, panel=1),
            plots.dots([r["apart"]], [r["here"]], role, panel=1, size=5),
        ]

    def say(r):
        return _(
            "A client with {visits}, {apart} rounds apart, moves the noisy rows by {here:.2f} clips (L2); with one visit, "
            "by {one:.2f}; if its columns did not overlap, by {even:.2f} at most. The noise has to grow by as much."
        ).format(**r | dict(visits=count(r["visits"], _("visit"), _("visits"))), even=r["one"] * r["visits"] ** 0.5)

    def because(_result):
        return _("the columns of its visits overlap and add up: {all:.2f} in place of {one:.2f}, {times:.1f} times, and not "
                 "√10 = 3.16 times.").format(all=price("sqrt", 10, 20), one=price("sqrt", 1, 1),
                                             times=price("sqrt", 10, 20) / price("sqrt", 1, 1))  # fmt: skip

    panels = [
        plots.Panel(_("What the client moves"), _("row of C·G"), _("clips"), x=(0, 200), y=(0, 10.5), xticks=[0, 100, 200]),
        plots.Panel(_("Sensitivity"), _("rounds between visits"), _("clips"), x=(2, 100), y=(1, 60), xlog=True, ylog=True,
                    xticks={2: "2", 5: "5", 20: "20", 100: "100"}, yticks={1: "1", 3: "3", 10: "10", 30: "30"}, right=0.3),
    ]  # fmt: skip
    question = _("A client comes ten times instead of once, 20 rounds apart. With independent noise it moves √10 times as "
                 "much. With the full square root …")  # fmt: skip
    options = [_("√10 times, too: squares add up"), _("more than √10 times"), _("less: noise cancels")]
    made = explorers.Explorer(
        _("The price of coming back"),
        [explorers.Choice("strategy", _("noise"), NAMES, "sqrt", buttons=True),
         explorers.Slider("apart", _("rounds between visits"), 2, 100, 20, step=0.05, log=True, whole=True),
         explorers.Slider("visits", _("visits, at most"), 1, 10, 10, whole=True)],
        compute, plots.Chart(panels, size=(6.8, 3.1)), marks, say, predict=("20.b", question, options, 1, because),
    )  # fmt: skip
    return browser.live(made, "nb20.returns", shipped)


def early():
    """Ten visits were promised to lie 20 rounds apart; what the run costs a client whose ten lie closer."""
    grid = np.arange(1, 21)

    def true(strategy, epsilon, apart):
        sigma = accounting.calibrate("gaussian", epsilon=epsilon, delta=DELTA).noise_multiplier
        real = sigma * price(strategy, TURNS, GROUPS) / price(strategy, TURNS, int(apart))
        return mechanisms.Gaussian(real, clip=1.0)

    def compute(epsilon, apart, strategy):
        shown = {name: [accounting.epsilon(true(name, epsilon, b), delta=DELTA) for b in grid]
                 for name in ("independent", strategy)}  # fmt: skip
        here = true(strategy, epsilon, apart)
        return dict(
            epsilon=epsilon,
            apart=apart,
            strategy=strategy,
            shown=shown,
            real=shown[strategy][apart - 1],
            attacker=attacker.of(here, delta=DELTA),
            claimed=attacker.of(true(strategy, epsilon, 20), delta=DELTA),
        )

    def marks(r):
        names = {"independent": (1, _("independent")), r["strategy"]: ("private", _("correlated"))}
        lines = [plots.line(grid, r["shown"][name], role, label=words) for name, (role, words) in names.items()]
        return [*lines, plots.dots([r["apart"]], [r["real"]], "private", size=5)]

    def say(r):
        return _(
            "Priced for ten visits 20 rounds apart at total ε = {epsilon:.3g}. To a client whose visits lie {apart} "
            "apart, if it still comes only ten times, the run is ε = {real:.3g} with correlated noise, and {epsilon:.3g} "
            "with independent noise, which counts visits only. The best attacker is right "
            "about {now} of 100 such clients in place of {then}."
        ).format(**r, now=r["attacker"].people, then=r["claimed"].people)

    panel = plots.Panel(_("The ε that such a client has"), _("rounds between its visits"), "ε", x=(1, 20), y=(0.1, 50),
                        ylog=True, xticks=[1, 5, 10, 15, 20], right=0.22)  # fmt: skip
    names = {word: name for word, name in NAMES.items() if name != "independent"}
    made = explorers.Explorer(
        _("Somebody comes back too early"),
        [epsilon(1.0, 0.2, 8.0, _("ε that was promised")),
         explorers.Slider("apart", _("rounds between visits"), 1, 20, 10, whole=True),
         explorers.Choice("strategy", _("noise"), names, "optimised")],
        compute, plots.Chart([panel], size=(6.0, 3.0)), marks, say, attacker=lambda r: r["attacker"],
    )  # fmt: skip
    return browser.live(made, "nb20.early", shipped)


def widths():
    """The noise left in the sums at equal ε for every band, plain or optimised for apart visits, and the memory it takes."""

    def error(name, band, apart):
        strategy, variance = fitted(name, band)
        return strategy.sensitivity(apart) * variance**0.5

    def compute(band, apart):
        shown = {name: [error(name, b, apart) for b in BANDS] for name in ("banded", "optimised")}
        return dict(band=band, apart=apart, shown=shown, alone=error("independent", 1, apart), full=error("sqrt", 1, apart),
                    plain=error("banded", band, apart), best=error("optimised", band, apart))  # fmt: skip

    def marks(r):
        return [
            plots.line([1, 60], [r["alone"]] * 2, 1, label=_("independent"), width=1.2),
            plots.line([1, 60], [r["full"]] * 2, 5, label=_("full root"), width=1.2),
            plots.line(BANDS, r["shown"]["banded"], 2, label=_("band")),
            plots.line(BANDS, r["shown"]["optimised"], "private", label=_("best band")),
            plots.dots([r["band"]], [r["best"]], "private", size=5),
        ]

    def say(r):
        return _(
            "Visits {apart} rounds apart, a band of {band}: {best:.1f} multipliers of noise in the sums (root mean square) "
            "with the coefficients that are best while visits do not overlap, {plain:.1f} with the square root's first "
            "ones, {alone:.1f} with independent noise. Kept in memory: {rows} times the model."
        ).format(**r, rows=r["band"] - 1)

    def because(_result):
        return _("{a:.1f} at 20, {b:.1f} at 60: beyond the separation the columns of a client's visits overlap, and the "
                 "price grows faster than the sums gain.").format(a=error("optimised", 20, 20),
                                                            b=error("optimised", 60, 20))  # fmt: skip

    panel = plots.Panel(_("Noise in the sums, at equal ε"), _("band, in rounds"), _("multipliers (rms)"), x=(1, 60),
                        y=(3, 150), xlog=True, ylog=True, xticks={1: "1", 3: "3", 10: "10", 20: "20", 60: "60"},
                        yticks={3: "3", 10: "10", 30: "30", 100: "100"}, right=0.25)  # fmt: skip
    question = _("200 rounds, a client back every 20. A wider band cancels more of the noise. At equal ε, "
                 "which band leaves the least in the sums?")  # fmt: skip
    made = explorers.Explorer(
        _("How wide a band?"),
        [explorers.Slider("band", _("band, in rounds"), 1, 60, 20, step=0.05, log=True, whole=True),
         explorers.Slider("apart", _("rounds between visits"), 2, 100, 20, step=0.05, log=True, whole=True)],
        compute, plots.Chart([panel], size=(6.0, 3.2)), marks, say,
        predict=("20.c", question, ["5", _("about 20"), _("60, the widest")], 1, because),
    )  # fmt: skip
    return browser.live(made, "nb20.widths", shipped)
