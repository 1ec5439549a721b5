"""Widgets of the picture."""
