"""clipping: no vector ends longer than the clip, in any precision, at any length, for any clip that is allowed."""

import math

import numpy as np
import pytest
import torch
from conftest import generator, refuses

from fldp_lib import aggregation, mechanisms
from fldp_lib.privacy.clipping import clip_rows

TOLERANCE = 1 + 1e-6


def length(row, norm):
    """The exact length up to 1e-12: NumPy's pairwise sum of long doubles."""
    return float(np.linalg.norm(row.double().numpy().astype(np.longdouble), norm))


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_clip_holds_in_every_precision(dtype, norm):
    rows = (30 * torch.randn(200, 301, generator=generator())).to(dtype)
    for clip in (0.1, 0.7, 3.0):
        clipped, _ = clip_rows(rows, clip, norm)
        longest = max(length(row, norm) for row in clipped)
        assert clip * (1 - 1e-5) < longest <= clip * TOLERANCE


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("value", [0.1234567, 1 / 3, 1.0])
def test_the_clip_holds_at_four_million_parameters(value, norm):
    """Equal entries round the same way each time: a plain sum in single precision loses 0.2% of the norm and more."""
    rows = torch.full((1, 4_000_001), value)
    assert length(clip_rows(rows, 1.0, norm)[0][0], norm) <= TOLERANCE
    assert float(clip_rows(rows, 1.0, norm)[1][0]) == pytest.approx(length(rows[0], norm), rel=1e-6)


@pytest.mark.parametrize("columns", [1, 127, 128, 129, 256, 1000])
def test_blocks_of_any_length_give_the_norm(columns):
    rows = torch.randn(7, 3, columns, generator=generator())
    for norm in (1, 2):
        torch.testing.assert_close(clip_rows(rows, 0.5, norm)[1], torch.linalg.vector_norm(rows, norm, dim=-1))


@pytest.mark.parametrize("clip", [1e-12, 1e-6, 1.0, 1e12])
@pytest.mark.parametrize("size", [1e-30, 1e-9, 1.0, 1e9, 1e18])
def test_the_clip_holds_however_small_it_is_and_however_long_the_vector(clip, size):
    rows = size * torch.randn(5, 300, generator=generator())
    assert max(length(row, 2) for row in clip_rows(rows, clip)[0]) <= clip * TOLERANCE


def test_a_short_row_is_left_to_the_last_bit():
    rows = torch.randn(50, 300, generator=generator())
    assert torch.equal(clip_rows(rows, 100.0)[0], rows)


@pytest.mark.parametrize("clip", [1e-13, 1e-23, 1e13, 1e300, 0.0, -1.0, math.nan])
@pytest.mark.parametrize(
    "build",
    [
        lambda clip: clip_rows(torch.ones(1, 2), clip),
        lambda clip: mechanisms.Laplace(1.0, clip),
        lambda clip: mechanisms.Gaussian(0.0, clip),
        lambda clip: aggregation.NormBound(clip)(torch.ones(2, 3)),
    ],
)
def test_a_clip_that_rounding_would_lose_is_refused(build, clip):
    refuses(lambda: build(clip), ValueError, "clip", f"{clip:g}"[:3])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: clip_rows(torch.ones(2, 3), "1"), TypeError, ["clip", "'1'"]),
        (lambda: clip_rows(torch.ones(2, 3), 1.0, 3), ValueError, ["norm", "3"]),
        (lambda: clip_rows(torch.ones(2, 3, dtype=torch.int64), 1.0), TypeError, ["rows", "floats", "int64"]),
        (lambda: clip_rows([[1.0]], 1.0), TypeError, ["rows", "list"]),
        (lambda: clip_rows(torch.tensor(1.0), 1.0), TypeError, ["rows", "shape ()"]),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    refuses(call, error, *words)


def test_numpy_scalars_become_python_numbers():
    """A clip of 200 as an unsigned byte, doubled, was 144."""
    for scalar in (np.uint8(200), np.float32(200), np.int64(200)):
        noise = mechanisms.Gaussian(scalar, scalar, "client")
        assert noise.sensitivity == 400 and noise.std == 80_000
        assert type(noise.clip) is float and type(noise.noise_multiplier) is float
        assert type(mechanisms.Laplace(scalar, scalar).epsilon) is float
    response = mechanisms.RandomisedResponse(np.float32(1), np.uint8(250))
    assert type(response.categories) is int and response.keep == pytest.approx(1 / (1 + 249 / math.e))
