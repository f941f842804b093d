"""Notebook 12's exhibits: a city's sensors and what they forecast together, its owners, its drivers, its phones."""

import numpy as np

from ...data import generators
from ...interactive import browser, explorers, plots
from . import _nb12 as more
from ._kit import _, clients, count, epsilon
from ._nb12 import HIGH, MAP, UNIT, on_map
from .nb12_flights import off, routes
from .nb12_more import drivers, forecast, owners
from .nb12_phones import phones

__all__ = ["city", "drivers", "forecast", "histories", "off", "owners", "phones", "road", "routes"]

WHO = {_("a sensor's owner"): "owner", _("a driver"): "driver"}


def _bar(value, row, style, words):
    """A bar with its words at the right end; where it is cut off, its number stands over it."""
    bar = plots.band([0, min(value, HIGH)], [row - 0.3] * 2, [row + 0.3] * 2, style, words, panel=1, opacity=0.85)
    return [bar, plots.text(0.72 * HIGH, row + 0.5, f"{value:,.0f} »", style, 1)] if value > HIGH else [bar]


def city():
    """The hero: who is protected, by which ε, among how many sensors; and what is left of the forecast."""

    def compute(who, epsilon, clients):
        town, base = more.town(clients)
        plan = more.owners_plan(epsilon)
        owner = who == "owner"
        off = more.owners_errors(clients, epsilon) if owner else more.drivers_errors(clients, epsilon)
        each = more.rms(off, 2).median(0).values < more.rms(base["own"], 1)
        attacker = plan.attacker() if owner else more.driver(epsilon, more.PASSED)
        levels = {name: more.rms(base[name]) for name in ("actual", "own", "floor")}
        found = dict(town=town, draws=more.rms(off, 1, 2), better=each, plain=more.clean_error(clients), attacker=attacker)
        return dict(who=who, epsilon=epsilon, sensors=clients) | found | levels

    def marks(r):
        place = r["town"].place.numpy()
        drawn = on_map(r["town"], r["better"])
        if r["who"] == "owner":
            x, y = place[np.abs(place - [4, 4]).sum(1).argmin()]
            drawn += [plots.places([x], [y], 0, size=9)]
        else:
            along = np.abs(place[:, 1]).argsort(kind="stable")[: 2 * more.PASSED]
            x, y = place[along[place[along, 0].argsort()]][:: max(len(along) // more.PASSED, 1)].T
            drawn += [plots.line(x, y, 0, width=2.5, opacity=0.7), plots.people(x[:1], y[:1], 0, size=9)]
        middle = float(r["draws"].median())
        drawn += _bar(r["actual"], 4, 5, _("as an hour ago"))
        drawn += _bar(r["own"], 3, "alone", _("alone"))
        drawn += _bar(middle, 2, "private", _("private"))
        drawn.append(plots.dots(r["draws"].clamp(max=HIGH), [1.6] * len(r["draws"]), "private", panel=1, size=1.6))
        drawn += _bar(r["plain"], 1, "no privacy", _("no privacy"))
        return drawn + _bar(r["floor"], 0, 0, _("nobody can beat"))

    def say(r):
        owner = r["who"] == "owner"
        whose = _("a sensor's owner") if owner else _("a driver who passes twelve sensors a day")
        span = _("in total") if owner else _("a day")
        return _(
            "{n} sensors forecast together and protect {whose} with ε = {e:.3g} {span}: private, they are off by "
            "{p:,.1f} cars; alone by {a:.1f}, with no privacy by {q:.1f}. Private is better than alone at {b} sensors."
        ).format(
            n=r["sensors"],
            whose=whose,
            e=r["epsilon"],
            span=span,
            p=float(r["draws"].median()),
            a=r["own"],
            q=r["plain"],
            b=int(r["better"].sum()),
        )

    made = explorers.Explorer(
        _("Whose secret is a flow?"),
        [
            explorers.Choice("who", _("protected"), WHO, "owner"),
            epsilon(1.0, label=_("ε")),
            clients(200, 10, 300, label=_("sensors")),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(_("black: whom the noise protects"), **MAP),
                plots.Panel(_("error of the forecast"), UNIT, "", x=(0, HIGH), y=(-0.6, 4.6), yticks=(), right=0.4),
            ],
            size=(7, 3.6),
        ),
        marks,
        say,
        attacker=lambda r: r["attacker"],
        unit=_("protected one"),
    )
    return browser.live(made, "nb12.city", more.shipped)


def road():
    """One road's test day: the flow, the forecast "as an hour ago", and the forecast that nobody can beat."""

    def compute(road, noise):
        town = generators.city(40, days=2, noise=noise / more.CARS, seed=1)
        flow, best, ago = town.flow[road - 1, -24:], town.expected[road - 1, -24:], town.flow[road - 1, -25:-1]
        floor, oldest = (more.rms(a[:, -24:] - town.flow[:, -24:]) for a in (town.expected, town.flow.roll(1, 1)))
        return dict(road=road, noise=noise, flow=flow, best=best, ago=ago, floor=floor, oldest=oldest)

    def marks(r):
        curves = (r["ago"], 5, _("as an hour ago")), (r["best"], 0, _("nobody can beat")), (r["flow"], 1, _("the flow"))
        return [plots.line(np.arange(24), more.CARS * y, style, words, width=2) for y, style, words in curves]

    def say(r):
        return _(
            "Road {k}: as an hour ago is off by {a:.0f} cars, and nobody can beat {b:.0f}, since each hour draws a "
            "disturbance of {d:.0f} cars. Over all forty roads: {c:.0f} and {e:.0f}."
        ).format(
            k=r["road"],
            a=more.rms(r["ago"] - r["flow"]),
            b=more.rms(r["best"] - r["flow"]),
            d=r["noise"],
            c=r["oldest"],
            e=r["floor"],
        )

    made = explorers.Explorer(
        _("One road, one day"),
        [
            explorers.Slider("road", _("road"), 1, 40, 7, whole=True),
            explorers.Slider("noise", _("disturbance of an hour, cars"), 0, 100, 40, step=5),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(
                    "",
                    _("hour of the test day"),
                    _("flow, cars an hour"),
                    x=(0, 23),
                    y=(0, 1_000),
                    xticks=range(0, 24, 4),
                    right=0.26,
                )
            ],
            size=(7, 2.9),
        ),
        marks,
        say,
    )
    return browser.live(made, "nb12.road", more.shipped)


