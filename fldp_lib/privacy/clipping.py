"""Clipping: what bounds a contribution, exactly enough that the noise may be calibrated to the bound."""

import math

import torch

from .. import checks

SMALLEST, LARGEST = 1e-12, 1e12  # finite clips: in between nothing that matters under- or overflows, in any precision
BLOCK = 128  # entries whose squares are added in single precision; their sums are added in double


def check_clip(clip):
    """Return the clip as a float: from 1e-12 to 1e12, or infinity.

    Raises:
        TypeError, ValueError: another value; a bound outside this range would be lost in rounding.
    """
    clip = checks.real("clip", clip, above=0, infinite=True)
    return clip if math.isinf(clip) else checks.real("clip", clip, at_least=SMALLEST, at_most=LARGEST)


def clip_rows(rows, clip, norm=2):
    """Scale each vector along the last dimension down to norm `clip` at most; shorter ones are left as they are.

    A vector that holds NaN or infinity, or whose norm is too large for its type, becomes zero: nobody can bound it
    otherwise. The norms are added up in blocks, in double precision, so that a clipped vector is as long as C(1 + 1e-6) at
    most for any number of parameters; plain sums in single precision err by percents at some millions.

    Args:
        rows: (… × parameters), floats. Half precision comes back in single precision: rounding to it could lengthen.
        clip: the bound C, from 1e-12 to 1e12; infinity leaves every finite vector as it is.
        norm: 1 or 2.

    Returns:
        The clipped rows (… × parameters), and the norms before clipping (…), not finite where a row was dropped.

    Raises:
        TypeError, ValueError: an argument out of range.

    Derived in: notebook 05.
    Source: Abadi et al. 2016.
    """
    clip = check_clip(clip)
    if checks.real("norm", norm) not in (1, 2):
        raise ValueError(f"norm must be 1 or 2, got {norm!r}")
    if not (isinstance(rows, torch.Tensor) and rows.is_floating_point() and rows.ndim):
        raise TypeError(f"rows must be a tensor of floats (… × parameters), got {_kind(rows)}")
    if rows.dtype in (torch.float16, torch.bfloat16):
        rows = rows.float()
    norms = torch.linalg.vector_norm(rows, norm, dim=-1) if math.isinf(clip) else _norms(rows, norm)  # …
    if clip < math.inf:  # short rows are divided by exactly 1; for others two roundings of 6e-8 are added
        rows = rows / (norms / clip).clamp(min=1).to(rows.dtype).unsqueeze(-1)
    norms = norms.to(rows.dtype)
    finite = norms.isfinite()
    if not finite.all():
        rows = rows.where(finite.unsqueeze(-1), 0)
    return rows, norms


def _norms(rows, norm):
    """Norms (…) in double precision: rounding in a block of 128 single-precision squares stays below 1e-6."""
    if rows.dtype == torch.float64 or rows.shape[-1] <= BLOCK:
        return torch.linalg.vector_norm(rows, norm, dim=-1).double()
    whole = rows.shape[-1] // BLOCK * BLOCK
    parts = rows[..., :whole].unflatten(-1, (-1, BLOCK))
    parts = [torch.linalg.vector_norm(part, norm, dim=-1).double() for part in (parts, rows[..., whole:])]
    if norm == 1:
        return parts[0].sum(-1) + parts[1]
    return (parts[0].square().sum(-1) + parts[1].square()).sqrt()


def _kind(rows):
    return f"{rows.dtype} of shape {tuple(rows.shape)}" if isinstance(rows, torch.Tensor) else type(rows).__name__
