"""Images that could not be written: the queue waits for them, and they are tried again."""

from __future__ import annotations

from app.parts import Parts
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    unsaved, worker = parts.unsaved_images, parts.worker
    worker.finished.connect(unsaved.add)
    worker.compared.connect(unsaved.add_sheet)
    unsaved.blockedChanged.connect(parts.queue.set_blocked)
    unsaved.noticed.connect(window.unsaved.set_notice)
    worker.stillUnwritten.connect(unsaved.set_left)
    worker.written.connect(parts.gallery.saved)
    window.unsaved.firstChosen.connect(unsaved.try_again)
