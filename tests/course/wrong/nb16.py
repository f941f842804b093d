"""Planted wrong answers of notebook 16."""

WRONG = {}
