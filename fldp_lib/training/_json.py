"""A plan's terms as JSON, both ways."""

from dataclasses import asdict

from .. import checks
from ..privacy import adaptive, correlated, integers, mechanisms
from . import _terms, aggregation, algorithms

KINDS = (
    mechanisms.Laplace, mechanisms.Gaussian, adaptive.AdaptiveGaussian, correlated.Correlated,
    integers.Skellam,
    aggregation.Mean, aggregation.WeightedMean, aggregation.SecureMean, aggregation.Median, aggregation.TrimmedMean,
    aggregation.Krum, aggregation.NormBound,
    *_terms.COMPRESSORS,
    *algorithms.LOCAL, *algorithms.SERVER,
)  # fmt: skip
NAMED = {kind.__name__: kind for kind in KINDS}


def said(name, value):
    """Return a term as JSON can hold it.

    Raises:
        ValueError: it is not one of the package's own kinds, so that nobody could read it back.
    """
    if value is None or isinstance(value, (int, float, str)):
        return value
    if NAMED.get(type(value).__name__) is not type(value):
        raise ValueError(f"{name} must be None or one of {', '.join(NAMED)}, to be written down; got {value!r}")
    return {"kind": type(value).__name__, **asdict(value)}


def understood(name, value):
    """Return the term that `said` wrote."""
    if not isinstance(value, dict):
        return value
    return NAMED[checks.one_of(name, value.get("kind"), NAMED)](**{k: v for k, v in value.items() if k != "kind"})
