"""Planted wrong answers of notebook 01."""

WRONG = {}
