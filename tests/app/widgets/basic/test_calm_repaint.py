"""Many wishes to be painted become a few."""

from __future__ import annotations

from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.basic.calm_repaint import CalmRepaint


class Painted(QWidget):
    """Counts its paints."""

    count = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        self.count += 1


def test_many_wishes_are_painted_together_and_the_last_one_always(qtbot: QtBot) -> None:
    widget = Painted()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitUntil(lambda: widget.count > 0)
    repaint = CalmRepaint(widget)
    before = widget.count
    for _ in range(50):
        repaint.ask()
        QApplication.processEvents()
    early = widget.count - before
    assert 1 <= early < 10
    qtbot.waitUntil(lambda: widget.count - before > early)
    qtbot.wait(80)
    assert widget.count - before < 12
