"""Claims of notebook 10 on fresh seeds."""
