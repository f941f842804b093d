"""The pages' own stream of NumPy's random numbers against NumPy, from the same seeds, in Chromium."""

import live
import numpy as np
import pytest
from lab import missing

if missing:
    pytest.skip(missing, allow_module_level=True)

DRAWN = """([seed, count, call, given]) => {
  const stream = fldp.numpy(...seed)
  return Array.from({length: count}, () => stream[call](...given))
}"""
SEEDS = [(0,), (20_000, 1_000), (100, 4_000, 30), (1, 2, 3, 4, 5, 6)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_numbers(seed, browser):
    page, count = browser.new_page(), 20_000
    live.load(page, {})
    drawn = lambda call, *given: np.array(page.evaluate(DRAWN, [seed, count, call, given]))  # noqa: E731
    anew = lambda: np.random.default_rng(seed[0] if len(seed) == 1 else seed)  # noqa: E731
    assert (drawn("uniform") == anew().random(count)).all()
    assert drawn("normal") == pytest.approx(anew().normal(size=count), rel=1e-12)
    for n, p in ((100, 0.01), (100, 0.4), (70, 0.5), (100, 0.7), (10_000, 0.99), (500_000, 0.5), (1_000_000, 1e-4)):
        assert (drawn("binomial", n, p) == anew().binomial(n, np.full(count, p))).all()
    page.close()


def test_counts_fall_into_the_same_cells(browser):
    page, shares = browser.new_page(), np.random.default_rng(3).dirichlet(np.full(32, 0.3))
    live.load(page, {})
    found = page.evaluate(
        "([n, p]) => { const s = fldp.numpy(8); return Array.from({length: 300}, () => [...s.multinomial(n, p)]) }",
        [5_000, shares.tolist()],
    )
    assert (np.array(found) == np.random.default_rng(8).multinomial(5_000, shares, size=300)).all()
    page.close()
