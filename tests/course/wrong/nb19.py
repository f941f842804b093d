"""Planted wrong answers of notebook 19."""

WRONG = {}
