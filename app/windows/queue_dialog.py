"""The dialog of the queue: what is being done, what waits and what is over, and what can be done
about it. app.wiring.queue connects it."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app import commands
from app.commands import Command
from app.i18n import tr
from app.widgets.basic.on_screen import FittedDialog
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.runs.queue_view import QueueView


class QueueDialog(FittedDialog):
    """Not modal: pictures go on developing behind it."""

    holdRequested = Signal()
    goOnRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queueDialog")
        self._held = False
        self.view = QueueView()
        self._note = PlainLabel("note")
        self._up, self._down, self._remove, self._again, self._hold = (
            _button(f"queue{name}Button") for name in ("Up", "Down", "Remove", "Again", "Hold")
        )
        self.retranslate()

        foot = QHBoxLayout()
        foot.setSpacing(8)
        for button in (self._up, self._down, self._remove, self._again):
            foot.addWidget(button)
        foot.addStretch(1)
        foot.addWidget(self._hold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._note)
        layout.addLayout(foot)
        self.resize(620, 480)

        self.view.choiceChanged.connect(self._offer)
        self._up.clicked.connect(lambda: self.view.move_chosen(-1))
        self._down.clicked.connect(lambda: self.view.move_chosen(1))
        self._remove.clicked.connect(lambda: self.view.removeRequested.emit(self.view.value("job")))
        self._again.clicked.connect(
            lambda: self.view.againRequested.emit(self.view.currentIndex().row())
        )
        self._hold.clicked.connect(
            lambda: (self.goOnRequested if self._held else self.holdRequested).emit()
        )

    def set_plans(self, plans: QAbstractItemModel) -> None:
        """plans: see QueueView."""
        self.view.set_plans(plans)
        plans.modelReset.connect(self._tell)
        self._tell()

    def set_held(self, held: bool) -> None:
        """Whether what waits stands still."""
        self._held = held
        self._tell()

    def open_up(self) -> None:
        self.show()
        self.raise_()
        self.activateWindow()
        self.view.setFocus()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Queue"))
        self.view.retranslate()
        for button, command in (
            (self._up, commands.EARLIER),
            (self._down, commands.LATER),
            (self._remove, commands.REMOVE),
            (self._again, commands.AGAIN),
        ):
            _word(button, command)
        self._tell()

    def _tell(self) -> None:
        plans = self.view.model()
        empty = plans is None or plans.rowCount() == 0
        if empty:
            note = tr("Nothing waits. Generate during a run puts the next pictures here.")
        elif self._held:
            note = tr("The queue stands still until you go on.")
        else:
            note = ""
        self._note.setText(note)
        self._note.setVisible(bool(note))
        _word(self._hold, commands.RELEASE if self._held else commands.HOLD)
        self._offer()

    def _offer(self) -> None:
        place = self.view.place() if self.view.model() is not None else -1
        chosen = bool(self.view.value("job")) if self.view.model() is not None else False
        self._up.setEnabled(place > 0)
        self._down.setEnabled(place >= 0 and not self._is_last())
        self._remove.setEnabled(place >= 0)
        self._again.setEnabled(chosen)

    def _is_last(self) -> bool:
        return self.view.currentIndex().row() == self.view.model().rowCount() - 1


def _word(button: QPushButton, command: Command) -> None:
    button.setText(command.button_text)
    button.setAccessibleName(command.button_text)
    button.setToolTip(command.tooltip)


def _button(name: str) -> QPushButton:
    button = QPushButton()
    button.setObjectName(name)
    button.setAutoDefault(False)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button
