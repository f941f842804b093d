"""along: a slider on an axis stands where its value lies, in both layouts and in an exported page; a choice as buttons."""

import json
import re

import numpy as np
import pytest

from fldp_lib.interactive import along, explorers, plots

PANELS = [plots.Panel("a"), plots.Panel("b", "limit", "needed", x=(0.01, 100), y=(0, 108), xlog=True, right=0.2)]
NEEDED = explorers.Slider("needed", "needed <n>", 30, 95, 85, whole=True)
LIMIT = explorers.Slider("limit", "limit", 0.1, 10, 1.0, step=0.05, log=True)
WHO = explorers.Choice("who", "who", {"nobody": 0, "client 1": 1}, 0, buttons=True)
EPSILON = explorers.Slider("epsilon", "total ε", 0.1, 10, 1.0, step=0.05, log=True)


def build(controls=(NEEDED, LIMIT, WHO), panels=PANELS, **options):
    def draw(state):
        return [plots.dots([state.get("limit", 1)], [state.get("needed", 50)], panel=len(panels) - 1)]

    chart = plots.Chart(panels)
    return explorers.Explorer("t", list(controls), lambda **state: state, chart, draw, lambda r: f"{r}", **options)


def seen(explorer):
    """The picture's box, with all that stands at it."""
    return explorer.panel.children[2].children[1]


def inside(widget):
    return [widget, *(one for child in getattr(widget, "children", ()) for one in inside(child))]


def handles(explorer):
    return {name: next(one for one in inside(explorer.panel) if track.name in one._dom_classes).children[0]
            for name, track in explorer.along.items()}  # fmt: skip


BOTH = {"needed": explorers.Along(1, "y"), "limit": 1}


def test_slider_and_box_of_a_control_on_an_axis_hold_the_same_value():
    explorer = build(along=BOTH)
    slider = handles(explorer)["needed"]
    assert slider.orientation == "vertical" and handles(explorer)["limit"].orientation == "horizontal"
    box = next(
        one for one in inside(explorer.panel) if getattr(one, "description", "") == "needed <n>" and one is not slider
    )
    slider.value = 40
    assert explorer.state["needed"] == box.value == 40
    box.value = 50
    assert explorer.state["needed"] == slider.value == 50
    assert explorer.set(limit=10.0).state["limit"] == handles(explorer)["limit"].value == 10


def test_the_strip_lies_on_the_axis_in_each_layout():
    explorer = build(along=BOTH)
    for name, track in explorer.along.items():
        wide, narrow = re.findall(r"\.fldp-along-\d+\{([^}]*)\}", track.style(explorer.chart))
        for rule, chart in ((wide, explorer.chart), (narrow, explorer.chart.stacked)):
            rule = dict(part.split(":") for part in rule.split(";"))
            share = {side: float(re.search(r"calc\(([-\d.]+)", rule[side]).group(1)) for side in ("left", "top")}
            long = float(re.search(r"calc\(([-\d.]+)", rule["--long"]).group(1))
            drawn = chart.svg(explorer.marks, "")
            axes, (width, height) = chart._drawn()[1][1], 72 * np.array(chart.size)
            low, high = (0.1, 10) if name == "limit" else (30, 95)
            ends = axes.transData.transform([(low, 0), (high, 0)] if name == "limit" else [(0.01, low), (0.01, high)])
            corner = ends[0] if name == "limit" else ends[1]
            assert share["left"] * width == pytest.approx(corner[0], abs=0.02)
            assert share["top"] * width == pytest.approx(height - corner[1], abs=0.02)
            assert long * width == pytest.approx(np.abs(ends[1] - ends[0]).max(), abs=0.02)
            own = re.search(r"max-width:([\d.]+)px", drawn).group(1)
            assert rule["--w"] == f"min(100cqw,{own}px)"  # as wide as the picture itself
    assert f"max-width:{explorer.chart.least - 1}px" in track.style(explorer.chart)


def found(epsilon):
    return 50 + 50 * epsilon / (1 + epsilon)


def test_a_handle_may_stand_at_the_point_that_follows_from_the_value():
    panel = plots.Panel("", "found, of 100", x=(48, 102), y=(0, 100))
    explorer = build([EPSILON], [panel], along={"epsilon": explorers.Along(place=found)})
    slider, stop = handles(explorer)["epsilon"], (found(10) - found(0.1)) / along.STEPS
    assert (slider.min, slider.max) == (pytest.approx(found(0.1)), pytest.approx(found(10)))
    for point in (55, 75, 90):
        slider.value = slider.min + round((point - slider.min) / stop) * stop
        assert found(explorer.state["epsilon"]) == pytest.approx(slider.value, abs=0.2)
    moved = set()
    for _ in range(along.STEPS):  # each press of a key moves, from end to end
        slider.value = max(slider.min, slider.value - stop)
        moved.add(explorer.state["epsilon"])
    assert explorer.state["epsilon"] == 0.1 and len(moved) == round((90 - found(0.1)) / stop)
    explorer.set(epsilon=3.3)
    assert slider.value == pytest.approx(found(3.3), abs=stop / 2 + 1e-9) and explorer.state["epsilon"] == 3.3
    assert slider.description == "total ε, by found, of 100"


def test_buttons_stand_with_the_picture_and_choose():
    explorer = build()
    buttons = next(one for one in inside(seen(explorer)) if type(one).__name__ == "ToggleButtons")
    assert buttons.description == "who" and explorer.along == {}
    buttons.value = 1
    assert explorer.state["who"] == 1 and explorer.result["who"] == 1
    explorer.set(who=0)
    assert buttons.value == 0
    with pytest.raises(TypeError, match="buttons"):
        explorers.Choice("who", "who", [1, 2], 1, buttons="yes")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (["needed"], TypeError, "along must be a dict"),
        ({"speed": 0}, ValueError, "along must be one of 'needed', 'limit'; got 'speed'"),
        ({"who": 0}, ValueError, "along must be one of"),
        ({"limit": 2}, ValueError, "panel"),
        ({"limit": 0}, ValueError, "must rise and show all of limit"),
        ({"needed": explorers.Along(1)}, ValueError, "both be logarithmic"),
        ({"limit": explorers.Along(1, place=lambda limit: -limit)}, ValueError, "place must increase with limit"),
    ],
)
def test_what_cannot_stand_on_an_axis_is_named(given, error, words):
    with pytest.raises(error, match=words):
        build(along=given)
    with pytest.raises(ValueError, match="axis must be one of"):
        explorers.Along(0, "z")
    with pytest.raises(TypeError, match="place"):
        explorers.Along(place=3)


def test_an_exported_page_has_its_sliders_on_the_axes(tmp_path):
    page = build(along=BOTH).export_html(tmp_path / "page.html", points=3).read_text(encoding="utf-8")
    strips = re.findall(r'<div class="fldp-along (fldp-along-\d+) ([xy])"><input [^>]*data-control="(\d)"[^>]*>', page)
    assert [(axis, number) for _, axis, number in strips] == [("y", "0"), ("x", "1")]
    assert all(page.count(f".{name}{{--w:") == 2 for name, *_ in strips)
    stops = [json.loads(found) for found in re.findall(r'data-stops="([^"]*)"', page)]
    assert stops == [[0, round(1000 * 55 / 65), 1000], [0, 500, 1000]]  # 30, 85, 95; 0.1, 1, 10
    assert 'aria-label="needed &lt;n&gt;"' in page and page.count("<output id=") == 3
