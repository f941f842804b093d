"""Pages that compute an explorer by themselves, in Chromium: opened from a folder and from a server, moved by keyboard."""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import threading

import looks
import numpy as np
import pytest
from lab import missing

from fldp_lib.interactive import browser, explorers, pages, plots

if missing:
    pytest.skip(missing, allow_module_level=True)

TOY = pathlib.Path(__file__).with_name("toy.js")
IDLE = "() => fldp.page?.idle && fldp.page.shown"
PATHS = (
    "[...document.querySelectorAll('.fldp-field svg')].find(s => s.checkVisibility()).querySelector('.fldp-marks').innerHTML"
)


class Guess:
    def __init__(self, round):
        self.people, self.bound = 50 + round, 0.5 + round / 40


def _points():
    return {"points": np.array([0.2, 0.6])}


def toy(predict=None, data=_points):
    """An explorer with each kind of control; its counterpart is toy.js."""

    def compute(height, price, round, shape, pace):
        t = np.linspace(0, 1, 21)
        return dict(x=t, y=height * t ** (2 if shape == "square" else 1), price=price, round=round)

    def marks(result):
        points = _points()["points"]
        return [
            plots.line(result["x"], result["y"], "private", "private"),
            plots.dots(points, points, 1, "points"),
            plots.bars([result["round"]], [result["price"]], "article", panel=1),
        ]

    def say(result):
        reached = f"private reaches {result['y'][-1]:.3g} at a price of {result['price']:.3g}"
        return f"After round {result['round']} {reached}."

    controls = [
        explorers.Slider("height", "height", 0, 1, 0.5, step=0.1),
        explorers.Slider("price", "price ε", 0.1, 10, 1, step=0.05, log=True),
        explorers.Slider("round", "rounds so far", 1, 12, 3, whole=True),
        explorers.Choice(
            "shape", "shape", {"a line": "line", "a square": "square", "broken": "broken"}, "line", buttons=True
        ),
        explorers.Choice("pace", "pace", ["fast", "slow"], "fast"),
    ]
    chart = plots.Chart(
        [plots.Panel("reach", "time", "height", right=0.3), plots.Panel("price", "round", "ε", x=(0, 13), y=(0, 10))],
        size=(7, 3),
    )
    made = explorers.Explorer(
        "A toy", controls, compute, chart, marks, say, predict, attacker=lambda result: Guess(result["round"]), play="round",
        along={"height": explorers.Along(0, "y"), "price": explorers.Along(1, "y", lambda price: 5 + 3 * np.log10(price))},
    )  # fmt: skip
    return browser.live(made, "nb99.toy", data)


@pytest.fixture(autouse=True)
def trainer(tmp_path, monkeypatch):
    """The trainer with the toy's counterpart in it."""
    folder = tmp_path / "trainer"
    shutil.copytree(pages.TRAINER, folder)
    (folder / "explorers").mkdir(exist_ok=True)
    shutil.copy(TOY, folder / "explorers" / "nb99.js")
    monkeypatch.setattr(pages, "TRAINER", folder)


@contextlib.contextmanager
def served(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def opened(browser, address, **context):
    """A page, watched: what it says on the console, and what it asks for elsewhere."""
    made = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **context})
    page, faults = made.new_page(), []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    home = "/".join(address.split("/")[:3])
    page.on("request", lambda one: None if one.url.startswith((home, "blob:", "data:")) else faults.append(one.url))
    page.goto(address)
    page.wait_for_function("() => fldp.page")
    idle(page)
    yield page
    assert faults == []
    made.close()


def idle(page):
    page.wait_for_timeout(20)
    page.wait_for_function(IDLE, timeout=20_000)


def agrees(page, explorer):
    """Sentence and marks are Python's at the state at which the page's controls stand."""
    state = page.evaluate("fldp.page.state")
    explorer.set(**state)
    assert page.locator("#said").inner_text() == explorer.sentence
    count = page.evaluate(f"{PATHS}.match(/<(polyline|polygon|rect|circle|path)/g).length")
    layout = explorer.chart.layouts[0].overlay(explorer.marks)
    assert count == sum(layout.count(f"<{tag}") for tag in ("polyline", "polygon", "rect", "circle", "path "))
    return state


