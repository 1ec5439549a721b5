"""The seed: a number, a dice to draw another, a lock to keep it. The main window shows it in the
recipe."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QSignalBlocker, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from app import wording
from app.i18n import tr
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.basic.typed_number import typed_number

LARGEST_SEED = 2**63 - 1


class SeedValidator(QValidator):
    """Lets whole numbers from 0 to 2**63 - 1 through, in any writing, drops the blanks around a
    pasted one, and puts the last seed back into a field that was left empty."""

    last = 0

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        bare = text.strip()
        if not bare:
            return QValidator.State.Intermediate, bare, 0
        fits = _seed(bare) is not None
        state = QValidator.State.Acceptable if fits else QValidator.State.Invalid
        return state, bare, min(position, len(bare))

    def fixup(self, text: str) -> str:
        return str(self.last)


class SeedField(QWidget):
    """Emits a seed as soon as what is typed is one; an empty field goes back to the last one."""

    seedChanged = Signal(object)
    lockChanged = Signal(bool)
    diceRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = PlainLabel("caption")
        self._field = QLineEdit("0")
        self._field.setObjectName("seedField")
        self._seed = SeedValidator(self)
        self._field.setValidator(self._seed)
        self._dice = IconButton("dice", bare=True)
        self._lock = IconButton("lock-open", bare=True)
        self._lock.setCheckable(True)
        self._dice.setObjectName("diceButton")
        self._lock.setObjectName("lockButton")
        self._label.setBuddy(self._field)
        self.retranslate()

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(5)
        layout.addWidget(self._label, 0, 0, 1, 3)
        layout.addWidget(self._field, 1, 0)
        layout.addWidget(self._dice, 1, 1)
        layout.addWidget(self._lock, 1, 2)

        self._field.textChanged.connect(self._read)
        self._field.editingFinished.connect(self._tidy)
        self._dice.clicked.connect(self.diceRequested)
        self._lock.toggled.connect(self.lockChanged)
        self._lock.toggled.connect(self._show_lock)

    def set_seed(self, seed: int) -> None:
        self._seed.last = seed
        if self._field.text() != str(seed):
            with QSignalBlocker(self._field):
                self._field.setText(str(seed))

    def set_locked(self, locked: bool) -> None:
        with QSignalBlocker(self._lock):
            self._lock.setChecked(locked)
        self._show_lock(locked)

    def retranslate(self) -> None:
        self._label.setText(wording.label("seed"))
        self._field.setAccessibleName(wording.label("seed"))
        self._field.setToolTip(wording.tooltip("seed"))
        self._dice.setAccessibleName(tr("New seed"))
        self._dice.setToolTip(tr("Throw the dice: start from other noise, for another picture."))
        self._lock.setAccessibleName(tr("Keep the seed"))
        self._show_lock(self._lock.isChecked())

    def _show_lock(self, locked: bool) -> None:
        self._lock.set_icon("lock" if locked else "lock-open")
        self._lock.setToolTip(
            tr("Locked: every picture grows from this seed.")
            if locked
            else tr("Open: every picture grows from a new seed. Lock it to keep this one.")
        )

    def _read(self, text: str) -> None:
        seed = _seed(text)
        if seed is not None and seed != self._seed.last:
            self._seed.last = seed
            self.seedChanged.emit(seed)

    def _tidy(self) -> None:
        """The seed as a plain number in place of what was typed, such as "4,"."""
        self.set_seed(self._seed.last)


def _seed(text: str) -> int | None:
    """The seed that the text says, None if it says none."""
    number = typed_number(text, LARGEST_SEED, True, QLocale())
    if number is None or not 0 <= number <= LARGEST_SEED or number != int(number):
        return None
    return int(number)
