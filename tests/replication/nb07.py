"""Claims of notebook 07 on fresh seeds."""
