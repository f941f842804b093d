"""The published deployments of notebook 18: the registry's own fields, a ρ told as an ε that holds, all of them drawn."""

import math
import re

import numpy as np
import pytest
from scipy import optimize

from fldp_lib import accounting, mechanisms
from fldp_lib.course.exhibits import nb18
from fldp_lib.course.exhibits import nb18_published as published

DELTA = published.DELTA


@pytest.mark.parametrize("rho", [0.015, 0.81, 2.56, 19.776])
def test_a_rho_is_told_as_an_epsilon_that_holds_and_is_not_loose(rho):
    """Against the least over α of Canonne, Kamath & Steinke 2020, Bun & Steinke's formula, and a Gaussian itself."""
    at = lambda alpha: alpha * rho + math.log1p(-1 / alpha) - math.log(alpha * DELTA) / (alpha - 1)  # noqa: E731
    best = optimize.minimize_scalar(lambda z: at(1 + math.exp(z)), bounds=(-5, 8), method="bounded").fun
    found = published.of_rho(rho)
    assert best - 1e-6 <= found <= 1.01 * best
    gaussian = accounting.epsilon(mechanisms.Gaussian((2 * rho) ** -0.5, clip=1.0), delta=DELTA)
    assert gaussian < found < rho + 2 * math.sqrt(rho * math.log(1 / DELTA))


def test_the_table_has_what_its_description_says():
    entries, text = published.deployments(), published.FILE.with_suffix(".txt").read_text(encoding="utf-8")
    statuses = [entry["status"] for entry in entries]
    assert len(entries) == 41 == len({entry["entry"] for entry in entries}) and "its 41 entries" in text
    assert f'{statuses.count("Pending")} had the status "Pending", {statuses.count("Draft")} "Draft"' in text
    assert statuses.count("Pending") + statuses.count("Draft") == 41 and "MIT License" in text
    for entry in entries:
        assert entry["source"].startswith("https://") and entry["name"] and entry["curator"]
        assert re.fullmatch(r"20\d\d", entry["year"]) and entry["model"] in published.MODELS
        assert bool(entry["unit"]) >= bool(entry["kind"]) and entry["kind"] in ("", *published.KINDS)
        assert all(entry[name] is None or entry[name] > 0 for name in ("epsilon", "delta", "rho"))


def test_every_entry_with_a_unit_and_a_number_is_drawn_and_no_other():
    drawn = published.told()
    told = [entry for entry in published.deployments() if entry["unit"] and (entry["epsilon"] or entry["rho"])]
    told = [entry for entry in told if entry["name"] != "FLEX"]  # its 0.01 is an evaluation's, no promise's
    assert sorted(one[0]["entry"] for one in drawn) == sorted(entry["entry"] for entry in told)
    assert len(drawn) == 33 and (np.diff([one[1] for one in drawn]) >= 0).all()
    for entry, epsilon, delta, _height in drawn:
        assert epsilon == (entry["epsilon"] or published.of_rho(entry["persons_rho"] or entry["rho"]))
        pure = entry["variant"] == "Pure DP"
        assert delta == (0 if pure else DELTA if entry["epsilon"] is None else entry["delta"])
    places = [(round(math.log10(one[1]), 2), round(one[3], 2)) for one in drawn]
    assert len(set(places)) == len(places)  # none hides another


def test_the_sentence_counts_what_is_lit():
    explorer = nb18.published()
    for kind in ("all", "person", "period", "event"):
        for model in ("all", "Central", "Local"):
            explorer.set(kind=kind, model=model, number=33)
            lit = sum(kind in ("all", one[0]["kind"]) and model in ("all", one[0]["model"]) for one in published.told())
            assert explorer.sentence.startswith(f"{lit} of 33 are lit" if lit else "None of 33")
            named = published.told()[32][0]
            among = kind in ("all", named["kind"]) and model in ("all", named["model"])
            assert ("named is not among them" in explorer.sentence) != among and "about one such unit" in explorer.sentence


def test_a_unit_is_what_the_source_covers():
    """What the entry quotes goes before the word of its unit; a sum over two units is an ε of neither."""
    kinds = {entry["name"]: entry["kind"] for entry in published.deployments()}
    expected = {"Vaccine Search Insights": "period", "Lookup Hints": "period", "AutoPlay Intent": "event", "FLEX": ""}
    assert expected.items() <= kinds.items()
    assert sum(one[0]["kind"] == "person" for one in published.told()) == 13
    split = [entry for entry in published.deployments() if entry["persons_rho"]]
    parts = {entry["name"]: (entry["rho"], entry["persons_rho"]) for entry in split}
    census = "Disclosure Avoidance System for "
    assert parts == {census + "Redistricting Data": (2.63, 2.56), census + "Demographic and Housing Data": (15.29, 4.96)}
    assert all("housing" in entry["unit"] for entry in split)


def test_links_are_whole():
    for entry in published.deployments():
        assert "&amp" not in entry["source"] and entry["source"].count("(") == entry["source"].count(")")
