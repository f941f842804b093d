"""Claims of notebook 18 on fresh seeds."""
