"""server: without a mechanism `train` is federated averaging; with one it releases what the accountant prices."""

import math
import warnings

import numpy as np
import pytest
import torch
from conftest import (
    counts_follow,
    dataset,
    fedavg_loop,
    federation,
    follows,
    global_random_state_untouched,
    law_of,
    nobody,
    refuses,
    sgd,
    theta_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from fldp_lib import accounting, aggregation, clients, data, models, server, train
from fldp_lib.privacy.mechanisms import Gaussian, Laplace, RandomisedResponse
from fldp_lib.training.aggregation import Mean, Median, TrimmedMean, WeightedMean

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2]
KINDS = {  # model, options of the federation; float64, so that equality is sharp
    "softmax": (lambda: models.Linear(16, 3, seed=1), {"classes": 3}),
    "logistic": (lambda: models.Linear(16, 1, seed=1), {"classes": 2}),
    "MLP": (lambda: models.MLP(16, 5, 3), {"classes": 3}),
    "regression": (lambda: models.MLP(16, 4, 1), {"task": "regression"}),
    "Tanh": (lambda: nn.Sequential(nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, 3)), {"classes": 3}),
    "LayerNorm": (lambda: nn.Sequential(nn.Linear(16, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2)), {"classes": 2}),
    "Conv2d": (
        lambda: nn.Sequential(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)),
        {"classes": 3},
    ),
}
NOISY = {  # every place and unit
    "Gaussian at the server": Gaussian(0.8, 1.0),
    "Gaussian at the client": Gaussian(0.8, 1.0, "client"),
    "Gaussian in shares": Gaussian(0.8, 1.0, "shares"),
    "Gaussian on records": Gaussian(0.8, 1.0, "client", "record"),
    "Laplace at the server": Laplace(2.0, 1.0),
    "Laplace at the client": Laplace(2.0, 1.0, "client"),
    "Laplace in shares": Laplace(2.0, 1.0, "shares"),
    "Laplace on records": Laplace(2.0, 1.0, "client", "record"),
}


def case(kind, sizes=SIZES, **options):
    build, extra = KINDS[kind]
    torch.manual_seed(0)
    return build().double(), federation(sizes, features=16, **extra, **options)


def cohorts_of(history):
    """Who took part in each round, read off the update norms."""
    return [np.flatnonzero(~np.isnan(norms)).tolist() for norms in history.update_norms]


def close(found, expected, rtol=1e-8):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=1e-11)


# Without noise: plain federated averaging ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_local_step_weighted_by_size_equals_central_sgd(kind):
    model, fed = case(kind)
    history = train(model, fed, rounds=5, lr=0.3, aggregator=aggregation.weighted_mean)
    close(history.theta, theta_of(sgd(model, *fed.pooled(), steps=5, lr=0.3)))


@pytest.mark.parametrize("kind", KINDS)
def test_one_client_equals_central_training(kind):
    model, fed = case(kind, sizes=[9])
    history = train(model, fed, rounds=1, local_steps=6, lr=0.3)
    close(history.theta, theta_of(sgd(model, *fed.client(0), steps=6, lr=0.3)))
    close(train(model, fed, rounds=6, lr=0.3).theta, history.theta)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_size", [False, True], ids=["equal weights", "by size"])
def test_train_equals_a_plain_loop_over_clients(kind, by_size):
    model, fed = case(kind)
    aggregator = aggregation.weighted_mean if by_size else aggregation.mean
    options = {"local_steps": 3, "lr": 0.2, "proximal": 0.4, "server_lr": 0.7}
    history = train(model, fed, rounds=4, aggregator=aggregator, **options)
    close(history.theta, fedavg_loop(model, fed, [range(fed.clients)] * 4, by_size=by_size, **options))


def test_single_precision_equals_the_plain_loop_to_1e_4():
    model, fed = models.MLP(64, 32, 10), federation([20] * 10, features=64, classes=10)
    history = train(model, fed, rounds=5, local_steps=5, lr=0.1)
    expected = fedavg_loop(model, fed, [range(10)] * 5, local_steps=5, lr=0.1)
    assert history.theta.dtype == torch.float32
    assert (history.theta - expected).abs().max() <= 1e-4


@pytest.mark.parametrize("sampler", ["poisson", "fixed"])
@pytest.mark.parametrize("by_size", [False, True], ids=["equal weights", "by size"])
def test_sampled_rounds_equal_the_loop_over_the_same_cohorts(sampler, by_size):
    model, fed = case("MLP")
    options = {"local_steps": 2, "lr": 0.2}
    aggregator = aggregation.weighted_mean if by_size else aggregation.mean
    history = train(model, fed, rounds=8, sampling_rate=0.5, sampler=sampler, aggregator=aggregator, seed=2, **options)
    assert len({tuple(cohort) for cohort in cohorts_of(history)}) > 3
    close(history.theta, fedavg_loop(model, fed, cohorts_of(history), by_size=by_size, **options))


@pytest.mark.parametrize(
    "quiet", [Gaussian(0.0, math.inf), Laplace(math.inf, math.inf), Gaussian(0.0, 1e6), Laplace(math.inf, 1e6)]
)
@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_infinite_epsilon_returns_the_exact_answer(quiet, rate):
    model, fed = case("MLP")
    options = {"rounds": 3, "local_steps": 2, "sampling_rate": rate}
    close(train(model, fed, mechanism=quiet, **options).theta, train(model, fed, **options).theta)


