"""Planted wrong answers of notebook 12."""

WRONG = {}
