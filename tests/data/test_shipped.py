"""The records that scikit-learn ships, read without importing it: the same bits that its own loaders and splitter give."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets
import sklearn.model_selection

from fldp_lib import data
from fldp_lib.data import holdout, shipped, sources

LOADERS = {
    "digits": sklearn.datasets.load_digits,
    "breast_cancer": sklearn.datasets.load_breast_cancer,
    "diabetes": lambda: sklearn.datasets.load_diabetes(scaled=False),
}
bundled = pytest.mark.parametrize("name", LOADERS)
measures = tuple(sources._NUCLEUS)


@bundled
def test_the_same_bits_as_scikit_learns_own_loader(name):
    x, y, features, classes = shipped.table(name, measures)
    theirs = LOADERS[name]()
    assert x.dtype == theirs.data.dtype and np.array_equal(x, theirs.data)
    assert y.dtype == theirs.target.dtype and np.array_equal(y, theirs.target)
    assert features == tuple(theirs.feature_names)
    assert classes == tuple(str(c) for c in theirs.get("target_names", ()))


@bundled
@pytest.mark.parametrize("fault", ["no folder", "no file", "cut short"])
def test_where_the_files_are_not_what_they_were_scikit_learn_is_asked(name, fault, tmp_path, monkeypatch):
    expected = shipped.table(name, measures)
    file = shipped.TABLES[name][0][0]
    if fault == "cut short":
        for other in shipped.TABLES[name][0]:
            (tmp_path / other).write_bytes((shipped.folder() / other).read_bytes())
        opened = gzip.open if file.endswith(".gz") else open
        with opened(tmp_path / file, "rt") as lines:
            kept = lines.readlines()[:-1]
        with opened(tmp_path / file, "wt") as lines:
            lines.writelines(kept)
    monkeypatch.setattr(shipped, "folder", lambda: None if fault == "no folder" else tmp_path)
    assert shipped._read(name) is None
    found = shipped.table(name, measures)
    assert np.array_equal(found[0], expected[0]) and np.array_equal(found[1], expected[1]) and found[2:] == expected[2:]


@pytest.mark.parametrize("seed", [0, 1, 12, 2**32 - 1])
@pytest.mark.parametrize("name", [name for name in data.DATASETS if name != "flights"])  # which time divides
def test_the_same_records_are_held_out_as_by_scikit_learn(name, seed):
    raw, loaded = sources.raw(name), data.load(name, seed=seed)
    stratify = raw.y if raw.classes else None
    train, test = sklearn.model_selection.train_test_split(
        np.arange(len(raw.y)), test_size=0.2, random_state=seed, stratify=stratify
    )
    kind = loaded.y_train.numpy().dtype
    assert np.array_equal(loaded.y_train, raw.y[train].astype(kind)) and np.array_equal(
        loaded.y_test, raw.y[test].astype(kind)
    )
    found = holdout.divide(len(raw.y), 0.2, seed, stratify)
    assert np.array_equal(found[0], train) and np.array_equal(found[1], test)


@pytest.mark.parametrize("seed", range(30))
def test_ties_between_classes_are_broken_as_scikit_learn_breaks_them(seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(7), [9, 9, 9, 13, 13, 4, 7]))
    theirs = sklearn.model_selection.train_test_split(
        np.arange(len(labels)), test_size=0.3, random_state=seed, stratify=labels
    )
    found = holdout.divide(len(labels), 0.3, seed, labels)
    assert all(np.array_equal(a, b) for a, b in zip(found, theirs, strict=True))


def test_loading_and_a_first_run_import_neither_scikit_learn_nor_sympy():
    code = """
import sys
from fldp_lib import data, models, train
patients = data.load("breast_cancer"), data.load("digits"), data.load("diabetes")
train(models.MLP(30, 4, 2), data.split(patients[0], 10), rounds=1, lr=1.0)
print([name for name in ("sklearn", "scipy.stats", "sympy", "matplotlib") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
