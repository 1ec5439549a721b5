"""Which settings a grid of pictures goes over, and with which values. The main window shows it over
the canvas when a person asks for a comparison."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QStyledItemDelegate,
    QWidget,
)

from app.i18n import tr
from app.widgets.basic.action_bar import ActionBar
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.basic.typed_number import typed_list

NONE = "—"
OF_NUMBERS = {"guidance": float, "steps": int, "seed": int}
"""The settings whose values are numbers, and of which kind."""


class CompareBar(ActionBar):
    """The first axis goes across the grid, the second, which may be left out, down it."""

    axesChanged = Signal(tuple)
    compareRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("compare", parent)
        self._examples: dict[str, str] = {}
        self._typed: dict[str, str] = {}
        self._across = ""
        self._captions = PlainLabel("caption"), PlainLabel("caption")
        self._pickers = _picker("compareFirstField"), _picker("compareSecondField")
        self._lines = QLineEdit(), QLineEdit()
        self._lines[0].setObjectName("compareFirstValues")
        self._lines[1].setObjectName("compareSecondValues")
        self._note = PlainLabel("note")
        self._note.setObjectName("compareNote")
        self._note.setWordWrap(True)
        for caption, picker in zip(self._captions, self._pickers, strict=True):
            caption.setBuddy(picker)
        self.set_fields([])
        self.retranslate()

        layout = QGridLayout(self)
        layout.setContentsMargins(16, 9, 16, 10)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(8)
        for row, (caption, picker, line) in enumerate(self._axes):
            layout.addWidget(caption, row, 0)
            layout.addWidget(picker, row, 1)
            layout.addWidget(line, row, 2)
        layout.addWidget(self.close_button, 0, 3)
        foot = QHBoxLayout()
        foot.addWidget(self._note, 1)
        foot.addWidget(self.start)
        layout.addLayout(foot, 2, 0, 1, 4)
        layout.setColumnStretch(2, 1)

        for axis, (_, picker, line) in enumerate(self._axes):
            picker.currentIndexChanged.connect(self._choose)
            line.textEdited.connect(lambda text, axis=axis: self._type(axis, text))
        self.start.clicked.connect(self.compareRequested)

    @property
    def _axes(self) -> tuple[tuple[PlainLabel, QComboBox, QLineEdit], ...]:
        return tuple(zip(self._captions, self._pickers, self._lines, strict=True))

    def first_control(self) -> QWidget:
        return self._lines[0]

    def set_fields(self, fields: list[tuple[str, str, str]]) -> None:
        """fields: (field, label, example) of every setting that can be compared. What is chosen
        stays where it still can be, and so do the values that were typed; ask `axes` afterwards."""
        chosen = self._fields()
        self._examples = {field: example for field, _, example in fields}
        for picker, field in zip(self._pickers, chosen, strict=True):
            with QSignalBlocker(picker):
                picker.clear()
                if picker is self._pickers[1]:
                    picker.addItem(NONE, "")
                for name, label, _ in fields:
                    picker.addItem(label, name)
                picker.setCurrentIndex(max(0, picker.findData(field)))
        if self._fields()[0] == self._fields()[1]:
            self._pick_down("")
        self._show_values()

    def axes(self) -> tuple[tuple[str, str], ...]:
        """(field, values) of every axis in use, the one across first. Values are as they are typed,
        but for numbers, which are told with decimal points and commas between them."""
        return tuple((field, self._plain(field)) for field in self._fields() if field)

    def set_note(self, text: str, wrong: bool) -> None:
        """What the comparison would make, or, where it is `wrong`, why it cannot."""
        self._note.setText(text)
        for line in self._lines:
            line.setAccessibleDescription(text)
        role = "alarm" if wrong else "note"
        if self._note.property("role") != role:
            self._note.setProperty("role", role)
            self._note.style().unpolish(self._note)
            self._note.style().polish(self._note)

    def retranslate(self) -> None:
        super().retranslate()
        self.setAccessibleName(tr("Comparison"))
        self._captions[0].setText(tr("Across"))
        self._captions[1].setText(tr("Down"))
        across = tr("The setting that differs from left to right in the grid.")
        down = tr("The setting that differs from top to bottom in the grid, if there is a second.")
        words = (
            (tr("Setting across"), tr("Values across"), across),
            (tr("Setting down"), tr("Values down"), down),
        )
        values = tr("One picture is made with each of these values, and nothing else differs.")
        for (_, picker, line), (setting, row, tooltip) in zip(self._axes, words, strict=True):
            picker.setAccessibleName(setting)
            picker.setToolTip(tooltip)
            line.setAccessibleName(row)
            line.setToolTip(values)
        self.start.setText(tr("Compare"))
        self.start.setAccessibleName(tr("Make the comparison"))
        self.start.setToolTip(tr("Make the grid of pictures: one run for each of them."))

    def _fields(self) -> tuple[str, str]:
        first, second = (picker.currentData() or "" for picker in self._pickers)
        return first, second

    def _values(self, field: str) -> str:
        return self._typed.get(field, self._examples.get(field, ""))

    def _plain(self, field: str) -> str:
        kind = OF_NUMBERS.get(field)
        text = self._values(field)
        return typed_list(text, kind is int, self.locale()) if kind else text

    def _pick_down(self, field: str) -> None:
        with QSignalBlocker(self._pickers[1]):
            self._pickers[1].setCurrentIndex(self._pickers[1].findData(field))

    def _choose(self) -> None:
        if self._fields()[0] == self._fields()[1]:
            self._pick_down(self._across)
        self._show_values()
        self.axesChanged.emit(self.axes())

    def _show_values(self) -> None:
        """Every line with the values of its setting; a setting cannot go both ways."""
        self._across = self._fields()[0]
        for field, line in zip(self._fields(), self._lines, strict=True):
            line.setVisible(bool(field))
            line.setPlaceholderText(self._examples.get(field, ""))
            if line.text() != self._values(field):
                line.setText(self._values(field))
        down = self._pickers[1].model()
        assert isinstance(down, QStandardItemModel)
        for row in range(down.rowCount()):
            down.item(row).setEnabled(not row or self._pickers[1].itemData(row) != self._across)

    def _type(self, axis: int, text: str) -> None:
        self._typed[self._fields()[axis]] = text
        self.axesChanged.emit(self.axes())


def _picker(name: str) -> QComboBox:
    picker = QComboBox()
    picker.setObjectName(name)
    picker.setMinimumContentsLength(8)
    picker.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    # The style sheet reaches the rows of the list only through this delegate.
    picker.setItemDelegate(QStyledItemDelegate(picker))
    return picker
