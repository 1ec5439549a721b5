"""Settings that come in from elsewhere: files that are dropped, what is pasted, an image of the
gallery that is opened again."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.i18n import tr
from app.parts import Parts
from app.state.runs.reopening import Reopening
from app.windows.file_questions import local_files
from app.windows.main_window import MainWindow
from app.windows.question_box import QuestionBox


def connect(parts: Parts, window: MainWindow) -> None:
    imports, clipboard = parts.imports, _Clipboard(window)
    window.filesDropped.connect(imports.take_files)
    window.pasteRequested.connect(clipboard.look)
    clipboard.has.connect(imports.paste)
    imports.modelGiven.connect(parts.models.choose)
    imports.noticed.connect(window.note.set_notice)
    imports.failed.connect(window.errors.show_error)
    imports.copied.connect(window.status.set_status)
    window.note.firstChosen.connect(window.note.put_away)

    reopening, doubt = parts.reopening, _Doubt(parts.reopening, window)
    reopening.asked.connect(parts.submission.submit_for_its_model)
    reopening.questioned.connect(doubt.ask)
    reopening.failed.connect(window.errors.show_error)


class _Clipboard(QObject):
    """What is copied, in plain values."""

    has = Signal(list, str)  # paths of files, text

    def look(self) -> None:
        copied: QMimeData | None = QGuiApplication.clipboard().mimeData()  # Qt: of nothing, null
        self.has.emit(local_files(copied) if copied else [], copied.text() if copied else "")


class _Doubt(QObject):
    """Asks whether what may take hours is to be made all the same."""

    def __init__(self, reopening: Reopening, window: MainWindow) -> None:
        super().__init__(window)
        self._reopening = reopening
        self._window = window

    def ask(self, question: str) -> None:
        words = tr("Make it all the same?"), question, tr("Make it"), tr("Leave it")
        box = QuestionBox(*words, self._window)
        box.answered.connect(self._reopening.answer)
        box.open()
