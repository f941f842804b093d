"""The cells of a notebook that an answer needs: its definition, and whatever that refers to, as code that runs by itself."""

import ast
import re
from dataclasses import dataclass, replace

from .. import checks
from ._names import binds, changes, effects, first, loads, missing, outside

__all__ = ["Slice", "answers", "broken"]


@dataclass(frozen=True)
class Slice:
    """One exercise's answer, cut out of a notebook.

    Attributes:
        code: the statements that the answer needs, in the order of the notebook; they may be run by themselves.
        answer: the expression that was handed to the check, such as "my_clip_rows"; "" without one.
        stub: whether the function's body is still `...`.
        missing: names that the code refers to and no cell binds, which a kernel may still remember from a cell now gone.
    """

    code: str
    answer: str
    stub: bool
    missing: tuple = ()


@dataclass(frozen=True)
class _Statement:
    node: ast.stmt
    text: str
    binds: frozenset
    changes: frozenset  # names whose objects it changes in place
    loads: frozenset
    later: bool  # whether it holds code that runs later, and sees then what the names stand for then

    @property
    def imports(self):
        return isinstance(self.node, (ast.Import, ast.ImportFrom))

    @property
    def plain(self):
        """Whether it only defines or imports, so that what the name stood for before does not matter."""
        return self.imports or isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def answers(cells):
    """Return the answers of a notebook: exercise id → `Slice`; the last check counts, or the last of more than a stub.

    A statement belongs to a slice if it binds, or changes in place, a name that the answer refers to, directly or through
    another statement of the slice. Cells are taken in the order of the page, in which they run from a fresh kernel; a name
    that nothing above a check binds is taken from below it. Lines for IPython (`%timeit`, `!ls`) are left out, and so is a
    cell that is no Python.

    Args:
        cells: the texts of the code cells, in order.

    Raises:
        TypeError: they are no texts.
    """
    every, named, found = _called([s for cell in _texts(cells) for s in _statements(cell)]), {}, {}
    for place, statement in enumerate(every):
        node = statement.node
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            id = _exercise(node.value, {})
            if id:
                named[node.targets[0].id] = id
        for id, call in _checks(node, named):
            given = [*call.args, *(word.value for word in call.keywords if word.arg == "answer")]
            cut = _slice(every, place, given[0] if given else None)
            if id not in found or not cut.stub or found[id].stub:
                found[id] = cut
    return found


def broken(cells):
    """Return why the answers of a cell are left out: exercise id → "line 3: '(' was never closed".

    Args:
        cells: the texts of the code cells, in order.

    Raises:
        TypeError: they are no texts.
    """
    found = {}
    for cell in _texts(cells):
        error = _parsed(cell)[1]
        for id in re.findall(r"""exercise\((?:id=)?["'](\d\d\w?\.\d+)["']\)""", cell) if error else ():
            found[id] = error
    return found


def _texts(cells):
    checks.kind("cells", cells, (list, tuple), "a list of texts")
    return [checks.text("cells", cell) for cell in cells]


