"""Claims of notebook 09 on fresh seeds."""
