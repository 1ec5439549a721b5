"""The choice of the model. The main window shows it at the head of the recipe."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QStyledItemDelegate, QWidget

from app import commands
from app.i18n import tr
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.plain_label import PlainLabel, plain_tooltip


class ModelPicker(QWidget):
    """A list of models by label, and a button that asks for a folder with another one. A choice is
    a wish: `set_current` shows what is in use."""

    modelChosen = Signal(str)
    openFolderRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = PlainLabel("caption")
        self._picker = QComboBox()
        self._picker.setObjectName("modelPicker")
        self._picker.setMinimumContentsLength(8)
        # The style sheet reaches the rows of the list only through this delegate.
        self._picker.setItemDelegate(QStyledItemDelegate(self._picker))
        self._picker.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._open = IconButton(commands.OPEN_MODEL.icon, bare=True)
        self._open.setObjectName("openModelButton")
        self._label.setBuddy(self._picker)
        self.retranslate()

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(5)
        layout.addWidget(self._label, 0, 0, 1, 2)
        layout.addWidget(self._picker, 1, 0)
        layout.addWidget(self._open, 1, 1)
        layout.setColumnStretch(0, 1)

        self._picker.activated.connect(self._choose)
        self._open.clicked.connect(self.openFolderRequested)

    def set_models(self, models: list[tuple[str, str, str]]) -> None:
        """models: (id, label, folder) of each, folder "" where there is none to tell; the current
        one stays current if it is still there."""
        current = self._picker.currentData()
        with QSignalBlocker(self._picker):
            self._picker.clear()
            for row, (model_id, label, folder) in enumerate(models):
                self._picker.addItem(label, model_id)
                if folder:
                    self._picker.setItemData(
                        row, plain_tooltip(folder), Qt.ItemDataRole.ToolTipRole
                    )
            self._picker.setCurrentIndex(self._picker.findData(current))

    def set_current(self, model_id: str) -> None:
        """Shows the model with this id, or none when the list does not have it."""
        with QSignalBlocker(self._picker):
            self._picker.setCurrentIndex(self._picker.findData(model_id))

    def retranslate(self) -> None:
        self._label.setText(tr("Model"))
        self._picker.setAccessibleName(tr("Model"))
        self._picker.setPlaceholderText(tr("Choose a model"))
        self._picker.setToolTip(
            tr("The model that makes the picture: it decides what can be drawn.")
        )
        self._open.setAccessibleName(commands.OPEN_MODEL.button_text)
        self._open.setToolTip(commands.OPEN_MODEL.tooltip)

    def _choose(self, row: int) -> None:
        self.modelChosen.emit(self._picker.itemData(row))
