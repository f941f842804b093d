"""Each check of looks.py finds a planted fault, names it, and is quiet on a page that has none."""

import pathlib
import sys

import looks
import pages
import pytest
from lab import missing

if missing:
    pytest.skip(missing, allow_module_level=True)

PANEL = '<div class="fldp-panel" style="width:400px;background:#fff;color:#222;font:14px sans-serif">{}</div>'
SOUND = PANEL.format(
    "<p>Words that can be read</p>"
    "<label>number <input value='12' style='width:6em;font-size:13px;color:#222;background:#fff'></label>"
    "<svg viewBox='0 0 200 100' width='400' role='img' aria-label='x'>"
    "<text x='10' y='50' font-size='8'>twice as large</text></svg>"
)
PICTURE = (
    '<svg viewBox="0 0 200 100" style="display:block;width:100%" font-family="sans-serif" font-size="10">'
    '<text x="10" y="95">axis</text></svg>'
)


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 800, "height": 600})
    yield page
    page.close()


def seen(page, body):
    page.set_content(f"<!doctype html><html lang='en'><title>x</title><body>{body}</body></html>")
    return looks.look(page.locator(".fldp-panel"))


def test_a_sound_panel_has_no_fault(page):
    assert seen(page, SOUND) == [] and looks.axe(page) == []
    assert (
        seen(page, SOUND.replace("#fff", "#111").replace("color:#222", "color:#eee").replace("<text", "<text fill='#eee'"))
        == []
    )


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("small, 11.0 px: tiny", "<p style='font-size:11px'>tiny</p>"),
        ("small, 6.0 px: tick", "<svg viewBox='0 0 400 100' width='200'><text y='40' font-size='12'>tick</text></svg>"),
        ("small, 10.0 px: 12", "<input value='12' style='font-size:10px'>"),
        ("faint, 2.85: grey", "<p style='color:#999'>grey</p>"),
        ("faint, 1.00: lost", "<div style='background:#222'><b>lost</b></div>"),
        ("faint, ", "<p style='opacity:0.4'>dimmed</p>"),
        ("faint, ", "<svg width='200' height='50'><text y='40' font-size='14' fill='#e69f00'>amber</text></svg>"),
        ("beyond the edge: far", "<p style='margin-left:390px;white-space:nowrap'>far out</p>"),
        ("beyond the edge: a picture, 500 px in 400", "<svg width='500' height='50'></svg>"),
        ("wider than its place: 460 px", "<div style='width:460px;height:5px'></div>"),
        ("cut: a label that is", "<p style='width:60px;overflow:hidden;white-space:nowrap'>a label that is too long</p>"),
        ("cut: a long option", "<select style='width:60px;font-size:13px'><option>a long option, indeed</option></select>"),
    ],
)
def test_a_planted_fault_is_seen(page, fault, body):
    assert any(found.startswith(fault) for found in seen(page, PANEL.format(body))), seen(page, PANEL.format(body))


def test_what_is_hidden_is_no_fault(page):
    hidden = (
        "<p style='display:none;font-size:5px'>a</p><p style='visibility:hidden;font-size:5px'>b</p>"
        "<style>.c { color: red }</style><svg width='9' height='9'><title>d</title></svg>"
    )
    assert seen(page, PANEL.format(hidden)) == []


@pytest.mark.parametrize(
    ("fault", "pieces"),
    [
        ("private over alone, 1 times, as at ε = 1", '<text x="100" y="50">private</text><text x="110" y="54">alone</text>'),
        ("axis over near, 1 times, as at ε = 1", '<text x="15" y="97">near</text>'),
        ("much too long is cut by the edge, 1 times, as at ε = 1", '<text x="160" y="50">much too long</text>'),
        ("high is cut by the edge, 1 times, as at ε = 1", '<text x="50" y="2">high</text>'),
    ],
)
def test_labels_that_overlap_or_are_cut_are_seen(page, fault, pieces):
    page.set_content("<!doctype html><body></body>")
    apart = '<text x="100" y="50">private</text><text x="100" y="62">alone</text>'
    assert looks.boxes(page, PICTURE, [["ε = 0", apart]], 390) == []
    assert looks.boxes(page, PICTURE, [["ε = 0", apart], ["ε = 1", pieces]], 390) == [fault]
    assert page.locator("svg").count() == 0  # nothing is left behind


def test_axes_whose_own_words_overlap_are_seen(page):
    page.set_content("<!doctype html><body></body>")
    assert looks.boxes(page, PICTURE.replace("</svg>", '<text x="12" y="95">twice</text></svg>'), [], 390) == [
        "axis over twice, 1 times, as at always"
    ]


@pytest.mark.parametrize("body", ["<input>", "<button></button>", "<img src='data:,'>", "<p style='color:#bbb'>faint</p>"])
def test_axe_sees_a_planted_fault(page, body):
    seen(page, PANEL.format(body))
    assert looks.axe(page)


def test_only_the_picture_on_show_counts_and_a_hero_below_the_fold_is_not_on_the_first_screen(page):
    both = (
        "<div class='fldp-panel' style='margin-top:{}px'><p class='fldp-title'>t</p><div class='fldp-stage'>"
        "<div style='display:none'><svg role='img' width='9' height='9'><text>narrow</text></svg></div>"
        "<div><svg role='img' width='300' height='200'><text y='20'>wide</text></svg></div></div>"
        "<div class='noUi-handle' tabindex='0' style='height:20px'></div></div>"
    )
    page.set_content("<!doctype html><body></body>")
    pages.watch(page)
    page.evaluate("body => { document.body.innerHTML = body }", both.format(10))
    assert 0 < pages.hero(page)["seconds"] < 5 and pages.hero(page)["here"]
    assert "wide" in pages.shown(page.locator(".fldp-panel"), sentence=False)[0]
    page.set_content("<!doctype html><body></body>")
    pages.watch(page)
    page.evaluate("body => { document.body.innerHTML = body }", both.format(700))
    assert not pages.hero(page)["here"]


def test_sliders_get_their_names_however_late_a_prediction_is_made(page):
    from fldp_lib.interactive.theme import SHEET

    page.clock.install()
    page.set_content(f"<div class='fldp-panel'><div>{SHEET}</div><div class='fldp-ask'>which?</div></div>")
    page.clock.run_for(60_000)  # the reader thinks
    page.evaluate(
        """() => document.querySelector('.fldp-panel').insertAdjacentHTML('beforeend',
          `<div><div><label>total ε</label><input value="1">
          <div><div><div><div class="noUi-handle" tabindex="0" aria-valuenow="1">|</div></div></div></div></div></div>`)"""
    )
    page.clock.run_for(1_000)
    page.evaluate(
        "() => document.querySelector('.fldp-panel > :last-child > div').classList.add('fldp-row')"
    )  # as widgets do
    page.clock.run_for(1_000)
    assert page.locator(".noUi-handle").get_attribute("aria-label") == "total ε, slider"
    assert page.locator(".noUi-handle").get_attribute("aria-valuetext") == "1"


def test_what_is_over_a_limit_is_told():
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "benchmarks"))
    import latency

    good, late, jumpy = ("00", 0, "ε", 80.0, 150.0), ("00", 1, "ε", 80.6, 90.0), ("00", 2, "ε", 20.0, 151.0)
    never = ("00", 3, "ε", float("inf"), float("inf"))  # the picture did not change at any step
    assert latency.over([good, late, jumpy, never], {"00": 3.0, "05": 3.1}) == ([late, jumpy, never], [3.1])
    assert latency.over([good], {"00": 3.0}) == ([], [])