def test_clipping_alone_bounds_the_round():
    model, fed = case("MLP", scale=30.0)
    history = train(model, fed, rounds=1, lr=1.0, mechanism=Gaussian(0.0, 0.1))
    assert history.fraction_clipped[0] == 5 / 6  # all but the empty client
    assert (history.theta - theta_of(model)).norm() <= 0.1 * 5 / 6 * (1 + 1e-9)


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(0.2), lambda updates, sizes: updates[sizes.argmax()]])
def test_robust_and_own_aggregators_see_every_update(rule):
    model, fed = case("MLP")
    theta = theta_of(model)
    updates = torch.stack([theta_of(sgd(model, *fed.client(k), steps=2, lr=0.2)) - theta for k in range(fed.clients)])
    history = train(model, fed, rounds=1, local_steps=2, lr=0.2, aggregator=rule)
    close(history.theta, theta + rule(updates, fed.sizes))
    close(train(model, fed, rounds=1, local_steps=2, lr=0.2, aggregator=rule, chunk=1).theta, history.theta)


def test_a_custom_loss_trains_and_scores():
    model, fed = case("regression")
    history = train(model, fed, rounds=2, loss=lambda outputs, targets: (outputs.squeeze(-1) - targets).abs())
    with torch.no_grad():
        residual = history.trained()(fed.x_test.double()).squeeze(-1) - fed.y_test
    assert history.loss[-1] == pytest.approx(float(residual.abs().mean()), rel=1e-6)


# Order, chunks, padding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aggregator", [Mean(), WeightedMean(), Median(), TrimmedMean(0.2)])
def test_client_order_does_not_matter(aggregator):
    model, fed = case("MLP")
    order = torch.tensor([3, 5, 0, 2, 4, 1])
    options = {"rounds": 3, "local_steps": 2, "aggregator": aggregator}
    close(train(model, fed.select(order), **options).theta, train(model, fed, **options).theta)


def test_client_order_does_not_matter_to_central_noise():
    model, fed = case("MLP")
    order = torch.tensor([3, 5, 0, 2, 4, 1])
    for mechanism in (Gaussian(1.0, 0.5), Laplace(1.0, 0.5), Gaussian(1.0, 0.5, "shares")):
        options = {"rounds": 3, "mechanism": mechanism}
        close(train(model, fed.select(order), **options).theta, train(model, fed, **options).theta)


@pytest.mark.parametrize("mechanism", [None, *NOISY.values()], ids=["none", *NOISY])
@pytest.mark.parametrize("rate", [1.0, 0.6])
@pytest.mark.parametrize("batch_rate", [1.0, 0.5])
@pytest.mark.parametrize("parameters", [4, 16])
def test_chunk_size_changes_nothing(mechanism, rate, batch_rate, parameters):
    """Whatever is left for the last chunk: with few parameters too, noise must not depend on how clients are chunked."""
    model, fed = models.Linear(parameters - 1, 1).double(), federation([2] * 41, features=parameters - 1)
    options = {"rounds": 2, "local_steps": 2, "sampling_rate": rate, "batch_rate": batch_rate, "mechanism": mechanism}
    whole = train(model, fed, chunk=1000, **options)
    for chunk in (1, 32):
        part = train(model, fed, chunk=chunk, **options)
        torch.testing.assert_close(part.theta, whole.theta, rtol=0, atol=1e-9)
        np.testing.assert_allclose(part.update_norms, whole.update_norms, rtol=1e-9)


@pytest.mark.parametrize("mechanism", [None, *NOISY.values()], ids=["none", *NOISY])
def test_padding_changes_nothing(mechanism):
    model, fed = case("MLP")
    junk = torch.full((fed.clients, 4, 16), 1e5)
    wide = data.Federation(
        torch.cat([junk, fed.x], 1),
        torch.cat([torch.ones(fed.clients, 4, dtype=torch.int64), fed.y], 1),
        torch.cat([torch.zeros(fed.clients, 4, dtype=torch.bool), fed.mask], 1),
        *(fed.x_test, fed.y_test, fed.task),
    )
    options = {"rounds": 2, "local_steps": 2, "mechanism": mechanism}
    close(train(model, wide, **options).theta, train(model, fed, **options).theta)


def test_an_empty_client_counts_in_the_equal_mean_and_not_by_size():
    model, fed = case("MLP")
    present = fed.select(fed.sizes > 0)
    theta = theta_of(model)
    moves = [train(model, f, rounds=1).theta - theta for f in (fed, present)]
    close(moves[0] * 6, moves[1] * 5)
    by_size = [train(model, f, rounds=1, aggregator=aggregation.weighted_mean).theta for f in (fed, present)]
    close(*by_size)


@pytest.mark.parametrize("kind", KINDS)
def test_batch_rate_one_equals_the_full_batch(kind):
    model, fed = case(kind)
    full = train(model, fed, rounds=2, local_steps=2)
    assert torch.equal(train(model, fed, rounds=2, local_steps=2, batch_rate=1.0, seed=9).theta, full.theta)
    assert not torch.equal(train(model, fed, rounds=2, local_steps=2, batch_rate=0.5).theta, full.theta)


# Sensitivity: what one client can change -------------------------------------------------------------------------------


