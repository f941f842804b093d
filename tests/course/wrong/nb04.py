"""Planted wrong answers of notebook 04."""

WRONG = {}
