"""The book's reference: a page for each wing of the package, made from its docstrings, with links to the notebooks.

Sphinx's autodoc reads the docstrings and napoleon their sections; this says what stands on which page, and mends for
reStructuredText what the docstrings write in plain words.
"""

import ast
import importlib
import inspect
import pathlib
import pkgutil
import re

WINGS = (
    "data", "privacy", "analytics", "training", "vertical", "adversary", "interactive", "flower", "course", "book",
)  # fmt: skip
APART = ("fldp_lib.course.exhibits", "fldp_lib.course.exercises")  # they belong to the notebooks that call them
PACKAGE = pathlib.Path(__file__).resolve().parent.parent


def modules(wing):
    """Return a wing's modules, itself first, without those whose name begins with an underscore.

    Args:
        wing: such as "privacy".

    Returns:
        Names such as "fldp_lib.privacy.clipping", in the order of the alphabet.
    """
    top = importlib.import_module(f"fldp_lib.{wing}")
    found = [name for _, name, _ in pkgutil.walk_packages(top.__path__, f"{top.__name__}.", onerror=lambda name: None)]
    public = [name for name in found if "._" not in name and not name.startswith(APART)]
    return [top.__name__, *sorted(public)]


def members(module):
    """Return the public functions and classes that a module defines, or offers from a module with an underscore.

    Args:
        module: the imported module.
    """
    found = []
    for name, value in vars(module).items():
        home = getattr(value, "__module__", "") or ""
        own = home == module.__name__ or (home.startswith("fldp_lib.") and "._" in home)
        kinds = inspect.isfunction(value) or inspect.isclass(value)
        if kinds and own and not name.startswith("_") and value.__name__ == name and (value.__doc__ or "").strip():
            found.append(name)
    return found


def write(folder, notebooks):
    """Write the reference's pages for Sphinx.

    Args:
        folder: where the book's sources are.
        notebooks: the notebooks' paths, to which "Derived in: notebook 05" links.

    Returns:
        The pages' names, in their order.
    """
    (folder / "reference").mkdir()
    DERIVED.clear()
    DERIVED.update({path.stem.split("_")[0]: f"/notebooks/{path.stem}" for path in notebooks})
    seen, listed = set(), ""
    for wing in WINGS:
        told = ast.get_docstring(ast.parse((PACKAGE / wing / "__init__.py").read_text(encoding="utf-8"))) or ""
        listed += f"* :doc:`{wing}`: {plain(' '.join(told.partition(chr(10) * 2)[0].split()))}\n"
        text = f"fldp_lib.{wing}\n{'=' * 40}\n\n"
        for name in modules(wing):
            text += _module(name, seen)
        (folder / "reference" / f"{wing}.rst").write_text(text, encoding="utf-8")
    text = f"The package\n===========\n\nWhat every public function and class takes, returns and refuses.\n\n{listed}"
    (folder / "reference" / "index.rst").write_text(text, encoding="utf-8")
    return ["reference/index", *(f"reference/{wing}" for wing in WINGS)]


DERIVED = {}  # notebooks' numbers → their pages, of the book that is being made


def _module(name, seen):
    """A module's part of its wing's page; what stands on a page already is not shown again."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        return f"{name}\n{'-' * 80}\n\nNeeds {error.name}, which was not installed where this book was made.\n\n"
    heading = "" if name.count(".") == 1 else f"{name.removeprefix('fldp_lib.')}\n{'-' * 80}\n\n"
    text = f"{heading}.. automodule:: {name}\n   :no-members:\n\n"
    for member in members(module):
        value = getattr(module, member)
        if value not in seen:
            seen.add(value)
            kind, more = ("class", "   :members:\n") if inspect.isclass(value) else ("function", "")
            text += f".. auto{kind}:: {name}.{member}\n{more}\n"
    return text


def plain(line):
    """Return a docstring's line with what reStructuredText would take for markup escaped; `code` and **words** stay."""
    parts = re.split(r"(`[^`]*`|(?<!\S)\*\*\w[^*`]*\*\*(?!\S))", line)
    parts[::2] = [re.sub(r"([*|\\])|(?<=\w)(_)(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    parts[2::2] = [re.sub(r"^(?=\w)", r"\\ ", part) for part in parts[2::2]]  # `Plan`s
    return "".join(parts)


def linked(line):
    """Return a line that begins with "Derived in:" with its notebooks as links."""
    head, told, rest = line.partition("Derived in:")
    number = r"(?<![\w:./-])(\d\db?)(?![\w/])"
    return head + told + re.sub(number, lambda m: f":doc:`{m[1]} <{DERIVED[m[1]]}>`" if m[1] in DERIVED else m[1], rest)


def docstring(app, what, name, obj, options, lines):
    """Mend a docstring in place, before napoleon reads it: its last lines are paragraphs; Sphinx calls this."""
    mended, ending = [], False
    for line in lines:
        if re.match(r"(Derived in|Source):", line.strip()):
            mended.append("")
            ending = True
        ending = ending and bool(line.strip())
        line = line.strip() if ending else line
        mended.append(linked(plain(line)) if "Derived in:" in line else plain(line))
    lines[:] = mended


def setup(app):
    """Register with Sphinx, which calls this."""

    def before(app, what, name, obj, options, lines):
        if what in ("property", "attribute"):
            plainly[name] = list(lines)
        docstring(app, what, name, obj, options, lines)

    def after(app, what, name, obj, options, lines):  # napoleon took what stands before a colon for the value's type
        if name in plainly:
            lines[:] = plainly.pop(name)
            docstring(app, what, name, obj, options, lines)

    plainly = {}
    app.connect("autodoc-process-docstring", before, priority=400)
    app.connect("autodoc-process-docstring", after, priority=600)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
