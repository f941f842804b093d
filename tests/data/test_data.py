"""data: real records scaled by public bounds only, and splits that lose nothing."""

import math

import numpy as np
import pytest
import sklearn.datasets
import torch
from conftest import dataset, federation, global_random_state_untouched, refuses
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import data

SIZES = {"digits": (1437, 360, 64), "breast_cancer": (455, 114, 30), "diabetes": (353, 89, 10)}
RAW = {
    "digits": sklearn.datasets.load_digits,
    "breast_cancer": sklearn.datasets.load_breast_cancer,
    "diabetes": lambda: sklearn.datasets.load_diabetes(scaled=False),
}

pytestmark = pytest.mark.filterwarnings("error")


def rows(*arrays):
    """Records as a sorted list of tuples, to compare as multisets."""
    return sorted(tuple(row) for row in np.column_stack([np.asarray(a, dtype=np.float64) for a in arrays]))


# Loading ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", data.DATASETS)
def test_sizes_of_the_fixed_split(name):
    loaded = data.load(name)
    train, test, features = SIZES[name]
    assert loaded.x_train.shape == (train, features) and loaded.y_train.shape == (train,)
    assert loaded.x_test.shape == (test, features) and loaded.y_test.shape == (test,)
    assert len(loaded.features) == features and loaded.bounds.shape == (features, 2)
    assert loaded.x_train.dtype == torch.float32
    assert loaded.task == ("regression" if name == "diabetes" else "classification")
    assert "scikit-learn" in loaded.source


@pytest.mark.parametrize("name", data.DATASETS)
def test_features_fill_the_promised_range(name):
    loaded = data.load(name)
    x = torch.cat([loaded.x_train, loaded.x_test])
    low = 0.0 if name == "digits" else -1.0
    assert x.min() >= low and x.max() <= 1.0
    assert x.max() - x.min() > 0.9 * (1 - low)
    at_bound = ((x == low) | (x == 1)).float().mean(0)
    if name == "breast_cancer":
        assert at_bound.max() < 0.1  # the bounds are wide enough to tell patients apart
    if name == "diabetes":
        assert loaded.y_train.min() >= 0 and loaded.y_train.max() <= 1


@pytest.mark.parametrize(
    ("name", "scale"), [("digits", None), ("breast_cancer", None), ("breast_cancer", "linear"), ("diabetes", None)]
)
def test_scaling_is_the_public_bounds_formula(name, scale):
    loaded, raw = data.load(name, scale=scale), RAW[name]()
    low, high = loaded.bounds.T
    x = np.clip(raw.data, low, high)
    if loaded.scale == "log":
        x, low, high = np.log(x), np.log(low), np.log(high)
    unit = (x - low) / (high - low)
    expected = unit if name == "digits" else 2 * unit - 1
    target = np.clip(raw.target, 0, 400) / 400 if name == "diabetes" else raw.target
    found = rows(torch.cat([loaded.x_train, loaded.x_test]), torch.cat([loaded.y_train, loaded.y_test]))
    np.testing.assert_allclose(found, rows(expected.astype(np.float32), target.astype(np.float32)), atol=1e-6)


@pytest.mark.parametrize("name", data.DATASETS)
def test_changing_one_record_changes_that_record_alone(name, monkeypatch):
    before, raw = data.load(name), RAW[name]()
    assert len({tuple(row) for row in before.x_train.tolist()}) > len(before.x_train) * 0.99
    raw.data = raw.data.copy()
    raw.data[7] = raw.data[7] * 3 + 100  # an outlier: a mean, a minimum or a maximum would carry it to everybody
    monkeypatch.setattr(sklearn.datasets, f"load_{name}", lambda **options: raw)
    after = data.load(name)
    changed = (torch.cat([before.x_train, before.x_test]) != torch.cat([after.x_train, after.x_test])).any(1)
    assert int(changed.sum()) == 1
    assert torch.equal(before.y_train, after.y_train) and torch.equal(before.y_test, after.y_test)


def test_train_and_test_share_no_record_and_keep_the_classes_shares(digits):
    assert len(rows(digits.x_train) + rows(digits.x_test)) == 1797
    shares = [np.bincount(y, minlength=10) / len(y) for y in (digits.y_train, digits.y_test)]
    assert np.abs(shares[0] - shares[1]).max() < 0.01