def press(page, place, *keys):
    page.locator(place).focus()
    for key in keys:
        page.keyboard.press(key)
    idle(page)


def write(tmp_path, explorer, **options):
    folder = tmp_path / "site" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return pages.write(explorer, folder / "toy.html", **options)


@pytest.mark.parametrize("way", ["folder", "server", "shared"])
def test_keys_move_picture_and_sentence_as_in_the_notebook(browser, tmp_path, way):
    explorer = toy()
    if way == "shared":
        pages.copy(tmp_path / "site" / "static")
        path = write(tmp_path, explorer, scripts="../static")
    else:
        path = write(tmp_path, explorer)
    with served(tmp_path / "site") as home, contextlib.ExitStack() as stack:
        page = stack.enter_context(opened(browser, path.as_uri() if way == "folder" else f"{home}/pages/toy.html"))
        assert page.evaluate("fldp.page.engine.inWorker()")
        assert agrees(page, explorer) == {"height": 0.5, "price": 1, "round": 3, "shape": "line", "pace": "fast"}
        before = page.evaluate(PATHS)
        press(page, "[data-along=height] input", "ArrowUp", "ArrowUp", "ArrowDown")
        assert agrees(page, explorer)["height"] == 0.6 and page.evaluate(PATHS) != before
        press(page, "[data-along=price] input", "ArrowRight", "ArrowRight")
        assert 1 < agrees(page, explorer)["price"] < 1.1
        for key, value in (("End", 10), ("Home", 0.1)):
            press(page, "[data-along=price] input", key)
            assert agrees(page, explorer)["price"] == value
        press(page, "#controls [type=range]", "ArrowRight", "PageUp", "ArrowLeft")
        assert agrees(page, explorer)["round"] == 11
        page.get_by_role("button", name="a square").click()
        idle(page)
        assert agrees(page, explorer)["shape"] == "square"
        page.locator("#box-price").fill("2.345")
        page.locator("#box-price").press("Enter")
        idle(page)
        assert agrees(page, explorer)["price"] == 2.345
        page.locator("#box-round").fill("99")
        page.locator("#box-round").press("Tab")
        idle(page)
        assert agrees(page, explorer)["round"] == 12  # the nearest value that there is
        assert page.locator("#box-round").input_value() == "12"


def test_an_exported_explorer_is_such_a_page_and_small(tmp_path):
    path = toy().export_html(tmp_path / "toy.html")
    assert "fldp.engine" in path.read_text(encoding="utf-8") and path.stat().st_size < 400_000
    path = toy().export_html(tmp_path / "grid.html", points=2, shape="line", pace="fast")
    assert "fldp.engine" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("data", "random"), [(_points, True), (None, False)])
def test_a_page_says_whether_its_noise_is_drawn_beforehand(data, random, tmp_path):
    """And that it is for no release; a page without data has none."""
    text = write(tmp_path, toy(data=data)).read_text(encoding="utf-8")
    assert (pages.DRAWN in text) == random and (pages.EXACT in text) != random
    assert "never for a release" in pages.DRAWN and "fixed seed" in pages.DRAWN


def test_only_pages_with_data_could_draw():
    """No counterpart draws by itself: what a page calls random comes with its data, as the notebook drew it."""
    for path in (pages.TRAINER / "explorers").glob("*.js"):
        source = path.read_text(encoding="utf-8")
        assert "fldp.random" not in source and "Math.random" not in source and "crypto" not in source, path.name


def test_data_lies_beside_the_pages_once(tmp_path):
    folder = write(tmp_path, toy(), scripts="s").parent
    pages.write(toy(), folder / "other.html", scripts="s")
    pages.write(toy(data=lambda: {"points": np.zeros(2)}), folder / "third.html", scripts="s")
    assert len(list(folder.glob("data-*.js"))) == 2


