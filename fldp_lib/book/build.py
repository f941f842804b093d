"""The whole course as a book of static pages: `python -m fldp_lib.book OUT`, then open OUT/index.html.

The pages need neither kernel nor network: committed outputs, mathematics as MathML, a search that runs in the page, and
each explorer as `Explorer.export_html` writes it. Sphinx makes them, with MyST-NB and Furo; tests/requirements-book.txt
lists what that takes.
"""

import argparse
import concurrent.futures
import copy
import html
import importlib.resources
import io
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import urllib.parse

from .. import checks
from .live import is_explorer, live, program

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ASSETS = pathlib.Path(__file__).parent / "assets"
MARK = ".fldp_book"  # lies in a folder that holds a book, which the next one may replace
BOOTSTRAP = '"fldp_lib").is_dir()'  # in a notebook's first code cell, which a page does not need
SHOWN = (".ipynb", ".svg", ".png", ".webp")  # files that are pages, or stand in one
SETTINGS = dict(
    project="Federated learning with differential privacy",
    html_title="Federated learning with differential privacy",
    language="en",
    extensions=["myst_nb", "fldp_lib.book.formulas"],
    html_theme="furo",
    html_math_renderer="mathml",
    html_static_path=["_static"],
    html_css_files=["book.css"],
    html_js_files=["book.js"],
    html_extra_path=["_extra"],
    html_copy_source=False,
    html_show_sourcelink=False,
    html_show_copyright=False,
    html_show_search_summary=False,  # the search would fetch the pages that it found, which browsers refuse for files
    html_use_index=False,
    smartquotes=False,
    nb_execution_mode="off",
    nb_ipywidgets_js={},
    nb_merge_streams=True,
    myst_enable_extensions=["dollarmath"],
    myst_dmath_double_inline=True,  # $$ amid a paragraph, as Jupyter reads it
    myst_heading_anchors=6,
    myst_heading_slug_func="fldp_lib.book.formulas.anchor",
    nb_render_markdown_format="myst",
    myst_update_mathjax=False,
)


def outward(text, folder):
    """Return Markdown whose links to the project's files that are no pages lead to the repository; anchors as they read.

    Args:
        text: the Markdown.
        folder: where it lies.
    """
    address = f"https://github.com/{(ROOT / '.github' / 'repository').read_text(encoding='utf-8').strip()}/blob/main"

    def lead(found):
        path = (folder / found[1]).resolve()
        if not path.is_file() or not path.is_relative_to(ROOT) or path.suffix in SHOWN:
            return found[0]
        return f"]({address}/{path.relative_to(ROOT).as_posix()})"

    def read(found):
        return found[1] + urllib.parse.unquote(found[2]).replace("(", "%28").replace(")", "%29")

    return re.sub(r"(\]\([^)#:\s]+\.ipynb#)([^)\s]+)", read, re.sub(r"\]\(([^)#:\s]+)\)", lead, text))


def page(notebook, path, explorers=None):
    """Return a notebook as its page shows it: no bootstrap, no widgets; an explorer live, or as a described picture.

    Args:
        notebook: the notebook's JSON.
        path: its file.
        explorers: what `live` returned for it; None leaves the still pictures.
    """
    notebook, shown = copy.deepcopy(notebook), 0
    notebook["cells"] = [cell for cell in notebook["cells"] if BOOTSTRAP not in "".join(cell["source"])]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = outward("".join(cell["source"]), path.parent)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = outward("".join(data["text/markdown"]), path.parent)
            if is_explorer(data):
                told = explorers[shown] if explorers else None
                data["text/html"] = _explorer(data, f"../explorers/{path.stem.split('_')[0]}_{shown}.html", told)
                del data["image/png"]
                shown += 1
    return notebook


def _explorer(data, address, told):
    """An explorer in a page: a frame with its own page, or its picture and why it stands still."""
    name = re.sub(r"^Explorer\(.(.*).\)$", r"\1", "".join(data["text/plain"]))
    title = html.escape(told["title"] if told else name)
    if told and not told["problem"]:
        shown = f'<iframe src="{address}" title="Explorer: {title}" loading="lazy"></iframe>'
        words = "Every state was computed beforehand; in the notebook, every move computes anew. "
        words += f'<a href="{address}">{title}, on a page of its own</a>'
    else:
        alt = html.escape(told["alt"]) if told else f"{title}, as it starts; the text beside it says what there is to see."
        png = "".join(data["image/png"]).replace("\n", "")
        shown = f'<img alt="{alt}" src="data:image/png;base64,{png}">'
        why = f" ({html.escape(told['problem'])})" if told else ""
        words = f"{title}: a picture of how it starts{why}. In the notebook its controls move."
    return f'<figure class="explorer">{shown}<figcaption>{words}</figcaption></figure>'


def front(readme, lessons, solutions):
    """Return the front page: README's beginning and its map, and the order of the pages.

    Args:
        readme: README's text.
        lessons, solutions: the pages' names.

    Raises:
        ValueError: README has no heading "## The map".
    """
    begin, *sections = re.split(r"^## ", readme, flags=re.M)
    maps = [section for section in sections if section.startswith("The map\n")]
    if not maps:
        raise ValueError('README.md must have a heading "## The map"')
    text = outward(f"{begin}## {maps[0]}", ROOT).replace("](notebooks/solutions)", "](notebooks/solutions/index.md)")
    for caption, names in (("Notebooks", lessons), ("Solutions", ["notebooks/solutions/index", *solutions])):
        text += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"
    return text


