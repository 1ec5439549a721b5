"""What is fetched from the Hub, and its dialog."""

from __future__ import annotations

from app.main import Application
from app.windows.download_dialog import DownloadDialog
from tests.app.by_hand import heard


def test_the_menu_opens_the_dialog_and_a_stop_is_told_there(application: Application) -> None:
    application.window.downloadRequested.emit()
    dialog = application.window.findChild(DownloadDialog)
    assert dialog is not None
    assert dialog.isVisible()
    states = heard(application.downloads.stateChanged)
    dialog.cancelRequested.emit()
    assert set(states) <= {"idle"}
    dialog.close()
