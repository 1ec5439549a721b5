"""What the last session left undone, in the window of the next."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.main import Application
from tests.app.in_person import child


def test_what_is_offered_and_told_has_a_bar_each(application: Application) -> None:
    offer, note = (child(application, QWidget, name) for name in ("resumeBar", "noteBar"))
    application.resumption.offered.emit("Two pictures are still waiting.")
    application.resumption.told.emit("All is here.")
    assert offer.isVisible() and note.isVisible()
    application.window.resume.secondChosen.emit()
    assert not offer.isVisible()
    assert application.resumption.left == ()
