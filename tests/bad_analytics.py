"""The tables of `test_bad_input` for counting without training, local reports, shuffling and allocation."""

import math

import torch
from bad_values import Broken, Target
from conftest import generator

from fldp_lib import analytics
from fldp_lib.privacy.randomisers import ALL

WORDS = ["ab", "ab", "ba"]
COUNTS = torch.tensor([3, 0, 25])
VALUES = torch.tensor([0.5, 1.5, 2.5])
NO_TEXTS = {"None": None, "text": "ab", "none": [], "5": 5, "numbers": [1, 2], "object": Broken(), "a dict": {"a": 1}}
NO_WORDS = NO_TEXTS | {"capitals": ["Ab"], "empty": [""], "several": [["ab"]]}
NO_CROWD = {
    "None": None,
    "text": "ab",
    "fractions": [0.5, 1.0],
    "too short": [1],
    "negative": [1, -1, 3],
    "nobody": [0, 0, 0],
}
NO_COUNTS = {"None": None, "text": "ab", "fractions": [0.5, 1.0], "negative": [1, -1], "object": Broken(), "NaN": [math.nan]}
NO_REPORT = {"None": None, "text": "k-RR", "0": 0, "-1": -1, "NaN": math.nan, "True": True, "object": Broken()}
NO_DELTA = {"None": None, "text": "1", "0": 0, "1": 1, "-1": -1, "NaN": math.nan, "inf": math.inf, "True": True}
SOME_DELTA = {label: value for label, value in NO_DELTA.items() if label != "None"}
NO_SHARES = {"None": None, "text": "ab", "none": [], "0": [0.0], "1": [1.0], "NaN": [math.nan], "5": 5, "texts": ["a"]}
NO_RULE = {"None": None, "5": 5, "text": "rule", "object": Broken()}
NO_KIND = {"5": 5, "text": "k-RR", "object": Broken(), "another class": dict}
NO_CODES = {"None": None, "text": "ab", "none": [], "fractions": [0.5], "negative": [-1], "no category": [0, 99]}
NO_BITS = {"None": None, "text": "ab", "numbers": [[1, 0, 1]], "too few": [[True]], "none": torch.zeros(0, 3) > 0}
NO_SETS = {
    "None": None,
    "text": "ab",
    "none": torch.zeros(0, 1).long(),
    "no category": [[9]],
    "one axis": [1],
    "halves": [[0.5]],
}
NO_HIGH = {"None": None, "text": "3", "low": 0.0, "below": -1.0, "NaN": math.nan, "inf": math.inf, "True": True}
BETWEEN = dict(values="tensor", epsilon="positive", low="real", high=NO_HIGH)
PLACES = lambda: dict(values=VALUES, epsilon=1.0, low=0.0, high=3.0)  # noqa: E731
REPORTS = {
    "projection.Projection": NO_CODES,
    "response.RandomisedResponse": NO_CODES,
    "unary.UnaryEncoding": NO_BITS,
    "unary.SubsetSelection": NO_SETS,
}


def _report(name):
    return next(kind for kind in ALL.values() if kind.__name__ == name.split(".")[1])(1.0, 3)


def _of(name, reports):
    """A local report's own methods."""
    whole, owner = f"privacy.{name}", lambda: _report(name)
    drawn = owner().randomise(torch.tensor([0, 1, 1]), generator())
    return [
        Target(f"{whole}.randomise", lambda: dict(values=torch.tensor([0, 1, 1]), generator=generator()),
            dict(values=NO_CODES, generator="generator"), owner),
        Target(f"{whole}.estimate", lambda: dict(reports=drawn), dict(reports=reports), owner),
        Target(f"{whole}.simulate", lambda: dict(counts=torch.tensor([1, 2, 3]), generator=generator()),
            dict(counts=NO_CROWD, generator="generator"), owner),
        Target(f"{whole}.variance", lambda: dict(people=9, share=0.5), dict(people="count", share="from 0 to 1"), owner),
        Target(f"{whole}.law", lambda: dict(value=1), dict(value="index"), owner),
    ]  # fmt: skip


def _threshold(name):
    return lambda: getattr(analytics, name)(1.0, 1e-5)


