"""The draft of the next request."""
