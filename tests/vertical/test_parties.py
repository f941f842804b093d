"""parties: every column to one party, every patient's row to itself."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import data
from fldp_lib.vertical import matching, parties

TUMOURS = data.load("breast_cancer")


@pytest.mark.parametrize(("by", "labels", "widths"), [("kind", "worst", (10, 10, 10)), ("measure", "texture", (9, 12, 9))])
def test_every_column_goes_to_one_party(by, labels, widths):
    dealt = parties.deal(TUMOURS, by, labels)
    assert tuple(len(party.features) for party in dealt) == widths
    assert sorted(name for party in dealt for name in party.features) == sorted(TUMOURS.features)
    assert [party.name for party in dealt if party.y is not None] == [labels]


@given(seed=st.integers(0, 99), share=st.floats(0.2, 1))
def test_a_patient_keeps_its_columns_and_label(seed, share):
    """Rows of the aligned parties are rows of the data set, in full and with their label."""
    dealt = parties.deal(TUMOURS, share=share, seed=seed)
    assert all(len(party.ids) == round(share * 569) for party in dealt)
    common = sorted(set.intersection(*(set(party.ids) for party in dealt)))
    table = parties.align(dealt, common)
    place = [TUMOURS.features.index(name) for name in sum(table.features, ())]
    everybody = {tuple(row.tolist()): int(y) for x, ys in ((TUMOURS.x_train, TUMOURS.y_train), (TUMOURS.x_test,
        TUMOURS.y_test)) for row, y in zip(x[:, place], ys, strict=True)}  # fmt: skip
    rows = torch.cat(table.xs, 1)
    assert [everybody[tuple(row.tolist())] for row in rows] == (1 - table.y).tolist()  # label 1 is malignant


def test_each_party_has_an_order_of_its_own_and_seeds_repeat():
    one, other = parties.deal(TUMOURS, share=1, seed=1), parties.deal(TUMOURS, share=1, seed=1)
    assert all(a.ids == b.ids and torch.equal(a.x, b.x) for a, b in zip(one, other, strict=True))
    assert one[0].ids != one[1].ids and set(one[0].ids) == set(one[1].ids)
    assert set(parties.deal(TUMOURS, share=1, seed=2)[0].ids) != set(one[0].ids)


def test_identifiers_can_be_listed():
    everybody = parties.every_id()
    assert len(everybody) == len(set(everybody)) == 58_400
    assert all(set(party.ids) <= set(everybody) for party in parties.deal(TUMOURS))


def test_matched_parties_align():
    dealt = parties.deal(TUMOURS, share=0.3, seed=3)
    found = matching.several([matching.Side(party.name, party.ids, 0) for party in dealt])
    table = parties.align(dealt, found.ids)
    assert set(table.ids) == set.intersection(*(set(party.ids) for party in dealt))


@given(seed=st.integers(0, 99), test=st.floats(0.05, 0.95))
def test_halves_share_nobody_and_lose_nobody(seed, test):
    dealt = parties.deal(TUMOURS, share=0.5)
    table = parties.align(dealt, sorted(set.intersection(*(set(party.ids) for party in dealt))))
    one, other = table.halves(test, seed)
    assert sorted((*one.ids, *other.ids)) == sorted(table.ids) and len(other) == round(test * len(table))
    place = table.ids.index(other.ids[0])
    assert all(torch.equal(x[place], rest[0]) for x, rest in zip(table.xs, other.xs, strict=True))


def test_columns_of_ones_own():
    toy = data.Dataset(
        "toy", [[0.0, 1, 2]] * 4, [0, 1, 0, 1], [[0.0, 1, 2]], [1], "classification", features=("a", "b", "c")
    )
    dealt = parties.deal(toy, {"left": ["c"], "right": ["a", "b"]}, "left", share=1)
    assert dealt[0].x.tolist() == [[2.0]] * 5 and dealt[1].features == ("a", "b")
    assert sorted(dealt[0].y.tolist()) == [0, 0, 1, 1, 1]  # the data set's own classes
    for bad in (
        {"left": ["a"]},
        {"left": ["a"], "right": ["a"]},
        {"left": ["a"], "right": ["d"]},
        {"left": [], "right": ["a"]},
    ):
        with pytest.raises(ValueError, match="by must deal"):
            parties.deal(toy, bad, "left")
    with pytest.raises(ValueError, match="by must be a dict"):
        parties.deal(toy, "kind", "error")


def test_alignment_needs_labels_once_and_patients_everywhere():
    dealt = parties.deal(TUMOURS, share=0.5)
    with pytest.raises(ValueError, match="ids must be patients of every party"):
        parties.align(dealt, [next(one for one in dealt[0].ids if one not in dealt[1].ids)])
    with pytest.raises(ValueError, match="one of them with labels"):
        parties.align([party for party in dealt if party.y is None], [dealt[0].ids[0]])
