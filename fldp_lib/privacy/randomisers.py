"""Local reports of one category out of k, by name: all at the same ε, of different error and length."""

from .projection import Projection
from .response import RandomisedResponse
from .unary import SubsetSelection, UnaryEncoding

__all__ = ["ALL", "Projection", "RandomisedResponse", "SubsetSelection", "UnaryEncoding"]

ALL = {"k-RR": RandomisedResponse, "OUE": UnaryEncoding, "subset selection": SubsetSelection, "projection": Projection}
