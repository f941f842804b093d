"""The pages' own accounting and noise against the package's, scipy's and the laws' own moments, in Chromium."""

import math

import numpy as np
import pytest
import torch
from lab import missing
from slips import page_of

from fldp_lib import accounting, mechanisms
from fldp_lib.privacy import attacker

if missing:
    pytest.skip(missing, allow_module_level=True)


def prices(seed, count):
    """Runs whose ε is to be found: μ or ε of a round, rounds, δ; μ·√rounds alike, so that totals lie between 0.1 and 100."""
    rng = np.random.default_rng(seed)
    rounds = (10 ** rng.uniform(0, 3, count)).astype(int).tolist()
    each = (10 ** rng.uniform(-1.5, 0.8, count) / np.sqrt(rounds)).tolist()
    return list(zip(each, rounds, (10 ** rng.uniform(-9, -2, count)).tolist(), strict=True))


PRICE = """runs => runs.map(([kind, each, rounds, delta, told]) => {
  const { gaussian, laplace, attacker } = fldp.accounting, mu = Math.sqrt(rounds) * each
  const own = kind === 'gaussian' ? {mu, delta} : {each, rounds, delta}, found = attacker(own)
  const epsilon = kind === 'gaussian' ? gaussian.epsilon(mu, delta) : laplace.epsilon(each, rounds, delta)
  const back = !epsilon ? each : kind === 'gaussian' ? 1 / gaussian.multiplier(epsilon, rounds, delta)
    : laplace.calibrate(epsilon, rounds, delta)
  const again = kind === 'gaussian' ? gaussian.delta(0.9 * told, mu) : laplace.delta(each, rounds, 0.9 * told)
  return [epsilon, found.evenOdds, found.tpr, found.bound, found.people, back, again]
})"""


def priced(page, seed=0, count=50):
    """What the page says and what the package says of Gaussian and Laplace runs (runs × 7 each)."""
    runs = [(kind, *run) for k, kind in enumerate(("gaussian", "laplace")) for run in prices(seed + k, count)]
    truth = []
    for kind, each, rounds, delta in runs:
        noise = mechanisms.Gaussian(1 / each, 1.0) if kind == "gaussian" else mechanisms.Laplace(each, 1.0)
        epsilon, can = accounting.epsilon(noise, rounds, 1.0, delta), attacker.of(noise, rounds, 1.0, delta)
        again = accounting.delta_of(noise, 0.9 * epsilon, rounds)
        truth.append([epsilon, can.even_odds, can.tpr, can.bound, can.people, each, again])
    return np.array(page.evaluate(PRICE, [[*run, row[0]] for run, row in zip(runs, truth, strict=True)])), np.array(truth)


def test_prices_and_attackers_are_the_package_s(browser):
    """ε to 1e-3, the noise that an ε allows to a thousandth of itself, attackers to 1e-4, δ at 0.9·ε to a hundredth."""
    with page_of(browser) as page:
        found, truth = priced(page)
    off = np.abs(found - truth).max(0)
    print(f"ε differs by {off[0]:.2g} at most, attackers by {off[1:4].max():.2g}")
    assert off[0] <= 1e-3 and off[1:4].max() <= 1e-4
    assert (np.abs(found[:, 4] - truth[:, 4]) <= (np.abs(truth[:, 1] * 100 % 1 - 0.5) < 0.01)).all()
    assert np.abs(found[:, 5] / truth[:, 5] - 1).max() <= 1e-3
    assert np.abs(found[:, 6] / truth[:, 6] - 1).max() <= 1e-2


@pytest.mark.parametrize(
    "slip",
    [
        ("losses.js", "points[2 * cells] += 0.5", "points[2 * cells] += 0.49"),
        ("accounting.js", "return inside + Math.log(", "return inside + 0 * Math.log("),
    ],
)
def test_a_slip_in_the_price_is_seen(slip, browser):
    """An atom of the loss too small, or δ taken for the whole tail."""
    with page_of(browser, slip) as page:
        found, truth = priced(page, count=12)
    assert np.abs(found - truth)[:, 0].max() > 1e-3


FAR = """runs => runs.map(([each, rounds, delta]) => [
  fldp.accounting.gaussian.epsilon(Math.sqrt(rounds) / each, delta),
  fldp.accounting.laplace.epsilon(each, rounds, delta)])"""


def far(page):
    """ε of Gaussian runs of multiplier 1e-3 to 1e6 beside mpmath's, of Laplace ones of ε = 0.01 to 700 beside the package.

    Up to 500 rounds, δ from 1e-10 to 0.999: both as shares of the true one, (found − true)/true.
    """
    mp = pytest.importorskip("mpmath")
    runs = [(each, rounds, delta) for each in (1e-3, 0.01, 0.3, 30.0, 700.0, 1e6) for rounds in (1, 500)
            for delta in (1e-10, 1e-5, 0.1, 0.999)]  # fmt: skip
    off = []
    for (each, rounds, delta), (gaussian, laplace) in zip(runs, page.evaluate(FAR, runs), strict=True):
        off.append((_off(mp, mp.sqrt(rounds) / each, delta, gaussian), 0.0))
        if 0.01 <= each <= 700:
            true = accounting.epsilon(mechanisms.Laplace(each, 1.0), rounds, 1.0, delta)
            off[-1] = (off[-1][0], (laplace - true) / true if true else laplace)
    return np.array(off, dtype=float)


