"""Better pictures of the steps, which come when there is time for them."""

from __future__ import annotations

from app.parts import Parts
from app.windows.main_window import MainWindow
from app.worker import DIRECT


def connect(parts: Parts, window: MainWindow) -> None:
    enlarger, history = parts.enlarger, parts.history
    parts.worker.stepped.connect(enlarger.follow, DIRECT)
    parts.worker.idle.connect(enlarger.wake, DIRECT)
    window.run.pauseToggled.connect(enlarger.wake, DIRECT)
    window.run.finishRequested.connect(enlarger.give_way, DIRECT)
    history.shown.connect(enlarger.look, DIRECT)
    enlarger.enlarged.connect(history.repicture)
    enlarger.failed.connect(window.errors.show_error)
    history.repictured.connect(parts.showing.repicture)
    history.repictured.connect(parts.comparing.repicture)
    parts.retoucher_thread.finished.connect(enlarger.stop, DIRECT)
