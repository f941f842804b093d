"""Notebook 13's exhibits, continued: what a memory repairs, who is slow, and bytes, noise and accuracy in one picture."""

from functools import lru_cache

import numpy as np
import torch

from ... import Plan
from ...interactive import explorers, plots
from ...training.transport import compression
from . import _groups
from . import _nb13 as more
from ._kit import _, clients, count, epsilon

DRAWS, MOST = 3, 50


@lru_cache(maxsize=64)
def _messages(clients, lr, numbers):
    """Accuracy, and how many of the model's numbers have been moved so far, by round (51,) each, of one run or two.

    All 650 numbers: the plain run; fewer: one with a memory, one without.
    """
    kind = None if numbers == more.LENGTH else compression.TopK(numbers / more.LENGTH)
    feedback = None if kind is None else (True, False)
    past = more.path(more.dealt(clients), Plan.of(rounds=MOST, lr=lr), kind, len(feedback or [1]), feedback=feedback)
    return list(zip(more.accuracy(past).T.numpy(), np.count_nonzero(past.numpy(), 2).T, strict=True))


def memory():
    """Top-k with a memory of what was not sent, and without: accuracy, and which numbers are ever taught."""

    def compute(numbers, lr, clients):
        (plain,), (kept, lost) = _messages(clients, lr, more.LENGTH), _messages(clients, lr, numbers)
        return dict(numbers=numbers, lr=lr, clients=clients, plain=plain, kept=kept, lost=lost)

    def marks(r):
        t, drawn = np.arange(MOST + 1), []
        looks = ("plain", 0, _("all numbers")), ("kept", 1, _("with a memory")), ("lost", 2, _("forgotten"))
        for name, style, words in looks:
            drawn.append(plots.line(t, r[name][0], style))
            drawn.append(plots.line(t, r[name][1], style, words, panel=1))
        return drawn

    def say(r):
        return _(
            "{n} clients send {k} of 650, steps of {lr:.3g}, 50 rounds: {a:.1%} right with a memory, {b:.1%} where the rest "
            "is forgotten, {c:.1%} with all numbers. Ever moved: {d}, {e} and {f} of the model's numbers."
        ).format(
            n=r["clients"], k=count(r["numbers"], _("number"), _("numbers")), lr=r["lr"],
            a=r["kept"][0][-1], b=r["lost"][0][-1], c=r["plain"][0][-1],
            d=r["kept"][1][-1], e=r["lost"][1][-1], f=r["plain"][1][-1],
        )  # fmt: skip

    def because(r):
        forgotten, plain = (_messages(20, 2.0, numbers)[-1][0][-1] for numbers in (7, more.LENGTH))
        return _("{a:.0%} are right in place of {b:.0%}: the same few numbers are sent again and again.").format(
            a=forgotten, b=plain
        )

    return explorers.Explorer(
        _("What is not sent"),
        [
            explorers.Slider("numbers", _("numbers sent, of 650"), 1, 325, 7, step=0.05, log=True, whole=True),
            explorers.Slider("lr", _("step size"), 0.25, 8, 2.0, step=0.05, log=True),
            clients(20, 5, 50),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(_("test digits right"), _("round"), x=(0, MOST), y=(0, 1)),
                plots.Panel(_("numbers ever moved, of 650"), _("round"), x=(0, MOST), y=(0, 660), right=0.4),
            ],
            size=(7, 3.1),
        ),
        marks,
        say,
        predict=(
            "13.c",
            _("Each of 20 clients sends its seven largest of 650 numbers and forgets the rest. How many of the test digits "
              "are right after 50 rounds, where sending everything gets 94 of 100?"),
            [_("as good: within 2 of 100"), _("8 to 25 of 100 fewer"), _("no better than chance")],
            1,
            because,
        ),
    )  # fmt: skip


WHO = {_("whoever has eights and nines"): "data", _("chance"): "chance"}


