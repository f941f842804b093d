"""Claims of notebook 15 on fresh seeds."""
