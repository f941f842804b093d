"""Slides of the main path: `python -m fldp_lib.book.slides OUT`, a deck a notebook, made from the notebook's own cells.

A deck has the title and its question, the first explorer, each section's heading and first paragraph (or table), its
definition, its predictions and pictures, and the summary. It is one HTML file: pictures inside, formulas as MathML, no
request to anywhere.
reveal.js, which `jupyter nbconvert --to slides` wants, comes from the network and lies in no package; so a slide here is a
section of a page that snaps, and twenty lines of script turn the pages.
"""

import argparse
import html
import importlib.resources
import json
import os
import pathlib
import re
import sys

from .. import checks
from .formulas import mathml
from .made import is_explorer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ASIDE = ("You will be able to", "Exercises", "Quiz", "Sources", "Is everything there", "How to work", "Critical reading",
         "What this does not protect")  # fmt: skip
MOST = 30  # slides of a deck
FOLDED = re.compile(r"<details>.*?</details>", re.S)
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$(?!\s)([^$]+?)\$", re.S)


def build(out, notebooks=(), live=None):
    """Make the decks.

    Args:
        out: the folder, made if it is not there; decks of the same name are written over.
        notebooks: numbers such as ["05"]; none for all.
        live: a folder in which an earlier book has its explorers, as NN_0.html, NN_1.html, …; where it has one the
            slide is a frame with it. None takes the pictures.

    Returns:
        The decks' paths.

    Raises:
        ModuleNotFoundError: what turns formulas into MathML, or Markdown into HTML, is not installed.
        FileNotFoundError: the package was installed without the notebooks.
        ValueError: a number of no notebook; a folder that is none; a formula that does not convert.
    """
    from ..course.contents import folder

    out = pathlib.Path(checks.kind("out", out, (str, os.PathLike), "a folder's path"))
    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a folder, new or there already, got {str(out)!r}")
    paths = {path.stem.split("_")[0]: path for path in sorted(folder("notebooks").glob("*.ipynb"))}
    if not isinstance(notebooks, (list, tuple)) or any(number not in paths for number in notebooks):
        raise ValueError(f"notebooks must be a list of numbers among {', '.join(paths)}; got {checks.shown(notebooks)}")
    if live is not None:
        live = pathlib.Path(checks.kind("live", live, (str, os.PathLike), "a folder's path"))
        if not live.is_dir():
            raise ValueError(f"live must be a folder that is there, got {str(live)!r}")
    try:
        import latex2mathml  # noqa: F401
        import nbconvert  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"no {error.name} here: pip install -r tests/requirements-book.txt") from None
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for number in notebooks or paths:
        cells = json.loads(paths[number].read_text(encoding="utf-8"))["cells"]
        frame = None if live is None else lambda k, number=number: _frame(live / f"{number}_{k}.html", out)
        made.append(out / f"{paths[number].stem}.html")
        made[-1].write_text(_page(_slides(cells, frame)), encoding="utf-8")
    return made


def _slides(cells, frame=None):
    """A notebook's slides as HTML; `frame` returns a live page's address by the explorer's place, or None."""
    slides, shown, section, kept = [], 0, "", []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for part in re.split(r"^(?=##? )", FOLDED.sub("", "".join(cell["source"])), flags=re.M):
                heading, _, text = part.partition("\n") if re.match("##? ", part) else ("", "", part)
                if heading:
                    section = re.sub(r"\s*\[.*?\]\(.*?\)", "", heading.strip("# "))
                if heading.startswith("# "):
                    slides.append(f"<h1>{_shown(section)}</h1>{_shown(_paragraphs(text)[:1])}")
                elif section.startswith("Summary") and heading:
                    kept = [f"<h2>{_shown(section)}</h2>{_shown(text)}"]
                elif section.startswith("Critical reading"):
                    kept += [f"<li>{_shown(title)}</li>" for title in re.findall(r"^### (.+)$", text, flags=re.M)]
                elif not section.startswith(ASIDE):
                    first = (_paragraphs(text) or re.findall(r"(?:^\|.*\n?)+", text, flags=re.M))[:1]
                    if heading and first and not text.strip().startswith(">"):  # a heading alone is no slide
                        slides.append(f"<h2>{_shown(section)}</h2>{_shown(first)}")
                    slides += [f"<h2>{_shown(section)}</h2>{_shown(quote)}" for quote in _definitions(text)[:1]]
        for output in cell.get("outputs", ()):
            data, about = output.get("data", {}), output.get("metadata", {})
            if "predict" in about.get("fldp", {}):
                slides.append(_asked(about["fldp"]["predict"]))
            if is_explorer(data):
                address = frame(shown) if frame else None
                slides.append(_explorer(data, about, address))
                shown += 1
            elif "<img" in "".join(data.get("text/html", "")) and "predict" not in about.get("fldp", {}):
                slides.append(f"<h3>{_shown(section)}</h3>" + "".join(data["text/html"]))
    errors = [item for item in kept if item.startswith("<li>")]
    if errors:
        slides.append(f"<h2>Critical reading</h2><ul>{''.join(errors)}</ul>")
    slides += [item for item in kept if not item.startswith("<li>")]
    quotes = [k for k, slide in enumerate(slides) if "<blockquote>" in slide]
    left_out = quotes[len(quotes) - max(0, len(slides) - MOST) :]  # a deck that is too long keeps its first definitions
    return [slide for k, slide in enumerate(slides) if k not in left_out]


