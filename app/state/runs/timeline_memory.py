"""TimelineMemory: how much the timeline of the last runs may take. The menu View asks for it and
shows it; the history keeps to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.state.runs.history import MEBIBYTE

if TYPE_CHECKING:
    from app.preferences import Preferences


class TimelineMemory(QObject):
    """Kept over restarts, in mebibytes."""

    bytesChanged = Signal(object)  # an int, of more than the 32 bits of Qt's own
    changed = Signal(object)  # mebibytes, an int of any size: the file may say anything

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences

    @property
    def mebibytes(self) -> int:
        return self._preferences.get("timeline_memory")

    @property
    def bytes(self) -> int:
        return self.mebibytes * MEBIBYTE

    @Slot(int)
    def set(self, mebibytes: int) -> None:
        self._preferences.set("timeline_memory", mebibytes)
        self.announce()

    def announce(self) -> None:
        """Tell it, to widgets that have just been connected too."""
        self.bytesChanged.emit(self.bytes)
        self.changed.emit(self.mebibytes)
