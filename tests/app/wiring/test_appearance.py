"""What the person has made of the window is kept."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app import theme
from app.main import Application


@pytest.mark.parametrize(("name", "is_on"), [("light", "light"), ("pink", "dark")])
def test_a_theme_is_put_on_and_kept(application: Application, name: str, is_on: str) -> None:
    application.window.themeChosen.emit(name)
    assert theme.tokens() is {"light": theme.LIGHT, "dark": theme.DARK}[is_on]
    assert application.preferences.get("theme", "") == is_on
    application.window.themeChosen.emit("dark")


def test_where_the_window_stands_is_kept_when_it_has_settled(
    qtbot: QtBot, application: Application
) -> None:
    before = application.preferences.get("geometry", "")
    application.window.resize(901, 603)
    qtbot.waitUntil(lambda: application.preferences.get("geometry", "") != before)
