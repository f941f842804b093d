"""The house rules: who imports whom, what `import fldp_lib` costs, no global random state, the final names."""

import ast
import inspect
import pathlib
import subprocess
import sys

import pytest

import fldp_lib

ROOT = pathlib.Path(fldp_lib.__file__).parent.parent
PACKAGE = ROOT / "fldp_lib"

# In the order that data flows: a module imports only from those above it. `checks` serves all, `sources` serves `data`,
# `accountants` serves `accounting`; from `history` to `scoring` all serve `server`; `marks` serves `plots`; `controls` and
# `views` serve `explorers`; `progress` and `answers` serve `course`; `contents` serves notebook 19;
# `formulas` serves `book`.
ORDER = [
    "checks",
    "sources",
    "data",
    "generators",
    "models",
    "clients",
    "mechanisms",
    "adaptive",
    "accountants",
    "accounting",
    "secure",
    "aggregation",
    "compression",
    "history",
    "checkpoint",
    "streams",
    "terms",
    "tally",
    "scoring",
    "server",
    "attacks",
    "poisoning",
    "auditing",
    "faults",
    "marks",
    "plots",
    "scenes",
    "controls",
    "views",
    "explorers",
    "progress",
    "answers",
    "contents",
    "course",
    "formulas",
    "book",
    "flower",
    "flower_app",
]
CORE = ORDER[: ORDER.index("server") + 1]
ALLOWED = {  # libraries beyond the standard one
    "checks": {"torch"},
    "sources": {"numpy", "sklearn"},
    "data": {"numpy", "torch", "sklearn"},
    "generators": {"numpy", "torch"},
    "models": {"torch"},
    "clients": {"torch"},
    "mechanisms": {"torch"},
    "adaptive": set(),
    "accountants": {"dp_accounting", "numpy", "scipy"},
    "accounting": set(),
    "aggregation": {"torch"},
    "secure": {"cryptography", "mpyc", "numpy"},
    "compression": {"numpy", "torch"},
    "history": {"numpy", "torch"},
    "checkpoint": {"torch"},
    "streams": {"numpy", "torch"},
    "terms": set(),
    "tally": {"numpy", "torch"},
    "scoring": {"scipy", "torch"},
    "server": {"torch", "tqdm"},
}
LATE = {"cryptography", "dp_accounting", "mpyc", "sklearn", "scipy", "tqdm"}  # imported by the function that needs them


def files(module):
    """A module's file, or a package's."""
    return sorted((PACKAGE / module).glob("*.py")) or [PACKAGE / f"{module}.py"]


def tree(module):
    return ast.parse("\n".join(path.read_text(encoding="utf-8") for path in files(module)))


def imports(nodes, inside=()):
    """Absolute libraries and sibling modules imported by these syntax nodes; `inside` names a package's own parts."""
    libraries, siblings = set(), set()
    for node in nodes:
        if isinstance(node, ast.Import):
            libraries |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            libraries.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and not (node.level == 1 and node.module in inside):
            own = set(inside) if node.level == 1 else set()
            siblings |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names} - own
    return libraries - set(sys.stdlib_module_names), siblings


MODULES = [name for name in ORDER if files(name)[0].exists()]


def test_every_module_has_a_place_in_the_order():
    found = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    found |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"exercises"}
    assert found - set(ORDER) == set()
    assert set(CORE) <= found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_those_above_it(module):
    siblings = imports(ast.walk(tree(module)), {path.stem for path in files(module)})[1] - {"exercises"}
    assert siblings <= set(ORDER[: ORDER.index(module)])


@pytest.mark.parametrize("module", CORE)
def test_the_core_uses_only_its_libraries(module):
    libraries = imports(ast.walk(tree(module)))[0]
    assert libraries <= ALLOWED[module]
    assert not imports(tree(module).body)[0] & LATE  # not at the module's own level


def test_ipywidgets_stays_in_explorers_and_course():
    users = {
        path.stem
        for path in PACKAGE.rglob("*.py")
        if "ipywidgets" in imports(ast.walk(ast.parse(path.read_text("utf-8"))))[0]
    }
    assert users <= {"controls", "explorers", "course"}


def test_importing_the_package_is_little_more_than_importing_torch():
    heavy = ["matplotlib", "ipywidgets", "IPython", "dp_accounting", "sklearn", "scipy", "pandas", "flwr", "opacus"]
    code = "import sys, torch; before = set(sys.modules); import fldp_lib; new = set(sys.modules) - before"
    code += f"\nprint([m for m in {heavy!r} if m in new])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]" and done.stderr == ""


# Global random state ---------------------------------------------------------------------------------------------------

DRAWING = {"rand", "randn", "randint", "randperm", "bernoulli", "multinomial", "normal", "poisson", "uniform_", "normal_",
           "exponential_", "bernoulli_", "random_", "_standard_gamma"}  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_every_draw_names_its_generator(module):
    for call in (
        node for node in ast.walk(tree(module)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ):
        text, name = ast.unparse(call), call.func.attr
        owner = ast.unparse(call.func.value)
        if name in DRAWING and (owner == "torch" or name.endswith("_")):
            assert any(keyword.arg == "generator" for keyword in call.keywords), text
        assert not (owner in ("np.random", "numpy.random") and name != "default_rng"), text
        assert not (owner == "np.random" and not call.args), text  # default_rng without a seed
        assert not (name in ("manual_seed", "seed") and owner in ("torch", "random", "torch.cuda")), text


def test_the_scan_for_draws_sees_an_unseeded_one(monkeypatch):
    monkeypatch.setitem(globals(), "tree", lambda module: ast.parse("import torch\nx = torch.randn(3)"))
    with pytest.raises(AssertionError, match="randn"):
        test_every_draw_names_its_generator("server")


# Names and documentation -----------------------------------------------------------------------------------------------


def test_the_final_names_work_together():
    from fldp_lib import accounting, aggregation, data, mechanisms, models, train

    digits = data.load("digits")
    fed = data.split(digits, clients=100, how="dirichlet", alpha=0.5, seed=0)
    model = models.MLP(64, 32, 10)
    mechanisms.Laplace(epsilon=1.0, clip=1.0, at="server")
    mechanisms.Gaussian(noise_multiplier=1.0, clip=1.0, at="client")
    mech = accounting.calibrate("gaussian", epsilon=2.0, delta=1e-5, rounds=3, sampling_rate=1.0, clip=1.0)
    history = train(model, fed, rounds=3, local_steps=1, lr=0.5, mechanism=mech, sampling_rate=1.0,
                    aggregator=aggregation.mean, delta=1e-5, seed=0)  # fmt: skip
    assert len(history.accuracy) == len(history.loss) == len(history.epsilon) == 3
    assert 0.999 * 2 <= history.epsilon[-1] <= 2
    assert history.theta.shape == (64 * 32 + 32 + 32 * 10 + 10,)
    spent = accounting.epsilon(mech, rounds=3, sampling_rate=1.0, delta=1e-5, method="pld")
    assert spent == history.total_epsilon


def test_everything_promised_is_there():
    for name in fldp_lib.__all__:
        assert hasattr(fldp_lib, name)


@pytest.mark.parametrize("module", CORE)
def test_every_public_function_and_class_is_documented(module):
    loaded = getattr(__import__(f"fldp_lib.{module}"), module)
    assert loaded.__doc__
    for name, thing in vars(loaded).items():
        own = not name.startswith("_") and getattr(thing, "__module__", "").startswith(loaded.__name__)
        if own and (inspect.isclass(thing) or inspect.isfunction(thing)):
            assert inspect.getdoc(thing), f"{module}.{name}"
