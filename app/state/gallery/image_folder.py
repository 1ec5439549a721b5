"""ImageFolder: where finished pictures go. The person chooses it in the menu, or in the notice of
pictures that cannot be written; the gallery shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app import paths

if TYPE_CHECKING:
    from app.preferences import Preferences


class ImageFolder(QObject):
    """Kept over restarts; the usual one of this computer until another is chosen."""

    changed = Signal(str)  # path

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences

    @property
    def path(self) -> str:
        chosen = self._preferences.get("image_folder")
        if not chosen or "\0" in chosen:  # no folder has such a name
            return str(paths.image_folder())
        return chosen

    @Slot(str)
    def choose(self, path: str) -> None:
        self._preferences.set("image_folder", path)
        self.changed.emit(path)
