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


# Tensors and the rest ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "numbers", "dtype"),
    [
        ([1, 2], "real", torch.float32),
        (np.ones(2), "real", torch.float32),
        (torch.ones(2).double(), "real", torch.float64),
        (torch.ones(2).half(), "real", torch.float32),
        ([True, False], "real", torch.float32),
        ([1.5, 2], "double", torch.float64),
        ([1.0, 2.0], "whole", torch.int64),
        (np.array([1, 2], dtype=np.uint64), "whole", torch.int64),
        (np.array([True]), "bool", torch.bool),
    ],
)
def test_tensor_makes_one_kind_of_many(value, numbers, dtype):
    made = checks.tensor("x", value, ("n",), numbers)
    assert made.dtype == dtype
    assert made.tolist() == pytest.approx(np.asarray(value).astype(float).tolist())


def test_tensor_keeps_what_fits_and_copies_what_it_converts():
    fits, array = torch.ones(2, 3), np.ones((2, 3), dtype=np.float32)
    assert checks.tensor("x", fits, (2, "d")) is fits
    checks.tensor("x", array).zero_()
    assert array.all()  # the caller's array is his own


@pytest.mark.parametrize(
    ("value", "shape", "numbers", "error", "fragments"),
    [
        ("a", None, "real", TypeError, ["x must be numbers", "'a'"]),
        (None, None, "real", TypeError, ["x must be numbers", "None"]),
        ([1j], None, "real", TypeError, ["x must be numbers", "complex"]),
        (torch.ones(2) * 1j, None, "real", TypeError, ["x must be numbers", "complex"]),
        ([[1], [1, 2]], None, "real", ValueError, ["x must be numbers", "no array"]),
        ([1, 2], (3,), "real", ValueError, ["of shape (3,)", "(2,)"]),
        ([1, 2], ("n", "d"), "real", ValueError, ["of shape (n, d)", "(2,)"]),
        ([0.5], None, "whole", ValueError, ["x must be whole numbers", "0.5"]),
        ([math.nan], None, "whole", ValueError, ["x must be finite", "NaN"]),
        ([2.0**60], None, "whole", ValueError, ["x must be whole numbers"]),
        (np.array([2**63], dtype=np.uint64), None, "whole", ValueError, ["below 2^63"]),
        ([1, 0], None, "bool", TypeError, ["x must be True and False", "int64"]),
    ],
)
def test_tensor_refuses_with_name_and_what_is_allowed(value, shape, numbers, error, fragments):
    refuses(lambda: checks.tensor("x", value, shape, numbers), error, *fragments)


def test_numbers_too_large_to_be_floats_are_refused_and_short_in_the_message():
    with pytest.raises(ValueError, match="speed must be a finite number") as caught:
        checks.real("speed", 10**400)
    assert len(str(caught.value)) < 300


def test_the_small_checks_name_and_show():
    assert checks.flag("log", np.True_) is True and checks.text("name", "a") == "a"
    refuses(lambda: checks.flag("log", 1), TypeError, "log must be True or False", "1 (int)")
    refuses(lambda: checks.text("name", b"a"), TypeError, "name must be text", "b'a'")
    refuses(lambda: checks.text("name", "", some=True), ValueError, "name must be text", "''")
    refuses(lambda: checks.function("fit", 5), TypeError, "fit must be a function", "5 (int)")
    refuses(lambda: checks.kind("model", 5, str, "a name"), TypeError, "model must be a name", "5 (int)")
    refuses(lambda: checks.generator("noise", 5), TypeError, "noise must be a torch.Generator", "5 (int)")
    refuses(lambda: checks.device("device", "nowhere"), ValueError, "device must be a device", "'nowhere'")
    assert checks.device("device", "cpu") == torch.device("cpu")
