"""Slides of the main path: every notebook's deck, from its own cells, with nothing that would be fetched."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

pytest.importorskip("latex2mathml", reason="pip install -r tests/requirements-book.txt")

from fldp_lib.book import slides

ROOT = pathlib.Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """stem → the deck's text, of all notebooks."""
    made = slides.build(tmp_path_factory.mktemp("decks") / "new")
    return {path.stem: path.read_text(encoding="utf-8") for path in made}


def sections(deck):
    return re.findall(r'<section id="\d+">(.*?)</section>', deck, flags=re.S)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_deck_follows_its_notebook(path, decks):
    cells, shown = json.loads(path.read_text(encoding="utf-8"))["cells"], sections(decks[path.stem])
    assert 8 <= len(shown) <= slides.MOST
    assert "<h1>" in shown[0] and "<em>" in shown[0] and "<img" in shown[1] and ">Summary</h2>" in shown[-1]
    about = [o.get("metadata", {}).get("fldp", {}) for cell in cells for o in cell.get("outputs", ())]
    pictures = re.findall(r'<img alt="[^"]{40,}" src="data:image/png;base64,[A-Za-z0-9+/=]+">', decks[path.stem])
    assert len(pictures) == sum("explorer" in found for found in about)
    assert decks[path.stem].count(">Predict</h2>") == sum("predict" in found for found in about)
    assert not [slide for slide in shown if re.fullmatch(r"<h2>.*?</h2>\s*(<small>\d+</small>)?", slide)]  # a heading alone


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_deck_fetches_nothing(path, decks):
    loads = re.findall(r'(?:src|href|data)="([^"]+)"|url\(([^)]+)\)|@import', decks[path.stem])
    assert all(found[0].startswith("data:") for found in loads)
    assert "<script src" not in decks[path.stem] and not re.search(
        "https?://", re.sub(r'xmlns="[^"]+"', "", decks[path.stem])
    )


def test_no_dollar_sign_is_left_of_a_formula(decks):
    for stem, deck in decks.items():
        text = re.sub(r"<script>.*?</script>|<style>.*?</style>|<[^>]+>", "", deck, flags=re.S)
        assert not re.search(r"\$[^$\d\s][^$]*\$|\\frac|FORMULA", text), stem
    assert sum(deck.count("<math") for deck in decks.values()) > 200


def test_a_live_page_is_framed_where_there_is_one(tmp_path):
    (tmp_path / "explorers").mkdir()
    (tmp_path / "explorers" / "02_1.html").write_text("live")
    (deck,) = slides.build(tmp_path / "decks", ["02"], live=tmp_path / "explorers")
    text = deck.read_text(encoding="utf-8")
    assert re.findall(r'<iframe src="([^"]+)"', text) == ["../explorers/02_1.html"] and "base64" in text


def test_a_long_deck_leaves_out_its_last_definitions():
    source = "".join(f"## Part {k}\n\nWords.\n\n> **Term {k}.** What it is.\n\n" for k in range(20))
    cells = [{"cell_type": "markdown", "source": ["# 77 Long\n\n*A question?*\n\n", source, "## Summary\n\n- One.\n"]}]
    made = slides._slides(cells)
    assert len(made) == slides.MOST and "Term 0" in "".join(made) and "Term 19" not in "".join(made)


def test_the_command_and_what_it_refuses(tmp_path):
    command = [sys.executable, "-m", "fldp_lib.book.slides"]
    done = subprocess.run([*command, tmp_path / "decks", "00"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "1 decks; begin at" in done.stdout and (tmp_path / "decks/00_start_here.html").is_file()
    done = subprocess.run([*command, tmp_path / "decks", "77"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "notebooks must be a list of numbers among 00, 01" in done.stderr
