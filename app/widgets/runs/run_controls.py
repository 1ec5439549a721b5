"""Generate, Pause, three kinds of Stop and the progress of a run. The main window
shows it under the recipe."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QWidget,
)

from app import commands
from app.i18n import tr
from app.widgets.basic.command_actions import ButtonLink, CommandActions
from app.widgets.basic.flat_button import FlatButton
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.plain_label import PlainLabel


class RunControls(QWidget):
    """Its buttons are the commands of a run: their keys act anywhere in the window. During a run
    Generate puts the next one into the queue. While the queue is held, Pause is the way to go on
    with it, and Stop to forget it."""

    generateRequested = Signal()
    pauseToggled = Signal(bool)
    goOnRequested = Signal()
    stopRequested = Signal()
    finishRequested = Signal()
    skipRequested = Signal()
    forgetRequested = Signal()
    queueRequested = Signal()

    def __init__(
        self, actions: CommandActions | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._running = self._paused = self._held = False
        self._waiting = 0
        actions = actions or CommandActions(self)
        self._generate = actions.adopt(commands.GENERATE, self)
        self._pause = actions.adopt(commands.PAUSE, self)
        self._stop = actions.adopt(commands.STOP, self)
        self._finish = actions.adopt(commands.FINISH, self)
        self._skip = actions.adopt(commands.SKIP, self)
        self._text = PlainLabel("note", elided=True)
        self._queue_button = FlatButton()
        self._queue_button.setObjectName("queueButton")
        self._queue_button.hide()
        self._bar = QProgressBar()
        self._bar.setObjectName("progressBar")
        self._bar.setTextVisible(False)
        self._pause_button = IconButton(commands.PAUSE.icon)
        self._pause_button.setObjectName("pauseButton")
        self._pause_button.setCheckable(True)
        self._stop_button = IconButton(commands.STOP.icon)
        self._stop_button.setObjectName("stopButton")
        self._ways_button = IconButton("expand", bare=True)
        self._ways_button.setObjectName("stopMenuButton")
        self._ways = QMenu(self)
        self._ways.setToolTipsVisible(True)
        self._ways.addActions([self._stop, self._finish, self._skip])
        self._generate_button = QPushButton()
        self._generate_button.setObjectName("generateButton")
        self.set_running(False)
        self.set_progress(0, 0, "")
        self.set_ready(False)

        self._lay_out()

        for action, button in (
            (self._generate, self._generate_button),
            (self._pause, self._pause_button),
            (self._stop, self._stop_button),
        ):
            ButtonLink(button, action)
        self._generate.triggered.connect(self._ask)
        self._pause.triggered.connect(self._pause_or_go_on)
        self._stop.triggered.connect(self._stop_or_forget)
        self._finish.triggered.connect(self.finishRequested)
        self._skip.triggered.connect(self.skipRequested)
        self._queue_button.clicked.connect(self.queueRequested)
        self._ways_button.clicked.connect(self._open_ways)

    def _lay_out(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self._text, 1)
        head.addWidget(self._queue_button)
        layout.addLayout(head, 0, 0, 1, 2)
        layout.addWidget(self._bar, 1, 0, 1, 2)
        layout.addWidget(self._pause_button, 2, 0)
        stops = QHBoxLayout()
        stops.setSpacing(0)
        stops.addWidget(self._stop_button, 1)
        stops.addWidget(self._ways_button)
        layout.addLayout(stops, 2, 1)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 1)
        layout.addWidget(self._generate_button, 3, 0, 1, 2)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # The line is as high without the queue's button: nothing moves when something waits.
        self._text.setMinimumHeight(self._queue_button.sizeHint().height())

    def set_running(self, running: bool) -> None:
        """Whether a run is under way: only then can it be paused and stopped."""
        self._running = running
        self._paused = self._paused and running
        self._ways_button.setEnabled(running)
        if not running:
            self._ways.close()
        self.retranslate()

    def set_paused(self, paused: bool) -> None:
        self._paused = paused
        self._show_pause()

    def set_waiting(self, count: int) -> None:
        """How many requests wait in the queue: without any there is nothing to skip to."""
        self._waiting = count
        self._queue_button.setVisible(bool(count))
        self.retranslate()

    def set_held(self, held: bool) -> None:
        """Whether the queue stands still, as it does after a Stop, until someone lets it go on."""
        self._held = held
        self.retranslate()

    def set_progress(self, done: int, total: int, text: str) -> None:
        """done of total, in any unit (total 0: nothing is known yet), and one line of words."""
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(min(done, total))
        self._bar.setAccessibleDescription(text)
        self._text.setText(text)

    def set_ready(self, ready: bool) -> None:
        """Whether a model is there that can make a picture."""
        self._generate.setEnabled(ready)

    def retranslate(self) -> None:
        self._show_generate()
        self._show_pause()
        self._show_stop()
        self._show_skip()
        self._ways_button.setAccessibleName(tr("Ways to stop"))
        self._ways_button.setToolTip(
            tr("Other ways to end this run: with the picture that is there, or for the next one.")
        )
        self._queue_button.setText(tr("{count} waiting", count=self._waiting))
        self._queue_button.setAccessibleName(commands.QUEUE.button_text)
        self._queue_button.setToolTip(commands.QUEUE.tooltip)
        self._bar.setAccessibleName(tr("Progress"))
        self._bar.setToolTip(tr("How far the picture has developed."))

    def _show_generate(self) -> None:
        face = commands.GENERATE_NEXT if self._running else commands.GENERATE
        if self._waiting:
            face = replace(face, help=commands.GENERATE_AFTERWARDS.help)
        self._generate.wear(face)
        key = QKeySequence(face.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
        self._generate_button.setText(f"{face.button_text}    {key}")
        self._generate_button.setAccessibleName(commands.GENERATE.button_text)

    def _show_pause(self) -> None:
        stands = self._held or self._paused
        face = commands.RESUME if self._paused else commands.PAUSE
        face = commands.GO_ON if self._held else face
        self._pause.wear(face)
        self._pause.setEnabled(self._running or self._held)
        self._pause_button.setChecked(stands)
        self._pause_button.set_icon(face.icon)
        self._pause_button.setText(face.button_text)
        self._pause_button.setAccessibleName(face.button_text)

    def _show_stop(self) -> None:
        face = commands.STOP_AND_HOLD if self._waiting else commands.STOP
        face = commands.FORGET if self._held else face
        self._stop.wear(face)
        self._stop.setEnabled(self._running or self._held)
        self._stop_button.setText(face.button_text)
        self._stop_button.setAccessibleName(face.button_text)
        self._finish.setEnabled(self._running)

    def _show_skip(self) -> None:
        self._skip.wear(commands.SKIP if self._waiting else commands.NOTHING_TO_SKIP_TO)
        self._skip.setEnabled(self._running and self._waiting > 0)

    def _stop_or_forget(self) -> None:
        if self._held:
            self.forgetRequested.emit()
        else:
            self.stopRequested.emit()

    def _pause_or_go_on(self) -> None:
        if self._held:
            self.goOnRequested.emit()
        else:
            self._paused = not self._paused
            self.pauseToggled.emit(self._paused)
        self._show_pause()

    def _open_ways(self) -> None:
        """Above its button, which stands at the foot of the window."""
        corner = self._ways_button.rect().topRight()
        size = self._ways.sizeHint()
        self._ways.popup(
            self._ways_button.mapToGlobal(corner) - QPoint(size.width() - 1, size.height() + 2)
        )

    def _ask(self) -> None:
        # A number that is still being typed counts: the key did not take the focus from its field.
        field = self.window().focusWidget()
        if isinstance(field, QAbstractSpinBox):
            field.interpretText()
        self.generateRequested.emit()
