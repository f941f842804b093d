"""Every argument of every public name × its bad values: an error of the house's form, before anything is done.

`bad_values` has the values and the walker; the tables here have one good call for each public name, and say of which kind
each argument is. What is not in a table stands in `EXEMPT`, with the reason; a test holds the two to the package.
"""

import fnmatch
import importlib.util
import os
import pathlib
import tempfile

import bad_analytics
import numpy as np
import pytest
import torch
from bad_values import KINDS, NO_OBJECT, Broken, Target, parameters, public, spy
from conftest import dataset, federation, generator
from matplotlib.figure import Figure

from fldp_lib import Plan, accounting, aggregation, checks, clients, course, data, mechanisms, models, train
from fldp_lib.adversary import faults, poisoning
from fldp_lib.data import flights, generators, plays
from fldp_lib.interactive import browser, explorers, plots, predictions
from fldp_lib.privacy import attacker, strategies
from fldp_lib.privacy.correlated import Correlated
from fldp_lib.privacy.integers import Skellam
from fldp_lib.training import adapters, algorithms, text_models
from fldp_lib.training.transport import compression, signatures
from fldp_lib.vertical import matching, parties, protection, split

TOY = dataset(12, classes=2)
FED = federation([3, 2, 4, 3])
LINEAR = models.Linear(3, 2)
THETA = models.flatten(LINEAR) + torch.arange(8) / 10
ROWS = torch.arange(15.0).reshape(5, 3) - 7
PAIRS = [(-1.0, 1.0)] * 3
CITY = generators.city(sensors=2, days=1, phones=3)
CHART = plots.Chart([plots.Panel(x=(0, 1), y=(0, 60))])
LINE = plots.line([0, 1], [0, 1])
SKELLAM = Skellam(1.0, 1.0)
SIGNERS, ROSTER = signatures.enrol(3)
SLIDER = explorers.Slider("n", "number", 1, 9, 3, whole=True)
CHOICE = explorers.Choice("kind", "kind", ["a", "b"], "a")
PREDICTION = predictions.Prediction("", "which?", ["a", "b"], 1, "so")
EXPLORER = explorers.Explorer(
    "title", [SLIDER, CHOICE], lambda n, kind: n, CHART, lambda r: [plots.line([0, 1], [0, r])], lambda r: f"result {r}"
)
EXPLORER_TOO, LIVE = (explorers.Explorer(
    "title", [SLIDER], lambda n: n, plots.Chart([plots.Panel()]), lambda n: [], str
) for _ in range(2))  # fmt: skip
browser.live(LIVE, "nb00.hospitals")
QUESTION = course.Question("what?", (("this", "yes"), ("that", "no")), 0)
MAPPED = data.load("breast_cancer", features=["mean radius", "mean texture"])
FEDERATION2 = federation([3, 2], features=2)


def loss(outputs, targets):
    return (outputs.squeeze(-1) - targets).square()


NO_LIMITS = {
    "None": None,
    "one": (1,),
    "text": "ab",
    "equal": (1, 1),
    "NaN": (0, float("nan")),
    "inf": (0, float("inf")),
    "object": Broken(),
    "strings": ("a", "b"),
    "array of three": np.arange(3),
}
NO_PAIRS = {
    "one row": [(-1, 1)],
    "reversed": [(1, -1)] * 3,
    "equal": [(1, 1)] * 3,
    "NaN": [(float("nan"), 1)] * 3,
    "inf": [(-1, float("inf"))] * 3,
    "text": "ab",
    "strings": [("a", "b")] * 3,
    "object": Broken(),
    "ragged": [(1, 2), (1,)],
    "three columns": np.ones((3, 3)),
    "booleans": [(False, True)] * 3,
    "complex": np.array([(0, 1j)] * 3),
}
SPEAKERS = list(plays.roles()[:4])
WRITER = text_models.CharMLP(35, window=3, hidden=2, embed=2)
SCORES = torch.arange(9.0)
NO_SPEAKERS = {"5": 5, "none": [], "text": "ab", "strings": ["a"], "numbers": [1, 2], "object": Broken()}
NO_SIGNS = {"None": None, "5": 5, "capitals": "Ab", "digit": "a1", "list": ["a"], "object": Broken()}
NO_LETTERS = {"None": None, "5": 5, "empty": "", "twice": "aab", "capitals": "AB", "list": ["a"], "object": Broken()}
NO_CODES = {"too large": [35], "negative": [-1], "fraction": [0.5], "text": "a", "None": None, "5": 5, "object": Broken(),
    "two axes": [[1, 2]]}  # fmt: skip
NO_SECRETS = {"5": 5, "another length": ["a"], "another letter": ["ax"], "empty": [""], "numbers": [1], "object": Broken()}
DAYS = {"0": 0, "-1": -1, "366": 366, "2.5": 2.5, "text": "3", "None": None, "NaN": float("nan"), "object": Broken()}
NO_OWNERS = {
    "too few": [0, 1],
    "fractions": np.arange(12) + 0.5,
    "NaN": np.full(12, np.nan),
    "a number": 3,
    "None among them": [None] * 12,
    "mixed": [*["a"] * 6, *[1.5] * 6],
    "object": Broken(),
    "two axes": np.zeros((12, 1), int),
    "complex": np.zeros(12) + 1j,
}
ROWS_OF_MINE = {"id": [1, 1, 2, 2, 3, 3], "age": [1, 2, 3, 4, 5, 6], "kind": ["a", "b"] * 3, "y": [0, 1] * 3}
MY_FILE = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
MY_FILE.write_text("id,age,kind,y\n" + "".join(f"{n // 2},{n + 1},{'ab'[n % 2]},{n % 2}\n" for n in range(6)))
TABLE = dict(client="id", target="y", bounds={"age": (1, 9)}, levels={"kind": ["a", "b"]}, classes=[0, 1], log=["age"],
    ignore=[], test="records", test_share=0.3, seed=0, most=2)  # fmt: skip
NO_LEVELS = {"text": "ab", "one": ["a"], "twice": ["a", "a"], "fractions": [0.5, 1.5], "5": 5, "object": Broken()}
TABLED = dict(client="choice", target="choice", test="choice", test_share="inside", seed="whole", most="count; fine: None",
    bounds={"None": None, "5": 5, "text": "auto", "none": {}, "unknown": {"size": (0, 1)}, "both": {"age": (1, 9), "kind":
    (0, 1)}, "the client's": {"age": (1, 9), "id": (0, 9)}, "object": Broken()} | {f"age {label}": {"age": value}
    for label, value in NO_LIMITS.items()}, levels={"5": 5, "text": "ab", "none": {}, "unknown": {"size": ["a", "b"]}} |
    {f"kind {label}": {"kind": value} for label, value in NO_LEVELS.items()}, classes=NO_LEVELS,
    log={"None": None, "text": "age", "unknown": ["size"], "a category": ["kind"], "twice": ["age", "age"], "5": 5},
    ignore={"None": None, "text": "age", "unknown": ["size"], "all": ["age", "kind"], "twice": ["age", "age"]})  # fmt: skip
TABLED_BY = {"ignore": "ignore|bounds", "frame": "frame|columns"}
NO_MARKS = {"None": None, "5": 5, "text": "line", "numbers": [1, 2], "a mark alone": LINE, "object": Broken()}
NO_MARKS_HERE = NO_MARKS | {"another panel": [plots.line([0, 1], [0, 1], panel=7)]}
NO_WORDS = {"None": None, "5": 5, "numbers": [1], "object": Broken()}
NO_WIDTH = {"0": 0, "-1": -1, "text": "5", "NaN": float("nan"), "inf": float("inf"), "object": Broken(), "array": np.ones(2)}
NO_POINTS = {"1": 1, "0": 0, "-1": -1, "2.5": 2.5, "text": "3", "NaN": float("nan"), "object": Broken(), "huge": 10**30}
CLIENTS = {
    "too large": [0, 9],
    "negative": [-1],
    "fraction": [0.5],
    "text": "0",
    "strings": ["a"],
    "None": None,
    "number": 0,
    "short mask": [True, False],
    "two axes": torch.zeros(2, 2, dtype=torch.int64),
    "NaN": np.array([np.nan]),
    "object": Broken(),
    "complex": np.array([1j]),
}
NO_MODULE = {"None": None, "5": 5, "text": "Linear", "object": Broken(), "a class": torch.nn.Linear}
STYLED = dict(style="index", label="text", panel="whole", opacity="from 0 to 1")
MARKED = dict(
    x={
        "text": "a",
        "strings": ["a", "b"],
        "too few": [1],
        "two axes": np.ones((2, 2)),
        "None": None,
        "object": Broken(),
        "complex": [1j, 2j],
        "ragged": [[1], [1, 2]],
    }
)
MARKED_Y = {name: value for name, value in MARKED["x"].items()}
NO_OUTPUT = {
    "5": 5,
    "wrong shape": lambda outputs, targets: outputs.sum(),
    "text": "mse",
    "object": Broken(),
    "None returned": lambda outputs, targets: None,
}


class Squeezed(torch.nn.Module):
    """A model that returns (samples,) instead of (samples, out)."""

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 1)

    def forward(self, x):
        return self.fc(x).squeeze(-1)


class SqueezedClasses(torch.nn.Module):
    """A classifier of two classes that drops the axis of its outputs."""

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 1)

    def forward(self, x):
        return self.fc(x).squeeze()


def explorer(**changes):
    parts = dict(title="title", controls=[SLIDER], compute=lambda n: n, chart=CHART, marks=lambda r: [LINE], say=str)
    return parts | dict(predict=("which?", ["a", "b"], 1, "so")) | changes


