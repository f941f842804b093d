"""Planted wrong answers of notebook 03."""

WRONG = {}
