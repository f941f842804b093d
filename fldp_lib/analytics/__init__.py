"""Counting without training: what people have, known beforehand or not: counts, quantiles, heavy hitters."""

from .comparison import compare
from .counting import histogram, noise_scale
from .people import Items, gather
from .quantiles import quantile, quantile_law, quantile_search, quantile_tree
from .trie import Trie, heavy_hitters
from .unknown import GeometricThreshold, LaplaceThreshold, audit_singles, best_chance

__all__ = [
    "GeometricThreshold", "Items", "LaplaceThreshold", "Trie", "audit_singles", "best_chance", "compare", "gather",
    "heavy_hitters", "histogram", "noise_scale", "quantile", "quantile_law", "quantile_search", "quantile_tree",
]  # fmt: skip
