"""Draw cheat_sheet.pdf: notebooks/instructor/cheat_sheet.ipynb on one page to print, tables left, calls right.

.venv/bin/python figures/cheat_sheet.py
"""

import hashlib
import itertools
import json
import pathlib
import re

import matplotlib

HERE = pathlib.Path(__file__).resolve().parent
SHEET = HERE.parent / "notebooks" / "instructor" / "cheat_sheet.ipynb"
SIZE = 11.69, 8.27  # A4, landscape
LEFT, RIGHT, TERM, TOP, BOTTOM, STEP = 0.03, 0.555, 0.115, 0.93, 0.02, 0.0252
INK, RULE, FAINT = "#1b1b1b", "#0072B2", "#666666"


def cells():
    """The sheet's cells as pairs (kind, text), without the one that finds the course."""
    read = json.loads(SHEET.read_text(encoding="utf-8"))["cells"]
    return [(c["cell_type"], "".join(c["source"])) for c in read if "find_spec" not in "".join(c["source"])]


def stamp():
    """What the picture carries, to tell whether it is up to date: a hash of the sheet's text and of this program."""
    text = json.dumps(cells(), ensure_ascii=False) + pathlib.Path(__file__).read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def tables():
    """The sheet's tables: (heading, rows of term, what it says, notebook)."""
    found = []
    for kind, text in cells():
        heading = re.match(r"## (.+)", text)
        rows = [[part.strip() for part in row.strip("|").split(" | ")] for row in re.findall(r"^\| .+\|$", text, flags=re.M)]
        rows = [[part.strip(" |") for part in row] for row in rows if len(row) == 3]
        if kind == "markdown" and heading and rows:
            found.append((heading[1], rows))
    return found


def calls():
    """The sheet's calls: (what for, code)."""
    found, pairs = [], cells()
    for (_, before), (kind, text) in itertools.pairwise(pairs):
        if kind == "code":
            found.append((before.split("\n")[-1].rstrip(":"), text))
    return found


def draw(figure):
    """Write everything on the page; return the texts with the right edge that each has to keep."""
    placed = []

    def write(x, y, text, edge, **style):
        placed.append((figure.text(x, y, text, va="baseline", color=style.pop("color", INK), **style), edge))

    write(
        LEFT,
        0.962,
        "Federated learning with differential privacy: definitions, formulas, calls",
        0.97,
        size=13,
        weight="bold",
    )
    y = TOP
    for heading, rows in tables():
        y -= STEP * 0.35
        write(LEFT, y, heading, RIGHT, size=10.5, weight="bold", color=RULE)
        y -= STEP
        for term, says, where in rows:
            write(LEFT, y, term, LEFT + TERM, size=8.6, weight="bold")
            write(LEFT + TERM, y, says, RIGHT - 0.045, size=9)
            write(RIGHT - 0.045, y, where, RIGHT - 0.015, size=8, color=FAINT)
            y -= STEP
    write(RIGHT, BOTTOM, "Numbers at the right edge of a table: the notebook that derives it.", 0.98, size=7, color=FAINT)
    assert y > BOTTOM, "the tables are longer than the page"
    y = TOP - STEP * 0.35
    write(RIGHT, y, "Calls", 0.98, size=10.5, weight="bold", color=RULE)
    for what, code in calls():
        y -= STEP
        write(RIGHT, y, what, 0.98, size=9, style="italic")
        for line in code.splitlines():
            y -= STEP * (0.82 if line else 0.3)
            write(RIGHT, y, line.replace("$", r"\$"), 0.985, size=6.9, family="monospace")
        y -= STEP * 0.5
    assert y > BOTTOM + STEP, "the calls are longer than the page"
    return placed


def main(path=HERE / "cheat_sheet.pdf"):
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with matplotlib.rc_context({"font.family": "DejaVu Sans", "mathtext.fontset": "dejavusans", "pdf.fonttype": 42}):
        figure = pyplot.figure(figsize=SIZE)
        placed, renderer = draw(figure), figure.canvas.get_renderer()
        for text, edge in placed:
            right = text.get_window_extent(renderer).x1 / figure.bbox.width
            assert right <= edge, f"{text.get_text()!r} is too long: it ends at {right:.3f}, and {edge:.3f} is there"
        about = dict(Title="Cheat sheet", Keywords=stamp(), CreationDate=None, Producer=None, Creator=None)
        figure.savefig(path, metadata=about)
        pyplot.close(figure)


if __name__ == "__main__":
    main()
