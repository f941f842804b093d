"""Clients in groups that take turns, with independent and with correlated noise: runs, prices, refusals, checkpoints."""

import math

import dp_accounting
import numpy as np
import pytest
import torch
from conftest import federation, refuses

from fldp_lib import Plan, accounting, aggregation, models, train
from fldp_lib.adversary import auditing
from fldp_lib.privacy import strategies
from fldp_lib.privacy.adaptive import AdaptiveGaussian
from fldp_lib.privacy.correlated import Correlated
from fldp_lib.privacy.mechanisms import Gaussian, Laplace
from fldp_lib.training import _streams, checkpoint, server
from fldp_lib.training.algorithms import FedAvg

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2, 5, 3, 1, 2, 4]
TURNS = {"sampling_rate": 1 / 4, "sampler": "cyclic", "delta": 1e-3, "lr": 0.3}


def start():
    return models.MLP(3, 4, 2), federation(SIZES)


def plan(mechanism, rounds=10, **others):
    return Plan.of(**{"rounds": rounds, "mechanism": mechanism, "seed": 5, **TURNS, **others})


def library(*events):
    """dp_accounting's ε of Gaussian events at δ = 1e-3."""
    accountant = dp_accounting.pld.PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
    for event, count in events:
        accountant.compose(event, count)
    return accountant.get_epsilon(1e-3)


# Turns -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 5, 2**40, None])
def test_each_client_takes_part_in_every_fourth_round_and_in_no_other(seed):
    history = train(*start(), plan(None, 11, seed=seed))
    there = ~np.isnan(history.update_norms)  # rounds × clients
    for client in there.T:
        turns = np.flatnonzero(client)
        assert (np.diff(turns) == 4).all() and turns[0] < 4 and len(turns) in (2, 3)
    assert history.cohort.max() - history.cohort.min() <= 1 and history.cohort[:4].sum() == len(SIZES)


def test_groups_tell_nothing_of_the_seed_and_need_no_stream():
    """A deal by the seed, which is public, would let everybody try seeds until one fits, and subtract the noise."""
    before = _streams.streams(3)[0]
    state = before.get_state()
    turns = [_streams.cohort_of(40, plan(None, seed=seed), 3, before).tolist() for seed in (0, 1, 2, 2**40, None)]
    assert all(each == turns[0] for each in turns) and len(turns[0]) == 10
    assert torch.equal(before.get_state(), state)
    runs = [train(*start(), plan(Correlated(1.0, 0.3), seed=seed)) for seed in (1, 2)]
    there = [~np.isnan(run.update_norms) for run in runs]
    assert (there[0] == there[1]).all() and not torch.equal(runs[0].theta, runs[1].theta)


def test_where_turns_are_taken_the_neighbour_is_silent_and_not_gone():
    """With one client fewer the groups are dealt anew: most have other turns, which the price has nothing for."""
    whole, fewer = _streams.groups_of(40, 4), _streams.groups_of(39, 4)
    assert (whole[:39] == fewer).float().mean() < 0.6  # by chance 1/4
    silent = "one client's contributions are all there or all zero (number of clients and turns are public)"
    model, fed = start()
    for mechanism in (Correlated(2.0, 0.3), Gaussian(2.0, 0.3), Gaussian(2.0, 0.3, "shares"), AdaptiveGaussian(2.0, 0.3)):
        assert f"neighbours: {silent};" in train(model, fed, plan(mechanism, 4, seed=None)).guarantee
    for local in (Gaussian(2.0, 0.3, "client"), Gaussian(2.0, 0.3, "client", "record")):  # nobody leaves
        assert f"neighbours: {local.adjacency};" in train(model, fed, plan(local, 4, seed=None)).guarantee
    coins = train(model, fed, plan(Gaussian(2.0, 0.3), 4, sampler="poisson"))
    assert "neighbours: add or remove one client;" in coins.guarantee
    both = train(model, fed, plan(Gaussian(2.0, 0.3), 4), start=coins)  # what both runs keep
    assert f"neighbours: {silent};" in both.guarantee


