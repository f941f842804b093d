"""The house rules: who imports whom, what `import fldp_lib` costs, no global random state, the final names."""

import ast
import importlib
import inspect
import pathlib
import subprocess
import sys

import pytest

import fldp_lib

ROOT = pathlib.Path(fldp_lib.__file__).parent.parent
PACKAGE = ROOT / "fldp_lib"

# The wings, from the ground up: a wing imports only from those on floors below its own (HOUSE: checks at the bottom, the
# book on top), and from itself.
FLOORS = [
    {"checks"},
    {"data", "privacy", "interactive"},
    {"training", "analytics", "vertical"},
    {"adversary", "flower"},
    {"course"},
    {"book"},
]
BELOW = {wing: set().union(*FLOORS[:number]) for number, floor in enumerate(FLOORS) for wing in floor}
CORE = ("checks", "data", "privacy", "training", "analytics", "vertical")
# Within a wing, in the order that data flows; a module imports only from those before it.
ROOMS = {
    "data": [
        "places", "german", "hospitals", "movielens", "shipped", "swissmetro", "pets", "forms", "padding", "holdout",
        "federation", "flights", "plays", "sources", "splits", "_columns", "_dealt", "tables", "generators",
    ],
    "privacy": [
        "clipping", "response", "unary", "projection", "randomisers", "mechanisms", "skellam", "integers", "adaptive",
        "laws", "losses", "gaussians", "participation", "strategies", "correlated", "accountants", "calibration", "pricing",
        "attacker", "ledger", "accounting", "crossing", "shuffling", "allocation",
    ],
    "analytics": ["people", "counting", "unknown", "quantiles", "trie", "comparison"],
    "training": [
        "stackable", "_offers", "_vmapped", "models", "recurrent", "text_models", "_lowrank", "adapters", "_steps",
        "_chunks", "_streams", "_bar", "algorithms", "clients", "_probe", "transport.primitives", "transport.signatures",
        "transport.grid", "transport.party", "transport.secure", "aggregation", "transport.messages",
        "transport.compression", "transport.rounding",
        "_fingerprint", "_terms", "_json", "_calibrated", "plan", "card", "history", "_lock",
        "_journal", "checkpoint", "_tally", "scoring", "server", "personal",
    ],
    "vertical": ["parties", "_curve", "_transcript", "matching", "protection", "_actors", "run", "split"],
    "adversary": [
        "_patients", "columns", "vertical", "inversion", "poisoning", "canaries", "floating", "_scores", "_worlds",
        "gaussian_audit", "single_run", "auditing", "faults",
    ],
    "interactive": [
        "theme", "marks", "drawing", "panels", "pictures", "plots", "scenes", "parts", "along", "controls", "playing",
        "predictions", "said", "template", "browser", "pages", "threads", "views", "ahead", "explorers",
    ],
    "course": [
        "words", "bars", "progress", "answers", "contents", "quizzes", "teacher", "exercises",
        "_names", "slices", "hand_in", "_files", "_plain", "_kernel", "_sandbox", "_worker", "_remote", "_examiner", "grade",
    ],
    "flower": [
        "keys", "codes", "enrolment", "bundle", "agreement", "board", "processes", "folders", "node", "hub", "apps", "fleet",
        "guarded", "deployment", "launch", "roll", "kept", "seat", "classroom",
    ],
    "book": ["formulas", "texts", "made", "live", "reference", "pages", "build", "slides"],
}  # fmt: skip
LIBRARIES = {  # beyond the standard one
    "checks": {"numpy", "torch"},
    "data": {"numpy", "torch", "sklearn"},
    "privacy": {"dp_accounting", "numpy", "scipy", "torch"},
    "analytics": {"scipy", "torch"},
    "training": {"cryptography", "mpyc", "numpy", "scipy", "torch", "tqdm"},
    "vertical": {"cryptography", "numpy", "torch"},
}
LATE = {"cryptography", "dp_accounting", "mpyc", "sklearn", "scipy", "tqdm"}  # imported by the function that needs them


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path):
    """A module's place below the package: ("training", "transport", "secure")."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(path, nodes=None):
    """Absolute libraries, and places in the package, imported by a file (or by these of its syntax nodes)."""
    libraries, inside, here = set(), set(), path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(tree(path)) if nodes is None else nodes:
        if isinstance(node, ast.Import):
            libraries |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            libraries.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = (*here[: len(here) + 1 - node.level], *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                target = (*base, alias.name)
                there = PACKAGE.joinpath(*target)
                inside.add(target if there.with_suffix(".py").exists() or there.is_dir() else base)
    return libraries - set(sys.stdlib_module_names), inside


FILES = sorted(path for path in PACKAGE.rglob("*.py") if place(path) and path.name != "__main__.py")
files = pytest.mark.parametrize("path", FILES, ids=lambda path: ".".join(place(path)))


def test_the_package_has_these_wings_and_no_other():
    found = {path.stem for path in PACKAGE.iterdir() if path.name not in ("__init__.py", "__pycache__")}
    assert found == set(BELOW)


def test_every_module_has_a_room():
    for path in FILES:
        wing, *room = place(path)
        if room and room[0] not in ("exercises", "exhibits", "algorithms", "generators") and room != ["transport"]:
            assert ".".join(room) in ROOMS[wing], path


@files
def test_no_import_goes_up(path):
    wing, *room = place(path)
    for target in imports(path)[1]:
        if not target:  # names of the package itself: `from ... import train`
            assert "training" in BELOW[wing] or wing == "training", path
        elif target[0] != wing:
            assert target[0] in BELOW[wing], f"{wing} imports {'.'.join(target)}"
        elif room and len(target) > 1:
            names = [name for name in (".".join(target[1:]), target[1]) if name in ROOMS[wing]]
            mine = [name for name in (".".join(room), room[0]) if name in ROOMS[wing]]
            if names and mine and names[0] != mine[0]:
                assert ROOMS[wing].index(names[0]) < ROOMS[wing].index(mine[0]), f"{mine[0]} imports {names[0]}"


def test_an_import_that_goes_up_is_seen(tmp_path, monkeypatch):
    fault = tmp_path / "privacy" / "mechanisms.py"
    fault.parent.mkdir()
    fault.write_text("from ..training import server\n")
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "server.py").write_text("")
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    with pytest.raises(AssertionError, match=r"privacy imports training\.server"):
        test_no_import_goes_up(fault)


@pytest.mark.parametrize("path", [path for path in FILES if place(path)[0] in CORE], ids=lambda path: ".".join(place(path)))
def test_the_core_uses_only_its_libraries(path):
    assert imports(path)[0] <= LIBRARIES[place(path)[0]]
    assert not imports(path, tree(path).body)[0] & LATE  # not at the module's own level


def test_ipywidgets_stays_in_interactive_and_course():
    users = {place(path) for path in FILES if "ipywidgets" in imports(path)[0]}
    drawn = {("interactive", name) for name in ("along", "controls", "explorers", "playing", "predictions")}
    assert users <= drawn | {("course", "quizzes")}


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


@pytest.mark.parametrize(  # an exercise draws fresh inputs each time it is checked
    "path", [path for path in FILES if "exercises" not in path.parts], ids=lambda path: ".".join(place(path))
)
def test_every_draw_names_its_generator(path):
    for call in (
        node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ):
        text, name = ast.unparse(call), call.func.attr
        owner = ast.unparse(call.func.value)
        if name in DRAWING and (owner == "torch" or name.endswith("_")):
            assert any(keyword.arg == "generator" for keyword in call.keywords), text
        assert not (owner in ("np.random", "numpy.random") and name not in ("default_rng", "SeedSequence", "RandomState")), (
            text
        )
        assert not (owner == "np.random" and not call.args), text  # default_rng without a seed
        assert not (name in ("manual_seed", "seed") and owner in ("torch", "random", "torch.cuda")), text


def test_the_scan_for_draws_sees_an_unseeded_one(tmp_path):
    fault = tmp_path / "fault.py"
    fault.write_text("import torch\nx = torch.randn(3)")
    with pytest.raises(AssertionError, match="randn"):
        test_every_draw_names_its_generator(fault)


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


@pytest.mark.parametrize("path", [path for path in FILES if place(path)[0] in CORE], ids=lambda path: ".".join(place(path)))
def test_every_public_function_and_class_is_documented(path):
    loaded = importlib.import_module(".".join(["fldp_lib", *place(path)]))
    assert loaded.__doc__
    for name, thing in vars(loaded).items():
        own = not name.startswith("_") and getattr(thing, "__module__", "").startswith(loaded.__name__)
        if own and (inspect.isclass(thing) or inspect.isfunction(thing)):
            assert inspect.getdoc(thing), f"{loaded.__name__}.{name}"