def slow():
    """An hour of rounds that wait for all clients or not: accuracy by time, and each digit's recall."""

    def compute(out, minutes, who, clients, deal):
        found = dict(out=out, minutes=minutes, who=who, clients=clients)
        for name, left in (("all", 0), ("fast", out)):
            terms = who, clients, left, deal - 1, minutes
            ends, past = more.waited(*terms)
            found[name] = np.array([0, *ends]), more.accuracy(past).numpy(), *more.reached(*terms)
        return found

    def marks(r):
        drawn = []
        for name, style, words in (("all", 0, _("wait for all")), ("fast", 1, _("not for the slow"))):
            ends, score, rounds, _share, recall = r[name]
            drawn.append(plots.line(ends[: rounds + 1], score, style))
            drawn.append(plots.dots([ends[rounds]], [score[rounds]], style, size=4))
            drawn.append(plots.bars(np.arange(10) + (0.2 if style else -0.2), recall, style, width=0.36, panel=1))
            drawn.append(plots.text(4.6 if style else -0.2, 1.08, words, style, 1))
        return [plots.line([r["minutes"]] * 2, [0, 1], 5, width=1), *drawn]

    def say(r):
        fast, every = r["fast"], r["all"]
        whose = next(words for words, who in WHO.items() if who == r["who"])
        return _(
            "Rounds wait for {w} of {n} clients; slow is {whose}. After {m}: {t}, {a:.0%} of the digits right, of eights "
            "{x:.0%}, of nines {y:.0%}. Waiting for all: {u}, {b:.0%}, {p:.0%}, {q:.0%}."
        ).format(
            w=r["clients"] - r["out"], n=r["clients"], whose=whose, m=count(r["minutes"], _("minute"), _("minutes")),
            t=count(fast[2], _("round"), _("rounds")), a=fast[3], x=fast[4][8], y=fast[4][9],
            u=count(every[2], _("round"), _("rounds")), b=every[3], p=every[4][8], q=every[4][9],
        )  # fmt: skip

    def because(r):
        found = [more.reached("data", 20, out, 3, minutes)[1] for minutes in (10, 60) for out in (4, 0)]
        return _(
            "after ten minutes {:.0%} against {:.0%}; after an hour {:.0%} against {:.0%}: what only the slow know is never "
            "learnt. Slow by chance, it is not so."
        ).format(*found)

    return explorers.Explorer(
        _("Wait for the slow?"),
        [
            explorers.Slider("out", _("slowest not waited for"), 0, 9, 4, whole=True),
            explorers.Slider("minutes", _("minutes so far"), 2, 60, 10, whole=True),
            explorers.Choice("who", _("slow is"), WHO, "data"),
            clients(20, 10, 40),
            explorers.Slider("deal", _("deal of the digits"), 1, 8, 4, whole=True),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(_("test digits right"), _("minutes (100 rounds at most)"), x=(0, 60), y=(0, 1)),
                plots.Panel(_("by digit, after these minutes"), _("digit"), x=(-0.6, 9.6), y=(0, 1.2), xticks=range(10),
                            yticks=(0, 0.2, 0.4, 0.6, 0.8, 1)),
            ],
            size=(7, 3.1),
        ),
        marks,
        say,
        predict=(
            "13.d",
            _("The four slowest of 20 clients are those with most eights and nines. Without them a round takes a "
              "quarter of the time. Which federation reads more digits rightly?"),
            [
                _("the one that waits, after ten minutes and after an hour"),
                _("the one that does not wait, at both times"),
                _("after ten minutes the one that does not wait, after an hour the other"),
            ],
            2,
            because,
        ),
        play="minutes",
    )  # fmt: skip


KINDS = {
    _("largest, with a memory"): lambda share: compression.TopK(share),
    _("largest, the rest forgotten"): lambda share: compression.TopK(share, error_feedback=False),
    _("random places, with a memory"): lambda share: compression.RandomK(share),
}


@lru_cache(maxsize=64)
def _private(epsilon, clients, rounds, clip, kind=None, numbers=more.LENGTH):
    """Accuracy by round, a row a draw of the noise (draws × rounds + 1)."""
    plan = more.guarded(epsilon, rounds, clip=clip)
    if kind is not None:
        past = more.path(more.dealt(clients, seed=1), plan, KINDS[kind](numbers / more.LENGTH), DRAWS)
        return more.accuracy(past).T.numpy()
    noise = torch.stack([_groups.noises(plan.mechanism, clients, rounds, seed) for seed in range(DRAWS)], 1)
    return more.begun(_groups.together(more.grouped(clients, seed=1), plan, noise, clip, compare=False).accuracy)


