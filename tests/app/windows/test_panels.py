"""The gallery beside the picture, put away, and in the picture's place."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QSplitter
from pytestqt.qtbot import QtBot

from app.windows.main_window import MainWindow
from tests.app.windows.conftest import action, named


def test_gallery_can_be_put_away(window: MainWindow) -> None:
    canvas = window.canvas.width()
    entry = action(window, "Gallery")
    entry.trigger()
    QApplication.processEvents()
    assert not window.gallery.isVisible()
    assert window.canvas.width() > canvas
    entry.trigger()
    QApplication.processEvents()
    assert window.gallery.isVisible()


def test_gallery_pushed_to_the_edge_comes_back(window: MainWindow) -> None:
    splitter = window.findChild(QSplitter)
    assert splitter is not None
    splitter.moveSplitter(splitter.width(), 2)
    QApplication.processEvents()
    assert not window.gallery.isVisible()
    entry = action(window, "Gallery")
    assert not entry.isChecked()
    entry.trigger()
    QApplication.processEvents()
    assert window.gallery.isVisible()
    assert window.gallery.width() > 100


def test_large_gallery_and_back(qtbot: QtBot, window: MainWindow) -> None:
    splitter = window.findChild(QSplitter)
    button = window.findChild(QAbstractButton, "galleryLargeButton")
    assert splitter is not None and button is not None
    before, panels = splitter.sizes(), splitter.saveState()
    window.vary.set_open(True)
    window.gallery.setFocus()
    entry = action(window, "Large gallery")
    entry.trigger()
    QApplication.processEvents()
    assert button.isChecked() and not window.canvas.isVisible() and not window.vary.isVisible()
    assert window.gallery.width() > 1000 and window.gallery.height() > 600
    assert window.focusWidget() is window.gallery
    window.errors.show_error("No.")
    assert window.errors.isVisible() and named(window, "generateButton").isVisible()
    window.errors.clear()
    qtbot.keyClick(window.gallery, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert not entry.isChecked() and not button.isChecked()
    assert window.canvas.isVisible() and window.timeline.isVisible() and window.header.isVisible()
    assert splitter.sizes() == before
    button.click()
    window.gallery.lookRequested.emit()
    assert window.canvas.isVisible()
    button.click()
    assert window.arrangement()[1] == panels
    button.click()
    window.show_grid(True)
    assert window.grid.isVisible() and not entry.isChecked()


def test_large_gallery_of_a_hidden_one(window: MainWindow) -> None:
    gallery, large = action(window, "Gallery"), action(window, "Large gallery")
    gallery.trigger()
    large.trigger()
    assert window.gallery.isVisible() and gallery.isChecked()
    large.trigger()
    assert not window.gallery.isVisible() and not gallery.isChecked()
    large.trigger()
    gallery.trigger()
    assert not window.gallery.isVisible() and not large.isChecked() and window.canvas.isVisible()
    action(window, "Search the gallery").trigger()
    assert window.focusWidget() is named(window, "gallerySearch")
    assert gallery.isChecked() and window.gallery.width() > 100


def test_the_smallest_window(window: MainWindow) -> None:
    window.resize(window.minimumSize())
    for large in (False, True):
        window.set_gallery_large(large)
        QApplication.processEvents()
        assert (window.width(), window.height()) == (860, 520)
        for name in ("gallerySearch", "galleryFilterButton", "galleryView", "generateButton"):
            control = named(window, name)
            assert control.isVisible() and control.width() >= control.minimumSizeHint().width()
            corner = control.mapTo(window, control.rect().bottomRight())
            assert window.rect().contains(corner), name
        assert window.gallery.height() > 150