# fmt: off
DATA = [
    Target("data.federation.Dataset", lambda: dict(name="toy", x_train=TOY.x_train, y_train=TOY.y_train, x_test=TOY.x_test,
        y_test=TOY.y_test, task="classification", source="here", features=("a", "b", "c"), classes=("no", "yes"),
        bounds=PAIRS, scale="linear", owner_train=np.arange(12), owner_test=np.arange(20)), dict(name="text",
        x_train="tensor", y_train="labels", x_test="tensor", y_test="labels", task="choice", source="text",
        features="names", classes="names", bounds=NO_PAIRS, scale="choice", owner_train=NO_OWNERS, owner_test=NO_OWNERS)),
    Target("data.federation.Federation", lambda: dict(x=FED.x, y=FED.y, mask=FED.mask, x_test=FED.x_test, y_test=FED.y_test,
        task="classification", name="", owners=list("abcd")), dict(x="tensor; fine: NaN, inf", y="labels", x_test="tensor",
        y_test="labels", task="choice", name="text", mask={"numbers": FED.mask.long(), "text": "yes",
        "floats": FED.mask.double().numpy(), "None": None, "object": Broken(), "one axis": [True, False], "strings": ["a"],
        "short": FED.mask[:2]}, owners=NO_OWNERS)),
    Target("data.federation.Federation.client", lambda: dict(k=1), dict(k="index"), lambda: FED),
    Target("data.federation.Federation.without", lambda: dict(client=1), dict(client="index"), lambda: FED),
    Target("data.federation.Federation.select", lambda: dict(clients=[1, 0]), dict(clients=CLIENTS), lambda: FED),
    Target("data.federation.Federation.held_out", lambda: dict(share=0.2, seed=0), dict(share="inside", seed="whole"),
        lambda: FED),
    Target("data.federation.Federation.to", lambda: dict(device="cpu"), dict(device="device"), lambda: FED),
    Target("data.flights.period", lambda: dict(first=100, days=2, counts=flights.table()[1].copy()),
        dict(first=DAYS, days=DAYS, counts="tensor; fine: None")),
    Target("data.plays.encode", lambda: dict(text="to be"), dict(text=NO_SIGNS)),
    Target("data.plays.decode", lambda: dict(codes=[1, 2]), dict(codes=NO_CODES)),
    Target("data.plays.cut", lambda: dict(text="to be", length=2, every=1, first=0), dict(text=NO_SIGNS, length="count",
        every="count", first="whole")),
    Target("data.plays.words", lambda: dict(some=SPEAKERS), dict(some=NO_SPEAKERS), called={"some": "roles"}),
    Target("data.plays.windows", lambda: dict(some=SPEAKERS[:2], length=4, every=50, held=SPEAKERS[2:]),
        dict(some=NO_SPEAKERS, held=NO_SPEAKERS | {"the same": SPEAKERS[1:]}, length="count", every="count"),
        called={"some": "roles|held", "held": "roles|held"}),
    Target("data.plays.divide", lambda: dict(held=3, seed=0), dict(held="count", seed="whole")),
    Target("data.generators.lending.credit", lambda: dict(applicants=100, banks=2, thin_share=0.1, test=100, seed=0),
        dict(applicants="count", banks="count", thin_share="inside", test="count", seed="whole")),
    Target("data.generators.tastes.ratings", lambda: dict(users=5, items=6, rank=1, rated=(2, 3), noise=0.1, seed=0),
        dict(users="count", items="two", rank="count", noise="not negative", seed="whole", rated={"one": (1,),
        "reversed": (3, 2), "0": (0, 2), "text": "ab", "None": None, "5": 5, "too many": (1, 99), "NaN": (1, float("nan")),
        "fractions": (1.5, 2.5), "object": Broken()})),
    Target("data.generators.traffic.city", lambda: dict(sensors=2, days=1, noise=0.1, incidents=0.1, phones=3, seed=0),
        dict(sensors="count", days="count", noise="not negative", phones="count", seed="whole", incidents="from 0 to 1")),
    Target("data.generators.traffic.City.through", lambda: dict(flow=CITY.flow), dict(flow="tensor"), lambda: CITY),
    Target("data.splits.load", lambda: dict(name="diabetes", features=["bmi", "s5"], scale="linear", seed=0),
        dict(name="choice", features="names; fine: None", scale="choice; fine: None", seed="whole"), run=False),
    Target("data.sources.raw", lambda: dict(name="diabetes", features=["bmi", "s5"]), dict(name="choice",
        features="names; fine: None"), run=False),
    Target("data.splits.split", lambda: dict(dataset=TOY, clients=3, how="dirichlet", alpha=0.5, labels=1, seed=0, most=4),
        dict(dataset="data set", clients="index", how="choice", alpha="positive", labels="count", seed="whole",
        most="count; fine: None")),
    Target("data.splits.federate", lambda: dict(x=TOY.x_train, y=TOY.y_train, owner=np.arange(12) % 3, dataset=TOY,
        clients=3, most=2, seed=0), dict(x="tensor", y="labels", owner=NO_OWNERS | {"strings, with clients": ["a"] * 12,
        "too large": np.arange(12)}, dataset="either", clients="count; fine: None", most="count; fine: None",
        seed="whole")),
    Target("data.tables.from_frame", lambda: dict(TABLE, frame=ROWS_OF_MINE), dict(TABLED, frame={"None": None, "5": 5,
        "text": "a", "object": Broken(), "array": np.ones((3, 3)), "none": {}, "a number": {"id": 3, "age": [1], "kind": [1],
        "y": [1]}, "no records": {"id": []}, "ragged": {"id": [1], "age": [1, 2]}}), called=TABLED_BY),
    Target("data.tables.from_csv", lambda: dict(TABLE, path=MY_FILE, delimiter=","), dict(TABLED, path="path",
        delimiter={"None": None, "two": ", ", "empty": "", "a quote": '"', "a line's end": "\n", "5": 5}), called=TABLED_BY),
    Target("data.splits.scaled", lambda: dict(x=ROWS, bounds=PAIRS, scale="linear"), dict(x="tensor", bounds=NO_PAIRS,
        scale="choice")),
    Target("data.splits.scaled", lambda: dict(x=ROWS[:, 0], bounds=(1, 2), scale="log"), dict(bounds={"zero": (0, 1),
        "negative": (-1, 1), "reversed": (2, 1), "None": None, "three": (1, 2, 3)})),
]
# fmt: on

# fmt: off
SCORING = [
    Target("training.scoring.evaluate", lambda: dict(model=LINEAR, theta=THETA, federation=FED, loss=None),
        dict(model="module", theta="theta", federation="either", loss=NO_OUTPUT)),
    Target("training.scoring.evaluate", lambda: dict(model=models.Linear(3, 1), theta=THETA[:4], federation=FED, loss=loss),
        dict(model={"squeezed": Squeezed(), "other features": models.Linear(4, 1)}, theta={"too short": THETA[:3],
        "too long": THETA, "text": "a"}, loss=NO_OUTPUT), called={"model": "model|theta"}),
    Target("training.scoring.evaluate_all", lambda: dict(model=LINEAR, thetas=THETA.expand(2, -1).clone(), federation=FED,
        loss=None), dict(model="module", thetas="theta", federation="either", loss=NO_OUTPUT)),
    Target("training.scoring.score_clients", lambda: dict(model=LINEAR, thetas=THETA.expand(FED.clients, -1).clone(),
        federation=FED, loss=None), dict(model="module", thetas="tensor", federation="federation", loss=NO_OUTPUT)),
    Target("training.scoring.interval", lambda: dict(values=[0.1, 0.2, 0.4], level=0.9), dict(values={"one": [1.0],
        "none": [], "NaN": [1.0, float("nan")], "inf": [1.0, float("inf")], "text": "12", "strings": ["a", "b"],
        "None": None, "5": 5, "two axes": np.ones((2, 2)), "complex": [1j, 2j], "object": Broken()}, level="inside")),
]
# fmt: on

# fmt: off
ADVERSARY = [
    Target("adversary.inversion.read_first_layer", lambda: dict(model=LINEAR, update=THETA), dict(model="module",
        update="theta")),
    Target("adversary.inversion.label_of", lambda: dict(model=LINEAR, update=THETA), dict(model="module", update="theta")),
    Target("adversary.inversion.match_gradients", lambda: dict(model=LINEAR, theta=THETA, update=-THETA, steps=2,
        restarts=1, low=0.0, high=1.0, seed=0), dict(model="module", theta="theta", update="theta", steps="count",
        restarts="count", low="real", high="real", seed="whole")),
    Target("adversary.inversion.match_gradients", lambda: dict(model=LINEAR, theta=THETA, update=-THETA, steps=2),
        dict(low={"above high": 2.0, "equal": 1.0})),
    Target("adversary.canaries.plant", lambda: dict(roles=SPEAKERS, count=2, length=2, repeats=1, letters="abc",
        prefix="is ", seed=0), dict(roles=NO_SPEAKERS, count="index", length="count", repeats="count", letters=NO_LETTERS,
        prefix=NO_SIGNS | {"empty": ""}, seed="whole"), called={"prefix": "prefix|text"}),
    Target("adversary.canaries.log_likelihoods", lambda: dict(model=WRITER, theta=models.flatten(WRITER), window=3, length=2,
        letters="abc", prefix="is ", batch=4), dict(model="object", theta="theta", window="count", length="count",
        letters=NO_LETTERS, prefix=NO_SIGNS, batch="count"), called={"prefix": "prefix|text"}),
    Target("adversary.canaries.place", lambda: dict(secret="ab", letters="abc"), dict(secret={"None": None, "5": 5,
        "another": "ax", "empty": "", "object": Broken()}, letters=NO_LETTERS)),
    Target("adversary.canaries.exposure", lambda: dict(scores=SCORES, secrets=["ab"], letters="abc"), dict(scores="tensor",
        secrets=NO_SECRETS, letters=NO_LETTERS), called={"secrets": "secrets?|scores"}),
    Target("adversary.canaries.sampled_exposure", lambda: dict(own=0.5, others=[0.1, 0.9]), dict(own="real",
        others="tensor")),
    Target("adversary.canaries.chance", lambda: dict(bits=[1.0, 2.0]), dict(bits="tensor")),
    Target("adversary.canaries.ceiling", lambda: dict(plan=Plan(rounds=1, mechanism=GAUSSIAN), bits=3.0), dict(plan="object",
        bits="not negative")),
    Target("adversary.poisoning.Poisoned", lambda: dict(aggregator=aggregation.mean, attack=poisoning.sign_flip,
        attackers=1), dict(aggregator="function", attack="function", attackers="whole")),
    Target("adversary.poisoning.Poisoned.__call__", lambda: dict(updates=ROWS, sizes=None),
        dict(updates={name: value for name, value in {"text": "a", "None": None, "5": 5, "one axis": ROWS[0],
        "too few": ROWS[:1], "object": Broken()}.items()}, sizes=None), lambda: poisoning.Poisoned(aggregation.mean,
        poisoning.sign_flip, 2), called={"updates": "updates|attackers"}),
    Target("adversary.poisoning.sign_flip", lambda: dict(updates=ROWS, attackers=2), dict(updates="tensor; fine: NaN, inf",
        attackers="index")),
    Target("adversary.poisoning.a_little_is_enough", lambda: dict(updates=ROWS, attackers=2),
        dict(updates="tensor; fine: NaN, inf", attackers="index")),
    Target("adversary.poisoning.boost", lambda: dict(factor=2.0), dict(factor="real")),
    Target("adversary.poisoning.inner_product", lambda: dict(factor=2.0), dict(factor="positive")),
    Target("adversary.poisoning.flip_labels", lambda: dict(federation=FED, attackers=1, classes=2),
        dict(federation="federation", attackers="index", classes="two")),
    Target("adversary.poisoning.backdoor", lambda: dict(federation=FED, attackers=1, pixels=[0, 2], target=1, value=1.0),
        dict(federation="federation", attackers="index", target="whole", value="real", pixels={"none": [], "too large": [0,
        3], "negative": [-1], "fraction": [0.5], "text": "0", "None": None, "5": 5, "object": Broken(), "strings": ["a"]})),
    Target("adversary.poisoning.stamp", lambda: dict(x=ROWS, pixels=[0, 2], value=1.0), dict(x={"text": "a", "None": None,
        "5": 5, "strings": ["a"], "object": Broken(), "complex": ROWS + 1j}, value="real", pixels={"none": [],
        "too large": [0, 3], "negative": [-1], "fraction": [0.5], "text": "0", "None": None})),
]
# fmt: on

