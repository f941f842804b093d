"""Audits in bulk are the package's audits: bounds, p-values and attackers number by number, counts by their law."""

import numpy as np
import pytest
from scipy import stats

from fldp_lib import Plan, accounting, mechanisms
from fldp_lib.adversary import auditing, faults
from fldp_lib.course.exhibits import _audits, _priced, nb16, nb16_more
from fldp_lib.privacy import attacker
from fldp_lib.training import _json, _terms


def test_rates_and_bounds_are_the_package_s():
    rng = np.random.default_rng(0)
    false, true = rng.integers(0, 1_001, (2, 500))
    false[:4], true[:4] = (0, 1_000, 0, 1_000), (0, 1_000, 1_000, 0)
    rates = _audits.rates(false, true, 1_000, 0.025)
    np.testing.assert_allclose(rates, auditing._rates(false, 1_000, true, 1_000, 0.025), rtol=1e-9)
    for delta in (0.0, 1e-3):
        np.testing.assert_allclose(_audits.bound(*rates, delta), auditing._bound(*rates, delta), rtol=1e-12)


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 4.0, 8.0])
def test_the_attacker_of_a_laplace_release_is_the_one_computed_on_a_grid(epsilon):
    exact, grid = _audits.laplace(epsilon), attacker.of(mechanisms.Laplace(epsilon, 4.0), delta=0.0)
    assert exact.even_odds == pytest.approx(grid.even_odds, abs=1e-3) and exact.people == grid.people
    assert exact.tpr == pytest.approx(grid.tpr, abs=2e-3) and exact.bound == pytest.approx(grid.bound, abs=1e-9)


def test_a_bound_through_mu_is_the_package_s():
    rng = np.random.default_rng(1)
    for mu in (0.2, 1.0, 3.0):
        without, present = rng.normal(size=2_000), rng.normal(mu, 1, 2_000)
        wrong = (without > mu / 2).sum() + (present <= mu / 2).sum()
        same = auditing.through_mu(without, present, 1e-5, threshold=mu / 2).lower
        assert _audits.through_mu(np.array(wrong), 4_000) == pytest.approx(same, abs=2e-3)


@pytest.mark.parametrize(
    ("correct", "guesses", "canaries", "delta"),
    [(118, 200, 1_000, 1e-5), (200, 200, 1_000, 1e-5), (90, 100, 100, 0.0), (2, 2, 100, 1e-5), (0, 10, 50, 1e-5)],
)
def test_one_run_s_bound_and_p_values_are_the_package_s(correct, guesses, canaries, delta):
    grid = np.array([0.0, 0.5, 2.0, 5.0])
    told = [auditing.p_value(correct, guesses, canaries, float(e), delta) for e in grid]
    np.testing.assert_allclose(_audits.p_values(correct, guesses, canaries, grid, delta), told, rtol=1e-6)
    same = auditing.one_run(correct, guesses, canaries, delta)
    assert same - 1e-3 <= _audits.one_run(correct, guesses, canaries, delta) <= same + 1e-9


def test_counts_follow_the_law_of_the_runs():
    thresholds, rng = np.array([-1.0, 0.5, 2.0]), np.random.default_rng(2)
    found = _audits.counts(_audits.laplace_laws(1.0, thresholds), 1_000, 2_000, rng)
    scores = _audits.released(faults.honest, 1.0, 200_000, 3)  # its noise has scale 4
    for world, score in enumerate(scores):
        for k, threshold in enumerate(thresholds):
            share = (score > 4 * threshold).mean()
            assert found[world, :, k].mean() / 1_000 == pytest.approx(share, abs=5e-3)
            assert found[world, :, k].std() == pytest.approx(stats.binom(1_000, share).std(), rel=0.1)
    assert (np.diff(found, axis=2) <= 0).all()


def test_the_best_of_the_hero_s_thresholds_accuses_no_honest_program_more_often_than_it_says():
    best, limits = [], nb16.THRESHOLDS
    for seed in range(60):
        above = [(s[:, None] > limits).sum(0) for s in _audits.released(faults.honest, 1.0, 2_000, 5_000 + seed)]
        best.append(_audits.bound(*_audits.rates(*above, 2_000, 0.05 / (2 * len(limits)))).max())
    assert sum(b > 1 for b in best) <= 6 and np.median(best) > 0.4


def test_the_table_of_prices_has_every_mechanism_and_sampler_and_says_what_a_plan_says():
    found = _priced.table()
    named = {row[0].split(",")[0] for row in found.rows}
    assert named == {kind.__name__ for kind in _json.KINDS if issubclass(kind, mechanisms.Placed)}
    assert all(f"{sampler}, 1/10" in found.columns for sampler in _terms.SAMPLERS)
    cells = {row[0]: dict(zip(found.columns[1:], row[1:], strict=True)) for row in found.rows}
    noise = mechanisms.Gaussian(4.0, clip=1.0)
    assert cells["Gaussian, server"]["poisson, 1/10"].startswith(
        f"pld {accounting.epsilon(noise, 20, 0.1, 1e-5):.2f}, rdp {accounting.epsilon(noise, 20, 0.1, 1e-5, 'rdp'):.2f}"
    )
    letter = cells["Gaussian, server"]["fixed, 1/10"].removeprefix("none (").removesuffix(")")
    with pytest.raises(ValueError, match="no accounting here covers") as refused:
        Plan(20, mechanism=noise, sampling_rate=0.1, sampler="fixed")
    assert found.notes[ord(letter) - 97] == str(refused.value)


@pytest.mark.parametrize("clients", [101, 102, 103, 107, 999])
def test_where_all_are_guessed_each_canary_is_guessed_once(clients):
    explorer = nb16_more.canaries()
    found = explorer.compute(**explorer.state | {"clients": clients, "guesses": 100})
    assert found["made"] == clients - clients % 2 and 0 <= found["right"] <= found["made"]
