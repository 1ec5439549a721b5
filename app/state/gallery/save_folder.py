"""SaveFolder: where the person saved a picture last. The dialogs for a name begin there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.preferences import Preferences


class SaveFolder:
    """Kept over restarts; the person's home until something was saved."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences

    def suggested(self, name: str) -> str:
        """A path for that name."""
        folder = self._preferences.get("save_folder") or str(Path.home())
        return str(Path(folder) / name)

    def remember(self, path: str) -> None:
        """Something is saved at that path."""
        self._preferences.set("save_folder", str(Path(path).parent))
