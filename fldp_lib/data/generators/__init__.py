"""Synthetic populations whose truth is known, for the application notebooks. Nobody in them exists.

A generator draws a population from written-down distributions, so that a model can be compared with what no real data set
tells: the true probability, the true factors, the noise floor. Each docstring says what is realistic and what is not.
"""

from .lending import Credit, credit
from .tastes import Ratings, ratings
from .traffic import City, city

__all__ = ["City", "Credit", "Ratings", "city", "credit", "ratings"]