def summed(fed, model, mechanism, rate, **options):
    """The noisy sum that a round releases: the update times its public, fixed denominator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # δ against a handful of clients
        history = train(model, fed, rounds=1, mechanism=mechanism, sampling_rate=rate, **options)
    return (history.theta - theta_of(model)) * rate * fed.clients


@settings(max_examples=100)
@given(
    how=st.sampled_from(data.SPLITS),
    count=st.integers(3, 12),
    removed=st.integers(0, 11),
    weight=st.sampled_from([Mean(), WeightedMean(cap=0.5), WeightedMean(cap=4), WeightedMean(cap=1000)]),
    build=st.sampled_from([Laplace, Gaussian]),
    clip=st.floats(0.01, 3),
    at=st.sampled_from(["server", "client", "shares"]),
    rate=st.sampled_from([1.0, 0.5]),
    steps=st.sampled_from([1, 3]),
    lr=st.sampled_from([0.1, 10.0]),
    seed=st.integers(0, 1000),
)
def test_removing_a_client_moves_the_released_sum_by_at_most_the_clip(
    how, count, removed, weight, build, clip, at, rate, steps, lr, seed
):
    """Same seed, so same cohort and same noise: what differs between the releases is the client's contribution alone."""
    fed = data.split(dataset(60), count, how=how, seed=seed)
    model = models.MLP(3, 4, 3, seed=seed).double()
    mechanism, options = build(1.0, clip, at), {"local_steps": steps, "lr": lr, "aggregator": weight, "seed": seed}
    neighbour = fed.without(removed % count)
    change = summed(fed, model, mechanism, rate, **options) - summed(neighbour, model, mechanism, rate, **options)
    assert torch.linalg.vector_norm(change, mechanism.norm) <= clip * (1 + 1e-8) + 1e-10


@settings(max_examples=60)
@given(
    build=st.sampled_from([Laplace, Gaussian]),
    clip=st.floats(0.01, 3),
    at=st.sampled_from(["server", "client", "shares"]),
    weight=st.sampled_from([Mean(), WeightedMean(cap=2)]),
    seed=st.integers(0, 1000),
)
def test_replacing_a_client_moves_the_released_sum_by_at_most_twice_the_clip(build, clip, at, weight, seed):
    fed, other = federation([3, 2, 5], seed=seed), federation([5, 4, 1], seed=seed + 1, scale=50.0)
    x, y, mask = fed.x.clone(), fed.y.clone(), fed.mask.clone()
    x[1], y[1], mask[1] = other.x[0], other.y[0], other.mask[0]
    neighbour = data.Federation(x, y, mask, fed.x_test, fed.y_test, fed.task)
    model, mechanism = models.MLP(3, 4, 2, seed=seed).double(), build(1.0, clip, at)
    options = {"lr": 5.0, "aggregator": weight, "seed": seed}
    change = summed(fed, model, mechanism, 1.0, **options) - summed(neighbour, model, mechanism, 1.0, **options)
    assert torch.linalg.vector_norm(change, mechanism.norm) <= 2 * clip * (1 + 1e-8) + 1e-10


@pytest.mark.parametrize("build", [Laplace, Gaussian])
@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_the_bounds_are_reached(build, rate):
    """A long update moves the sum by the whole clip, and its opposite by twice the clip: no smaller noise would do."""
    fed = federation([1, 1, 1], scale=100.0)
    model = models.Linear(3, 1).double()  # at zero, a logistic gradient changes its sign with the label
    flipped = data.Federation(fed.x, 1 - fed.y, fed.mask, fed.x_test, fed.y_test, fed.task)
    one = data.Federation(fed.x, torch.cat([1 - fed.y[:1], fed.y[1:]]), fed.mask, fed.x_test, fed.y_test, fed.task)
    mechanism = build(1.0, 0.3)
    seed = next(s for s in range(99) if 0 in cohorts_of(train(model, flipped, rounds=1, sampling_rate=rate, seed=s))[0])
    base = summed(fed, model, mechanism, rate, lr=1.0, seed=seed)
    added = base - summed(fed.without(0), model, mechanism, rate, lr=1.0, seed=seed)
    replaced = base - summed(one, model, mechanism, rate, lr=1.0, seed=seed)
    assert torch.linalg.vector_norm(added, mechanism.norm) == pytest.approx(0.3, rel=1e-7)
    assert torch.linalg.vector_norm(replaced, mechanism.norm) == pytest.approx(0.6, rel=1e-7)


# Noise, as it arrives in the model -------------------------------------------------------------------------------------


def rounds_of_noise(mechanism, clients=8, rounds=30, **options):
    """What each round adds to the parameters where nobody has data (rounds × 1,000), and the history."""
    model, thetas = models.Linear(999, 1).double(), []
    history = train(
        model,
        nobody(clients),
        rounds=rounds,
        mechanism=mechanism,
        callback=lambda t, theta, record: thetas.append(theta),
        **options,
    )
    return torch.diff(torch.stack([theta_of(model), *thetas]), dim=0), history


@pytest.mark.parametrize("rate", [1.0, 0.5])
@pytest.mark.parametrize("clients", [1, 8])
@pytest.mark.parametrize("aggregator", [Mean(), WeightedMean(cap=3)])
@pytest.mark.parametrize(
    "name", ["Gaussian at the server", "Laplace at the server", "Gaussian in shares", "Laplace in shares"]
)
def test_central_noise_is_added_once_and_divided_by_the_public_denominator(name, aggregator, clients, rate):
    """KS and scale, false alarm below 2e-6 each; fixed seed."""
    mechanism = NOISY[name]
    noise, history = rounds_of_noise(mechanism, clients, aggregator=aggregator, sampling_rate=rate)
    assert follows(noise, law_of(mechanism, 1 / (rate * clients)))
    assert not follows(noise, law_of(mechanism, 1.1 / (rate * clients)))
    np.testing.assert_allclose(history.noise_std, law_of(mechanism).std() / (rate * clients))


