"""Notebook 22's quantile found under noise, and its names found letter by letter."""

from functools import lru_cache

import numpy as np
import torch

from ... import analytics
from ...data import german
from ...interactive import browser, explorers, plots
from ._kit import _, clients, count, epsilon
from ._letters import LEVELS, grown
from ._names import PEOPLE, counted, everybody

TALLEST = 22  # words that are written out


def places(levels):
    """Where each prefix stands: in the middle of the leaves that grow from it, which stand evenly in the alphabet's order.

    Args:
        levels: a dict for each level, prefix → estimate.

    Returns:
        A dict prefix → height in (0, 1), the first of the alphabet on top.
    """
    every = {prefix for level in levels for prefix in level}
    inner = {prefix[:-1] for prefix in every}
    leaves = sorted(every - inner)
    at = {leaf: 1 - (k + 0.5) / len(leaves) for k, leaf in enumerate(leaves)}
    for level in reversed(levels):
        for prefix in level:
            if prefix not in at:
                below = [at[one] for one in (levels[len(prefix)] if len(prefix) < len(levels) else {}) if one[:-1] == prefix]
                at[prefix] = float(np.mean(below))
    return at


def letters():
    """Names that many hold, found letter by letter: each group of people says one letter more of what has survived."""

    def compute(deal, letter, bar, epsilon, clients):
        tree = grown(deal, epsilon, bar, clients)
        true = counted(clients)
        levels = [dict(level) for level in tree.levels[:letter]]
        return dict(
            deal=deal, letter=letter, bar=bar, used=max(bar, tree.bars[letter - 1]), epsilon=epsilon,
            people=clients, levels=levels, at=places(levels),
            alive=sum(not prefix.endswith("$") for prefix in levels[-1]), asked=tree.asked[letter - 1],
            heavy={everybody()[0][k] for k in np.flatnonzero(true >= bar)},
            found={word: size for word, size in tree.found.items() if len(word) < letter},
        )  # fmt: skip

    def raised(r):
        return _(" (raised: below it noise alone would pass)") if r["used"] > r["bar"] else ""

    def marks(r):
        at, style = r["at"], "private"
        noise = 2**0.5 * LEVELS / r["epsilon"]  # the groups' noise, scaled up to all people; or that of ε/9
        drawn = [plots.text(0.1, -0.1, _("bar {used:,.0f}{raised}; noise of a beginning ± {noise:.3g} people").format(
            used=r["used"], raised=raised(r), noise=noise), 5)]  # fmt: skip
        drawn.append(plots.line([r["letter"]] * 2, [-0.03, 1.02], 5, width=1.0))
        for depth, level in enumerate(r["levels"], 1):
            xs, ys = [], []
            for prefix in level:
                xs += [depth - 1, depth, np.nan]
                ys += [at[prefix[:-1]] if depth > 1 else 0.5, at[prefix], np.nan]
            if xs:
                drawn.append(plots.line(xs, ys, style, width=1.0, opacity=0.55))
        drawn += [plots.text(0.86, at[one] - 0.012, one, style) for one in _apart(sorted(r["levels"][0]), at)]
        for word in _apart([w + "$" for w in sorted(r["found"], key=r["found"].get, reverse=True)], at):
            drawn.append(plots.text(len(word) + 0.1, at[word] - 0.012, word[:-1], 3 if word[:-1] in r["heavy"] else 5))
        return drawn

    def say(r):
        return _(
            "{people:,} people, {asked:,} asked for letter {letter}; ε = {epsilon:.3g} for each person, no δ. {alive} "
            "alive, {found} complete, beyond a bar of {used:,.0f}{raised}. Of {heavy} that {bar:,} people or more hold, "
            "{right} found so far."
        ).format(
            **r | dict(heavy=count(len(r["heavy"]), _("name"), _("names")),
                       found=count(len(r["found"]), _("name"), _("names")),
                       alive=count(r["alive"], _("beginning is"), _("beginnings are"))),
            right=len(r["heavy"] & set(r["found"])), raised=raised(r),
        )  # fmt: skip

    def because(_result):
        heavy = {everybody()[0][k] for k in np.flatnonzero(counted(PEOPLE) >= 100)}
        right = [len(heavy & set(grown(deal, 1.0, bar, PEOPLE).found)) for bar in (100, 75) for deal in ("people", "budget")]
        return _("of {all} names that 100 hold {0} are found with groups, {1} with everybody at each letter; beyond a bar "
                 "of 75 in place of 100, {2} and {3}: nine times the noise harms less than eight ninths of the people left "
                 "out.").format(*right, all=len(heavy))  # fmt: skip

    panel = plots.Panel(
        "", _("letters said"), "", x=(0, LEVELS + 1.2), y=(-0.15, 1.02), yticks={}, xticks=list(range(LEVELS + 1))
    )
    question = _("48,255 people, nine letters, ε = 1 in all. Either each is asked for one letter only, with the whole ε; or "
                 "everybody for every letter, with ε/9 each. Which finds more of the names that 100 hold?")  # fmt: skip
    return explorers.Explorer(
        _("Letter by letter"),
        [explorers.Choice("deal", _("who is asked"), {_("a ninth, for each letter"): "people",
                                                      _("everybody, at ε/9 each"): "budget"}, "people", buttons=True),
         explorers.Slider("letter", _("letters said"), 1, LEVELS, LEVELS, whole=True),
         explorers.Slider("bar", _("names that so many hold"), 50, 1_000, 200, step=0.05, log=True, whole=True),
         epsilon(1.0, 0.1, 10.0), clients(PEOPLE, 2_000, PEOPLE, _("people"))],
        compute, plots.Chart([panel], size=(6.8, 3.8)), marks, say, play="letter",
        predict=("22.c", question, [_("each one letter: less noise"), _("everybody, every letter"), _("both alike")], 1,
                 because),
    )  # fmt: skip


