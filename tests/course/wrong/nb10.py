"""Planted wrong answers of notebook 10."""

WRONG = {}
