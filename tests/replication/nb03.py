"""Claims of notebook 03 on fresh seeds."""
