"""Other views of an explorer: several values of one control side by side, and a page that needs no kernel or network."""

import html
import itertools
import math
import os
import pathlib
from dataclasses import replace

import numpy as np

from .. import checks
from . import along, pages, plots, said, theme, threads
from .controls import Choice
from .template import PAGE

STATES, BYTES = 250, 2_000_000  # of an exported page, at most


def sweep(explorer, name, points=6, panel=None):
    """Compute an explorer at several values of one control, the others as they are, and draw the panels side by side.

    Args:
        explorer: an `explorers.Explorer`; it is left at the state it had.
        name: the control.
        points: values of a slider, spread evenly on its scale, at least 2. A choice shows all its options.
        panel: which of the explorer's panels is repeated; None takes the one that changes most.

    Returns:
        A `plots.Chart`, its marks, and one sentence for each value.

    Raises:
        ValueError: an unknown control or panel.
    """
    checks.one_of("control", name, tuple(explorer.controls))
    if panel is not None:
        checks.whole("panel", panel, at_least=0, at_most=len(explorer.chart.panels) - 1)
    checks.whole("points", points, at_least=2, at_most=STATES)
    control, panels, marks, told = explorer.controls[name], [], [], []
    values = control.values if isinstance(control, Choice) else control.spread(points)
    results = [explorer.compute(**{**explorer.state, name: value}) for value in values]
    drawn = [list(explorer.draw(result)) for result in results]
    if panel is None:
        panel = max(range(len(explorer.chart.panels)), key=lambda place: _change(explorer.chart.panels[place], place, drawn))
    for number, (value, result) in enumerate(zip(values, results, strict=True)):
        title = f"{control.label} = {control.words(value)}"
        panels.append(replace(explorer.chart.panels[panel], title=title))
        marks += [replace(mark, panel=number) for mark in drawn[number] if mark.panel == panel]
        told.append(f"{title}: {explorer.say(result)}")
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    return plots.Chart(panels, columns=columns, size=(3.1 * columns, 2.4 * rows)), marks, told


def _change(panel, place, drawn):
    """How much a panel's marks change from value to value, as a share of its height; a mark more or less counts in full."""
    low, high = panel.y
    total = 0.0
    for before, after in itertools.pairwise([[m for m in marks if m.panel == place] for marks in drawn]):
        total += abs(len(before) - len(after))
        for a, b in zip(before, after, strict=False):
            if a.kind != b.kind or len(a.y) != len(b.y):
                total += 1
                continue
            ends = [np.clip(mark.y, min(low, high), max(low, high)) for mark in (a, b)]
            if panel.ylog:
                ends, scale = [np.log(end) for end in ends], abs(np.log(high / low))
            else:
                scale = abs(high - low)
            moved = np.abs(ends[0] - ends[1]) / scale
            total += float(np.nan_to_num(moved).mean()) if len(moved) else 0.0
            total += a.label != b.label if a.kind == "text" else 0.0
    return total


