"""Notebook 13's exhibits: phones and a server, where an update's length is, local steps against rounds."""

from functools import lru_cache

import numpy as np

from ... import Plan, models
from ...interactive import browser, explorers, plots
from ...training.clients import local_updates
from ...training.transport import compression
from . import _groups
from . import _nb13 as more
from ._kit import _, clients, count
from ._phones import shipped
from .nb13_more import everything, memory, slow

__all__ = ["everything", "memory", "phones", "slow", "steps", "update"]
TARGET, ROUNDS, GRADIENTS = 0.9, 40, 80  # of `steps`: what is to be reached, and within how much


@lru_cache(maxsize=32)
def _run(numbers):
    """Accuracy by round (31,) of twenty phones that send so many numbers each."""
    compressor = None if numbers == more.LENGTH else compression.TopK(numbers / more.LENGTH)
    return more.accuracy(more.path(more.dealt(20), Plan.of(rounds=30, lr=2.0), compressor)[:, 0]).numpy()


def phones():
    """The hero: twenty phones, a server, how much travels between them, and what is learnt."""

    def compute(numbers):
        size = compression.TopK(numbers / more.LENGTH).size(more.LENGTH) if numbers < more.LENGTH else 4 * more.LENGTH
        return dict(numbers=numbers, size=size, light=_run(numbers), heavy=_run(more.LENGTH))

    def marks(r):
        x, most = np.arange(20) - 9.5, np.full(20, 5.0)
        drawn = [plots.line([a, 0], [6.0, 8.2], 5, width=1) for a in x]
        drawn += [plots.bars(x, most, 0, width=0.7, base=np.full(20, 1.0), opacity=0.1)]
        drawn += [plots.bars(x, most * r["size"] / 2_600, 1, width=0.7, base=np.full(20, 1.0))]
        drawn += [plots.people(x, np.full(20, 0.0), 0, size=7), plots.places([0], [8.6], 0, size=12)]
        drawn += [plots.text(1.2, 8.9, _("the server"), 0)]
        drawn.append(plots.text(-10.4, 8.9, _("{b:,} bytes each").format(b=r["size"]), 1))
        t = np.arange(1, 31)
        for score, size, style, words in ((r["heavy"], 2_600, 0, _("all numbers")), (r["light"], r["size"], 1, "")):
            drawn.append(plots.line(t * size / 1_000, score[1:], style, words, panel=1))
        end = 30 * r["size"] / 1_000
        return [*drawn, plots.dots([end], [r["light"][-1]], 1, panel=1, size=5)]

    def say(r):
        return _(
            "Twenty phones send their largest {k} of 650 a round: {s:,} bytes each, of 2,600. After 30 rounds a phone "
            "has sent {kb:,.1f} kilobytes, of 78, and {a:.1%} of the digits are right, with all numbers {b:.1%}."
        ).format(
            k=count(r["numbers"], _("number"), _("numbers")), s=r["size"], kb=0.03 * r["size"], a=r["light"][-1],
            b=r["heavy"][-1],
        )  # fmt: skip

    scene = plots.Panel(_("one round, up"), "", "", x=(-11, 11), y=(-1.2, 9.8), xticks=(), yticks=())
    ticks = {0.1: "0.1", 1: "1", 10: "10", 78: "78"}
    score = plots.Panel(_("test digits right"), _("kilobytes a phone has sent"), "", x=(0.006, 78), y=(0, 1), xlog=True,
                        xticks=ticks, right=0.3)  # fmt: skip
    made = explorers.Explorer(
        _("How little can travel?"),
        [explorers.Slider("numbers", _("numbers sent, of 650"), 1, 650, 65, step=0.05, log=True, whole=True)],
        compute,
        plots.Chart([scene, score], size=(7, 3.3)),
        marks,
        say,
    )
    return browser.live(made, "nb13.phones", shipped)


@lru_cache(maxsize=32)
def _update(clients):
    """Client 1's update in the sixth round, as ten pictures of eight by eight and ten biases, and its sorted squares."""
    fed = more.dealt(clients)
    theta = more.path(fed, Plan.of(rounds=5, lr=0.5, local_steps=5))[-1, 0]
    one = local_updates(models.Linear(64, 10), theta, fed.select([0]), lr=0.5, local_steps=5)[0].double().numpy()
    part = np.sort(one**2)[::-1].cumsum()
    return one, part / part[-1], len(fed.client(0)[1])


