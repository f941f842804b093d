"""Planted wrong answers of notebook 14."""

WRONG = {}