TARGETS = [
    *(target for name, reports in REPORTS.items() for target in _of(name, reports)),
    *(Target(f"privacy.{name}", lambda: dict(epsilon=1.0, categories=3), dict(epsilon="positive", categories="two"))
        for name in REPORTS),
    Target("privacy.projection.Projection.vectors", lambda: dict(points=[0, 1]), dict(points=NO_CODES),
        lambda: _report("projection.Projection")),
    Target("privacy.shuffling.delta", lambda: dict(report=1.0, people=50, epsilon=0.5), dict(report=NO_REPORT,
        people="count", epsilon="not negative")),
    Target("privacy.shuffling.epsilon", lambda: dict(report=1.0, people=50, delta=1e-5), dict(report=NO_REPORT,
        people="count", delta=NO_DELTA)),
    Target("privacy.shuffling.local_epsilon", lambda: dict(epsilon=0.5, people=50, delta=1e-5, kind=ALL["k-RR"],
        categories=3), dict(epsilon="positive", people="count", delta=NO_DELTA, kind=NO_KIND, categories="two")),
    Target("privacy.shuffling.exact_delta", lambda: dict(report=ALL["k-RR"](1.0, 3), others=[0, 2], truths=[0, 1],
        epsilon=0.5), dict(report=NO_REPORT, others={"None": None, "text": "ab", "no category": [9], "halves": [0.5], "5": 5,
        "too many": [0] * 50}, truths={"None": None, "one": [0], "three": [0, 1, 2], "no category": [0, 9]},
        epsilon="not negative")),
    Target("privacy.allocation.delta", lambda: dict(noise_multiplier=1.0, steps=5, epsilon=0.5, lower=False),
        dict(noise_multiplier="positive", steps="count", epsilon="not negative", lower="flag")),
    Target("privacy.allocation.epsilon", lambda: dict(noise_multiplier=1.0, steps=5, delta=1e-5, lower=False),
        dict(noise_multiplier="positive", steps="count", delta=NO_DELTA, lower="flag")),
    Target("privacy.allocation.poisson", lambda: dict(noise_multiplier=1.0, steps=5, delta=1e-5),
        dict(noise_multiplier="positive", steps="count", delta=NO_DELTA)),
    Target("privacy.allocation.unhidden", lambda: dict(noise_multiplier=1.0, delta=1e-5),
        dict(noise_multiplier="positive", delta=NO_DELTA)),
    Target("data.pets.people", lambda: dict(seed=0), dict(seed="whole")),
    Target("analytics.people.gather", lambda: dict(values=WORDS), dict(values=NO_TEXTS)),
    Target("analytics.people.Items.bounded", lambda: dict(most=1, generator=generator()), dict(most="count",
        generator="generator"), lambda: analytics.gather([["a", "b"], ["a"]])),
    Target("analytics.counting.noise_scale", lambda: dict(epsilon=1.0, most=2, delta=1e-5), dict(epsilon="positive",
        most="count", delta=SOME_DELTA)),
    Target("analytics.counting.histogram", lambda: dict(counts=COUNTS, epsilon=1.0, generator=generator(), most=2,
        delta=1e-5), dict(counts=NO_COUNTS, epsilon="positive", generator="generator", most="count", delta=SOME_DELTA)),
    *(target for name in ("LaplaceThreshold", "GeometricThreshold") for target in (
        Target(f"analytics.unknown.{name}", lambda: dict(epsilon=1.0, delta=1e-5, most=2), dict(epsilon="positive",
            delta=NO_DELTA, most="count")),
        Target(f"analytics.unknown.{name}.release", lambda: dict(counts=COUNTS, generator=generator()),
            dict(counts=NO_COUNTS, generator="generator"), _threshold(name)),
        Target(f"analytics.unknown.{name}.chance", lambda: dict(counts=COUNTS), dict(counts=NO_COUNTS),
            _threshold(name)),
    )),
    Target("analytics.unknown.best_chance", lambda: dict(epsilon=1.0, delta=1e-5, counts=COUNTS), dict(epsilon="positive",
        delta=NO_DELTA, counts=NO_COUNTS)),
    Target("analytics.unknown.audit_singles", lambda: dict(rule=analytics.LaplaceThreshold(1.0, 1e-3), generator=generator(),
        items=1_000, alpha=1e-3), dict(rule=NO_RULE, generator="generator", items="count", alpha="inside")),
    Target("analytics.quantiles.quantile_law", lambda: dict(share=0.5, **PLACES()), dict(share="inside", **BETWEEN)),
    Target("analytics.quantiles.quantile", lambda: dict(share=0.5, generator=generator(), **PLACES()), dict(share="inside",
        generator="generator", **BETWEEN)),
    Target("analytics.quantiles.quantile_search", lambda: dict(share=0.5, generator=generator(), steps=3, **PLACES()),
        dict(share="inside", generator="generator", steps="count", **BETWEEN)),
    Target("analytics.quantiles.quantile_tree", lambda: dict(shares=[0.5], generator=generator(), levels=3, **PLACES()),
        dict(shares=NO_SHARES, generator="generator", levels="count", **BETWEEN)),
    Target("analytics.trie.heavy_hitters", lambda: dict(words=WORDS, epsilon=1.0, generator=generator(), how="central",
        deal="people", levels=3, step=1, at_least=0.0, false=1.0, most=5), dict(words=NO_WORDS, epsilon="positive",
        generator="generator", how="choice", deal="choice", levels="count", step="count", at_least="not negative",
        false="positive", most={"0": 0, "-1": -1, "text": "5", "1.5": 1.5, "object": Broken(), "huge": 10**9})),
    Target("analytics.comparison.compare", lambda: dict(epsilon=1.0, delta=1e-5, people=50, categories=4, share=0.5),
        dict(epsilon="positive", delta=NO_DELTA, people="two", categories="two", share="from 0 to 1")),
]  # fmt: skip

EXEMPT = {
    "analytics.comparison.Arm": "made by `compare`",
    "analytics.people.Items": "made by `gather`, which checks",
    "analytics.trie.Trie": "made by `heavy_hitters`",
    "analytics.unknown.SinglesAudit": "made by `audit_singles`",
    "privacy.crossing.*": "a part of `shuffling` and `allocation`, called with what was checked there",
    "privacy.response.Local.*": "what each report has of it is in the tables",
}
