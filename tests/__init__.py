"""Safelight's tests: they mirror engine/ and app/; parity/ compares with diffusers."""