def export_html(explorer, path, points=None, together=None, **values):
    """Write an explorer as one self-contained page: one that computes, where it has a counterpart; else over a grid of runs.

    Args:
        explorer: an `explorers.Explorer`; it is left at the state it had.
        path: the file to write, in a folder that there is.
        points: values of each slider on the grid, at least 2, spread evenly on its scale, but with its present value among
            them if there are 3 or more. A choice keeps all its options. None: the page computes by itself at any setting,
            where the explorer has a counterpart in JavaScript (see `browser.live`) and no values are given; else 7, or
            fewer where the grid would have more than 250 states.
        together: how many controls can stand away from their start at once, at least 1: moving one more takes the one back
            that was moved longest ago. None: all of them.
        values: the grid's values for a control, by name, in place of the even spread; a single value fixes the control.

    Returns:
        The path.

    Raises:
        ValueError: an unknown control, a value out of its range, or a page of more than 1.5 MB.
    """
    for name in values:
        checks.one_of("control", name, tuple(explorer.controls))
    path = pathlib.Path(checks.kind("path", path, (str, os.PathLike), "the file's path"))
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path must be a file in a folder that there is, got {str(path)!r}")
    if explorer.browser is not None and points is None and together is None and not values:
        return pages.write(explorer, path)
    if points is not None:
        checks.whole("points", points, at_least=2, at_most=STATES)
    if together is not None:
        checks.whole("together", together, at_least=1)
    if points is None:
        sizes = (
            points for points in range(7, 2, -1) if math.prod(map(len, grid_of(explorer, points, values).values())) <= STATES
        )
        points = next(sizes, 2)
    grid, runs, pieces = grid_of(explorer, points, values), {}, {}
    starts = [_start(explorer, name, column) for name, column in grid.items()]
    together = len(grid) if together is None else together
    for index, places in enumerate(itertools.product(*(range(len(column)) for column in grid.values()))):
        if sum(place != start for place, start in zip(places, starts, strict=True)) <= together:
            state = {name: grid[name][place] for name, place in zip(grid, places, strict=True)}
            drawn, sentence = run(explorer, state)
            numbered = [[pieces.setdefault(piece, len(pieces)) for piece in layout] for layout in drawn]
            runs[index] = [numbered, sentence]
    shown = [[explorer.controls[name].words(value) for value in column] for name, column in grid.items()]
    page = PAGE.format(
        theme=theme.page(),
        title=html.escape(explorer.title),
        predict="" if explorer.predict is None else explorer.predict.page(explorer.result),
        controls="".join(_control(explorer, k, name, column) for k, (name, column) in enumerate(grid.items())),
        near=_near(explorer, grid),
        along=along.page(explorer.along.values(), explorer.chart),
        picture=explorer.chart.empty(),
        note=html.escape(
            f"Each of the {len(runs)} states was computed beforehand by a real run. "
            + f"Of the controls, {together} can stand away from their start at once. " * (together < len(grid))
            + "Values on the grid: "
            + "; ".join(f"{explorer.controls[n].label}: {', '.join(s)}" for n, s in zip(grid, shown, strict=True))
        ),
        grid=pages._json(shown),
        shapes=pages._json([len(column) for column in grid.values()]),
        pieces=pages._json(list(pieces)),
        runs=pages._json(list(runs.values()) if together >= len(grid) else runs),
        starts=pages._json(starts),
        together=together,
    )
    if len(page.encode()) > BYTES:
        raise ValueError(f"points must be fewer: with {points} the page has {len(page.encode()):,} bytes, over {BYTES:,}")
    path.write_text(page, encoding="utf-8")
    return path


def run(explorer, state):
    """Compute one state for a page; return its pieces of SVG, a list for each layout of the chart, and its sentence."""
    with threads.one():
        result = explorer.compute(**state)
    marks = list(explorer.draw(result))
    return [chart.pieces(marks) for chart in explorer.chart.layouts], said.sentence(explorer.say(result), marks)


def grid_of(explorer, points, values):
    """Return the values that each control takes on a page; `points` and `values` as in `export_html`."""
    grid = {}
    for name, control in explorer.controls.items():
        chosen = values.get(name)
        if chosen is None:
            chosen = control.values if isinstance(control, Choice) else _spread(control, points, explorer.state[name])
        grid[name] = [control.check(v) for v in (chosen if isinstance(chosen, (list, tuple)) else [chosen])]
        if not grid[name]:
            raise ValueError(f"{name} must have one value at least on the page, got {chosen}")
    return grid


def _spread(control, points, start):
    """A slider's values on the page: even, except that the inner one nearest to the present value is that value."""
    values = control.spread(points)
    if len(values) > 2 and start not in values:
        values[min(range(1, len(values) - 1), key=lambda k: _distance(values[k], start))] = start
    return sorted(values)


def _control(explorer, k, name, column):
    """A control in the form; of one on an axis only its name and value."""
    control, start = explorer.controls[name], _start(explorer, name, column)
    words, now = html.escape(control.label), f'<output id="now{k}"></output>'
    if name in explorer.along:
        return f'<p class="far">{words} <b>●</b> {now}</p>'
    if isinstance(control, Choice):
        options = "".join(f'<option value="{k}"{" selected" * (k == start)}>{html.escape(control.words(v))}</option>'
                          for k, v in enumerate(column))  # fmt: skip
        return f'<label>{words}<select data-control="{k}">{options}</select>{now}</label>'
    last = len(column) - 1
    return (
        f'<label>{words}<input type="range" data-control="{k}" min="0" max="{last}" step="1" value="{start}">{now}</label>'
    )


def _near(explorer, grid):
    """The sliders that stand on axes."""
    return "".join(
        explorer.along[name].slider(
            k, [explorer.along[name].share(value) for value in column], _start(explorer, name, column)
        )
        for k, (name, column) in enumerate(grid.items())
        if name in explorer.along
    )


def _start(explorer, name, column):
    return min(range(len(column)), key=lambda k: _distance(column[k], explorer.state[name]))


def _distance(value, start):
    return abs(value - start) if isinstance(value, (int, float)) else float(value != start)
