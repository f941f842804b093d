"""Notebook 12's exhibits, the rest: drivers, phones, and the explorer that joins everything for the sensors."""

import numpy as np

from ...interactive import browser, explorers, plots
from . import _nb12 as more
from ._kit import _, clients, count, epsilon
from ._nb12 import HIGH, MAP, UNIT, cut, on_map


def owners():
    """The owners' federation round by round: thirty draws of the noise, and what an attacker can do so far."""

    def compute(epsilon, clients, round):
        plan = more.owners_plan(epsilon)
        base = more.town(clients)[1]
        return dict(
            epsilon=epsilon,
            sensors=clients,
            round=round,
            draws=more.by_round(clients, epsilon).T.numpy(),
            plain=more.by_round(clients, np.inf)[:, 0].numpy(),
            alone=more.rms(base["own"]),
            floor=more.rms(base["floor"]),
            spent=plan.epsilon(round),
            attacker=plan.attacker(round),
            std=plan.mechanism.std / clients,
        )

    def marks(r):
        x, at = np.arange(11), r["round"]
        drawn = [plots.line([at] * 2, [35, HIGH], 5, width=1)]
        drawn += [plots.line([0, 10], [r["alone"]] * 2, "alone", _("alone")), plots.line(x, r["plain"], 3, _("no privacy"))]
        drawn += plots.cloud(x, r["draws"], "private", _("private") if np.median(r["draws"][:, 10]) < HIGH else "")
        drawn += [plots.line([0, 10], [r["floor"]] * 2, 0, _("nobody can beat"))]
        return drawn + cut(at, r["draws"][:, at], HIGH, 6)

    def say(r):
        low, middle, high = np.quantile(r["draws"][:, r["round"]], [0.05, 0.5, 0.95])
        return _(
            "{n} sensors, round {k} of 10, ε = {s:.2g} of {e:.3g} spent; noise of {z:.4f} in each number of the mean. "
            "Private is off by {m:,.1f} cars ({l:,.1f} to {h:,.1f} in nine draws of ten); alone by {a:.1f}, with no "
            "privacy by {p:.1f}."
        ).format(
            n=r["sensors"],
            k=r["round"],
            s=r["spent"],
            e=r["epsilon"],
            z=r["std"],
            m=middle,
            l=low,
            h=high,
            a=r["alone"],
            p=float(r["plain"][r["round"]]),
        )

    made = explorers.Explorer(
        _("Private for the owners"),
        [
            epsilon(1.0),
            clients(200, 10, 300, label=_("sensors")),
            explorers.Slider("round", _("round"), 0, 10, 10, whole=True),
        ],
        compute,
        plots.Chart([plots.Panel("", _("round"), UNIT, x=(0, 10.2), y=(35, HIGH), right=0.24)], size=(7, 3)),
        marks,
        say,
        attacker=lambda r: r["attacker"],
        unit=_("sensor"),
        play="round",
    )
    return browser.live(made, "nb12.owners", more.shipped)


def drivers():
    """What the owners' noise leaves of a driver who passes many sensors, and what noise at the counts would."""

    def compute(passages, epsilon):
        from scipy.special import ndtr  # slow to load: not before it is needed

        mu = more.owners_plan(epsilon).attacker().mu
        curve = 100 * ndtr(np.arange(1, 25) * mu / 2)
        counts = more.driver(epsilon, passages)
        return dict(passages=passages, epsilon=epsilon, curve=curve, counts=counts, attacker=more.group(epsilon, passages))

    def marks(r):
        many, m, e = np.arange(1, 25), r["passages"], r["epsilon"]
        bound = [100 * more.group_bound(e, k) for k in (1, *range(2, 25, 2))]
        return [
            plots.line([m] * 2, [50, 100], 5, width=1),
            plots.line((1, *range(2, 25, 2)), bound, "bound", _("bound")),
            plots.line(many, r["curve"], "attacker", _("owners' noise")),
            plots.dots([m], [r["curve"][m - 1]], "attacker", size=5),
            plots.dots([m], [100 * r["counts"].even_odds], "private", size=5),
            plots.text(
                m + 0.6 if m < 19 else m - 8,
                np.clip(100 * r["counts"].even_odds, 52.5, 95),
                _("noise in the counts"),
                "private",
            ),
        ]

    def say(r):
        m = r["passages"]
        passed = count(m, _("sensor"), _("sensors"))
        return _(
            "ε = {e:.3g} for each owner. Under the owners' noise a guess about a driver who passes {passed} is right for "
            "about {a} of 100 drivers; under noise in the counts, made for twelve passages at ε = {e:.3g} a day, for {c}."
        ).format(e=r["epsilon"], passed=passed, a=r["attacker"].people, c=r["counts"].people)

    def because(r):
        one, twelve = (more.group(1.0, m) for m in (1, 12))
        return _(
            "a guess about an owner is right for {a} of 100, about such a driver for {b}: twelve sensors move the noised "
            "sum twelve times as far, and the noise is made for one."
        ).format(a=one.people, b=twelve.people)

    made = explorers.Explorer(
        _("A driver passes many sensors"),
        [explorers.Slider("passages", _("sensors she passes"), 1, 24, 1, whole=True), epsilon(1.0, label=_("an owner's ε"))],
        compute,
        plots.Chart(
            [
                plots.Panel(
                    "",
                    _("sensors that one driver passes"),
                    _("right guesses of 100"),
                    x=(1, 24),
                    y=(50, 101),
                    xticks=(1, 6, 12, 18, 24),
                    right=0.22,
                )
            ],
            size=(7, 2.9),
        ),
        marks,
        say,
        predict=(
            "12.c",
            _(
                "Owners have ε = 1: of 100 guesses at even odds about an owner 56 are right. How many of 100 at most about "
                "a driver who passes twelve sensors?"
            ),
            [_("56, as for an owner"), _("about 75"), _("about 97")],
            2,
            because,
        ),
        attacker=lambda r: r["attacker"],
        unit=_("driver"),
    )
    return browser.live(made, "nb12.drivers")


