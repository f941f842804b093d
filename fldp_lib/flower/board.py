"""What a classroom shows: the instructor's board, with what everybody may see, and a learner's own page.

The board shows what is released: noisy parameters, who answered, ε. A learner's own update is on that learner's page only:
before the noise it is nobody else's to see, and the room's screen least of all.
"""

import functools
import html
import math

import numpy as np
import torch

from ..interactive import plots, theme
from ..training import models

DOTS = 200  # public records drawn at most
FADED = 0.25  # opacity of former rounds' boundaries
NAMED = 16  # seats up to which each row has its name; with more, every fifth has its number
LISTED = 6  # names in a sentence


def shown(page):
    """Show HTML below the cell; return what changes it later, None outside a notebook."""
    try:
        from IPython import get_ipython
        from IPython.display import HTML, display
    except ImportError:
        return None
    return None if get_ipython() is None else display(HTML(page), display_id=True)


def again(handle, page):
    """Show HTML in place of what `shown` has shown."""
    from IPython.display import HTML

    handle.update(HTML(page))


def room(state):
    """Return the instructor's board as HTML.

    Args:
        state: a `classroom.Room`'s, from `Room.state`.
    """
    words = sentence(state)
    chart, marks = _room_chart(state), _room_marks(state)
    return _page(f"Classroom at {state['address']}", words, chart.page(marks, _plain(words)), _trust(state))


def sentence(state):
    """Say what the board shows, as HTML: who is there, what the last round released, what it cost."""
    taken, seen, plan = state["taken"], state["seen"], state["plan"]
    told = ["the room is closed"] if state["closed"] else []
    told.append(f"<b>{len(taken)} of {state['seats']}</b> seats taken")
    if state["wrong"]:
        told.append(f"{state['wrong']} wrong codes refused" + (", the door is shut" if state["shut"] else ""))
    if state["stopped"]:
        told.append("<b>the run has stopped</b> and goes on when it is started again")
    if not seen:
        if not state["stopped"]:
            told.append("the run has not begun" if not state["begun"] else "the run has begun, no round is over yet")
        return "; ".join(told) + "."
    last = seen[-1]
    score = f"{'R²' if state['task'] == 'regression' else 'accuracy'} {last['score']:.2f}"
    came = "" if state["drawn"] else f"{len(last['answered'])} of {state['seats']} answered, "
    told.append(f"round <b>{last['round']} of {plan.rounds}</b>: {came}{score}")
    told.append(f"<b>ε so far {last['epsilon']:.2f}</b> of {state['epsilon']:.2f}" if plan.private else "no noise, no ε")
    if gone := absent(state):
        names = ", ".join(html.escape(state["names"][k]) for k in gone[:LISTED])
        more = f" and {len(gone) - LISTED} more" if len(gone) > LISTED else ""
        told.append(f"no answer from {names}{more}" + ("; ε is what it would be with everybody" if plan.private else ""))
    return "; ".join(told) + "."


def absent(state):
    """Return the seats that are taken and did not answer in the last round; none where that is kept secret."""
    return [] if state["drawn"] else sorted(_silent(state, state["seen"][-1]))


def _silent(state, line):
    """The seats that were asked in a round and did not answer, but for those that nobody has taken."""
    return set(line["asked"]) - set(line["answered"]) - set(range(len(state["taken"]), state["seats"]))


