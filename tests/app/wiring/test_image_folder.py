"""The folder of finished pictures, on a scripted engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.in_person import finish

Start = Callable[..., Application]


def test_a_new_image_folder_is_used_and_listed(
    qtbot: QtBot, application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    monkeypatch.setattr(application.window, "ask_folder", lambda title, start: str(folder))
    application.window.imageFolderRequested.emit()
    result = finish(qtbot, application)
    assert Path(result.paths[0]).parent == folder
