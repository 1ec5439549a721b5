"""Widgets of the runs."""
