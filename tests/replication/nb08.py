"""Claims of notebook 08 on fresh seeds."""
