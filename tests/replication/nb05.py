"""Claims of notebook 05 on fresh seeds."""