def _paragraphs(text):
    """The prose of a piece of Markdown, paragraph by paragraph: no tables, lists, quotes, headings, badges."""
    pieces = [piece.strip() for piece in re.split(r"\n\s*\n", text)]
    return [piece for piece in pieces if piece and not re.match(r"[|>#\-`<]|\d+\. |\[?!?\[", piece)]


def _definitions(text):
    """The definitions in a piece of Markdown: quotes that begin with a bold term."""
    return [quote for quote in re.findall(r"(?:^>.*\n?)+", text, flags=re.M) if re.match(r"> \*\*", quote)]


def _shown(text):
    """Markdown as HTML, formulas as MathML, links as their words."""
    from nbconvert.filters import markdown2html

    text, formulas = "\n\n".join(text) if isinstance(text, list) else text, []

    def keep(found):
        formulas.append(mathml(found[1], "block") if found[1] else mathml(found[2]))
        return f"FORMULA{len(formulas) - 1}STANDSHERE"

    text = FORMULA.sub(keep, re.sub(r"(?<!!)\[([^\]]*)\]\([^)\s]+\)", r"\1", text))
    text = re.sub(r"<a class=\"anchor-link\".*?</a>", "", markdown2html(text))
    text = re.sub(r"FORMULA(\d+)STANDSHERE", lambda found: formulas[int(found[1])], text)
    return re.sub(r"^<p>(.*)</p>\s*$", r"\1", text, flags=re.S) if text.count("<p>") == 1 and len(text) < 90 else text


def _asked(asked):
    """A prediction: the question, and its options; a click, or the next key, shows which is right and why."""
    options = "".join(f"<li>{html.escape(option)}</li>" for option in asked["options"])
    because = html.escape(f"{asked['right']}: {asked['because']}")
    answer = f"<details><summary>What was measured</summary><p>{because}</p></details>"
    return f'<h2>Predict</h2><p>{html.escape(asked["question"])}</p><ol type="a">{options}</ol>{answer}'


def _explorer(data, about, address):
    """An explorer: a frame with its live page, or its picture; below it what it says."""
    title, alt = about["fldp"]["explorer"], about["image/png"]["alt"]
    if address:
        return f'<h3>{html.escape(title)}</h3><iframe src="{html.escape(address)}" title="{html.escape(title)}"></iframe>'
    png = "".join(data["image/png"]).replace("\n", "")
    said = html.escape(alt.removeprefix(f"{title}. "))
    picture = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{png}">'
    return f'<h3>{html.escape(title)}</h3>{picture}<p class="said">{said}</p>'


def _frame(page, out):
    """The address of a live page, as a deck in `out` writes it, or None where there is no such page."""
    return pathlib.PurePath(os.path.relpath(page, out)).as_posix() if page.is_file() else None


def _page(slides):
    """The deck."""
    title = re.sub(r"<[^>]+>", "", re.search(r"<h1>(.*?)</h1>", slides[0], flags=re.S)[1])
    body = "\n".join(f'<section id="{k}">{slide}<small>{k}</small></section>' for k, slide in enumerate(slides, 1))
    template = importlib.resources.files(__package__).joinpath("slides.html").read_text(encoding="utf-8")
    return template.replace("TITLE", html.escape(html.unescape(title))).replace("SLIDES", body)


def main(arguments=None):
    """Read the command line and make the decks."""
    parser = argparse.ArgumentParser(prog="python -m fldp_lib.book.slides", description="Slides, a deck a notebook.")
    parser.add_argument("out", metavar="OUT", help="the folder for the decks")
    parser.add_argument("notebooks", metavar="NN", nargs="*", help="notebooks, such as 05 07b; none for all")
    parser.add_argument("--live", metavar="FOLDER", help="where a book has its explorers, OUT/explorers")
    asked = parser.parse_args(arguments)
    try:
        decks = build(asked.out, asked.notebooks, asked.live)
    except (ModuleNotFoundError, FileNotFoundError, ValueError) as error:
        sys.exit(f"{parser.prog}: {error}")
    print(f"{len(decks)} decks; begin at {decks[0]}")


if __name__ == "__main__":
    main()