def everything():
    """Messages of every kind under noise at the server: accuracy by round and by bytes, retrained on every move."""

    def compute(kind, numbers, epsilon, clients, rounds, clip):
        size = KINDS[kind](numbers / more.LENGTH).size(more.LENGTH)
        terms = epsilon, clients, rounds, clip
        settings = dict(kind=kind, numbers=numbers, epsilon=epsilon, clients=clients, rounds=rounds, clip=clip, size=size)
        plan = more.guarded(epsilon, rounds, clip=clip)
        return settings | dict(heavy=_private(*terms), light=_private(*terms, kind, numbers), attacker=plan.attacker())

    def marks(r):
        t, drawn = np.arange(r["rounds"] + 1), []
        for name, size, style, words in (("heavy", 2_600, 0, _("all numbers")), ("light", r["size"], 1, "")):
            drawn += plots.cloud(t, r[name], style)
            drawn += plots.cloud(t[1:] * size / 1_000, r[name][:, 1:], style, words, panel=1)
        end = np.full(DRAWS, t[-1] * r["size"] / 1_000)
        return [*drawn, plots.dots(end, r["light"][:, -1], 1, panel=1, size=3)]

    def say(r):
        return _(
            "{n} clients, {t}, clip {c:.3g}, ε = {e:.3g} in total at δ = 0.0001: {kind}, {k} of 650 numbers in {s:,} bytes "
            "({x:.1f} times fewer): {a:.1%} right; with all numbers {b:.1%}. (Medians of three draws of the noise.)"
        ).format(
            n=r["clients"], t=count(r["rounds"], _("round"), _("rounds")), c=r["clip"], e=r["epsilon"], kind=r["kind"],
            k=r["numbers"], s=r["size"], x=2_600 / r["size"], a=np.median(r["light"][:, -1]), b=np.median(r["heavy"][:, -1]),
        )  # fmt: skip

    def because(r):
        terms = 150, 20, 3.0
        lost = [
            np.median(_private(e, *terms)[:, -1]) - np.median(_private(e, *terms, next(iter(KINDS)), 13)[:, -1])
            for e in (2.0, 8.0, 100.0)
        ]
        return _("it costs {:.2f} at ε = 2, {:.2f} at 8 and {:.2f} at 100: less signal in the same noise.").format(*lost)

    score = plots.Panel(_("test digits right"), _("round"), x=(0, 25), y=(0, 1))
    ticks = {0.1: "0.1", 1: "1", 10: "10", 65: "65"}
    return explorers.Explorer(
        _("Bytes, noise, accuracy"),
        [
            explorers.Choice("kind", _("a message"), {name: name for name in KINDS}, next(iter(KINDS))),
            explorers.Slider("numbers", _("numbers sent, of 650"), 4, 325, 65, step=0.05, log=True, whole=True),
            epsilon(8.0, 0.5, 100.0),
            clients(150, 20, 170),
            explorers.Slider("rounds", _("rounds"), 5, 25, 20, whole=True),
            explorers.Slider("clip", _("clip, L2"), 0.5, 10, 3.0, step=0.05, log=True),
        ],
        compute,
        plots.Chart(
            [score, plots.Panel("", _("kilobytes a client has sent"), x=(0.01, 65), y=(0, 1), xlog=True, xticks=ticks,
                                right=0.3)],
            size=(7, 3.1),
        ),
        marks,
        say,
        predict=(
            "13.e",
            _("The server's noise falls on all 650 numbers, sent or not. 150 clients send the largest 13 each, with a "
              "memory, not all. At which total ε does that cost most accuracy?"),
            [_("at ε = 2"), _("at ε = 8"), _("at ε = 100")],
            0,
            because,
        ),
        attacker=lambda r: r["attacker"],
    )  # fmt: skip