def update():
    """One client's update, number by number: which are the largest, and how much of its squared length they carry."""
    row, column = np.divmod(np.arange(64), 8)
    digit, place = np.divmod(np.arange(640), 64)
    x = np.r_[column[place] + 10 * (digit % 5), 3.5 + 10 * (np.arange(10) % 5)]
    y = -np.r_[row[place] + 12 * (digit // 5), 9.2 + 12 * (np.arange(10) // 5)]

    def compute(numbers, clients):
        one, part, records = _update(clients)
        return dict(numbers=numbers, clients=clients, one=one, part=part, records=records)

    def marks(r):
        size = np.abs(r["one"]).round(6)  # pixels that a client's pictures show alike have one size, but for rounding
        kept = np.sort(np.argsort(-size, kind="stable")[: r["numbers"]])
        most = float(r["part"][r["numbers"] - 1])
        return [
            plots.dots(x, y, 5, size=1.2, opacity=0.6),
            plots.dots(x[kept], y[kept], 1, size=2.6),
            plots.line(np.arange(1, 651), r["part"], 0, panel=1),
            plots.line([1, r["numbers"], r["numbers"]], [most, most, 0], 1, panel=1, width=1),
            plots.dots([r["numbers"]], [most], 1, panel=1, size=5),
        ]

    def say(r):
        return _(
            "The largest {k} of 650 carry {p:.0%} of the squared length of one client's update. There are {n} clients, and "
            "this one has {m}."
        ).format(
            k=r["numbers"], p=r["part"][r["numbers"] - 1], n=r["clients"], m=count(r["records"], _("picture"), _("pictures"))
        )

    made = explorers.Explorer(
        _("Where an update's length is"),
        [
            explorers.Slider("numbers", _("numbers, largest first"), 1, 650, 7, step=0.05, log=True, whole=True),
            clients(20, 5, 400),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(_("ten digits: 64 weights and a bias"), "", "", x=(-1, 49), y=(-23, 1), xticks=(), yticks=()),
                plots.Panel(_("share of the squared length"), _("numbers, largest first"), "", x=(1, 650), y=(0, 1.02),
                            xlog=True, xticks={1: "1", 10: "10", 100: "100", 650: "650"}),
            ],
            size=(7, 3.1),
        ),
        marks,
        say,
        predict=(
            "13.a",
            _("Of an update's 650 numbers only the seven largest are kept. What part of its squared length is that?"),
            [_("about a hundredth, as of the numbers"), _("about a tenth"), _("nearly all of it")],
            1,
            lambda r: _("seven of 650 carry {p:.0%}. Move the slider to where it is half.").format(p=_update(20)[1][6]),
        ),
    )  # fmt: skip
    return browser.live(made, "nb13.update", shipped)


HOW = {_("all ten digits"): "iid", _("few digits"): "dirichlet"}
ONE = {"iid": 2.0, "dirichlet": 1.0}  # the best step size of a single local step, from the notebook's search


@lru_cache(maxsize=64)
def _learnt(how, clients, steps, lr):
    """Accuracy by round, and the rounds until nine in ten test digits are right, or None."""
    plan = Plan.of(rounds=min(ROUNDS, GRADIENTS // steps), lr=lr, local_steps=steps)
    if steps == 1:
        score = more.accuracy(more.path(more.dealt(clients, how), plan)[:, 0]).numpy()
    else:
        score = more.begun(_groups.together(more.grouped(clients, how), plan).accuracy)[0]
    reached = np.flatnonzero(score >= TARGET)
    return score, int(reached[0]) if len(reached) else None


def steps():
    """Local steps against rounds: what is reached after how many messages, and after how much computing."""

    def compute(how, steps, lr, clients):
        score, reached = _learnt(how, clients, steps, lr)
        one, first = _learnt(how, clients, 1, ONE[how])
        return dict(how=how, steps=steps, lr=lr, clients=clients, score=score, reached=reached, one=one, first=first)

    def marks(r):
        drawn = []
        for panel in (0, 1):
            drawn.append(plots.line([0, (ROUNDS, GRADIENTS)[panel]], [TARGET] * 2, 5, width=1, panel=panel))
            for score, reached, steps, style in ((r["one"], r["first"], 1, 0), (r["score"], r["reached"], r["steps"], 1)):
                each = steps if panel else 1
                drawn.append(plots.line(each * np.arange(len(score)), score, style, panel=panel))
                if reached is not None:
                    drawn.append(plots.dots([each * reached], [score[reached]], style, panel=panel, size=5))
        name = count(r["steps"], _("local step"), _("local steps"))
        return [*drawn, plots.text(14, 0.2, _("one step of {lr:g}").format(lr=ONE[r["how"]]), 0),
                plots.text(14, 0.08, _("{k} of {lr:.3g}").format(k=name, lr=r["lr"]), 1)]  # fmt: skip

    def when(reached, steps):
        if reached is None:
            return _("not within {n} rounds").format(n=min(ROUNDS, GRADIENTS // steps))
        return _("after {t} and {g} a client").format(
            t=count(reached, _("round"), _("rounds")), g=count(reached * steps, _("gradient"), _("gradients"))
        )

    def say(r):
        whose = next(words for words, how in HOW.items() if how == r["how"])
        return _(
            "{n} clients, each with {whose}: nine in ten are right with {k} of size {lr:.3g} {a} ({s:.1%} in the end); with "
            "one step of size {first:g} {b}."
        ).format(
            n=r["clients"], whose=whose, k=count(r["steps"], _("local step"), _("local steps")), lr=r["lr"],
            a=when(r["reached"], r["steps"]), s=r["score"][-1], first=ONE[r["how"]], b=when(r["first"], 1),
        )  # fmt: skip

    def because(r):
        few, one = _learnt("dirichlet", 20, 20, 4.0)[1], _learnt("dirichlet", 20, 1, 1.0)[1]
        return _("it takes {a} rounds in place of {b}: each client walks towards its own optimum.").format(a=few, b=one)

    axes = dict(y=(0, 1), ylabel="")
    return explorers.Explorer(
        _("Steps in place of messages"),
        [
            explorers.Choice("how", _("each client has"), HOW, "dirichlet"),
            explorers.Slider("steps", _("local steps"), 1, 20, 20, whole=True),
            explorers.Slider("lr", _("step size"), 0.25, 8, 4.0, step=0.05, log=True),
            clients(20, 5, 60),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(_("test digits right"), _("rounds: traffic"), x=(0, ROUNDS), **axes),
                plots.Panel(_("the same"), _("gradients a client: computing"), x=(0, GRADIENTS), **axes),
            ],
            size=(7, 3),
        ),
        marks,
        say,
        predict=(
            "13.b",
            _("Twenty clients have few digits each. They take 20 local steps a round in place of one, both with the best of "
              "four step sizes. How many times fewer rounds until nine in ten are right?"),
            [_("about 20 times fewer"), _("about 6 times fewer"), _("no fewer: they drift apart")],
            1,
            because,
        ),
    )  # fmt: skip
