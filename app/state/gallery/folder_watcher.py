"""FolderWatcher: tells when it is time to look at the folder of images once more. Made by the
gallery model, which looks.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal, Slot

SETTLING = 250
"""Milliseconds from a change of the folder to the look at it: a copy makes many changes."""
SLOW_LOOK = 20_000
"""Milliseconds between two looks at the folder without a reason: not every disk tells of changes,
and none of a file that was written over."""


class FolderWatcher(QObject):
    """Watches one folder. The look waits for a while after a change, but not for ever: a copy takes
    its time."""

    lookAsked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Without a parent, so that `close` can end it: a watcher that is destroyed in another
        # thread than its own ends the program.
        self._watcher: QFileSystemWatcher | None = QFileSystemWatcher()
        self._settling = QTimer(self, singleShot=True, interval=SETTLING)
        self._slow = QTimer(self, interval=SLOW_LOOK)

        self._watcher.directoryChanged.connect(self.mark)
        self._settling.timeout.connect(self.lookAsked)
        self._slow.timeout.connect(self.lookAsked)

    def watch(self, folder: Path, is_there: bool) -> None:
        """From now on that folder, and no other; one that is not there cannot be watched, and is
        looked for now and then."""
        if self._watcher is None:
            return
        if not self._slow.isActive():
            self._slow.start()
        watched = self._watcher.directories()
        if others := [path for path in watched if path != str(folder) or not is_there]:
            self._watcher.removePaths(others)
        if is_there and str(folder) not in watched:
            self._watcher.addPath(str(folder))

    @Slot()
    def mark(self) -> None:
        """There may have been a change."""
        if not self._settling.isActive():
            self._settling.start()

    def close(self) -> None:
        """Watch no more, for good."""
        self._settling.stop()
        self._slow.stop()
        self._watcher = None