def histories():
    """Who gains by sharing: each sensor's error alone less that together, by the length of the histories."""
    edges = np.arange(-10.25, 20.3, 0.5)

    def compute(days, clients):
        town, base = more.town(clients, days)
        shared = more.changes(more.fast(town.federation, more.LINEAR)[-1], town.federation)[0] - base["actual"]
        return dict(days=days, sensors=clients, gain=(more.rms(base["own"], 1) - more.rms(shared, 1)).numpy())

    def marks(r):
        drawn, gain = [], r["gain"]
        for which, style, words, x in ((gain > 0, 3, _("better together"), 8), (gain <= 0, 9, _("better alone"), -9.5)):
            inside = np.clip(gain[which], edges[0] + 0.01, edges[-1] - 0.01)
            height = 100 * np.histogram(inside, edges)[0] / len(gain)
            drawn.append(plots.bars((edges[1:] + edges[:-1]) / 2, height, style, width=0.45))
            drawn.append(plots.text(x, 21, _("{words}: {n} sensors").format(words=words, n=int(which.sum())), style))
        return [*drawn, plots.line([np.median(gain)] * 2, [0, 18], 0, _("median"))]

    def say(r):
        middle, better = float(np.median(r["gain"])), int((r["gain"] > 0).sum())
        verb = _("gains") if middle > 0 else _("loses")
        return _(
            "With {d} of history the median of {n} sensors {verb} {g:.1f} cars by sharing: {b} are better together, {a} "
            "better alone."
        ).format(
            d=count(r["days"], _("day"), _("days")),
            n=r["sensors"],
            verb=verb,
            g=abs(middle),
            b=better,
            a=r["sensors"] - better,
        )

    def because(r):
        short, week = (compute(days, 200)["gain"] for days in (2, 7))
        return _(
            "with two days the median of 200 sensors gains {s:.1f} cars by sharing, with seven it loses {w:.1f}: nine "
            "numbers of its own, well determined, fit it better than nine that fit everybody a little."
        ).format(s=float(np.median(short)), w=-float(np.median(week)))

    made = explorers.Explorer(
        _("Alone or together?"),
        [explorers.Slider("days", _("history, days"), 1, 10, 2, whole=True), clients(200, 10, 200, label=_("sensors"))],
        compute,
        plots.Chart(
            [
                plots.Panel(
                    "",
                    _("cars gained by sharing; ends: all beyond"),
                    _("sensors of 100"),
                    x=(-10.5, 20.5),
                    y=(0, 23),
                )
            ],
            size=(7, 2.8),
        ),
        marks,
        say,
        predict=(
            "12.a",
            _("Sensors that have counted for a week: which model forecasts better at the median one?"),
            [_("its own"), _("the shared one"), _("no difference")],
            0,
            because,
        ),
    )
    return browser.live(made, "nb12.histories", more.shipped)