def test_seed_repeats_the_split_and_another_seed_does_not():
    a, b, c = data.load("digits", seed=3), data.load("digits", seed=3), data.load("digits", seed=4)
    assert torch.equal(a.x_train, b.x_train) and torch.equal(a.y_test, b.y_test)
    assert not torch.equal(a.x_train, c.x_train)


def test_features_are_chosen_by_name_and_order():
    full, some = data.load("diabetes"), data.load("diabetes", features=["s5", "bmi"])
    columns = [full.features.index("s5"), full.features.index("bmi")]
    assert some.features == ("s5", "bmi")
    assert torch.equal(some.x_train, full.x_train[:, columns])
    np.testing.assert_array_equal(some.bounds, full.bounds[columns])


# Splitting -------------------------------------------------------------------------------------------------------------


@given(
    how=st.sampled_from(data.SPLITS),
    clients=st.integers(1, 60),
    alpha=st.floats(0.01, 100),
    labels=st.integers(1, 4),
    task=st.sampled_from(["classification", "regression"]),
    seed=st.integers(0, 10**6),
)
def test_every_record_goes_to_exactly_one_client(how, clients, alpha, labels, task, seed):
    source = dataset(60, classes=4, task=task)
    labels = max(labels, math.ceil((10 if task == "regression" else 4) / clients))
    if how == "label" and labels > (10 if task == "regression" else 4):
        return
    fed = data.split(source, clients, how=how, alpha=alpha, labels=labels, seed=seed)
    assert fed.clients == clients == len(fed.x)
    assert rows(*fed.pooled()) == rows(source.x_train, source.y_train)
    assert int(fed.sizes.sum()) == 60 and fed.mask.shape[1] == int(fed.sizes.max())
    assert not fed.x[~fed.mask].any() and not fed.y[~fed.mask].any()  # padding is zero
    assert torch.equal(fed.x_test, source.x_test) and torch.equal(fed.y_test, source.y_test)
    assert fed.task == task


@given(clients=st.integers(1, 60), seed=st.integers(0, 1000))
def test_iid_sizes_differ_by_at_most_one(clients, seed):
    sizes = data.split(dataset(60), clients, seed=seed).sizes
    assert sizes.max() - sizes.min() <= 1


@given(clients=st.integers(1, 60), alpha=st.floats(0.01, 100), seed=st.integers(0, 1000))
def test_unequal_sizes_leave_nobody_empty(clients, alpha, seed):
    assert data.split(dataset(60), clients, how="sizes", alpha=alpha, seed=seed).sizes.min() >= 1


@given(clients=st.integers(5, 60), labels=st.integers(1, 5), seed=st.integers(0, 1000))
def test_a_client_holds_at_most_its_number_of_labels(clients, labels, seed):
    fed = data.split(dataset(60, classes=5), clients, how="label", labels=labels, seed=seed)
    held = [len(fed.client(k)[1].unique()) for k in range(clients)]
    assert max(held) <= labels


def test_label_split_uses_as_many_labels_as_it_may(digits):
    for labels in (1, 2, 3):
        fed = data.split(digits, 20, how="label", labels=labels)
        assert {len(fed.client(k)[1].unique()) for k in range(20)} == {labels}


def label_distance(fed):
    """Mean total variation between a client's labels and everybody's."""
    everybody = np.bincount(fed.pooled()[1], minlength=10) / int(fed.sizes.sum())
    shares = [np.bincount(fed.client(k)[1], minlength=10) / max(1, int(fed.sizes[k])) for k in range(fed.clients)]
    return np.mean([np.abs(share - everybody).sum() / 2 for share, size in zip(shares, fed.sizes, strict=True) if size])


def test_dirichlet_runs_from_iid_to_one_label_each(digits):
    alphas = (1e-3, 0.1, 1.0, 10.0, 1e6)
    distances = [label_distance(data.split(digits, 10, how="dirichlet", alpha=alpha)) for alpha in alphas]
    assert all(np.diff(distances) < 0)
    assert distances[-1] < 1.5 * label_distance(data.split(digits, 10))
    assert distances[0] > 0.6


def test_dirichlet_skews_regression_targets_too(diabetes):
    spread = [
        np.std([float(fed.client(k)[1].mean()) for k in range(10) if fed.sizes[k]])
        for fed in (data.split(diabetes, 10, how="dirichlet", alpha=alpha) for alpha in (0.05, 1e6))
    ]
    assert spread[0] > 2 * spread[1]


