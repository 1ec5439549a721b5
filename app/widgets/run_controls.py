"""Generate, Pause, Stop and the progress of a run. The main window shows it under the recipe."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractSpinBox, QGridLayout, QProgressBar, QPushButton, QWidget

from app.i18n import tr
from app.widgets.icon_button import IconButton
from app.widgets.plain_label import PlainLabel


class RunControls(QWidget):
    """Ctrl+Enter anywhere in the window presses Generate. During a run Generate puts the next one
    into the queue."""

    generateRequested = Signal()
    pauseToggled = Signal(bool)
    stopRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._running = False
        self._text = PlainLabel("note", elided=True)
        self._bar = QProgressBar()
        self._bar.setObjectName("progressBar")
        self._bar.setTextVisible(False)
        self._pause = IconButton("pause")
        self._pause.setObjectName("pauseButton")
        self._pause.setCheckable(True)
        self._stop = IconButton("stop")
        self._stop.setObjectName("stopButton")
        self._generate = QPushButton()
        self._generate.setObjectName("generateButton")
        self.set_running(False)
        self.set_progress(0, 0, "")
        self.set_ready(False)

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._text, 0, 0, 1, 2)
        layout.addWidget(self._bar, 1, 0, 1, 2)
        layout.addWidget(self._pause, 2, 0)
        layout.addWidget(self._stop, 2, 1)
        layout.addWidget(self._generate, 3, 0, 1, 2)

        self._generate.clicked.connect(self._ask)
        self._pause.toggled.connect(self.pauseToggled)
        self._pause.toggled.connect(self._show_pause)
        self._stop.clicked.connect(self.stopRequested)
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shortcut = QShortcut(QKeySequence(Qt.Modifier.CTRL | key), self)
            shortcut.activated.connect(self._generate.click)

    def set_running(self, running: bool) -> None:
        """Whether a run is under way: only then can it be paused and stopped."""
        self._running = running
        self._pause.setEnabled(running)
        self._stop.setEnabled(running)
        if not running:
            self.set_paused(False)
        self.retranslate()

    def set_paused(self, paused: bool) -> None:
        with QSignalBlocker(self._pause):
            self._pause.setChecked(paused)
        self._show_pause(paused)

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
        self._generate.setToolTip(
            tr("Make another picture from this recipe as soon as this one is done (Ctrl+Enter).")
            if self._running
            else tr("Make a picture from this recipe (Ctrl+Enter).")
        )
        self._stop.setText(tr("Stop"))
        self._stop.setAccessibleName(tr("Stop"))
        self._stop.setToolTip(tr("End this run: the picture stays as unfinished as it is."))
        self._bar.setAccessibleName(tr("Progress"))
        self._bar.setToolTip(tr("How far the picture has developed."))
        self._show_pause(self._pause.isChecked())

    def _show_pause(self, paused: bool) -> None:
        text = tr("Resume") if paused else tr("Pause")
        self._pause.set_icon("resume" if paused else "pause")
        self._pause.setText(text)
        self._pause.setAccessibleName(text)
        self._pause.setToolTip(
            tr("Let the picture develop further.")
            if paused
            else tr("Hold the picture at this step, to look at it or to change the guidance.")
        )

    def _ask(self) -> None:
        # A number that is still being typed counts: the key did not take the focus from its field.
        field = self.window().focusWidget()
        if isinstance(field, QAbstractSpinBox):
            field.interpretText()
        self.generateRequested.emit()
