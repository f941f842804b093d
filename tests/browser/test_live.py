"""The pages' own computations against the explorers', at settings drawn at random, in Chromium."""

import random

import live
import pytest
from lab import ROOT, missing

if missing:
    pytest.skip(missing, allow_module_level=True)

NUMBERS = sorted(
    {path.stem[2:].split("_")[0] for path in (ROOT / "fldp_lib" / "course" / "exhibits").glob("nb*.py")
     if "browser.live(" in path.read_text(encoding="utf-8")}
)  # fmt: skip
SETTINGS, CORNERS = 12, 10


def test_numbers_are_written_as_python_writes_them(browser):
    page, draw = browser.new_page(), random.Random(7)
    live.load(page, {})
    values = [0.0, 0.5, 1.5, 2.5, 0.125, 0.375, 1e-5, 123456.789, 999999.5, 1e22, 2.675, 99.995, 0.0009996]
    values += [draw.choice((-1, 1)) * 10 ** draw.uniform(-8, 8) for _ in range(400)] + [float(k) for k in range(0, 2000, 37)]
    specs = (".0f", ".1f", ".2f", ".3g", ".2g", ",.3g", ".0%", ".1%", ",.0f", "g", ".1e", ".6g", "+.2f")
    cases = [(value, spec) for value in values for spec in specs]
    written = page.evaluate("cases => cases.map(([value, spec]) => fldp.format(value, spec))", cases)
    assert [(case, text) for case, text in zip(cases, written, strict=True) if format(*case) != text] == []
    page.close()


@pytest.mark.parametrize("number", NUMBERS)
def test_pages_say_and_show_what_the_explorers_do(number, browser):
    """At the start, at every control's ends, at settings drawn at random; and no slips where all stand at an end."""
    found, page, wrong = live.explorers(number), browser.new_page(), []
    assert found
    live.load(page, found)
    for name, explorer in found.items():
        for state in live.states(explorer, SETTINGS):
            wrong += [(name, state, words) for words in live.differences(page, explorer, state)]
        for state in live.corners(explorer, CORNERS):
            words = live.told(page, explorer, state)
            wrong += [(name, state, slip, words) for slip in live.slips(words)]
    assert wrong == []
    page.close()


@pytest.mark.parametrize(
    "words",
    [
        "1 hospitals of 455 patients",
        "total ε = 1e+03 for A",
        "ε = Infinity",
        "the report moves by -0.0",
        "noise of nan in every direction",
        "Gaussian noise, σ = 4: the loss exceeds ε = 11 with probability 0, and δ is 1e-9",
        "With Gaussian noise of scale 10, at ε = 5 it takes a slack of δ = 0: the shaded share",
        "the Gaussian's δ at ε = 6 is 0 and keeps the 1e-08 asked for",
        "The belief that she is in goes from 99 in 100 to 0; whatever is published",
        "the clip, 8, shortens 0% of them.",
    ],
)
def test_a_slip_of_the_tongue_is_seen(words):
    assert live.slips(words)


def test_what_may_be_said_is_no_slip():
    for words in (
        "1 hospital of 455 patients, 21 clients; 0.1 rounds; 100% of them",
        "Gaussian noise, σ = 4: with probability 0.39, and δ is 0.06",
        "With Laplace noise of scale 10, at ε = 5 it takes a slack of δ = 0: the shaded share",
        "half lost less than -0.0392; exact is 1.",
        "The belief that she is in goes from 50 in 100 to 73; 0 of 100 updates are cut, δ = 1e-05",
    ):
        assert live.slips(words) == [], words
