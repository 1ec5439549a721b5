"""Loaded sets of networks, one file a family."""
