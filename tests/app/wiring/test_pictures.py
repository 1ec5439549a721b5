"""The picture in the middle on a scripted engine: its views, and how it is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.in_person import click, finish, status, steps

Start = Callable[..., Application]


def test_the_noisy_view(qtbot: QtBot, application: Application) -> None:
    finish(qtbot, application)
    click(qtbot, application, "noisyButton")
    picture = application.showing.picture
    assert picture is not None
    assert picture.image is steps(application)[-1].noisy
    click(qtbot, application, "predictedButton")
    assert application.showing.picture.path  # pyright: ignore[reportOptionalMemberAccess]


def test_save_copies_the_file_with_its_record(
    qtbot: QtBot, application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = finish(qtbot, application)
    target = tmp_path / "mine.png"
    monkeypatch.setattr(application.window, "ask_save_path", lambda suggested: str(target))
    with qtbot.waitSignal(application.exports.done):
        click(qtbot, application, "saveButton")
    assert target.read_bytes() == Path(result.paths[0]).read_bytes()
    assert status(application) == f"Saved as {target}"
