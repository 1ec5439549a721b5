"""Which release of Safelight this is. Shown by the window's About and by `safelight --version`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed() -> str:
    """The version of the installed package, such as "0.1.0"; "" where only its files are here."""
    try:
        return version("safelight")
    except PackageNotFoundError:
        return ""
