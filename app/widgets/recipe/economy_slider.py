"""How much the steps of a run take over from each other: one slider from exact to fast, with a
sentence on what it does. The main window shows it in the recipe."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app import wording
from app.i18n import tr
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.basic.slider_spin import JumpSlider


class EconomySlider(QWidget):
    """A level from 0, the exact one, up; the sentence of the present one stands under it."""

    levelChosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sentences = [""]
        self._label = PlainLabel("caption")
        self._exact = PlainLabel("note")
        self._slider = JumpSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("economySlider")
        self._slider.setPageStep(1)
        self._slider.setRange(0, 0)
        self._fast = PlainLabel("note")
        self._sentence = PlainLabel("note")
        self._sentence.setWordWrap(True)
        self._label.setBuddy(self._slider)
        self.retranslate()

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(10)
        layout.setVerticalSpacing(3)
        layout.addWidget(self._label, 0, 0, 1, 3)
        layout.addWidget(self._exact, 1, 0)
        layout.addWidget(self._slider, 1, 1)
        layout.addWidget(self._fast, 1, 2)
        layout.addWidget(self._sentence, 2, 0, 1, 3)

        self._slider.valueChanged.connect(self._choose)

    def set_sentences(self, sentences: list[str]) -> None:
        """What each level does, from the exact one on; the present one stays present."""
        self._sentences = sentences
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, len(sentences) - 1)
        self._describe()

    def set_level(self, level: int) -> None:
        with QSignalBlocker(self._slider):
            self._slider.setValue(level)
        self._describe()

    def retranslate(self) -> None:
        self._label.setText(tr("Speed"))
        self._exact.setText(tr("Exact"))
        self._fast.setText(tr("Fast"))
        self._slider.setAccessibleName(tr("Speed, from exact to fast"))
        self._slider.setToolTip(wording.tooltip("feature_reuse"))

    def _choose(self, level: int) -> None:
        self._describe()
        self.levelChosen.emit(level)

    def _describe(self) -> None:
        sentence = self._sentences[self._slider.value()]
        self._sentence.setText(sentence)
        self._slider.setAccessibleDescription(sentence)
