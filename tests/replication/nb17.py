"""Claims of notebook 17 on fresh seeds."""