def _apart(prefixes, at, gap=0.042):
    """The first of some prefixes whose words do not stand on those of another."""
    kept = []
    for prefix in prefixes:
        if all(abs(at[prefix] - at[one]) >= gap or abs(len(prefix) - len(one)) > 1 for one in kept):
            kept.append(prefix)
    return kept[:TALLEST]


# A quantile --------------------------------------------------------------------------------------------------------------

LOW, HIGH = 200, 20_000  # Deutsche Mark: the data set's public bounds
TOPS = tuple(float(t) for t in np.geomspace(HIGH, 1e7, 12))


@lru_cache(maxsize=1)
def amounts():
    """What a thousand applicants borrow, in Deutsche Mark, in an order drawn at random (1,000,)."""
    columns, rows = german.table()
    found = np.array([float(row[columns.index("credit_amount")]) for row in rows])
    return np.random.default_rng(1).permutation(found)


def law(values, share, epsilon, low, high):
    """`analytics.quantile_law` in NumPy's numbers."""
    return [
        part.numpy() for part in analytics.quantile_law(torch.from_numpy(values), share, float(epsilon), low, float(high))
    ]


def quantile_of(ends, chance, shares):
    """Values below which the mechanism's answer falls with given chances."""
    return np.interp(shares, np.concatenate([[0], np.cumsum(chance)]), ends)


def _amounts():
    """For pages: the applicants' loans (1,000,)."""
    return dict(amounts=amounts())


