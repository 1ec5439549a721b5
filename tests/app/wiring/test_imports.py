"""Settings that come in from elsewhere: dropped, pasted, or of an image that is opened again."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from app.windows.question_box import QuestionBox
from tests.app.by_hand import heard
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import child, error


def test_a_folder_that_is_dropped_is_a_model(
    qtbot: QtBot, application: Application, fake: FakeEngine, tmp_path: Path
) -> None:
    with qtbot.waitSignal(told(application).ready):
        application.window.filesDropped.emit([str(tmp_path)])
    assert fake.loaded[-1] == str(tmp_path)


def test_there_must_be_something_to_paste(application: Application) -> None:
    QGuiApplication.clipboard().setMimeData(QMimeData())
    application.window.pasteRequested.emit()
    assert error(application).startswith("There are no settings on the clipboard.")


def test_pasted_settings_are_told_until_the_note_is_put_away(
    qtbot: QtBot, application: Application
) -> None:
    QGuiApplication.clipboard().setText("an owl\nSteps: 7, Seed: 5, CFG scale: 3")
    with qtbot.waitSignal(application.imports.noticed):
        application.window.pasteRequested.emit()
    assert application.session.prompt == "an owl"
    note = child(application, QWidget, "noteBar")
    assert note.isVisible()
    assert "are in the recipe" in child(application, QLabel, "noteText").text()
    application.window.note.firstChosen.emit()
    assert not note.isVisible()


def test_what_takes_hours_is_asked_about(application: Application) -> None:
    asked = heard(application.reopening.asked)
    application.reopening.questioned.emit("It may take hours.")
    box = application.window.findChild(QuestionBox)
    assert box is not None
    assert box.isVisible()
    box.reject()
    assert not asked
