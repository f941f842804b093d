"""Planted wrong answers of notebook 07."""

WRONG = {}
