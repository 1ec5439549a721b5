"""A text of settings as AUTOMATIC1111 writes it, for the tests of its readers."""

from __future__ import annotations

KARRAS = {"use_karras_sigmas": True}

SETTINGS = "Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768, Model: dream, RNG: CPU"
