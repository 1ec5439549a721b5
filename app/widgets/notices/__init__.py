"""Bars and lines that tell something."""
