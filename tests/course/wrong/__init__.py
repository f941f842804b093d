"""Planted wrong answers, one module a notebook: `WRONG[id]` lists (answer, pattern of a hint that is true of that slip)."""
