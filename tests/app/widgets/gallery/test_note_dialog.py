"""Words that are written about a picture."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.gallery.gallery_view import GalleryView
from tests.app.widgets.gallery.pictures import PROMPT, Heard, Pictures, choose

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class TestNotes:
    def test_written_for_the_picture_wherever_it_is_now(
        self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures
    ) -> None:
        heard = Heard(gallery)
        for change in (
            lambda: pictures.put_in_front("new"),
            lambda: pictures.begin_anew(["9", "8", "7", "6", "3"]),
        ):
            choose(gallery, pictures.names.index("3"))
            qtbot.keyClick(gallery, Qt.Key.Key_F2)
            dialog = gallery.findChild(QDialog, "noteDialog")
            edit = dialog.findChild(QPlainTextEdit)
            assert edit.toPlainText() == PROMPT
            edit.setPlainText("<i>two</i>\nlines ")
            change()
            qtbot.keyClick(edit, Qt.Key.Key_Return, CTRL)
            qtbot.waitUntil(lambda: gallery.findChild(QDialog, "noteDialog") is None)
        assert heard == [
            ("noteRequested", 4, "<i>two</i>\nlines"),
            ("noteRequested", 4, "<i>two</i>\nlines"),
        ]

    def test_left_as_it_was(self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures) -> None:
        heard = Heard(gallery)
        gallery.edit_note(3)
        dialog = gallery.findChild(QDialog, "noteDialog")
        for label in dialog.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText
        for control in (*dialog.findChildren(QPushButton), *dialog.findChildren(QPlainTextEdit)):
            assert control.accessibleName() and len(control.toolTip()) > 15
        qtbot.mouseClick(
            dialog.findChild(QPushButton, "noteCancelButton"), Qt.MouseButton.LeftButton
        )
        assert not heard