def seat(taken):
    """Return a learner's page as HTML; `taken` is a `seat.Seat`."""
    plan, name = taken.agreed.plan, html.escape(taken.name)
    told = [f"{name}: round <b>{taken.rounds[-1]['round'] if taken.rounds else 0} of {plan.rounds}</b>"]
    if taken.rounds:
        last = taken.rounds[-1]
        told.append(f"sent {last['numbers']} numbers, an update of length {last['norm']:.2f}")
    if taken.refused:
        told.append(f"refused in round {taken.refused[-1]['round']}: {html.escape(taken.refused[-1]['why'][:200])}")
    if taken.ended:
        told.append(html.escape(taken.ended))
    mechanism, picture, words = plan.mechanism, "", "; ".join(told) + "."
    if taken.rounds and boundary(taken.model, taken.theta) is not None:
        chart, marks = _seat_chart(taken)
        picture = chart.page(marks, _plain(words))
    if not plan.private:
        who = "The server sees the update as it is, and nobody adds noise: nothing here is private."
    elif mechanism.at == "server":
        who = "The server sees the update, clips it and adds the noise to the sum: the instructor is trusted with it."
    else:
        who = "The noise is added here: the server sees a noisy report."
    never = f"Never sent: the {taken.records} records here, and this node's key."
    return _page("Your seat", words, picture, f"Sent: an update of the model's parameters, once a round. {who} {never}")