def test_the_mean_is_over_the_expected_cohort_which_is_public():
    """With noise the divisor is clients/groups in each round, 11/4, so that what noise is told by divides alike."""
    mechanism = Gaussian(1e-9, 1e3)
    model, fed = start()
    history = train(model, fed, plan(mechanism, 1))
    cohort = _streams.cohort_of(11, plan(None), 1, None)
    alone = train(model, fed.select(cohort), rounds=1, lr=0.3)
    moved, mean = (found.theta - models.flatten(model) for found in (history, alone))
    torch.testing.assert_close(moved, mean * len(cohort) / (11 / 4), rtol=0, atol=1e-5)


# Price -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rounds", "turns"), [(1, 1), (4, 1), (5, 2), (10, 3)])
def test_independent_rounds_are_priced_by_a_clients_own_turns(rounds, turns):
    alone = plan(Gaussian(2.0, 0.3), rounds)
    assert alone.part() == (Gaussian(2.0, 0.3), turns, 1.0)
    assert alone.epsilon() == pytest.approx(library((dp_accounting.GaussianDpEvent(2.0), turns)), rel=1e-4)
    np.testing.assert_allclose(alone.curve(), [alone.epsilon(t) for t in range(1, rounds + 1)])
    assert plan(Laplace(0.4, 0.3), rounds).epsilon() == pytest.approx(
        accounting.epsilon(Laplace(0.4, 0.3), turns, delta=1e-3)
    )
    records = Gaussian(2.0, 0.3, "client", "record")
    found = plan(records, rounds, local=FedAvg(3), batch_rate=0.5)
    assert found.part() == (records, 3 * turns, 0.5)
    assert len(found.curve()) == rounds and found.curve()[-1] == found.epsilon()
    assert plan(Gaussian(2.0, 0.3, "client"), rounds).part()[1:] == (turns, 1.0)
    assert plan(AdaptiveGaussian(2.0, 0.3, count_noise=9.0), rounds).part()[1:] == (turns, 1.0)


@pytest.mark.parametrize("name", strategies.STRATEGIES)
def test_a_correlated_run_is_one_gaussian_event(name):
    whole = plan(Correlated(1.7, 0.3, name))
    event, releases, rate = whole.part()
    assert (event.noise_multiplier, releases, rate) == (pytest.approx(1.7), 1, 1.0)
    assert whole.epsilon() == pytest.approx(library((dp_accounting.GaussianDpEvent(1.7), 1)), rel=1e-4)
    np.testing.assert_allclose(whole.curve(), [whole.epsilon(t) for t in range(1, 11)])
    assert whole.epsilon(0) == 0 and (np.diff(whole.curve()) >= -1e-12).all()
    assert whole.attacker().mu == pytest.approx(1 / 1.7)
    assert whole.ledger().epsilon == pytest.approx(whole.epsilon())
    refuses(lambda: whole.epsilon(11), ValueError, "rounds", "11", "<= 10")


@pytest.mark.parametrize("mechanism", [Correlated(1.0, 0.3), Gaussian(1.0, 0.3), Laplace(1.0, 0.3)])
def test_a_plan_is_calibrated_with_its_turns(mechanism):
    found = plan(mechanism).calibrated(2.0)
    assert type(found.mechanism) is type(mechanism) and 0.999 * 2 <= found.epsilon() <= 2
    assert Plan.from_json(found.to_json()) == found
    longer = found.changed(rounds=found.rounds + 4)
    assert (longer.epsilon() > found.epsilon()) == (not found.correlated)  # whose noise grows with its sensitivity


def test_the_independent_strategy_is_independent_noise():
    """3 turns: noise of σ·√3 a round; the same draws, parameters and price as `Gaussian`'s own."""
    model, fed = start()
    one, two = plan(Correlated(1.2, 0.3, "independent")), plan(Gaussian(1.2 * math.sqrt(3), 0.3))
    found, expected = train(model, fed, one), train(model, fed, two)
    torch.testing.assert_close(found.theta, expected.theta, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.noise_std, expected.noise_std)
    np.testing.assert_allclose(found.epsilon, expected.epsilon, rtol=1e-9)
    assert (found.cohort == expected.cohort).all()