# fmt: off
INTERACTIVE = [
    Target("interactive.controls.Slider", lambda: dict(name="n", label="number", low=1, high=9, value=3, step=1, log=False,
        whole=False), dict(name="text", label="text", low="real", high="real", value="real", step="positive", log="flag",
        whole="flag")),
    Target("interactive.controls.Slider", lambda: dict(name="n", label="number", low=1, high=9, value=3, whole=True),
        dict(name={"no keyword": "a b", "empty": "", "digit": "1"}, low={"1.5": 1.5, "9": 9, "10": 10, "NaN": float("nan"),
        "text": "1"}, high={"below": 0, "equal": 1, "1.5": 1.5}, value={"below": 0, "above": 10, "1.5": 1.5})),
    Target("interactive.controls.Slider", lambda: dict(name="n", label="number", low=0.1, high=9, value=3, log=True),
        dict(low={"0": 0, "-1": -1})),
    Target("interactive.controls.Slider.check", lambda: dict(value=3), dict(value="index"), lambda: SLIDER,
        called={"value": "n"}),
    Target("interactive.controls.Slider.spread", lambda: dict(points=3), dict(points="two"), lambda: SLIDER),
    Target("interactive.controls.Choice", lambda: dict(name="kind", label="kind", options=["a", "b"], value="a"),
        dict(name="text", label="text", options={"None": None, "empty": [], "empty dict": {}, "5": 5, "text": "ab"},
        value="choice", buttons="flag")),
    Target("interactive.controls.Choice.place", lambda: dict(value="a"), dict(value="choice"), lambda: CHOICE,
        called={"value": "kind"}),
    Target("interactive.controls.Choice.check", lambda: dict(value="a"), dict(value="choice"), lambda: CHOICE,
        called={"value": "kind"}),
    Target("interactive.explorers.Explorer", explorer, dict(title="text", compute="function", marks="function",
        say="function", controls={"None": None, "none": [], "text": "ab", "5": 5, "a slider": SLIDER,
        "two of one name": [SLIDER, SLIDER], "numbers": [1, 2]}, chart={"None": None, "5": 5, "a panel": plots.Panel(),
        "text": "chart"}, predict={"text": "which?", "5": 5, "no answer": ("which?", ["a", "b"])},
        attacker="function; fine: None", unit="text", play={"5": 5, "a menu": "kind", "unknown": "m"},
        along={"5": 5, "none": [], "a menu": {"kind": 0}, "unknown": {"m": 0}, "beyond": {"n": 1}, "text": {"n": "x"}})),
    Target("interactive.along.Along", lambda: dict(panel=0, axis="x", place=abs), dict(panel="whole",
        axis="choice", place="function; fine: None")),
    Target("interactive.predictions.Prediction", lambda: dict(id="05.a", question="which?", options=["a", "b"], right=1,
        because="so"), dict(id="text", question="text", options={"None": None, "none": [], "numbers": [1, 2], "one": ["a"],
        "twice": ["a", "a"], "text": "ab"}, right={"None": None, "2": 2, "-1": -1, "text": "a", "0.5": 0.5},
        because="text")),
    Target("interactive.predictions.Prediction.reveal", lambda: dict(choice="a"), dict(choice="choice",
        result={}), lambda: PREDICTION),
    Target("interactive.predictions.Prediction.commit", lambda: dict(choice="a"), dict(choice="choice",
        result={}), lambda: PREDICTION),
    Target("privacy.attacker.Attacker.said", lambda: dict(unit="client"), dict(unit="text"), lambda: attacker.of(None)),
    Target("interactive.predictions.checked", lambda: dict(asked=("which?", ["a", "b"], 0, "so")),
        dict(asked={"text": "which?", "5": 5, "no answer": ("which?", ["a", "b"])}), called={"asked": "predict"}),
    Target("course.quizzes.predict", lambda: dict(id="05.a", question="which?", options=["a", "b"], right=1, because="so"),
        dict(id="text", question="text", options={"None": None, "none": [], "one": ["a"]}, right={"2": 2, "text": "a"},
        because="text")),
    Target("interactive.explorers.Explorer.set", lambda: dict(n=3, kind="b"), dict(n="index", kind="choice"),
        lambda: EXPLORER),
    Target("interactive.explorers.Explorer.set", lambda: dict(), dict(unknown={"5": 5}), lambda: EXPLORER),
    Target("interactive.browser.live", lambda: dict(explorer=EXPLORER_TOO, name="nb00.hospitals", data=dict),
        dict(explorer="object", name="text", data="function; fine: None")),
    Target("interactive.browser.packed", lambda: dict(value={"a": [1, "b", None, np.ones(3)]}),
        dict(value={"64 bits": np.array([2**40]), "complex": np.array([1j]), "object": Broken(), "bytes": b"a"})),
    Target("interactive.pages.files", lambda: dict(name="nb00.hospitals"), dict(name={"None": None, "number": 5,
        "empty": "", "unknown": "nb00.nothing"})),
    Target("interactive.pages.copy", lambda: dict(folder="trainer"), dict(folder={"None": None, "number": 5}), run=False),
    Target("interactive.pages.write", lambda: dict(explorer=LIVE, path="page.html", scripts="static"),
        dict(explorer="object", path="path", scripts={"number": 5, "empty": ""}), run=False),
    Target("interactive.pages.page", lambda: dict(explorer=LIVE, key="a", loaded=""), dict(explorer="object", key="text",
        loaded={"None": None, "number": 5})),
    Target("interactive.pages.layout", lambda: dict(chart=plots.Chart([plots.Panel()]), name="a"), dict(chart="object",
        name="text")),
    Target("interactive.explorers.Explorer.sweep", lambda: dict(name="n", points=2, panel=0), dict(name="choice",
        points=NO_POINTS, panel="index; fine: None"), lambda: EXPLORER, called={"name": "control"}),
    Target("interactive.explorers.Explorer.export_html",
        lambda: dict(path="page.html", points=2, together=1, n=[1, 9], kind="a"),
        dict(path="path", points=NO_POINTS, together="count; fine: None",
        n={"none": [], "too large": [10], "text": "a", "NaN": float("nan")},
        kind={"unknown": "c", "none": []}), lambda: EXPLORER, run=False),
    Target("interactive.marks.line", lambda: dict(x=[0, 1], y=[0, 1], style=0, label="", panel=0, width=1.8, opacity=1.0),
        dict(**MARKED, y=MARKED_Y, width="not negative", **STYLED)),
    Target("interactive.marks.band", lambda: dict(x=[0, 1], low=[0, 1], high=[1, 2], style=0, label="", panel=0,
        opacity=0.2), dict(**MARKED, low=MARKED_Y, high=MARKED_Y, **STYLED)),
    Target("interactive.marks.dots", lambda: dict(x=[0, 1], y=[0, 1], style=0, label="", panel=0, size=3.0, opacity=0.9),
        dict(**MARKED, y=MARKED_Y, size="not negative", **STYLED)),
    Target("interactive.marks.bars", lambda: dict(x=[0, 1], height=[0, 1], style=0, label="", panel=0, width=0.8, base=[0,
        0], opacity=0.9), dict(**MARKED, height=MARKED_Y, width="not negative", base={k: v for k,
        v in MARKED_Y.items() if v is not None}, **STYLED)),
    Target("interactive.marks.text", lambda: dict(x=0.5, y=0.5, words="here", style=0, panel=0), dict(x="real", y="real",
        words="text", style="index", panel="whole")),
    Target("interactive.marks.cloud", lambda: dict(x=[0, 1], draws=[[0, 1], [1, 2]], style=0, label="", panel=0),
        dict(x=MARKED["x"], draws={"None": None, "one": [[0, 1]], "text": "ab", "row": [0, 1], "object": Broken()},
        style="index", label="text", panel="whole")),
    *(Target(f"interactive.marks.{name}", lambda: dict(x=[0, 1], y=[0, 1], style=0, label="", panel=0, size=3.0,
        opacity=0.9),
        dict(**MARKED, y=MARKED_Y, size="not negative", **STYLED)) for name in ("people", "places")),
    Target("interactive.marks.pinned", lambda: dict(marks=[LINE]), dict(marks=NO_MARKS)),
    Target("interactive.pictures.Picture", lambda: dict(png=b'a', alt="a picture", width=5), dict(png="text; fine: bytes",
        alt="text", width=NO_WIDTH)),
    Target("interactive.pictures.picture", lambda: dict(figure=Figure(), alt="a picture", dpi=20), dict(figure="object",
        alt="text", dpi="positive")),
    Target("interactive.pictures.encode", lambda: dict(png=b'a'), dict(png="text; fine: bytes")),
    Target("interactive.panels.Panel", lambda: dict(title="", xlabel="", ylabel="", x=(0, 1), y=(0, 1), xlog=False,
        ylog=False, xticks=[0, 1], yticks={0: "a"}, right=0.0, equal=True), dict(equal="flag",
        title="text", xlabel="text", ylabel="text",
        x=NO_LIMITS, y=NO_LIMITS, xlog="flag", ylog="flag", xticks={"text": "ab", "5 axes": np.ones((2, 2)),
        "strings": ["a"], "object": Broken()}, yticks={"text": "ab", "strings": ["a"], "object": Broken()},
        right="from 0 to 1")),
    Target("interactive.panels.Panel", lambda: dict(x=(1, 2), y=(1, 2), xlog=True, ylog=True), dict(x={"zero": (0, 1),
        "negative": (-1, 1)}, y={"zero": (0, 1), "negative": (-1, 1)})),
    Target("interactive.plots.Chart", lambda: dict(panels=[plots.Panel()], columns=1, size=(3, 2)),
        dict(panels={"None": None, "none": [], "numbers": [1], "a panel": plots.Panel(), "text": "ab"},
        columns="count; fine: None", size=NO_LIMITS | {"equal": (0, 1), "negative": (-1, 1), "huge": (1, 1000000000.0)})),
    *(Target(f'interactive.plots.Chart.{method}', lambda: dict(marks=[LINE], alt="a line"), dict(marks=NO_MARKS_HERE,
        alt="text"), lambda: CHART) for method in ("svg", "layers", "page", "show")),
    Target("interactive.plots.Chart.png", lambda: dict(marks=[LINE], dpi=20), dict(marks=NO_MARKS_HERE, dpi="positive"),
        lambda: CHART),
    Target("interactive.plots.Chart.backdrop", lambda: dict(layouts=1), dict(layouts="count; fine: None"), lambda: CHART),
    Target("interactive.plots.Chart.overlay", lambda: dict(marks=[LINE]), dict(marks=NO_MARKS_HERE), lambda: CHART),
    Target("interactive.plots.Chart.pieces", lambda: dict(marks=[LINE]), dict(marks=NO_MARKS_HERE), lambda: CHART),
    Target("interactive.scenes.ticks", lambda: dict(dataset=MAPPED, column=0, values=[7, 20]), dict(dataset="object",
        column="index", values={"outside": [1000], "text": "a", "None": None, "NaN": [float("nan")], "strings": ["a"],
        "5": 5, "object": Broken()})),
    Target("interactive.scenes.maps", lambda: dict(dataset=MAPPED, titles=["a", "b"], values=([7, 20], [10, 30]), columns=2,
        words=("x", "y")), dict(dataset="object", titles={"None": None, "5": 5, "text": "ab", "numbers": [1]},
        columns="count", values={"one": ([7],), "None": None, "text": "ab", "5": 5}, words={"one": ("a",), "None": None,
        "5": 5, "numbers": (1, 2)}), called={"titles": "titles?", "words": "words|xlabel"}),
    Target("interactive.scenes.boundary", lambda: dict(theta=[1.0, 1.0, 0.0], style=0, panel=0, shade=True, width=2.2,
        opacity=1.0), dict(theta="theta; fine: NaN, inf", style="index", panel="whole", shade="flag", width="not negative",
        opacity="from 0 to 1")),
    Target("interactive.scenes.records", lambda: dict(x=ROWS[:, :2], y=[0, 1, 1, 0, 1], panel=0, size=2.0), dict(x="tensor",
        y="labels", panel="whole", size="not negative")),
    Target("interactive.scenes.words", lambda: dict(lines=["a", "b"], panel=0, styles=(0, 1)), dict(lines=NO_WORDS,
        panel="whole", styles={"None": None, "5": 5, "strings": ("a", "b"), "too large": (0, 99)}),
        called={"lines": "lines|words", "styles": "styles?"}),
    Target("interactive.scenes.client", lambda: dict(federation=FEDERATION2, k=0, theta=[1.0, 1, 0], panel=0, before=[1.0,
        0, 0], lines=["a"], shade=False), dict(federation="federation", k="index", theta="theta; fine: NaN, inf",
        panel="whole", shade="flag", before={"too short": [1.0], "text": "a"}, lines=NO_WORDS),
        called={"lines": "lines|words", "before": "before|theta"}),
    Target("interactive.scenes.merged", lambda: dict(federation=FEDERATION2, thetas=[[1.0, 1, 0]], panel=0, lines=["a"],
        styles=(3, 4), shade=0), dict(federation="federation; fine: a data set", thetas={"None": None, "text": "a", "5": 5,
        "too short": [[1.0]]}, panel="whole", lines=NO_WORDS, styles={"None": None, "5": 5, "strings": ("a", "b")},
        shade={"text": "a", "huge": 99}), called={"lines": "lines|words", "thetas": "thetas?", "styles": "styles?"}),
    Target("interactive.scenes.leave_one_out", lambda: dict(fit=lambda fed, seed: THETA[:3], federation=FEDERATION2, k=0,
        runs=1, seed=0), dict(fit="function", federation="federation", k="index", runs="count", seed="whole")),
    Target("interactive.scenes.ensembles", lambda: dict(first=ROWS, second=ROWS, panel=0, styles=(1, 2)),
        dict(first="theta; fine: NaN, inf", second="theta; fine: NaN, inf", panel="whole", styles={"None": None, "5": 5,
        "strings": ("a", "b")}), called={"styles": "styles?"}),
]
# fmt: on

