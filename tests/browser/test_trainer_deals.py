"""Records dealt out by a page as NumPy deals them out, at concentrations from the smallest to the largest."""

import live
import numpy as np
import pytest
from lab import missing

if missing:
    pytest.skip(missing, allow_module_level=True)

RECORDS, LABELS = 700, 10


@pytest.mark.parametrize("seed", [0, 3])
def test_uneven_shares_are_numpys(browser, seed):
    page, draw = browser.new_page(), np.random.default_rng(5)
    live.load(page, {})
    labels = draw.integers(0, LABELS, RECORDS)
    for alpha in (0.02, 0.0999, 0.1, 0.5, 1.0, 1.5, 100.0, *np.exp(draw.uniform(np.log(0.02), np.log(100), 20))):
        for clients in (2, 40, 300):
            rng, owner = np.random.default_rng(seed), np.empty(RECORDS, dtype=int)
            for label in range(LABELS):  # as `data.split`
                members = np.flatnonzero(labels == label)
                owner[members] = rng.choice(clients, len(members), p=rng.dirichlet(np.full(clients, alpha)))
            seen = page.evaluate(
                """([seed, labels, clients, alpha]) => {
                  const { owner, order } = fldp.numpy.spread(fldp.numpy(seed), labels, clients, alpha)
                  return [[...owner], [...order]]
                }""",
                [seed, labels.tolist(), clients, float(alpha)],
            )
            assert seen == [owner.tolist(), rng.permutation(RECORDS).tolist()], (alpha, clients)
    page.close()