# Runs ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", strategies.STRATEGIES)
def test_where_nobody_has_data_a_run_moves_by_its_noise(name):
    """theta is the start plus the sums of C⁻¹·Z, Z drawn by the run's own stream of noise, by dense algebra."""
    whole, model = plan(Correlated(0.8, 0.3, name), 9), models.Linear(3, 2)
    seen = []
    fed = federation(SIZES)
    fed.mask[:] = False
    train(model, fed, whole, callback=lambda t, theta, record: seen.append((theta.double(), record["noise_std"])))
    source = _streams.streams(5)[_streams.NOISE]
    drawn = torch.stack([torch.randn(8, generator=source, dtype=torch.float64) for _ in range(9)]).numpy()
    strategy = whole.mechanism.fitted(9, 4)
    inverse = np.linalg.inv(strategy.matrix()) * 0.8 * 0.3 * strategy.sensitivity(4) / (11 / 4)
    expected = models.flatten(model).numpy() + np.cumsum(inverse @ drawn, 0)
    np.testing.assert_allclose(torch.stack([theta for theta, _ in seen]), expected, atol=1e-5)
    np.testing.assert_allclose([std for _, std in seen], np.linalg.norm(inverse, axis=1))


def test_what_the_price_does_not_cover_is_refused():
    mechanism = Correlated(1.0, 0.3)
    for sampler, rate in (("poisson", 0.25), ("poisson", 1.0), ("fixed", 0.25)):
        refuses(lambda s=sampler, r=rate: plan(mechanism, sampler=s, sampling_rate=r), ValueError, "sampler", "'cyclic'")
    for rate in (0.3, 0.4, 0.75):
        refuses(lambda r=rate: plan(mechanism, sampling_rate=r), ValueError, "sampling_rate", str(rate), "whole number")
    for at, unit in (("client", "client"), ("client", "record"), ("shares", "client")):
        refuses(lambda a=at, u=unit: plan(mechanism).calibrated(1.0, at=a, unit=u), ValueError, "at", "'server'", f"'{at}'")
    assert plan(mechanism, aggregator=aggregation.median).epsilon() == math.inf
    assert plan(Correlated(0.0, math.inf)).reason == "no noise is added"
    refuses(lambda: Correlated(1.0, 0.3, "sqrt", 4), ValueError, "band", "None", "'sqrt'")
    refuses(lambda: Correlated(1.0, math.inf), ValueError, "clip", "finite")


def test_a_correlated_run_is_not_gone_on_from_its_history():
    model, fed = start()
    done, other = train(model, fed, plan(Correlated(1.0, 0.3), 4)), train(model, fed, plan(Gaussian(1.0, 0.3), 4))
    for before, mechanism in ((done, Correlated(1.0, 0.3)), (done, Gaussian(1.0, 0.3)), (other, Correlated(1.0, 0.3))):
        go_on = lambda b=before, m=mechanism: train(model, fed, plan(m, 4), start=b)  # noqa: E731
        refuses(go_on, ValueError, "start", "correlated", "checkpoint")
    again = train(model, fed, plan(Gaussian(1.0, 0.3), 5), start=other)  # independent turns compose
    assert again.total_epsilon == pytest.approx(library((dp_accounting.GaussianDpEvent(1.0), 1 + 2)), rel=1e-4)


def test_a_run_that_is_ended_early_is_priced_as_planned():
    model, fed = start()
    history = train(model, fed, plan(Correlated(1.0, 0.3)), callback=lambda t, theta, record: t == 3)
    assert history.rounds == 3 and history.total_epsilon == plan(Correlated(1.0, 0.3)).epsilon() > history.epsilon[-1]
    np.testing.assert_array_equal(history.epsilon, plan(Correlated(1.0, 0.3)).curve(3))
    assert "10 rounds planned, of which 3 ran" in history.guarantee


