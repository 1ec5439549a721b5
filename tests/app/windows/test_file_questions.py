"""What the window asks about files."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QFileDialog

from app.windows.main_window import MainWindow


def test_file_dialogs(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def answer(path: object) -> object:
        return lambda *values: (asked.append(values), path)[1]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer(("/a/b.png", "PNG")))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", answer("/a"))
    assert window.ask_save_path("b.png") == "/a/b.png"
    assert window.ask_folder("Image folder", "/home") == "/a"
    assert asked[0][2] == "b.png"
    assert asked[1][1:] == ("Image folder", "/home")
