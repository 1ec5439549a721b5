"""Widgets of the recipe."""