# fmt: off
COURSE = [
    Target("course.bars.bar", lambda: dict(values=[1], unit="run"), dict(values={"None": None, "a number": 3, "a generator":
        (k for k in range(3)), "object": Broken()}, unit="text")),
    Target("course.hand_in.report", lambda: dict(name="h.json", folder=".", notebooks=".", learner=""), dict(name={"a path":
        "../h.json", "empty": "", "None": None}, folder={"absent": "absent", "a number": 3}, notebooks={"absent": "absent",
        "a number": 3}, learner={"None": None, "a number": 3})),
    Target("course.slices.answers", lambda: dict(cells=["f = 1"]), dict(cells={"None": None,
        "numbers": [1], "text": "f = 1"})),
    Target("course.slices.broken", lambda: dict(cells=["f = ("]), dict(cells={"None": None,
        "numbers": [1], "text": "f = 1"})),
    Target("course.grade.grade", lambda: dict(folder=".", seconds=5, memory=100, jobs=1, progress=False),
        dict(folder={"absent": "absent", "a number": 3}, seconds={"0": 0, "half": 0.5}, memory={"1": 1, "text": "1"},
        jobs={"0": 0, "half": 0.5}, progress={"1": 1})),
    Target("course.contents.cells", lambda: dict(path="05"), dict(path="path"), also=(FileNotFoundError,)),
    Target("course.contents.prose", lambda: dict(path="05"), dict(path="path"), also=(FileNotFoundError,)),
    Target("course.contents.callouts", lambda: dict(path="05"), dict(path="path"), also=(FileNotFoundError,)),
    Target("course.contents.cited", lambda: dict(path="05"), dict(path="path"), also=(FileNotFoundError,)),
    Target("course.contents.cells", lambda: dict(path="05"), dict(path={"no notebook": "99", "absent": "absent.ipynb",
        "other": __file__}), also=(FileNotFoundError,)),
    Target("course.contents.Errata", lambda: dict(home="."), dict(home="path; fine: None, a folder")),
    Target("course.contents.folder", lambda: dict(name="figures"), dict(name="choice")),
    Target("course.contents.table", lambda: dict(path="19", columns=["nothing", "such"]), dict(path="path",
        columns={"unknown": ["a", "b"], "numbers": [1, 2], "none": []}), also=(FileNotFoundError,), run=False,
        via=lambda function, path, columns: function(path, *columns)),
    Target("course.progress.write", lambda: dict(kind="quiz", name="05.1", right=True), dict(kind="choice", name="text",
        right="flag"), run=False),
    Target("course.quizzes.Question", lambda: dict(text="what?", options=(("a", "b"),), right=0), dict(text="text",
        options={"None": None, "none": (), "text": "ab", "strings": ("a", "b"), "numbers": ((1, 2),)}, right="index")),
    Target("course.quizzes.Quiz", lambda: dict(questions=[QUESTION], notebook="05"), dict(questions={"None": None,
        "text": "ab", "numbers": [1], "a question": QUESTION}, notebook="text; fine: None")),
    Target("course.quizzes.Quiz.answer", lambda: dict(number=1, choice=1), dict(number="index", choice="index"),
        lambda: course.Quiz([QUESTION])),
    Target("course.quizzes.Quiz.answer", lambda: dict(number=1, choice=1), dict(number={"0": 0, "2": 2}, choice={"0": 0,
        "3": 3}), lambda: course.Quiz([QUESTION])),
    Target("course.teacher.Exercise", lambda: dict(id="99.1", task="do", test=loss, hints=("a",)), dict(id="text",
        task="text", test="function", hints={"None": None, "none": (), "text": "ab", "numbers": [1]})),
    Target("course.teacher.Code", lambda: dict(text="x = 1"), dict(text="text")),
    Target("course.teacher.exercise", lambda: dict(id="05.2"), dict(id="text")),
    Target("course.teacher.exercise", lambda: dict(id="05.2"), dict(id={"unknown": "05.99", "no notebook": "77.1",
        "empty": ""})),
    Target("course.teacher.quiz", lambda: dict(notebook="05"), dict(notebook="text")),
    Target("course.teacher.quiz", lambda: dict(notebook="05"), dict(notebook={"none": "77", "more": "05.2",
        "path": "../05"})),
    Target("course.teacher.source", lambda: dict(functions=train, docstring=False),
        dict(functions="object", docstring="flag"),
        via=lambda function, functions, docstring: function(functions, docstring=docstring)),
    Target("course.teacher.figure", lambda: dict(name="private_digits.png", alt="digits", width=5), dict(name="text",
        alt="text", width=NO_WIDTH), also=(FileNotFoundError,)),
    Target("course.teacher.figure", lambda: dict(name="private_digits.png", alt="digits"), dict(name={"absent": "none.png",
        "elsewhere": "../README.md", "folder": "."}), also=(FileNotFoundError,)),
    Target("book.formulas.mathml", lambda: dict(formula="x", display="inline"), dict(formula="text", display="choice")),
    Target("book.formulas.anchor", lambda: dict(title="A b"), dict(title="text")),
    Target("book.build.build", lambda: dict(out="book", explorers=(), seconds=9),
        dict(seconds="positive", out="path; fine: a folder",
        explorers={"None": None, "5": 5, "text": "05", "unknown": ["99"], "object": Broken()}), run=False,
        also=(ModuleNotFoundError,)),
    Target("book.slides.build", lambda: dict(out="decks", notebooks=["00"], live=None), dict(out="path; fine: a folder",
        notebooks={"None": None, "text": "05", "unknown": ["99"], "object": Broken()},
        live={"absent": "no_such_folder", "a number": 5}), run=False, also=(ModuleNotFoundError,)),
]
# fmt: on

GAUSSIAN = mechanisms.Gaussian(1.0, 2.0)
CORRELATED = Correlated(1.0, 2.0)
NO_MECHANISM = {name: value for name, value in KINDS["object"].items() if name != "None"} | {"a class": mechanisms.Gaussian}
NO_SHAPE = {"text": "a", "None": None, "negative": (-1, 2), "fraction": (1.5,), "object": Broken(), "huge": (10**30,)}
PLACED = dict(clip="positive; fine: inf", at="choice", unit="choice")
NOISED = dict(shape=NO_SHAPE, generator="generator")


def noises(name, mechanism):
    """The methods that Laplace and Gaussian share."""
    owner = lambda: mechanism  # noqa: E731
    # fmt: off
    return [
        Target(f'privacy.{name}.clip_rows', lambda: dict(rows=ROWS), dict(rows="tensor; fine: NaN, inf, one more axis"),
            owner),
        Target(f'privacy.{name}.noise', lambda: dict(shape=(2, 3), generator=generator()), NOISED, owner),
        Target(f'privacy.{name}.noise_rows', lambda: dict(count=2, shape=(3,), generator=generator()), dict(count="whole",
            **NOISED), owner),
        Target(f'privacy.{name}.share', lambda: dict(shape=(2, 3), clients=4, generator=generator()), dict(clients="count",
            **NOISED), owner),
        Target(f'privacy.{name}.share_rows', lambda: dict(count=2, shape=(3,), clients=4, generator=generator()),
            dict(count="whole", clients="count", **NOISED), owner),
    ]
    # fmt: on


# fmt: off
PRIVACY = [
    Target("privacy.mechanisms.Laplace", lambda: dict(epsilon=1.0, clip=1.0, at="server", unit="client"),
        dict(epsilon="positive; fine: inf", clip="positive", at="choice", unit="choice")),
    Target("privacy.mechanisms.Gaussian", lambda: dict(noise_multiplier=1.0, clip=1.0, at="server", unit="client"),
        dict(noise_multiplier="not negative", clip="positive", at="choice", unit="choice")),
    *noises("mechanisms.Laplace", mechanisms.Laplace(1.0, 2.0)),
    *noises("mechanisms.Gaussian", GAUSSIAN),
    Target("privacy.adaptive.AdaptiveGaussian", lambda: dict(noise_multiplier=1.0, clip=1.0, at="server", unit="client",
        quantile=0.5, clip_lr=0.2, count_noise=10.0), dict(noise_multiplier="not negative", clip="positive", at="choice",
        unit="choice", quantile="inside", clip_lr="positive", count_noise="not negative")),
    Target("privacy.integers.Skellam", lambda: dict(noise_multiplier=1.0, clip=1.0, at="shares", unit="client", bits=16,
        answering=0.5), dict(noise_multiplier="not negative", clip="positive", at="choice", unit="choice", bits="two",
        answering="share")),
    Target("privacy.integers.Skellam.grid", lambda: dict(parameters=10, clients=5, step=0.1), dict(parameters="count",
        clients="count", step="positive; fine: None"), lambda: SKELLAM),
    Target("privacy.integers.Skellam.noise", lambda: dict(shape=(2, 3), generator=generator()), NOISED, lambda: SKELLAM),
    Target("privacy.integers.Skellam.share", lambda: dict(shape=(2, 3), clients=5, generator=generator()),
        dict(clients="count", **NOISED), lambda: SKELLAM),
    Target("privacy.integers.Grid.noise", lambda: dict(generator=generator(), clients=3), dict(generator="generator",
        clients={"-1": -1, "6": 6, "text": "3", "half": 0.5}), lambda: SKELLAM.grid(10, 5)),
    Target("privacy.integers.Grid.share_rows", lambda: dict(count=3, generator=generator()), dict(count="whole",
        generator="generator"), lambda: SKELLAM.grid(10, 5)),
    Target("privacy.skellam.exact_delta", lambda: dict(variance=4.0, shift=2, epsilon=0.5), dict(variance="positive",
        shift={"three": (1, 1, 1), "none": (), "half": 0.5, "text": "1", "None": None}, epsilon="not negative")),
    Target("privacy.skellam.step_mu", lambda: dict(variance=4.0), dict(variance={"0": 0, "-1": -1, "huge": 1e9, "text": "1",
        "NaN": float("nan"), "None": None})),
    Target("privacy.skellam.draw", lambda: dict(shape=(2, 3), variance=4.0, generator=generator()),
        dict(variance="not negative", **NOISED)),
    Target("privacy.participation.turns", lambda: dict(rounds=5, separation=2), dict(rounds="whole", separation="count")),
    Target("privacy.participation.banded", lambda: dict(norms=torch.ones(5), separation=2, participations=2),
        dict(norms="tensor", separation="count", participations="count; fine: None")),
    Target("privacy.participation.toeplitz", lambda: dict(coefficients=torch.tensor([1.0, 0.5]), rounds=5, separation=2,
        participations=2), dict(coefficients="tensor", rounds="count", separation="count",
        participations="count; fine: None")),
    Target("privacy.participation.toeplitz", lambda: dict(coefficients=torch.tensor([1.0, 0.5]), rounds=5, separation=2),
        dict(coefficients={"growing": [0.5, 1.0], "negative": [1.0, -0.5], "none": []})),
    Target("privacy.participation.cyclic", lambda: dict(strategy=strategies.strategy("tree", 5), separation=2),
        dict(strategy="object", separation="count")),
    Target("privacy.strategies.strategy", lambda: dict(name="banded", rounds=5, band=2), dict(name="choice", rounds="count",
        band="count; fine: None")),
    Target("privacy.strategies.square_root", lambda: dict(count=3), dict(count="count")),
    Target("privacy.strategies.optimised", lambda: dict(rounds=5, band=2), dict(rounds="count", band="count")),
    Target("privacy.strategies.optimised", lambda: dict(rounds=5, band=2), dict(band={"too many": 6})),
    *(Target(f"privacy.strategies.Strategy.{name}", lambda: dict(separation=2), dict(separation="count"),
        lambda: strategies.strategy("banded", 5, 2)) for name in ("sensitivity", "errors")),
    Target("privacy.correlated.Correlated", lambda: dict(noise_multiplier=1.0, clip=1.0, strategy="banded", band=2),
        dict(noise_multiplier="not negative", clip="positive", strategy="choice", band="count; fine: None")),
    Target("privacy.correlated.Correlated", lambda: dict(noise_multiplier=1.0, clip=1.0, strategy="tree", band=None),
        dict(band={"for a tree": 2})),
    Target("privacy.correlated.Correlated.clip_rows", lambda: dict(rows=ROWS),
        dict(rows="tensor; fine: NaN, inf, one more axis"), lambda: CORRELATED),
    *(Target(f"privacy.correlated.Correlated.{name}", lambda: dict(rounds=5, separation=2), dict(rounds="count",
        separation="count"), lambda: CORRELATED) for name in ("fitted", "events", "stream")),
    Target("privacy.correlated.Correlated.event", lambda: dict(rounds=5, separation=2, first=3), dict(rounds="count",
        separation="count", first="count; fine: None"), lambda: CORRELATED),
    Target("privacy.correlated.Correlated.event", lambda: dict(rounds=5, separation=2, first=3), dict(first={"6": 6}),
        lambda: CORRELATED),
    Target("privacy.correlated.Correlated.curve", lambda: dict(rounds=5, separation=2, delta=1e-5), dict(rounds="count",
        separation="count", delta="inside"), lambda: CORRELATED),
    Target("privacy.correlated.Stream", lambda: dict(mechanism=CORRELATED, rounds=5, separation=2),
        dict(mechanism="object", rounds="count", separation="count")),
    Target("privacy.correlated.Stream.clip_rows", lambda: dict(rows=ROWS),
        dict(rows="tensor; fine: NaN, inf, one more axis"), lambda: CORRELATED.stream(5, 2)),
    Target("privacy.correlated.Stream.noise", lambda: dict(shape=(2, 3), generator=generator()), NOISED,
        lambda: CORRELATED.stream(5, 2)),
    Target("privacy.clipping.clip_rows", lambda: dict(rows=ROWS, clip=1.0, norm=2),
        dict(rows="tensor; fine: NaN, inf, one more axis", clip="positive; fine: inf", norm="count")),
    Target("privacy.mechanisms.laplace_noise", lambda: dict(shape=(2,), scale=1.0, generator=generator()),
        dict(scale="not negative", **NOISED)),
    Target("privacy.mechanisms.gaussian_noise", lambda: dict(shape=(2,), std=1.0, generator=generator()),
        dict(std="not negative", **NOISED)),
    Target("privacy.response.RandomisedResponse", lambda: dict(epsilon=1.0, categories=3), dict(epsilon="positive",
        categories="two")),
    Target("privacy.response.RandomisedResponse.randomise", lambda: dict(values=torch.tensor([0, 1, 1]),
        generator=generator()), dict(values="labels", generator="generator"), lambda: mechanisms.RandomisedResponse(1.0)),
    Target("privacy.response.RandomisedResponse.estimate", lambda: dict(reports=torch.tensor([0, 1, 1])),
        dict(reports="labels"), lambda: mechanisms.RandomisedResponse(1.0)),
    Target("privacy.response.RandomisedResponse.estimate", lambda: dict(reports=torch.tensor([0, 1, 1])),
        dict(reports={"none": [], "no category": [0, 7], "negative": [-1]}), lambda: mechanisms.RandomisedResponse(1.0)),
    Target("privacy.accounting.epsilon", lambda: dict(mechanism=GAUSSIAN, rounds=2, sampling_rate=1.0, delta=1e-05,
        method="pld", sampler="poisson"), dict(mechanism=NO_MECHANISM, rounds="whole", sampling_rate="share",
        delta="from 0 to 1", method="choice", sampler="choice")),
    Target("privacy.accounting.delta_of", lambda: dict(mechanism=GAUSSIAN, epsilon=1.0, rounds=2, sampling_rate=1.0),
        dict(mechanism=NO_MECHANISM, epsilon="not negative", rounds="count", sampling_rate="share")),
    Target("privacy.accounting.calibrate", lambda: dict(mechanism="gaussian", epsilon=1.0, delta=1e-05, rounds=2,
        sampling_rate=1.0, clip=1.0, at="server", unit="client"), dict(mechanism="choice", epsilon="positive; fine: inf",
        delta="inside", rounds="count", sampling_rate="share", clip="positive", at="choice", unit="choice")),
    Target("privacy.pricing.best_guess", lambda: dict(epsilon=1.0, delta=1e-05), dict(epsilon="not negative; fine: inf",
        delta="from 0 to 1")),
    Target("privacy.pricing.rounded_up", lambda: dict(value=1.0, digits=3), dict(value="not negative; fine: inf",
        digits="count")),
    Target("privacy.ledger.Ledger", lambda: dict(delta=1e-05), dict(delta="inside")),
    Target("privacy.ledger.Ledger.spend", lambda: dict(mechanism=GAUSSIAN, rounds=2, sampling_rate=1.0, note=""),
        dict(mechanism=NO_MECHANISM, rounds="whole", sampling_rate="share", note="text"), lambda: accounting.Ledger(1e-05)),
    Target("privacy.attacker.of", lambda: dict(mechanism=GAUSSIAN, rounds=2, sampling_rate=1.0, delta=1e-05),
        dict(mechanism=NO_MECHANISM, rounds="whole", sampling_rate="share", delta="inside; fine: 0")),
]
# fmt: on

