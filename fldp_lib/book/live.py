"""The book's explorers: a notebook runs up to its last one, and each writes a page of its own."""

import json


def export(explorer, path):
    """Write an explorer's page, on the finest even grid that fits, and print what the book says of it; see `live`.

    Args:
        explorer: an `explorers.Explorer`.
        path: the file to write.
    """
    said = {"title": explorer.title, "alt": f"{explorer.title}. {explorer.sentence}", "problem": ""}
    for points in (None, 3, 2):
        try:
            explorer.export_html(path, points)
            said["problem"] = ""
            break
        except ValueError as error:
            said["problem"] = str(error)
    print(json.dumps(said))


def shows_explorer(cell):
    """Whether an explorer is among a cell's outputs."""
    return any(is_explorer(output.get("data", {})) for output in cell.get("outputs", ()))


def is_explorer(data):
    """Whether an output's data are an explorer's: a still picture, and its `repr` as plain text."""
    return "image/png" in data and "".join(data.get("text/plain", "")).startswith("Explorer(")


def program(path, folder):
    """Return a notebook's code up to its last explorer, and after each explorer a cell that exports it.

    Args:
        path: the notebook.
        folder: where the explorers' pages go, as NN_0.html, NN_1.html, ….

    Returns:
        The notebook, without outputs, and the cells that export; without an explorer there are no cells.
    """
    import nbformat

    notebook, cells, exports = nbformat.read(path, as_version=4), [], []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cells.append(cell)
        if shows_explorer(cell):
            name, page = cell.source.strip().splitlines()[-1], folder / f"{path.stem.split('_')[0]}_{len(exports)}.html"
            exports.append(nbformat.v4.new_code_cell(f"from fldp_lib import book\nbook.export({name}, {str(page)!r})"))
            cells.append(exports[-1])
    notebook.cells = cells[: cells.index(exports[-1]) + 1] if exports else []
    return notebook, exports


def live(path, folder, step=lambda: None):
    """Run a notebook up to its last explorer and write each explorer's page.

    Args:
        path: the notebook.
        folder: where the pages go.
        step: called after each cell.

    Returns:
        For each explorer: its title, the alternative text of its picture, and why it has no page, or "".
    """
    from nbclient import NotebookClient

    notebook, exports = program(path, folder)
    where, quiet = {"metadata": {"path": str(path.parent)}}, ["--log-level=ERROR"]
    done = dict(resources=where, extra_arguments=quiet, on_cell_executed=lambda **_: step())
    NotebookClient(notebook, timeout=900, **done).execute()
    return [json.loads(cell.outputs[-1].text.splitlines()[-1]) for cell in exports]