def _checks(node, named):
    """The checks that a node makes: (exercise id, call)."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "check":
            id = _exercise(call.func.value, named)
            if id:
                yield id, call


def _exercise(node, named):
    """The id in `course.exercise(id)`, or of a name that stands for it; None for anything else."""
    if isinstance(node, ast.Name):
        return named.get(node.id)
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", getattr(node.func, "id", None)) != "exercise":
        return None
    given = [*node.args, *(word.value for word in node.keywords if word.arg == "id")]
    id = given[0].value if len(given) == 1 and isinstance(given[0], ast.Constant) else None
    return id if isinstance(id, str) else None


def _slice(every, place, answer):
    if answer is None:
        return Slice("", "", True)
    chosen, seen = {k for k in range(place) if "*" in every[k].binds}, set()
    wanted = [(name, place) for name in loads(answer)]
    while wanted:
        name, end = wanted.pop()
        if (name, end) in seen:
            continue
        seen.add((name, end))
        changed, bound = [], False
        for k in range(end - 1, -1, -1):
            statement = every[k]
            if name in statement.changes:
                changed.append(k)
            if name not in statement.binds:
                continue
            bound = True
            for one in [k] if statement.imports else [k, *changed]:
                chosen.add(one)
                wanted += [(n, one) for n in every[one].loads]
                wanted += [(n, max(place, one)) for n in every[one].loads if every[one].later]
            if statement.plain or (isinstance(statement.node, ast.Assign) and name not in statement.loads):
                break
        if not bound:  # by nothing above: by what stands below
            wanted += [(name, k + 1) for k in range(end, len(every)) if name in every[k].binds][:1]
    last = next((s.node for s in reversed(every[:place]) if isinstance(answer, ast.Name) and answer.id in s.binds), None)
    order = sorted(chosen, key=lambda k: (k < place or not every[k].imports, k))  # imports from below go first
    code, asked = "\n\n".join(every[k].text for k in order), ast.unparse(answer)
    return Slice(code, asked, _stub(last) or _stub(answer), missing(f"{code}\n\n({asked})"))


def _called(statements):
    """The statements, those that call a function of the notebook's with what this changes and binds."""
    does = {s.node.name: effects(s.node) for s in statements if isinstance(s.node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    found = []
    for statement in statements:
        for part in outside(statement.node) if not statement.plain else ():
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in does:
                changed, bound = does[part.func.id]
                statement = replace(statement, changes=statement.changes | changed, binds=statement.binds | bound)
        found.append(statement)
    return found


def _stub(node):
    """Whether a definition's body, or a value, is still `...`."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        rest = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        return all(isinstance(s, ast.Pass) for s in rest)
    value = node.value if isinstance(node, ast.Assign) else node
    return isinstance(value, ast.Constant) and value.value in (None, ...)


def _parsed(cell):
    """(a cell's tree and its text, without IPython's own lines, or None; why it is no Python, or "")."""
    error = ""
    for own in (False, True):
        if own:
            cell = re.sub(r"^%%(?:time|timeit|capture)\b.*$", "", cell)
            cell = re.sub(r"^([ \t]*)(?:[%!?].*|[\w.]+\?+)$", r"\1pass", cell, flags=re.M)
            cell = re.sub(r"^([ \t]*[\w, ]+= *)[%!].*$", r"\1None", cell, flags=re.M)
        try:
            return (ast.parse(cell), cell), ""
        except SyntaxError as wrong:
            error = f"line {wrong.lineno}: {wrong.msg}"
        except (ValueError, RecursionError) as wrong:
            error = str(wrong)
    return None, error


def _statements(cell):
    """The statements of a cell; none of a cell that is no Python. What stands beside a check in a block stands alone."""
    found, _ = _parsed(cell)
    if found is None:
        return
    tree, cell = found
    lines, taken = cell.splitlines(), {}
    nodes = [(inner, inner is node) for node in tree.body for inner in _opened(node)]
    for node in tree.body:
        for line in range(first(node), node.end_lineno + 1):
            taken[line] = taken.get(line, 0) + 1
    for node, whole in nodes:
        rows = range(first(node), node.end_lineno + 1)
        alone = whole and all(taken[line] == 1 for line in rows)
        text = "\n".join(lines[rows[0] - 1 : rows[-1]]) if alone else ast.unparse(node)
        later = any(isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) for n in ast.walk(node))
        yield _Statement(node, text, frozenset(binds(node)), frozenset(changes(node)), frozenset(loads(node)), later)


def _opened(node):
    """A statement, or the statements of the branch of a `try`, `with` or `if` in which an exercise is checked."""
    if isinstance(node, (ast.Try, ast.With, ast.If)):
        for branch in (node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])):
            if any(call for inner in branch for call in _checks(inner, {})):
                for inner in [*(node.body if isinstance(node, ast.Try) and branch is not node.body else ()), *branch]:
                    yield from _opened(inner)
                return
    yield node
