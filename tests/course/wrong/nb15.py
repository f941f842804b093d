"""Planted wrong answers of notebook 15."""

WRONG = {}
