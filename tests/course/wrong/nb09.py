"""Planted wrong answers of notebook 09."""

WRONG = {}