# fmt: off
PRIVACY += [
    Target("privacy.accounting.tightest", lambda: dict(mechanism=GAUSSIAN, rounds=2, sampling_rate=1.0, delta=1e-05),
        dict(mechanism=NO_MECHANISM, rounds="whole", sampling_rate="share", delta="from 0 to 1")),
    Target("privacy.accounting.curve", lambda: dict(mechanism=GAUSSIAN, rounds=2, sampling_rate=1.0, delta=1e-05),
        dict(mechanism=NO_MECHANISM, rounds="whole", sampling_rate="share", delta="from 0 to 1")),
]
# fmt: on
# fmt: off
AUDITS = [
    Target("adversary.auditing.audit", lambda: dict(plan=Plan(rounds=1, mechanism=GAUSSIAN), runs=60, neighbour="removed",
        confidence=0.9, seed=0, trainer=train), dict(plan="object", runs="count", neighbour="choice", confidence="inside",
        seed="index", trainer="function"), run=False),
    Target("adversary.gaussian_audit.audit_through_mu", lambda: dict(plan=Plan(rounds=1, mechanism=GAUSSIAN), runs=60,
        neighbour="removed", confidence=0.9, seed=0, trainer=train), dict(plan="object", runs="count", neighbour="choice",
        confidence="inside", seed="index", trainer="function"), run=False),
    Target("adversary.gaussian_audit.through_mu", lambda: dict(without=np.arange(40.0), present=np.arange(40.0) + 1,
        delta=1e-05, confidence=0.9, threshold=3.0), dict(without="theta; fine: inf", present="theta; fine: inf",
        delta="inside", confidence="inside", threshold="real; fine: None")),
    Target("adversary.auditing.repeated", lambda: dict(without=np.arange(40.0), present=np.arange(40.0) + 1, delta=1e-05,
        confidence=0.9), dict(without="theta; fine: inf", present="theta; fine: inf", delta="from 0 to 1",
        confidence="inside")),
    Target("adversary.auditing.one_run", lambda: dict(correct=8, guesses=9, canaries=10, delta=0.0, confidence=0.9),
        dict(correct="index", guesses="index", canaries="count", delta="from 0 to 1", confidence="inside")),
    Target("adversary.auditing.p_value", lambda: dict(correct=8, guesses=9, canaries=10, epsilon=1.0, delta=0.0),
        dict(correct="index", guesses="index", canaries="count", epsilon="not negative; fine: inf", delta="from 0 to 1")),
    Target("adversary.single_run.one_run_through_mu", lambda: dict(correct=8, guesses=9, canaries=10, delta=1e-5,
        confidence=0.9), dict(correct="index", guesses="index", canaries="count", delta="inside", confidence="inside")),
    Target("adversary.single_run.p_value_through_mu", lambda: dict(correct=8, guesses=9, canaries=10, mu=1.0),
        dict(correct="index", guesses="index", canaries="count", mu="not negative")),
    Target("adversary.single_run.audit_one_run", lambda: dict(plan=Plan(rounds=1, mechanism=GAUSSIAN), canaries=20,
        guesses=4, neighbour="removed", confidence=0.9, seed=0, trainer=train), dict(plan="object", canaries="count",
        guesses="index", neighbour="choice", confidence="inside", seed="index", trainer="function"), run=False),
    Target("adversary.auditing.canary_scores", lambda: dict(mechanism=GAUSSIAN, runs=3, present=True, generator=generator(),
        clients=4), dict(mechanism="object", runs="count", present="flag", generator="generator", clients="count")),
    Target("adversary.floating.naive_laplace", lambda: dict(centre=0.0, scale=1.0, runs=3, seed=0), dict(centre="real",
        scale="positive", runs="count", seed="whole")),
    Target("adversary.floating.reachable", lambda: dict(outputs=np.ones(3), centre=0.0, scale=1.0, window=2),
        dict(outputs="theta", centre="real", scale="positive", window="count")),
    *(Target(f'adversary.faults.{fault.__name__}', lambda: dict(epsilon=1.0, present=True, runs=3, generator=generator()),
        dict(epsilon="positive; fine: inf", present="flag", runs="count",
        generator="generator")) for fault in (faults.honest, faults.rounded_clip, *faults.FAULTS)),
]
# fmt: on

UPDATES = dict(sizes={"text": "a", "too few": [1], "negative": [-1] * 5, "NaN": [float("nan")] * 5})
NO_MESSAGE = {"None": None, "text": "a", "5": 5, "too short": b"", "too long": bytes(999), "object": Broken()}
NO_VECTORS = {
    "None": None,
    "text": "a",
    "fractions": np.ones((3, 2)) / 2,
    "negative": -np.ones((3, 2), int),
    "object": Broken(),
    "beyond the field": np.full((3, 2), 2**62),
    "one axis": np.ones(3, int),
    "NaN": np.full((3, 2), np.nan),
}


def compressors(name, compressor):
    owner, rows = lambda: compressor, dict(rows="tensor; fine: NaN, inf")
    message = compressor.encode(THETA)
    # fmt: off
    return [
        Target(f'training.transport.compression.{name}.compress', lambda: dict(rows=ROWS, seed=0, members=torch.arange(5)),
            rows | dict(seed="whole", members={"too few": [1], "text": "a", "fractions": [0.5] * 5, "5": 5,
            "object": Broken()}), owner),
        Target(f'training.transport.compression.{name}.encode', lambda: dict(vector=THETA, seed=0, member=0),
            dict(vector="theta", seed="whole", member="whole"), owner),
        Target(f'training.transport.compression.{name}.decode', lambda: dict(message=message, length=8),
            dict(message=NO_MESSAGE, length="count"), owner),
        Target(f'training.transport.compression.{name}.size', lambda: dict(length=8), dict(length="count"), owner),
    ]
    # fmt: on


