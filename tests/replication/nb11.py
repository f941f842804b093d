"""Claims of notebook 11 on fresh seeds."""
