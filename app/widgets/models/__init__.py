"""Widgets of the models."""