def median():
    """A quantile of a thousand loans under noise, beside the mean, as the public bound of a loan grows."""

    def compute(share, top, epsilon, clients):
        values = np.sort(amounts()[:clients])
        true = float(np.quantile(values, share))
        ends, chance = law(values, share, epsilon, LOW, top)
        answers = quantile_of(ends, chance, (np.arange(100) + 0.5) / 100)
        off = [float(np.quantile(np.abs(quantile_of(*law(values, share, epsilon, LOW, t), np.linspace(0.0025, 0.9975, 200))
                                        - true), 0.9)) for t in TOPS]  # fmt: skip
        mean = np.array([(t - LOW) * np.log(10) / (epsilon * clients) for t in TOPS])
        low, high = np.quantile(answers, (0.05, 0.95))
        return dict(share=share, top=top, epsilon=epsilon, people=clients, values=values, true=true, answers=answers,
                    low=low, high=high, off=off, mean=mean,
                    noise=(top - LOW) * np.log(10) / (epsilon * clients))  # fmt: skip

    def marks(r):
        share = np.arange(1, len(r["values"]) + 1) / len(r["values"])
        here = float(np.interp(np.log(r["top"]), np.log(TOPS), r["off"]))
        return [
            plots.line(r["values"], share, 0, width=1.4),
            plots.dots([r["true"]], [r["share"]], 0, size=4),
            plots.dots(np.clip(r["answers"], LOW, 2 * HIGH), np.full(100, r["share"]), "private", size=2, opacity=0.5),
            plots.line(TOPS, r["mean"], 2, _("the mean"), panel=1),
            plots.line(TOPS, np.maximum(r["off"], 1), "private", _("the quantile"), panel=1),
            plots.dots([r["top"]], [max(1, here)], "private", panel=1, size=5),
        ]

    def say(r):
        return _(
            "Of {people:,} applicants {share:.0%} borrow less than {true:,.0f} DM. At ε = {epsilon:.3g}, with loans up to "
            "{top:,.0f} DM thought possible, 9 of 10 answers lie between {low:,.0f} and {high:,.0f}; the mean's noise is "
            "below {noise:,.0f} as often."
        ).format(**r)

    def because(_result):
        values = np.sort(amounts())
        errors = [np.quantile(np.abs(quantile_of(*law(values, 0.5, 1.0, LOW, t), np.linspace(0.0025, 0.9975, 200))
                                     - np.median(values)), 0.9) for t in (2e4, 1e7)]  # fmt: skip
        return _("nine of ten answers are off by less than {0:.0f} DM with the one bound and {1:.0f} with the other: what "
                 "lies far out has a chance of e to the minus its distance in people.").format(*errors)  # fmt: skip

    panels = [
        plots.Panel(_("Applicants who borrow less"), _("DM"), _("share"), x=(LOW, 2 * HIGH), y=(0, 1), xlog=True,
                    xticks={300: "300", 1000: "1,000", 3000: "3,000", 10000: "10,000"}),
        plots.Panel(_("Nine of ten errors below"), _("largest loan thought possible, DM"), "DM", x=(HIGH, 1e7),
                    y=(1, 1e7), xlog=True, ylog=True, xticks={2e4: "20,000", 1e6: "1 million", 1e7: ""}, right=0.28,
                    yticks={1: "1", 100: "100", 10000: "10,000", 1000000: "1 million"}),
    ]  # fmt: skip
    question = _("The noise of a mean grows with the largest value that is thought possible. The bank now allows for loans "
                 "of up to 10 million in place of 20,000 DM. The error of the private median …")  # fmt: skip
    return browser.live(
        explorers.Explorer(
        _("The middle, under noise"),
        [explorers.Slider("share", _("share below"), 0.05, 0.95, 0.5, step=0.05),
         explorers.Slider("top", _("largest loan possible"), HIGH, 10_000_000, HIGH, step=0.05, log=True),
         epsilon(1.0, 0.02, 10.0), clients(1_000, 50, 1_000, _("applicants"))],
        compute, plots.Chart(panels, size=(6.8, 3.2)), marks, say,
        predict=("22.a", question, [_("grows 500 times"), _("grows about 20 times"), _("hardly grows")], 2, because),
    ), "nb22.median", _amounts
    )  # fmt: skip
