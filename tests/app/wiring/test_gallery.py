"""The gallery on a scripted engine: what is chosen in it is shown."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.in_person import finish

Start = Callable[..., Application]


def test_an_image_of_the_gallery_is_shown(qtbot: QtBot, application: Application) -> None:
    first = finish(qtbot, application)
    finish(qtbot, application)
    with qtbot.waitSignal(application.gallery.opened):
        application.window.gallery.imageActivated.emit(1)
    assert application.showing.picture.path == first.paths[0]  # pyright: ignore[reportOptionalMemberAccess]