NO_NAMES = {"5": 5, "unknown": ("fc9",), "numbers": (1, 2), "object": Broken()}
NO_LOSS = {"5": 5, "text": "mse", "object": Broken(), "list": [1]}
# fmt: off
TRAINING = [
    Target("training.models.Linear", lambda: dict(features=3, out=2, seed=0), dict(features="count", out="count",
        seed="whole; fine: None")),
    Target("training.models.MLP", lambda: dict(features=3, hidden=4, out=2, seed=0), dict(features="count", hidden="count",
        out="count", seed="whole")),
    Target("training.models.flatten", lambda: dict(model=LINEAR), dict(model=NO_MODULE)),
    Target("training.models.with_theta", lambda: dict(model=LINEAR, theta=THETA), dict(model=NO_MODULE,
        theta="theta; fine: NaN, inf")),
    Target("training.models.predict", lambda: dict(model=LINEAR, theta=THETA, x=ROWS), dict(model=NO_MODULE,
        theta="theta; fine: NaN, inf", x="tensor; fine: NaN, inf")),
    Target("training.models.check_theta", lambda: dict(model=LINEAR, theta=THETA), dict(model=NO_MODULE,
        theta="theta; fine: NaN, inf")),
    Target("training.stackable.check_stackable", lambda: dict(model=LINEAR), dict(model="module")),
    *(Target(f"training.models.{name}", lambda: dict(model=LINEAR), dict(model=NO_MODULE)) for name in ("trained", "frozen",
        "count")),
    *(Target(f"training.recurrent.{name}", lambda: dict(inputs=3, hidden=2, layers=1, batch_first=True, bidirectional=False,
        bias=True, seed=0), dict(inputs="count", hidden="count", layers="count", batch_first="flag", bidirectional="flag",
        bias="flag", seed="whole")) for name in ("GRU", "LSTM")),
    Target("training.recurrent.RNN", lambda: dict(inputs=3, hidden=2, layers=1, nonlinearity="relu"), dict(inputs="count",
        hidden="count", layers="count", nonlinearity="choice")),
    Target("training.recurrent.rewrite", lambda: dict(model=LINEAR), dict(model=NO_MODULE)),
    Target("training.text_models.CharGRU", lambda: dict(symbols=5, hidden=3, embed=2, seed=0), dict(symbols="two",
        hidden="count", embed="count", seed="whole")),
    Target("training.text_models.CharMLP", lambda: dict(symbols=5, window=4, hidden=3, embed=2, seed=0), dict(symbols="two",
        window="count", hidden="count", embed="count", seed="whole")),
    Target("training.adapters.add", lambda: dict(model=models.MLP(4, 3, 2), rank=1, layers=("fc1",), alpha=2.0, seed=0,
        train=("fc2.bias",), train_a=True), dict(model=NO_MODULE, rank="count", layers=NO_NAMES | {"none": ()},
        alpha="positive; fine: None", seed="whole", train=NO_NAMES | {"None": None}, train_a="flag")),
    *(Target(f"training.adapters.{name}", lambda: dict(model=adapters.add(LINEAR, 1)), dict(model=NO_MODULE | {"none in it":
        LINEAR})) for name in ("merge", "share")),
    Target("training.algorithms.fedavg.FedAvg", lambda: dict(steps=2), dict(steps="count")),
    Target("training.algorithms.fedavg.FedSGD", lambda: dict(steps=1), dict(steps="count")),
    Target("training.algorithms.fedprox.FedProx", lambda: dict(steps=2, mu=0.1), dict(steps="count", mu="not negative")),
    Target("training.algorithms.scaffold.Scaffold", lambda: dict(steps=2), dict(steps="count")),
    Target("training.algorithms.fedper.FedPer", lambda: dict(steps=2, home=("fc.bias",)), dict(steps="count", home={"None":
        None, "5": 5, "none": (), "numbers": (1, 2), "empty": ("",), "object": Broken()})),
    Target("training.algorithms.fedavgm.FedAvgM", lambda: dict(lr=1.0, momentum=0.9), dict(lr="positive",
        momentum="from 0 to 1")),
    *(Target(f"training.algorithms.fedopt.{kind}", lambda: dict(lr=0.1, beta1=0.9, beta2=0.99, tau=1e-3), dict(lr="positive",
        beta1="from 0 to 1", beta2="from 0 to 1", tau="positive")) for kind in ("FedAdagrad", "FedAdam", "FedYogi")),
    Target("training.personal.fine_tune", lambda: dict(model=LINEAR, theta=THETA, federation=FED, steps=2, lr=0.1,
        loss=None), dict(model="module", theta="theta", federation="federation", steps="count", lr="positive",
        loss=NO_LOSS)),
    Target("training.personal.ditto", lambda: dict(model=LINEAR, theta=THETA, federation=FED, strength=0.5, steps=2, lr=0.1,
        start=THETA, loss=None), dict(model="module", theta="theta", federation="federation", strength="not negative",
        steps="count", lr="positive", start="theta; fine: None", loss=NO_LOSS)),
    Target("training.personal.thetas", lambda: dict(history=train(LINEAR, FED, rounds=1)), dict(history={"None": None,
        "5": 5, "theta": THETA, "object": Broken()})),
    Target("training.algorithms.plain.ServerSGD", lambda: dict(lr=1.0), dict(lr="positive")),
    Target("training.aggregation.WeightedMean", lambda: dict(cap=3.0), dict(cap="positive; fine: None")),
    Target("training.aggregation.SecureMean", lambda: dict(bound=9.0, threshold=0.6, bits=24),
        dict(bound="positive; fine: None", threshold="inside", bits="two")),
    Target("training.aggregation.TrimmedMean", lambda: dict(trim=0.1), dict(trim="from 0 to 1")),
    Target("training.aggregation.Krum", lambda: dict(attackers=0.2, keep=0.5), dict(attackers="from 0 to 1",
        keep="share; fine: None")),
    Target("training.aggregation.NormBound", lambda: dict(clip=1.0), dict(clip="positive")),
    *(Target(f'training.aggregation.{type(made).__name__}.__call__', lambda: dict(updates=ROWS, sizes=torch.ones(5)),
        dict(updates="tensor; fine: NaN, inf", sizes=None if made is not aggregation.weighted_mean else UPDATES["sizes"]),
        lambda made=made: made) for made in (aggregation.mean, aggregation.weighted_mean, aggregation.SecureMean(9.0),
        aggregation.median, aggregation.trimmed_mean, aggregation.krum, aggregation.NormBound(1.0))),
    Target("training.transport.compression.TopK", lambda: dict(share=0.5, error_feedback=True), dict(share="share",
        error_feedback="flag")),
    Target("training.transport.compression.RandomK", lambda: dict(share=0.5, error_feedback=True), dict(share="share",
        error_feedback="flag")),
    Target("training.transport.compression.Quantise", lambda: dict(bits=4, error_feedback=True), dict(bits="two",
        error_feedback="flag")),
    *compressors("TopK", compression.TopK(0.5)),
    *compressors("RandomK", compression.RandomK(0.5)),
    *compressors("Quantise", compression.Quantise(4)),
    Target("training.transport.compression.TopK.kept", lambda: dict(length=8), dict(length="count"),
        lambda: compression.TopK(0.5)),
    Target("training.transport.compression.RandomK.kept", lambda: dict(length=8), dict(length="count"),
        lambda: compression.RandomK(0.5)),
    Target("training.transport.grid.to_field", lambda: dict(updates=ROWS.numpy(), bound=9.0, bits=24),
        dict(updates="tensor; fine: one more axis", bound="positive", bits="two")),
    Target("training.transport.grid.from_field", lambda: dict(total=np.arange(3), bound=9.0, bits=24),
        dict(total="labels; fine: one more axis", bound="positive", bits="two")),
    Target("training.transport.rounding.rotate", lambda: dict(rows=ROWS, seed=3), dict(rows="tensor; fine: NaN, inf",
        seed="whole")),
    Target("training.transport.rounding.unrotate", lambda: dict(rows=torch.ones(2, 8).double(), seed=3, parameters=5),
        dict(rows="tensor; fine: NaN, inf", seed="whole", parameters="index")),
    Target("training.transport.rounding.encode", lambda: dict(rows=ROWS / 20, grid=SKELLAM.grid(3, 5), seed=3,
        members=torch.arange(5)), dict(rows="tensor", grid="object", seed="whole", members="labels")),
    Target("training.transport.rounding.decode", lambda: dict(total=torch.arange(4), grid=SKELLAM.grid(3, 5), seed=3,
        parameters=3), dict(total="labels; fine: one more axis", grid="object", seed="whole", parameters="index")),
    Target("training.transport.secure.aggregate", lambda: dict(vectors=np.ones((3, 2), int), threshold=2, modulus=16),
        dict(modulus={"0": 0, "48": 48, "huge": 2**62, "None": None, "text": "16", "real": 16.0})),
    Target("training.transport.secure.aggregate", lambda: dict(vectors=np.ones((3, 2), int), threshold=2, dropped=(1,),
        entropy=os.urandom), dict(vectors=NO_VECTORS, threshold="index", entropy="function", dropped={"5": 5,
        "too many": (0, 1), "no client": (9,), "text": "a"}), called={"dropped": "dropped|survivors"}),
    Target("training.transport.party.Client", lambda: dict(number=0, clients=3, threshold=2, modulus=16),
        dict(modulus={"0": 0, "48": 48, "huge": 2**62, "None": None, "text": "16", "real": 16.0})),
    Target("training.transport.party.Client", lambda: dict(number=0, clients=3, threshold=2, entropy=os.urandom,
        identity=SIGNERS[0], roster=ROSTER), dict(number="index", clients={"0": 0, "-1": -1, "4": 4, "text": "3"},
        threshold="index", entropy="function", identity={"None": None, "5": 5, "another's": SIGNERS[1], "object": Broken()},
        roster={"None": None, "5": 5, "of two": signatures.Roster({0: SIGNERS[0].public, 1: SIGNERS[1].public}),
        "object": Broken()}), called={"clients": "clients|roster|threshold"}),
    Target("training.transport.signatures.Identity", lambda: dict(entropy=os.urandom), dict(entropy="function")),
    Target("training.transport.signatures.enrol", lambda: dict(clients=3, federation="a", round=0, entropy=os.urandom),
        dict(clients="two", federation="text", round="whole", entropy="function")),
    Target("training.transport.signatures.Roster", lambda: dict(keys=ROSTER.keys, federation="a", round=0),
        dict(keys={"None": None, "5": 5, "short": {0: b"a"}, "text": {"a": bytes(32)}, "twice": {0: bytes(32), 1: bytes(32)},
        "object": Broken()}, federation="text", round="whole")),
    Target("training.transport.signatures.Roster.at", lambda: dict(round=2), dict(round="whole"), lambda: ROSTER),
]
# fmt: on


def private(**changes):
    """A short private run, in which nothing may be called before all is checked."""
    terms = dict(
        rounds=2, lr=0.1, mechanism=GAUSSIAN, sampling_rate=0.9, sampler="poisson", batch_rate=0.9, delta=1e-3, seed=0
    )
    return terms | dict(aggregator=aggregation.mean, compressor=None, loss=None) | changes


NO_TEXT = KINDS["text"] | {"empty": ""}
NO_LIST = {"None": None, "text": "we", "none": [], "numbers": [1], "empty": [""], "5": 5, "object": Broken()}
NO_SEED = {name: value for name, value in KINDS["whole"].items() if name != "None"}
PLANNED = dict(
    rounds="count",
    lr="positive",
    mechanism=NO_MECHANISM,
    sampling_rate="share",
    sampler="choice",
    batch_rate="share",
    delta="inside",
    seed=NO_SEED,
    aggregator="function",
    loss=NO_LOSS,
    compressor={"5": 5, "text": "TopK", "a class": compression.TopK, "object": Broken()},
)
NO_PATH = {"5": 5, "object": Broken(), "a folder": ".", "list": ["a"], "empty": ""}
NO_FUNCTION = {name: value for name, value in KINDS["function"].items() if name != "None"}


def returning(updates):
    return lambda t, theta, members: updates


# fmt: off
RUNS = [
    Target("training.plan.Plan", lambda: private(local=clients.FedSGD(), server=algorithms.ServerSGD()),
        PLANNED | dict(local="object", server="object")),
    Target("training.plan.Plan.epsilon", lambda: dict(rounds=1, method="pld"), dict(rounds="whole; fine: None",
        method="choice"), lambda: Plan(**private())),
    Target("training.plan.Plan.curve", lambda: dict(rounds=1), dict(rounds="whole; fine: None"), lambda: Plan(**private())),
    Target("training.plan.Plan.part", lambda: dict(rounds=1), dict(rounds="whole; fine: None"), lambda: Plan(**private())),
    Target("training.plan.Plan.attacker", lambda: dict(rounds=1), dict(rounds="whole; fine: None"),
        lambda: Plan(**private())),
    Target("training.plan.Plan.ledger", lambda: dict(note="a"), dict(note="text"), lambda: Plan(**private())),
    Target("training.plan.Plan.calibrated", lambda: dict(epsilon=1.0, delta=0.001, mechanism="gaussian", clip=1.0,
        at="server", unit="client"), dict(epsilon="positive; fine: inf", delta="inside; fine: None",
        mechanism="choice; fine: None", clip="positive; fine: None", at="choice; fine: None", unit="choice; fine: None"),
        lambda: Plan(**private())),
    Target("training.plan.Plan.from_json", lambda: dict(text=Plan(**private()).to_json()), dict(text={"None": None, "5": 5,
        "empty": "", "list": "[1]", "no plan": "{}", "unknown": '{"a": 1}', "object": Broken()}), lambda: Plan),
    Target("training.plan.Plan.of", lambda: dict(rounds=2, local_steps=2, proximal=0.1, server_lr=1.0), dict(rounds="count",
        local_steps="count", proximal="not negative", server_lr="positive"), lambda: Plan),
    Target("training.plan.Plan.changed", lambda: dict(rounds=3, local_steps=2, proximal=0.1, server_lr=1.0),
        dict(rounds="count", local_steps="count", proximal="not negative", server_lr="positive"),
        lambda: Plan(**private())),
    Target("training.server.train", lambda: private(model=LINEAR, federation=FED, local_steps=2, proximal=0.1,
        server_lr=1.0, chunk=16, device="cpu", progress=False, callback=spy), PLANNED | dict(model="module",
        federation="federation", local_steps="count", proximal="not negative", server_lr="positive",
        chunk="count; fine: None", device="device", progress="flag", callback=NO_FUNCTION), run=False),
    Target("training.server.train", lambda: dict(model=LINEAR, federation=FED, plan=Plan(rounds=2), start=None,
        callback=spy, workers=None, checkpoint=None), dict(plan={"5": 5, "text": "plan", "dict": {}, "a class": Plan,
        "object": Broken()}, start={"5": 5, "text": "start", "dict": {}, "theta": THETA, "object": Broken()},
        callback=NO_FUNCTION, workers=NO_FUNCTION, checkpoint=NO_PATH, model={"squeezed": SqueezedClasses(),
        "other features": models.Linear(4, 2), "NaN": models.with_theta(LINEAR, THETA * float("nan"))}), run=False),
    Target("training.server.train", lambda: dict(model=LINEAR, federation=FED, rounds=2, callback=spy,
        workers=returning(torch.zeros(4, 8))), dict(workers={"None returned": returning(None), "text": returning("a"),
        "too few": returning(torch.zeros(3, 8)), "a list": returning([1.0])}), run=False),
    Target("training.server.train", lambda: dict(model=LINEAR, federation=FED, rounds=2, callback=spy,
        aggregator=aggregation.median), dict(aggregator={"None returned": lambda updates, sizes: None,
        "wrong shape": lambda updates, sizes: updates, "a number": lambda updates, sizes: 1.0, "NaN": lambda updates,
        sizes: updates.mean(0) * float("nan")}, loss={"a mean": lambda outputs, targets: outputs.mean(),
        "None returned": lambda outputs, targets: None, "text": lambda outputs, targets: "a", "wrong shape": lambda outputs,
        targets: outputs}), run=False),
    Target("training.history.History.epsilon_after", lambda: dict(rounds=1, method="pld"), dict(rounds="whole; fine: None",
        method="choice"), lambda: train(LINEAR, FED, **private(seed=None, delta=0.001))),
    Target("training.history.History.card", lambda: dict(name="a model", curators=["we"], description="d", use="u",
        region="r", date="2026-11-28", authors=["I"], sector="Finance", unit="bank", domain="d", tuning="t", why="w",
        sources="s"), dict(dict.fromkeys(("name", "description", "use", "region", "unit"), NO_TEXT),
        **dict.fromkeys(("domain", "tuning", "why", "sources"), "text; fine: None"), curators=NO_LIST, authors=NO_LIST,
        sector="choice; fine: None", date={"None": None, "5": 5, "words": "today", "no day": "2026-02-30",
        "American": "11/28/2026", "short": "2026-1-1", "empty": "", "object": Broken()}),
        lambda: train(LINEAR, FED, **private(seed=None, delta=0.001))),
]
# fmt: on

