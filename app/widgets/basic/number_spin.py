"""The two spin boxes of the program; every field for a number is one of them. They read what is
typed in any writing, and a number that they do not take goes to the nearest that they take."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

from app.widgets.basic.typed_number import LONGEST, typed_number


class DecimalSpin(QDoubleSpinBox):
    """For numbers with a fraction, which is rounded to what the field shows."""

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return _state(self, text), text, position

    def fixup(self, text: str) -> str:
        number = _number(self, text)
        return text if number is None else self.textFromValue(float(_nearest(self, number)))

    def valueFromText(self, text: str) -> float:
        number = _number(self, text)
        return self.value() if number is None else float(_nearest(self, number))


class WholeSpin(QSpinBox):
    """For whole numbers. A fraction that is typed is rounded."""

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return _state(self, text), text, position

    def fixup(self, text: str) -> str:
        number = _number(self, text)
        return text if number is None else self.textFromValue(int(_nearest(self, number)))

    def valueFromText(self, text: str) -> int:
        number = _number(self, text)
        return self.value() if number is None else int(_nearest(self, number))

    def typed(self) -> int | None:
        """The whole number that stands in the field, whether or not the field takes it."""
        number = _number(self, self.text())
        return None if number is None else round(number)


def _bare(spin: DecimalSpin | WholeSpin, text: str) -> str:
    return text.removeprefix(spin.prefix()).removesuffix(spin.suffix())


def _number(spin: DecimalSpin | WholeSpin, text: str) -> Decimal | None:
    whole = isinstance(spin, QSpinBox)
    return typed_number(_bare(spin, text), spin.maximum(), whole, spin.locale())


def _nearest(spin: DecimalSpin | WholeSpin, number: Decimal) -> Decimal:
    decimals = 0 if isinstance(spin, QSpinBox) else spin.decimals()
    low, high = Decimal(str(spin.minimum())), Decimal(str(spin.maximum()))
    return min(max(number, low), high).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _state(spin: DecimalSpin | WholeSpin, text: str) -> QValidator.State:
    number, bare = _number(spin, text), _bare(spin, text)
    if number is not None and spin.minimum() <= number <= spin.maximum():
        return QValidator.State.Acceptable
    is_begun = number is not None or not any(sign.isalpha() for sign in bare)
    fits = is_begun and len(bare) <= LONGEST
    return QValidator.State.Intermediate if fits else QValidator.State.Invalid
