"""Claims of notebook 00 on fresh seeds."""