def sources(folder, explorers):
    """Write what Sphinx reads, in the places that the repository has for it.

    Args:
        folder: where it goes.
        explorers: notebooks' numbers → what `live` returned.
    """
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    solutions = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    for path in notebooks + solutions:
        told = explorers.get(path.stem.split("_")[0]) if path in notebooks else None
        place = folder / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(page(json.loads(path.read_text(encoding="utf-8")), path, told)), encoding="utf-8")
    pages = [[p.relative_to(ROOT).with_suffix("").as_posix() for p in paths] for paths in (notebooks, solutions)]
    (folder / "index.md").write_text(front((ROOT / "README.md").read_text(encoding="utf-8"), *pages), encoding="utf-8")
    listed = "".join(f"- [](./{path.name})\n" for path in solutions)
    text = f"# Solutions\n\nEvery exercise, solved and checked. Try it yourself before you look.\n\n{listed}"
    (folder / "notebooks" / "solutions" / "index.md").write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "figures", folder / "figures")
    shutil.copytree(ASSETS, folder / "_static")
    shutil.copy(importlib.resources.files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf", folder / "_static")


def build(out, explorers=()):
    """Make the book.

    Args:
        out: the folder; it must be new, empty, or hold an earlier book, which is replaced.
        explorers: numbers of the notebooks whose explorers are live, such as ["05"]; "all", or none.

    Returns:
        The front page's path.

    Raises:
        ModuleNotFoundError: what makes the pages is not installed.
        FileNotFoundError: the package was installed without the notebooks.
        ValueError: the folder holds something else; a number of no notebook with an explorer; a broken link, a formula that
            does not convert, or another fault in a page.
    """
    from ..course.contents import folder

    out = pathlib.Path(checks.kind("out", out, (str, os.PathLike), "a folder's path"))
    if (isinstance(explorers, str) and explorers != "all") or not isinstance(explorers, (str, list, tuple)):
        raise ValueError(f"explorers must be 'all' or a list of notebooks' numbers, got {checks.shown(explorers)}")
    folder("notebooks"), folder("figures")
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARK).is_file())):
        raise ValueError(f"out must be a new or empty folder, or hold an earlier book, got {str(out)!r}")
    try:
        import furo  # noqa: F401
        import latex2mathml  # noqa: F401
        import myst_nb  # noqa: F401
        import ziamath  # noqa: F401
        from sphinx.application import Sphinx
        from sphinx.util.docutils import docutils_namespace
        from tqdm.auto import tqdm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"no {error.name} here: pip install -r tests/requirements-book.txt") from None
    paths = {path.stem.split("_")[0]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    cells = {number: len(program(path, out)[0].cells) for number, path in paths.items()}
    having = [number for number in cells if cells[number]]
    chosen = having if explorers == "all" else list(explorers)
    if unknown := [number for number in chosen if number not in having]:
        raise ValueError(f"explorers must be numbers of notebooks that have one, {', '.join(having)}; got {unknown[0]!r}")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        pages = scratch / "source" / "_extra" / "explorers"
        pages.mkdir(parents=True)
        with (
            tqdm(total=sum(cells[number] for number in chosen), desc="explorers", unit="cell") as bar,
            concurrent.futures.ThreadPoolExecutor(2) as pool,  # each waits for a kernel, which is a process
        ):
            told = list(pool.map(lambda number: live(paths[number], pages, bar.update), chosen))
        sources(scratch / "source", dict(zip(chosen, told, strict=True)))
        warnings = io.StringIO()
        with docutils_namespace():
            app = Sphinx(scratch / "source", None, scratch / "book", scratch / "trees", "html", SETTINGS, None, warnings)
            with tqdm(total=2 * len(app.project.discover()), desc="pages", unit="page") as bar:
                for event in ("doctree-read", "html-page-context"):
                    app.connect(event, lambda *_: bar.update() and None)  # what it returned would be taken for a template
                app.build()
        if faults := re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue()).replace(f"{scratch}/source/", ""):
            raise ValueError(f"the book has faults:\n{faults}")
        (scratch / "book" / MARK).write_text("A book made by fldp_lib.book; the next one replaces it.\n", encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        shutil.copytree(scratch / "book", out)
    return out / "index.html"


def main(arguments=None):
    """Read the command line and make the book."""
    parser = argparse.ArgumentParser(prog="python -m fldp_lib.book", description="The whole course as static pages.")
    parser.add_argument("out", metavar="OUT", help="a new folder, or one that holds an earlier book")
    words = "whose explorers are live: all (the default; some minutes), none, or notebooks such as 05,07"
    parser.add_argument("--explorers", default="all", metavar="WHICH", help=words)
    asked = parser.parse_args(arguments)
    which = {"all": "all", "none": ()}.get(asked.explorers, asked.explorers.split(","))
    try:
        print(f"Begin at {build(asked.out, which)}")
    except (ModuleNotFoundError, ValueError) as error:
        sys.exit(f"{parser.prog}: {error}")