@pytest.mark.parametrize("clients", [1, 8])
@pytest.mark.parametrize("name", ["Gaussian at the client", "Laplace at the client"])
def test_local_noise_costs_the_root_of_the_number_of_clients(name, clients):
    """Each report carries noise for 2C; the mean of N has 1/√N of it, √N times what the server would add for 2C.

    KS (against scipy's own sum of draws) and scale, false alarm below 2e-6 each; fixed seed.
    """
    mechanism = NOISY[name]
    noise, history = rounds_of_noise(mechanism, clients)
    oracle = law_of(mechanism).rvs((clients, 300_000), random_state=0).mean(0)
    assert follows(noise, oracle)
    assert not follows(noise, 0.9 * oracle) and not follows(noise, oracle / 2)
    np.testing.assert_allclose(history.noise_std, law_of(mechanism).std() / math.sqrt(clients))


@pytest.mark.parametrize("name", ["Gaussian on records", "Laplace on records"])
def test_record_level_noise_arrives_once_in_every_local_step(name):
    """Scale within five standard errors (for N=1 and one step, KS too); fixed seed. An empty client is divided by 1."""
    mechanism = NOISY[name]
    noise, history = rounds_of_noise(mechanism, 1, lr=0.3, batch_rate=0.5)
    assert follows(noise, law_of(mechanism, 0.3 / 0.5))
    noise, history = rounds_of_noise(mechanism, 5, lr=0.3, local_steps=4)
    expected = law_of(mechanism).std() * 0.3 * math.sqrt(4 / 5)
    assert abs(float(noise.std()) / expected - 1) < 5 / math.sqrt(noise.numel())
    np.testing.assert_allclose(history.noise_std, expected, rtol=1e-6)


@pytest.mark.parametrize("name", NOISY)
@pytest.mark.parametrize("rate", [1.0, 0.5])
@pytest.mark.parametrize("aggregator", [Mean(), WeightedMean(cap=3)])
def test_noise_std_is_the_deviation_of_the_averaged_update(name, rate, aggregator):
    """Scale within five standard errors; fixed seed."""
    if isinstance(aggregator, WeightedMean) and NOISY[name].unit == "record":
        return  # clients without records have no weight: nothing to measure
    noise, history = rounds_of_noise(NOISY[name], 12, sampling_rate=rate, aggregator=aggregator, local_steps=2)
    assert history.cohort.min() > 0
    ratio = noise / torch.from_numpy(history.noise_std).unsqueeze(1)
    assert abs(float(ratio.std()) - 1) < 5 * math.sqrt(5 / 4 / noise.numel())


@pytest.mark.parametrize("name", NOISY)
def test_every_round_draws_fresh_noise(name):
    """Correlation of consecutive rounds within five standard errors of zero; fixed seed."""
    noise, _ = rounds_of_noise(NOISY[name])
    assert len(noise.flatten().unique()) == noise.numel()
    assert abs(np.corrcoef(noise[:-1].flatten(), noise[1:].flatten())[0, 1]) < 5 / math.sqrt(noise[1:].numel())


def test_the_server_factor_scales_the_noise_too():
    noise, _ = rounds_of_noise(Gaussian(1.0, 1.0))
    half, _ = rounds_of_noise(Gaussian(1.0, 1.0), server_lr=0.5)
    torch.testing.assert_close(half, noise / 2)


def test_who_sits_out_sends_a_share_all_the_same():
    """Without those shares the sum would be too quiet and the sampled round unprotected."""
    quiet = [
        rounds_of_noise(mech, 10, sampling_rate=0.1)[0].std() for mech in (Gaussian(1.0, 1.0), Gaussian(1.0, 1.0, "shares"))
    ]
    assert float(quiet[0] / quiet[1]) == pytest.approx(1, abs=0.03)


# The reported ε --------------------------------------------------------------------------------------------------------


