"""What exercise checks are made of: the right answer passes, a known slip is named, anything else is told what is right."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fldp_lib.course.answers import Wrong, compare, number, same

SLIPS = ((2.0, "twice too much"), (0.5, "half of it"))


def test_a_slip_is_named_and_other_numbers_get_the_message():
    compare(1.0, 1.0, SLIPS, "it is 1")
    for got, words in ((2.0, "twice too much"), (0.5, "half of it"), (3.0, "it is 1"), (math.nan, "it is 1")):
        with pytest.raises(Wrong, match=words):
            compare(got, 1.0, SLIPS, "it is 1")


def test_a_slip_that_happens_to_be_right_is_none():
    compare(2.0, 2.0, SLIPS, "it is 2")


@given(right=st.floats(-1e6, 1e6), factor=st.floats(-1e-4, 1e-4))
def test_numbers_are_the_same_up_to_the_tolerance(right, factor):
    assume(abs(right) > 1e-3 and not 5e-7 < abs(factor) < 2e-6)
    assert same(right * (1 + factor), right) == (abs(factor) <= 5e-7)
    assert same(right * (1 + factor), right, rel=1e-3)


def test_what_is_no_number_is_refused_by_name():
    assert number("3", "ε") == 3.0
    for value in (None, "three", [1, 2]):
        with pytest.raises(Wrong, match="ε should be a number"):
            number(value, "ε")
