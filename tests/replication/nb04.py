"""Claims of notebook 04 on fresh seeds."""