def reported(mechanism, **options):
    """The whole history of ε of a run on 12 clients."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(models.Linear(3, 1), federation([2] * 12), mechanism=mechanism, **({"rounds": 4} | options)).epsilon


def same_price(found, expected):
    """The curve of a run against each price by itself, two upper bounds: the last is the same, the others within 1e-5."""
    assert found[-1] == expected[-1]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def priced(mechanism, releases, rate, delta=1e-5):
    return [accounting.epsilon(mechanism, releases * t, rate, delta) for t in range(1, 5)]


@pytest.mark.parametrize(
    "mechanism", [Gaussian(4.0, 1.0), Laplace(0.5, 1.0), Gaussian(4.0, 1.0, "shares"), Laplace(0.5, 1.0, "shares")]
)
def test_a_poisson_sampled_sum_is_amplified(mechanism):
    found = reported(mechanism, sampling_rate=0.25, delta=1e-4)
    same_price(found, priced(mechanism, 1, 0.25, 1e-4))
    assert found[-1] < 0.7 * reported(mechanism, delta=1e-4)[-1]


@pytest.mark.parametrize("mechanism", [Gaussian(4.0, 1.0, "client"), Laplace(0.5, 1.0, "client")])
def test_a_visible_report_is_not_amplified(mechanism):
    np.testing.assert_array_equal(reported(mechanism, sampling_rate=0.25), reported(mechanism))
    same_price(reported(mechanism, sampling_rate=0.25), priced(mechanism, 1, 1.0))


def test_record_level_counts_local_steps_and_is_amplified_by_the_batch_rate_alone():
    mechanism = Gaussian(4.0, 1.0, "client", "record")
    found = reported(mechanism, local_steps=3, batch_rate=0.25)
    same_price(found, priced(mechanism, 3, 0.25))
    np.testing.assert_array_equal(found, reported(mechanism, local_steps=3, batch_rate=0.25, sampling_rate=0.5))
    same_price(reported(mechanism), priced(mechanism, 1, 1.0))


def test_local_work_and_mini_batches_do_not_change_a_clients_epsilon():
    mechanism = Gaussian(4.0, 1.0)
    same_price(reported(mechanism, local_steps=5, batch_rate=0.3), priced(mechanism, 1, 1.0))


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(0.1), lambda updates, sizes: updates.mean(0)])
def test_an_aggregator_that_is_no_sum_has_no_epsilon_at_the_server(rule):
    model, fed = models.Linear(3, 1), federation([2] * 12)
    with pytest.warns(UserWarning, match="no finite ε") as caught:
        history = train(model, fed, rounds=2, mechanism=Gaussian(1.0, 1.0), aggregator=rule)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert history.epsilon.tolist() == [math.inf] * 2
    assert "clipped sum" in history.guarantee and history.guarantee.startswith("no differential privacy")


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(0.1)])
@pytest.mark.parametrize("unit", ["client", "record"])
def test_post_processing_of_noisy_reports_is_free(rule, unit):
    mechanism = Gaussian(4.0, 1.0, "client", unit)
    same_price(reported(mechanism, aggregator=rule), priced(mechanism, 1, 1.0))


@pytest.mark.parametrize("mechanism", [None, Gaussian(0.0, 1.0), Laplace(math.inf, 1.0)], ids=str)
def test_without_noise_epsilon_is_infinite_with_the_reason(mechanism):
    history = train(models.Linear(3, 1), federation([2] * 12), rounds=2, mechanism=mechanism)
    assert history.epsilon.tolist() == [math.inf] * 2 and history.reason
    assert ("no mechanism" if mechanism is None else "no noise") in history.guarantee


@pytest.mark.parametrize(("clients", "delta", "warns"), [(12, 0.05, False), (12, 1 / 12, True), (12, 0.5, True)])
def test_delta_above_one_over_the_units_is_said(clients, delta, warns):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(models.Linear(3, 1), federation([2] * clients), rounds=1, mechanism=Gaussian(1.0, 1.0), delta=delta)
    assert len(caught) == warns
    assert not warns or all(word in str(caught[0].message) for word in ("delta", "1/12", f"{delta:g}"))


# Cohorts ---------------------------------------------------------------------------------------------------------------


def test_poisson_cohorts_are_binomial():
    """Chi-squared of the cohort's size, and of each client's number of rounds, at p ≥ 1e-6 each; fixed seed."""
    history = train(models.Linear(1, 1), federation([1] * 20, features=1), rounds=1500, sampling_rate=0.3)
    assert counts_follow(history.cohort, stats.binom(20, 0.3))
    assert not counts_follow(history.cohort, stats.binom(20, 0.33))
    took_part = (~np.isnan(history.update_norms)).sum(0)
    z = (took_part - 450) / math.sqrt(1500 * 0.3 * 0.7)
    assert stats.chi2(20).sf((z**2).sum()) >= 1e-6
    together = np.corrcoef((~np.isnan(history.update_norms)).T)
    assert np.abs(together[~np.eye(20, dtype=bool)]).max() < 6 / math.sqrt(1500)  # clients' coins are independent


def test_fixed_cohorts_have_one_size_and_reach_everybody():
    history = train(models.Linear(1, 1), federation([1] * 20, features=1), rounds=200, sampling_rate=0.3, sampler="fixed")
    assert set(history.cohort) == {6}
    assert not counts_follow(history.cohort, stats.binom(20, 0.3))
    assert ((~np.isnan(history.update_norms)).sum(0) > 30).all()


@pytest.mark.parametrize("kind", ["softmax", "Conv2d"])
@pytest.mark.parametrize("aggregator", [Mean(), WeightedMean(cap=2), Median()])
def test_an_empty_cohort_is_a_round_that_changes_nothing(kind, aggregator):
    model, fed = case(kind)
    history = train(model, fed, rounds=2, sampling_rate=1e-9, aggregator=aggregator)
    assert history.cohort.tolist() == [0, 0] and torch.equal(history.theta, theta_of(model))
    assert np.isnan(history.update_norms).all() and history.bytes_up.tolist() == [0, 0]


@pytest.mark.parametrize("mechanism", [Gaussian(1.0, 1.0), Gaussian(1.0, 1.0, "shares"), Laplace(1.0, 1.0)])
def test_an_empty_cohort_releases_its_noise_all_the_same(mechanism):
    """KS and scale, false alarm below 2e-6; fixed seed."""
    rate = 1e-7
    noise, history = rounds_of_noise(mechanism, 3, rounds=10, sampling_rate=rate)
    assert history.cohort.max() == 0
    assert follows(noise, law_of(mechanism, 1 / (rate * 3)))


def test_an_empty_cohort_of_reports_says_nothing():
    noise, history = rounds_of_noise(Gaussian(1.0, 1.0, "client"), 3, rounds=2, sampling_rate=1e-7)
    assert not noise.any() and history.noise_std.tolist() == [0, 0]


# Updates that are not finite -------------------------------------------------------------------------------------------


def poisoned(value):
    """Five clients, the second of which holds class 2, and a loss that is not finite there."""
    fed = federation([3, 2, 4, 1, 2])
    fed.y[1] = 2

    def loss(outputs, targets):
        return clients.record_loss(outputs, targets.clamp(max=1), "classification") * torch.where(targets == 2, value, 1.0)

    return fed, loss


def said_once(*arguments, **options):
    with pytest.warns(UserWarning, match="NaN or infinite") as caught:
        history = train(*arguments, **options)
    assert len(caught) == 1
    return history


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("aggregator", [Mean(), WeightedMean(), Median(), TrimmedMean(0.2)])
def test_a_client_that_is_not_finite_is_dropped_counted_and_said_once(value, aggregator):
    fed, loss = poisoned(value)
    model, others = models.Linear(3, 3, seed=0).double(), torch.tensor([0, 2, 3, 4])
    history = said_once(model, fed, rounds=3, loss=loss, aggregator=aggregator)
    assert history.dropped.tolist() == [1, 1, 1]
    assert not np.isfinite(history.update_norms[:, 1]).any()
    close(history.theta, train(model, fed.select(others), rounds=3, loss=loss, aggregator=aggregator).theta)


@pytest.mark.parametrize("name", NOISY)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_under_a_mechanism_a_dropped_client_is_an_empty_one(name, value):
    """Neither noise nor denominator depend on it: they would tell."""
    fed, loss = poisoned(value)
    model = models.Linear(3, 3, seed=0).double()
    run = {"rounds": 3, "loss": loss, "mechanism": NOISY[name]}
    if NOISY[name].unit == "client":
        found, expected = said_once(model, fed, **run), train(model, fed.without(1), **run)
        assert found.dropped.tolist() == [1, 1, 1]
        close(found.theta, expected.theta)
        np.testing.assert_array_equal(found.noise_std, expected.noise_std)
        np.testing.assert_array_equal(found.epsilon, expected.epsilon)
    else:  # the records are dropped one by one inside the client
        assert train(model, fed, **run).theta.isfinite().all()


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(0.2)])
def test_a_robust_rule_gets_the_noisy_report_of_a_dropped_client_too(rule):
    """A report that is missing would tell who was dropped."""
    fed, loss = poisoned(math.nan)
    model, run = models.Linear(3, 3, seed=0).double(), {"rounds": 2, "mechanism": NOISY["Laplace at the client"]}
    found = said_once(model, fed, loss=loss, aggregator=rule, **run)
    close(found.theta, train(model, fed.without(1), loss=loss, aggregator=rule, **run).theta)


def test_overflow_is_caught_as_well():
    fed = federation([3, 3, 3], task="regression")
    fed.y[1] = 1e30  # finite, but its gradient's norm is not
    history = said_once(models.Linear(3, 1), fed, rounds=2, mechanism=Gaussian(1.0, 1.0))
    assert history.dropped.tolist() == [1, 1] and history.theta.isfinite().all()


def test_if_nobody_is_finite_the_model_stays():
    fed, loss = poisoned(math.nan)
    fed.y[:] = 2
    model = models.Linear(3, 3, seed=0)
    for aggregator in (Mean(), WeightedMean(), Median()):
        history = said_once(model, fed, rounds=2, loss=loss, aggregator=aggregator)
        assert history.dropped.tolist() == [5, 5] and torch.equal(history.theta, theta_of(model))


# Repeatability and side effects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOISY)
def test_a_seed_repeats_the_run_and_another_does_not(name):
    model, fed = case("MLP")
    options = {"rounds": 2, "mechanism": NOISY[name], "sampling_rate": 0.7, "batch_rate": 0.7}
    a, b, c = (train(model, fed, seed=seed, **options) for seed in (5, 5, 6))
    assert torch.equal(a.theta, b.theta) and not torch.equal(a.theta, c.theta)


def test_the_noise_does_not_change_who_is_sampled():
    model, fed = case("MLP")
    runs = [
        train(model, fed, rounds=10, sampling_rate=0.5, mechanism=m) for m in (None, Gaussian(1.0, 1.0), Laplace(1.0, 1.0))
    ]
    assert cohorts_of(runs[0]) == cohorts_of(runs[1]) == cohorts_of(runs[2])


def test_cohorts_and_mini_batches_have_streams_of_their_own():
    """One client, one record: of the runs that draw the client, half draw the record. From one stream, all or none would.

    Within five standard errors; fixed seeds.
    """
    model, fed = models.Linear(3, 2), federation([1])
    runs = [train(model, fed, rounds=1, sampling_rate=0.5, batch_rate=0.5, seed=seed) for seed in range(400)]
    moved = [history.update_norms[0, 0] > 0 for history in runs if history.cohort[0] == 1]
    assert abs(len(moved) - 200) < 50 and abs(np.mean(moved) - 0.5) < 2.5 / math.sqrt(len(moved))


def test_no_global_random_state_is_touched():
    model, fed = case("MLP")
    with global_random_state_untouched():
        for mechanism in (None, *NOISY.values()):
            train(model, fed, rounds=2, mechanism=mechanism, sampling_rate=0.5, batch_rate=0.5)
        server.evaluate(model, models.flatten(model), fed)


def test_model_data_and_threads_are_left_as_they_were():
    model, fed = case("MLP")
    before, x, threads = theta_of(model).clone(), fed.x.clone(), torch.get_num_threads()
    model.train()
    history = train(model, fed, rounds=2, mechanism=Gaussian(1.0, 1.0))
    assert torch.equal(theta_of(model), before) and torch.equal(fed.x, x) and model.training
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert torch.get_num_threads() == threads
    assert not torch.equal(theta_of(history.trained()), before)


def test_a_callback_sees_every_round_and_may_end_the_run():
    model, fed = case("MLP")
    seen = []

    def callback(t, theta, record):
        seen.append((t, theta.clone(), record["score"]))
        return t == 3

    history = train(model, fed, rounds=10, callback=callback, mechanism=Gaussian(2.0, 1.0))
    assert [t for t, *_ in seen] == [1, 2, 3] and history.rounds == 3
    assert torch.equal(seen[-1][1], history.theta)
    assert history.accuracy.tolist() == [score for *_, score in seen]
    assert history.total_epsilon == accounting.epsilon(Gaussian(2.0, 1.0), 10)  # what was planned: the end was chosen late
    assert history.epsilon[-1] == accounting.epsilon(Gaussian(2.0, 1.0), 3)
    assert "10 rounds planned, of which 3 ran" in history.guarantee


def test_a_callback_that_changes_theta_changes_a_copy():
    model, fed = case("MLP")
    left = train(model, fed, rounds=3, callback=lambda t, theta, record: theta.zero_() is None)
    assert torch.equal(left.theta, train(model, fed, rounds=3).theta)


def test_an_error_in_a_callback_leaves_nothing_half_done():
    model, fed = case("MLP")
    before, threads = theta_of(model).clone(), torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        train(model, fed, rounds=10, callback=lambda *_: 1 / 0)
    assert torch.equal(theta_of(model), before) and torch.get_num_threads() == threads


def test_warnings_point_at_the_caller():
    fed, loss = poisoned(math.nan)
    with pytest.warns(UserWarning) as caught:
        train(models.Linear(3, 3), fed, rounds=1, loss=loss, mechanism=Gaussian(1.0, 1.0), delta=0.5)
    assert {w.filename for w in caught} == {__file__} and len(caught) == 2


# Evaluation ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["softmax", "logistic", "Conv2d"])
def test_accuracy_and_loss_are_those_of_the_plain_model(kind):
    model, fed = case(kind)
    with torch.no_grad():
        outputs = model(fed.x_test.double())
    guess = outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0].sigmoid() > 0.5).long()
    loss, score = server.evaluate(model, theta_of(model), fed)
    assert score == pytest.approx(float((guess == fed.y_test).double().mean()))
    expected = clients.record_loss(outputs, fed.y_test, "classification").mean()
    assert loss == pytest.approx(float(expected))


def test_r2_is_that_of_scikit_learn():
    from sklearn.metrics import mean_squared_error, r2_score

    model, fed = case("regression")
    loss, score = server.evaluate(model, theta_of(model), fed)
    guess = model(fed.x_test.double()).detach().squeeze(-1)
    assert score == pytest.approx(r2_score(fed.y_test, guess), rel=1e-5)
    assert loss == pytest.approx(mean_squared_error(fed.y_test, guess), rel=1e-5)


@pytest.mark.parametrize(("name", "floor"), [("digits", 0.9), ("breast_cancer", 0.9), ("diabetes", 0.3)])
def test_the_bundled_sets_can_be_learnt(name, floor):
    loaded = data.load(name)
    features, out = loaded.x_train.shape[1], max(1, len(loaded.classes))
    lr = 0.1 if name == "diabetes" else 1.0
    history = train(models.Linear(features, out), data.split(loaded, 10), rounds=60, local_steps=5, lr=lr)
    assert history.records[-1]["score"] > floor


# Bad input -------------------------------------------------------------------------------------------------------------

NAN_FED = federation([2, 3])
NAN_FED.x[1, 2, 0] = math.nan
INF_FED = federation([2, 3], task="regression")
INF_FED.y[0, 0] = math.inf
NARROW = federation([2, 3], features=2)
GAUSS = Gaussian(1.0, 1.0)

NUMBERS = {  # argument: values out of range, then of the wrong type
    "rounds": ([0, -1], [1.5, "3", True, None]),
    "local_steps": ([0, -1], [1.5, "3", True, None]),
    "lr": ([0, -0.1, math.nan, math.inf], ["0.1", True, None]),
    "server_lr": ([0, -0.1, math.nan, math.inf], ["0.1", True]),
    "sampling_rate": ([0, -0.1, 1.1, math.nan], ["1", True, None]),
    "batch_rate": ([0, -0.1, 1.1, math.nan], ["1", True]),
    "proximal": ([-0.1, math.nan, math.inf], ["0", True]),
    "delta": ([0, -1e-5, 1, 1.5, math.nan], ["1e-5", True]),
    "seed": ([-1], [1.5, "0", True]),
    "chunk": ([0, -3], [1.5, "16", True]),
}
BAD = {
    f"{argument}={value!r}": ({argument: value}, error, [argument, repr(value)])
    for argument, values in NUMBERS.items()
    for error, group in zip((ValueError, TypeError), values, strict=True)
    for value in group
}
BAD |= {
    "unknown sampler": ({"sampler": "shuffle"}, ValueError, ["sampler", "'shuffle'", "'poisson'", "'fixed'"]),
    "a sampler without accounting": (
        {"sampler": "fixed", "sampling_rate": 0.5, "mechanism": GAUSS},
        ValueError,
        ["sampler", "'fixed'", "'poisson'", "sampling_rate < 1", "accounting"],
    ),
    "mechanism by name": ({"mechanism": "laplace"}, TypeError, ["mechanism", "str", "Laplace"]),
    "mechanism as a number": ({"mechanism": 1.0}, TypeError, ["mechanism", "float"]),
    "randomised response": ({"mechanism": RandomisedResponse(1.0)}, TypeError, ["mechanism", "RandomisedResponse"]),
    "aggregator by name": ({"aggregator": "mean"}, TypeError, ["aggregator", "str", "aggregation.mean"]),
    "weights without a cap at the server": (
        {"aggregator": aggregation.weighted_mean, "mechanism": GAUSS},
        ValueError,
        ["aggregator", "cap", "weighted_mean"],
    ),
    "weights without a cap at the client": (
        {"aggregator": aggregation.weighted_mean, "mechanism": Laplace(1.0, 1.0, "client")},
        ValueError,
        ["aggregator", "cap"],
    ),
    "median of shares": (
        {"aggregator": aggregation.median, "mechanism": Gaussian(1.0, 1.0, "shares")},
        ValueError,
        ["aggregator", "sum", "'shares'", "Median"],
    ),
    "model by name": ({"model": "MLP"}, TypeError, ["model", "str"]),
    "model with batch statistics": (
        {"model": nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))},
        ValueError,
        ["model", "BatchNorm1d", "batch statistics"],
    ),
    "model with dropout": ({"model": nn.Sequential(nn.Linear(3, 2), nn.Dropout())}, ValueError, ["model", "Dropout"]),
    "model that is NaN": (
        {"model": models.with_theta(models.Linear(3, 2), torch.full((8,), math.nan))},
        ValueError,
        ["parameters", "NaN"],
    ),
    "model of other features": ({"model": models.Linear(5, 2)}, ValueError, ["model", "x", "3"]),
    "any module of other features": ({"model": nn.Sequential(nn.Linear(5, 2))}, ValueError, ["model", "x", "3"]),
    "too few outputs": (
        {"model": models.Linear(3, 2), "federation": federation([9, 9], classes=4)},
        ValueError,
        ["model", "4 classes", "2"],
    ),
    "one output for three classes": (
        {"model": models.Linear(3, 1), "federation": federation([9, 9], classes=3)},
        ValueError,
        ["model", "3 classes", "1"],
    ),
    "three outputs for a regression": (
        {"model": models.Linear(3, 3), "federation": federation([9, 9], task="regression")},
        ValueError,
        ["model", "regression", "3"],
    ),
    "data with NaN": ({"federation": NAN_FED}, ValueError, ["x", "NaN or infinite"]),
    "targets with infinity": ({"federation": INF_FED, "model": models.Linear(3, 1)}, ValueError, ["y", "NaN or infinite"]),
    "a data set that was not split": ({"federation": dataset()}, TypeError, ["federation", "Dataset"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_before_anything_is_done(name):
    changes, error, fragments = BAD[name]
    options = {"model": models.Linear(3, 2, seed=0), "federation": federation([2, 3]), "rounds": 2, **changes}
    model, fed, ran = options.pop("model"), options.pop("federation"), []
    before = theta_of(model).clone() if isinstance(model, nn.Module) else None
    threads = torch.get_num_threads()
    refuses(lambda: train(model, fed, callback=lambda *_: ran.append(1), **options), error, *fragments)
    assert not ran and torch.get_num_threads() == threads
    assert before is None or torch.equal(theta_of(model).nan_to_num(7), before.nan_to_num(7))


def test_a_fixed_cohort_is_fine_without_noise_or_with_everybody():
    model, fed = models.Linear(3, 2), federation([2] * 12)
    train(model, fed, rounds=1, sampler="fixed", sampling_rate=0.5)
    train(model, fed, rounds=1, sampler="fixed", mechanism=GAUSS)


def test_rounds_scored_together_are_scored_as_one_by_one():
    """Also where a callback asks for a score before the others are there, and where they do not fit into one batch."""
    from fldp_lib.training import scoring

    for task in ("classification", "regression"):
        fed = federation([3, 5, 2], task=task)
        model, thetas = models.MLP(3, 4, 3 if task == "classification" else 1), []

        def keep(t, theta, record, thetas=thetas):
            thetas.append(theta)
            assert record.get("score") is None
            if t == 2:
                assert math.isfinite(record["score"]) and math.isfinite(record["loss"])

        history = train(model, fed, rounds=5, lr=0.3, callback=keep)
        one_by_one = [server.evaluate(model, theta, fed) for theta in thetas]
        assert list(zip(history.loss, history.score, strict=True)) == [pytest.approx(pair) for pair in one_by_one]
        scorer = scoring.Scorer(model, fed, None)
        records = [scorer.add({}, theta.repeat(1)) for theta in thetas]
        records += [scoring.Scorer(model, fed, None).add({}, thetas[0])]
        scorer.finish()
        assert [record["loss"] for record in records[:5]] == pytest.approx(list(history.loss))
        assert records[5]["score"] == pytest.approx(history.score[0])
        with pytest.raises(KeyError):
            records[0]["epsilon"]
