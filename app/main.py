"""The composition root: the parts, the window, and what connects them. `safelight` and `python -m
app` come here through `app.cli.window`; tests call `build`.

Nothing here imports torch: the window is on the screen before the worker loads the engine.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

import engine as real_engine
from app import paths
from app.parts import Parts
from app.unfailing import tell_the_person
from app.windows.first_paint import FirstPaint
from app.windows.main_window import MainWindow
from app.wiring import connect_all
from app.wiring.appearance import Appearance
from app.wiring.troubles import tell_of_the_start

if TYPE_CHECKING:
    from app.worker.engine_door import Engine


class Application(Parts):
    """The window with all that stands behind it. `show` opens it and then loads the last model."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.window = MainWindow()
        self._is_closed = False
        self._appearance = Appearance(self.preferences, self.window)
        self._first_paint = FirstPaint(self.window)
        connect_all(self, self.window)
        self._first_paint.came.connect(self.models.load_last)
        self._first_paint.came.connect(self.library.announce)
        self.window.closing.connect(self.close)
        self._restore()
        self.start()

    def show(self) -> None:
        self._first_paint.wait()
        self.window.show()

    def close(self) -> bool:
        """End the run under way and the threads, and keep the settings. Whether the threads have
        ended; may be called again."""
        if not self._is_closed:
            self._is_closed = True
            self._first_paint.stop()
            self._appearance.close()
            self.preferences.flush()
            self.window.hide()
        return super().close()

    def _restore(self) -> None:
        """Bring back what was there when the program was closed."""
        self._appearance.restore()
        self.timeline_memory.announce()
        self.session.announce()
        self.models.announce()
        self.gallery.set_folder(self.image_folder.path)
        self.resumption.start(self.image_folder.path)
        tell_of_the_start(self, self.window)


def build(engine: Engine = real_engine) -> Application:
    """The whole application, connected but not yet shown. There must be a QApplication. engine: the
    real one, or a scripted stand-in with the same names."""
    return Application(engine)


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window and return when it is closed. There may be a QApplication already."""
    qt = QApplication.instance() or QApplication([*(sys.argv if argv is None else argv)])
    QApplication.setApplicationName(paths.NAME)
    QApplication.setApplicationDisplayName(paths.NAME)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would not let Python see Ctrl+C
    application = build()
    tell_the_person(application.unexpected.emit)
    application.show()
    code = qt.exec()
    if not application.close():
        os._exit(code)  # all is written; a thread that still imports torch cannot be ended
    return code