def boundary(model, theta):
    """Return (w₁, w₂, b) of a linear model's boundary w₁x₁ + w₂x₂ + b = 0 between two classes of two features, else None."""
    if not isinstance(model, models.Linear) or model.fc.in_features != 2 or model.fc.out_features > 2:
        return None
    out = models.predict(model, theta, torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    score = out[:, 0] if out.shape[1] == 1 else out[:, 1] - out[:, 0]
    return float(score[1] - score[0]), float(score[2] - score[0]), float(score[0])


def crossing(line, x, y):
    """Return where a boundary crosses the box x × y, as two lists of coordinates; empty ones where it does not."""
    w1, w2, b = line
    points = [(at, -(w1 * at + b) / w2) for at in x] if w2 else []
    points += [(-(w2 * at + b) / w1, at) for at in y] if w1 else []
    slack = 1e-6 * (x[1] - x[0] + y[1] - y[0])
    inside = {p for p in points if x[0] - slack <= p[0] <= x[1] + slack and y[0] - slack <= p[1] <= y[1] + slack}
    inside = sorted(inside)
    return ([inside[0][0], inside[-1][0]], [inside[0][1], inside[-1][1]]) if len(inside) > 1 else ([], [])


def box(x):
    """Return limits of x and y around points (points × 2)."""
    low, high = x.min(0).values, x.max(0).values
    room_ = 0.06 * (high - low).clamp(min=1e-3)
    return [(float(low[k] - room_[k]), float(high[k] + room_[k])) for k in range(2)]


def round_numbers(low, high):
    """Return at most five round numbers within limits, so that they stand apart below a small picture."""
    size = 10 ** math.floor(math.log10(high - low))
    step = next(part * size for part in (0.2, 0.5, 1.0, 2.0, 5.0) if high - low <= 4.5 * part * size)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _room_chart(state):
    limits = tuple(box(state["x_test"])) if _linear(state) else None
    top = 1.08 * state["epsilon"] if state["plan"].private else None
    return _chart(() if state["drawn"] else tuple(state["names"]), state["plan"].rounds, top, limits)


@functools.lru_cache(maxsize=8)
def _chart(names, rounds, top, limits):
    ends = (0.3, rounds + 0.7)
    ticks = {k: name if len(name) <= 14 else name[:13] + "…" for k, name in enumerate(names)}
    if len(names) > NAMED:
        ticks = {k: f"seat {k + 1}" for k in range(4, len(names), 5)}
    panels = [plots.Panel("Who answered", "round", x=ends, y=(len(names) - 0.4, -0.6), yticks=ticks)] if names else []
    if limits:
        panels.append(
            plots.Panel(
                "The boundary, round by round", "first feature", "second feature", *limits, xticks=round_numbers(*limits[0])
            )
        )
    if top:
        panels.append(plots.Panel("Spent", "round", "ε", x=(0, rounds + 0.7), y=(0, top), right=0.15))
    return plots.Chart(panels, size=(3.6 * len(panels), 3.1))


def _room_marks(state):
    seen, plan, marks, panel = state["seen"], state["plan"], [], 0 if state["drawn"] else 1
    told = [] if state["drawn"] else seen
    came = [(line["round"], k) for line in told for k in line["answered"]]
    gone = [(line["round"], k) for line in told for k in _silent(state, line)]
    size = min(4.0, 110 / plan.rounds, 110 / state["seats"])  # points, so that neighbours stand apart
    soft = 1.0 if state["seats"] <= NAMED else 0.4  # in a crowd who is missing stands out
    for points, role, opacity in ((came, "private", soft), (gone, "attacker", 1.0)):
        if points:
            marks.append(plots.dots(*zip(*points, strict=True), style=theme.ROLES[role], size=size, opacity=opacity))
    if _linear(state):
        x, y = state["x_test"][:DOTS], state["y_test"][:DOTS]
        for label in (0, 1):
            here = x[y == label]
            if len(here):
                marks.append(plots.dots(here[:, 0], here[:, 1], style=1 + label, panel=panel, size=2.0, opacity=0.6))
        for line in seen:
            last = line is seen[-1]
            ends = crossing(boundary(state["model"], torch.tensor(line["theta"])), *box(state["x_test"]))
            if ends[0]:
                marks.append(plots.line(*ends, style=theme.ROLES["private"], panel=panel, width=2.4 if last else 1.0,
                                        opacity=1.0 if last else FADED))  # fmt: skip
    if plan.private:
        panel, planned = panel + _linear(state), state["planned"]
        rounds = np.arange(len(planned) + 1)
        marks.append(plots.line(rounds, [0, *planned], style=theme.PINNED, label="plan", panel=panel, width=1.2))
        if seen:
            spent = [0, *(line["epsilon"] for line in seen)]
            at = [0, *(line["round"] for line in seen)]
            marks.append(plots.line(at, spent, style=theme.ROLES["private"], panel=panel, width=2.4))
    return marks


def _linear(state):
    return boundary(state["model"], models.flatten(state["model"])) is not None and state["x_test"].shape[1] == 2


def _seat_chart(taken):
    x, y = (taken.shard[name][taken.shard["mask"]] for name in ("x", "y"))
    limits, marks = box(x), []
    for label in (0, 1):
        if len(here := x[y == label]):
            marks.append(plots.dots(here[:, 0], here[:, 1], style=1 + label, size=3.0))
    for theta, role, name in ((taken.theta, "private", "room"), (taken.theta + taken.update, "alone", "mine")):
        ends = crossing(boundary(taken.model, theta), *limits)
        if ends[0]:
            marks.append(plots.line(*ends, style=theme.ROLES[role], label=name, width=2.2))
    panel = plots.Panel("Your records, here only", "first feature", "second feature", *limits, right=0.15)
    return plots.Chart([panel], size=(4.4, 3.1)), marks


def _trust(state):
    plan = state["plan"]
    if not plan.private:
        return "No noise is added: whoever runs the room sees every update, and the result protects nobody."
    if plan.mechanism.at == "client":
        return "Each learner's notebook adds its noise: the room sees noisy reports, and is not trusted."
    if state["drawn"]:
        return (
            "The noise is added here, at the server, which sees every learner's update and who is drawn for a round: the "
            "instructor is trusted with them. ε counts on nobody else knowing who was drawn: the board does not show who "
            "answered."
        )
    return (
        "The noise is added here, at the server, which sees every learner's update: the instructor is trusted with them. "
        "The board shows what is released after the noise. Somebody who drops out changes the answers, not ε: the sum is "
        "divided by the public number of clients, and what one of them can move it by stays the clip."
    )


def _page(title, words, picture, small):
    return (
        f'<div class="{theme.PANEL}"><style>{theme.sheet(theme.PANEL)}</style><p class="fldp-title">{html.escape(title)}</p>'
        f'<p role="status">{words}</p>{picture}<p style="font-size:13px;margin:4px 0 0;max-width:75em">{html.escape(small)}'
        "</p></div>"
    )


def _plain(words):
    return html.unescape(words.replace("<b>", "").replace("</b>", ""))
