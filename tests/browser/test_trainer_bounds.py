"""The pages' own confidence bounds against SciPy's, from no count to all of up to a million, in Chromium."""

import live
import numpy as np
import pytest
from lab import missing
from scipy import special

from fldp_lib.course.exhibits import _audits

if missing:
    pytest.skip(missing, allow_module_level=True)


@pytest.mark.parametrize("error", [0.05, 0.025, 0.05 / 146])
def test_bounds_on_rates_are_those_of_clopper_and_pearson(error, browser):
    page = browser.new_page()
    live.load(page, {})
    for n in (1, 2, 3, 10, 50, 177, 1_000, 20_000, 100_000, 1_000_000):
        near = np.concatenate([np.arange(13), np.geomspace(1, n, 40).round(), np.linspace(0, n, 40).round()])
        counts = np.unique(np.concatenate([near, n - near])).clip(0, n)
        found = page.evaluate("([counts, n, e]) => counts.map(k => fldp.bounds.most(k, n, e))", [counts.tolist(), n, error])
        exact = np.where(counts < n, special.betaincinv(counts + 1, np.maximum(n - counts, 1), 1 - error), 1.0)
        assert found == pytest.approx(exact, rel=1e-9)
    page.close()


def test_the_epsilon_that_counts_need_is_the_exhibits(browser):
    page, draw = browser.new_page(), np.random.default_rng(0)
    live.load(page, {})
    for runs in (40, 1_000, 500_000):
        wrong, right = draw.integers(0, runs + 1, (2, 200))
        cases = [(0, runs), (runs, 0), (0, 0), (runs, runs), *zip(wrong.tolist(), right.tolist(), strict=True)]
        for delta in (0.0, 1e-5):
            found = page.evaluate(
                "([cases, n, delta]) => cases.map(([a, b]) => fldp.bounds.needed(fldp.bounds.rates(a, b, n, 0.025), delta))",
                [cases, runs, delta],
            )
            told = _audits.bound(*_audits.rates(*np.array(cases).T, runs, 0.025), delta)
            assert found == pytest.approx(told, abs=1e-8)
    page.close()
