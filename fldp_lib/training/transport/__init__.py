"""What lies between the clients and the server: `compression`, and `secure` aggregation."""
