"""Generate, Pause, three kinds of Stop and the progress of a run. The main window
shows it under the recipe."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QWidget,
)

from app.i18n import tr
from app.widgets.basic.flat_button import FlatButton
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.plain_label import PlainLabel


class RunControls(QWidget):
    """Ctrl+Enter anywhere in the window presses Generate. During a run Generate puts the next one
    into the queue. While the queue is held, Pause is the way to go on with it, and Stop to forget
    it."""

    generateRequested = Signal()
    pauseToggled = Signal(bool)
    goOnRequested = Signal()
    stopRequested = Signal()
    finishRequested = Signal()
    skipRequested = Signal()
    forgetRequested = Signal()
    queueRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._running = self._paused = self._held = False
        self._waiting = 0
        self._text = PlainLabel("note", elided=True)
        self._queue = FlatButton()
        self._queue.setObjectName("queueButton")
        self._queue.hide()
        self._bar = QProgressBar()
        self._bar.setObjectName("progressBar")
        self._bar.setTextVisible(False)
        self._pause = IconButton("pause")
        self._pause.setObjectName("pauseButton")
        self._pause.setCheckable(True)
        self._stop = IconButton("stop")
        self._stop.setObjectName("stopButton")
        self._stop_menu = IconButton("expand", bare=True)
        self._stop_menu.setObjectName("stopMenuButton")
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._stop_now, self._finish, self._skip = (self._menu.addAction("") for _ in range(3))
        self._generate = QPushButton()
        self._generate.setObjectName("generateButton")
        self.set_running(False)
        self.set_progress(0, 0, "")
        self.set_ready(False)

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self._text, 1)
        head.addWidget(self._queue)
        layout.addLayout(head, 0, 0, 1, 2)
        layout.addWidget(self._bar, 1, 0, 1, 2)
        layout.addWidget(self._pause, 2, 0)
        stops = QHBoxLayout()
        stops.setSpacing(0)
        stops.addWidget(self._stop, 1)
        stops.addWidget(self._stop_menu)
        layout.addLayout(stops, 2, 1)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 1)
        layout.addWidget(self._generate, 3, 0, 1, 2)

        self._generate.clicked.connect(self._ask)
        self._queue.clicked.connect(self.queueRequested)
        self._pause.toggled.connect(self._pause_or_go_on)
        self._stop.clicked.connect(self._stop_or_forget)
        self._stop_menu.clicked.connect(self._open_menu)
        self._stop_now.triggered.connect(self.stopRequested)
        self._finish.triggered.connect(self.finishRequested)
        self._skip.triggered.connect(self.skipRequested)
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shortcut = QShortcut(QKeySequence(Qt.Modifier.CTRL | key), self)
            shortcut.activated.connect(self._generate.click)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # The line is as high without the queue's button: nothing moves when something waits.
        self._text.setMinimumHeight(self._queue.sizeHint().height())

    def set_running(self, running: bool) -> None:
        """Whether a run is under way: only then can it be paused and stopped."""
        self._running = running
        self._paused = self._paused and running
        self._stop_menu.setEnabled(running)
        if not running:
            self._menu.close()
        self._offer_skip()
        self.retranslate()

    def set_paused(self, paused: bool) -> None:
        self._paused = paused
        self._show_pause()

    def set_waiting(self, count: int) -> None:
        """How many requests wait in the queue: without any there is nothing to skip to."""
        self._waiting = count
        self._queue.setVisible(bool(count))
        self._offer_skip()
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
        key = QKeySequence(Qt.Modifier.CTRL | Qt.Key.Key_Enter)
        words = tr("Generate next") if self._running else tr("Generate")
        self._generate.setText(f"{words}    {key.toString(QKeySequence.SequenceFormat.NativeText)}")
        self._generate.setAccessibleName(tr("Generate"))
        self._generate.setToolTip(self._what_generate_does())
        stop_now = (
            tr("End this run at once, unfinished. What waits stands still until you go on.")
            if self._waiting
            else tr("End this run at once: the picture stays as unfinished as it is.")
        )
        self._show_stop(stop_now)
        self._stop_menu.setAccessibleName(tr("Ways to stop"))
        self._stop_menu.setToolTip(
            tr("Other ways to end this run: with the picture that is there, or for the next one.")
        )
        self._stop_now.setText(tr("Stop now"))
        self._stop_now.setToolTip(stop_now)
        self._finish.setText(tr("Finish with what is there"))
        self._finish.setToolTip(
            tr("End this run: the picture that this step predicts becomes the finished one.")
        )
        self._skip.setText(tr("Skip to the next"))
        self._skip.setToolTip(
            tr("End this run unfinished and go on with the next that waits.")
            if self._waiting
            else tr("Nothing waits: there is no next picture to go on with.")
        )
        self._queue.setText(tr("{count} waiting", count=self._waiting))
        self._queue.setAccessibleName(tr("Queue"))
        self._queue.setToolTip(tr("See what waits, and put it in another order (Ctrl+J)."))
        self._bar.setAccessibleName(tr("Progress"))
        self._bar.setToolTip(tr("How far the picture has developed."))
        self._show_pause()

    def _show_pause(self) -> None:
        if self._held:
            text, does = tr("Go on"), tr("Go on with the pictures that wait.")
        elif self._paused:
            text, does = tr("Resume"), tr("Let the picture develop further.")
        else:
            text = tr("Pause")
            does = tr("Hold the picture at this step, to look at it or to change the guidance.")
        stands = self._held or self._paused
        with QSignalBlocker(self._pause):
            self._pause.setChecked(stands)
        self._pause.setEnabled(self._running or self._held)
        self._pause.set_icon("resume" if stands else "pause")
        self._pause.setText(text)
        self._pause.setAccessibleName(text)
        self._pause.setToolTip(does)

    def _show_stop(self, stop_now: str) -> None:
        text = tr("Forget them") if self._held else tr("Stop")
        self._stop.setEnabled(self._running or self._held)
        self._stop.setText(text)
        self._stop.setAccessibleName(text)
        self._stop.setToolTip(
            tr("Take the pictures that wait out of the queue.") if self._held else stop_now
        )

    def _stop_or_forget(self) -> None:
        if self._held:
            self.forgetRequested.emit()
        else:
            self.stopRequested.emit()

    def _pause_or_go_on(self, checked: bool) -> None:
        if self._held:
            self.goOnRequested.emit()
        else:
            self._paused = checked
            self.pauseToggled.emit(checked)
        self._show_pause()

    def _offer_skip(self) -> None:
        self._skip.setEnabled(self._running and self._waiting > 0)

    def _open_menu(self) -> None:
        """Above its button, which stands at the foot of the window."""
        place = self._stop_menu.rect().topRight()
        size = self._menu.sizeHint()
        self._menu.popup(
            self._stop_menu.mapToGlobal(place) - QPoint(size.width() - 1, size.height() + 2)
        )

    def _what_generate_does(self) -> str:
        if self._waiting:
            return tr("Make another picture from this recipe after those that wait (Ctrl+Enter).")
        if self._running:
            return tr(
                "Make another picture from this recipe as soon as this one is done (Ctrl+Enter)."
            )
        return tr("Make a picture from this recipe (Ctrl+Enter).")

    def _ask(self) -> None:
        # A number that is still being typed counts: the key did not take the focus from its field.
        field = self.window().focusWidget()
        if isinstance(field, QAbstractSpinBox):
            field.interpretText()
        self.generateRequested.emit()
