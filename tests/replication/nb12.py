"""Claims of notebook 12 on fresh seeds."""
