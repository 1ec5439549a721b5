"""Width, height and number of the pictures. The main window shows it in the recipe."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app import wording
from app.i18n import tr
from app.widgets.basic.number_spin import WholeSpin
from app.widgets.basic.plain_label import PlainLabel

LARGEST_COUNT = 64
RESTING = 500
"""Milliseconds without a key after which a number is looked at that is still being typed."""


class SizeFields(QWidget):
    """Sizes in pixels. A typed size goes to the nearest one that the model can make, and a sentence
    says so, as soon as the typing rests."""

    sizeChanged = Signal(int, int)
    countChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._multiple = 8
        self._asked: dict[WholeSpin, int] = {}  # what was typed
        self._labels = tuple(PlainLabel("caption") for _ in range(3))
        self._width = _spin("widthSpin")
        self._height = _spin("heightSpin")
        self._count = _spin("countSpin")
        self._count.setRange(1, LARGEST_COUNT)
        self._note = PlainLabel("note")
        self._note.setObjectName("sizeNote")
        self._note.setWordWrap(True)
        self._note.hide()
        self._rest = QTimer(self, singleShot=True, interval=RESTING)
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
        layout.addWidget(self._note, 2, 0, 1, 3)

        for spin in self._sides:
            spin.lineEdit().textEdited.connect(partial(self._note_typed, spin))
            spin.editingFinished.connect(self._say_what_is_made)
            spin.valueChanged.connect(self._resize)
        self._rest.timeout.connect(self._say_what_is_made)
        self._count.valueChanged.connect(self.countChanged)

    def set_limits(self, multiple: int, minimum: int, maximum: int) -> None:
        """What width and height may be: multiples of `multiple` from minimum to maximum, pixels."""
        self._multiple = multiple
        for spin in self._sides:
            with QSignalBlocker(spin):
                spin.setRange(-(-minimum // multiple) * multiple, maximum // multiple * multiple)
                spin.setSingleStep(multiple)
                spin.setValue(self._nearest(spin, spin.value()))
        self._say_what_is_made()

    def set_size(self, width: int, height: int) -> None:
        for spin, value in zip(self._sides, (width, height), strict=True):
            with QSignalBlocker(spin):
                spin.setValue(self._nearest(spin, value))
        self._say_what_is_made()

    def set_count(self, count: int) -> None:
        with QSignalBlocker(self._count):
            self._count.setValue(count)

    def retranslate(self) -> None:
        spins = {"width": self._width, "height": self._height, "count": self._count}
        for label, (field, spin) in zip(self._labels, spins.items(), strict=True):
            label.setText(wording.label(field))
            spin.setAccessibleName(wording.label(field))
            spin.setToolTip(wording.tooltip(field))
        self._say_what_is_made()

    @property
    def _sides(self) -> tuple[WholeSpin, WholeSpin]:
        return self._width, self._height

    def _nearest(self, spin: WholeSpin, value: int) -> int:
        within = min(max(value, spin.minimum()), spin.maximum())
        return round(within / self._multiple) * self._multiple

    def _resize(self) -> None:
        self.set_size(self._width.value(), self._height.value())
        self.sizeChanged.emit(self._width.value(), self._height.value())

    def _note_typed(self, spin: WholeSpin, text: str) -> None:
        self._asked.pop(spin, None)
        if (typed := spin.typed()) is not None:
            self._asked[spin] = typed
        self._rest.start()

    def _say_what_is_made(self) -> None:
        """Of a typed size that cannot be made, which one is, until another is there."""
        sentences = []
        for spin, typed in list(self._asked.items()):
            nearest = self._nearest(spin, typed)
            if spin.typed() not in (typed, nearest):
                del self._asked[spin]
            elif nearest != typed:
                sentences.append(
                    tr(
                        "{typed} cannot be made; {nearest} is the nearest (multiples of "
                        "{multiple} from {low} to {high}).",
                        typed=typed,
                        nearest=nearest,
                        multiple=self._multiple,
                        low=spin.minimum(),
                        high=spin.maximum(),
                    )
                )
        self._note.setText(" ".join(sentences))
        self._note.setVisible(bool(sentences))


def _spin(name: str) -> WholeSpin:
    spin = WholeSpin()
    spin.setObjectName(name)
    spin.setKeyboardTracking(False)
    spin.setMinimumWidth(64)
    spin.lineEdit().setTextMargins(7, 0, 0, 0)
    return spin
