"""The book of static pages in Chromium, opened from files: nothing is asked of anyone, and all of it answers.

Made once, with the explorers of 09, which compute in the browser, and of 24, which walk over states that were computed;
tests/book/test_build.py checks the files themselves. A few pictures are kept in
tests/browser/screenshots, for looking at.
"""

import importlib.util
import os
import pathlib
import urllib.parse

import looks
import pages
import pytest
from lab import ROOT, missing

from fldp_lib import book
from fldp_lib.book import reference

lacking = missing or ("" if importlib.util.find_spec("furo") else "pip install -r tests/requirements-book.txt")
if lacking:
    if os.environ.get("FLDP_REQUIRE_BROWSER"):
        raise RuntimeError(lacking)
    pytest.skip(lacking, allow_module_level=True)

SHOTS = pathlib.Path(__file__).parent / "screenshots"
LIVE, WALKED = "notebooks/09_healthcare.html", "notebooks/24_vertical_federation.html"
both = pytest.mark.parametrize("where", [LIVE, WALKED])
ORDER = [
    path.relative_to(ROOT).with_suffix(".html").as_posix()
    for folder in ("notebooks", "notebooks/solutions")
    for path in sorted((ROOT / folder).glob("*.ipynb"))
]
REFERENCE = [f"reference/{name}.html" for name in ("index", *reference.WINGS)]
KIT = {
    path.relative_to(ROOT).with_suffix(".html").as_posix() for path in (ROOT / "notebooks" / "instructor").glob("[!.]*.*")
}
LOOK = """() => ({
  links: [...document.querySelectorAll('a[href], iframe[src]')].map(a => a.href || a.src),
  ids: [...document.querySelectorAll('[id]')].map(e => e.id),
  undescribed: [...document.images].filter(i => !i.alt.trim()).length,
  unloaded: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src.slice(0, 99)),
  flat: [...document.querySelectorAll('article math')].filter(m => m.checkVisibility() && m.clientHeight < 3).length,
})"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book") / "out"
    book.build(folder, ["09", "24"], seconds=20)
    return folder


@pytest.fixture
def page(browser):
    """A page that notes what goes wrong and what it asks of others; both must be empty at the end."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.wrong, page.outside = [], []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    inside = ("file:", "data:", "blob:")  # a page's worker is a blob, whose loading ends unfinished where the page is left
    page.on("requestfailed", lambda asked: None if asked.url.startswith("blob:") else page.wrong.append(asked.url))
    page.on("request", lambda asked: None if asked.url.startswith(inside) else page.outside.append(asked.url))
    yield page
    context.close()


def broken(seen):
    """Links from a seen page to a file that is not there, or to a place that a seen page does not have."""
    lost = []
    for address, found in seen.items():
        for link in found["links"]:
            target, fragment = urllib.parse.urldefrag(link)
            if not target.startswith("file:"):
                continue
            there = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(target).path)).is_file()
            if not there or (fragment and target in seen and urllib.parse.unquote(fragment) not in seen[target]["ids"]):
                lost.append((address.rsplit("/", 1)[1], link))
    return lost


def test_every_page_opens_asks_for_nothing_and_leads_on(made, page):
    seen = {}
    for path in sorted(made.rglob("*.html")):
        page.goto(path.as_uri())
        seen[path.as_uri()] = page.evaluate(LOOK)
    live, walked = (len(list((made / "explorers").glob(f"{number}_*.html"))) for number in ("09", "24"))
    assert live >= 3 and walked >= 3  # the pages of explorers; then front, search, the list of solutions
    assert len(seen) == len(ORDER) + 3 + live + walked + len(REFERENCE) + len(KIT)
    assert page.wrong == [] and page.outside == []
    assert broken(seen) == []
    assert {key: found for key, found in seen.items() if found["undescribed"] or found["unloaded"] or found["flat"]} == {}


def test_the_checks_see_planted_faults(tmp_path, page):
    (tmp_path / "a.html").write_text('<a href="b.html">b</a> <a href="#c">c</a> <img src="http://127.0.0.1:9/x.png">')
    page.goto((tmp_path / "a.html").as_uri())
    found = page.evaluate(LOOK)
    assert len(broken({(tmp_path / "a.html").as_uri(): found})) == 2
    assert found["undescribed"] == 1 and page.outside == ["http://127.0.0.1:9/x.png"] and page.wrong


def test_next_leads_through_all_pages_in_order(made, page):
    page.goto((made / "index.html").as_uri())
    walked = []
    while page.locator("a.next-page").count():
        page.goto(page.locator("a.next-page").evaluate("a => a.href"))
        walked.append(pathlib.Path(urllib.parse.urlsplit(page.url).path).relative_to(made).as_posix())
    walked.remove("notebooks/solutions/index.html")
    kit = [name for name in walked if name.startswith("notebooks/instructor/")]
    assert set(kit) == KIT and len(kit) == len(KIT)
    assert [name for name in walked if not name.startswith("reference/") and name not in KIT] == ORDER
    assert [name for name in walked if name.startswith("reference/")] == REFERENCE


