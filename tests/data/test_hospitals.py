"""pancreatitis, periodontal: the published trials, their licence beside them, the hospitals as owners."""

import csv
import gzip

import numpy as np
import pytest
import torch

from fldp_lib import data
from fldp_lib.data import hospitals, sources

names = pytest.mark.parametrize("name", hospitals.SOURCES)


def words(name):
    head, rows = hospitals.table(name)
    return dict(zip(head, map(np.array, zip(*rows, strict=True)), strict=True))


def test_pancreatitis_has_the_counts_of_the_published_trial():
    """Elmunzer et al. 2012: pancreatitis in 27 of 295 with indomethacin and in 52 of 307 with placebo."""
    found = words("pancreatitis")
    ill, treated = found["outcome"] == "1_yes", found["rx"] == "1_indomethacin"
    assert (ill[treated].sum(), treated.sum(), ill[~treated].sum(), (~treated).sum()) == (27, 295, 52, 307)
    assert [int((found["site"] == site).sum()) for site in hospitals.SITES] == [164, 413, 22, 3]


def test_periodontal_has_the_groups_and_ranges_of_the_published_trial():
    """Michalowicz et al. 2006: 413 treated and 410 controls; the codebook prints each measure's range."""
    found = words("periodontal")
    assert (found["Group"] == "T").sum() == 413 and (found["Group"] == "C").sum() == 410
    assert [int((found["Clinic"] == clinic).sum()) for clinic in hospitals.CLINICS] == [173, 247, 211, 192]
    ranges = {"Age": (16, 44), "BL.GE": (0.429, 3), "BL..BOP": (33.951, 100), "BL..PD.5": (0, 91.7), "BL.Pl.I": (0.056, 3)}
    for column, (low, high) in ranges.items():
        values = found[column].astype(float)
        assert values.min() == pytest.approx(low, abs=0.05) and values.max() == pytest.approx(high, abs=0.05)
    seen = found["V5..BOP"][found["V5..BOP"] != ""].astype(float)
    assert len(seen) == 659 and seen.min() == pytest.approx(3.571) and seen.max() == 100


@names
def test_every_word_is_one_that_the_form_offers(name):
    head, rows = hospitals.table(name)
    found = words(name)
    for column, answers in hospitals.ANSWERS[name].items():
        assert set(answers) <= set(found[column]) or column == "brush", column
        assert len(set(found[column])) <= len(answers) + (column != "Education")
    raw = sources.raw(name)
    assert raw.x.shape == {"pancreatitis": (602, 30), "periodontal": (659, 21)}[name]
    assert set(np.unique(raw.x[:, raw.unit])) == {0, 1} and len(head) == len(rows[0])
    numbers = raw.x[:, ~raw.unit]
    assert (raw.bounds[~raw.unit, 0] <= numbers).all() and (numbers <= raw.bounds[~raw.unit, 1]).all()


@names
def test_clients_are_the_hospitals_by_name(name):
    loaded = data.load(name)
    federation = data.split(loaded, how="natural")
    wanted = hospitals.SITES if name == "pancreatitis" else hospitals.CLINICS
    assert set(federation.owners) == set(wanted.values()) and federation.clients == 4
    for k, owner in enumerate(federation.owners):
        x, y = federation.client(k)
        mine = np.asarray(loaded.owner_train) == owner
        assert torch.equal(x, loaded.x_train[mine]) and torch.equal(y, loaded.y_train[mine])


@names
def test_changing_one_patient_changes_that_patient_alone(name, tmp_path, monkeypatch):
    before = data.load(name)
    head, rows = hospitals.table(name)
    column = {"pancreatitis": "risk", "periodontal": "BL.PD.avg"}[name]
    row = next(k for k, one in enumerate(rows) if name == "pancreatitis" or one[-1])
    rows[row][head.index(column)] = "99"
    with gzip.open(tmp_path / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    monkeypatch.setattr(hospitals, "FOLDER", tmp_path)
    after = data.load(name)
    changed = (torch.cat([before.x_train, before.x_test]) != torch.cat([after.x_train, after.x_test])).any(1)
    assert int(changed.sum()) == 1 and after.x_train.abs().max() <= 1 and after.x_test.abs().max() <= 1
    assert np.array_equal(before.bounds, after.bounds)


def test_licence_sources_and_citations_lie_beside_the_files():
    text = (hospitals.FOLDER / "medicaldata.txt").read_text(encoding="utf-8")
    for piece in (
        "MIT License",
        "Copyright (c) 2021 medicaldata authors",
        "366:1414-1422",
        "355:1885-1894",
        "TSHS",
        "Changes:",
    ):
        assert piece in text
    for name, source in hospitals.SOURCES.items():
        assert (hospitals.FOLDER / f"{name}.csv.gz").stat().st_size < 200_000
        assert "MIT" in source and source == data.load(name).source
    assert "id" not in hospitals.table("pancreatitis")[0] and "PID" not in hospitals.table("periodontal")[0]
