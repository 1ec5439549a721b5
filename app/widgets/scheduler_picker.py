"""The choice of the scheduler, with a sentence on what it does. The main window shows it in the
recipe."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.plain_label import PlainLabel


class SchedulerPicker(QWidget):
    """A list of schedulers by label; the sentence of the current one stands under it."""

    schedulerChosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sentences: dict[str, str] = {}
        self._label = PlainLabel("caption")
        self._picker = QComboBox()
        self._picker.setObjectName("schedulerPicker")
        self._picker.setMinimumContentsLength(8)
        # The style sheet reaches the rows of the list only through this delegate.
        self._picker.setItemDelegate(QStyledItemDelegate(self._picker))
        self._sentence = PlainLabel("note")
        self._sentence.setWordWrap(True)
        self._label.setBuddy(self._picker)
        self.retranslate()

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self._label)
        layout.addWidget(self._picker)
        layout.addWidget(self._sentence)

        self._picker.currentIndexChanged.connect(self._choose)

    def set_schedulers(self, schedulers: list[tuple[str, str, str]]) -> None:
        """schedulers: (name, label, sentence) of each; the current one stays current."""
        current = self._picker.currentData()
        self._sentences = {name: sentence for name, _, sentence in schedulers}
        with QSignalBlocker(self._picker):
            self._picker.clear()
            for name, label, _ in schedulers:
                self._picker.addItem(label, name)
        self.set_current(current if current in self._sentences else "")

    def set_current(self, name: str) -> None:
        """Shows the scheduler with this name, or none when the list does not have it."""
        with QSignalBlocker(self._picker):
            self._picker.setCurrentIndex(self._picker.findData(name))
        self._describe()

    def retranslate(self) -> None:
        self._label.setText(tr("Scheduler"))
        self._picker.setAccessibleName(tr("Scheduler"))
        self._picker.setPlaceholderText(tr("Choose a scheduler"))
        self._picker.setToolTip(
            tr("How the noise is taken away: it decides how soon the picture is sharp.")
        )

    def _choose(self, row: int) -> None:
        self._describe()
        if row >= 0:
            self.schedulerChosen.emit(self._picker.itemData(row))

    def _describe(self) -> None:
        sentence = self._sentences.get(self._picker.currentData(), "")
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self._picker.setAccessibleDescription(sentence)
