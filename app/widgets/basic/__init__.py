"""Widgets of general use: buttons, labels, numbers, bars."""