def test_the_search_finds_a_word_and_leads_to_its_page(made, page):
    page.goto((made / "index.html").as_uri())
    page.get_by_label("Search", exact=True).first.fill("sensitivity")
    page.keyboard.press("Enter")
    found = page.locator("#search-results li a")
    found.filter(has_text="04 The Laplace mechanism").first.wait_for()  # they come one by one
    found.first.click()
    page.wait_for_selector("article h1")
    assert "sensitivity" in page.locator("article").inner_text().lower()
    assert page.wrong == [] and page.outside == []


def test_the_search_finds_a_phrase_of_the_text_and_shows_where_it_stands(made, page):
    page.goto((made / "notebooks" / "05_private_federated_learning.html").as_uri())
    page.get_by_label("Search", exact=True).first.fill("noise that cancels over the rounds")
    page.keyboard.press("Enter")
    mark = page.locator("mark", has_text="noise that cancels over the rounds")
    excerpt = page.locator("#search-results .excerpt").filter(has=mark).first
    excerpt.wait_for()
    assert 60 < len(excerpt.inner_text()) < 400
    assert page.wrong == [] and page.outside == []
    page.goto((made / "search.html").as_uri() + "?q=%3Cimg%20src%3Dx%3E%20sensitivity")  # what is asked for is text
    page.wait_for_timeout(1000)
    assert page.locator("#search-results img").count() == 0 and page.wrong == []


FOUND = [  # what a learner types, and where the first find leads
    ("clipping", "notebooks/05_private_federated_learning.html#step-one-clip"),
    ("why noise", "notebooks/01_background.html#why-noise-and-how-much"),
    ("epsilon", "notebooks/"),  # and no attribute of that name
    ("secure aggregation", "notebooks/15_model_security.html#secure-aggregation"),
    ("membership inference", "notebooks/19_references_and_glossary.html#glossary"),  # the term in a line, then its chapter
    ("randomized response", "notebooks/19_references_and_glossary.html#glossary"),  # it is spelt randomised there
    ("diferential privasy", "notebooks/19_references_and_glossary.html#glossary"),
    ("噪声乘数", "notebooks/19_references_and_glossary.html#glossary"),
    ("Plan.calibrated", "reference/training.html#fldp_lib.training.plan.Plan.calibrated"),
    ("fldp_lib.privacy.accounting.epsilon", "reference/privacy.html#fldp_lib.privacy.accounting.epsilon"),
]


def test_the_first_find_is_where_the_thing_is_explained(made, page):
    page.set_viewport_size({"width": 390, "height": 800})  # the field is on a phone's page too
    page.goto((made / "search.html").as_uri())
    assert page.get_by_label("Search the book").evaluate("field => field === document.activeElement")
    found = {}
    for asked, where in FOUND:
        page.get_by_label("Search the book").fill(asked)
        page.keyboard.press("Enter")
        first = page.locator("#search-results li a").first
        first.wait_for()
        target = first.evaluate("a => a.href").removeprefix(made.as_uri() + "/")
        if not target.startswith(where) or not page.locator("#search-results li .excerpt").first.inner_text().strip():
            found[asked] = target
        if asked.startswith("diferential"):
            said = page.locator("#search-results [role=status]").inner_text()
            assert "“diferential”; this is for “differential”" in said and "“privasy”; this is for “privacy”" in said
    assert found == {}
    page.get_by_label("Search the book").fill("xyzzyqwv")
    page.keyboard.press("Enter")
    page.get_by_text("No page has this.").wait_for()
    assert page.wrong == [] and page.outside == []


@both
def test_explorers_are_light_or_dark_as_the_page_is_switched(where, made, page):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    page.goto((made / where).as_uri())
    page.wait_for_selector(".explorer iframe[data-ready]")
    frame = page.frames[1]
    assert frame.evaluate(ground) == "rgb(255, 255, 255)"
    for theme, colour in (("dark", "rgb(17, 20, 24)"), ("light", "rgb(255, 255, 255)")):
        while page.evaluate("document.body.dataset.theme") != theme:
            page.locator(".theme-toggle").last.click()
        frame.wait_for_function(f"() => {ground} === '{colour}'")


@both
def test_on_paper_no_explorer_is_dark_or_an_empty_box_and_proofs_are_unfolded(where, made, page):
    page.emulate_media(color_scheme="dark")
    page.goto((made / where).as_uri())
    page.wait_for_function("document.querySelectorAll('.explorer iframe:not([data-ready])').length === 0", timeout=60_000)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert {frame.evaluate(ground) for frame in page.frames[1:]} == {"rgb(17, 20, 24)"}
    page.emulate_media(color_scheme="dark", media="print")
    assert {frame.evaluate(ground) for frame in page.frames[1:]} == {"rgb(255, 255, 255)"}
    unready = "frame => { delete frame.dataset.ready; return getComputedStyle(frame).display }"
    assert page.locator(".explorer iframe").first.evaluate(unready) == "none"
    page.goto((made / "notebooks/05_private_federated_learning.html").as_uri())
    folded = "[...document.querySelectorAll('article details:not(.hide)')].filter(d => !d.open).map(d => d.innerText.trim())"
    before = page.evaluate(folded)
    assert any(words.startswith("Proof") for words in before)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert set(page.evaluate(folded)) == {"answer"}
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folded) == before


