"""FirstPaint: it comes once, when the window is on the screen, or soon where it is not painted."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.windows.first_paint import FirstPaint
from tests.app.by_hand import heard


def test_it_comes_once(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    first = FirstPaint(window)
    came = heard(first.came)
    first.wait()
    window.show()
    qtbot.waitUntil(lambda: len(came) == 1)
    window.update()
    qtbot.wait(30)
    assert len(came) == 1


def test_a_window_that_is_not_painted_is_waited_for_a_second(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    first = FirstPaint(window)
    with qtbot.waitSignal(first.came, timeout=3000):
        first.wait()
    first.wait()
    first.stop()
    with qtbot.assertNotEmitted(first.came, wait=1100):
        pass
