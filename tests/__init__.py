"""Safelight's tests: they mirror engine/ and app/; parity/ compares with diffusers."""

from engine.hardware.threads import wait_asleep

wait_asleep()  # also for a test or a benchmark that imports torch before the engine
