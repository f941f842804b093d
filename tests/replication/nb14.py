"""Claims of notebook 14 on fresh seeds."""
