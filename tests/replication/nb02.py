"""Claims of notebook 02 on fresh seeds."""