# fmt: off
FLOWER = [
    Target("flower.folders.prepare", lambda: dict(folder="here", plan=Plan(rounds=2, mechanism=GAUSSIAN, delta=0.001),
        build="fldp_lib.training.models:Linear", sizes=(3, 2), federation=FED, nodes=2, timeout=9.0, theta=THETA,
        repeatable=False), dict(folder={"None": None, "5": 5, "object": Broken(), "list": ["a"]}, plan="object",
        federation="federation", nodes="index", build={"None": None, "5": 5, "text": "a", "no module": "nothing:here",
        "no function": "math:nothing", "no model": "math:sqrt", "object": Broken()}, sizes={"None": None, "5": 5,
        "wrong": (3, 2, 1, 1, 1), "object": Broken(), "other features": (4, 2)}, timeout="positive", repeatable="flag",
        theta={"too short": THETA[:3], "text": "a", "5": 5, "NaN": THETA * float("nan"), "object": Broken()}), run=False,
        called={"sizes": "sizes|model", "build": "build|model"}),
]
# fmt: on

# fmt: off
SIDE, OTHER = matching.Side("a", ["x", "y", "z"], 0), matching.Side("b", ["y", "z"], 0)
OPENED = SIDE.opening()
DEALT = [parties.Party("left", ("l", "m"), tuple("uvwxyz"), torch.arange(12.0).reshape(6, 2) / 12),
    parties.Party("right", ("r",), tuple("zyxwvu"), torch.arange(6.0).reshape(6, 1) / 6, torch.tensor([0, 1, 0, 1, 1, 0]))]
ALIGNED = parties.align(DEALT, tuple("uvwxyz"))
RUN = split.train(ALIGNED, steps=2)
GUARD = protection.guard(1.0, steps=2)
NO_IDS = {"None": None, "5": 5, "text": "xy", "numbers": [1, 2], "none": [], "twice": ["x", "x"], "empty": [""],
    "object": Broken()}
NO_TEXTS = {"None": None, "5": 5, "numbers": [1, 2], "none": [], "twice": ["l", "l"], "object": Broken()}
NO_POINTS_OF_32 = {"None": None, "5": 5, "text": "xy", "short": [b"a"], "numbers": [1], "object": Broken()}
NO_PLACES = {"None": None, "text": "a", "negative": [-1], "too large": [6], "fraction": [0.5], "two axes": [[0, 1]],
    "object": Broken()}
NO_NOISE = {"5": 5, "text": "noise", "object": Broken(), "of a sum": mechanisms.Gaussian(1.0, 1.0),
    "of bits": mechanisms.RandomisedResponse(1.0)}
NO_PEOPLE = NO_PLACES | {"none": [], "twice": [0, 0]}
NO_COINS = {"None": None, "text": "a", "one class": [1, 1, 1], "too few": [0, 1], "three classes": [0, 1, 2],
    "fraction": [0.5, 1, 0], "object": Broken()}
SPLIT = dict(steps="count", lr="positive", momentum=KINDS["from 0 to 1"] | {"1": 1}, cut="count", join="choice",
    activation="choice", seed="whole")
SPLITTING = dict(steps=2, lr=1.0, momentum=0.9, cut=2, join="sum", activation="tanh", seed=0)
STEPS = (torch.arange(24.0).reshape(2, 6, 2) - 11) / 7
SAME = dict(known=torch.tensor([0, 2, 5]), known_labels=torch.tensor([0, 1, 0]))
VERTICAL = [
    Target("vertical.parties.Party", lambda: dict(name="a", features=["c"], ids=["x", "y"], x=torch.ones(2, 1),
        y=torch.tensor([0, 1])), dict(name="text", features=NO_TEXTS, ids=NO_TEXTS, x="tensor", y={"text": "a", "too few":
        [0], "fraction": [0.5, 1], "object": Broken()})),
    Target("vertical.parties.Aligned.rows", lambda: dict(places=[0, 2]), dict(places=NO_PLACES), lambda: ALIGNED),
    Target("vertical.parties.Aligned.only", lambda: dict(names=["right"]), dict(names={"None": None, "5": 5, "text": "right",
        "unknown": ["nobody"], "no holder": ["left"], "numbers": [1]}), lambda: ALIGNED),
    Target("vertical.parties.Aligned.halves", lambda: dict(test=0.5, seed=0), dict(test="inside", seed="whole"),
        lambda: ALIGNED),
    Target("vertical.parties.deal", lambda: dict(dataset=MAPPED, by={"a": ["mean radius"], "b": ["mean texture"]},
        labels="a", share=0.5, seed=0), dict(dataset="data set", by={"None": None, "5": 5, "unknown": "nobody", "none": {},
        "one": {"a": ["mean radius"]}, "no columns": {"a": ["mean radius"], "b": []}, "a number": {"a": 1, "b": 2},
        "twice": {"a": ["mean radius"], "b": ["mean radius"]}, "a word": "kind"}, labels="choice", share="share",
        seed="whole")),
    Target("vertical.parties.align", lambda: dict(parties=DEALT, ids=["x", "y"]), dict(parties={"None": None, "5": 5,
        "text": "ab", "one": DEALT[1:], "no labels": [DEALT[0]] * 2, "names": ["a", "b"]}, ids=NO_IDS | {"text": "xy",
        "unknown": ["nobody"]})),
    Target("vertical.matching.Side", lambda: dict(name="a", ids=["x"], seed=0), dict(name="text", ids=NO_IDS,
        seed="whole; fine: None")),
    Target("vertical.matching.Side.blind", lambda: dict(points=OPENED), dict(points=NO_POINTS_OF_32 | {"small order":
        [bytes(32)]}), lambda: SIDE),
    Target("vertical.matching.Side.common", lambda: dict(mine=OPENED, theirs=OPENED), dict(mine=NO_POINTS_OF_32 | {
        "too few": OPENED[:1]}, theirs=NO_POINTS_OF_32), lambda: SIDE),
    Target("vertical.matching.two", lambda: dict(a=SIDE, b=OTHER), dict(a="object", b="object")),
    Target("vertical.matching.two", lambda: dict(a=SIDE, b=OTHER), dict(b={"itself": SIDE}), called={"b": "sides"}),
    Target("vertical.matching.several", lambda: dict(sides=[SIDE, OTHER]), dict(sides=NO_OBJECT | {"one": [SIDE],
        "twice": [SIDE, SIDE], "names": ["a", "b"]})),
    Target("vertical.matching.hashed", lambda: dict(ids=["x"]), dict(ids=NO_IDS)),
    Target("vertical.matching.dictionary", lambda: dict(hashes=["x"], candidates=["x"]), dict(hashes={"None": None, "5": 5,
        "text": "xy", "numbers": [1]}, candidates=NO_IDS)),
    Target("vertical.matching.probe", lambda: dict(side=SIDE, candidates=["x"], seed=0), dict(side="object",
        candidates=NO_IDS, seed="whole; fine: None")),
    Target("vertical.protection.Guard", lambda: dict(messages=GUARD.messages, weights=GUARD.weights), dict(
        messages=NO_NOISE | {"None": None}, weights=NO_NOISE)),
    Target("vertical.protection.Guard.ledger", lambda: dict(steps=2, delta=1e-5, fixed=False), dict(steps="count",
        delta="inside", fixed="flag"), lambda: GUARD),
    Target("vertical.protection.guard", lambda: dict(epsilon=1.0, delta=1e-5, steps=2, fixed=False, clip=1.0,
        weight_clip=1.0, weight_share=0.5), dict(epsilon="positive; fine: inf", delta="inside", steps="count", fixed="flag",
        clip="positive", weight_clip="positive", weight_share="inside"), called={"weight_clip": "weight_clip|clip"}),
    Target("vertical.protection.table", lambda: dict(promises=RUN.promises()), dict(promises={"None": None, "5": 5,
        "text": "a", "numbers": [1]})),
    Target("vertical.split.train", lambda: dict(table=ALIGNED, fixed=False, features=None, labels=None, record=True,
        **SPLITTING), dict(table="object", fixed={"True": True, "None": None, "5": 5, "unknown": "nobody"},
        features=NO_NOISE | {"unknown": {"nobody": GUARD}, "the holder": {"right": GUARD}}, labels={"5": 5, "text": "flip",
        "object": Broken(), "noise of a sum": mechanisms.Gaussian(1.0, 1.0), "three": mechanisms.RandomisedResponse(1.0,
        3)}, record="flag", **SPLIT)),
    Target("vertical.split.train", lambda: dict(table=ALIGNED, fixed="mean", cut=1), dict(cut={"2": 2})),
    Target("vertical.split.whole", lambda: dict(table=ALIGNED, **SPLITTING), dict(table="object", **SPLIT)),
    Target("vertical.run.Run.predict", lambda: dict(table=ALIGNED, seed=0, messages=None), dict(table="object",
        seed="whole", messages=NO_NOISE), lambda: RUN),
    Target("vertical.run.Run.accuracy", lambda: dict(table=ALIGNED, seed=0, messages=None), dict(table="object",
        seed="whole", messages=NO_NOISE), lambda: RUN),
    Target("vertical.run.Run.ledger", lambda: dict(whose="left", delta=1e-5, new=False), dict(whose="choice",
        delta="inside", new="flag"), lambda: RUN),
    Target("vertical.run.Run.promises", lambda: dict(delta=1e-5), dict(delta="inside"), lambda: RUN),
    Target("adversary.vertical.auc", lambda: dict(scores=torch.arange(3.0), labels=torch.tensor([0, 1, 1])), dict(
        scores="tensor", labels=NO_COINS)),
    Target("adversary.vertical.norms", lambda: dict(gradients=STEPS, minority=1), dict(gradients="tensor",
        minority="whole")),
    Target("adversary.vertical.directions", lambda: dict(gradients=STEPS, measure="cosine", way=None, **SAME),
        dict(gradients="tensor", known=NO_PEOPLE, known_labels=NO_COINS, measure="choice", way={"text": "a", "too short":
        [1.0], "NaN": [1.0, float("nan")], "object": Broken(), "two axes": STEPS[0]})),
    Target("adversary.vertical.plant", lambda: dict(table=ALIGNED, count=2, seed=0), dict(table="object", count="two",
        seed="whole")),
    Target("adversary.vertical.completion", lambda: dict(columns=STEPS[0], ridge=0.1, **SAME), dict(columns="tensor",
        known=NO_PEOPLE, known_labels=NO_COINS, ridge="positive")),
    Target("adversary.columns.infer", lambda: dict(seen=STEPS, known=SAME["known"], known_x=torch.ones(3, 2), own=STEPS[0]),
        dict(seen="tensor; fine: None", known=NO_PEOPLE | {"two": [0, 1]}, known_x="tensor", own="tensor; fine: None")),
    Target("adversary.columns.infer", lambda: dict(seen=None, known=SAME["known"], known_x=torch.ones(3, 2), own=STEPS[0]),
        dict(own={"None": None})),
    Target("adversary.columns.explained", lambda: dict(x=STEPS[0], estimate=STEPS[1], leave_out=SAME["known"]), dict(
        x="tensor", estimate="tensor", leave_out=NO_PEOPLE | {"all": list(range(6))})),
    Target("adversary.columns.solve", lambda: dict(weight=torch.eye(2), bias=torch.zeros(2), activations=STEPS[0] / 9,
        activation="tanh"), dict(weight="tensor", bias="tensor", activations="tensor", activation="choice")),
]
# fmt: on

