"""How much the variations of a step differ, and how many there are. The main window shows it over
the canvas when a person asks for variations."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.icon_button import IconButton
from app.widgets.plain_label import PlainLabel
from app.widgets.slider_spin import JumpSlider

AMOUNT = 30  # per cent
COUNT, LARGEST_COUNT = 4, 8
WIDEST_SLIDER = 320


class VaryBar(QFrame):
    """Hidden at first. Enter starts the variations, Escape or the button puts the bar away. The
    amount is a fraction from 0 to 1."""

    varyRequested = Signal(float, int)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("varyBar")
        self._sentence = PlainLabel("note")
        self._sentence.setWordWrap(True)
        self._close = IconButton("close", bare=True)
        self._close.setObjectName("varyCloseButton")
        self._amount_label = PlainLabel("caption")
        self._amount = JumpSlider(Qt.Orientation.Horizontal)
        self._amount.setObjectName("varySlider")
        self._amount.setRange(0, 100)
        self._amount.setPageStep(10)
        self._amount.setValue(AMOUNT)
        self._amount.setMinimumWidth(60)
        self._amount.setMaximumWidth(WIDEST_SLIDER)
        self._percent = PlainLabel()
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._count_label = PlainLabel("caption")
        self._count = QSpinBox()
        self._count.setObjectName("varyCountSpin")
        self._count.setRange(1, LARGEST_COUNT)
        self._count.setValue(COUNT)
        self._count.setMinimumWidth(60)
        self._count.lineEdit().setTextMargins(7, 0, 0, 0)
        self._start = QPushButton()
        self._start.setObjectName("varyStartButton")
        self._start.setEnabled(False)
        for button in (self._start, self._close):
            button.setAutoDefault(True)
        self._amount_label.setBuddy(self._amount)
        self._count_label.setBuddy(self._count)
        self.hide()
        self.retranslate()

        controls = QHBoxLayout()
        controls.setSpacing(10)
        controls.addWidget(self._amount_label)
        controls.addWidget(self._amount, 1)
        controls.addWidget(self._percent)
        controls.addSpacing(8)
        controls.addWidget(self._count_label)
        controls.addWidget(self._count)
        controls.addStretch()
        controls.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        foot = QHBoxLayout()
        foot.addWidget(self._sentence, 1)
        foot.addWidget(self._start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 9, 16, 10)
        layout.setSpacing(8)
        layout.addLayout(controls)
        layout.addLayout(foot)

        self._amount.valueChanged.connect(self._tell_amount)
        self._start.clicked.connect(self._ask)
        self._close.clicked.connect(self._put_away)

    def set_open(self, opened: bool) -> None:
        """Shows the bar, ready for the keyboard, or hides it."""
        self.setVisible(opened)
        if opened:
            self._amount.setFocus()

    def set_enabled_start(self, enabled: bool) -> None:
        """Whether a step is shown from which variations can start."""
        self._start.setEnabled(enabled)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._put_away()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._start.click()
        else:
            super().keyPressEvent(event)

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Variations"))
        self._sentence.setText(
            tr(
                "The noise that this step still holds is mixed with fresh noise; at 0 % it is the "
                "branch itself."
            )
        )
        texts = (
            (
                self._amount,
                tr("Fresh noise"),
                tr("How far the variations leave the picture: little changes only fine detail."),
            ),
            (
                self._count,
                tr("Pictures"),
                tr("How many variations are made, each with fresh noise of its own."),
            ),
            (
                self._start,
                tr("Vary from here"),
                tr("Make the variations: the steps that remain after this one run for each."),
            ),
            (
                self._close,
                tr("Close"),
                tr("Put this bar away (Escape). The picture stays as it is."),
            ),
        )
        for control, name, tooltip in texts:
            control.setAccessibleName(name)
            control.setToolTip(tooltip)
        self._amount_label.setText(tr("Fresh noise"))
        self._count_label.setText(tr("Pictures"))
        self._start.setText(tr("Vary from here"))
        # As wide as it ever gets, so that the slider keeps its length while it moves.
        widest = self._percent.fontMetrics().horizontalAdvance(tr("{percent} %", percent=100))
        self._percent.setMinimumWidth(widest + 2)
        self._tell_amount(self._amount.value())

    def _tell_amount(self, percent: int) -> None:
        self._percent.setText(tr("{percent} %", percent=percent))

    def _ask(self) -> None:
        self._count.interpretText()  # what is typed counts, whether or not it was confirmed
        self.varyRequested.emit(self._amount.value() / 100, self._count.value())

    def _put_away(self) -> None:
        self.hide()
        self.closed.emit()
