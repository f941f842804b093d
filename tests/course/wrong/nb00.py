"""Planted wrong answers of notebook 00."""

WRONG = {}
