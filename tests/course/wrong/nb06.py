"""Planted wrong answers of notebook 06."""

WRONG = {}
