"""data: real records scaled by public bounds only, and splits that lose nothing."""

import dataclasses
import math

import numpy as np
import pytest
import sklearn.datasets
import torch
from conftest import dataset, federation, global_random_state_untouched, refuses
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import data
from fldp_lib.data import shipped, sources

SIZES = {
    "digits": (1437, 360, 64),
    "breast_cancer": (455, 114, 30),
    "diabetes": (353, 89, 10),
    "german_credit": (800, 200, 63),
    "pancreatitis": (481, 121, 30),
    "periodontal": (527, 132, 21),
    "flights": (723_240, 176_400, 4),
}
RAW = {
    "digits": sklearn.datasets.load_digits,
    "breast_cancer": sklearn.datasets.load_breast_cancer,
    "diabetes": lambda: sklearn.datasets.load_diabetes(scaled=False),
}

pytestmark = pytest.mark.filterwarnings("error")


def rows(*arrays):
    """Records as a sorted list of tuples, to compare as multisets."""
    return sorted(tuple(row) for row in np.column_stack([np.asarray(a, dtype=np.float64) for a in arrays]))


TOY = dataset(60, classes=3)
X, Y = TOY.x_train, TOY.y_train


def built(**changes):
    """The toy data set with other parts."""
    parts = {"x_train": X, "y_train": Y, "x_test": TOY.x_test, "y_test": TOY.y_test, "task": "classification"}
    return data.Dataset("toy", **(parts | changes))


# Loading ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", data.DATASETS)
def test_sizes_of_the_fixed_split(name):
    loaded = data.load(name)
    train, test, features = SIZES[name]
    assert loaded.x_train.shape == (train, features) and loaded.y_train.shape == (train,)
    assert loaded.x_test.shape == (test, features) and loaded.y_test.shape == (test,)
    assert len(loaded.features) == features and loaded.bounds.shape == (features, 2)
    assert loaded.x_train.dtype == torch.float32
    assert loaded.task == ("regression" if name in ("diabetes", "flights") else "classification")
    licensed = {"german_credit": "UCI", "pancreatitis": "MIT", "periodontal": "MIT", "flights": "CC0"}
    assert licensed.get(name, "scikit-learn") in loaded.source


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


@pytest.mark.parametrize("name", RAW)  # german_credit: test_german.py
def test_changing_one_record_changes_that_record_alone(name, monkeypatch):
    before, (x, *rest) = data.load(name), shipped.table(name, tuple(sources._NUCLEUS))
    assert len({tuple(row) for row in before.x_train.tolist()}) > len(before.x_train) * 0.99
    x = x.copy()
    x[7] = x[7] * 3 + 100  # an outlier: a mean, a minimum or a maximum would carry it to everybody
    monkeypatch.setattr(shipped, "table", lambda *asked: (x, *rest))
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


# Forms -----------------------------------------------------------------------------------------------------------------

