"""What exercise checks are made of: the right answer passes, a known slip is named, anything else is told what is right."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from fldp_lib.course.answers import Wrong, compare, near, number, numbers, parts, same, tensor, truth, whole

SLIPS = ((2.0, "twice too much"), (0.5, "half of it"))


def test_a_slip_is_named_and_other_numbers_get_the_message():
    compare(1.0, 1.0, SLIPS, "it is 1")
    for got, words in ((2.0, "twice too much"), (0.5, "half of it"), (3.0, "it is 1"), (math.nan, "it is 1")):
        with pytest.raises(Wrong, match=words):
            compare(got, 1.0, SLIPS, "it is 1")


def test_a_slip_that_happens_to_be_right_is_none():
    compare(2.0, 2.0, SLIPS, "it is 2")


@given(right=st.floats(-1e6, 1e6), factor=st.floats(-1e-4, 1e-4))
def test_numbers_are_the_same_up_to_what_float32_keeps(right, factor):
    assume(abs(right) > 1e-3 and not 5e-6 < abs(factor) < 2e-5)
    assert same(right * (1 + factor), right) == (abs(factor) <= 5e-6)
    assert same(float(np.float32(right)), right) and same(right * (1 + factor), right, rel=1e-3)


SCALARS = (float, np.float64, np.float32, np.array, torch.tensor, lambda v: torch.tensor(v, dtype=torch.float64))
ROWS = (list, tuple, np.array, torch.tensor, lambda v: np.array(v, dtype=np.float32), lambda v: [torch.tensor(x) for x in v])


@pytest.mark.parametrize("form", SCALARS)
def test_a_number_is_read_in_every_form(form):
    assert number(form(0.25), "ε") == 0.25
    assert whole(form(3.0), "n") == 3 and isinstance(whole(form(3.0), "n"), int)
    assert truth(form(1.0)) is True and truth(form(0.0)) is False


@pytest.mark.parametrize("yes", [True, np.True_, np.array(True), torch.tensor(True), 1, np.int64(1)])
def test_a_truth_is_read_in_every_form(yes):
    assert truth(yes) is True and truth(1 - number(yes, "it")) is False


@pytest.mark.parametrize("form", ROWS)
def test_a_row_and_a_matrix_are_read_in_every_form(form):
    assert numbers(form([0.25, 3.0]), 2) == [0.25, 3.0]
    assert tensor(form([0.25, 3.0]), (2,), "it").tolist() == [0.25, 3.0]
    assert (
        tensor(
            form([form([0.5, 1.0])] * 2) if form is not torch.tensor else form([[0.5, 1.0]] * 2), (2, None), "it"
        ).tolist()
        == [[0.5, 1.0]] * 2
    )
    assert [number(part, "it") for part in parts(form([1.0, 2.0, 4.0]), 3)] == [1.0, 2.0, 4.0]


def test_what_is_no_number_is_refused_by_name():
    for value in (None, "3", [1, 2], np.array([1.0]), torch.ones(2), {}, 1j, object()):
        for read in (number, whole):
            with pytest.raises(Wrong, match="ε should be a"):
                read(value, "ε")
        with pytest.raises(Wrong, match="ε should be True or False"):
            truth(value, "ε")
    for value in (2.5, math.nan, math.inf):
        with pytest.raises(Wrong, match="n should be a whole number"):
            whole(value, "n")
    for value in (2, -1, 0.5, math.nan):
        with pytest.raises(Wrong, match="True or False"):
            truth(value)


def test_rows_of_another_length_or_of_something_else_are_refused():
    for value in (1.0, "ab", None, {1: 2, 3: 4}, [1.0], [1.0, 2.0, 3.0], np.array(2.0), torch.tensor(2.0)):
        with pytest.raises(Wrong, match="shares should be 2 things"):
            numbers(value, 2, "shares")
    for value in (1.0, [1.0], "ab", [[1.0, 2.0]], ["a", "b"], [[1.0], [1.0, 2.0]], None, torch.ones(3)):
        with pytest.raises(Wrong, match="sum should"):
            tensor(value, (2,), "sum")
    for value in ([1.0, math.nan], torch.tensor([math.inf, 0.0])):
        with pytest.raises(Wrong, match="sum holds NaN or infinity"):
            tensor(value, (2,), "sum")


def test_tensors_are_near_where_float32_is_all_that_parts_them():
    right = torch.tensor([1.0, -300.0, 1e-3], dtype=torch.float64) / 7
    assert near(right.float().double(), right) and not near(right * 1.0001, right) and not near(right[:2], right)
