"""Planted wrong answers of notebook 05."""

WRONG = {}
