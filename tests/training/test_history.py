"""history: what a run reports is what happened, and its ε is the accountant's."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from conftest import federation, refuses, sgd, theta_of

from fldp_lib import History, Plan, accounting, aggregation, models, train
from fldp_lib.privacy.mechanisms import Gaussian, Laplace

pytestmark = pytest.mark.filterwarnings("error")

SIZES = [4, 1, 0, 3, 6, 2]


@pytest.fixture(scope="module")
def private():
    """A sampled private run of 6 rounds."""
    mechanism = Gaussian(4.0, 0.05)
    return train(
        models.MLP(3, 4, 2), federation(SIZES), rounds=6, sampling_rate=0.5, mechanism=mechanism, delta=1e-4, seed=3
    )


def test_there_is_one_entry_for_every_round(private):
    for name in (
        "loss",
        "score",
        "accuracy",
        "epsilon",
        "cohort",
        "fraction_clipped",
        "dropped",
        "noise_std",
        "bytes_up",
        "seconds",
    ):
        assert getattr(private, name).shape == (6,), name
        assert np.isfinite(getattr(private, name)).all()
    assert private.update_norms.shape == (6, 6)
    assert private.rounds == 6 and private.theta.shape == theta_of(private.model).shape
    assert (private.seconds > 0).all()


def test_epsilon_is_the_accountants_after_every_round(private):
    expected = [accounting.epsilon(Gaussian(4.0, 0.05), t, 0.5, 1e-4) for t in range(1, 7)]
    np.testing.assert_allclose(private.epsilon, expected, rtol=1e-5)  # a curve is computed as a whole
    assert private.epsilon[-1] == expected[-1]
    assert (np.diff(private.epsilon) > 0).all()
    assert private.total_epsilon == private.epsilon[-1] == private.epsilon_after(6)
    assert private.epsilon_after(0) == 0
    assert private.epsilon_after(6, "rdp") == accounting.epsilon(Gaussian(4.0, 0.05), 6, 0.5, 1e-4, "rdp")


def test_the_guarantee_says_epsilon_delta_neighbours_and_trust(private):
    said = private.guarantee
    told = float(said[1 : said.index(",")])
    assert 0 <= told / private.total_epsilon - 1 < 0.01  # rounded up, never down
    assert ", 0.0001)-diff" in said and "6 rounds" in said
    assert "add or remove one client" in said and "central" in said
    local = train(models.Linear(3, 2), federation(SIZES), rounds=1, mechanism=Laplace(1.0, 1.0, "client"))
    assert "replace one client's data" in local.guarantee and "local" in local.guarantee
    record = train(models.Linear(3, 2), federation(SIZES), rounds=1, mechanism=Laplace(1.0, 1.0, "client", "record"))
    assert "one record of one client" in record.guarantee


def test_update_norms_are_those_of_each_clients_update_before_clipping():
    model, fed = models.MLP(3, 4, 2).double(), federation(SIZES)
    updates = [theta_of(sgd(model, *fed.client(k), steps=2, lr=0.3)) - theta_of(model) for k in range(6)]
    for mechanism, norm in ((None, 2), (Gaussian(1.0, 0.05), 2), (Laplace(1.0, 0.05), 1), (Laplace(1.0, 0.05, "client"), 1)):
        history = train(model, fed, rounds=1, local_steps=2, lr=0.3, mechanism=mechanism)
        expected = [float(torch.linalg.vector_norm(update, norm)) for update in updates]
        np.testing.assert_allclose(history.update_norms[0], expected, rtol=1e-6, atol=1e-12)


def test_fraction_clipped_is_the_share_of_the_cohort_longer_than_the_clip():
    model, fed = models.MLP(3, 4, 2).double(), federation(SIZES)
    norms = np.sort(train(model, fed, rounds=1, lr=1.0).update_norms[0])
    for longer in range(7):
        clip = (
            np.append(norms, 100.0)[0] / 2 if longer == 6 else (norms[5 - longer] + np.append(norms, 99.0)[6 - longer]) / 2
        )
        if clip > 0:
            history = train(model, fed, rounds=1, lr=1.0, mechanism=Gaussian(0.0, clip))
            assert history.fraction_clipped[0] == pytest.approx(longer / 6)


def test_who_did_not_take_part_has_no_norm(private):
    assert (np.isnan(private.update_norms).sum(1) == 6 - private.cohort).all()
    assert private.cohort.min() < 6


@pytest.mark.parametrize("double", [False, True])
def test_traffic_is_the_size_of_the_parameters_times_who_sends(double):
    model = models.MLP(3, 4, 2).double() if double else models.MLP(3, 4, 2)
    size = len(theta_of(model)) * (8 if double else 4)
    options = {"rounds": 5, "sampling_rate": 0.5}
    for mechanism in (None, Gaussian(1.0, 1.0), Gaussian(1.0, 1.0, "client")):
        history = train(model, federation(SIZES), mechanism=mechanism, **options)
        np.testing.assert_array_equal(history.bytes_up, size * history.cohort)
        np.testing.assert_array_equal(history.bytes_down, size * history.cohort)
    shares = train(model, federation(SIZES), mechanism=Gaussian(1.0, 1.0, "shares"), **options)
    np.testing.assert_array_equal(shares.bytes_up, [size * 6] * 5)  # every share is needed
    np.testing.assert_array_equal(shares.bytes_down, size * shares.cohort)


@pytest.mark.parametrize(("at", "denominator", "sensitivity"), [("server", 3, 1), ("shares", 3, 1), ("client", 3, 2)])
def test_noise_std_is_the_mechanisms_over_the_public_denominator(at, denominator, sensitivity):
    history = train(models.Linear(3, 2), federation(SIZES), rounds=4, sampling_rate=0.5, mechanism=Gaussian(2.0, 0.3, at))
    single = 2.0 * 0.3 * sensitivity / denominator
    senders = np.sqrt(history.cohort) if at == "client" else 1
    np.testing.assert_allclose(history.noise_std, single * senders)


def test_without_a_mechanism_there_is_no_noise_no_clipping_and_no_guarantee():
    history = train(models.Linear(3, 2), federation(SIZES), rounds=2)
    assert not history.noise_std.any() and not history.fraction_clipped.any()
    assert history.epsilon.tolist() == [math.inf, math.inf] and history.epsilon_after(0) == 0
    assert history.guarantee == "no differential privacy: there is no mechanism"


def test_trained_is_the_model_with_the_final_parameters(private):
    before = theta_of(private.model).clone()
    trained = private.trained()
    assert torch.equal(theta_of(trained), private.theta)
    assert torch.equal(theta_of(private.model), before) and not torch.equal(before, private.theta)
    fed = federation(SIZES)
    right = (trained(fed.x_test).argmax(1) == fed.y_test).double().mean()
    assert private.accuracy[-1] == pytest.approx(float(right))


def test_classification_has_accuracy_and_regression_r2(private):
    refuses(lambda: private.r2, TypeError, "regression", "accuracy")
    np.testing.assert_array_equal(private.accuracy, private.score)
    regression = train(models.Linear(3, 1), federation(SIZES, task="regression"), rounds=2, lr=0.05)
    refuses(lambda: regression.accuracy, TypeError, "classification", "r2")
    np.testing.assert_array_equal(regression.r2, regression.score)


def test_unknown_names_are_refused_by_name(private):
    refuses(lambda: private.accurracy, AttributeError, "'accurracy'")
    refuses(lambda: History(models.Linear(1, 1), "classification", Plan(rounds=1)).loss, AttributeError, "'loss'")
    assert not hasattr(private, "_ipython_display_")


def test_a_history_can_be_copied_and_saved(private):
    for other in (copy.deepcopy(private), pickle.loads(pickle.dumps(private))):
        assert torch.equal(other.theta, private.theta)
        np.testing.assert_array_equal(other.epsilon, private.epsilon)


def test_repr_sums_up_the_run(private):
    said = repr(private)
    assert said.startswith("History(6 rounds") and f"{private.accuracy[-1]:.3f}" in said and private.guarantee in said


def test_a_robust_aggregators_reason_is_kept():
    with pytest.warns(UserWarning, match="no finite ε"):
        history = train(
            models.Linear(3, 2), federation(SIZES), rounds=1, mechanism=Gaussian(1.0, 1.0), aggregator=aggregation.median
        )
    assert history.total_epsilon == math.inf and "Median" in history.reason and history.reason in history.guarantee
