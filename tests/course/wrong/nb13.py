"""Planted wrong answers of notebook 13."""

WRONG = {}
