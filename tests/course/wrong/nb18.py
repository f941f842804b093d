"""Planted wrong answers of notebook 18."""

WRONG = {}
