"""The choice of the scheduler, with a sentence on what it does. The main window shows it in the
recipe."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStyledItemDelegate, QVBoxLayout, QWidget

from app import wording
from app.i18n import tr
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.plain_label import PlainLabel


class SchedulerPicker(QWidget):
    """A list of schedulers by label; the sentence of the current one stands under it."""

    schedulerChosen = Signal(str)
    dropRequested = Signal()  # of what acts besides the controls

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
        self._extras = PlainLabel("note")
        self._extras.setWordWrap(True)
        self._drop = IconButton("close", bare=True)
        self._drop.setObjectName("dropExtrasButton")
        self._label.setBuddy(self._picker)
        self.set_extras("")
        self.retranslate()

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self._label)
        layout.addWidget(self._picker)
        layout.addWidget(self._sentence)
        extras = QHBoxLayout()
        extras.addWidget(self._extras, 1)
        extras.addWidget(self._drop, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(extras)

        self._picker.currentIndexChanged.connect(self._choose)
        self._drop.clicked.connect(self.dropRequested)

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

    def set_extras(self, text: str) -> None:
        """What acts besides the controls, in words; "" for nothing."""
        self._extras.setText(text)
        for part in (self._extras, self._drop):
            part.setVisible(bool(text))

    def retranslate(self) -> None:
        self._drop.setAccessibleName(tr("Leave these settings out"))
        self._drop.setToolTip(
            tr("These settings came with a file and have no control here. Leave them out.")
        )
        self._label.setText(wording.label("scheduler"))
        self._picker.setAccessibleName(wording.label("scheduler"))
        self._picker.setPlaceholderText(tr("Choose a scheduler"))
        self._picker.setToolTip(wording.tooltip("scheduler"))

    def _choose(self, row: int) -> None:
        self._describe()
        if row >= 0:
            self.schedulerChosen.emit(self._picker.itemData(row))

    def _describe(self) -> None:
        sentence = self._sentences.get(self._picker.currentData(), "")
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self._picker.setAccessibleDescription(sentence)
