"""Width, height and number of the pictures. The main window shows it in the recipe."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QSpinBox, QWidget

from app.i18n import tr
from app.widgets.plain_label import PlainLabel

LARGEST_COUNT = 64


class SizeFields(QWidget):
    """Sizes in pixels. A typed size goes to the nearest one that the model can make."""

    sizeChanged = Signal(int, int)
    countChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._multiple = 8
        self._labels = tuple(PlainLabel("caption") for _ in range(3))
        self._width = _spin("widthSpin")
        self._height = _spin("heightSpin")
        self._count = _spin("countSpin")
        self._count.setRange(1, LARGEST_COUNT)
        self.set_limits(8, 8, 2048)
        self.set_size(512, 512)
        self.retranslate()

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(5)
        for column, spin in enumerate((self._width, self._height, self._count)):
            self._labels[column].setBuddy(spin)
            layout.addWidget(self._labels[column], 0, column)
            layout.addWidget(spin, 1, column)
            layout.setColumnStretch(column, 1)

        self._width.valueChanged.connect(self._resize)
        self._height.valueChanged.connect(self._resize)
        self._count.valueChanged.connect(self.countChanged)

    def set_limits(self, multiple: int, minimum: int, maximum: int) -> None:
        """What width and height may be: multiples of `multiple` from minimum to maximum, pixels."""
        self._multiple = multiple
        for spin in (self._width, self._height):
            with QSignalBlocker(spin):
                spin.setRange(-(-minimum // multiple) * multiple, maximum // multiple * multiple)
                spin.setSingleStep(multiple)
                spin.setValue(self._snapped(spin.value()))

    def set_size(self, width: int, height: int) -> None:
        for spin, value in ((self._width, width), (self._height, height)):
            with QSignalBlocker(spin):
                spin.setValue(self._snapped(value))

    def set_count(self, count: int) -> None:
        with QSignalBlocker(self._count):
            self._count.setValue(count)

    def retranslate(self) -> None:
        texts = (
            (self._width, tr("Width"), tr("How wide the picture is, in pixels.")),
            (self._height, tr("Height"), tr("How tall the picture is, in pixels.")),
            (self._count, tr("Count"), tr("How many pictures are made at once, one seed each.")),
        )
        for label, (spin, name, tooltip) in zip(self._labels, texts, strict=True):
            label.setText(name)
            spin.setAccessibleName(name)
            spin.setToolTip(tooltip)

    def _snapped(self, value: int) -> int:
        return round(value / self._multiple) * self._multiple

    def _resize(self) -> None:
        self.set_size(self._width.value(), self._height.value())
        self.sizeChanged.emit(self._width.value(), self._height.value())


def _spin(name: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setObjectName(name)
    spin.setKeyboardTracking(False)
    spin.setMinimumWidth(64)
    spin.lineEdit().setTextMargins(7, 0, 0, 0)
    return spin
