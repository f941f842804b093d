"""The explorers of a notebook, made as it makes them, for the book.

Most cells call a function of `course.exhibits` without arguments: that call is all that runs. Where a cell needs the
notebook's own variables, the notebook runs up to it.
"""

import ast
import contextlib
import importlib
import itertools

EXHIBITS = "fldp_lib.course.exhibits"


def is_explorer(data):
    """Whether an output's data are an explorer's: a still picture, and its `repr` as plain text."""
    return "image/png" in data and "".join(data.get("text/plain", "")).startswith("Explorer(")


def shows_explorer(cell):
    """Whether an explorer is among a cell's outputs."""
    return any(is_explorer(output.get("data", {})) for output in cell.get("outputs", ()))


def calls(notebook):
    """Return the module and the function that each explorer's cell calls without arguments, or None where it needs more.

    Args:
        notebook: its JSON, outputs included.
    """
    modules, found = {}, []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == EXHIBITS:
                modules |= {name.asname or name.name: f"{EXHIBITS}.{name.name}" for name in node.names}
        if shows_explorer(cell):
            found.append(_call(tree, modules))
    return found


def _call(tree, modules):
    """The module and function of a cell's last line, if it is such a call or a name that the cell gives to one."""
    shown = tree.body[-1].value if isinstance(tree.body[-1], ast.Expr) else None
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(shown, ast.Name) and ast.unparse(node.targets[0]) == shown.id:
            shown = node.value
    if not isinstance(shown, ast.Call) or shown.args or shown.keywords or not isinstance(shown.func, ast.Attribute):
        return None
    module = modules.get(ast.unparse(shown.func.value))
    return module and (module, shown.func.attr)


def explorers(notebook, folder):
    """Make a notebook's explorers, in their order.

    Args:
        notebook: its JSON, outputs included.
        folder: where it lies, and its cells run.

    Yields:
        `explorers.Explorer`s.

    Raises:
        Whatever a cell raises.
    """
    called = calls(notebook)
    ran = _ran(notebook, called, folder) if None in called else {}
    for number, one in enumerate(called):
        yield ran[number] if one is None else getattr(importlib.import_module(one[0]), one[1])()


def _ran(notebook, called, folder):
    """Run a notebook up to its last explorer that needs its variables; the other explorers' cells only import."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.io import capture_output

    last = max(number for number, one in enumerate(called) if one is None)
    shell, found, numbers = InteractiveShell(), {}, itertools.count()
    with contextlib.chdir(folder), capture_output():
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                continue
            source, number = "".join(cell["source"]), next(numbers) if shows_explorer(cell) else None
            if number is not None and called[number]:
                source = "\n".join(
                    ast.unparse(n) for n in ast.parse(source).body if isinstance(n, (ast.Import, ast.ImportFrom))
                )
            result = shell.run_cell(source)
            result.raise_error()
            if number is not None:
                found[number] = result.result
            if number == last:
                return found
