"""The next step is computed while nothing moves, is the one that comes, and shows what it would have shown anyway."""

import asyncio
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from fldp_lib.interactive import ahead, explorers, plots
from fldp_lib.interactive.along import Along, Track, _track


def build(compute, controls, **options):
    chart = plots.Chart([plots.Panel(y=(0, 50)), plots.Panel()])
    return explorers.Explorer(
        "test", controls, compute, chart, lambda r: [plots.line([0, 1], [0, r])], lambda r: f"{r:.2f}", **options
    )


def slider(**options):
    return explorers.Slider(**{"name": "n", "label": "n", "low": 1, "high": 40, "value": 10, "whole": True} | options)


def handle(explorer, row=0):
    """The slider's own widget, which the page moves."""
    return explorer.panel.children[2].children[0].children[row].children[1]


def resting(moves, explorer):
    """Move the handle in an event loop, as in a notebook, and rest after each move."""

    async def go():
        for value in moves:
            handle(explorer).value = value
            await asyncio.sleep(ahead.REST + 0.3)  # on a busy machine, too

    asyncio.run(go())


def test_a_step_further_is_ready_and_shows_what_a_fresh_one_shows():
    calls = []
    explorer = build(lambda n: calls.append(n) or float(n), [slider()])
    resting([11], explorer)
    assert calls == [10, 11, 12]  # at the start, the move, the step further
    resting([12], explorer)
    assert calls == [10, 11, 12, 13] and explorer.result == 12
    ready = [picture.value for picture in explorer._pictures]
    explorer._ahead.forget()
    assert [picture.value for picture in explorer.set(n=12)._pictures] == ready
    assert calls[-1] == 12


def test_the_narrow_layout_follows_the_wide_one():
    async def go():
        explorer = build(lambda n: float(n), [slider()])
        first = explorer._back.value.count("<svg"), [bool(picture.value) for picture in explorer._pictures]
        await asyncio.sleep(2 * ahead.REST + 0.3)
        return explorer, first

    explorer, first = asyncio.run(go())
    assert first == (1, [True, False])
    at_once = build(lambda n: float(n), [slider()])  # no loop runs here
    assert explorer._back.value.count("<svg") == at_once._back.value.count("<svg") == 2
    assert all(picture.value for picture in (*explorer._pictures, *at_once._pictures))


def test_the_way_back_is_kept():
    calls = []
    explorer = build(lambda n: calls.append(n) or float(n), [slider()])
    resting([11, 12, 11, 10], explorer)
    assert calls == [10, 11, 12, 13, 10, 9]  # the first answer was made where no loop ran


def test_nothing_is_computed_ahead_without_an_event_loop_or_in_the_midst_of_moves():
    calls = []
    explorer = build(lambda n: calls.append(n) or float(n), [slider()])
    handle(explorer).value = 11
    explorer.set(n=11)
    assert calls == [10, 11, 11] and not explorer._ahead._answers

    async def go():
        for value in (12, 13, 14, 15):
            handle(explorer).value = value
            await asyncio.sleep(ahead.REST / 4)
        await asyncio.sleep(2 * ahead.REST)

    asyncio.run(go())
    assert calls[3:] == [12, 13, 14, 15, 16]


def test_what_is_slow_is_not_computed_ahead(monkeypatch):
    monkeypatch.setattr(ahead, "LONGEST", -1.0)
    calls = []
    explorer = build(lambda n: calls.append(n) or float(n), [slider()])
    resting([11], explorer)
    assert calls == [10, 11]


def test_an_error_ahead_is_shown_when_it_is_met():
    def compute(n):
        if n == 12:
            raise ValueError("not 12")
        return float(n)

    explorer = build(compute, [slider()])
    resting([11], explorer)
    assert explorer.error is None and "11.00" in explorer._status.value
    resting([12], explorer)
    assert "not 12" in explorer._status.value and str(explorer.error) == "not 12"


def test_a_pinned_curve_lies_under_what_was_computed_ahead():
    explorer = build(lambda n: float(n), [slider()])
    resting([11], explorer)
    explorer.pin()
    resting([12], explorer)
    assert explorer._pictures[0].value.count("<polyline") == 2


def test_few_answers_are_kept():
    explorer = build(lambda n: float(n), [slider()])
    resting(range(11, 30), explorer)
    assert len(explorer._ahead._answers) == ahead.KEPT


@given(some.data())
def test_the_step_further_is_where_the_handle_leads(data):
    log, whole, up = (data.draw(some.booleans()) for _ in range(3))
    low = data.draw(some.sampled_from([1, 2, 5] if whole else [0.01, 0.5, 1]))
    high = low * data.draw(some.sampled_from([10, 40, 400]))
    step = data.draw(some.sampled_from([0.02, 0.05, 0.1])) if log else (1 if whole else (high - low) / 40)
    control = slider(low=low, high=high, value=low, step=step, log=log, whole=whole)
    holder, row, _ = control.build(lambda change: None)
    holder.value = start = control.tidy(low * (high / low) ** data.draw(some.floats(0.05, 0.95)))
    scale = math.log10 if log else float
    place = scale(control.on_grid(start)) + (step if up else -step)  # where a key puts the handle
    assume(scale(low) - 1e-9 <= place <= scale(high) + 1e-9)
    row.children[1].value = 10**place if log else (round(place) if whole else place)
    expected = ahead.further(control, start - 1e-9 if up else start + 1e-9, start)
    assert holder.value == pytest.approx(expected, rel=1e-9)


def test_the_step_further_on_an_axis_and_of_a_menu():
    control = slider(low=1.0, high=100.0, value=10.0, whole=False, log=True, step=0.05)
    track = _track(control, Along(0, "x", math.sqrt), plots.Panel(x=(0, 10)))
    assert isinstance(track, Track) and track.table is not None
    value = ahead.further(control, 9.0, 10.0, track)
    assert track.stop(value) == pytest.approx(track.stop(10.0) + (track.high - track.low) / 200)
    menu = explorers.Choice("kind", "kind", {"a": 1, "b": 2, "c": 3}, 1)
    assert ahead.further(menu, 1, 2) == 3 and ahead.further(menu, 3, 2) == 1 and ahead.further(menu, 2, 3) == 3


def test_a_control_at_its_end_has_no_step_further():
    assert ahead.further(slider(), 39, 40) == 40 and ahead.further(slider(), 2, 1) == 1
    assert ahead.further(slider(low=0.1, high=10.0, value=1.0, whole=False, log=True, step=0.05), 9.0, 10.0) == 10.0
