"""views: a sweep leaves the explorer alone; an exported page holds every run and asks for nothing."""

import html.parser
import json
import re

import pytest

from fldp_lib.interactive import explorers, plots, views


@pytest.fixture
def explorer():
    controls = [
        explorers.Slider("rate", "rate <r>", 0.1, 10, 1.0, step=0.1, log=True),
        explorers.Slider("count", "count", 1, 3, 2, whole=True),
        explorers.Choice("mode", "mode", {"one": 1, "two": 2}, 1),
    ]
    chart = plots.Chart([plots.Panel(x=(0, 1), y=(0, 60)), plots.Panel(x=(0, 1), y=(0, 60))])

    def draw(result):
        return [plots.line([0, 1], [0, result]), plots.line([0, 1], [result, result], panel=1)]

    return explorers.Explorer(
        "views & co", controls, lambda rate, count, mode: rate * count * mode, chart, draw, lambda r: f"is {r:g}"
    )


def test_sweep_draws_one_panel_a_value_and_moves_nothing(explorer):
    before, picture = explorer.state, explorer._pictures[0].value
    chart, marks, said = explorer.sweep("rate", points=3)
    assert [panel.title for panel in chart.panels] == ["rate <r> = 0.1", "rate <r> = 1", "rate <r> = 10"]
    assert [mark.y[-1] for mark in marks] == pytest.approx([0.2, 2.0, 20.0])
    assert [mark.panel for mark in marks] == [0, 1, 2]
    assert said == ["rate <r> = 0.1: is 0.2", "rate <r> = 1: is 2", "rate <r> = 10: is 20"]
    assert explorer.state == before and explorer._pictures[0].value == picture


def test_sweep_repeats_the_panel_that_changes_most():
    rate = explorers.Slider("rate", "rate", 1, 3, 2)
    panels = [plots.Panel(), plots.Panel(ylog=True, y=(0.1, 10)), plots.Panel(y=(0, 3))]

    def draw(rate):
        still = [plots.line([0, 1], [0.5, 0.5]), plots.line([0, 1], [1, 1 + rate / 100], panel=1)]
        return [*still, plots.line([0, 1], [0, rate], panel=2)]

    shown = explorers.Explorer("t", [rate], lambda rate: rate, plots.Chart(panels), draw, str)
    assert [mark.y[-1] for mark in shown.sweep("rate", points=3)[1]] == [1, 2, 3]
    assert [mark.y[-1] for mark in shown.sweep("rate", points=3, panel=0)[1]] == [0.5] * 3


def test_sweep_over_a_choice_shows_all_its_options(explorer):
    assert [panel.title for panel in explorer.sweep("mode")[0].panels] == ["mode = one", "mode = two"]


def test_sweep_menu_fills_and_empties_the_panel(explorer):
    explorer._sweep.value = "count"
    assert explorer._swept.value.count("<polyline") == 2 * 3
    explorer._sweep.value = None
    assert explorer._swept.value == ""


def test_unknown_controls_and_panels_are_named(explorer):
    with pytest.raises(ValueError, match=r"control must be one of 'rate', 'count', 'mode'; got 'speed'"):
        explorer.sweep("speed")
    with pytest.raises(ValueError, match="panel"):
        explorer.sweep("rate", panel=2)
    with pytest.raises(ValueError, match="control"):
        explorer.export_html("unused.html", speed=[1])


def test_exported_page_holds_every_run(explorer, tmp_path):
    page = explorer.export_html(tmp_path / "page.html", points=3).read_text(encoding="utf-8")
    pieces, runs = map(json.loads, re.search(r"pieces = (\[.*\]), runs = (\[.*\])\n", page).groups())
    assert [sentence for _, sentence in runs] == [
        f"is {r * c * m:g}" for r in (0.1, 1, 10) for c in (1, 2, 3) for m in (1, 2)
    ]
    for layouts, _ in runs:
        assert len(layouts) == 2 and all("<polyline" in "".join(pieces[k] for k in marks) for marks in layouts)
    assert explorer.state == {"rate": 1.0, "count": 2, "mode": 1}


def test_exported_page_asks_for_nothing_and_names_every_control(explorer, tmp_path):
    page = explorer.export_html(tmp_path / "page.html", points=3, rate=[0.1, 1.0]).read_text(encoding="utf-8")

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

    found = []
    Tags().feed(page)
    names = [tag for tag, _ in found]
    assert not {"img", "iframe"} & set(names)
    loaded = [attributes.get("src", attributes.get("href")) for _, attributes in found if {"src", "href"} & set(attributes)]
    assert loaded == ["data:,"]  # no icon, so that none is asked for
    assert names.count("label") == len(explorer.controls)
    assert "rate &lt;r&gt;: 0.1, 1" in page and "12 states" in page


def test_the_grid_stays_small_unless_it_is_asked_for(explorer, tmp_path, monkeypatch):
    assert "42 states" in explorer.export_html(tmp_path / "page.html").read_text(encoding="utf-8")  # 7 · 3 · 2
    monkeypatch.setattr(views, "STATES", 30)
    assert "30 states" in explorer.export_html(tmp_path / "page.html").read_text(encoding="utf-8")  # 5 · 3 · 2
    monkeypatch.setattr(views, "BYTES", 1000)
    with pytest.raises(ValueError, match="points must be fewer"):
        explorer.export_html(tmp_path / "large.html")
    assert not (tmp_path / "large.html").exists()
