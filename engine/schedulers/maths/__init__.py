"""What the schedulers share."""
