"""Claims of notebook 01 on fresh seeds."""