def _off(mp, mu, delta, found):
    """How far a Gaussian's ε lies above the root of its δ(ε), as a share, in 60 digits (Balle & Wang 2018, theorem 8)."""
    mp.mp.dps = 60
    law = lambda x: mp.erfc(-x / mp.sqrt(2)) / 2  # noqa: E731
    excess = lambda e: law(mu / 2 - e / mu) - mp.exp(e) * law(-mu / 2 - e / mu) - delta  # noqa: E731
    if excess(mp.mpf(0)) <= 0:
        return found
    low, high = mp.mpf(0), mu**2 / 2 + mu * mp.sqrt(-2 * mp.log(delta))
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return float((found - high) / high)


def test_prices_far_out(browser):
    """No ε is too small by more than 1e-8 of itself (Laplace: than the package's own bound, by 1e-4), nor too large."""
    with page_of(browser) as page:
        off = far(page)
    print(f"Gaussian {off[:, 0].min():.2g} to {off[:, 0].max():.2g}, Laplace {off[:, 1].min():.2g} to {off[:, 1].max():.2g}")
    assert np.abs(off[:, 0]).max() < 1e-8 and off[:, 1].min() > -1e-4 and off[:, 1].max() < 1e-3


def test_a_tail_without_its_digits_is_seen(browser):
    """ln Φ as the logarithm of Φ, which is 0 from −39 on."""
    slip = ("accounting.js", "return z < 2 ? Math.log(erfc(z) / 2)", "return z < 1e9 ? Math.log(erfc(z) / 2)")
    with page_of(browser, slip) as page:
        off = np.nan_to_num(far(page)[:, 0], nan=1.0)
    assert np.abs(off).max() > 1e-8


def test_the_noise_that_a_large_delta_allows(browser):
    """One round of ε + 2·ln(1 − δ) at δ, and back, where δ is most of 1."""
    with page_of(browser) as page:
        found = page.evaluate(
            """([runs]) => runs.map(([each, delta]) =>
          fldp.accounting.laplace.calibrate(each + 2 * Math.log1p(-delta), 1, delta))""",
            [[(10, 0.9), (700, 0.5), (3, 0.1)]],
        )
    assert found == pytest.approx([10, 700, 3], rel=1e-6)


def test_edges_of_prices(browser):
    """No rounds, no noise, δ = 0, ε = 0: the limits, not NaN."""
    with page_of(browser) as page:
        found = page.evaluate("""() => { const { gaussian, laplace, attacker } = fldp.accounting; return [
          gaussian.epsilon(0, 1e-5), gaussian.epsilon(1, 0), gaussian.delta(0, 1), gaussian.mu(0, 0.1), gaussian.mu(1, 0),
          laplace.epsilon(0.5, 10, 0), laplace.epsilon(0.5, 0, 1e-5),
          laplace.epsilon(2, 900, 1e-9), laplace.epsilon(3, 1, 1e-12), attacker({mu: 0, delta: 1e-5}).people,
          attacker({mu: Infinity, delta: 1e-5}).people,
          attacker({each: 1, rounds: 0, delta: 1e-5}).people] }""")
    mu = -2 * float(torch.special.ndtri(torch.tensor(0.45, dtype=torch.float64)))
    exact = accounting.epsilon(mechanisms.Laplace(2.0, 1.0), 900, 1.0, 1e-9)
    assert found == pytest.approx(
        [0, math.inf, math.erf(1 / 8**0.5), mu, 0, 5, 0, exact, 3, 50, 100, 50], rel=1e-4, abs=1e-12
    )


def test_the_normal_law(browser):
    """Against scipy, where it is said: Φ and ln Φ to 1e-12 of themselves, its inverse to 1e-13."""
    from scipy.special import log_ndtr, ndtr, ndtri

    at = np.linspace(-36, 8, 1_200)
    shares = np.concatenate([10.0 ** np.linspace(-290, -1, 300), np.linspace(0.1, 1 - 1e-9, 300)])
    with page_of(browser) as page:
        cdf, log = page.evaluate("x => [x.map(fldp.normal.cdf), x.map(fldp.normal.logcdf)]", at.tolist())
        inverse = page.evaluate("p => p.map(fldp.normal.ppf)", shares.tolist())
    assert np.abs(np.array(cdf) / ndtr(at) - 1).max() < 1e-12
    assert np.abs(np.array(log) - log_ndtr(at)).max() < 1e-12
    assert np.abs(np.array(inverse) - ndtri(shares)).max() < 1e-13


