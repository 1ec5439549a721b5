"""What is being made, what waits and what was made."""
