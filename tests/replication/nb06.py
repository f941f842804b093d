"""Claims of notebook 06 on fresh seeds."""
