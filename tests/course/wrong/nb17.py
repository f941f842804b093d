"""Planted wrong answers of notebook 17."""

WRONG = {}
