"""The whole course as a book of static pages: `python -m fldp_lib.book OUT`, then open OUT/index.html.

The pages need neither kernel nor network: committed outputs, mathematics as MathML, a search that runs in the page, and
each explorer as `Explorer.export_html` writes it. Sphinx makes them, with MyST-NB and Furo; tests/requirements-book.txt
lists what that takes.
"""

import argparse
import io
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

from .. import checks
from . import live, made, pages

SECONDS = 70  # for the explorers' pages, about
ICON = (  # clients around a server, in each page's head, where no other file need be asked for
    "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M8 8 3 4M8 8l5-4M8 8v6' stroke='%230072B2'/%3E%3Cg fill='%230072B2'%3E%3Ccircle cx='3' cy='4' r='2'/%3E"
    "%3Ccircle cx='13' cy='4' r='2'/%3E%3Ccircle cx='8' cy='14' r='2'/%3E%3C/g%3E%3Ccircle cx='8' cy='8' r='3' "
    "fill='%23CC79A7'/%3E%3C/svg%3E\">"
)
MARK = ".fldp_book"  # lies in a folder that holds a book, which the next one may replace
SETTINGS = dict(
    project="Federated learning with differential privacy",
    html_title="Federated learning with differential privacy",
    language="en",
    extensions=[
        "myst_nb",
        "sphinx.ext.autodoc",
        "sphinx.ext.napoleon",
        "fldp_lib.book.formulas",
        "fldp_lib.book.reference",
        "fldp_lib.book.texts",
    ],
    add_module_names=False,
    autodoc_typehints="none",
    autodoc_class_signature="separated",
    default_role="literal",  # in docstrings, what stands in single backquotes is code
    napoleon_use_rtype=False,
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
    html_domain_indices=False,  # no list of modules beside the reference
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


def build(out, explorers=(), seconds=SECONDS):
    """Make the book.

    Args:
        out: the folder; it must be new, empty, or hold an earlier book, which is replaced.
        explorers: numbers of the notebooks whose explorers are live, such as ["05"]; "all", or none.
        seconds: about how long their pages may take, above 0: the more, the more states each holds, up to 250.

    Returns:
        The front page's path.

    Raises:
        ModuleNotFoundError: what makes the pages is not installed.
        FileNotFoundError: the package was installed without the notebooks.
        RuntimeError: an explorer could not be made.
        ValueError: the folder holds something else; a number of no notebook with an explorer; a broken link, a formula that
            does not convert, or another fault in a page.
    """
    from ..course import contents

    out = pathlib.Path(checks.kind("out", out, (str, os.PathLike), "a folder's path"))
    if (isinstance(explorers, str) and explorers != "all") or not isinstance(explorers, (str, list, tuple)):
        raise ValueError(f"explorers must be 'all' or a list of notebooks' numbers, got {checks.shown(explorers)}")
    checks.real("seconds", seconds, above=0)
    contents.folder("notebooks"), contents.folder("figures")
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
    paths = {path.stem.split("_")[0]: path for path in sorted((pages.ROOT / "notebooks").glob("*.ipynb"))}
    cells = {number: len(made.calls(json.loads(path.read_text(encoding="utf-8")))) for number, path in paths.items()}
    having = [number for number in cells if cells[number]]
    chosen = having if explorers == "all" else list(explorers)
    if unknown := [number for number in chosen if number not in having]:
        raise ValueError(f"explorers must be numbers of notebooks that have one, {', '.join(having)}; got {unknown[0]!r}")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder = scratch / "source" / "_extra" / "explorers"
        folder.mkdir(parents=True)
        told = {}
        if chosen:
            with tqdm(total=2 * sum(cells[number] for number in chosen), desc="explorers", unit="step") as bar:
                told = live.export_all([paths[number] for number in chosen], folder, bar.update, seconds)
        pages.sources(scratch / "source", told)
        warnings = io.StringIO()
        with docutils_namespace():
            app = Sphinx(scratch / "source", None, scratch / "book", scratch / "trees", "html", SETTINGS, None, warnings)
            app.connect("html-page-context", lambda *given: given[3].update(metatags=given[3].get("metatags", "") + ICON))
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
    words = "whose explorers are live: all (the default; three minutes), none, or notebooks such as 05,07"
    parser.add_argument("--explorers", default="all", metavar="WHICH", help=words)
    words = f"about how long the explorers' pages may take: the more, the more states each holds ({SECONDS})"
    parser.add_argument("--seconds", default=SECONDS, type=float, metavar="S", help=words)
    asked = parser.parse_args(arguments)
    which = {"all": "all", "none": ()}.get(asked.explorers, asked.explorers.split(","))
    try:
        print(f"Begin at {build(asked.out, which, asked.seconds)}")
    except (ModuleNotFoundError, RuntimeError, ValueError) as error:
        sys.exit(f"{parser.prog}: {error}")
