"""Which calls of a program price, by a typed number of rounds, a mechanism that the same program also trains with.

A small abstract interpreter of the notebooks' code. A value is the set of places in the program that it may come from (where
a mechanism is made, by `calibrate`, `calibrated` or a class of `mechanisms`; a function; a loop's variable), and the mark
`PLAN` for what was read off a plan or a history. Statements are followed in their order, functions into their bodies;
branches and loops are joined.
"""

import ast

PLAN = "plan"
MAKERS = {"Laplace", "Gaussian", "AdaptiveGaussian", "calibrate"}
PRICES = {"epsilon": 1, "calibrate": 3, "delta_of": 2, "spend": 1}  # where the number of rounds stands
RUNS = {"train", "Plan", "of", "changed"}  # what is given to these is trained with
FROM_PLANS = {"rounds", "planned", "releases"}
DEPTH = 6  # of calls inside calls


def typed_prices(code):
    """Return the lines of calls that price a trained mechanism by a number of rounds which no plan gave.

    Args:
        code: the program's text.
    """
    program = _Program()
    tree = ast.parse(code)
    program.run(tree.body, program.names)
    for node in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        if node not in program.followed:  # a callback, or one that only a reader calls
            program.inside(node, {})
    lines = code.splitlines()
    return sorted({f"{n}: {lines[n - 1].strip()}" for n, sites in program.priced if sites & program.trained})


