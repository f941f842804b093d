"""Claims of notebook 19 on fresh seeds."""