# Checkpoints -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [5, None])
@pytest.mark.parametrize("name", strategies.STRATEGIES)
def test_an_interrupted_run_goes_on_within_its_noise(name, seed, tmp_path):
    """Stopped after rounds 1, 6 and 9. The files hold no more rows than the stream keeps."""
    model, fed = start()
    whole = plan(Correlated(1.0, 0.3, name), seed=seed)
    path = tmp_path / "run"
    if seed is None:  # one run's streams, kept aside at the start
        train(model, fed, whole, checkpoint=path, until=0)
        for each in ("run", "run.rounds"):
            (tmp_path / f"other{each[3:]}").write_bytes((tmp_path / each).read_bytes())
    expected = train(model, fed, whole, checkpoint=tmp_path / "other" if seed is None else None)
    for until in (1, 6):
        assert train(model, fed, whole, checkpoint=path, until=until).rounds == until

    found = train(model, fed, whole, checkpoint=path, until=9)
    assert len(found.state["noise"]["kept"]) <= {"tree": 4}.get(name, whole.mechanism.fitted(10, 4).band)
    found = train(model, fed, whole, checkpoint=path)
    assert torch.equal(found.theta, expected.theta) and found.rounds == 10
    np.testing.assert_array_equal(found.epsilon, expected.epsilon)
    np.testing.assert_array_equal(found.noise_std, expected.noise_std)


def test_a_round_that_was_cut_short_draws_the_same_noise_again(tmp_path):
    model, fed = start()
    whole, asked = plan(Correlated(1.0, 0.3)), []

    def workers(t, theta, members):
        asked.append(t)
        if asked.count(3) == 1 and t == 3:
            raise KeyboardInterrupt
        return torch.zeros(len(members), len(theta))

    with pytest.raises(KeyboardInterrupt):
        train(model, fed, whole, workers=workers, checkpoint=tmp_path / "run")
    found = train(model, fed, whole, workers=workers, checkpoint=tmp_path / "run")
    asked.append(3)
    expected = train(model, fed, whole, workers=workers)
    assert torch.equal(found.theta, expected.theta) and not found.lost.any()


def test_a_checkpoint_of_other_noise_is_refused(tmp_path):
    """More rounds too: the noise was made, and priced, for those of the plan."""
    model, fed = start()
    train(model, fed, plan(Correlated(1.0, 0.3)), checkpoint=tmp_path / "run", until=4)
    for mechanism, rounds in ((Correlated(1.0, 0.3), 12), (Correlated(1.0, 0.3), 9), (Correlated(1.0, 0.3, "banded"), 10),
                              (Correlated(1.0, 0.3, band=3), 10), (Gaussian(1.0, 0.3), 10)):  # fmt: skip
        go_on = lambda m=mechanism, r=rounds: train(model, fed, plan(m, r), checkpoint=tmp_path / "run")  # noqa: E731
        refuses(go_on, ValueError, "checkpoint", "rounds" if rounds != 10 else "mechanism")
    assert checkpoint.begun(tmp_path / "run") == 4


# Audits ----------------------------------------------------------------------------------------------------------------

# Confidence 1 − 1e-6: an honest plan is refuted with a probability of 1e-6 at most.
SURE = {"runs": 3000, "confidence": 1 - 1e-6}


def sooner(model, fed, plan, **options):
    """A fault: groups come back after half the rounds that the plan says, and the noise is still the plan's."""
    honest = server.cohort_of

    def wrong(clients, plan, t, generator):
        return torch.cat([honest(clients, plan, s, generator) for s in (t, t + plan.groups // 2)]).sort().values

    server.cohort_of = wrong
    try:
        return train(model, fed, plan, **options)
    finally:
        server.cohort_of = honest


@pytest.mark.parametrize("name", ["tree", "banded", "optimised", None])
def test_an_audit_finds_most_of_an_honest_price_and_refutes_a_wrong_separation(name):
    mechanism = Correlated(1.0, 1.0, name) if name else Gaussian(1.0, 1.0)
    audited = plan(mechanism, 12, lr=1.0, delta=1e-5).calibrated(4.0)
    honest = auditing.audit_through_mu(audited, **SURE)
    assert 0.6 * audited.attacker().mu < honest.mu <= audited.attacker().mu and honest.lower <= audited.epsilon()
    caught = auditing.audit_through_mu(audited, **SURE, trainer=sooner)
    assert caught.mu > 1.05 * audited.attacker().mu and caught.lower > audited.epsilon()