def forecast():
    """Everything for the sensors: the error by hour under thirty draws of the noise, and the city at one hour."""

    def compute(epsilon, clients, clip, steps, rounds, hour):
        setting = clip, steps, rounds
        city, base = more.town(clients)
        off, clean = more.owners_errors(clients, epsilon, *setting), more.clean_error(clients, steps, rounds)
        found = dict(off=off, clean=clean, city=city, base=base, attacker=more.owners_plan(epsilon, *setting).attacker())
        return dict(epsilon=epsilon, sensors=clients, clip=clip, steps=steps, rounds=rounds, hour=hour) | found

    def better(r):
        """Where the private forecast of that hour is nearer than the sensor's own, in more than half of the draws."""
        h = r["hour"]
        return (r["off"][..., h].abs() < r["base"]["own"][:, h].abs()).double().mean(0) > 0.5

    def marks(r):
        hours, high, base = np.arange(24), 1.25 * HIGH, r["base"]
        draws = more.rms(r["off"], 1).numpy()
        drawn = [plots.line([r["hour"]] * 2, [20, high], 5, width=1)]
        levels = [(base["actual"], 5, _("as an hour ago")), (base["own"], "alone", _("alone"))]
        for errors, style, words in (*levels, (base["floor"], 0, _("nobody can beat"))):
            drawn.append(plots.line(hours, more.rms(errors, 0), style, words))
        drawn += plots.cloud(hours, draws, "private", _("private") if np.median(draws[:, 23]) < high else "")
        drawn += cut(r["hour"], draws[:, r["hour"]], high, 13)
        return drawn + on_map(r["city"], better(r), panel=1)

    def say(r):
        h, base = r["hour"], r["base"]
        steps = count(r["steps"], _("local step"), _("local steps")) + ", " + count(r["rounds"], _("round"), _("rounds"))
        return _(
            "{n} sensors, ε = {e:.3g} in total, clip {c:.3g}, {s}: private is off by {p:,.1f} cars over the day, alone by "
            "{a:.1f}, {q:.1f} with neither clip nor noise. At {h}:00 it is {ph:,.1f} against {ah:.1f}, and private is "
            "better at {b} sensors."
        ).format(
            n=r["sensors"],
            e=r["epsilon"],
            c=r["clip"],
            s=steps,
            p=float(more.rms(r["off"], 1, 2).median()),
            a=more.rms(base["own"]),
            q=r["clean"],
            h=h,
            ph=float(more.rms(r["off"][..., h], 1).median()),
            ah=more.rms(base["own"][:, h]),
            b=int(better(r).sum()),
        )

    def because(r):
        """Measured when it is asked for: private against alone, with few sensors and with more."""
        parts = []
        for n in (20, 60, 200):
            private = float(more.rms(more.owners_errors(n, 1.0), 1, 2).median())
            parts.append(
                _("{p:.1f} against {a:.1f} alone with {n}").format(p=private, a=more.rms(more.town(n)[1]["own"]), n=n)
            )
        return _("the private error is {these} sensors.").format(these=", ".join(parts))

    made = explorers.Explorer(
        _("A city's forecast"),
        [
            epsilon(1.0),
            clients(100, 10, 200, label=_("sensors")),
            explorers.Slider("clip", _("clip"), 0.005, 0.5, 0.05, step=0.05, log=True),
            explorers.Slider("steps", _("local steps"), 1, 20, 5, whole=True),
            explorers.Slider("rounds", _("rounds"), 1, 30, 10, whole=True),
            explorers.Slider("hour", _("hour"), 0, 23, 8, whole=True),
        ],
        compute,
        plots.Chart(
            [
                plots.Panel(
                    _("error by hour"),
                    _("hour of the test day"),
                    UNIT,
                    x=(0, 23),
                    y=(20, 1.25 * HIGH),
                    xticks=range(0, 24, 4),
                    right=0.35,
                ),
                plots.Panel(_("the city at that hour"), **MAP),
            ],
            size=(7, 3.5),
        ),
        marks,
        say,
        predict=(
            "12.e",
            _("ε = 1 in total: from how many sensors on is the private federation better than sensors alone?"),
            [_("some twenty"), _("some sixty"), _("some two hundred")],
            1,
            because,
        ),
        attacker=lambda r: r["attacker"],
        unit=_("sensor"),
    )
    return browser.live(made, "nb12.forecast", more.shipped)
