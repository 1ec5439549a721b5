"""The steps of a run as a film, and the dialog that asks how it is to be."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.main import Application
from app.windows.film_dialog import FilmDialog
from tests.app.in_person import finish


def test_the_dialog_begins_where_a_picture_was_saved_last(
    qtbot: QtBot, application: Application
) -> None:
    application.save_folder.remember("/pictures/one.png")
    result = finish(qtbot, application)
    application.window.filmRequested.emit()
    dialog = application.window.findChild(FilmDialog)
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog._suggested == f"/pictures/{result.request.seed}-film"
    dialog.close()
