"""The queue dialog: what waits can be put in order."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.state.runs.plan import Plan
from app.state.runs.queue import Queue
from app.state.runs.queue_list import QueueList
from app.windows.queue_dialog import QueueDialog
from engine.request.request import Request
from tests.app.queue_desk import press


class TestQueueDialog:
    @pytest.fixture
    def queue(self) -> Queue:
        queue = Queue()
        for name in ("now", "first", "second", "third"):
            queue.submit(Plan((Request(prompt=name),)))
        return queue

    @pytest.fixture
    def dialog(self, qtbot: QtBot, queue: Queue) -> QueueDialog:
        plans = QueueList(queue, queue)
        plans.refresh()
        plans.againAsked.connect(queue.submit)
        dialog = QueueDialog()
        qtbot.addWidget(dialog)
        dialog.set_plans(plans)
        dialog.view.moveRequested.connect(queue.move)
        dialog.view.removeRequested.connect(queue.remove)
        dialog.view.againRequested.connect(plans.run_again)
        dialog.holdRequested.connect(queue.hold)
        dialog.goOnRequested.connect(queue.go_on)
        queue.holdingChanged.connect(dialog.set_held)
        dialog.show()
        return dialog

    def choose(self, dialog: QueueDialog, row: int) -> None:
        dialog.view.setCurrentIndex(dialog.view.model().index(row, 0))

    def waiting(self, queue: Queue) -> list[str]:
        return [plan.title for plan in queue.waiting]

    def test_order_by_buttons_and_keys(
        self, qtbot: QtBot, queue: Queue, dialog: QueueDialog
    ) -> None:
        self.choose(dialog, 2)
        press(qtbot, dialog, "queueDownButton")
        assert self.waiting(queue) == ["first", "third", "second"]
        assert dialog.view.currentIndex().row() == 3, "it stays chosen"
        alt = Qt.KeyboardModifier.AltModifier
        qtbot.keyClick(dialog.view, Qt.Key.Key_Up, alt)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Up, alt)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Up, alt)
        assert self.waiting(queue) == ["second", "first", "third"]
        assert not dialog.findChild(QPushButton, "queueUpButton").isEnabled()
        queue.next()
        assert queue.current.title == "second"

    def test_remove_and_run_again(self, qtbot: QtBot, queue: Queue, dialog: QueueDialog) -> None:
        self.choose(dialog, 1)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Delete)
        assert self.waiting(queue) == ["second", "third"]
        self.choose(dialog, 0)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Delete)
        assert queue.current.title == "now", "what has begun is not taken out"
        press(qtbot, dialog, "queueAgainButton")
        assert self.waiting(queue) == ["second", "third", "now"]
        assert queue.waiting[-1].job != queue.current.job
        queue.next()
        rows = [dialog.view.model().index(row, 0).data() for row in range(4)]
        assert rows == ["now", "second", "third", "now"], "what is over can be run again, too"

    def test_hold_and_go_on(self, qtbot: QtBot, queue: Queue, dialog: QueueDialog) -> None:
        button = dialog.findChild(QPushButton, "queueHoldButton")
        press(qtbot, dialog, "queueHoldButton")
        assert button.text() == "Go on"
        queue.next()
        assert queue.current is None
        press(qtbot, dialog, "queueHoldButton")
        assert button.text() == "Hold"
        assert queue.current.title == "first"

    def test_dropping_moves(self, queue: Queue, dialog: QueueDialog) -> None:
        self.choose(dialog, 3)
        target = dialog.view.visualRect(dialog.view.model().index(1, 0)).center()
        event = QDropEvent(
            QPointF(target),
            Qt.DropAction.MoveAction,
            QMimeData(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        dialog.view.dropEvent(event)
        assert self.waiting(queue) == ["third", "first", "second"]