def test_pin_sweep_reset(browser, tmp_path):
    explorer = toy()
    with opened(browser, write(tmp_path, explorer).as_uri()) as page:
        page.get_by_role("button", name="Pin").click()
        assert page.evaluate(PATHS).count("pinned") == 0  # what has not changed is not drawn twice
        press(page, "[data-along=height] input", "End")
        assert "pinned</text>" in page.evaluate(PATHS)
        for place, (control, columns) in enumerate((("height", 6), ("price", 6), ("round", 6))):
            page.locator("#sweep").select_option(str(place))
            page.wait_for_function(f"document.querySelectorAll('#swept figure').length === {columns}")
            chart, _, told = explorer.set(**page.evaluate("fldp.page.state")).sweep(control)
            heads = page.locator("#swept figcaption").all_inner_texts()
            assert heads == [panel.title for panel in chart.panels]
            assert [page.locator("#swept svg").nth(k).get_attribute("aria-label") for k in range(columns)] == told
            axis = page.locator("#swept svg").first.inner_html()
            assert chart.panels[0].xlabel in axis
        page.locator("#sweep").select_option("")
        assert page.locator("#swept figure").count() == 0
        page.get_by_role("button", name="Reset").click()
        idle(page)
        assert agrees(page, explorer)["height"] == 0.5 and "pinned" not in page.evaluate(PATHS)


def test_play_and_pause(browser, tmp_path):
    with opened(browser, write(tmp_path, toy()).as_uri()) as page:
        play = page.get_by_role("button", name="rounds so far")
        play.click()
        page.wait_for_function("fldp.page.state.round >= 6")
        assert play.inner_text() == "Pause"
        play.click()
        stopped = page.evaluate("fldp.page.state.round")
        page.wait_for_timeout(500)
        assert page.evaluate("fldp.page.state.round") == stopped < 12
        play.click()
        page.wait_for_function("fldp.page.state.round === 12")
        page.wait_for_function("document.querySelector('#controls .buttons button').textContent === 'Play'")
    with opened(browser, write(tmp_path, toy()).as_uri(), reduced_motion="reduce") as page:
        play = page.get_by_role("button", name="rounds so far")
        assert play.inner_text() == "Next"
        play.click()
        page.wait_for_timeout(600)
        assert page.evaluate("fldp.page.state.round") == 4  # one step for one press


def test_a_prediction_comes_before_its_answer(browser, tmp_path):
    asked = ("99.a", "How high?", ["0.5", "higher <b>"], 0, lambda result: f"it reaches {result['y'][-1]:g}.")
    with opened(browser, write(tmp_path, toy(asked)).as_uri()) as page:
        assert not page.locator("#said").is_visible()
        page.get_by_role("button", name="higher <b>").press("Enter")
        note = page.locator("[role=note]")
        assert note.inner_text() == "Your prediction: higher <b>. Not so; it is “0.5”: it reaches 0.5."
        assert page.evaluate("document.activeElement.getAttribute('role')") == "note"
        assert page.locator("#said").is_visible() and "polyline" in page.evaluate(PATHS)


def test_an_error_is_told_and_the_next_move_works(browser, tmp_path):
    explorer = toy()
    with opened(browser, write(tmp_path, explorer).as_uri()) as page:
        page.get_by_role("button", name="broken").click()
        page.wait_for_selector("[role=alert]")
        assert page.locator("#said").inner_text() == "RangeError: no such shape"
        page.get_by_role("button", name="a line").click()
        page.wait_for_function("!document.querySelector('[role=alert]')")
        agrees(page, explorer)


