"""The question whether to change the model while a picture develops. The main window shows it over
the canvas; the run goes on until it is answered."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.basic.plain_label import PlainLabel


class SwitchBar(QFrame):
    """Hidden while there is nothing to ask. It takes the keyboard focus, so that Enter and Escape
    answer, and gives it back afterwards; Escape keeps the present model."""

    afterwardsChosen = Signal()
    nowChosen = Signal()
    keepChosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("switchBar")
        self._focused_before: QWidget | None = None
        self._text = PlainLabel()
        self._text.setWordWrap(True)
        self._afterwards, self._now, self._keep = (QPushButton() for _ in range(3))
        self._afterwards.setObjectName("afterwardsButton")
        self._now.setObjectName("stopAndLoadButton")
        self._keep.setObjectName("keepButton")
        for button in self._answers:
            button.setAutoDefault(True)
        self.hide()
        self.retranslate()

        answers = QHBoxLayout()
        answers.setSpacing(8)
        for button in self._answers:
            answers.addWidget(button)
        answers.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 9, 16, 10)
        layout.setSpacing(8)
        layout.addWidget(self._text)
        layout.addLayout(answers)

        self._afterwards.clicked.connect(self.afterwardsChosen)
        self._now.clicked.connect(self.nowChosen)
        self._keep.clicked.connect(self.keepChosen)

    @property
    def _answers(self) -> tuple[QPushButton, ...]:
        return self._afterwards, self._now, self._keep

    def set_question(self, text: str) -> None:
        """Asks `text`, in place of what was asked. "" hides the bar."""
        self._text.setText(text)
        self.setAccessibleDescription(text)
        for button in self._answers:
            button.setAccessibleDescription(text)
        if text and self.isHidden():
            self._focused_before = QApplication.focusWidget()
            self.show()
            self._afterwards.setFocus()
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        elif not text and not self.isHidden():
            before, self._focused_before = self._focused_before, None
            if before is not None and before.isVisible() and self._has_focus():
                before.setFocus()
            self.hide()

    def event(self, event: QEvent) -> bool:
        # Without this the error bar's own Escape would take the key first.
        if event.type() == QEvent.Type.ShortcutOverride and _is_escape(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_escape(event):
            self.keepChosen.emit()
        else:
            super().keyPressEvent(event)

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Change the model?"))
        texts = (
            (
                self._afterwards,
                tr("Load afterwards"),
                tr("Let the picture develop to its end, and load the model then."),
            ),
            (
                self._now,
                tr("Stop and load"),
                tr("End this run now: the picture stays as unfinished as it is."),
            ),
            (
                self._keep,
                tr("Keep this model"),
                tr("Change nothing: the picture develops further (Escape)."),
            ),
        )
        for button, name, tooltip in texts:
            button.setText(name)
            button.setAccessibleName(name)
            button.setToolTip(tooltip)

    def _has_focus(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is not None and self.isAncestorOf(focused)


def _is_escape(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
