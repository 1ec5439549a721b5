"""Poll: how a network lets its caller step in. Called between the layers of every network here."""

from __future__ import annotations

from collections.abc import Callable

Poll = Callable[[], None]
"""Called often during a forward pass; raises whatever shall abandon the call."""


def no_poll() -> None:
    """The poll of a caller that never steps in."""
