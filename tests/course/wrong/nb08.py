"""Planted wrong answers of notebook 08."""

WRONG = {}
