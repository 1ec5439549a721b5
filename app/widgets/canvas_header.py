"""The line over the picture: what is shown, which view of it, save and copy. The main window shows
it above the canvas."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from app.i18n import tr
from app.widgets.icon_button import IconButton
from app.widgets.plain_label import PlainLabel

ROOMY = 600


class CanvasHeader(QWidget):
    """The two views are the predicted picture and the noisy latents. canSaveChanged follows
    set_can_save, for menus that offer the same."""

    viewChosen = Signal(str)
    saveRequested = Signal()
    copyRequested = Signal()
    canSaveChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = PlainLabel("title", elided=True)
        self._views = {"predicted": QPushButton(), "noisy": QPushButton()}
        group = QButtonGroup(self)
        for side, (view, button) in zip(("left", "right"), self._views.items(), strict=True):
            button.setObjectName(f"{view}Button")
            button.setCheckable(True)
            button.setProperty("segment", side)
            group.addButton(button)
        self._views["predicted"].setChecked(True)
        self._copy = IconButton("copy")
        self._save = IconButton("save")
        self._copy.setObjectName("copyButton")
        self._save.setObjectName("saveButton")
        self.set_can_save(False)
        self.retranslate()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        layout.setSpacing(0)
        layout.addWidget(self._title, 1)
        layout.addSpacing(12)
        for button in self._views.values():
            layout.addWidget(button)
        layout.addSpacing(16)
        layout.addWidget(self._copy)
        layout.addSpacing(8)
        layout.addWidget(self._save)

        for view, button in self._views.items():
            button.toggled.connect(lambda on, view=view: on and self.viewChosen.emit(view))
        self._save.clicked.connect(self.saveRequested)
        self._copy.clicked.connect(self.copyRequested)

    def set_title(self, text: str) -> None:
        self._title.setText(text)

    def set_view(self, view: str) -> None:
        """view: "predicted" or "noisy"."""
        with QSignalBlocker(self._views["predicted"]), QSignalBlocker(self._views["noisy"]):
            self._views[view].setChecked(True)
        for button in self._views.values():
            button.update()

    def set_can_save(self, can_save: bool) -> None:
        """Whether there is a picture to save or to copy."""
        self._save.setEnabled(can_save)
        self._copy.setEnabled(can_save)
        self.canSaveChanged.emit(can_save)

    def retranslate(self) -> None:
        texts = (
            (
                self._views["predicted"],
                tr("Predicted picture"),
                tr("Show the finished picture as the model sees it coming at this step."),
            ),
            (
                self._views["noisy"],
                tr("Noisy latents"),
                tr(
                    "Show the latents as they are at this step, with the noise that is still there."
                ),
            ),
            (self._copy, tr("Copy"), tr("Copy the picture that is shown to the clipboard.")),
            (self._save, tr("Save"), tr("Save the picture that is shown as a file.")),
        )
        for button, name, tooltip in texts:
            button.setText(name)
            button.setAccessibleName(name)
            button.setToolTip(tooltip)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """In a narrow window the title matters more than the words on two plain buttons."""
        for button in (self._copy, self._save):
            button.setText(button.accessibleName() if self.width() >= ROOMY else "")
