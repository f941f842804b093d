"""Which names of a module a statement binds, changes and reads."""

import ast
import builtins
import contextlib
import symtable

KNOWN = {*dir(builtins), "display", "get_ipython", "__name__", "__file__"}  # what no cell has to bind


def first(node):
    """The line in which a statement begins, its decorators included."""
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def outside(node):
    """The nodes of a statement that belong to the module's own scope."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return
    for child in ast.iter_child_nodes(node):
        yield from outside(child)


def binds(node):
    """The names of the module that a statement binds, or unbinds."""
    for part in outside(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Store, ast.Del)):
            yield part.id
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield part.name
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in part.names)
        elif isinstance(part, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and part.name:
            yield part.name


def changes(node):
    """The names of the module whose objects a statement changes in place: `a[0] = 1`, `a.append(1)`, in blocks, too."""
    for part in outside(node):
        if isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, (ast.Store, ast.Del)):
            yield from _root(part)
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call) and isinstance(part.value.func, ast.Attribute):
            yield from _root(part.value.func)


def _root(node):
    while isinstance(node, (ast.Subscript, ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def loads(node):
    """The names of the module that a node reads, at once or in a function of its own; a function's own names are not."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    with contextlib.suppress(SyntaxError):  # such as `return` outside a function: whatever it may read
        names &= read(symtable.symtable(ast.unparse(node), "cell", "exec"))
    return names | {n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)}


def effects(node):
    """(the module's names whose objects a call of a function changes in place, those that it binds by `global`)."""
    bound = {name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names}
    changed = set()
    for part in ast.walk(node):
        if isinstance(part, (ast.stmt, ast.Subscript, ast.Attribute)) and part is not node:
            changed.update(changes(part))
    return frozenset(changed & set(loads(node))), frozenset(bound)


def missing(code):
    """The names that a code refers to and does not bind."""
    try:
        table = symtable.symtable(code, "cells", "exec")
    except SyntaxError:
        return ()
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    bound |= {name for part in ast.walk(ast.parse(code)) if isinstance(part, ast.Global) for name in part.names}
    return () if "import *" in code else tuple(sorted(read(table) - bound - KNOWN))


def read(table):
    """The module's names that a scope and those in it read, or set by `global`."""
    top = table.get_type() == "module"
    found = {s.get_name() for s in table.get_symbols() if (top and s.is_referenced()) or (not top and s.is_global())}
    return found.union(*map(read, table.get_children()))
