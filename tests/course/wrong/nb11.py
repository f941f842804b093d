"""Planted wrong answers of notebook 11."""

WRONG = {}
