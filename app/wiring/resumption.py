"""What the last session left undone: kept as it changes, offered, and gone on with."""

from __future__ import annotations

from app.parts import Parts
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    resumption, worker = parts.resumption, parts.worker
    resumption.offered.connect(window.resume.set_notice)
    resumption.told.connect(window.note.set_notice)
    resumption.submitted.connect(parts.submission.submit_for_their_models)
    window.resume.firstChosen.connect(resumption.go_on)
    window.resume.secondChosen.connect(resumption.forget)
    parts.models.currentChanged.connect(resumption.set_source)
    worker.started.connect(resumption.begin)
    worker.told.connect(resumption.tell)
    worker.finished.connect(resumption.finish)
    worker.written.connect(resumption.note_written)
