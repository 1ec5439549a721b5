"""A run: from a request to events, and everything that acts on it meanwhile."""