TARGETS = [*DATA, *SCORING, *ADVERSARY, *INTERACTIVE, *COURSE, *PRIVACY, *AUDITS, *TRAINING, *RUNS, *FLOWER, *VERTICAL]
MADE = "made by a function that checks, and not by hand"
INSIDE = "called in every step of a run, with what `train` has checked before it"
PART = "a part of a name in the tables, called with what was checked there"
BOOK = all(importlib.util.find_spec(library) for library in ("furo", "latex2mathml", "myst_nb", "sphinx", "ziamath"))
if not BOOK:  # optional: tests/requirements-book.txt
    TARGETS = [target for target in TARGETS if not target.name.startswith("book.")]

WITH_FLOWER = importlib.util.find_spec("flwr") is not None  # optional, too: without it `public` has none of its modules

EXEMPT = {
    "checks.*": "the checks themselves: tests/test_checks.py",
    "adversary.auditing.Audit": MADE,
    "adversary.gaussian_audit.GaussianAudit": MADE,
    "adversary.single_run.OneRunAudit": MADE,
    "adversary.faults.Pitfall": MADE,
    "adversary.gaussian_audit.checked": "the arguments of all audits of a plan, which are in the tables",
    "adversary.gaussian_audit.gaussian_rounds": "the same",
    "adversary.gaussian_audit.epsilon_of": "a μ that an audit found, and its δ, checked",
    "book.live.*": "steps of `book.build.build`",
    "book.made.*": "steps of `book.build.build`, and of the notebooks that it runs",
    "book.pages.*": "steps of `book.build.build`",
    "book.texts.*": "Sphinx calls them",
    "book.reference.*": "steps of `book.build.build`, and Sphinx calls them",
    "book.build.main": "a command line, whose errors argparse and sys.exit tell: tests/book/test_build.py",
    "book.slides.main": "the same: tests/book/test_slides.py",
    "book.formulas.setup": "Sphinx calls it",
    "course.exhibits.*": "called by notebooks and by explorers, whose controls check: tests/course/test_anatomy.py",
    "course.answers.*": "a learner's answer is told what is wrong with it, and nothing is raised: tests/course",
    "course.quizzes.Asked": MADE,
    "course.slices.Slice": MADE,
    "course.hand_in.HandIn": MADE,
    "course.grade.Grades": MADE,
    "course.grade.Grades.*": MADE,
    "course.grade.main": "a command line, whose errors argparse tells: tests/course/test_hand_in.py",
    "interactive.theme.*": "colours and CSS, from constants of the module",
    "interactive.predictions.Prediction.page": "drawn with the result that the explorer has computed",
    "course.teacher.Exercise.check": "every answer is allowed; what is wrong with it is printed: tests/course",
    "course.teacher.Figure": MADE,
    "course.words.translated": PART,
    "data.flights.[rst]*": PART,
    "data.forms.*": PART,
    "data.hospitals.*": PART,
    "data.places.*": PART,
    "data.holdout.*": PART,
    "data.padding.*": PART,
    "data.shipped.*": PART,
    "data.plays.Role": MADE,
    "data.plays.loaded": PART,
    "adversary.canaries.Canary": MADE,
    "training.card.entry": PART,
    "data.generators.*.[A-Z]*": MADE,
    "data.sources.Raw": MADE,
    "flower.[abdeghklnpr]*": "takes a folder that `prepare` wrote, or messages of a node: tests/flower",
    "flower.codes.*": PART,
    "flower.folders.save": PART,
    "flower.fleet.*": PART,
    "flower.classroom.*": "opens a port, or asks at one: tests/flower/test_classroom.py has what is refused",
    "flower.seat.*": "made by `classroom.join`: tests/flower/test_classroom.py",
    "interactive.ahead.*": PART,
    "interactive.along.Track*": PART,
    "interactive.along.[pat]*": PART,
    "interactive.explorers.Explorer.layers": "called with an answer that the explorer has made",
    "interactive.panels.empty": PART,
    "interactive.parts.made": PART,
    "interactive.playing.player": PART,
    "interactive.plots.Chart.point": PART,
    "interactive.controls.Holder": PART,
    "interactive.controls.*.build": PART,
    "interactive.controls.*.on_grid": PART,
    "interactive.controls.*.tidy": PART,
    "interactive.controls.*.words": PART,
    "interactive.drawing.*": PART,
    "interactive.marks.[Ms]*": PART,
    "interactive.predictions.ask": PART,
    "interactive.predictions.Prediction.about": "drawn with the result that the explorer has computed",
    "interactive.said.*": PART,
    "interactive.pictures.png_of": PART,
    "interactive.views.*": "an explorer's own methods, which are in the tables",
    "privacy.accountants.*": "not for direct use: `accounting` checks first",
    "privacy.calibration.*": PART,
    "privacy.gaussians.*": PART,
    "privacy.clipping.check_clip": PART,
    "privacy.laws.*": PART,
    "privacy.losses.*": PART,
    "privacy.pricing.[tp]*": PART,
    "privacy.attacker.of_parts": PART,
    "privacy.correlated.Stream.restored": "a state that the run itself left: tests/training/test_turns.py",
    "privacy.mechanisms.Placed*": "what Laplace and Gaussian have of it is in the tables",
    "privacy.integers.Grid": MADE,
    "privacy.integers.[nrw]*": PART,
    "privacy.integers.Skellam.*_rows": "a Gaussian's methods, which are in the tables",
    "privacy.skellam.[mrt]*": PART,
    "privacy.skellam.draw_rows": PART,
    "training.transport.party.check_modulus": PART,
    "training.aggregation.SecureMean.total": INSIDE,
    "privacy.strategies.Strategy": "made by `strategies.strategy`, which checks",
    "privacy.strategies.Strategy.times": INSIDE,
    "privacy.strategies.Strategy.step": INSIDE,
    "privacy.strategies.Tree*": "as a Strategy",
    "privacy.strategies.check_band": PART,
    "privacy.adaptive.AdaptiveGaussian.*": "a Gaussian's methods, which are in the tables",
    "privacy.adaptive.Clipping*": INSIDE,
    "privacy.attacker.Attacker": MADE,
    "privacy.mechanisms.client_rows": PART,
    "training.aggregation.*.weigh": INSIDE,
    "training.aggregation.*.settle": INSIDE,
    "training.adapters.Share*": MADE,
    "training.algorithms.*.[bckrst]*": INSIDE,
    "training.checkpoint.*": "made by `train`, which checks its path: tests/training/test_checkpoint.py",
    "training.clients.*": INSIDE,
    "training.history.History": MADE,
    "training.models.*.forward": INSIDE,
    "training.models.*.stacked": INSIDE,
    "training.models.stacked_forward": INSIDE,
    "training.models.*.factors": INSIDE,
    "training.models.unstack": INSIDE,
    "training.plan.Plan.warn": PART,
    "training.recurrent.[glC]*": INSIDE,
    "training.recurrent.Recurrent*": INSIDE,
    "training.recurrent.*.of": "called by `recurrent.rewrite`",
    "training.recurrent.*.forward": INSIDE,
    "training.scoring.Scorer*": INSIDE,
    "training.text_models.*.[fsw]*": INSIDE,
    "training.transport.compression.Channel*": INSIDE,
    "training.transport.party.Client.*": "a protocol's messages: tests/training/test_secure.py",
    "training.transport.messages.*": PART,
    "training.transport.primitives.*": PART,
    "training.transport.grid.step": PART,
    "training.transport.party.enough": PART,
    "training.transport.signatures.check": PART,
    "training.transport.signatures.Identity.*": "a protocol's messages: tests/training/test_signatures.py",
    "training.transport.signatures.Roster.[cs]*": "a protocol's messages: tests/training/test_signatures.py",
    "training.transport.secure.together": "a protocol's messages: tests/training/test_secure.py",
    "training.transport.secure.recover": "a protocol's messages: tests/training/test_secure.py",
    "vertical.parties.Aligned": MADE,
    "vertical.protection.Promise": MADE,
    "vertical.run.Run": MADE,
    "vertical.split.beginning": PART,
}

TARGETS += bad_analytics.TARGETS
EXEMPT |= bad_analytics.EXEMPT


def names():
    return [f"{number}:{target.name}" for number, target in enumerate(TARGETS)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Each test runs in a folder of its own, where nothing may be written."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("target", TARGETS, ids=names())
def test_every_bad_value_is_refused_by_name_before_anything_is_done(target, tmp_path):
    faults = target.faults(tmp_path)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("target", [target for target in TARGETS if target.run], ids=lambda target: target.name)
def test_the_good_call_is_good(target):
    target.call(target.function(), target.good())


def test_there_are_enough_cases():
    assert sum(len(list(target.cases())) for target in TARGETS) >= 1_500


PUBLIC, TABLED = public(), {target.name for target in TARGETS}


def exempt(name):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in EXEMPT)


def test_every_public_name_is_in_a_table_or_exempt_for_a_reason():
    assert not [
        name for name in PUBLIC if name not in TABLED and not exempt(name) and (BOOK or not name.startswith("book."))
    ]
    assert not TABLED - set(PUBLIC)
    wanted = [pattern for pattern in EXEMPT if WITH_FLOWER or not pattern.startswith("flower.")]
    assert not [pattern for pattern in wanted if not fnmatch.filter(PUBLIC, pattern)]


def test_every_argument_of_a_name_in_a_table_has_its_bad_values():
    given = {}
    for target in TARGETS:
        given.setdefault(target.name, set()).update(target.kinds)
    lacking = {name: set(parameters(PUBLIC[name])) - given[name] - {"settings", "entries", "values"} for name in given}
    assert not {name: sorted(missing) for name, missing in lacking.items() if missing}


# That the walker can fail ------------------------------------------------------------------------------------------------


def unguarded(number):
    return number


def raw(number):
    return {}[str(number)]


def nameless(number):
    raise ValueError("this must not be, got it")


def silent_about_what_is_allowed(number):
    raise ValueError(f"number is bad, got {number!r}")


def drawing(number):
    torch.rand(1)
    checks.whole("number", number)


def writing(number):
    pathlib.Path("left.txt").write_text("something")
    checks.whole("number", number)


def changing(number, rows):
    rows.zero_()
    checks.whole("number", number)


def calling(number):
    spy()
    checks.whole("number", number)


def unlucky(number):
    raise KeyError("number must be a number, got another")


def right(number):
    checks.whole("number", number, at_least=0)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (unguarded, "silent"),
        (raw, "raw"),
        (nameless, "not named"),
        (silent_about_what_is_allowed, "what is allowed"),
        (drawing, "random state"),
        (writing, "a file was written"),
        (changing, "an input was changed"),
        (calling, "a callback was called"),
        (unlucky, "raw KeyError"),
    ],
)
def test_a_function_without_its_guard_is_caught(function, says, tmp_path):
    kinds = {"number": {"NaN": float("nan"), "text": "a"}}
    target = Target("x.y", lambda: {"number": 1} | ({"rows": ROWS.clone()} if function is changing else {}), kinds)
    target.function = lambda: function
    assert all(says in line for line in target.faults(tmp_path)) and len(target.faults(tmp_path)) == 2
    target.function = lambda: right
    target.good = lambda: {"number": 1}
    assert target.faults(tmp_path) == []