def test_the_page_stays_responsive_and_the_last_value_wins(browser, tmp_path):
    with opened(browser, write(tmp_path, toy()).as_uri()) as page:
        page.evaluate("""() => {
          window.longest = 0
          window.answers = 0
          let last = performance.now()
          const tick = () => {
            window.longest = Math.max(window.longest, performance.now() - last)
            last = performance.now()
            requestAnimationFrame(tick)
          }
          tick()
          const said = document.getElementById("said")
          new MutationObserver(() => window.answers++).observe(said, {childList: true, subtree: true})
        }""")
        page.locator("#box-pace").select_option("slow")
        page.wait_for_function("document.getElementById('said').getAttribute('aria-busy') === 'true'")
        page.locator("[data-along=height] input").focus()
        for _ in range(4):
            page.keyboard.press("ArrowUp")
        assert page.locator("#box-height").input_value() == "0.9"  # at once, while the worker computes
        page.locator("#box-pace").select_option("fast")
        page.wait_for_function(IDLE)
        assert "reaches 0.9 " in page.locator("#said").inner_text()
        assert page.locator("#said").get_attribute("aria-busy") == "false"
        assert page.evaluate("window.answers") <= 2  # the moves in between were not computed
        assert page.evaluate("window.longest") < 600  # a computation takes 700 ms


def test_without_a_worker_the_page_computes(browser, tmp_path):
    path, explorer = write(tmp_path, toy()), toy()
    policy = "<meta http-equiv='Content-Security-Policy' content=\"worker-src 'none'\">"
    path.write_text(path.read_text(encoding="utf-8").replace("<head>", f"<head>{policy}"), encoding="utf-8")
    made = browser.new_page()  # it says on the console what was refused
    made.goto(path.as_uri())
    idle(made)
    assert not made.evaluate("fldp.page.engine.inWorker()")
    press(made, "[data-along=height] input", "End")
    assert made.locator("#said").inner_text() == explorer.set(height=1).sentence
    made.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 390])
def test_looks(browser, tmp_path, scheme, width):
    asked = ("99.a", "How high does the private one reach?", ["0.5", "higher"], 0, "so it is.")
    path = write(tmp_path, toy(asked))
    context = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with opened(browser, path.as_uri(), **context) as page:
        assert looks.axe(page, "html") == [] and looks.look(page.locator("main")) == []
        page.locator("#asked button").first.click()
        page.get_by_role("button", name="Pin").click()
        page.locator("#sweep").select_option("0")
        page.wait_for_function("document.querySelectorAll('#swept figure').length === 6")
        if folder := os.environ.get("FLDP_SHOTS"):
            page.screenshot(path=f"{folder}/toy-{scheme}-{width}.png", full_page=True)
        assert looks.axe(page, "html") == [] and looks.look(page.locator("main")) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, back[4:-1].split(","))) < 300) == (scheme == "dark")


@pytest.fixture(scope="module")
def hospitals():
    from fldp_lib.course.exhibits import nb00

    return nb00.hospitals()


@pytest.mark.parametrize("way", ["folder", "shared"])
def test_the_first_explorer_of_the_course(browser, tmp_path, hospitals, way):
    """A real one: trained in the page at each key, and said in the same words as in the notebook."""
    if way == "shared":
        pages.copy(tmp_path / "site" / "static")
    path = write(tmp_path, hospitals, **({} if way == "folder" else {"scripts": "../static"}))
    own = sum(one.stat().st_size for one in path.parent.iterdir())
    loaded = sum((pages.TRAINER / one).stat().st_size for one in pages.files("nb00.hospitals") if one != "look.js")
    assert own + (0 if way == "folder" else loaded) < 1_500_000
    with served(tmp_path / "site") as home, contextlib.ExitStack() as stack:
        page = stack.enter_context(opened(browser, path.as_uri() if way == "folder" else f"{home}/pages/toy.html"))
        if page.locator("#asked").is_visible():
            page.locator("#asked button").first.click()
        agrees(page, hospitals)
        sliders = page.locator("input[type=range]")
        for k in range(sliders.count()):
            for key in ("ArrowLeft", "Home", "PageUp", "ArrowRight"):
                sliders.nth(k).press(key)
            idle(page)
            agrees(page, hospitals)
        page.get_by_role("button", name="Reset").click()
        idle(page)
        assert agrees(page, hospitals) == hospitals._start
        if folder := os.environ.get("FLDP_SHOTS"):
            page.screenshot(path=f"{folder}/hospitals.png")


def test_all_scripts_stand_in_one_place():
    assert not list((pathlib.Path(__file__).resolve().parents[2] / "fldp_lib" / "book" / "assets").rglob("trainer/**/*.js"))
