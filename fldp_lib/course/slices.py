"""The cells of a notebook that an answer needs: its definition, and whatever that refers to, as code that runs by itself."""

import ast
import re
from dataclasses import dataclass

from .. import checks

__all__ = ["Slice", "answers"]


@dataclass(frozen=True)
class Slice:
    """One exercise's answer, cut out of a notebook.

    Attributes:
        code: the statements that the answer needs, in the order of the notebook; they may be run by themselves.
        answer: the expression that was handed to the check, such as "my_clip_rows"; "" without one.
        stub: whether the function's body is still `...`.
    """

    code: str
    answer: str
    stub: bool


@dataclass(frozen=True)
class _Statement:
    node: ast.stmt
    text: str
    binds: frozenset
    changes: frozenset  # names whose objects it changes in place
    loads: frozenset
    later: bool  # whether it holds code that runs later, and sees then what the names stand for then

    @property
    def plain(self):
        """Whether it only defines or imports, so that what the name stood for before does not matter."""
        return isinstance(self.node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def answers(cells):
    """Return the answers of a notebook: exercise id → `Slice`; the last check of an exercise counts.

    A statement belongs to a slice if it binds, or changes in place, a name that the answer refers to, directly or through
    another statement of the slice. Cells are taken in the order of the page, in which they run from a fresh kernel.
    Lines for IPython (`%timeit`, `!ls`) are left out, and so is a cell that is no Python.

    Args:
        cells: the texts of the code cells, in order.

    Raises:
        TypeError: they are no texts.
    """
    checks.kind("cells", cells, (list, tuple), "a list of texts")
    before, named, found = [], {}, {}
    for cell in cells:
        checks.text("cells", cell)
        for statement in _statements(cell):
            node = statement.node
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                id = _exercise(node.value, {})
                if id:
                    named[node.targets[0].id] = id
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "check":
                    id = _exercise(call.func.value, named)
                    if id:
                        given = [*call.args, *(word.value for word in call.keywords if word.arg == "answer")]
                        found[id] = _slice(before, given[0] if given else None)
            before.append(statement)
    return found


def _exercise(node, named):
    """The id in `course.exercise(id)`, or of a name that stands for it; None for anything else."""
    if isinstance(node, ast.Name):
        return named.get(node.id)
    called = node.func if isinstance(node, ast.Call) and len(node.args) == 1 else None
    name = getattr(called, "attr", getattr(called, "id", None))
    id = node.args[0].value if name == "exercise" and isinstance(node.args[0], ast.Constant) else None
    return id if isinstance(id, str) else None


def _slice(before, answer):
    if answer is None:
        return Slice("", "", True)
    chosen, seen = {k for k, statement in enumerate(before) if "*" in statement.binds}, set()
    wanted = [(name, len(before)) for name in _loads(answer)]
    while wanted:
        name, end = wanted.pop()
        if (name, end) in seen:
            continue
        seen.add((name, end))
        changed = []
        for k in range(end - 1, -1, -1):
            statement = before[k]
            if name in statement.changes:
                changed.append(k)
            if name not in statement.binds:
                continue
            here = [k] if statement.plain and isinstance(statement.node, (ast.Import, ast.ImportFrom)) else [k, *changed]
            for one in here:
                chosen.add(one)
                wanted += [(n, one) for n in before[one].loads]
                wanted += [(n, len(before)) for n in before[one].loads if before[one].later]
            if statement.plain or (isinstance(statement.node, ast.Assign) and name not in statement.loads):
                break
    last = next((s.node for s in reversed(before) if isinstance(answer, ast.Name) and answer.id in s.binds), None)
    code = "\n\n".join(before[k].text for k in sorted(chosen))
    return Slice(code, ast.unparse(answer), _stub(last) or _stub(answer))


def _stub(node):
    """Whether a definition's body, or a value, is still `...`."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        rest = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        return all(isinstance(s, ast.Pass) for s in rest)
    value = node.value if isinstance(node, ast.Assign) else node
    return isinstance(value, ast.Constant) and value.value in (None, ...)


def _statements(cell):
    """The statements of a cell, without IPython's own lines; none of a cell that is no Python."""
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError):
        cell = re.sub(r"^%%(?:time|timeit|capture)\b.*$", "", cell)
        cell = re.sub(r"^([ \t]*)(?:[%!?].*|[\w.]+\?+)$", r"\1pass", cell, flags=re.M)
        try:
            tree = ast.parse(cell)
        except (SyntaxError, ValueError, RecursionError):
            return
    except RecursionError:
        return
    lines, taken = cell.splitlines(), {}
    for node in tree.body:
        for line in range(_first(node), node.end_lineno + 1):
            taken[line] = taken.get(line, 0) + 1
    for node in tree.body:
        rows = range(_first(node), node.end_lineno + 1)
        alone = all(taken[line] == 1 for line in rows)
        text = "\n".join(lines[rows[0] - 1 : rows[-1]]) if alone else ast.unparse(node)
        later = any(isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) for n in ast.walk(node))
        yield _Statement(node, text, frozenset(_binds(node)), frozenset(_changes(node)), frozenset(_loads(node)), later)


def _first(node):
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def _outside(node):
    """The nodes of a statement that belong to the module's own scope."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _outside(child)


def _binds(node):
    for part in _outside(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Store, ast.Del)):
            yield part.id
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield part.name
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in part.names)
        elif isinstance(part, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and part.name:
            yield part.name


def _changes(node):
    for part in _outside(node):
        if isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, (ast.Store, ast.Del)):
            yield from _root(part)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        yield from _root(node.value.func)


def _root(node):
    while isinstance(node, (ast.Subscript, ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def _loads(node):
    kept = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return kept | {n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)}
