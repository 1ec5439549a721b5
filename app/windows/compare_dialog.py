"""The dialog that compares two pictures of the gallery: the one over the other, and what differs in
their recipes. app.wiring.gallery fills it.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.widgets.basic.on_screen import FittedDialog
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.picture.difference_table import DifferenceTable
from app.widgets.picture.divided_picture import FINE, DividedPicture


class CompareDialog(FittedDialog):
    """Not modal: pictures go on developing behind it, and another pair takes the place of this."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareDialog")
        self._names = PlainLabel(elided=True), PlainLabel(elided=True)
        self._names[1].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._over, self._beside = QPushButton(), QPushButton()
        self._over.setObjectName("compareOverButton")
        self._beside.setObjectName("compareBesideButton")
        group = QButtonGroup(self)
        for side, button in (("left", self._over), ("right", self._beside)):
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setProperty("segment", side)
            group.addButton(button)
        self._over.setChecked(True)
        self._pictures = DividedPicture()
        self._table = DifferenceTable()
        self._same = PlainLabel("note")
        self._same.setObjectName("compareSame")
        self._same.setWordWrap(True)
        self._same.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.retranslate()

        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(self._names[0], 1)
        head.addSpacing(12)
        head.addWidget(self._over)
        head.addWidget(self._beside)
        head.addSpacing(12)
        head.addWidget(self._names[1], 1)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self._pictures)
        parts.addWidget(self._table)
        parts.setStretchFactor(0, 1)
        parts.setSizes([470, 190])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(parts, 1)
        layout.addWidget(self._same)
        self.resize(900, 740)
        self.setMinimumSize(520, 420)

        self._beside.toggled.connect(self._pictures.set_beside)

    def show_pair(
        self,
        left: QImage,
        right: QImage,
        left_name: str,
        right_name: str,
        rows: Sequence[tuple[str, str, str]],
    ) -> None:
        """Open with these two. rows: (what, left value, right value) of every setting that
        differs."""
        names = tuple(" ".join(name.split()) for name in (left_name, right_name))
        for label, name in zip(self._names, names, strict=True):
            label.setText(name)
            label.setAccessibleName(name)
        self._pictures.set_pictures(left, right)
        self._pictures.setValue(FINE // 2)
        self._table.set_rows((names[0], names[1]), rows)
        self._table.setVisible(bool(rows))
        self._same.setVisible(not rows)
        self.show()
        self.raise_()
        self.activateWindow()
        self._pictures.setFocus()

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Two pictures"))
        self._same.setText(tr("Both pictures have the same recipe."))
        texts = (
            (self._over, tr("Over each other"), tr("Lay the pictures over each other.")),
            (self._beside, tr("Side by side"), tr("Put the pictures beside each other.")),
        )
        for button, name, tooltip in texts:
            button.setText(name)
            button.setAccessibleName(name)
            button.setToolTip(tooltip)
        self._pictures.retranslate()
        self._table.retranslate()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
