"""Claims of notebook 13 on fresh seeds."""
