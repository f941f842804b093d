"""The book of static pages, from its files: formulas, links, pictures, and that a fault in a notebook is not let pass."""

import html.parser
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

import pytest
from conftest import refuses

from fldp_lib.book import formulas, live, made, pages, reference, texts
from fldp_lib.interactive import explorers, plots, views

book = importlib.import_module("fldp_lib.book.build")  # the function of that name stands before the module
ROOT = pages.ROOT

if not os.environ.get("FLDP_REQUIRE_PEERS"):
    for library in ("sphinx", "myst_nb", "furo", "latex2mathml", "ziamath"):
        pytest.importorskip(library, reason="pip install -r tests/requirements-book.txt")

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb")) + sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
VOID = {"img", "br", "hr", "input", "meta", "link", "source", "path", "use", "rect", "line", "circle"}


class Page(html.parser.HTMLParser):
    """What the tests ask of a page: ids, links, what it loads, pictures, formulas and text of the article."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.pictures, self.h1, self.formulas, self.text = set(), [], [], [], 0, 0, ""
        self.open = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        self.loads += [attributes[name] for name in ("src", "data") if name in attributes]
        if tag == "link" and attributes.get("rel") in ("stylesheet", "icon", "preload", "prefetch"):
            self.loads.append(attributes["href"])
        if tag == "img":
            self.pictures.append(attributes.get("alt", ""))
        self.h1 += tag == "h1"
        self.formulas += tag == "math" and "article" in self.open
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]

    def handle_data(self, data):
        if "article" in self.open and not {"pre", "code", "script", "style", "title"} & set(self.open):
            self.text += data


def read(folder):
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}


def broken(pages):
    """Links, frames, pictures and scripts that lead to no file, or to a place that is not in the page."""
    lost = []
    for path, page in pages.items():
        for target in page.links + page.loads:
            parts = urllib.parse.urlsplit(target)
            if parts.scheme:
                continue
            file = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            there = file in pages or file.is_file()
            if not there or (parts.fragment and urllib.parse.unquote(parts.fragment) not in pages[file].ids):
                lost.append((path.name, target))
    return lost


def outside(pages):
    """What pages would load from elsewhere."""
    loads = [(path.name, target) for path, page in pages.items() for target in page.loads]
    return [(name, target) for name, target in loads if urllib.parse.urlsplit(target).scheme not in ("", "data")]


def formulas_of(path):
    """A notebook's formulas, counted apart from the book's Markdown parser."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for output in (output for cell in cells for output in cell.get("outputs", ())):
        prose += "\n\n" + "".join(output.get("data", {}).get("text/markdown", ""))
    prose = re.sub(r"```.*?```|`[^`]*`", "", prose, flags=re.S)
    return [a or b for a, b in re.findall(r"\$\$(.+?)\$\$|\$([^$]+?)\$", prose, flags=re.S)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book") / "out"
    assert book.build(folder) == folder / "index.html"
    return folder


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A course of one notebook, to plant faults in; returns a function that builds it with this Markdown."""
    root = tmp_path / "course"
    for folder in ("notebooks/solutions", "figures", ".github"):
        (root / folder).mkdir(parents=True)
    (root / ".github" / "repository").write_text("NAME/COURSE")
    (root / "README.md").write_text(
        "# Course\n\n## Other\n\n## The map\n\n[00](notebooks/00_a.ipynb)\n\n## Rest\n\nunseen\n"
    )
    (root / "code.py").write_text("")
    monkeypatch.setattr(pages, "ROOT", root)
    monkeypatch.setattr(reference, "WINGS", ("analytics",))  # the whole takes ten times as long

    def make(markdown, outputs=()):
        code = {"cell_type": "code", "source": "shown", "metadata": {}, "execution_count": 1, "outputs": list(outputs)}
        text = {"cell_type": "markdown", "source": f"# 00 A\n\n{markdown}", "metadata": {}}
        rest = {"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 4}
        (root / "notebooks" / "00_a.ipynb").write_text(json.dumps({"cells": [text, code], **rest}))
        solved = {"cell_type": "markdown", "source": "# 00 A: solutions", "metadata": {}}
        (root / "notebooks" / "solutions" / "00_a.ipynb").write_text(json.dumps({"cells": [solved], **rest}))
        book.build(tmp_path / "out")
        return read(tmp_path / "out")

    return make


# The whole book ------------------------------------------------------------------------------------------------------


def test_every_notebook_has_its_page_and_nothing_leads_nowhere_or_outside(whole):
    found = read(whole)
    for path in NOTEBOOKS:
        assert whole / path.relative_to(ROOT).with_suffix(".html") in found
    assert broken(found) == [] and outside(found) == []


def test_pages_have_one_title_described_pictures_and_no_widgets(whole):
    for path, page in read(whole).items():
        assert all(alt.strip() for alt in page.pictures), path
        assert page.h1 == 1 or path.name == "search.html", path
        text = path.read_text(encoding="utf-8")
        assert 'lang="en"' in text and "widget-view" not in text and "require.js" not in text, path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_formula_is_mathml(path, whole):
    shown = Page((whole / path.relative_to(ROOT).with_suffix(".html")).read_text(encoding="utf-8"))
    assert shown.formulas == len(formulas_of(path))
    assert "$" not in shown.text and "\\" not in shown.text


def test_every_explorer_is_there_as_a_picture_that_says_it_stands_still(whole):
    for path in NOTEBOOKS:
        shown = sum(map(made.shows_explorer, json.loads(path.read_text(encoding="utf-8"))["cells"]))
        text = (whole / path.relative_to(ROOT).with_suffix(".html")).read_text(encoding="utf-8")
        assert text.count("In the notebook its controls move.") == shown


def test_the_reference_has_every_wing_and_links_to_the_notebooks(whole):
    found = read(whole / "reference")
    assert {path.stem for path in found} == {"index", *reference.WINGS}
    links = [link for page in found.values() for link in page.links if re.search(r"notebooks/\d\db?_", link)]
    assert "fldp_lib.privacy.accounting.epsilon" in found[whole / "reference" / "privacy.html"].ids
    text = (whole / "reference" / "training.html").read_text(encoding="utf-8")
    assert 'id="fldp_lib.training.server.train"' in text and len(links) > 150


def test_a_reference_line_is_plain_text_and_its_notebooks_are_links(monkeypatch):
    monkeypatch.setattr(reference, "DERIVED", {"05": "/notebooks/05_x"})
    assert reference.plain("**The bound.** of **settings and *x") == "**The bound.** of \\*\\*settings and \\*x"
    assert reference.plain("|x| * y of `a|b`s and name_") == "\\|x\\| \\* y of `a|b`\\ s and name\\_"
    assert reference.linked("Derived in: notebook 05, 2005 and 99.") == (
        "Derived in: notebook :doc:`05 </notebooks/05_x>`, 2005 and 99."
    )


def test_the_search_has_the_text_of_every_page(whole):
    written = (whole / "_static" / "texts.js").read_text(encoding="utf-8")
    found = json.loads(written.removeprefix("const texts = "))
    pages_of = read(whole)
    for path in NOTEBOOKS:
        name = path.relative_to(ROOT).with_suffix("")
        assert found[name.as_posix()]
        assert {section[0] for section in found[name.as_posix()]} <= {"", *pages_of[whole / name.with_suffix(".html")].ids}
    assert "fldp_lib.privacy.accounting.epsilon" in {section[0] for section in found["reference/privacy"]}
    assert "<" not in "".join(section[2] for section in found["index"])
    terms = [section[1] for section in found["notebooks/19_references_and_glossary"]]
    assert "Glossary: noise multiplier" in terms


def test_a_page_is_looked_through_by_sections_names_and_terms():
    body = (
        '<section id="one"><h1>One <a class="headerlink">#</a></h1><p>first <figure>left out</figure>words</p>'
        "<blockquote><p><strong>Clipping.</strong> what it is</p></blockquote>"
        '<section id="glossary"><h2>Glossary</h2><table><tr><th>term</th></tr>'
        "<tr><td>clip</td><td>裁剪</td><td>a <em>bound</em></td></tr></table></section></section>"
        '<dl><dt class="sig sig-object py" id="fldp_lib.a.B"><span>B</span>(x)</dt><dd>does it</dd></dl>'
    )
    assert texts.sections(body) == [
        ["one", "One", "One first words Clipping. what it is", "Clipping.;"],
        ["glossary", "Glossary", "Glossary", ""],
        ["glossary", "Glossary: clip", "clip 裁剪 a bound", "clip; 裁剪;"],
        ["fldp_lib.a.B", "a.B", "B(x) does it", ""],
    ]


# Faults --------------------------------------------------------------------------------------------------------------


def test_a_formula_that_does_not_convert_is_named_with_its_notebook(small):
    refuses(lambda: small(r"An unknown $\nocommand x$."), ValueError, "notebooks/00_a", r"\nocommand")


def test_a_broken_link_in_a_notebook_is_a_fault(small):
    refuses(lambda: small("See [there](01_lost.ipynb)."), ValueError, "01_lost.ipynb", "00_a.ipynb")


def test_the_checks_see_a_planted_link_and_a_planted_picture(small):
    found = small('[a](https://example.org) <img src="https://example.org/x.png" alt="x"> <a href="#nowhere">b</a>')
    assert ("00_a.html", "#nowhere") in broken(found)
    assert ("00_a.html", "https://example.org/x.png") in outside(found)


def test_links_to_code_lead_to_the_repository_and_only_the_map_is_taken_from_readme(small):
    found = small("[code](../code.py) and $$x$$ amid a line.")
    assert broken(found) == []
    links = next(page.links for path, page in found.items() if path.parts[-2:] == ("notebooks", "00_a.html"))
    assert "https://github.com/NAME/COURSE/blob/main/code.py" in links
    front = next(page for path, page in found.items() if path.name == "index.html" and path.parent.name == "out")
    assert "unseen" not in front.text and "notebooks/00_a.html" in front.links


@pytest.mark.parametrize("problem", ["", "too large <x>"])
def test_an_explorer_is_a_frame_or_a_described_picture_with_the_reason(problem):
    data = {"image/png": "AAAA", "text/plain": "Explorer('An <x>')"}
    cell = {"cell_type": "code", "source": "explorer", "outputs": [{"data": data}]}
    path = ROOT / "notebooks" / "05_x.ipynb"
    told = [{"title": "An <x>", "alt": "An <x>. It says y.", "problem": problem, "states": 7}]
    shown = pages.page({"cells": [cell]}, path, told)["cells"][0]["outputs"][0]["data"]
    assert set(shown) == {"text/html", "text/plain"}
    if problem:
        assert 'alt="An &lt;x&gt;. It says y."' in shown["text/html"] and "too large &lt;x&gt;" in shown["text/html"]
    else:
        assert (
            'src="../explorers/05_0.html"' in shown["text/html"] and 'title="Explorer: An &lt;x&gt;"' in shown["text/html"]
        )
    assert set(data) == {"image/png", "text/plain"}  # the notebook itself is as it was


def test_a_prediction_whose_code_has_the_answer_is_folded():
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
             for source in ('course.predict("05.b", "Which?", ["a", "b"], 1, "b, since …")', "x = 1")]  # fmt: skip
    folded, open_ = pages.page({"cells": cells}, ROOT / "notebooks" / "05_x.ipynb")["cells"]
    assert folded["metadata"]["tags"] == ["hide-input"] and open_["metadata"] == {}


def test_a_page_says_what_moves_on_it_and_how_far():
    told = [{"title": "T", "alt": "T.", "problem": problem, "states": states}
            for problem, states in (("", None), ("", 9), ("", 7), ("too large", 0))]  # fmt: skip
    assert pages.living(told) == (
        "On this page 3 explorers move without a kernel: 1 at any setting, 2 over settings computed "
        "beforehand, 1 stands still."
    )
    assert pages.living(told[1:2]) == "On this page 1 explorer moves without a kernel: 1 over settings computed beforehand."
    data = {"image/png": "AAAA", "text/plain": "Explorer('T')"}
    cell = {"cell_type": "code", "source": "explorer", "outputs": [{"data": dict(data)} for _ in told[:2]]}
    path = ROOT / "notebooks" / "05_x.ipynb"
    first, second = pages.page({"cells": [cell]}, path, told)["cells"][0]["outputs"]
    assert "Computed in this page, at any setting." in first["data"]["text/html"]
    assert "9 states, every one computed beforehand" in second["data"]["text/html"]


# Explorers -----------------------------------------------------------------------------------------------------------


def several(controls, browser=None):
    """An explorer of so many sliders from 0 to 10 that start at 4; it says and draws their sum."""
    sliders = [explorers.Slider(f"s{k}", f"slider {k}", 0, 10, 4, step=1) for k in range(controls)]
    chart = plots.Chart([plots.Panel("y", "x", x=(0, 1), y=(0, 100))])
    shown = explorers.Explorer(
        "T", sliders, lambda **s: sum(s.values()), chart, lambda r: [plots.line([0, 1], [r, r])], lambda r: f"is {r:g}"
    )
    shown.browser = browser
    return shown


def states_of(text):
    """The states of a page, as its script has them: places on the grid → the sentence, by going through its numbers."""
    read = json.JSONDecoder().raw_decode
    shapes, runs, starts = (read(text, text.index(f"{name} = ") + len(name) + 3)[0] for name in ("shapes", "runs", "starts"))
    runs = dict(enumerate(runs)) if isinstance(runs, list) else {int(index): run for index, run in runs.items()}
    found = {}
    for index, (_, sentence) in runs.items():
        places = []
        for shape in reversed(shapes):
            index, place = divmod(index, shape)
            places.append(place)
        found[tuple(reversed(places))] = sentence
    return found, starts


@pytest.mark.parametrize(("controls", "states"), [(1, 250), (1, 3), (2, 250), (3, 250), (6, 250), (6, 100), (6, 20), (6, 1)])
def test_a_page_holds_both_ends_and_the_start_of_each_control_whatever_the_time(controls, states, tmp_path):
    shown = several(controls)
    points, together, many = live.grids(shown, states)
    least = 3 if controls == 1 else 2 * controls + 1
    assert many <= max(states, least)
    text = shown.export_html(tmp_path / "x.html", points, together).read_text(encoding="utf-8")
    found, starts = states_of(text)
    assert len(found) == many and f"Each of the {many} states" in text
    values = [sorted(views.grid_of(shown, points, {})[name]) for name in shown.controls]
    assert all(
        column[0] == 0 and column[-1] == 10 and column[start] == 4 for column, start in zip(values, starts, strict=True)
    )
    for k, column in enumerate(values):  # each alone at its ends, the others at their start
        for end in (0, len(column) - 1):
            assert found[(*starts[:k], end, *starts[k + 1 :])] == f"is {column[end] + 4 * (controls - 1):g}"
    for places, sentence in found.items():
        assert sentence == f"is {sum(column[place] for column, place in zip(values, places, strict=True)):g}"
        assert sum(a != b for a, b in zip(places, starts, strict=True)) <= (together or controls)


def test_more_time_never_makes_a_coarser_page():
    shown = several(4)
    found = [live.grids(shown, states)[2] for states in range(1, 251)]
    assert found == sorted(found) and found[0] == 9 and found[-1] > 80
    assert live.pairs(shown) == 1 + 4 * 2 + 6 * 4


def test_a_page_that_is_too_large_is_tried_coarser(tmp_path, monkeypatch):
    shown, asked = several(2), []
    monkeypatch.setattr(
        explorers.Explorer, "export_html", lambda self, path, points, together: asked.append((points, together)) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):  # what is no ValueError is a fault
        live.export(shown, tmp_path / "x.html", 250)

    def refuse(self, path, points, together):
        asked.append((points, together))
        if together != 1:
            raise ValueError("points must be fewer")

    asked.clear()
    monkeypatch.setattr(explorers.Explorer, "export_html", refuse)
    told = live.export(shown, tmp_path / "x.html", 250)
    assert asked[0] == (15, None) and asked[-1] == (3, 1) and len(asked) > 3
    assert told == {"title": "T", "alt": "T. is 8", "problem": "", "states": 5}


def test_where_nothing_fits_the_reason_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(views, "BYTES", 1000)
    told = live.export(several(2), tmp_path / "x.html", 250)
    assert "points must be fewer" in told["problem"] and told["states"] == 0 and not (tmp_path / "x.html").exists()


def test_what_a_page_computes_by_itself_has_no_state_computed(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(live.pages, "write", lambda *given, **more: asked.append((given[1:], more)))
    assert live.export(several(2, ("nb00.x", None)), tmp_path / "x.html")["states"] is None
    assert asked == [((tmp_path / "x.html",), {"scripts": "../_static/trainer"})]


def notebook(*cells):
    """A notebook whose cells show explorers where the source is marked with `shown`."""
    data = {"image/png": "AAAA", "text/plain": "Explorer('T')"}
    return {
        "cells": [
            {"cell_type": "code", "source": source, "outputs": [{"data": data}] if shown else [], "metadata": {}}
            for source, shown in cells
        ]
    }


PATH = "from fldp_lib.course.exhibits import nb19 as exhibits"


def test_a_call_without_arguments_is_told_from_what_needs_the_notebook():
    book = notebook(
        (f"{PATH}\n\nexhibits.errors()", True),
        ("explorer = exhibits.works()\nexplorer", True),
        ("n = 3", False),
        ("exhibits.isbn(n)", True),
        ("mine()", True),
        ("explorer", True),
    )
    module = "fldp_lib.course.exhibits.nb19"
    assert made.calls(book) == [(module, "errors"), (module, "works"), None, None, None]


def test_a_notebook_runs_where_a_cell_needs_its_variables_and_only_there(tmp_path):
    (tmp_path / "there.txt").write_text("x")
    book = notebook(
        (f"import pathlib\n{PATH}\n\nexhibits.errors()", True),
        ("def remainder(digits):\n    return sum(k * int(d) for k, d in zip(range(10, 0, -1), digits)) % 11", False),
        ("assert pathlib.Path('there.txt').exists()  # imported by a cell that shows an explorer", False),
        ("exhibits.isbn(remainder)", True),
        ("1 / 0", False),
    )
    first, second = made.explorers(book, tmp_path)
    assert "Explorer(" in repr(first) and "Explorer(" in repr(second) and first.title != second.title
    with pytest.raises(ZeroDivisionError):
        list(made.explorers(notebook((PATH, False), ("1 / 0", False), ("exhibits.isbn(remainder)", True)), tmp_path))


def test_every_explorer_of_the_notebooks_is_found():
    needing = {}
    for path in NOTEBOOKS[: len(NOTEBOOKS) // 2]:
        read = json.loads(path.read_text(encoding="utf-8"))
        called = made.calls(read)
        assert len(called) == sum(map(made.shows_explorer, read["cells"]))
        needing |= {path.stem[:2]: called.count(None)} if None in called else {}
        for module, name in filter(None, called):
            assert callable(getattr(importlib.import_module(module), name))
    assert needing == {"09": 1, "19": 1, "23": 2}


def test_an_exported_explorer_starts_where_the_notebooks_does_and_asks_its_question(tmp_path):
    rate = explorers.Slider("rate", "rate", 0, 100, 37, step=1)
    shown = explorers.Explorer(
        "T", [rate], lambda rate: rate, plots.Chart([plots.Panel("y", "x", x=(0, 1), y=(0, 100))]),
        lambda r: [plots.line([0, 1], [r, r])], lambda r: f"is {r:g}", predict=("a < b?", ["yes", "no"], 0, "so"),
    )  # fmt: skip
    text = shown.export_html(tmp_path / "x.html", points=5).read_text(encoding="utf-8")
    assert "Values on the grid: rate: 0, 37, 50, 75, 100" in text and 'value="1">' in text
    assert "a &lt; b? <i>yes · no</i>" in text and "<summary>answer</summary>yes: so<" in text


def test_names_bars_and_limits_are_spaced_as_tex_does():
    shown = formulas.mathml(r"a \ln x + \ln(x) + |y|/b", "block")
    assert '<mo lspace="0.17em" rspace="0.17em">ln</mo>' in shown and '<mo lspace="0" rspace="0">ln</mo>' in shown
    assert shown.count('stretchy="false" lspace="0" rspace="0">|') == 2
    assert "<munder>" in formulas.mathml(r"\max_S x", "block") and "<munder>" not in formulas.mathml(r"\max_S x")


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    refuses(lambda: book.build(tmp_path), ValueError, "out must be", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_earlier_book_is_replaced(small, tmp_path):
    small("One.")
    (tmp_path / "out" / "stale.html").write_text("old")
    assert "stale.html" not in {path.name for path in small("Two.")}


def test_unknown_explorers_and_a_readme_without_a_map_are_named(tmp_path):
    refuses(lambda: book.build(tmp_path / "x", ["77"]), ValueError, "explorers", "'77'", "05")
    refuses(lambda: pages.front("# Title", {}), ValueError, "The map")


def test_what_is_not_installed_is_said_in_one_sentence(tmp_path):
    code = "import sys; sys.modules['furo'] = None; from fldp_lib import book; book.main([sys.argv[1]])"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.strip() == "python -m fldp_lib.book: no furo here: pip install -r tests/requirements-book.txt"
    assert pathlib.Path(tmp_path / "x").exists() is False
