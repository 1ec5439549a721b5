"""How much the variations of a step differ, and how many there are. The main window shows it over
the canvas when a person asks for variations."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.basic.action_bar import ActionBar
from app.widgets.basic.number_spin import WholeSpin
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.basic.slider_spin import JumpSlider

AMOUNT = 30  # per cent
COUNT, LARGEST_COUNT = 4, 8
WIDEST_SLIDER = 320


class VaryBar(ActionBar):
    """The amount is a fraction from 0 to 1."""

    varyRequested = Signal(float, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("vary", parent)
        self._sentence = PlainLabel("note")
        self._sentence.setWordWrap(True)
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
        self._count = WholeSpin()
        self._count.setObjectName("varyCountSpin")
        self._count.setRange(1, LARGEST_COUNT)
        self._count.setValue(COUNT)
        self._count.setMinimumWidth(60)
        self._count.lineEdit().setTextMargins(7, 0, 0, 0)
        self._amount_label.setBuddy(self._amount)
        self._count_label.setBuddy(self._count)
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
        controls.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignVCenter)
        foot = QHBoxLayout()
        foot.addWidget(self._sentence, 1)
        foot.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 9, 16, 10)
        layout.setSpacing(8)
        layout.addLayout(controls)
        layout.addLayout(foot)

        self._amount.valueChanged.connect(self._tell_amount)
        self.start.clicked.connect(self._ask)

    def first_control(self) -> QWidget:
        return self._amount

    def retranslate(self) -> None:
        super().retranslate()
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
                self.start,
                tr("Vary from here"),
                tr("Make the variations: the steps that remain after this one run for each."),
            ),
        )
        for control, name, tooltip in texts:
            control.setAccessibleName(name)
            control.setToolTip(tooltip)
        self._amount_label.setText(tr("Fresh noise"))
        self._count_label.setText(tr("Pictures"))
        self.start.setText(tr("Vary from here"))
        # As wide as it ever gets, so that the slider keeps its length while it moves.
        widest = self._percent.fontMetrics().horizontalAdvance(tr("{percent} %", percent=100))
        self._percent.setMinimumWidth(widest + 2)
        self._tell_amount(self._amount.value())

    def _tell_amount(self, percent: int) -> None:
        self._percent.setText(tr("{percent} %", percent=percent))

    def _ask(self) -> None:
        self._count.interpretText()  # what is typed counts, whether or not it was confirmed
        self.varyRequested.emit(self._amount.value() / 100, self._count.value())
