"""Claims of notebook 16 on fresh seeds."""