KINDS = {
    "list": lambda y: y.tolist(),
    "array": lambda y: y.numpy(),
    "int8": lambda y: y.to(torch.int8),
    "bool": lambda y: y == 1,
    "uint16": lambda y: y.numpy().astype(np.uint16),
    "big end first": lambda y: y.numpy().astype(">i4"),
    "whole floats": lambda y: y.double().numpy(),
    "floats": lambda y: y.float(),
    "reversed view": lambda y: y.numpy()[::-1][::-1],
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_any_kind_become_class_numbers(kind):
    fed, y = federation([3, 2, 4]), dataset(60, classes=2).y_train
    made = built(y_train=KINDS[kind](y), y_test=KINDS[kind](TOY.y_test % 2))
    assert made.y_train.dtype == made.y_test.dtype == torch.int64 and torch.equal(made.y_train, y)
    again = dataclasses.replace(fed, y=KINDS[kind](fed.y))
    assert again.y.dtype == torch.int64 and torch.equal(again.y, fed.y)
    dealt = data.federate(X, KINDS[kind](y), [0] * 60, TOY)
    assert torch.equal(dealt.pooled()[1], y)


@pytest.mark.parametrize(
    ("form", "becomes"),
    [
        (lambda x: x.tolist(), torch.float32),
        (lambda x: x.double().numpy(), torch.float32),
        (lambda x: x.numpy(), torch.float32),
        (lambda x: x.bfloat16(), torch.float32),
        (lambda x: x, torch.float32),
        (lambda x: x.double(), torch.float64),  # somebody asked for it
        (lambda x: (x * 8).round().to(torch.int32), torch.float32),
    ],
)
def test_features_of_any_kind_become_tensors(form, becomes):
    made = built(x_train=form(X), x_test=form(TOY.x_test))
    assert made.x_train.dtype == becomes
    assert torch.equal(made.x_train, torch.as_tensor(form(X)).to(becomes))
    fed = data.Federation(form(X[None]), Y[None], [[True] * 60], form(X), Y.numpy(), "classification")
    assert fed.x.dtype == becomes and fed.mask.dtype == torch.bool and fed.clients == 1


def test_what_fits_stays_the_same_object():
    fed = federation([3, 2])
    again = dataclasses.replace(fed)
    assert again.x is fed.x and again.mask is fed.mask and built().x_train is X


def test_targets_of_a_regression_keep_their_fractions():
    made = built(y_train=np.linspace(0, 1, 60), y_test=TOY.y_test, task="regression")
    assert made.y_train.dtype == made.y_test.dtype == torch.float32 and 0 < made.y_train[1] < 1


@given(ids=st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_raw_ids_become_as_many_clients_as_there_are_ids(ids):
    x, y = torch.arange(3.0 * len(ids)).reshape(-1, 3), torch.zeros(len(ids), dtype=torch.int64)
    for form in (np.array, list, torch.tensor, lambda ids: np.array(ids, dtype=float)):
        fed = data.federate(x, y, form(ids), TOY)
        known = np.arange(fed.clients) if fed.owners is None else fed.owners
        assert known.tolist() == sorted(set(ids)) and fed.clients == len(set(ids))
        for k, one in enumerate(known):
            assert torch.equal(fed.client(k)[0], x[np.array(ids) == one])


def test_names_are_ids_too_and_stay_with_their_clients():
    names = ["b", "c", "a", "b"] * 15
    fed = data.federate(X, Y, names, TOY)
    assert fed.owners.tolist() == ["a", "b", "c"] and fed.sizes.tolist() == [15, 30, 15]
    assert fed.select([2, 0]).owners.tolist() == ["c", "a"]
    assert fed.select(fed.sizes == 15).owners.tolist() == ["a", "c"]
    assert fed.without(0).owners is fed.owners and fed.to("cpu").owners is fed.owners
    assert data.federate(X, Y, [0, 1] * 30, TOY).owners is None  # already 0, 1, …


def test_natural_owners_may_be_raw_ids():
    ids = np.array([1_000_007, 3, 3, 99] * 15)
    source = built(owner_train=ids, owner_test=np.full(len(TOY.y_test), 5))
    fed = data.split(source, how="natural")
    assert fed.owners.tolist() == [3, 5, 99, 1_000_007] and fed.sizes.tolist() == [30, 0, 15, 15]
    assert torch.equal(fed.client(3)[0], X[torch.from_numpy(ids == 1_000_007)])


def test_a_selection_is_checked_once_and_not_again():
    fed = federation([3, 2, 4])
    assert fed.select(np.array([2, 0])).sizes.tolist() == fed.select([2, 0]).sizes.tolist() == [4, 3]
    assert fed.select(range(2)).clients == 2 and fed.select([]).clients == 0
    assert fed.select([True, False, True]).sizes.tolist() == [3, 4]


def test_scaled_takes_lists_tensors_and_single_features():
    expected = np.array([[-1.0, 0.0], [1.0, 1.0]])
    for x in ([[0, 5], [2, 20]], torch.tensor([[0, 5], [2, 20]]), np.array([[-9, 5], [2, 10]])):
        np.testing.assert_array_equal(data.scaled(x, [(0, 2), (0, 10)]), expected)
    np.testing.assert_allclose(data.scaled([1, 10, 100], (1, 100), "log"), [-1, 0, 1], atol=1e-12)


# Bad input -------------------------------------------------------------------------------------------------------------


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
    "a negative class": (lambda: built(y_train=Y - 1), ValueError, ["y_train", "-1", "from 0"]),
    "a negative class in a federation": (
        lambda: data.Federation(X[None], Y[None] - 1, torch.ones(1, 60).bool(), X, Y, "classification"),
        ValueError,
        ["y", "-1", "from 0"],
    ),
    "a fraction as a class": (lambda: built(y_train=Y + 0.5), ValueError, ["y_train", "whole numbers", ".5 among them"]),
    "no test records": (lambda: built(x_test=X[:0], y_test=Y[:0]), ValueError, ["x_test", "at least 1", "(0, 3)"]),
    "a federation without test records": (
        lambda: data.Federation(X[None], Y[None], torch.ones(1, 60).bool(), X[:0], Y[:0], "classification"),
        ValueError,
        ["x_test", "at least 1", "(0, 3)"],
    ),
    "NaN in a federation's test set": (
        lambda: data.Federation(X[None], Y[None], torch.ones(1, 60).bool(), with_value(X, math.nan), Y, "classification"),
        ValueError,
        ["x_test", "NaN or infinite"],
    ),
    "a mask of numbers": (
        lambda: data.Federation(X[None], Y[None], torch.ones(1, 60), X, Y, "classification"),
        TypeError,
        ["mask", "booleans", "float32"],
    ),
    "owners that are fractions": (lambda: data.federate(X, Y, np.full(60, 0.5), TOY), ValueError, ["owner", "0.5"]),
    "ids where clients are numbered": (lambda: data.federate(X, Y, ["a"] * 60, TOY, 3), TypeError, ["owner", "'a'"]),
    "bounds reversed": (lambda: data.scaled(X, [(1, 0)] * 3), ValueError, ["bounds", "low below its high"]),
    "log of a bound of zero": (lambda: data.scaled(X, [(0, 1)] * 3, "log"), ValueError, ["bounds", "positive"]),
    "a device that there is not": (lambda: federation([1]).to("nowhere"), ValueError, ["device", "'nowhere'"]),
    "a client that there is not": (lambda: federation([1, 2]).select([2]), ValueError, ["clients", "0 … 1", "2"]),
    "no such client": (lambda: federation([1, 2]).without(2), ValueError, ["client", "2", "<= 1"]),
    "client by name": (lambda: federation([1, 2]).without("a"), TypeError, ["client", "'a'"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_and_value(case):
    call, error, fragments = BAD[case]
    refuses(call, error, *fragments)