def test_the_first_page_begins_with_a_live_explorer_and_the_map(made, page):
    page.goto((made / "index.html").as_uri())
    frame = page.locator(".explorer iframe").first
    assert frame.evaluate("frame => frame.getBoundingClientRect().top") < 500
    frame.content_frame.get_by_role("slider").first.wait_for()
    assert page.locator("article section h2").first.inner_text().startswith("The map")
    page.goto((made / LIVE).as_uri())
    assert "explorers move without a kernel" in page.locator("article").inner_text()
    for where in ("colab.research.google.com", "mybinder.org"):
        assert page.locator(f"article a[href*='{where}']").count()


def test_a_reference_links_to_the_notebook_that_derives_it(made, page):
    page.goto((made / "reference" / "privacy.html").as_uri())
    derived = page.locator("article p", has_text="Derived in: notebook 07").locator("a").first
    assert derived.get_attribute("href").endswith("notebooks/07_privacy_accounting.html")


@both
def test_the_explorer_answers_to_a_key_and_its_frame_fits(where, made, page):
    page.goto((made / where).as_uri())
    frames = page.locator(".explorer iframe")
    for other in frames.all():
        other.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('.explorer iframe:not([data-ready])').length === 0", timeout=60_000)
    frame, inside = frames.first, frames.first.content_frame
    frame.scroll_into_view_if_needed()
    said, marks = "document.querySelector('#said').innerText", inside.locator(".fldp-marks").locator("visible=true").first
    answered = frame.element_handle().content_frame().wait_for_function  # a worker computes, and the page waits for it
    before = answered(f"{said}.trim() && {said}").json_value(), marks.inner_html()
    inside.get_by_role("slider", name="ε").first.focus()
    page.keyboard.press("Home")  # to the smallest ε, which no explorer stands at
    answered(f"before => {said} !== before", arg=before[0])
    assert before[1] and before[1] != marks.inner_html()
    assert any("Predict first" in one.content_frame.locator("body").inner_text() for one in frames.all())
    assert fits(page, frame)
    assert page.wrong == [] and page.outside == []


def fits(page, frame):
    """Whether a frame takes the height of its page within five seconds, which one out of sight does once it is seen."""
    for _ in range(50):
        inside = frame.content_frame.locator("html").evaluate("page => page.offsetHeight")
        if abs(frame.evaluate("f => f.clientHeight") - inside) < 8:
            return True
        page.wait_for_timeout(100)
    return False


def test_a_frame_fits_that_was_ready_before_the_page_listened(made, page):
    page.route("**/book.js*", lambda route: (page.wait_for_timeout(3000), route.continue_()))
    page.goto((made / LIVE).as_uri(), wait_until="commit")
    frame = page.locator(".explorer iframe").first
    frame.scroll_into_view_if_needed()
    frame.content_frame.get_by_role("slider", name="ε").first.wait_for()
    page.wait_for_load_state("load")
    assert fits(page, frame)


def test_on_a_phone_nothing_is_wider_than_the_page(made, page):
    page.set_viewport_size({"width": 390, "height": 800})
    wide = {}
    for path in sorted(made.rglob("*.html")):
        page.goto(path.as_uri())
        if (width := page.evaluate("document.documentElement.scrollWidth")) > 390:
            wide[path.name] = width
    assert wide == {}
    SHOTS.mkdir(exist_ok=True)
    page.goto((made / "index.html").as_uri())
    page.screenshot(path=SHOTS / "book_index_phone.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme, made, page):
    page.emulate_media(color_scheme=scheme)
    found = {}
    for name in ["index.html", LIVE, WALKED, "notebooks/06_mathematics.html", *REFERENCE[:3], "search.html?q=noise"]:
        page.goto(made.as_uri() + "/" + name)
        found |= {name: faults} if (faults := looks.axe(page, "body")) else {}
    assert found == {}


def test_on_paper_stands_the_page_and_not_what_is_around_it(made, page):
    page.emulate_media(media="print")
    page.goto((made / LIVE).as_uri())
    assert page.locator("article h1").is_visible()
    assert not any(page.locator(part).first.is_visible() for part in (".sidebar-drawer", ".toc-drawer", ".mobile-header"))
    assert page.evaluate("document.querySelector('article').scrollWidth <= document.documentElement.clientWidth + 1")


def test_what_can_be_operated_has_a_name_and_what_scrolls_takes_the_keyboard(made, page):
    page.goto((made / LIVE).as_uri())
    unnamed = [role for role, name, _ in pages.tree(page, "body") if role in pages.NAMED and not name]
    assert unnamed == []
    assert page.get_by_role("link", name="Skip to content").count() == 1
    hidden = "[...document.querySelectorAll('pre')].filter(b => b.scrollWidth > b.clientWidth && b.tabIndex < 0).length"
    assert page.evaluate(hidden) == 0
    page.screenshot(path=SHOTS / "book_09.png")