class _Program:
    def __init__(self):
        self.names, self.followed, self.stack = {}, set(), []
        self.priced, self.trained = [], set()  # (line, the mechanisms' sites); sites that are trained with

    # Statements

    def run(self, body, names):
        """Follow statements; return what they may return."""
        returned = set()
        for node in body:
            returned |= self.statement(node, names)
        return returned

    def statement(self, node, names):
        if isinstance(node, ast.FunctionDef):
            names[node.name] = {node}
        elif isinstance(node, ast.ClassDef):
            names[node.name] = self.run(node.body, dict(names))
        elif isinstance(node, ast.Return):
            return self.value(node.value, names)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self.assign(target, node.value, names)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            self.bind(node.target, self.value(node.value, names), names, add=isinstance(node, ast.AugAssign))
        elif isinstance(node, ast.For):
            self.loop(node.target, node.iter, names)
            return self.branches([node.body, node.orelse], names)
        elif isinstance(node, ast.If | ast.While):
            self.value(node.test, names)
            return self.branches([node.body, node.orelse], names)
        elif isinstance(node, ast.Try):
            parts = [node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody]
            return self.branches(parts, names)
        elif isinstance(node, ast.With):
            for item in node.items:
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, item.context_expr, names)
            return self.run(node.body, names)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.value(child, names)
        return set()

    def branches(self, bodies, names):
        """Any of the bodies may run, or none."""
        returned, ends = set(), []
        for body in bodies:
            ends.append(dict(names))
            returned |= self.run(body, ends[-1])
        for end in ends:
            for name, value in end.items():
                names[name] = names.get(name, set()) | value
        return returned

    def assign(self, target, value, names):
        """Bind name by name where both sides are written out, else each name to everything."""
        parts = (ast.Tuple, ast.List)
        if isinstance(target, parts) and isinstance(value, parts) and len(target.elts) == len(value.elts):
            found = [self.value(element, names) for element in value.elts]
            for element, each in zip(target.elts, found, strict=True):
                self.bind(element, each, names)
        else:
            self.bind(target, self.value(value, names), names)

    def loop(self, target, values, names):
        """A loop's variable is a place of its own: the noise of a run may be built from it by hand."""
        self.assign(target, values, names)
        for name in [part for part in ast.walk(target) if isinstance(part, ast.Name)]:
            names[name.id] = _without_loops(names[name.id]) | {name}

    def bind(self, target, value, names, add=False):
        if isinstance(target, ast.Name):
            names[target.id] = value | (self.look(target.id, names) if add else set())
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self.bind(element, value, names)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value, names)
        elif isinstance(target, ast.Subscript | ast.Attribute):  # a part of what a name holds
            self.bind(target.value, value, names, add=True)

    # Expressions

    def look(self, name, names):
        return names[name] if name in names else self.names.get(name, set())

    def value(self, node, names):
        if node is None:
            return set()
        if isinstance(node, ast.Name):
            return self.look(node.id, names)
        if isinstance(node, ast.Attribute):
            return self.value(node.value, names) | ({PLAN} if node.attr in FROM_PLANS else set())
        if isinstance(node, ast.Call):
            return self.call(node, names)
        if isinstance(node, ast.Lambda):
            body = ast.FunctionDef("lambda", node.args, [ast.Return(node.body)], [], lineno=node.lineno)
            inner = ast.copy_location(body, node)
            return {inner} | self.inside(inner, {}, names)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            names = dict(names)
            for part in node.generators:
                self.loop(part.target, part.iter, names)
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            return set().union(*(self.value(part, names) for part in parts))
        if isinstance(node, ast.NamedExpr):
            self.assign(node.target, node.value, names)
        return set().union(*(self.value(part, names) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)))

    def call(self, node, names):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        base = node.func.value if isinstance(node.func, ast.Attribute) else None
        held = self.value(node.func, names)
        given = [self.value(each, names) for each in node.args]
        named = [(each.arg, self.value(each.value, names)) for each in node.keywords]
        everything = set().union(*given, *(value for _, value in named))
        ours = base is None or getattr(base, "id", getattr(base, "attr", "")) in ("accounting", "mechanisms", "adaptive")
        if name in PRICES and (ours or name == "spend"):
            rounds = [value for key, value in named if key in ("rounds", None)] + given[PRICES[name] :][:1]
            rounds += [self.value(each, names) for each in node.args if isinstance(each, ast.Starred)]
            mechanism = set().union(*given[:1], *(value for key, value in named if key in ("mechanism", None)))
            sites = {node} if name == "calibrate" else mechanism - {PLAN}
            if any(PLAN not in each for each in rounds):
                self.priced.append((node.lineno, sites))
            return {node} if name == "calibrate" else held if name == "spend" else set()
        if name in MAKERS and ours:
            return {node} | {each for value in given[:1] for each in value if isinstance(each, ast.Name)}
        if name == "calibrated":
            return everything | held | {node, PLAN}
        if name in RUNS:
            self.trained |= {each for each in everything | held if isinstance(each, ast.Call | ast.Name)}
            return everything | held | {PLAN}
        functions = [each for each in held if isinstance(each, ast.FunctionDef) and base is None]
        if (
            not functions and not name[:1].isupper()
        ):  # a number made from a number is another; a class keeps what it is given
            everything, held = _without_loops(everything), _without_loops(held)
        if isinstance(base, ast.Name):  # such as a list's append
            self.bind(base, everything, names, add=True)
        result = everything | held
        for function in functions:
            bound = dict(zip([each.arg for each in function.args.args], given, strict=False))
            result = result - {function} | self.inside(function, bound | {key: value for key, value in named if key}, names)
        return result

    def inside(self, function, bound, around=None):
        """What a function returns, its parameters bound as given, else to their defaults."""
        self.followed.add(function)
        if len(self.stack) == DEPTH or function in self.stack:
            return set()
        arguments = function.args
        names = dict(around or {}) | {each.arg: set() for each in (*arguments.args, *arguments.kwonlyargs)}
        for each, default in zip(arguments.args[::-1], arguments.defaults[::-1], strict=False):
            names[each.arg] = self.value(default, self.names)
        self.stack.append(function)
        returned = self.run(function.body, names | bound)
        self.stack.pop()
        return returned


def _without_loops(value):
    return {each for each in value if not isinstance(each, ast.Name)}