MOMENTS = {"gaussian": (1, 3, 15, 105), "laplace": (2, 24, 720, 40320)}  # E of the 2nd, 4th, 6th and 8th power


def test_drawn_noise_has_its_law(browser):
    """Means of x, x², x⁴ and of signs, and neighbours' products, within 5 standard errors: five looks at 20 seeds each.

    A right Gaussian generator fails with a probability of 100 · 6e-7, 6 in 100,000, over the choice of the seeds (they are
    fixed); a Laplace one, of whose fourth powers means are far from normal, within 8 errors there.
    """
    draw = """([kind, count, seed]) => {
      const made = fldp.random(seed), x = new Float64Array(20000)
      const filled = count ? made.sums(x, kind, count) : made.fill(x, kind)
      const mean = f => fldp.numbers.mean([...filled].map(f))
      return [mean(v => v), mean(v => v ** 2), mean(v => v ** 4), mean(Math.sign), mean((v, k) => v * x[(k + 1) % x.length])]
    }"""
    n, looks = 20_000, 0
    with page_of(browser) as page:
        for kind, (two, four, _six, eight) in MOMENTS.items():
            for seed in range(20):
                mean, square, fourth, sign, product = page.evaluate(draw, [kind, 0, seed])
                errors = [
                    mean / two**0.5, (square - two) / (four - two**2) ** 0.5,
                    (fourth - four) / (eight - four**2) ** 0.5, sign, product / two,
                ]  # fmt: skip
                assert np.abs(errors).max() * n**0.5 < (5 if kind == "gaussian" else 8), (kind, seed, errors)
                looks += 5
            for count in (3, 40):  # a sum of independent noises: variances add up, and so do fourth cumulants
                _mean, square, fourth, *_ = page.evaluate(draw, [kind, count, count])
                expected = 3 * (count * two) ** 2 + count * (four - 3 * two**2)
                assert square == pytest.approx(count * two, rel=0.1) and fourth == pytest.approx(expected, rel=0.25)
        same = page.evaluate("() => [3, 3, 4].map(seed => fldp.random(seed).uniform())")
        cohort = page.evaluate(
            "() => { const r = fldp.random(1); return [...Array(400)].map(() => r.cohort(100, 0.3).length) }"
        )
    assert same[0] == same[1] != same[2] and looks == 200
    assert abs(np.mean(cohort) - 30) < 5 * (21 / 400) ** 0.5 and np.var(cohort) == pytest.approx(21, rel=0.35)


def test_no_two_seeds_draw_the_same(browser):
    """Seeds of up to 53 bits, also those that agree in their lower 32 bits, or in both halves' exclusive or."""
    draw = """() => {
      const seeds = fldp.numbers.range(20000).flatMap(k => [k, k * 2 ** 32, k * 2 ** 32 + k, 2 ** 53 - 1 - k])
      const first = new Map(seeds.map(seed => [seed, fldp.random(seed).uniform()]))
      return [first.size, new Set(first.values()).size]
    }"""
    with page_of(browser) as page:
        seeds, values = page.evaluate(draw)
    assert values == seeds and seeds > 79_000
    with page_of(browser, ("random.js", "this.state[3] ^= mixed(Math.floor(seed / 2 ** 32))", "")) as page:
        seeds, values = page.evaluate(draw)
    assert values < seeds


def test_a_million_numbers_follow_their_law(browser):
    """Kolmogorov's distance of a million draws, and of neighbours' products in 64 × 64 cells, for a seed of each half.

    Each of the 12 looks fails a right generator with a probability of 1e-6, over the choice of the seeds (they are fixed).
    """
    draw = """([kind, seed]) => {
      const x = fldp.random(seed).fill(new Float64Array(1e6), kind), cells = new Float64Array(4096)
      const law = kind === 'gaussian' ? fldp.normal.cdf : v => v < 0 ? Math.exp(v) / 2 : 1 - Math.exp(-v) / 2
      const u = x.map(law), place = k => Math.min(63, Math.floor(64 * u[k]))
      for (let k = 0; k < 1e6; k += 2) cells[64 * place(k) + place(k + 1)]++
      const square = fldp.numbers.sum(cells.map(n => (n - 5e5 / 4096) ** 2 / (5e5 / 4096)))
      const far = u.sort().reduce((most, v, k) => Math.max(most, v - k / 1e6, (k + 1) / 1e6 - v), 0)
      return [far, square]
    }"""
    from scipy import stats

    with page_of(browser) as page:
        for kind in ("gaussian", "laplace"):
            for seed in (0, 7, 2**52 + 5):
                far, square = page.evaluate(draw, [kind, seed])
                assert stats.kstwobign.sf(far * 1e3) > 1e-6 and stats.chi2.sf(square, 4095) > 1e-6, (kind, seed)
