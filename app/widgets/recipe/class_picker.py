"""The class that a class-conditional model draws: a number, and a dice to draw another. The main
window shows it in the recipe where the model has classes."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app import wording
from app.i18n import tr
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.number_spin import WholeSpin
from app.widgets.basic.plain_label import PlainLabel


class ClassPicker(QWidget):
    """Classes are whole numbers from 0 up. A typed one is told when it is complete."""

    classChosen = Signal(int)
    diceRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = PlainLabel("caption")
        self._spin = WholeSpin()
        self._spin.setObjectName("classPicker")
        self._spin.setKeyboardTracking(False)
        self._spin.setMinimumWidth(84)
        self._spin.lineEdit().setTextMargins(7, 0, 0, 0)
        self._dice = IconButton("dice", bare=True)
        self._dice.setObjectName("classDiceButton")
        self._label.setBuddy(self._spin)
        self.set_classes(1)

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(5)
        layout.addWidget(self._label, 0, 0, 1, 2)
        layout.addWidget(self._spin, 1, 0)
        layout.addWidget(self._dice, 1, 1)
        layout.setColumnStretch(0, 1)

        self._spin.valueChanged.connect(self.classChosen)
        self._dice.clicked.connect(self.diceRequested)

    def set_classes(self, classes: int) -> None:
        """How many there are, 1 or more."""
        with QSignalBlocker(self._spin):
            self._spin.setRange(0, classes - 1)
        self.retranslate()

    def set_class(self, label: int) -> None:
        with QSignalBlocker(self._spin):
            self._spin.setValue(label)

    def retranslate(self) -> None:
        self._label.setText(tr("Class, 0 to {last}", last=self._spin.maximum()))
        self._spin.setAccessibleName(wording.label("class_label"))
        self._spin.setToolTip(wording.tooltip("class_label"))
        self._dice.setAccessibleName(tr("Another class"))
        self._dice.setToolTip(tr("Throw the dice: draw one of the kinds that the model knows."))
