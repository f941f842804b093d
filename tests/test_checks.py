"""checks: every error names the argument, the value given and what is allowed."""

import math

import numpy as np
import pytest
import torch
from conftest import refuses
from hypothesis import given
from hypothesis import strategies as st

from fldp_lib import checks

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(value=NUMBERS, low=NUMBERS, high=NUMBERS)
def test_real_accepts_exactly_the_closed_and_open_ranges(value, low, high):
    def accepted(**bounds):
        try:
            return checks.real("a", value, **bounds) == value
        except ValueError:
            return False

    assert accepted(at_least=low, at_most=high) == (low <= value <= high)
    assert accepted(above=low, below=high) == (low < value < high)


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.float64(1), np.int64(1)])
def test_real_accepts_every_kind_of_number_as_a_float(value):
    assert checks.real("a", value) == 1.0
    assert type(checks.real("a", value)) is float


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (True, TypeError),
        (np.True_, TypeError),
        ("1", TypeError),
        (None, TypeError),
        (1j, TypeError),
        ([1.0], TypeError),
        (torch.tensor(1.0), TypeError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        (-math.inf, ValueError),
        (0.0, ValueError),
        (2.5, ValueError),
    ],
)
def test_real_refuses_with_name_and_value(value, error):
    refuses(lambda: checks.real("speed", value, above=0, at_most=2), error, "speed", repr(value))


def test_real_says_what_is_allowed():
    refuses(lambda: checks.real("rate", 3, above=0, at_most=1), ValueError, "rate", "> 0", "<= 1", "got 3")
    refuses(lambda: checks.real("rate", -1, at_least=0, below=1), ValueError, ">= 0", "< 1", "got -1")


def test_infinity_is_allowed_only_upwards_and_on_request():
    assert checks.real("clip", math.inf, above=0, infinite=True) == math.inf
    refuses(lambda: checks.real("clip", -math.inf, above=0, infinite=True), ValueError, "clip", "-inf")


@given(value=st.integers(-50, 50), low=st.integers(-50, 50), high=st.integers(-50, 50))
def test_whole_accepts_exactly_its_range(value, low, high):
    if low <= value <= high:
        assert checks.whole("n", value, at_least=low, at_most=high) == value
    else:
        refuses(lambda: checks.whole("n", value, at_least=low, at_most=high), ValueError, "n must", f"got {value}")


def test_whole_accepts_numpy_integers_as_an_int():
    assert type(checks.whole("n", np.int32(3))) is int


@pytest.mark.parametrize("value", [True, 1.0, "1", None, math.nan, np.float64(2)])
def test_whole_refuses_what_is_no_whole_number(value):
    refuses(lambda: checks.whole("rounds", value), TypeError, "rounds", repr(value), "whole number")


@pytest.mark.parametrize("value", ["c", "", None, 1, ["a"]])
def test_one_of_lists_the_known_ones(value):
    assert checks.one_of("how", "a", ("a", "b")) == "a"
    refuses(lambda: checks.one_of("how", value, ("a", "b")), ValueError, "how", "'a', 'b'", repr(value))


def test_finite_counts_the_bad_entries():
    good = torch.ones(2, 3)
    assert checks.finite("x", good) is good
    assert checks.finite("y", torch.tensor([1, 2])).dtype == torch.int64
    bad = torch.tensor([[1.0, math.nan, math.inf], [-math.inf, 0, 0]])
    refuses(lambda: checks.finite("x", bad), ValueError, "x", "3 of its 6", "NaN or infinite")
