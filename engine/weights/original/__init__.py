"""Files in original layouts: their families, settings and keys, as tables."""
