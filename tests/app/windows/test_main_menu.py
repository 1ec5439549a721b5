"""The menus of the main window: what they ask for, and when they can."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QMessageBox,
)
from pytestqt.qtbot import QtBot

from app.windows.main_window import MainWindow
from tests.app.windows.conftest import action, named


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Save as…", "saveRequested"),
        ("Copy", "copyRequested"),
        ("Open model folder…", "openModelRequested"),
        ("Branch from here", "branchRequested"),
        ("Image folder…", "imageFolderRequested"),
    ],
)
def test_menu_entries(window: MainWindow, text: str, signal: str) -> None:
    heard: list[str] = []
    getattr(window, signal).connect(lambda: heard.append(signal))
    action(window, text).trigger()
    assert heard == [signal]


def test_nothing_to_save(window: MainWindow) -> None:
    window.header.set_can_save(False)
    assert not action(window, "Save as…").isEnabled()
    assert not action(window, "Copy").isEnabled()


def test_nothing_to_branch_from(window: MainWindow) -> None:
    window.vary.set_open(True)
    window.set_can_branch(False)
    for name in ("branchButton", "varyButton", "varyStartButton"):
        assert not named(window, name).isEnabled()
    for text in ("Branch from here", "Vary from here…"):
        assert not action(window, text).isEnabled()


def test_one_bar_at_a_time(qtbot: QtBot, window: MainWindow) -> None:
    buttons = [window.findChild(QAbstractButton, f"{name}Button") for name in ("vary", "compare")]
    vary, compare = buttons
    assert vary is not None and compare is not None
    bars = (window.vary, window.compare)

    def open_bars() -> list[bool]:
        assert [bar.isVisible() for bar in bars] == [vary.isChecked(), compare.isChecked()]
        return [bar.isVisible() for bar in bars]

    vary.click()
    assert open_bars() == [True, False]
    action(window, "Compare…").trigger()
    assert open_bars() == [False, True]
    action(window, "Vary from here…").trigger()
    assert open_bars() == [True, False]
    qtbot.keyClick(named(window, "varySlider"), Qt.Key.Key_Escape)
    assert open_bars() == [False, False]
    compare.click()
    compare.click()
    assert open_bars() == [False, False]


def test_models_can_be_forgotten(window: MainWindow) -> None:
    heard: list[str] = []
    window.forgetRequested.connect(heard.append)
    entry = action(window, "Forget a model")
    assert not entry.isEnabled()
    window.menu.set_forgettable([("/a", "cats & dogs"), ("/b", "b")])
    assert entry.isEnabled()
    next(a for a in window.findChildren(QAction) if a.text() == "cats && dogs").trigger()
    assert heard == ["/a"]


def test_timeline_memory_menu(window: MainWindow) -> None:
    heard: list[int] = []
    window.timelineMemoryChosen.connect(heard.append)
    window.menu.set_timeline_memory(1024)
    window.menu.set_timeline_memory(700)  # from a file that somebody wrote by hand
    assert not heard
    assert action(window, "1 GB").isChecked()
    action(window, "128 MB").trigger()
    assert heard == [128]


def test_theme_menu(window: MainWindow) -> None:
    heard: list[str] = []
    window.themeChosen.connect(heard.append)
    window.menu.set_theme("light")
    assert not heard
    assert action(window, "Light").isChecked()
    for text in ("Dark", "Light", "As the system"):
        action(window, text).trigger()
    assert heard == ["dark", "light", "system"]


def test_quit_and_closing(window: MainWindow) -> None:
    heard: list[str] = []
    window.closing.connect(lambda: heard.append("closing"))
    action(window, "Quit").trigger()
    assert heard == ["closing"]
    assert not window.isVisible()


def test_about_is_plain_text(window: MainWindow) -> None:
    action(window, "About Safelight").trigger()
    box = window.findChild(QMessageBox)
    assert box is not None
    assert "Safelight" in box.text()
    assert box.textFormat() == Qt.TextFormat.PlainText
    box.close()
