"""What went wrong where nobody was waiting for an answer."""

from __future__ import annotations

from collections.abc import Callable

from app.main import Application
from tests.app.in_person import error

Start = Callable[..., Application]


def test_an_unexpected_error_lands_in_the_bar(application: Application) -> None:
    application.unexpected.emit("Something unexpected happened.")
    assert error(application) == "Something unexpected happened."
