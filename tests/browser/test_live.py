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
SETTINGS = 12


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
    """At the start, at every control's ends, and at settings drawn at random."""
    found, page, wrong = live.explorers(number), browser.new_page(), []
    assert found
    live.load(page, found)
    for name, explorer in found.items():
        for state in live.states(explorer, SETTINGS):
            wrong += [(name, state, words) for words in live.differences(page, explorer, state)]
    assert wrong == []
    page.close()
