"""A number of bytes for people. Called wherever a size is told."""

from __future__ import annotations


def byte_text(size: float) -> str:
    """ "4.27 GB", in powers of ten as disks and the Hub count."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"
