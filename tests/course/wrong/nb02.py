"""Planted wrong answers of notebook 02."""

WRONG = {}