def test_sizes_run_from_equal_to_unequal(digits):
    spread = [data.split(digits, 20, how="sizes", alpha=alpha).sizes.double().std() for alpha in (0.1, 1.0, 1e6)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 20


@pytest.mark.parametrize("how", data.SPLITS)
def test_seed_repeats_the_deal_and_another_seed_does_not(digits, how):
    a, b, c = (data.split(digits, 20, how=how, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(a.x, b.x) and torch.equal(a.y, b.y) and torch.equal(a.mask, b.mask)
    assert a.x.shape != c.x.shape or not torch.equal(a.x, c.x)


@pytest.mark.parametrize("how", data.SPLITS)
def test_up_to_one_client_per_record(digits, how):
    fed = data.split(digits, 1437, how=how)
    assert fed.clients == 1437 and int(fed.sizes.sum()) == 1437
    if how in ("iid", "sizes"):
        assert fed.x.shape == (1437, 1, 64) and bool(fed.mask.all())


def test_no_global_random_state_is_touched():
    with global_random_state_untouched():
        data.load("diabetes", seed=5)
        for how in data.SPLITS:
            data.split(dataset(), 6, how=how, seed=5)


# The federation --------------------------------------------------------------------------------------------------------


def test_federate_gives_each_owner_its_records_in_their_order():
    source = dataset(6)
    fed = data.federate(source.x_train, source.y_train, [2, 0, 2, 2, 0, 4], source, clients=5)
    assert fed.sizes.tolist() == [2, 0, 3, 0, 1]
    assert torch.equal(fed.client(2)[0], source.x_train[[0, 2, 3]])
    assert torch.equal(fed.client(0)[1], source.y_train[[1, 4]])
    assert data.federate(source.x_train, source.y_train, [0] * 6, source, clients=9).clients == 9


def test_without_removes_one_clients_records_and_nothing_else():
    fed = federation([3, 2, 0, 4])
    other = fed.without(1)
    assert other.clients == fed.clients  # the number of clients is public
    assert other.sizes.tolist() == [3, 0, 0, 4]
    assert not other.x[1].any() and not other.y[1].any()
    for k in (0, 2, 3):
        assert torch.equal(other.x[k], fed.x[k]) and torch.equal(other.mask[k], fed.mask[k])
    assert fed.sizes.tolist() == [3, 2, 0, 4]  # the original is left as it is


def test_select_takes_numbers_or_a_mask():
    fed = federation([3, 2, 0, 4])
    assert fed.select(torch.tensor([3, 0])).sizes.tolist() == [4, 3]
    assert fed.select(fed.sizes > 0).sizes.tolist() == [3, 2, 4]
    assert fed.select(torch.tensor([], dtype=torch.int64)).clients == 0


def test_pooled_is_all_clients_together():
    fed = federation([3, 2, 0, 4])
    x = torch.cat([fed.client(k)[0] for k in range(4)])
    assert torch.equal(fed.pooled()[0], x) and len(fed.pooled()[1]) == 9


def test_repr_counts():
    assert repr(federation([3, 2, 0])) == "Federation('toy', 3 clients, 5 records)"
    assert repr(data.load("digits")) == "Dataset('digits', 1437 train, 360 test, 64 features)"


# Bad input -------------------------------------------------------------------------------------------------------------

TOY = dataset(60, classes=3)
X, Y = TOY.x_train, TOY.y_train


def built(**changes):
    parts = {"x_train": X, "y_train": Y, "x_test": TOY.x_test, "y_test": TOY.y_test, "task": "classification"}
    return data.Dataset("toy", **(parts | changes))


def with_value(tensor, value):
    tensor = tensor.clone()
    tensor.view(-1)[5] = value
    return tensor


BAD = {
    "unknown set": (lambda: data.load("mnist"), ValueError, ["name", "'mnist'", *map(repr, data.DATASETS)]),
    "unknown feature": (
        lambda: data.load("diabetes", features=["age", "height"]),
        ValueError,
        ["features", "'height'", "'bmi'"],
    ),
    "unknown scale": (lambda: data.load("diabetes", scale="root"), ValueError, ["scale", "'root'", "'linear'", "'log'"]),
    "log of zero": (lambda: data.load("digits", scale="log"), ValueError, ["scale", "'log'", "'digits'"]),
    "unknown split": (lambda: data.split(TOY, 3, how="random"), ValueError, ["how", "'random'", *map(repr, data.SPLITS)]),
    "no clients": (lambda: data.split(TOY, 0), ValueError, ["clients", "0", ">= 1"]),
    "fractional clients": (lambda: data.split(TOY, 2.5), TypeError, ["clients", "2.5"]),
    "clients as text": (lambda: data.split(TOY, "3"), TypeError, ["clients", "'3'"]),
    "clients as bool": (lambda: data.split(TOY, True), TypeError, ["clients", "True"]),
    "more clients than records": (lambda: data.split(TOY, 61), ValueError, ["clients", "61", "60"]),
    "zero alpha": (lambda: data.split(TOY, 3, how="dirichlet", alpha=0.0), ValueError, ["alpha", "0.0", "> 0"]),
    "negative alpha": (lambda: data.split(TOY, 3, how="sizes", alpha=-1), ValueError, ["alpha", "-1"]),
    "alpha NaN": (lambda: data.split(TOY, 3, alpha=math.nan), ValueError, ["alpha", "nan"]),
    "alpha infinite": (lambda: data.split(TOY, 3, alpha=math.inf), ValueError, ["alpha", "inf"]),
    "alpha as text": (lambda: data.split(TOY, 3, alpha="1"), TypeError, ["alpha", "'1'"]),
    "no labels": (lambda: data.split(TOY, 3, how="label", labels=0), ValueError, ["labels", "0", ">= 1"]),
    "labels as fraction": (lambda: data.split(TOY, 3, how="label", labels=1.5), TypeError, ["labels", "1.5"]),
    "too many labels": (lambda: data.split(TOY, 3, how="label", labels=4), ValueError, ["labels", "4", "3"]),
    "labels nobody holds": (lambda: data.split(TOY, 2, how="label", labels=1), ValueError, ["clients", "labels", "2", "3"]),
    "negative seed": (lambda: data.split(TOY, 3, seed=-1), ValueError, ["seed", "-1"]),
    "NaN in x": (lambda: built(x_train=with_value(X, math.nan)), ValueError, ["x_train", "1 of its 180", "NaN or infinite"]),
    "inf in test": (lambda: built(x_test=with_value(TOY.x_test, math.inf)), ValueError, ["x_test", "NaN or infinite"]),
    "inf in y": (lambda: built(y_train=with_value(Y.float(), -math.inf)), ValueError, ["y_train", "NaN or infinite"]),
    "x and y differ": (lambda: built(y_train=Y[:-1]), ValueError, ["x_train", "y_train", "(60, 3)", "(59,)"]),
    "x is flat": (lambda: built(x_train=X[:, 0]), ValueError, ["x_train", "(60,)"]),
    "train and test differ": (lambda: built(x_test=TOY.x_test[:, :2]), ValueError, ["x_test", "3", "2"]),
    "unknown task": (lambda: built(task="ranking"), ValueError, ["task", "'ranking'", "'regression'"]),
    "owners too few": (lambda: data.federate(X, Y, [0, 1], TOY), ValueError, ["owner", "(2,)", "(60, 3)"]),
    "owner out of range": (lambda: data.federate(X, Y, [7] * 60, TOY, clients=3), ValueError, ["owner", "7", "0 … 2"]),
    "owner negative": (lambda: data.federate(X, Y, [-1] * 60, TOY, clients=3), ValueError, ["owner", "-1"]),
    "NaN to federate": (lambda: data.federate(with_value(X, math.nan), Y, [0] * 60, TOY), ValueError, ["x", "NaN"]),
    "mask misfits": (
        lambda: data.Federation(X[None], Y[None], torch.ones(1, 59).bool(), X, Y, "classification"),
        ValueError,
        ["mask", "(1, 60, 3)", "(1, 59)"],
    ),
    "x_test misfits": (
        lambda: data.Federation(X[None], Y[None], torch.ones(1, 60).bool(), X[:, :2], Y, "classification"),
        ValueError,
        ["x_test", "3", "2"],
    ),
    "no such client": (lambda: federation([1, 2]).without(2), ValueError, ["client", "2", "<= 1"]),
    "client by name": (lambda: federation([1, 2]).without("a"), TypeError, ["client", "'a'"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_and_value(case):
    call, error, fragments = BAD[case]
    refuses(call, error, *fragments)
